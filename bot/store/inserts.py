"""Inserts into a table that may have the row already, on both databases."""

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can still be told what to do `on_conflict`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_unless_there(connection: AsyncConnection, table: Table) -> Insert:
    """The statement that adds a row, or nothing where another row already has what must be unique.

    It names no constraint: PostgreSQL would let one that is not named fail where several insert the same at once.
    """
    return upsert(connection, table).on_conflict_do_nothing()
