"""Write down what Stora shows and says: many things that come at once in one transaction, and on nobody's way."""

import asyncio
from collections.abc import Iterable

import structlog

from bot.core.heard import Heard
from bot.core.kept import Seen
from bot.core.problems import DatabaseUnusable
from bot.stora.keeper import Follower

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Webhooks in one transaction at most: as many as can be answered before Stora loses its patience."""


class Recorder:
    """What is still to be written down. Bound to the running event loop."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._seen: list[Seen] = []
        self._heard: list[tuple[Heard, asyncio.Future[bool]]] = []
        self._something = asyncio.Event()

    def note(self, seen: Iterable[Seen]) -> None:
        """Somebody asked Stora: keep the answer soon. Should that fail, the next sweep finds it again."""
        self._seen += seen
        self._something.set()

    async def hear(self, heard: Heard) -> bool:
        """Keep what a webhook says; returns, once it is recorded, whether it is the first with its id.

        Raises:
            DatabaseUnusable: it is not recorded.
        """
        recorded: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._heard.append((heard, recorded))
        self._something.set()
        return await recorded

    async def run(self) -> None:
        """Until cancelled: write down what there is."""
        while True:
            await self._something.wait()
            seen, self._seen = self._seen, []
            heard, self._heard = self._heard[:AT_ONCE], self._heard[AT_ONCE:]
            if not self._heard:
                self._something.clear()
            waiting = [(one, recorded) for one, recorded in heard if not recorded.done()]
            try:
                new = set(await self._follower.keeper.keep(seen, [one for one, _ in waiting]))
                await self._follower.catch_up()
            except DatabaseUnusable as problem:
                log.warning("not written down", seen=len(seen), heard=len(waiting), reason=problem.reason)
                for _, recorded in waiting:
                    if not recorded.done():
                        recorded.set_exception(problem)
                continue
            for one, recorded in waiting:
                if not recorded.done():
                    recorded.set_result(one.event_id in new)
                    new.discard(one.event_id)  # the same event twice in one transaction is new once
