"""What Stora has, in Stora's own names, and one consistent picture of all of it."""

import re
import unicodedata
from bisect import insort
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

STATUSES = ("available", "reserved", "occupied", "overlock", "repossessed", "unavailable")
"""Every status the unit list can be filtered by. Stora's guides and its reference disagree on one spelling:
`overlocked` is read as `overlock` everywhere in the bot (Stora API reference, units; guide, allocations and access)."""

ID = r"^[0-9A-Za-z_-]{1,64}$"
"""Any id that may stand in a path or a button. Stora's examples are a prefix, `_` and 16 lower-case characters; that
form is nowhere promised."""

UNKNOWN_STATUS = "unknown"
"""Ours, not Stora's: Stora's answer shows that the unit has left the status we knew, but not for which."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a unit type costs for one billing period."""

    billing_period: str
    amount: int
    """Minor units: 1500 is £15.00."""
    formatted: str


@dataclass(frozen=True, slots=True)
class Site:
    """A storage facility."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class UnitType:
    """What is sold: prices and sizes belong to the type, not to the unit."""

    id: str
    name: str
    size_description: str = ""
    prices: tuple[Price, ...] = ()
    site_id: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One door. `status` stays a string so that a status Stora adds tomorrow is shown, not refused."""

    id: str
    reference_id: str
    status: str
    site_id: str
    unit_type_id: str
    created_at: datetime
    updated_at: datetime
    backoffice_url: str | None = None
    allocation_id: str = ""
    """What joins it to a tenancy; empty while nobody has it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A unit with what is needed to describe it; a site or type that Stora no longer lists is ``None``."""

    unit: Unit
    site: Site | None
    unit_type: UnitType | None


def natural_key(reference_id: str) -> tuple[str | int, ...]:
    """Sort key that puts A-2 before A-10: text and numbers alternate, so keys always compare.

    Digits are ASCII only: other scripts have digits that `int` does not read. They are read as hexadecimal, which
    orders them just the same and, unlike decimal, has no limit of length.
    """
    parts = re.split(r"([0-9]+)", reference_id.casefold())
    return tuple(int(part, 16) if index % 2 else part for index, part in enumerate(parts))


