"""An insert that leaves a row alone which is there already, on both databases."""

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_unless_there(connection: AsyncConnection, table: Table) -> Insert:
    """The statement that adds a row, or nothing where another row already has what must be unique.

    It names no constraint: PostgreSQL would let one that is not named fail where several insert the same at once.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
