"""`/reserve UNIT TENANCY`: which unit and which tenancy are meant, and what is still to be asked."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from bot.core.intents import Help
from bot.core.inventory import Inventory, Row, Unit, bare
from bot.core.names import nearest
from bot.core.parse import NAMED, asks_for_help, items_of, split_words, values_of
from bot.core.problems import GivenTwice, UnknownArgument
from bot.core.resolve import SiteNames, units_called
from bot.core.tenancies import Tenancies, Tenancy, meant

RESERVE_ARGUMENTS = ("unit", "tenancy", "site")
LONGEST_REFERENCE = 4
"""Words that may form one reference: `Unit 12 B`."""
MOST_ALTERNATIVES = 3

_UNIT_ID = re.compile(r"unit_[0-9A-Za-z_-]{1,59}")
_TENANCY_ID = re.compile(r"ten_[0-9A-Za-z_-]{1,60}")


class ReserveRequest(BaseModel):
    """`/reserve …` as it was typed."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    # In no repr, which may end in a log: a customer's name.
    unit: str = Field(default="", repr=False)
    tenancy: str = Field(default="", repr=False)
    sites: tuple[str, ...] = ()
    words: tuple[str, ...] = Field(default=(), repr=False)
    """What has no name: the unit first, then the customer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is settled, and what was typed about the rest."""

    unit_id: str = ""
    tenancy_id: str = ""
    site_id: str = ""
    typed_unit: str = field(default="", repr=False)
    typed_customer: str = field(default="", repr=False)
    units: tuple[Unit, ...] = ()
    """Units to choose from, where several are meant."""
    tenancies: tuple[Tenancy, ...] = ()
    """Tenancies to choose from, where several are meant."""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to ask."""
        return bool(self.unit_id and self.tenancy_id)


def parse_reserve(text: str) -> ReserveRequest | Help:
    """Read the text behind `/reserve`.

    Raises:
        UsageProblem: the text cannot be understood.
    """
    tokens = split_words(text)
    if asks_for_help(tokens):
        return Help()
    named: dict[str, list[str]] = {}
    words: list[str] = []
    for token in tokens:
        match = NAMED.fullmatch(token)
        if match is None:
            words += items_of(token)
            continue
        name = match[1].casefold()
        if name not in RESERVE_ARGUMENTS:
            raise UnknownArgument(match[1], nearest(name, RESERVE_ARGUMENTS) or RESERVE_ARGUMENTS)
        named.setdefault(name, []).extend(values_of(name, match[2]))
    for name in ("unit", "tenancy"):
        if len(named.get(name, ())) > 1:
            raise GivenTwice(name)
    return ReserveRequest(
        unit=named.get("unit", [""])[0],
        tenancy=named.get("tenancy", [""])[0],
        sites=tuple(named.get("site", ())),
        words=tuple(words),
    )


def resolve_reserve(request: ReserveRequest, inventory: Inventory, tenancies: Tenancies) -> Wanted:
    """Find what is meant; where several things are, none is taken.

    Raises:
        UsageProblem: a site that does not exist.
    """
    site_ids = [found for typed in request.sites for found in SiteNames(inventory).find(typed)]
    readings = _readings(request, inventory, tenancies)
    units = _each([_units(unit, inventory, site_ids) for unit, _ in readings])
    found = _each([_tenancies(customer, tenancies, site_ids) for _, customer in readings])
    typed_unit = min((unit for unit, _ in readings if unit), key=len, default="")
    typed_customer = min((customer for _, customer in readings if customer), key=len, default="")
    # While the tenancies are being read, there may be another Jane Doe: then only an id is sure.
    sure = tenancies.complete or typed_customer in tenancies.by_id
    unit_id = tenancy_id = ""
    if len(units) == 1 and all(unit for unit, _ in readings):
        unit_id = units[0].id
    elif not units and not inventory.unit(typed_unit) and _UNIT_ID.fullmatch(typed_unit):
        unit_id = typed_unit  # Stora may know a unit that is newer than what we know
    if len(found) == 1 and sure and all(customer for _, customer in readings):
        tenancy_id = found[0].id
    elif not found and _TENANCY_ID.fullmatch(typed_customer):
        tenancy_id = typed_customer
    sites = {unit.site_id for unit in units} or set(site_ids) or {tenancy.site_id for tenancy in found}
    return Wanted(
        unit_id=unit_id,
        tenancy_id=tenancy_id,
        site_id=next(iter(sites)) if len(sites) == 1 else "",
        typed_unit="" if unit_id else typed_unit,
        typed_customer="" if tenancy_id else typed_customer,
        units=() if unit_id else tuple(units),
        tenancies=() if tenancy_id else tuple(found),
    )


def _readings(request: ReserveRequest, inventory: Inventory, tenancies: Tenancies) -> list[tuple[str, str]]:
    """What may be the unit and what the customer: two readings where `12 B Smith` is B Smith's 12 or Smith's 12B."""
    unit, customer, words = request.unit, request.tenancy, list(request.words)
    for word in request.words:  # ids say for themselves what they are, in any order
        if not unit and (_UNIT_ID.fullmatch(word) or inventory.unit(word)):
            unit = word
            words.remove(word)
        elif not customer and (_TENANCY_ID.fullmatch(word) or word in tenancies.by_id):
            customer = word
            words.remove(word)
    if unit:
        # What is left over belongs to somebody: it is asked about, not dropped.
        return [(unit, " ".join([customer, *words]).strip())]
    lengths = [
        count
        for count in range(min(LONGEST_REFERENCE, len(words)), 0, -1)
        if units_called(" ".join(words[:count]), inventory)
    ]
    if customer:
        count = lengths[0] if lengths else len(words)
        return [(" ".join(words[:count]), " ".join([customer, *words[count:]]))]
    # Whoever types one thing means the unit; otherwise all of it may be a customer, such as 12 Monkeys Ltd.
    counts = lengths if len(words) in lengths else [*lengths, 0]
    readings = [(" ".join(words[:count]), " ".join(words[count:])) for count in counts]
    likely = [reading for reading in readings if not reading[1] or meant(reading[1], tenancies)]
    if likely:
        return likely
    return readings[:1] if lengths else [(words[0], " ".join(words[1:]))]


Thing = TypeVar("Thing")


def _each(found: Iterable[Iterable[Thing]]) -> list[Thing]:
    """All that any reading has found, each once."""
    return list(dict.fromkeys(thing for things in found for thing in things))


def _units(text: str, inventory: Inventory, site_ids: Sequence[str]) -> list[Unit]:
    known = inventory.unit(text)
    units = [known] if known else units_called(text, inventory)
    return [unit for unit in units if not site_ids or unit.site_id in site_ids]


def _tenancies(text: str, tenancies: Tenancies, site_ids: Sequence[str]) -> list[Tenancy]:
    found = meant(text, tenancies)
    return [tenancy for tenancy in found if not site_ids or tenancy.site_id in site_ids] or found


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is worth a pause before a reservation is confirmed."""

    not_available: bool = False
    other_site: str = ""
    """Id of the tenancy's site, where it is not the unit's."""
    ended_at: datetime | None = None
    has_units: tuple[Unit | None, ...] = ()
    """The tenancy's units; ``None`` for one that we do not know."""
    other_types: tuple[str, ...] = ()
    """Ids of their unit types, where none is the unit's own."""


