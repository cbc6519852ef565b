"""Find out what became of decisions whose outcome is not known, and tell the people who confirmed them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.carry_out import CarryOut
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Decision, Outcome
from bot.slack.deliver import Deliver
from bot.slack.outcomes import Outcomes
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks at the database."""
TELLING = 60.0
"""Seconds that telling somebody may take, `Retry-After` of Slack's included; then it is tried again."""
CARD_SHOWN = 3.0
"""Seconds of them for the card: the direct message matters more, and no older truth may come after a newer one."""
AT_ONCE = 5
"""Decisions taken over in one look; each costs two or three calls to Stora."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The job."""

    reservations: Reservations
    carry_out: CarryOut
    outcomes: Outcomes
    deliver: Deliver
    now: Callable[[], datetime]
    every: float = EVERY
    turned: Callable[[], None] = lambda: None
    """Called after each look that the database answered."""
    telling: float = TELLING
    card_shown: float = CARD_SHOWN

    async def run(self) -> None:
        """Until cancelled: take over what nobody works on, and bring it to its end."""
        async with asyncio.TaskGroup() as telling:  # of its own: nobody waits for a Slack that wants to be left alone
            while True:
                try:
                    untold = await self.reservations.untold(self.now(), self.carry_out.lease, AT_ONCE)
                    taken = await self.reservations.take_over(self.now(), self.carry_out.lease, AT_ONCE)
                except DatabaseUnusable as problem:
                    log.warning("decisions not looked into", reason=problem.reason)
                else:
                    self.turned()
                    for decision in untold:
                        telling.create_task(self._tell(decision, decision.outcome or Outcome("unknown")))
                    async with asyncio.TaskGroup() as settling:
                        for decision in taken:
                            settling.create_task(self._settle(decision, telling))
                await asyncio.sleep(self.every)

    async def _settle(self, decision: Decision, telling: asyncio.TaskGroup) -> None:
        try:
            outcome = await self.carry_out.find_out(decision)
        except DatabaseUnusable as problem:
            log.warning("decision not settled", decision=decision.proposal.id, reason=problem.reason)
            return
        if not (outcome.state == decision.state == "unknown"):  # which the card says already
            telling.create_task(self._tell(decision, outcome))

    async def _tell(self, decision: Decision, outcome: Outcome) -> None:
        try:
            async with self.carry_out.claim_kept(decision), asyncio.timeout(self.telling):
                await self._said(decision, outcome)
        except TimeoutError:
            log.warning("not told yet", decision=decision.proposal.id)

    async def _said(self, decision: Decision, outcome: Outcome) -> None:
        try:
            settled = await self.reservations.get(decision.proposal.id) or decision
        except DatabaseUnusable:  # what was found out can be told all the same
            settled = decision
        person = decision.confirmed_by or decision.proposal.asked_by
        message = await self.outcomes.message(settled, outcome, person)
        if decision.response_url:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.card_shown):
                    await self.deliver.replace(decision.response_url, message)
        if outcome.state != "unknown":
            # A card that changes silently is not seen, and the person was told to wait.
            await self.deliver.direct(person, message)
        with suppress(DatabaseUnusable):  # then it is told once more
            await self.reservations.told(decision.proposal.id)
