"""Bring a database to this version's schema, by one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, false, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.store.schema import audit
from bot.store.transactions import writing

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x756E6974  # "unit"
"""Whoever migrates a PostgreSQL database holds the advisory lock of this number."""


async def migrate(engine: AsyncEngine) -> None:
    """Run the migrations that are missing, in one transaction; whoever comes second waits and then finds them done.

    Raises:
        DatabaseUnusable: the schema is newer than this program, a migration failed, or nothing can be written; then
            nothing has changed.
    """
    # On SQLite the transaction itself is the lock: `writing` begins it with `BEGIN IMMEDIATE`.
    async with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            for limit in ("lock_timeout", "statement_timeout"):
                await connection.execute(text(f"SET LOCAL {limit} = '50s'"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_upgrade)
        # Where nothing was missing, nothing has been written so far, which a read-only database allows.
        await connection.execute(delete(audit).where(false()))


def _upgrade(connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    present = set(MigrationContext.configure(connection).get_current_heads())
    unknown = present - {one.revision for one in script.walk_revisions()}
    if unknown:
        raise DatabaseUnusable(
            f"The database was last used by a newer Unitbot (schema {', '.join(sorted(unknown))}): run that version."
        )
    if present != set(script.get_heads()):
        command.upgrade(config, "head")