def doubts_about(unit: Unit, tenancy: Tenancy, inventory: Inventory, at: datetime) -> Doubts:
    """Compare the unit with the tenancy it is meant for. Nothing here forbids: Stora decides, a person confirms."""
    has = tuple(inventory.by_allocation.get(allocation) for allocation in tenancy.allocations)
    types = {held.unit_type_id for held in has if held and held.id != unit.id}
    return Doubts(
        not_available=unit.status != "available",
        other_site=tenancy.site_id if tenancy.site_id and tenancy.site_id != unit.site_id else "",
        ended_at=tenancy.ends_at if not tenancy.is_current(at) else None,
        has_units=has,
        other_types=() if unit.unit_type_id in types else tuple(sorted(types)),
    )


def alternatives(unit_id: str, inventory: Inventory) -> list[Row]:
    """Other available units of the same type at the same site."""
    unit = inventory.unit(unit_id)
    if unit is None:
        return []
    alike = (
        other
        for other in inventory.units
        if other.status == "available"
        and other.id != unit.id
        and other.site_id == unit.site_id
        and other.unit_type_id == unit.unit_type_id
    )
    return [inventory.row(other) for other in itertools.islice(alike, MOST_ALTERNATIVES)]


def available_units(typed: str, inventory: Inventory, site_id: str, most: int) -> list[Row]:
    """What to offer in the unit picker: available ones, by a part of the reference, in natural order."""
    part = bare(typed)
    fitting = (
        unit
        for unit in inventory.units
        if unit.status == "available" and (not site_id or unit.site_id == site_id) and part in bare(unit.reference_id)
    )
    return [inventory.row(unit) for unit in itertools.islice(fitting, most)]
