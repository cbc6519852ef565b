"""No more calls than Stora allows in any second or minute; writes first, then people, then sweeps."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from bot.core.problems import DatabaseUnusable, StoraBusy
from bot.core.windows import Priority, Windows

__all__ = ["Alone", "Budget", "Ledger", "Priority"]

LOOK_EVERY = 5.0
"""Seconds between two looks at what other processes use, for those who show what remains."""


class Ledger(Protocol):
    """Where calls are counted. It keeps the budget's ``Windows`` as full as it knows them to be."""

    async def leave(self, priority: Priority) -> int | None:
        """Count one call that leaves now, if there is room for it; its number, else ``None``.

        Raises:
            DatabaseUnusable: nobody knows whether there is room.
        """

    def answered(self, number: int) -> None:
        """That call's answer has come, or its asker waits for it no longer."""

    def withdrawn(self, number: int) -> None:
        """That call was not made after all."""

    def hold(self, seconds: float) -> None:
        """Stora asked for so many seconds without a call."""

    async def look(self) -> None:
        """Find out what counts by now.

        Raises:
            DatabaseUnusable: it could not be found out.
        """

    async def settled(self) -> None:
        """Return when everything said so far has been recorded, or could not be."""


class Alone:
    """The ledger of a process that has the budget for itself: it counts in memory.

    Args:
        windows: Of the budget.
        departed: Told of each call that leaves. It must not wait.
        held: Told for how many seconds Stora wants no call. It must not wait either.
        earlier: When calls of an earlier process were answered at the latest, by the loop's clock.
        held_until: Until when an earlier process was to make no call, by the same.
    """

    def __init__(
        self,
        windows: Windows,
        departed: Callable[[], None] = lambda: None,
        held: Callable[[float], None] = lambda _: None,
        *,
        earlier: Iterable[float] = (),
        held_until: float = 0.0,
    ) -> None:
        self._windows = windows
        self._clock = asyncio.get_running_loop().time
        self._departed = departed
        self._held = held
        windows.recount(earlier)
        windows.hold(held_until)

    async def leave(self, priority: Priority) -> int | None:
        """Count one call that leaves now, if there is room for it."""
        now = self._clock()
        if self._windows.opens_at(now, priority) > now:
            return None
        self._windows.leave()
        self._departed()
        return 0

    def answered(self, number: int) -> None:  # noqa: ARG002 - one is like the other here
        """One of them has its answer."""
        self._windows.answer(self._clock())

    def withdrawn(self, number: int) -> None:  # noqa: ARG002 - the same
        """One of them was not made."""
        self._windows.withdraw()

    def hold(self, seconds: float) -> None:
        """Only who comes after us must be told."""
        self._held(seconds)

    async def look(self) -> None:
        """Nobody else counts."""

    async def settled(self) -> None:
        """It always is."""


@dataclass(order=True, slots=True)
class _Waiting:
    """Somebody who waits for room; the least is the one to go first."""

    priority: Priority
    ticket: int
    until: float = field(compare=False)
    admitted: asyncio.Future[int] = field(compare=False)


