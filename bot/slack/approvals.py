"""`Ask for approval`, `Approve` and `Decline`: somebody else takes the decision, and the same path carries it out."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.carry_out import LEASE, CarryOut
from bot.core.access import Role, Verdict, allow_looking, judge, judge_approval
from bot.core.approvals import Request
from bot.core.inventory import UNKNOWN_STATUS
from bot.core.problems import ApprovalsOff, DatabaseUnusable, NotFound, Problem, StaleButton
from bot.core.reservations import Proposal
from bot.core.reserve import doubts_about
from bot.render.approvals import render_answer, render_too_late
from bot.render.reserve import warnings_in_words
from bot.slack.deliver import Reply
from bot.slack.gate import Gate, Subject
from bot.slack.people import People
from bot.stora.directory import Directory
from bot.stora.tenancies import TenancyBook
from bot.store.approvals import Approvals
from bot.store.reservations import Reservations


@dataclass(frozen=True, slots=True)
class Approving:
    """Requests, from the asker's card to the answer. Their messages are owed, so that they survive a kill."""

    people: People
    roles: tuple[Role, ...]
    directory: Directory
    tenancies: TenancyBook
    reservations: Reservations
    approvals: Approvals
    gate: Gate
    carry_out: CarryOut
    something_owed: asyncio.Event
    now: Callable[[], datetime]
    channel_id: str | None
    """Where requests are posted; ``None``: approvals are off."""

    async def ask(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Ask for approval`: once for each card, by the one whose card it is."""
        actor = await self.people.actor(slack.body["user"]["id"])
        allow_looking(actor)
        decision_id = str(slack.body["actions"][0].get("value") or "")
        decision = await self.reservations.get(decision_id)
        if decision is None or decision.proposal.asked_by != actor.user_id:
            raise StaleButton
        if self.channel_id is None:
            raise ApprovalsOff
        proposal = decision.proposal
        await self.approvals.ask(
            decision_id,
            self.now(),
            channel_id=self.channel_id,
            response_url=reply.response_url or None,
            warnings=self._warnings(proposal),
            rule=judge(actor, "reserve", self.roles, proposal.site_id).rule,
        )
        await reply.later()  # not before: what Slack takes for done survives a kill
        self.something_owed.set()
        request = await self.approvals.get(decision_id)
        if request is None:  # the card was cancelled
            raise StaleButton
        await reply.replace(render_answer(request))

    async def approve(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Approve`: the one write, on the same path as `Confirm reservation`."""
        request, verdict = await self._allowed(slack)
        decision_id, by = request.decision.proposal.id, slack.body["user"]["id"]
        reason = await self._too_late(request)
        if reason is None:
            request, ours = await self.approvals.approve(decision_id, by, self.now(), LEASE, verdict.rule)
        else:
            request, ours = (await self.approvals.expire(decision_id, self.now(), reason))[0], False
        await reply.later()
        self.something_owed.set()
        if not ours:
            await reply.send(render_too_late(request))
            return
        # From here on, nothing that goes wrong may read as if the reservation had failed.
        reply.if_it_fails = render_too_late(request)
        with suppress(DatabaseUnusable):  # it is claimed, so it will be found out and told
            await self.carry_out.send(request.decision)
            self.something_owed.set()
            await self.reservations.told(decision_id)  # by what is owed

    async def decline(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Decline`: nothing is sent to Stora."""
        request, verdict = await self._allowed(slack)
        decision_id, by = request.decision.proposal.id, slack.body["user"]["id"]
        request, ours = await self.approvals.decline(decision_id, by, self.now(), verdict.rule)
        await reply.later()
        self.something_owed.set()
        if not ours:
            await reply.send(render_too_late(request))

    async def _allowed(self, slack: AsyncArgs) -> tuple[Request, Verdict]:
        """The request, and what allows the one who pressed to answer it; a refusal is written down."""
        actor = await self.people.actor(slack.body["user"]["id"])
        action = slack.body["actions"][0]
        request = await self.approvals.get(str(action.get("value") or ""))
        if request is None:
            raise StaleButton
        if self.channel_id is None:
            raise ApprovalsOff
        proposal = request.decision.proposal
        verdict = judge_approval(actor, proposal.asked_by, self.roles, proposal.site_id)
        return request, await self.gate.admit(actor, verdict, "approve", Subject.of(proposal))

    async def _too_late(self, request: Request) -> str | None:
        """Why it can no longer be approved; ``None`` if it can, or if somebody has answered it already."""
        if not request.waits:
            return None
        if request.is_old(self.now()):
            return ""
        status = await self._status_now(request.decision.proposal.unit_id)
        return None if status == "available" else status

    async def _status_now(self, unit_id: str) -> str:
        """The unit's status, ``gone`` without the unit. Stora is asked before anybody is told that it is taken."""
        inventory = self.directory.inventory
        known = inventory.unit(unit_id) if inventory else None
        if inventory is None or (known and known.status == "available"):
            return "available"
        try:
            row, _ = await self.directory.ask_unit(unit_id)
        except NotFound:
            return "gone"
        except Problem:
            return "available"  # as far as anybody knows; Stora will decide
        return row.unit.status or UNKNOWN_STATUS

    def _warnings(self, proposal: Proposal) -> tuple[str, ...]:
        """What the card has warned of, from what was learnt for it."""
        inventory = self.directory.inventory
        unit = inventory.unit(proposal.unit_id) if inventory else None
        tenancy = self.tenancies.known.by_id.get(proposal.tenancy_id)
        if inventory is None or unit is None or tenancy is None:
            return ()
        doubts = doubts_about(unit, tenancy, inventory, self.now())
        return tuple(warnings_in_words(inventory.row(unit), doubts, inventory, self.directory.silent_since))
