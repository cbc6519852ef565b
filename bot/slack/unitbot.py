"""`/unitbot help | whoami | status | sites | audit`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor, Rights, Role, allow_looking, judge
from bot.core.health import UNSEEN, Health
from bot.core.intents import AuditPage
from bot.core.names import nearest
from bot.core.parse import parse_button, split_words, unquoted
from bot.core.problems import FileRefused, InventoryNotRead, NoMatch
from bot.render.blocks import Message
from bot.render.unitbot import (
    AUDIT_ROWS,
    TOPICS,
    Standing,
    audit_csv,
    render_audit,
    render_sites,
    render_standing,
    render_topics,
    render_whoami,
)
from bot.slack.deliver import Reply
from bot.slack.gate import Gate
from bot.slack.people import People
from bot.stora.budget import Budget
from bot.stora.directory import Directory
from bot.stora.tenancies import TenancyBook
from bot.store.audit import Audit
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

LONGEST_CSV = 5_000
"""Lines of the record in one file."""
GIVEN_UP_SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Unitbot:
    """What the bot says of itself and of the reader."""

    client: AsyncWebClient
    people: People
    roles: tuple[Role, ...]
    directory: Directory
    tenancies: TenancyBook
    budget: Budget
    reservations: Reservations
    outbox: Outbox
    audit: Audit
    gate: Gate
    now: Callable[[], datetime]
    health: Callable[[], Awaitable[Health]]
    approvals: bool = False

    async def command(self, slack: AsyncArgs, reply: Reply) -> None:
        """`/unitbot …`."""
        actor = await self.people.actor(slack.body["user_id"])
        allow_looking(actor)
        words = [unquoted(word) for word in split_words(slack.body.get("text", ""))] or ["help"]
        await reply.send(await self._answer(actor, words[0].casefold(), " ".join(words[1:])))

    async def _answer(self, actor: Actor, topic: str, rest: str) -> Message:
        match topic:
            case "help" | "?":
                return render_topics(Rights(actor, self.roles, self.approvals))
            case "whoami":
                return render_whoami(actor, self.roles)
            case "status":
                sees_health = Rights(actor, self.roles).may("audit")
                return render_standing(await self._standing(), await self.health() if sees_health else UNSEEN)
            case "sites":
                if self.directory.inventory is None:
                    raise InventoryNotRead
                return render_sites(self.directory.inventory)
            case "audit":
                return await self._audit(actor, AuditPage(unit=rest[:200]))
            case _:
                raise NoMatch("topic", topic, nearest(topic, TOPICS) or tuple(TOPICS))

    async def turn_audit(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Previous` and `Next` under the record."""
        await reply.later()
        actor = await self.people.actor(slack.body["user"]["id"])
        page = parse_button(AuditPage, slack.body["actions"][0].get("value"))
        await reply.replace(await self._audit(actor, page))

    async def send_csv(self, slack: AsyncArgs, reply: Reply) -> None:
        """The record as a file, to the one who asked, where nobody else reads it."""
        await reply.later()
        actor = await self.people.actor(slack.body["user"]["id"])
        await self._may_audit(actor)
        page = parse_button(AuditPage, slack.body["actions"][0].get("value"))
        lines = await self.audit.newest(LONGEST_CSV, unit=page.unit)
        content = audit_csv([entry for _, entry in lines])
        try:
            posted = await self.client.chat_postMessage(channel=actor.user_id, text="The record that you asked for:")
            await self.client.files_upload_v2(
                channel=posted["channel"], content=content, filename=f"unitbot-{self.now():%Y-%m-%d}.csv"
            )
        except (SlackApiError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise FileRefused(type(error).__name__) from None

    async def _audit(self, actor: Actor, page: AuditPage) -> Message:
        await self._may_audit(actor)
        before = page.befores[-1] if page.befores else None
        return render_audit(await self.audit.newest(AUDIT_ROWS + 1, before=before, unit=page.unit), page)

    async def _may_audit(self, actor: Actor) -> None:
        await self.gate.admit(actor, judge(actor, "audit", self.roles), "audit")

    async def _standing(self) -> Standing:
        given_up = await self.outbox.given_up(self.now() - GIVEN_UP_SHOWN)
        return Standing(
            inventory=self.directory.inventory,
            silent_since=self.directory.silent_since,
            tenancies=len(self.tenancies.known.by_id),
            tenancies_as_of=self.tenancies.known.read_at,
            tenancies_complete=self.tenancies.known.complete,
            calls_left=self.budget.remaining,
            calls_a_minute=self.budget.per_minute,
            decisions=await self.reservations.counts(),
            owed=await self.outbox.pending(),
            given_up=[(each.channel_id, each.error, each.count) for each in given_up],
        )
