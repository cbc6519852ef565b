"""Units in words: the list, the card, and what is said when nothing matches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.access import NOBODYS, Rights
from bot.core.intents import LARGEST_MESSAGE, ShowUnit, UnitsQuery, Wish
from bot.core.inventory import UNKNOWN_STATUS, Inventory, Price, Row
from bot.core.parse import pack_button
from bot.core.search import Found
from bot.render.blocks import (
    URL,
    Block,
    Message,
    actions,
    button,
    context,
    escape,
    header,
    link,
    link_button,
    moment,
    section,
    spoken_moment,
    whole_lines,
)

PREVIOUS, NEXT, REFRESH = "units_previous", "units_next", "units_refresh"
REFRESH_UNIT = "unit_refresh"
OPEN_BACKOFFICE = "open_backoffice"
RESERVE = "reserve_unit"
"""The button `Reserve` wherever a unit is shown; its value is a ``Wish``."""

LONGEST_LINK = 300
"""Characters of a link in a row; fifteen longer ones would not fit a message."""

STATUS_WORDS = {
    "available": ("🟢", "Available"),
    "reserved": ("🟡", "Reserved"),
    "occupied": ("🔵", "Occupied"),
    "overlock": ("🔒", "Overlocked"),
    "repossessed": ("⛔", "Repossessed"),
    "unavailable": ("⚪", "Unavailable"),
    UNKNOWN_STATUS: ("❔", "Changed just now"),
}
PERIODS = {"weekly": "a week", "monthly": "a month", "yearly": "a year", "daily": "a day"}


@dataclass(frozen=True, slots=True)
class Freshness:
    """Where an answer comes from, when that is worth a word."""

    direct: bool = False
    """Asked of Stora just now, in Stora's own order, since the inventory has not been read yet."""
    silent_since: datetime | None = None
    """Stora has not answered since."""
    refused: str = ""
    """Why asking again just now failed, as a sentence for the reader."""


def render_units(found: Found, inventory: Inventory, freshness: Freshness, rights: Rights = NOBODYS) -> Message:
    """The list: one row for each unit, read on a phone first; with `Reserve` where the reader may."""
    query = found.query
    title = _title(query, inventory)
    several_sites = len({row.unit.site_id for row in found.rows}) > 1 or len(query.site_ids) != 1
    count = f"{found.total} unit{'s' * (found.total != 1)}"
    page = f"page {query.page} of {found.pages}"
    rows = [_row(row, several_sites=several_sites) for row in found.rows]
    notes = _notes(found, freshness)
    blocks: list[Block] = [header(title)]
    blocks += [
        section(mrkdwn, _reserve_button(row) if _may_reserve(row, rights) else None)
        for mrkdwn, row in zip(rows, found.rows, strict=True)
    ]
    if not found.rows:
        blocks.append(section(_nothing(query)))
    blocks.append(context(f"{count} · {page} · as of {moment(found.as_of)}"))
    blocks += [context(note) for note in notes]
    blocks.append(actions(_paging(found)))
    spoken_rows = [_spoken_row(row, several_sites=several_sites) for row in found.rows]
    # The notes before the rows: should anything not fit, it is not the warning that is left out.
    said = [f"{escape(title, 400)}: {count}, {page}, as of {spoken_moment(found.as_of)}.", *notes, *spoken_rows]
    if not found.rows:
        said.append(_nothing(query))
    return Message(whole_lines(said), tuple(blocks), in_channel=query.share)


def render_unit(  # noqa: PLR0913 - what a card can show, each by its name
    row: Row,
    as_of: datetime,
    freshness: Freshness,
    *,
    share: bool,
    rights: Rights = NOBODYS,
    release: Mapping[str, Any] | None = None,
) -> Message:
    """One unit's card; ``release`` is the button of one who may take back what was reserved through the bot."""
    unit, site, unit_type = row.unit, row.site, row.unit_type
    symbol, status = status_words(unit.status)
    lines = [f"{symbol} *{status}*"]
    if unit_type:
        lines.append(_joined(escape(unit_type.name, 200), escape(unit_type.size_description, 100), by=", "))
        lines.append(escape(prices_in_words(unit_type.prices), 300))
    if site:
        lines.append(escape(site.name, 200))
    title = _joined(unit.reference_id, site.name if site else "")
    buttons = [_reserve_button(row)] if _may_reserve(row, rights) else []
    buttons += backoffice_button(unit.backoffice_url)
    buttons += [release] if release else []
    buttons.append(
        button("Refresh", REFRESH_UNIT, pack_button(ShowUnit(unit_id=unit.id, share=share)), spoken="Ask Stora again")
    )
    notes = _freshness_notes(freshness)
    blocks = [
        header(title),
        section("\n".join(lines)),
        context(f"`{unit.id}` · as of {moment(as_of)}"),
        *(context(note) for note in notes),
        actions(buttons),
    ]
    said = [escape(title, 400), status, *lines[1:], f"as of {spoken_moment(as_of)}"]
    return Message(whole_lines([", ".join(said) + ".", *notes]), tuple(blocks), in_channel=share)


def backoffice_button(url: str | None) -> list[Mapping[str, Any]]:
    """`Open in Backoffice`, where there is an address that Slack takes."""
    return [link_button("Open in Backoffice", OPEN_BACKOFFICE, url)] if url and len(url) <= URL else []


