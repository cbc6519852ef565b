"""Reading and writing: every statement of the store runs inside one of these two blocks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.unusable import explained

TURNS = "unitbot_turns"
"""The engine's execution option that holds the ``Turns`` of SQLite."""
WRITES = "unitbot_writes"
"""The connection's execution option by which ``bot.store.engines`` knows that the transaction will write."""


@dataclass(frozen=True, slots=True)
class Turns:
    """SQLite has one writer at a time. Within a process a queue is faster and fairer than its polling."""

    lock: asyncio.Lock
    patience: float
    """Seconds to wait for one's turn."""


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for reading; nothing written on it stays.

    Raises:
        DatabaseUnusable: it cannot be reached, or fails.
    """
    with explained():
        async with engine.connect() as connection:
            yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction: all of it is recorded when the block ends, or nothing if it raises. Not to be nested.

    Raises:
        DatabaseUnusable: it cannot be reached, is locked for longer than its patience, or fails.
    """
    with explained():
        async with _turn(engine), engine.connect() as connection:
            await connection.execution_options(**{WRITES: True})
            async with connection.begin():
                yield connection


@asynccontextmanager
async def _turn(engine: AsyncEngine) -> AsyncIterator[None]:
    turns: Turns | None = engine.get_execution_options().get(TURNS)
    if turns is None:
        yield
        return
    async with asyncio.timeout(turns.patience):
        await turns.lock.acquire()
    try:
        yield
    finally:
        turns.lock.release()
