"""Read one of Stora's lists page by page: resumed where it was cut off, and by one process at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from bot.core.kept import LEASE, Overtaken, Reading, Thing
from bot.core.problems import DatabaseUnusable, Problem, StoraDown
from bot.stora.keeper import Follower
from bot.stora.wire import Page

log = structlog.get_logger(__name__)

FIRST_RETRY, LAST_RETRY = 2.0, 60.0
"""Seconds until a failed sweep is tried again; doubled at each failure in a row."""
OVERLAP = timedelta(hours=1)
"""How far a reading that is not whole goes back behind the beginning of the one before: Stora's clock is not ours."""
OTHERS_LOOKED_AFTER = 1.0
"""Seconds between two looks at whether another process, which reads, has come to its end."""

Item = TypeVar("Item", bound=Thing)


@dataclass(frozen=True, slots=True)
class Sweep(Generic[Item]):
    """One list of Stora's."""

    name: str
    """`units` or `tenancies`."""
    ask: Callable[[int], Awaitable[Page[Item]]]
    """A page of it."""
    begins: Callable[[Reading], Awaitable[object]]
    """What must be read before the first page."""
    follower: Follower
    now: Callable[[], datetime]
    whole_every: timedelta = timedelta()
    """How often all of it is read; in between, only to where it is known."""

    async def run(self, since: datetime) -> None:
        """Have it read: here or, if another process is at it already, there; returns once that has ended.

        Args:
            since: Nothing need be read if a reading that has ended began later than this.

        Raises:
            Problem: it could not be read to its end; the next one goes on from there.
        """
        while True:
            reading = await self.follower.keeper.begin(
                self.name, self.now(), unless_since=since, whole_since=self.now() - self.whole_every
            )
            if reading is not None:
                with suppress(Overtaken):
                    await self._read(reading)
                    return
            await self.follower.catch_up()
            read = self.follower.readings.get(self.name)
            if read is not None and read.read_at > since:
                return
            await asyncio.sleep(OTHERS_LOOKED_AFTER)

    async def _read(self, reading: Reading) -> None:
        keeper = self.follower.keeper
        before_it = self.follower.readings.get(self.name)
        known_until = before_it.read_at - OVERLAP if before_it and not reading.whole else None
        async with self._kept_ours(reading):
            await self.begins(reading)
            pages, left_out = 0, 0
            before: Page[Item] | None = None
            back = False
            number: int | None = reading.page
            while number is not None:
                # Whatever our clock says, what this reading sees it has not seen before it began.
                at = max(self.now(), reading.started_at)
                page = await self.ask(number)
                if before is not None and not back and page.items and page.items == before.items:
                    raise StoraDown("the same page again")
                pages, left_out = pages + 1, left_out + page.left_out
                met = known_until is not None and any(_created_at(item) <= known_until for item in page.items)
                # A `next` behind an empty page would never end.
                following = page.next if not met and (page.items or page.left_out) else None
                back = before is not None and _fewer(page, before)
                if back:
                    # What was removed has moved the rest to earlier pages, past the place where we are.
                    following = max(1, number - 1)
                before = page
                reading = await keeper.page_read(reading, page.items, at, following or number + 1)
                await self.follower.catch_up()
                number = following
            unseen = await keeper.ended(reading, self.now())
        await self.follower.catch_up()
        warn_of(self.name, left_out)
        ended = f"{self.name} read"
        log.info(ended, pages=pages, whole=reading.whole, unseen=unseen)

    @asynccontextmanager
    async def _kept_ours(self, reading: Reading) -> AsyncIterator[None]:
        """Keep others from taking the reading over while we wait for Stora, or for room in the budget."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 4)
                with suppress(DatabaseUnusable):
                    await self.follower.keeper.extend(reading, self.now())

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


def _created_at(item: Thing) -> datetime:
    created_at: datetime = getattr(item, "created_at")  # noqa: B009 - of units and tenancies, not of sites
    return created_at


def _fewer(page: Page[Item], before: Page[Item]) -> bool:
    return page.count is not None and before.count is not None and page.count < before.count


def warn_of(things: str, left_out: int) -> None:
    """Say in the log that some of what Stora lists cannot be read."""
    if left_out:
        log.warning("left out because they cannot be read", things=things, count=left_out)


def left_of(period: float, since: datetime, now: datetime) -> float:
    """Seconds that are left of a period; one at most, should the clock have stepped back."""
    return min(period, max(0.0, period - (now - since).total_seconds()))


async def keep_fresh(
    read: Callable[[], Awaitable[object]],
    due: Callable[[], float],
    failed: Callable[[Problem, float], None],
    period: float,
) -> None:
    """Read when it is time, then again and again; after a failure sooner. Runs until cancelled.

    Args:
        read: The reading.
        due: Seconds until it is time for the next one.
        failed: Is told why one did not come to its end, and after how many seconds it is tried again.
        period: Seconds that are never waited longer for the next try.
    """
    retry = FIRST_RETRY
    while True:
        await asyncio.sleep(due())
        try:
            await read()
        except Problem as problem:
            wait = min(retry, period)
            failed(problem, wait)
            await asyncio.sleep(wait)
            retry = min(retry * 2, LAST_RETRY)
        else:
            retry = FIRST_RETRY
