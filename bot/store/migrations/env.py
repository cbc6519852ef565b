"""What Alembic runs migrations with: the connection it is handed by ``bot.store.migrate``, in that transaction.

A new migration is a file in ``versions`` with the next number; tests/store/test_migrate.py says how it and the schema
differ. Alembic's own command line is not used: a database is migrated by starting Unitbot.
"""

from alembic import context

from bot.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
