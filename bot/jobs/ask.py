"""Ask Stora for what is known to be out of date: what webhooks touched, and what a sweep did not see again."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.core.kept import Thing, Wanted
from bot.core.problems import DatabaseUnusable, NotFound, Problem
from bot.stora.client import StoraClient
from bot.stora.exchange import SWEEP
from bot.stora.keeper import Follower

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks at the database."""
AT_ONCE = 5
"""Questions claimed in one look; they wait for room in the budget one after the other."""
AFTER_FAILURE = 10.0
"""Seconds until the next question after one that Stora did not answer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The job."""

    client: StoraClient
    follower: Follower
    now: Callable[[], datetime]
    every: float = EVERY
    after_failure: float = AFTER_FAILURE

    async def run(self) -> None:
        """Until cancelled: ask for whatever is wanted; what gets no answer is asked for again later."""
        while True:
            pause = self.every
            try:
                wanted = await self.follower.keeper.to_ask(self.now(), AT_ONCE)
                answered = [await self._asked(one) for one in wanted]
                if not all(answered):
                    pause = self.after_failure
                elif len(wanted) == AT_ONCE:
                    pause = 0
            except DatabaseUnusable as problem:
                log.warning("not known what to ask", reason=problem.reason)
            await asyncio.sleep(pause)

    async def _asked(self, wanted: Wanted) -> bool:
        at = self.now()
        try:
            things: Sequence[Thing] | None = await self._shown(wanted.kind, wanted.id)
        except NotFound:
            log.info("gone at Stora", kind=wanted.kind)
            things = None
        except Problem as problem:
            log.info("not asked yet", kind=wanted.kind, problem=repr(problem))
            return False
        await self.follower.keeper.asked(wanted, at, things)
        await self.follower.catch_up()
        return True

    async def _shown(self, kind: str, id_: str) -> Sequence[Thing]:
        match kind:
            case "unit":
                return [await self.client.show_unit(id_, SWEEP)]
            case "tenancy":
                return [await self.client.show_tenancy(id_, SWEEP)]
            case _:
                return (await self.client.list_tenancies(SWEEP)).items
