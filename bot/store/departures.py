"""When calls left for Stora, and until when it wants none, written down a moment later for the process after this one.

For SQLite, whose one process counts in memory. A call never waits for this; calls that the last moment before a kill
may have left unwritten are made up for by counting a whole second's calls too many.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.core.windows import MARGIN, MINUTE
from bot.store.calls import FURTHEST, HOLD
from bot.store.inserts import insert_unless_there, upsert
from bot.store.schema import holds, stora_calls
from bot.store.transactions import writing

EVERY = 0.2
"""Seconds between two writes, if there is anything to write. No longer than a second, for the reason above."""
ARRIVED = 2.0
"""Seconds after which a request has reached Stora, or never will: the process that sent it is gone."""
RUNNING = "departures"
"""The hold of this name is there while a process may have calls that are not written down."""


class Departures:
    """The record of one process.

    Attributes:
        ages: How many seconds ago the calls of earlier processes reached Stora at the latest.
        held: For how many more seconds Stora wants no call, as an earlier process heard.
    """

    def __init__(self, engine: AsyncEngine, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = now
        self._unwritten: list[float] = []
        self._held_until = 0.0
        self._some = asyncio.Event()
        self.ages: list[float] = []
        self.held = 0.0

    def note(self) -> None:
        """A call leaves now."""
        self._unwritten.append(self._now())
        self._some.set()

    def hold(self, seconds: float) -> None:
        """Stora wants no call for so long."""
        self._held_until = max(self._held_until, self._now() + seconds)
        self._some.set()

    async def recall(self, missed: int) -> None:
        """Find out what earlier processes did; so many calls are assumed beyond that if the last one was killed.

        Raises:
            DatabaseUnusable: it could not be found out.
        """
        now = self._now()
        async with writing(self._engine) as connection:
            left = list(await connection.scalars(select(stora_calls.c.left_at)))
            held_until = await connection.scalar(select(holds.c.until).where(holds.c.name == HOLD)) or 0.0
            begun = await connection.execute(insert_unless_there(connection, holds).values(name=RUNNING, until=now))
            # A clock that has stepped back would show these again at each start.
            await connection.execute(delete(stora_calls).where(stora_calls.c.left_at > now))
        killed = not begun.rowcount
        self.ages = [max(0.0, now - moment - ARRIVED) for moment in left] + [0.0] * (missed if killed else 0)
        if now < held_until < now + FURTHEST:
            self._held_until, self.held = held_until, held_until - now

    async def keep(self) -> None:
        """Write down what has left, again and again. Runs until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(EVERY)
            with suppress(DatabaseUnusable):
                await self.write()

    async def write(self) -> None:
        """Write down what has left, and forget what counts no more.

        Raises:
            DatabaseUnusable: it could not be; it will be tried again.
        """
        over = self._now() - MINUTE - MARGIN - ARRIVED
        writing_down, held_until = list(self._unwritten), self._held_until
        async with writing(self._engine) as connection:
            await connection.execute(delete(stora_calls).where(stora_calls.c.left_at <= over))
            if writing_down:
                await connection.execute(insert(stora_calls), [{"left_at": moment} for moment in writing_down])
            held = upsert(connection, holds).values(name=HOLD, until=held_until)
            await connection.execute(held.on_conflict_do_update(index_elements=["name"], set_={"until": held_until}))
        del self._unwritten[: len(writing_down)]
        if not self._unwritten and self._held_until == held_until:
            self._some.clear()

    async def end(self) -> None:
        """Everything has left that will leave.

        Raises:
            DatabaseUnusable: it could not be written down; the next process will take us for killed.
        """
        if self._some.is_set():
            await self.write()
        async with writing(self._engine) as connection:
            await connection.execute(delete(holds).where(holds.c.name == RUNNING))


@asynccontextmanager
async def departures(engine: AsyncEngine, missed: int) -> AsyncIterator[Departures]:
    """The record, kept up to date inside the block.

    Raises:
        DatabaseUnusable: what earlier processes did could not be found out.
    """
    record = Departures(engine)
    await record.recall(missed)
    keeping = asyncio.create_task(record.keep())
    try:
        yield record
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        with suppress(DatabaseUnusable):
            await record.end()
