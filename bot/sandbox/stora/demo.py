"""Build the demo operator: Harbour Self Storage with four sites and any number of units."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, count, cycle, pairwise, product
from random import Random
from string import ascii_uppercase

from bot.sandbox.stora.demo_people import (
    FIRST_NAMES,
    HOSTILE_CONTACTS,
    HOSTILE_REFERENCES,
    HOSTILE_UNIT_TYPE,
    LAST_NAMES,
)
from bot.sandbox.stora.demo_places import SITE_SHARES, SITES, UNIT_TYPES
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.timestamps import read_stamp, stamp
from bot.sandbox.stora.world import World

_STATUS_SHARES = {"available": 0.18, "reserved": 0.05, "overlock": 0.03, "repossessed": 0.01, "unavailable": 0.03}
_UNITS_PER_ROW = 120
_UNITS_PER_IMPORT = 25
_WAITING = 40
_ENDED = 15
_OVERSTAYED = 3
_LINKED = 5
_SHOWCASE = "A-012"
_LONGEST_WAIT_DAYS = 21
_SECOND_UNIT_SHARE = 0.1

Person = tuple[str | None, str]
"""A full name, if known, and an e-mail address."""


def demo_world(now: datetime, *, units: int = 600, seed: int = 1, hostile: bool = True) -> World:
    """Return the same world for the same arguments.

    Args:
        now: The aware moment at which the demo starts; tenancies wait that start from today to three weeks ahead.
        units: How many units there are; 50,000 take a few seconds.
        seed: Chooses the ids, the people and which unit is in which state.
        hostile: Whether there are names that attack whoever prints them; without, everybody is called something nice.

    Camden's `A-012` is available whenever it exists; so are the units with a hostile reference.
    """
    world = World(seed=seed)
    _Builder(world, now, Random(seed)).build(units)  # noqa: S311  # made-up people, the same ones for the same seed
    if not hostile:
        _befriend(world)
    return world


def references() -> Iterator[str]:
    """Yield a site's unit references in order: `A-001` to `A-120`, `B-001`, and after `Z-120` comes `AA-001`."""
    letters = 1
    while True:
        for row in product(ascii_uppercase, repeat=letters):
            yield from (f"{''.join(row)}-{number:03d}" for number in range(1, _UNITS_PER_ROW + 1))
        letters += 1


def _befriend(world: World) -> None:
    names, numbers = zip(FIRST_NAMES, LAST_NAMES, strict=True), count(101)
    for unit in world.units.values():
        if unit["reference_id"] in HOSTILE_REFERENCES:
            unit["reference_id"] = f"P-{next(numbers)}"
    for unit_type in world.unit_types.values():
        if unit_type["name"] == HOSTILE_UNIT_TYPE:
            unit_type["name"] = "Archive room"
    for contact in world.contacts.values():
        if (contact["full_name"], contact["email"]) in HOSTILE_CONTACTS:
            first, last = next(names)
            contact |= {"full_name": f"{first} {last}", "email": f"{first}.{last}@example.net".lower()}


