"""`/units`, its paging and its cards, start to finish."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.core.access import NOBODYS, Actor, Rights, Role, allow_looking
from bot.core.intents import Help, Release, ShowUnit, UnitsQuery
from bot.core.inventory import Inventory, Row
from bot.core.parse import parse_button, parse_units
from bot.core.problems import DatabaseUnusable, NotFound, Problem
from bot.core.resolve import resolve_units
from bot.core.search import search_units
from bot.render.blocks import Message
from bot.render.help import render_help
from bot.render.problems import explain
from bot.render.reserve import release_button
from bot.render.units import Freshness, render_unit, render_units
from bot.slack.deliver import Reply
from bot.slack.people import People
from bot.slack.shares import Shares
from bot.stora.directory import Directory
from bot.store.reservations import Reservations

GROUPS_SHOWN = 0.5
"""Seconds that looking waits for user groups; without them some buttons are missing, and nothing else."""


@dataclass(frozen=True, slots=True)
class Units:
    """Looking: free for every member, answered from the directory in the acknowledgement itself."""

    people: People
    directory: Directory
    page_size: int
    roles: tuple[Role, ...]
    reservations: Reservations
    shares: Shares
    approvals: bool = False
    """Whether who may not reserve can ask for it: then `Reserve` leads somewhere for them, too."""

    async def command(self, slack: AsyncArgs, reply: Reply) -> None:
        """`/units …`."""
        actor = await self._looker(slack.body["user_id"])
        request = parse_units(slack.body.get("text", ""))
        if isinstance(request, Help):
            await reply.send(render_help())
            return
        if not self.directory.fresh:
            await reply.later()
        names = await self.directory.known_names()
        intent = resolve_units(request, names, complete=self.directory.inventory is not None)
        message = await self._answer(intent, actor, ask_again=not self.directory.fresh)
        if not intent.share:
            await reply.send(message)
        elif ts := await reply.share(message):
            await self.shares.posted(reply.channel_id, ts, intent)

    async def turn_page(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Previous` and `Next`: the button carries the query, so it works after a restart too."""
        await self._pressed(slack, reply, UnitsQuery, ask_again=not self.directory.fresh)

    async def refresh(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Refresh` under a list."""
        await self._pressed(slack, reply, UnitsQuery, ask_again=True)

    async def refresh_unit(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Refresh` on a card."""
        await self._pressed(slack, reply, ShowUnit, ask_again=True)

    async def _pressed(
        self, slack: AsyncArgs, reply: Reply, intent: type[UnitsQuery] | type[ShowUnit], *, ask_again: bool
    ) -> None:
        await reply.later()
        actor = await self._looker(slack.body["user"]["id"])
        query = parse_button(intent, slack.body["actions"][0].get("value"))
        await reply.replace(await self._answer(query, actor, ask_again=ask_again))
        ts = slack.body.get("container", {}).get("message_ts")
        if query.share and ts:
            await self.shares.turned(reply.channel_id, str(ts), query)

    async def _looker(self, user_id: str) -> Actor:
        """Who looks; with user groups, which only decide about buttons, if Slack tells them without delay."""
        looker = await self.people.looker(user_id)
        allow_looking(looker)
        try:
            async with asyncio.timeout(GROUPS_SHOWN):
                return await self.people.actor(user_id)
        except TimeoutError:
            return looker

    async def _answer(self, intent: UnitsQuery | ShowUnit, actor: Actor, *, ask_again: bool) -> Message:
        """What the directory knows, once Stora was asked again if wanted; the last known state where it is silent."""
        # What everybody sees has no buttons that only some may use.
        rights = NOBODYS if intent.share else Rights(actor, self.roles, self.approvals)
        if self.directory.inventory is None:
            return await self._straight_from_stora(intent, rights)
        freshness = Freshness(silent_since=self.directory.silent_since)
        if ask_again:
            try:
                await self.directory.refresh(intent, self.page_size)
                freshness = Freshness()
            except NotFound:
                raise
            except Problem as problem:
                freshness = Freshness(refused=explain(problem))
        return await self._shown(intent, self.directory.inventory, freshness, rights)

    async def _shown(
        self, intent: UnitsQuery | ShowUnit, inventory: Inventory, freshness: Freshness, rights: Rights
    ) -> Message:
        if isinstance(intent, UnitsQuery):
            return render_units(search_units(intent, inventory, self.page_size), inventory, freshness, rights)
        unit = inventory.unit(intent.unit_id)
        if unit is None:
            raise NotFound("", what="unit")
        row, as_of = inventory.row(unit), inventory.seen_at([unit])
        release = await self._release(row, rights)
        return render_unit(row, as_of, freshness, share=intent.share, rights=rights, release=release)

    async def _release(self, row: Row, rights: Rights) -> Mapping[str, Any] | None:
        """The button for a unit that was reserved here, for one who may take it back."""
        if row.unit.status != "reserved" or not rights.may("release", row.unit.site_id):
            return None
        try:
            reserved = await self.reservations.reserved_here(row.unit.id)
            if reserved is None:
                return None
            attempt = await self.reservations.releases_refused(reserved.proposal.id) + 1
        except DatabaseUnusable:
            return None  # looking goes on without our memory
        wish = Release(reservation_id=reserved.proposal.id, attempt=attempt)
        return release_button(wish, reserved.proposal)

    async def _straight_from_stora(self, intent: UnitsQuery | ShowUnit, rights: Rights) -> Message:
        """The first sweep has not ended: one call, in Stora's own order."""
        freshness = Freshness(direct=True)
        if isinstance(intent, UnitsQuery):
            found = await self.directory.ask_units(intent, self.page_size)
            only = found.only(intent.q)
            if only:
                return render_unit(only, found.as_of, freshness, share=intent.share, rights=rights)
            return render_units(found, await self.directory.known_names(), freshness, rights)
        row, as_of = await self.directory.ask_unit(intent.unit_id)
        return render_unit(row, as_of, freshness, share=intent.share, rights=rights)
