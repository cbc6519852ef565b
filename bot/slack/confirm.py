"""The card's buttons: claim the decision before the effect, carry it out, and show what became of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.carry_out import LEASE, CarryOut
from bot.core.access import Actor, Permission, Role, Verdict, judge
from bot.core.intents import Release
from bot.core.parse import parse_button
from bot.core.problems import DatabaseUnusable, StaleButton
from bot.core.reservations import Decision, Outcome, Proposal
from bot.render.approvals import render_answer
from bot.render.reserve import (
    render_cancelled,
    render_in_progress,
    render_outcome,
    render_working,
)
from bot.slack.deliver import Reply
from bot.slack.gate import Gate, Subject
from bot.slack.outcomes import Outcomes
from bot.slack.people import People
from bot.store.approvals import Approvals
from bot.store.reservations import Reservations

CARD_SHOWN = 0.5
"""Seconds that the card may take to show that Stora is being asked. A slow Slack must not hold up the write."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """`Confirm reservation`, `Cancel` and `Release`."""

    people: People
    roles: tuple[Role, ...]
    reservations: Reservations
    approvals: Approvals
    gate: Gate
    carry_out: CarryOut
    outcomes: Outcomes
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    async def confirm(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Confirm reservation`: the one write."""
        actor = await self.people.actor(slack.body["user"]["id"])
        decision = await self._decision(slack.body["actions"][0].get("value"))
        verdict = await self._allowed(actor, "reserve", decision.proposal)
        begun = await self.reservations.begin(
            decision.proposal.id,
            actor.user_id,
            self.now(),
            LEASE,
            channel_id=reply.channel_id or None,
            response_url=reply.response_url or None,
            rule=verdict.rule,
        )
        assert begun is not None  # noqa: S101 - it was there a moment ago, and nothing deletes a decision
        await reply.later()  # not before: what Slack takes for done survives a kill
        await self._carried_out(reply, *begun, actor.user_id)

    async def cancel(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Cancel`: nothing was sent, and nothing will be."""
        await reply.later()
        decision = await self._decision(slack.body["actions"][0].get("value"))
        user_id = slack.body["user"]["id"]
        if user_id != decision.proposal.asked_by:
            await self._allowed(await self.people.actor(user_id), "reserve", decision.proposal)
        cancelled = await self.reservations.cancel(decision.proposal.id, user_id, self.now())
        await self._told(reply, cancelled or decision, user_id)

    async def release(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Release`: take back what was reserved through the bot."""
        actor = await self.people.actor(slack.body["user"]["id"])
        asked = parse_button(Release, slack.body["actions"][0].get("value"))
        reservation = await self._decision(asked.reservation_id)
        reserved = reservation.proposal
        if reservation.outcome is None or reservation.state != "done" or reserved.action != "reserve":
            raise StaleButton
        verdict = await self._allowed(actor, "release", reserved)
        proposal = replace(
            reserved,
            # Numbered, not drawn by chance: two clicks are one decision, and a refusal can be followed by another.
            id=f"{reserved.id}-release-{asked.attempt}",
            action="release",
            takes_back=reservation.outcome.allocation_id,
            idempotency_key=self.new_id(),
            asked_by=actor.user_id,
            asked_at=self.now(),
        )
        begun = await self.reservations.begin_new(
            proposal,
            actor.user_id,
            self.now(),
            LEASE,
            channel_id=reply.channel_id or None,
            response_url=reply.response_url or None,
            rule=verdict.rule,
        )
        await reply.later()
        await self._carried_out(reply, *begun, actor.user_id)

    async def _carried_out(self, reply: Reply, decision: Decision, ours: bool, viewer: str) -> None:  # noqa: FBT001 - a pair
        if not ours:
            await self._told(reply, decision, viewer)
            return
        unknown = Outcome("unknown")
        # From here on, nothing that goes wrong may read as if the reservation had failed.
        reply.if_it_fails = render_outcome(decision, unknown)
        showing = asyncio.ensure_future(reply.replace(render_working(decision.proposal)))
        await asyncio.wait([showing], timeout=CARD_SHOWN)
        try:
            outcome = await self.carry_out.send(decision)
        except DatabaseUnusable:
            outcome = unknown  # it is claimed, so it will be found out and recorded
        await showing
        await reply.replace(await self.outcomes.message(replace(decision, settled_at=self.now()), outcome, viewer))
        with suppress(DatabaseUnusable):  # then it is told once more
            await self.reservations.told(decision.proposal.id)

    async def _told(self, reply: Reply, decision: Decision, viewer: str) -> None:
        """The truth about a decision that was taken before."""
        if decision.state == "claimed":
            await reply.send(render_in_progress(decision))  # the card itself shows the first click's progress
        elif decision.outcome is None:
            request = await self.approvals.get(decision.proposal.id)  # declined, or too old, is not cancelled
            await reply.replace(render_answer(request) if request else render_cancelled(decision))
        else:
            await reply.replace(await self.outcomes.message(decision, decision.outcome, viewer))

    async def _decision(self, decision_id: object) -> Decision:
        decision = await self.reservations.get(str(decision_id or ""))
        if decision is None:
            raise StaleButton
        return decision

    async def _allowed(self, actor: Actor, permission: Permission, proposal: Proposal) -> Verdict:
        verdict = judge(actor, permission, self.roles, proposal.site_id)
        return await self.gate.admit(actor, verdict, permission, Subject.of(proposal))
