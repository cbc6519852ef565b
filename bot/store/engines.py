"""An engine for each of the two databases, set so that what was recorded stays recorded and nobody waits for ever."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.core.problems import DatabaseUnusable
from bot.store.transactions import TURNS, WRITES, Turns

RETRY_SECONDS = 0.02
NETWORK_SECONDS = 60.0
"""After so long without an answer PostgreSQL itself, not a lock or a statement, is taken for lost."""


def place_of(url: URL) -> str:
    """The database as an operator calls it, without user, password and options."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {url.database}"
    return f"PostgreSQL database {url.database} on {url.host or url.query.get('host') or 'this machine'}"


def postgresql(url: URL, patience: float) -> AsyncEngine:
    """An engine for PostgreSQL; connects to nothing yet.

    Raises:
        DatabaseUnusable: the driver is not installed.
    """
    try:
        return create_async_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_timeout=patience,
            connect_args={
                "timeout": patience,
                "command_timeout": NETWORK_SECONDS,
                "server_settings": {
                    "application_name": "unitbot",
                    "lock_timeout": f"{1000 * patience:.0f}ms",
                    "statement_timeout": f"{2000 * patience:.0f}ms",
                    # A replica that is frozen inside a transaction must not keep the others from its rows.
                    "idle_in_transaction_session_timeout": f"{2000 * patience:.0f}ms",
                },
            },
        )
    except ModuleNotFoundError as missing:
        raise DatabaseUnusable(
            f"PostgreSQL needs the package {missing.name}: install Unitbot with its extra `postgres`."
        ) from None


def sqlite(url: URL, patience: float) -> AsyncEngine:
    """An engine for a SQLite file; opens nothing yet. Bound to one event loop.

    Raises:
        DatabaseUnusable: the URL names no plain file.
    """
    if not url.database or url.database.startswith((":", "file:")) or url.query:
        raise DatabaseUnusable(
            "SQLite takes the path of a file and no options: sqlite+aiosqlite:///unitbot.db. "
            "In memory it would forget reservations."
        )
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_timeout=patience,
        connect_args={"timeout": patience, "isolation_level": None},  # we say `BEGIN` ourselves, below
        execution_options={TURNS: Turns(asyncio.Lock(), patience)},
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    event.listen(engine.sync_engine, "invalidate", _on_invalidate)
    return engine


def prepare_sqlite(path: Path, patience: float) -> None:
    """Make the file, readable for its owner only, and let readers and the writer work at the same time. Blocks.

    Raises:
        OSError: the file cannot be made.
        sqlite3.Error: it is no database, or locked for longer than ``patience``.
    """
    if not path.exists():
        path.touch(mode=0o600)
    until = time.monotonic() + patience
    with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as connection:
        while not _write_ahead(connection, until):
            time.sleep(RETRY_SECONDS)


def _write_ahead(connection: sqlite3.Connection, until: float) -> bool:
    # Of all statements, only this one is refused at once, whatever the time-out, while somebody writes.
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
            raise
        return False
    return True


def _on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")  # with WAL, anything less may forget the last commits when power fails
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer: it fails at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


def _on_invalidate(connection: DBAPIConnection | None, _: ConnectionPoolEntry, exception: BaseException | None) -> None:
    # A cancelled statement leaves its cursor behind, and SQLite closes no connection, and gives up no lock, while there
    # is a cursor with rows to come. Without this the file stays locked until Python happens to collect its garbage.
    if connection is not None and isinstance(exception, asyncio.CancelledError):
        connection.rollback()
