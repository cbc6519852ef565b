"""No more calls than Stora allows in any second or minute; writes first, then people, then sweeps."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from bot.core.problems import StoraBusy

MARGIN = 0.05
"""Seconds added to each window, for clocks that tick in steps and timers that fire early."""


class Priority(IntEnum):
    """Who goes first when calls are scarce."""

    WRITE = 0
    PERSON = 1
    SWEEP = 2


def kept_from(priority: Priority, limit: int) -> int:
    """How many calls of a window this kind of call must leave for more important ones.

    People leave a tenth to writes; sweeps leave half to everybody. At least one call is always left for the least.
    """
    if priority is Priority.WRITE:
        return 0
    kept = max(1, limit // 10) if priority is Priority.PERSON else -(-limit // 2)
    return min(limit - 1, kept)


@dataclass(slots=True)
class Window:
    """Calls in the last so many seconds, as the server may have counted them.

    We know when a call left and when its answer came, not when it arrived between the two. A call therefore counts
    from its departure until ``seconds`` after its answer: whatever the network did, no window at the server is fuller.
    """

    limit: int
    seconds: float
    in_flight: int = 0
    answered: deque[float] = field(default_factory=deque)

    def used(self, now: float) -> int:
        """Calls that count at ``now``."""
        while self.answered and self.answered[0] + self.seconds + MARGIN <= now:
            self.answered.popleft()
        return self.in_flight + len(self.answered)

    def opens_at(self, now: float, keep: int) -> float:
        """The earliest time at which more than ``keep`` calls are left, if no further call is made."""
        too_many = self.used(now) - (self.limit - keep) + 1
        if too_many <= 0:
            return now
        if too_many <= len(self.answered):
            return self.answered[too_many - 1] + self.seconds + MARGIN
        return now + self.seconds + MARGIN


class Budget:
    """The API calls of the whole company, shared out by priority. Bound to the running event loop."""

    def __init__(self, per_second: int, per_minute: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time  # the clock of the timers, so that both agree on when a window opens
        self._windows = (Window(per_second, 1.0), Window(per_minute, 60.0))
        self._blocked_until = 0.0
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._tickets = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def per_minute(self) -> int:
        """Calls that a minute holds."""
        return self._windows[1].limit

    @property
    def remaining(self) -> int:
        """Calls left in this minute."""
        window = self._windows[1]
        return max(0, window.limit - window.used(self._clock()))

    def block(self, seconds: float) -> None:
        """Stora answered 429: nothing leaves for so long."""
        self._blocked_until = max(self._blocked_until, self._clock() + seconds)

    @asynccontextmanager
    async def call(self, priority: Priority, patience: float | None) -> AsyncIterator[None]:
        """Make one call inside the block, once there is room for it.

        Args:
            priority: Who asks.
            patience: Seconds to wait for room at most; ``None`` waits for as long as it takes.

        Raises:
            StoraBusy: there will be no room in that time.
        """
        await self._admitted(priority, patience)
        try:
            yield
        finally:
            self._answered()

    async def _admitted(self, priority: Priority, patience: float | None) -> None:
        ahead = sum(1 for other, _, future in self._waiting if other <= priority and not future.done())
        wait = self._opens_at(priority, ahead) - self._clock()
        if patience is not None and wait > patience:
            raise StoraBusy(wait)
        admitted = self._loop.create_future()
        heapq.heappush(self._waiting, (priority, next(self._tickets), admitted))
        self._admit()
        try:
            async with asyncio.timeout(patience):
                await admitted
        except TimeoutError:
            if admitted.cancelled():
                # More important calls came in between, and what had been promised is no longer so.
                raise StoraBusy(max(1.0, self._opens_at(priority, 0) - self._clock())) from None
            # Otherwise room came in the very moment in which patience ended.
        except asyncio.CancelledError:
            if not admitted.cancelled():
                self._withdrawn()
            raise

    def _opens_at(self, priority: Priority, ahead: int) -> float:
        now = self._clock()
        opens = [window.opens_at(now, min(window.limit - 1, kept_from(priority, window.limit) + ahead))
                 for window in self._windows]  # fmt: skip
        return max(*opens, self._blocked_until)

    def _admit(self) -> None:
        """Let go whoever may go, most important first, and wake up again when the next one may."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            priority, _, future = self._waiting[0]
            if future.done():
                heapq.heappop(self._waiting)
                continue
            wait = self._opens_at(priority, 0) - self._clock()
            if wait > 0:
                self._timer = self._loop.call_later(wait, self._admit)
                return
            heapq.heappop(self._waiting)
            future.set_result(None)
            for window in self._windows:
                window.in_flight += 1

    def _withdrawn(self) -> None:
        """The asker left between being let go and going: nothing has left for Stora."""
        for window in self._windows:
            window.in_flight -= 1
        self._admit()

    def _answered(self) -> None:
        now = self._clock()
        for window in self._windows:
            window.in_flight -= 1
            window.answered.append(now)
        # Nobody is let go by this: the call still counts, and the timer is set for when it will not at the earliest.