class Budget:
    """The API calls of the whole company, shared out by priority. Bound to the running event loop."""

    def __init__(self, per_second: int, per_minute: int, ledger: Callable[[Windows], Ledger] = Alone) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time  # the clock of the timers, so that both agree on when a window opens
        self._windows = Windows(per_second, per_minute)
        self._ledger = ledger(self._windows)
        self._waiting: list[_Waiting] = []
        self._tickets = itertools.count()
        self._changed = asyncio.Event()
        self._porter: asyncio.Task[None] | None = None
        self._asking = False

    @property
    def per_minute(self) -> int:
        """Calls that a minute holds."""
        return self._windows.per_minute

    @property
    def remaining(self) -> int:
        """Calls left in this minute, as far as this process knows."""
        return self._windows.remaining(self._clock())

    async def watch(self) -> None:
        """Find out again and again what other processes have used. Runs until cancelled."""
        while True:
            with suppress(DatabaseUnusable):
                await self._ledger.look()
            await asyncio.sleep(LOOK_EVERY)

    async def settled(self) -> None:
        """Return when everything that others must know of our calls has been recorded, or could not be."""
        await self._ledger.settled()

    def block(self, seconds: float) -> None:
        """Stora answered 429: nothing leaves for so long."""
        self._windows.hold(self._clock() + seconds)
        self._ledger.hold(seconds)
        self._changed.set()

    @asynccontextmanager
    async def call(self, priority: Priority, patience: float | None) -> AsyncIterator[None]:
        """Make one call inside the block, once there is room for it.

        Args:
            priority: Who asks.
            patience: Seconds to wait for room at most; ``None`` waits for as long as it takes.

        Raises:
            StoraBusy: there will be no room in that time.
            DatabaseUnusable: the budget is shared, and what others use cannot be found out.
        """
        number = await self._admitted(priority, patience)
        try:
            yield
        finally:
            self._ledger.answered(number)

    async def _admitted(self, priority: Priority, patience: float | None) -> int:
        until = float("inf") if patience is None else self._clock() + patience
        waiting = _Waiting(priority, next(self._tickets), until, self._loop.create_future())
        heapq.heappush(self._waiting, waiting)
        self._changed.set()
        if self._porter is None:
            self._porter_comes()
        try:
            async with asyncio.timeout(patience):
                return await waiting.admitted
        except TimeoutError:
            if waiting.admitted.cancelled():
                raise self._out_of_patience(priority) from None
            return waiting.admitted.result()  # room came in the very moment in which patience ended
        except asyncio.CancelledError:
            if not waiting.admitted.cancelled() and waiting.admitted.exception() is None:
                # The asker left between being let go and going: nothing has left for Stora.
                self._ledger.withdrawn(waiting.admitted.result())
                self._changed.set()
            raise

    def _out_of_patience(self, priority: Priority) -> StoraBusy | DatabaseUnusable:
        wait = self._windows.opens_at(self._clock(), priority) - self._clock()
        if self._asking and wait <= 0:
            return DatabaseUnusable("The database cannot be used. It does not answer in time.")
        return StoraBusy(max(1.0, wait))

    async def _let_go(self) -> None:
        """Let go whoever may go, most important first, until nobody waits any more."""
        while self._waiting:
            self._changed.clear()
            first = self._waiting[0]
            if first.admitted.done():
                heapq.heappop(self._waiting)
                continue
            self._asking = True
            try:
                number = await self._ledger.leave(first.priority)
            finally:
                self._asking = False
            if number is None:
                self._refuse_the_impatient()
                wait = self._windows.opens_at(self._clock(), first.priority) - self._clock()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
            elif first.admitted.done():
                self._ledger.withdrawn(number)
            else:
                first.admitted.set_result(number)

    def _refuse_the_impatient(self) -> None:
        """Tell those who wait in vain at once, and for how long they would have to wait."""
        now, ahead = self._clock(), 0
        for waiting in sorted(self._waiting):
            if waiting.admitted.done():
                continue
            opens = self._windows.opens_at(now, waiting.priority, ahead)
            if opens > waiting.until:
                waiting.admitted.set_exception(StoraBusy(opens - now))
            else:
                ahead += 1

    def _porter_comes(self) -> None:
        self._porter = self._loop.create_task(self._let_go())
        self._porter.add_done_callback(self._porter_left)

    def _porter_left(self, porter: asyncio.Task[None]) -> None:
        self._porter = None
        failure = None if porter.cancelled() else porter.exception()
        if failure is not None:  # nobody knows whether there is room, so nobody may go
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if not one.admitted.done():
                    one.admitted.set_exception(failure)
        elif self._waiting and not porter.cancelled():  # somebody came while the last one was leaving
            self._porter_comes()