def one_case(text: str) -> str:
    """Text without case, and one whether its accents are composed (phones) or not (macOS): NFKC."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def bare(reference_id: str) -> str:
    """The reference without case, spaces and punctuation: people type `a012` for `A-012`."""
    return "".join(filter(str.isalnum, one_case(reference_id)))


_PADDING = re.compile(r"(?<![0-9])0+(?=[0-9])")


def unpadded(reference_id: str) -> str:
    """The bare reference without the zeros that only make its numbers equally long: `a1` for `A-001`."""
    return bare(_PADDING.sub("", one_case(reference_id)))


# Compared by identity: two pictures with the same units may still be of different moments.
@dataclass(frozen=True, eq=False)
class Inventory:
    """Sites, unit types and units as they were at one moment. Never changed, only succeeded by a newer one."""

    sites: MappingProxyType[str, Site]
    unit_types: MappingProxyType[str, UnitType]
    units: tuple[Unit, ...]
    """In natural order of their references, sites in order of their names within one reference."""
    read_at: datetime
    """When the reading of this picture began: nothing in it is older."""
    asked_again: Mapping[str, datetime] = field(default_factory=dict)
    """Unit id → when Stora was asked again about this unit alone, where that is later than ``read_at``."""

    @classmethod
    def of(
        cls,
        sites: Iterable[Site],
        unit_types: Iterable[UnitType],
        units: Iterable[Unit],
        read_at: datetime,
        asked_again: Mapping[str, datetime] = MappingProxyType({}),
    ) -> "Inventory":
        """Build a picture; of two units with one id the one updated last wins, or the later in ``units``."""
        known_sites = {site.id: site for site in sites}
        latest: dict[str, Unit] = {}
        for unit in units:
            seen = latest.get(unit.id)
            if seen is None or seen.updated_at <= unit.updated_at:
                latest[unit.id] = unit

        empty = cls(
            sites=MappingProxyType(known_sites),
            unit_types=MappingProxyType({unit_type.id: unit_type for unit_type in unit_types}),
            units=(),
            read_at=read_at,
            asked_again=asked_again,
        )
        return replace(empty, units=tuple(sorted(latest.values(), key=empty._position_of)))

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Unit id → its index in ``units``."""
        return {unit.id: index for index, unit in enumerate(self.units)}

    @cached_property
    def by_bare_reference(self) -> Mapping[str, tuple[int, ...]]:
        """Bare reference → where in ``units`` the units are that have it, usually one for each site."""
        found: dict[str, list[int]] = {}
        for index, unit in enumerate(self.units):
            found.setdefault(bare(unit.reference_id), []).append(index)
        return {reference: tuple(indices) for reference, indices in found.items()}

    @cached_property
    def unpadded_references(self) -> tuple[str, ...]:
        """The references without padding, in the order of ``units``."""
        return tuple(unpadded(unit.reference_id) for unit in self.units)

    def called(self, bare_reference: str) -> tuple[Unit, ...]:
        """The units with this bare reference."""
        return tuple(self.units[index] for index in self.by_bare_reference.get(bare_reference, ()))

    @cached_property
    def by_allocation(self) -> Mapping[str, Unit]:
        """Unit allocation id → the unit allocated."""
        return {unit.allocation_id: unit for unit in self.units if unit.allocation_id}

    @cached_property
    def memory(self) -> dict[object, tuple[Unit, ...]]:
        """Answers already worked out from this picture, for `search.matching`; it lives and dies with the picture."""
        return {}

    def unit(self, unit_id: str) -> Unit | None:
        """The unit with this id, if the picture has it."""
        index = self.position.get(unit_id)
        return None if index is None else self.units[index]

    def row(self, unit: Unit) -> Row:
        """The unit with its site and type."""
        return Row(unit, self.sites.get(unit.site_id), self.unit_types.get(unit.unit_type_id))

    def seen_at(self, units: Iterable[Unit]) -> datetime:
        """The moment since which everything known of all these units is at least as fresh."""
        moments = [self.asked_again.get(unit.id, self.read_at) for unit in units]
        return min(moments, default=self.read_at)

    def succeeded(self, changed: Iterable[Unit], at: datetime) -> "Inventory":
        """The picture after Stora was asked at ``at`` about these units; a unit new to us joins it.

        An answer older than what is known of a unit changes nothing but when it was asked.
        """
        return self.followed([(unit, at) for unit in changed])

    def followed(
        self,
        seen: Iterable[tuple[Unit, datetime]],
        gone: Collection[str] = (),
        *,
        read_at: datetime | None = None,
    ) -> "Inventory":
        """The picture after these units were seen, each at its moment, and others found to be gone.

        Args:
            seen: Of one unit seen twice the one updated last counts, or the later one here.
            gone: Ids of units that are there no more.
            read_at: When the reading began that has just ended, if one has.
        """
        units = list(self.units)
        read_at = read_at or self.read_at
        asked_again = {unit_id: at for unit_id, at in self.asked_again.items() if at > read_at}
        moved: dict[str, Unit] = {}
        leaving = {self.position[unit_id] for unit_id in gone if unit_id in self.position}
        for unit, at in seen:
            last_asked = asked_again.get(unit.id, self.read_at)
            if at > read_at:
                asked_again[unit.id] = max(at, last_asked)
            index = self.position.get(unit.id)
            known = moved.get(unit.id) or (None if index is None else units[index])
            # Stora dates changes to the second: of two looks within one, the later look counts.
            if known is not None and (known.updated_at, last_asked) > (unit.updated_at, at):
                continue
            if index is not None and unit.id not in moved and _place(known) == _place(unit):
                units[index] = unit
                continue
            moved[unit.id] = unit
            if index is not None:
                leaving.add(index)
        for index in sorted(leaving, reverse=True):
            del units[index]
        for unit in moved.values():
            insort(units, unit, key=self._position_of)
        for unit_id in gone:
            asked_again.pop(unit_id, None)
        successor = Inventory(self.sites, self.unit_types, tuple(units), read_at, asked_again)
        return successor if leaving or moved else self._standing(successor)

    def named(self, sites: Iterable[Site], unit_types: Iterable[UnitType]) -> "Inventory":
        """The picture with these sites and unit types instead."""
        empty = Inventory.of(sites, unit_types, (), self.read_at, self.asked_again)
        if _names(self.sites) != _names(empty.sites):
            return Inventory.of(sites, unit_types, self.units, self.read_at, self.asked_again)
        return self._standing(replace(empty, units=self.units))

    def without(self, unit_id: str) -> "Inventory":
        """The picture after Stora said that there is no such unit."""
        return self.followed((), {unit_id})

    def _standing(self, successor: "Inventory") -> "Inventory":
        """The successor, in which every unit stands where it does here: with fifty thousand that takes long to find."""
        known = ("position", "by_bare_reference", "unpadded_references")
        vars(successor).update((name, vars(self)[name]) for name in known if name in vars(self))
        return successor

    def _position_of(self, unit: Unit) -> tuple[tuple[str | int, ...], str, str]:
        site = self.sites.get(unit.site_id)
        return natural_key(unit.reference_id), site.name.casefold() if site else "", unit.id


def _names(sites: Mapping[str, Site]) -> dict[str, str]:
    return {site.id: site.name for site in sites.values()}


def _place(unit: Unit | None) -> tuple[str, str] | None:
    """What decides where a unit stands in a picture."""
    return (unit.reference_id, unit.site_id) if unit else None