def status_words(status: str) -> tuple[str, str]:
    """A symbol and a word for a status; one that Stora has added since is shown as Stora writes it."""
    return STATUS_WORDS.get(status, ("▫️", escape(status.replace("_", " ").capitalize(), 40) or "No status"))


def prices_in_words(prices: Sequence[Price]) -> str:
    """Every price with its billing period: a number alone would mean a week to one reader and a month to another."""
    priced = [price for price in prices if price.formatted.strip()]
    said = [f"{price.formatted} {PERIODS.get(price.billing_period) or _period(price)}" for price in priced]
    return " or ".join(said[:3]) or "no price"


def _period(price: Price) -> str:
    return f"({price.billing_period.replace('_', ' ')})"


def _may_reserve(row: Row, rights: Rights) -> bool:
    return row.unit.status == "available" and rights.may_start_reserving(row.unit.site_id)


def _reserve_button(row: Row) -> Mapping[str, Any]:
    wish = Wish(unit_id=row.unit.id)
    return button("Reserve", RESERVE, pack_button(wish), spoken=f"Reserve {row.unit.reference_id}")


def _row(row: Row, *, several_sites: bool) -> str:
    unit, site, unit_type = row.unit, row.site, row.unit_type
    symbol, status = status_words(unit.status)
    what = _joined(escape(unit_type.name, 80), escape(unit_type.size_description, 40), by=", ") if unit_type else ""
    price = escape(prices_in_words(unit_type.prices), 80) if unit_type else ""
    where = escape(site.name, 60) if site and several_sites else ""
    page = link(unit.backoffice_url, "Open in Backoffice") if unit.backoffice_url else ""
    page = page if len(page) <= LONGEST_LINK else ""
    return f"{_joined(f'*{_reference(row)}*', what)}\n{symbol} {_joined(status, price, where, page)}"


def _reference(row: Row) -> str:
    return escape(row.unit.reference_id, 60) or row.unit.id


def _spoken_row(row: Row, *, several_sites: bool) -> str:
    unit, site, unit_type = row.unit, row.site, row.unit_type
    said = [_reference(row), status_words(unit.status)[1]]
    if unit_type:
        said += [escape(unit_type.name, 50), escape(unit_type.size_description, 30)]
        said.append(escape(prices_in_words(unit_type.prices), 40))
    if site and several_sites:
        said.append(escape(site.name, 40))
    return _joined(*said, by=", ")


def _paging(found: Found) -> list[dict[str, object]]:
    query = found.query
    turns = [
        ("Previous", PREVIOUS, query.page - 1, query.page > 1),
        ("Next", NEXT, query.page + 1, query.page < found.pages),
        ("Refresh", REFRESH, query.page, True),
    ]
    spoken = {PREVIOUS: "Previous page", NEXT: "Next page", REFRESH: "Ask Stora again"}
    return [
        dict(button(label, action, pack_button(query.model_copy(update={"page": page})), spoken=spoken[action]))
        for label, action, page, wanted in turns
        if wanted
    ]


def _title(query: UnitsQuery, inventory: Inventory) -> str:
    statuses = " or ".join(status_words(status)[1] for status in query.statuses)
    what = f"{statuses} units" if statuses else "Units"
    unit_types = list(
        dict.fromkeys(inventory.unit_types[id_].name for id_ in query.unit_type_ids if id_ in inventory.unit_types)
    )
    sites = [inventory.sites[id_].name for id_ in query.site_ids if id_ in inventory.sites]
    about = [
        query.reference,
        f"like {query.q}" if query.q else "",
        _some(unit_types, "types"),
        f"at {_some(sites, 'sites')}" if sites else "",
        f"from {query.created_after:%d %b %Y}" if query.created_after else "",
        f"before {query.created_before:%d %b %Y}" if query.created_before else "",
    ]
    return " ".join([what, *(part for part in about if part)])


def _some(names: Sequence[str], things: str) -> str:
    return " or ".join(names) if len(names) <= 2 else f"{len(names)} {things}"  # noqa: PLR2004 - more is no headline


def _nothing(query: UnitsQuery) -> str:
    return "Nothing matches." + (" Try `status=any` to see units that are not free." if query.statuses else "")


def _notes(found: Found, freshness: Freshness) -> list[str]:
    notes = _freshness_notes(freshness)
    if found.query.limit and found.query.limit > LARGEST_MESSAGE:
        more = "; press Next for more." if found.query.page < found.pages else "."
        notes.append(f"A message shows {LARGEST_MESSAGE} units at a time{more}")
    if freshness.direct and found.total > 1:
        order = "oldest" if found.query.sort == "oldest" else "newest"
        notes.append(f"The inventory is still being read, so this comes straight from Stora, {order} first.")
    return notes


def _freshness_notes(freshness: Freshness) -> list[str]:
    notes = []
    if freshness.refused:
        notes.append(f":warning: {freshness.refused} This is the last known state.")
    elif freshness.silent_since:
        since = moment(freshness.silent_since)
        notes.append(f":warning: Stora has not answered since {since}. This is the last known state.")
    return notes


def _joined(*parts: str, by: str = " · ") -> str:
    return by.join(part for part in parts if part)
