"""The App Home tab: drawn when somebody opens it, and on `Refresh`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor, Rights, Role, allow_looking, judge_approval, sites_where
from bot.core.approvals import Request
from bot.core.digest import MOST_WAITING, count_sites, soonest
from bot.core.problems import DatabaseUnusable, NotAllowed
from bot.core.reservations import Decision
from bot.render.home import Home, render_home, render_not_at_home
from bot.render.problems import explain
from bot.slack.deliver import Reply
from bot.slack.people import People
from bot.slack.trouble import TROUBLE, what_slack_said
from bot.stora.directory import Directory
from bot.stora.tenancies import TenancyBook
from bot.store.approvals import Approvals
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

MOST_RECENT = 5
MOST_REQUESTS = 50
"""Requests at the reader's sites that are looked through for those that the reader may answer."""


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Everybody's own page. It costs no call to Stora."""

    client: AsyncWebClient
    people: People
    roles: tuple[Role, ...]
    directory: Directory
    tenancies: TenancyBook
    reservations: Reservations
    approvals: Approvals
    now: Callable[[], datetime]
    approvals_on: bool
    zone: tzinfo = UTC
    """Where a day begins."""

    async def opened(self, slack: AsyncArgs, reply: Reply) -> None:
        """`app_home_opened`."""
        await reply.later()
        event = slack.body["event"]
        if event.get("tab") == "home":
            await self._publish(str(event["user"]))

    async def refresh(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Refresh`."""
        await reply.later()
        await self._publish(slack.body["user"]["id"])

    async def _publish(self, user_id: str) -> None:
        try:
            await self.client.views_publish(user_id=user_id, view=await self._view(user_id))
        except TROUBLE as trouble:  # the tab shows what it showed; opened again, it is drawn again
            log.warning("home not drawn", reason=what_slack_said(trouble))

    async def _view(self, user_id: str) -> dict[str, Any]:
        actor = await self.people.actor(user_id)
        try:
            allow_looking(actor)
        except NotAllowed as refusal:
            return render_not_at_home(explain(refusal))
        remembers, recent, requests = await self._remembered(actor)
        inventory, tenancies = self.directory.inventory, self.tenancies.known
        today = self.now().astimezone(self.zone).date()
        return render_home(
            Home(
                rights=Rights(actor, self.roles, self.approvals_on),
                sites=count_sites(inventory, tenancies, today, {}, self.zone) if inventory else [],
                waiting=soonest(inventory, tenancies, inventory.sites, MOST_WAITING, self.zone) if inventory else [],
                recent=recent,
                requests=requests,
                as_of=inventory.read_at if inventory else None,
                silent_since=self.directory.silent_since,
                remembers=remembers,
            )
        )

    async def _remembered(self, actor: Actor) -> tuple[bool, list[Decision], list[Request]]:
        """What only the database knows; looking goes on without it."""
        try:
            recent = await self.reservations.latest_of(actor.user_id, MOST_RECENT)
            at_sites = sites_where(actor, "approve", self.roles) if self.approvals_on else frozenset[str]()
            waiting = await self.approvals.waiting(MOST_REQUESTS, at_sites)
        except DatabaseUnusable:
            return False, [], []
        mine = [request for request in waiting if self._may_answer(actor, request)]
        return True, recent, mine

    def _may_answer(self, actor: Actor, request: Request) -> bool:
        proposal = request.decision.proposal
        return judge_approval(actor, proposal.asked_by, self.roles, proposal.site_id).allowed
