"""`/unitbot`: help, who I am, how things stand, the sites, and the record."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.access import PERMISSIONS, Actor, Rights, Role, judge
from bot.core.health import UNSEEN, Health
from bot.core.intents import AuditPage
from bot.core.inventory import Inventory
from bot.core.parse import pack_button
from bot.core.reservations import AuditEntry, State
from bot.render.announcements import mend_for
from bot.render.blocks import (
    SECTION,
    Block,
    Message,
    actions,
    button,
    escape,
    header,
    moment,
    section,
    whole_lines,
)

AUDIT_NEXT, AUDIT_PREVIOUS, AUDIT_CSV = "audit_next", "audit_previous", "audit_csv"
LINES, MOST_PARAGRAPHS = 20, 4
"""Lines of one paragraph; what a message holds of them."""
AUDIT_ROWS = 10
"""Lines of the record in one message."""

TOPICS: Mapping[str, str] = {
    "help": "this list",
    "whoami": "your id, groups and roles, and which rule grants what",
    "status": "how fresh everything is, what is left of Stora's limit, and what waits",
    "sites": "every site with its id and what is available there",
    "audit": "the newest reservations, refusals and failures; `audit A-012` for one unit",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand."""

    inventory: Inventory | None
    silent_since: datetime | None
    tenancies: int
    tenancies_as_of: datetime
    tenancies_complete: bool
    calls_left: int
    calls_a_minute: int
    decisions: Mapping[State, int]
    owed: int
    given_up: Sequence[tuple[str, str, int]]
    """Channel, Slack's reason, how many announcements."""


def render_topics(rights: Rights) -> Message:
    """Help, without what the reader may not do."""
    shown = {name: what for name, what in TOPICS.items() if name != "audit" or rights.may("audit")}
    lines = ["*Looking*", "`/units` finds units; `/units help` shows how."]
    if rights.may_start_reserving():
        lines += ["*Reserving*", "`/reserve UNIT CUSTOMER`, the button `Reserve`, or the shortcut *Reserve a unit*."]
    if rights.approvals and not rights.may("reserve"):
        lines.append("You may not reserve yourself: the card offers `Ask for approval` instead.")
    if rights.approvals and rights.may("approve"):
        lines.append("`Approve` or `Decline` what others ask for.")
    if rights.may("release"):
        lines.append("`Release` on the card of a unit that was reserved here takes it back.")
    lines += ["*Unitbot*", *(f"`/unitbot {name}` {what}" for name, what in shown.items())]
    return _message("Unitbot", lines)


def render_whoami(actor: Actor, roles: Sequence[Role]) -> Message:
    """Who the reader is to us, and which rule says so."""
    mine = ", ".join(f"`{group}`" for group in sorted(actor.groups)) or "none that the settings name"
    lines = [f"You are <@{actor.user_id}>, `{actor.user_id}`.", f"User groups: {mine}."]
    if actor.unknown_groups:
        unknown = ", ".join(f"`{group}`" for group in sorted(actor.unknown_groups))
        lines.append(f":warning: Slack did not say who is in {unknown}; until it does, these grant nothing.")
    for permission in PERMISSIONS:
        verdict = judge(actor, permission, roles)
        lines.append(f"{'✅' if verdict.allowed else '🚫'} `{permission}`: {escape(verdict.rule, 200)}")
    limited = [role for role in roles if role.sites is not None and role.covers(None)]
    for role in limited[:10]:
        sites = ", ".join(f"`{escape(site, 64)}`" for site in (role.sites or ())[:10])
        lines.append(f"The role *{escape(role.name, 80)}* is for {sites} only.")
    return _message("Who you are here", lines)


