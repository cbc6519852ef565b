"""`/reserve`, the `Reserve` button and the shortcut: from a wish to the confirmation card."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor, Role, Verdict, allow, judge, may_ask, refusal, sites_where
from bot.core.intents import Form, Help, Wish
from bot.core.inventory import ID, Inventory, Row
from bot.core.names import folded
from bot.core.parse import parse_button
from bot.core.problems import InventoryNotRead, ModalRefused, Problem, StoraBusy, StoraDown
from bot.core.reservations import Proposal
from bot.core.reserve import (
    ReserveRequest,
    Wanted,
    available_units,
    doubts_about,
    parse_reserve,
    resolve_reserve,
)
from bot.core.tenancies import Tenancy, suggested
from bot.render.approvals import render_asking_card
from bot.render.problems import explain
from bot.render.reserve import (
    NONE_CHOSEN,
    TENANCY_INPUT,
    UNIT_INPUT,
    choose_note,
    price_in_words,
    render_card,
    render_form,
    render_reserve_help,
    tenancy_choice,
    type_in_words,
    unit_choice,
    unit_elsewhere,
    unit_gone,
    warnings_in_words,
)
from bot.render.views import MOST_OPTIONS, Choice, options
from bot.slack.deliver import Reply
from bot.slack.gate import Gate, Subject
from bot.slack.people import People
from bot.stora.directory import Directory
from bot.stora.tenancies import TenancyBook
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

LOOK_FOR_NEW = 1.0
"""Seconds to look for a customer who is newer than what we know, before the modal must open."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Reserving, up to the card. Nothing here changes anything at Stora."""

    client: AsyncWebClient
    people: People
    roles: tuple[Role, ...]
    directory: Directory
    tenancies: TenancyBook
    reservations: Reservations
    gate: Gate
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    approvals: bool = False
    """Whether who may not reserve can ask for it."""

    async def command(self, slack: AsyncArgs, reply: Reply) -> None:
        """`/reserve UNIT TENANCY`."""
        actor = await self.people.actor(slack.body["user_id"])
        await self._allowed(actor, Wanted())
        request = parse_reserve(slack.body.get("text", ""))
        if isinstance(request, Help):
            await reply.send(render_reserve_help())
            return
        wanted = self._resolved(request)
        await self._allowed(actor, wanted)  # a refusal costs no call to Stora
        if wanted.typed_customer and not wanted.tenancies:
            with suppress(Problem, TimeoutError):
                async with asyncio.timeout(LOOK_FOR_NEW):
                    await self.tenancies.look_for_new()
            wanted = self._resolved(request)
        await self._go_on(slack, reply, actor, wanted)

    async def button(self, slack: AsyncArgs, reply: Reply) -> None:
        """`Reserve` beside a unit: with its tenancy settled to the card, otherwise to the modal."""
        actor = await self.people.actor(slack.body["user"]["id"])
        wish = parse_button(Wish, slack.body["actions"][0].get("value"))
        await self._go_on(slack, reply, actor, Wanted(unit_id=wish.unit_id, tenancy_id=wish.tenancy_id))

    async def shortcut(self, slack: AsyncArgs, reply: Reply) -> None:
        """*Reserve a unit*, from anywhere."""
        actor = await self.people.actor(slack.body["user"]["id"])
        await self._go_on(slack, reply, actor, Wanted())

    async def _go_on(self, slack: AsyncArgs, reply: Reply, actor: Actor, wanted: Wanted) -> None:
        await self._allowed(actor, wanted)
        await reply.later()
        if wanted.settled:
            await self._offer(reply, actor, wanted.unit_id, wanted.tenancy_id)
            return
        inventory = self._inventory()
        unit = inventory.unit(wanted.unit_id)
        form = Form(
            site_id=wanted.site_id or (unit.site_id if unit else ""),
            typed_unit=wanted.typed_unit,
            typed_customer=wanted.typed_customer,
            channel_id=reply.channel_id,
            response_url=reply.response_url,
        )
        view = render_form(
            form,
            inventory,
            row=inventory.row(unit) if unit else None,
            tenancy=self.tenancies.known.by_id.get(wanted.tenancy_id),
            notes=choose_note(wanted, self.tenancies.known),
        )
        try:
            await self.client.views_open(trigger_id=slack.body["trigger_id"], view=view)
        except (SlackApiError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ModalRefused(type(error).__name__) from None

    async def site_picked(self, slack: AsyncArgs, reply: Reply) -> None:
        """Another site in the modal: from now on its units are suggested, and its customers, or those first."""
        await reply.later()
        view = slack.body["view"]
        chosen = slack.body["actions"][0].get("selected_option")
        form = parse_button(Form, view.get("private_metadata"))
        form = form.model_copy(update={"site_id": chosen["value"] if chosen else ""})
        filled = render_form(form, self._inventory(), row=None, tenancy=None, notes=())
        with suppress(SlackApiError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError):
            # Without it, all sites go on being suggested: no harm is done.
            await self.client.views_update(view_id=view["id"], hash=view["hash"], view=filled)

    async def suggest_sites(self, slack: AsyncArgs) -> Sequence[dict[str, Any]]:
        """Sites, by a part of the name."""
        inventory, _ = await self._suggesting(slack)
        typed = folded(slack.body.get("value", ""))
        sites = sorted(inventory.sites.values(), key=lambda site: site.name.casefold())
        return options([Choice(site.id, site.name) for site in sites if typed in folded(site.name)])

    async def suggest_units(self, slack: AsyncArgs) -> Sequence[dict[str, Any]]:
        """Available units, by a part of the reference."""
        inventory, _ = await self._suggesting(slack)
        form = parse_button(Form, slack.body["view"].get("private_metadata"))
        typed = slack.body.get("value", "") or form.typed_unit
        rows = available_units(typed, inventory, form.site_id, MOST_OPTIONS)
        return options([unit_choice(row) for row in rows])

    async def suggest_tenancies(self, slack: AsyncArgs) -> Sequence[dict[str, Any]]:
        """Current tenancies, those that wait for a unit first."""
        inventory, at_sites = await self._suggesting(slack)
        form = parse_button(Form, slack.body["view"].get("private_metadata"))
        typed = slack.body.get("value", "")
        # Whom the command may have meant is offered wherever they are, those at the site first.
        wanted = [form.site_id] if form.site_id and (typed or not form.typed_customer) else []
        if at_sites is not None:
            wanted = [site_id for site_id in wanted or at_sites if site_id in at_sites]
            if not wanted:  # which to `suggested` would mean every site
                return options([])
        found = suggested(typed or form.typed_customer, self.tenancies.known, wanted, first=form.site_id)
        return options([tenancy_choice(tenancy, inventory) for tenancy in found])

    async def submitted(self, slack: AsyncArgs, reply: Reply) -> None:
        """The modal, filled in: on to the same card."""
        actor = await self.people.actor(slack.body["user"]["id"])
        view = slack.body["view"]
        form = parse_button(Form, view.get("private_metadata"))
        reply.response_url, reply.channel_id = form.response_url, form.channel_id
        chosen = {block_id: _chosen(view, block_id) for block_id in (UNIT_INPUT, TENANCY_INPUT)}
        if missing := [block_id for block_id, thing_id in chosen.items() if not thing_id]:
            await reply.errors(dict.fromkeys(missing, NONE_CHOSEN))
            return
        unit_id, tenancy_id = chosen.values()
        row = self._row(unit_id)
        if row and row.unit.status != "available":
            await reply.errors({UNIT_INPUT: unit_gone(row)})
            return
        if row and form.site_id not in {"", row.unit.site_id}:
            await reply.errors({UNIT_INPUT: unit_elsewhere(row)})  # Slack keeps what was chosen before the site was
            return
        await self._allowed(actor, Wanted(unit_id=unit_id))
        await reply.later()
        await self._offer(reply, actor, unit_id, tenancy_id)

    async def _offer(self, reply: Reply, actor: Actor, unit_id: str, tenancy_id: str) -> None:
        """The card: unit and tenancy as Stora has them now, or as last known where it does not answer."""
        row, tenancy, not_asked = await self._looked_up(unit_id, tenancy_id)
        inventory = await self.directory.known_names()
        verdict = await self._allowed(actor, Wanted(unit_id=unit_id, tenancy_id=tenancy_id), row)
        at = self.now()
        doubts = doubts_about(row.unit, tenancy, inventory, at)
        proposal = Proposal(
            id=self.new_id(),
            action="reserve",
            idempotency_key=self.new_id(),
            unit_id=row.unit.id,
            unit_reference=row.unit.reference_id,
            site_id=row.unit.site_id,
            site_name=row.site.name if row.site else "",
            unit_type=type_in_words(row),
            price=price_in_words(row),
            tenancy_id=tenancy.id,
            customer=tenancy.customer,
            starts_at=tenancy.starts_at,
            asked_by=actor.user_id,
            asked_at=at,
            backoffice_url=row.unit.backoffice_url,
        )
        await self.reservations.propose(proposal, verdict.rule)
        warnings = warnings_in_words(row, doubts, inventory, not_asked)
        if verdict.allowed:
            await reply.send(render_card(proposal, warnings))
        else:
            await reply.send(render_asking_card(proposal, warnings, explain(refusal(verdict))))

    async def _looked_up(self, unit_id: str, tenancy_id: str) -> tuple[Row, Tenancy, datetime | None]:
        """Both as Stora has them now; the moment of what is last known, where Stora does not answer."""
        asked = await asyncio.gather(
            self.directory.ask_unit(unit_id), self.tenancies.ask(tenancy_id), return_exceptions=True
        )
        unit, tenancy = asked
        row = self._row(unit_id) if isinstance(unit, StoraDown | StoraBusy) else None
        known = self.tenancies.known.by_id.get(tenancy_id) if isinstance(tenancy, StoraDown | StoraBusy) else None
        if isinstance(unit, BaseException) and row is None:
            raise unit
        if isinstance(tenancy, BaseException) and known is None:
            raise tenancy
        fresh_row = row or unit[0]  # type: ignore[index]  # no exception, as asked above
        fresh_tenancy = known or tenancy
        assert isinstance(fresh_tenancy, Tenancy)  # noqa: S101 - the same
        inventory = self.directory.inventory
        as_of = inventory.seen_at([fresh_row.unit]) if row and inventory else None
        return fresh_row, fresh_tenancy, as_of or (self.tenancies.known.read_at if known else None)

    async def _allowed(self, actor: Actor, wanted: Wanted, row: Row | None = None) -> Verdict:
        """Judge, write down a refusal, and go on only if it is none, or if the person can ask for approval."""
        row = row or self._row(wanted.unit_id)
        verdict = judge(actor, "reserve", self.roles, row.unit.site_id if row else None)
        if may_ask(actor, approvals=self.approvals):
            return verdict
        about = (row.unit.reference_id, row.unit.site_id) if row else ("", "")
        return await self.gate.admit(actor, verdict, "reserve", Subject(wanted.unit_id, *about, wanted.tenancy_id))

    async def _suggesting(self, slack: AsyncArgs) -> tuple[Inventory, frozenset[str] | None]:
        """What can be suggested, and customers of which sites; ``None``: of all.

        Their names are for those who may reserve there, or may ask for it.
        """
        actor = await self.people.actor(slack.body["user"]["id"])
        if may_ask(actor, approvals=self.approvals):
            return self._inventory(), None
        allow(judge(actor, "reserve", self.roles))
        return self._inventory(), sites_where(actor, "reserve", self.roles)

    def _resolved(self, request: ReserveRequest) -> Wanted:
        """What is meant; two ids are enough even before the inventory has been read."""
        if self.directory.inventory is not None:
            return resolve_reserve(request, self.directory.inventory, self.tenancies.known)
        ids_alone = request.model_copy(update={"sites": ()})
        wanted = resolve_reserve(ids_alone, Inventory.of((), (), (), self.now()), self.tenancies.known)
        if not wanted.settled:
            raise InventoryNotRead
        return wanted

    def _inventory(self) -> Inventory:
        if self.directory.inventory is None:
            raise InventoryNotRead
        return self.directory.inventory

    def _row(self, unit_id: str) -> Row | None:
        inventory = self.directory.inventory
        unit = inventory.unit(unit_id) if inventory else None
        return inventory.row(unit) if inventory and unit else None


def _chosen(view: dict[str, Any], block_id: str) -> str:
    """The id in the one input of a block; empty where there is none, which a path to Stora must not be made of."""
    [element] = view["state"]["values"][block_id].values()
    chosen = str((element["selected_option"] or {}).get("value", ""))
    return chosen if re.fullmatch(ID, chosen) else ""