class _Builder:
    """Fills one world through the changes that the real one would have seen."""

    def __init__(self, world: World, now: datetime, random: Random) -> None:
        self._world = world
        self._now = now.replace(microsecond=0)
        self._today = self._now.replace(hour=0, minute=0, second=0)
        self._opening = self._today - timedelta(days=1200)
        self._random = random
        self._customers = count(1)

    def build(self, units: int) -> None:
        self._sites()
        made = self._units(units)
        self._let(made)
        self._overstay()
        self._waiting()
        self._ended()

    def _sites(self) -> None:
        for position, ((name, place), rooms) in enumerate(zip(SITES, UNIT_TYPES, strict=True)):
            at = self._opening + timedelta(days=30 * position)
            site = self._world.add_site(name, place, at, opened=at + timedelta(days=14))
            for label, room in rooms:
                self._world.add_unit_type(site["id"], label, room, at)

    def _units(self, units: int) -> list[Resource]:
        types: dict[str, list[str]] = {site_id: [] for site_id in self._world.sites}
        for unit_type in self._world.unit_types.values():
            types[unit_type["site"]["id"]].append(unit_type["id"])
        names = {site_id: references() for site_id in types}
        homes = _spread(units, list(types))
        self._random.shuffle(homes)
        first, made = self._opening + timedelta(days=200), []
        for position, site_id in enumerate(homes):
            # Units come in imports of many at one moment, so only the id makes an order of creation complete.
            age = timedelta(days=900) * (position // _UNITS_PER_IMPORT * _UNITS_PER_IMPORT / units)
            chosen = self._random.choice(types[site_id])
            made.append(self._world.add_unit(site_id, chosen, next(names[site_id]), first + age))
        return made

    def _let(self, units: list[Resource]) -> None:
        statuses = [status for status, share in _STATUS_SHARES.items() for _ in range(round(len(units) * share))]
        statuses += ["occupied"] * (len(units) - len(statuses))
        self._random.shuffle(statuses)
        shown = self._shown(units)
        spelling = cycle(("overlock", "overlocked"))
        tenancies: dict[tuple[str, bool], Resource] = {}
        for unit, status in zip(units, statuses, strict=True):
            if unit["id"] in shown or status == "available":
                continue
            if status == "unavailable":
                self._world.set_status(unit["id"], status, self._after(unit["created_at"]))
                continue
            group = (unit["site"]["id"], status == "reserved")
            if group not in tenancies or self._random.random() > _SECOND_UNIT_SHARE:
                tenancies[group] = self._tenancy(unit["site"]["id"], starts_in_future=status == "reserved")
            self._move_in(unit, tenancies[group], next(spelling) if status == "overlock" else status)

    def _overstay(self) -> None:
        """End some tenancies yesterday whose units nobody deallocated yet."""
        begun = [each for each in self._world.tenancies.values() if each["starts_at"] < stamp(self._today)]
        for tenancy in begun[:_OVERSTAYED]:
            tenancy["ends_at"] = stamp(self._today - timedelta(days=1))

    def _shown(self, units: list[Resource]) -> set[str]:
        """Choose the units that stay available for the demo, and give some of them a hostile reference."""
        for unit in units[:_LINKED]:
            href = f"/sites/{unit['site']['id']}/units/{unit['id']}"
            unit["_links"] = {"bo:view_unit": {"href": href, "title": "View unit"}}
        camden = next(iter(self._world.sites))
        showcase = {each["id"] for each in units if (each["site"]["id"], each["reference_id"]) == (camden, _SHOWCASE)}
        hostile = [unit for unit in units[1::29] if unit["id"] not in showcase][: len(HOSTILE_REFERENCES)]
        for unit, reference in zip(hostile, HOSTILE_REFERENCES, strict=False):
            unit["reference_id"] = reference
        return showcase | {unit["id"] for unit in hostile}

    def _move_in(self, unit: Resource, tenancy: Resource, status: str) -> None:
        if status == "reserved":
            self._world.reserve(unit["id"], tenancy["id"], self._after(unit["created_at"], tenancy["created_at"]))
            return
        at = self._after(unit["created_at"], tenancy["starts_at"])
        self._world.grant_access(unit["id"], tenancy["id"], at)
        if status != "occupied":
            self._world.set_status(unit["id"], status, self._after(stamp(at)))

    def _waiting(self) -> None:
        people: list[Person] = [
            *HOSTILE_CONTACTS,
            *(self._person() for _ in range(_WAITING - 1 - len(HOSTILE_CONTACTS))),
        ]
        self._random.shuffle(people)
        waiting = [
            self._rent(
                site_id,
                self._today + timedelta(days=position * _LONGEST_WAIT_DAYS // _WAITING),
                self._now - timedelta(hours=self._random.randint(1, 240)),
                person,
            )
            for position, (person, site_id) in enumerate(zip(people, cycle(self._world.sites), strict=False))
        ]
        # One customer waits for two units at one site: only the start tells these tenancies apart.
        starts = self._today + timedelta(days=_LONGEST_WAIT_DAYS)
        contact_id, site_id = waiting[-1]["contact"]["id"], waiting[-1]["site"]["id"]
        self._world.add_tenancy(contact_id, site_id, starts, self._now)

    def _ended(self) -> None:
        for position, site_id in zip(range(_ENDED), cycle(self._world.sites), strict=False):
            starts = self._today - timedelta(days=300 + position)
            tenancy = self._rent(site_id, starts, starts - timedelta(days=3), self._person())
            tenancy["ends_at"] = stamp(self._today - timedelta(days=2 + position))
            customer = self._world.contacts[tenancy["contact"]["id"]]
            customer["status"] = "churned"

    def _tenancy(self, site_id: str, *, starts_in_future: bool) -> Resource:
        if starts_in_future:
            starts = self._today + timedelta(days=self._random.randint(1, _LONGEST_WAIT_DAYS))
        else:
            starts = self._today - timedelta(days=self._random.randint(1, 900))
        entered = min(starts, self._now) - timedelta(hours=self._random.randint(1, 240))
        return self._rent(site_id, starts, entered, self._person())

    def _rent(self, site_id: str, starts: datetime, entered: datetime, person: Person) -> Resource:
        full_name, email = person
        phone = f"07700 900{self._random.randint(0, 999):03d}"
        customer = self._world.add_contact(full_name, email, entered, phone_number=phone)
        return self._world.add_tenancy(customer["id"], site_id, starts, entered)

    def _person(self) -> Person:
        first, last = self._random.choice(FIRST_NAMES), self._random.choice(LAST_NAMES)
        domain = self._random.choice(("example.com", "example.org"))
        return f"{first} {last}", f"{first}.{last.replace(chr(39), '')}{next(self._customers)}@{domain}".lower()

    def _after(self, *stamps: str) -> datetime:
        earliest = read_stamp(max(stamps))
        return earliest + (self._now - earliest) * self._random.random()


def _spread(units: int, site_ids: list[str]) -> list[str]:
    """Return the site of each unit, by the sites' shares."""
    marks = [0, *(round(units * share) for share in accumulate(SITE_SHARES))]
    counts = zip(site_ids, pairwise(marks), strict=True)
    return [site_id for site_id, (begin, end) in counts for _ in range(end - begin)]