def render_standing(standing: Standing, health: Health = UNSEEN) -> Message:
    """How things stand, each with what to do about it; ``health`` is for those who may see how the bot is run."""
    lines = []
    if standing.inventory is None:
        lines.append(":warning: The inventory has not been read yet; `/units` asks Stora directly.")
    else:
        units = len(standing.inventory.units)
        lines.append(
            f"{units} units at {len(standing.inventory.sites)} sites, as of {moment(standing.inventory.read_at)}"
        )
    if standing.silent_since:
        lines.append(f":warning: Stora has not answered since {moment(standing.silent_since)}.")
    reading = "" if standing.tenancies_complete else ", still being read"
    lines.append(f"{standing.tenancies} current tenancies, as of {moment(standing.tenancies_as_of)}{reading}")
    lines.append(f"Stora's limit: {standing.calls_left} of {standing.calls_a_minute} requests left in this minute")
    waiting = standing.decisions.get("claimed", 0) + standing.decisions.get("unknown", 0)
    lines.append(f"{waiting} reservations on their way or being found out, {standing.owed} announcements to send")
    for channel, reason, count in standing.given_up[:5]:
        where = f"<@{channel}>" if channel.startswith(("U", "W")) else f"<#{channel}>" if channel else "Stora's notes"
        lines.append(f":warning: {count} not sent to {where} (`{escape(reason, 80)}`): {mend_for(reason)}.")
    for name, part in health.items():
        sign = "✅" if part.status == "ok" else ":warning:"
        lines.append(f"{sign} {name.replace('_', ' ')}: {escape(part.detail, 200)}")
    return _message("How things stand", lines)


def render_sites(inventory: Inventory) -> Message:
    """Every site with its id, and what is available there."""
    lines = []
    for site in sorted(inventory.sites.values(), key=lambda site: site.name.casefold()):
        units = [unit for unit in inventory.units if unit.site_id == site.id]
        free = sum(unit.status == "available" for unit in units)
        lines.append(f"*{escape(site.name, 100)}* `{site.id}`: {free} of {len(units)} available")
    return _message("Sites", lines or ["Stora lists no sites."])


def render_audit(lines: Sequence[tuple[int, AuditEntry]], page: AuditPage) -> Message:
    """A page of the record, newest first."""
    title = f"Record of {page.unit}" if page.unit else "Record"
    shown = [_entry(entry) for _, entry in lines[:AUDIT_ROWS]]
    buttons = []
    if page.befores:
        back = page.model_copy(update={"befores": page.befores[:-1]})
        buttons.append(button("Previous", AUDIT_PREVIOUS, pack_button(back), spoken="Newer lines"))
    if len(lines) > AUDIT_ROWS:
        on = page.model_copy(update={"befores": (*page.befores, lines[AUDIT_ROWS - 1][0])[-100:]})
        buttons.append(button("Next", AUDIT_NEXT, pack_button(on), spoken="Older lines"))
    if shown:
        wanted = AuditPage(unit=page.unit)
        buttons.append(button("Send me the CSV file", AUDIT_CSV, pack_button(wanted)))
    blocks: list[Block] = [header(title), *(section(line) for line in shown or ["Nothing is recorded."])]
    blocks += [actions(buttons)] if buttons else []
    return Message(whole_lines([escape(title, 200), *shown]), tuple(blocks))


def audit_csv(entries: Sequence[AuditEntry]) -> str:
    """The record as a table for a spreadsheet."""
    out = io.StringIO()
    rows = csv.writer(out)
    names = AuditEntry.__dataclass_fields__
    rows.writerow(names)
    for entry in entries:
        rows.writerow([_cell(getattr(entry, name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    # A spreadsheet would run what begins like a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _entry(entry: AuditEntry) -> str:
    what = f"`{escape(entry.action, 40)}` *{escape(entry.result, 40)}*"
    unit = f" {escape(entry.unit_reference or entry.unit_id, 80)}" if entry.unit_reference or entry.unit_id else ""
    details = [
        f"for `{escape(entry.tenancy_id, 64)}`" if entry.tenancy_id else "",
        escape(entry.rule, 150),
        escape(entry.detail, 200),
        f"request `{escape(entry.request_id, 64)}`" if entry.request_id else "",
    ]
    return f"{moment(entry.at)} <@{entry.who}> {what}{unit}\n{' · '.join(part for part in details if part)}".rstrip()


def _message(title: str, lines: Sequence[str]) -> Message:
    paragraphs = [lines[start : start + LINES] for start in range(0, len(lines), LINES)]
    blocks = [section(whole_lines(paragraph, SECTION)) for paragraph in paragraphs[:MOST_PARAGRAPHS]]
    return Message(whole_lines([title, *lines]), (header(title), *blocks))
