"""Where what Stora showed is kept, so that a restart costs nothing and every process sees the same."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.heard import Heard
from bot.core.kept import Changes, Read, Reading, Seen, Thing, Wanted


class Keeper(Protocol):
    """What the directory needs of a memory. Every method raises ``DatabaseUnusable``."""

    async def since(self, version: int) -> Changes:
        """What has changed since then; everything there is since version 0."""

    async def keep(self, seen: Sequence[Seen], heard: Sequence[Heard] = ()) -> frozenset[str]:
        """Keep what Stora showed, what it no longer has and what its webhooks said; what is worth a word is owed.

        All of it in one transaction. Returns the ids of the events that are new.
        """

    async def begin(self, name: str, at: datetime, *, unless_since: datetime, whole_since: datetime) -> Reading | None:
        """Claim a reading: one that was cut off, our own at once and another's when its time is over; else a new one.

        Args:
            name: `units` or `tenancies`.
            at: Now.
            unless_since: No new one is begun if one that has ended began later than this.
            whole_since: The new one goes only to what is known if a whole one began later than this.

        Returns:
            ``None`` if another process reads, or nothing is due.
        """

    async def extend(self, reading: Reading, at: datetime) -> None:
        """We are still at it."""

    async def page_read(self, reading: Reading, things: Sequence[Thing], at: datetime, next_page: int) -> Reading:
        """Keep one page, asked for at ``at``; the reading that goes on from there.

        Raises:
            Overtaken: it is another's by now; nothing was kept.
        """

    async def ended(self, reading: Reading, at: datetime) -> int:
        """The reading has come to its end, and what it noticed may be told.

        What a whole one has not seen may be gone, or may have slipped to another page while we read: it is to be asked
        for by its id. What it has seen need not be any more.

        Returns:
            How many of these there are.

        Raises:
            Overtaken: it is another's by now.
        """

    async def to_ask(self, at: datetime, limit: int) -> Sequence[Wanted]:
        """Claim what is to be asked for, the longest wanted first."""

    async def asked(self, wanted: Wanted, at: datetime, things: Sequence[Thing] | None) -> None:
        """Keep the answer to a question; who has wanted it since it was claimed wants it anew, and waits a little.

        Args:
            wanted: As claimed.
            at: When the question left.
            things: What Stora showed; ``None``: it has nothing of that id.
        """


class Follower:
    """Brings what this process has in memory up to what is kept, whoever it was that changed it.

    Attributes:
        readings: By name, the last one that has ended.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self._version = 0
        self.readings: Mapping[str, Read] = {}
        self._followers: list[Callable[[Changes], Awaitable[None]]] = []
        self._turn = asyncio.Lock()

    def tell(self, follow: Callable[[Changes], Awaitable[None]]) -> None:
        """Call ``follow`` with all changes, in their order."""
        self._followers.append(follow)

    async def catch_up(self) -> None:
        """Take in what has changed since the last time.

        Raises:
            DatabaseUnusable: nothing is known of changes; what is in memory stays.
        """
        async with self._turn:
            changes = await self.keeper.since(self._version)
            for follow in self._followers:
                await follow(changes)
            self._version, self.readings = changes.version, changes.readings
