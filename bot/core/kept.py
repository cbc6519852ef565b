"""What is kept of Stora between two looks, and which of two looks at the same thing is the later one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bot.core.inventory import Site, Unit, UnitType
from bot.core.tenancies import Tenancy

Thing: TypeAlias = Site | UnitType | Unit | Tenancy
Kind: TypeAlias = Literal["site", "unit_type", "unit", "tenancy"]

READ_BY: Mapping[str, Kind] = {"units": "unit", "tenancies": "tenancy"}
"""What a reading of each name sees."""


LEASE = timedelta(seconds=30)
"""How long a reading is believed to be somebody's without another word."""


class Overtaken(Exception):
    """Another process has taken over the reading: it took us for dead."""


KINDS: Mapping[type[Thing], Kind] = {Site: "site", UnitType: "unit_type", Unit: "unit", Tenancy: "tenancy"}


def kind_of(thing: Thing) -> Kind:
    """What sort of thing it is, as the database calls it."""
    return KINDS[type(thing)]


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing as Stora showed it."""

    thing: Thing
    at: datetime
    """When Stora was asked, or told us."""
    gone: bool = False
    """It was shown once, and is there no more; or nothing can be done with it any more."""

    @property
    def updated_at(self) -> datetime:
        """Stora's word for when it last changed; a site has none, and may have changed until it was seen."""
        updated_at: datetime | None = getattr(self.thing, "updated_at", None)
        return updated_at or self.at


def shown(thing: Thing, at: datetime) -> Seen:
    """What Stora shows, asked at ``at``: a tenancy that has ended is as good as gone."""
    return Seen(thing, at, gone=isinstance(thing, Tenancy) and not thing.is_current(at))


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """What Stora is to be asked for."""

    at: datetime
    """When it was wanted; who wants it anew changes that."""
    kind: str
    """As in ``Heard.to_ask``."""
    id: str


Verdict: TypeAlias = Literal["changed", "same", "older"]


def compared(known: Seen | None, seen: Seen) -> Verdict:
    """Whether ``seen`` says something new about what is ``known``; answers and webhooks arrive in any order."""
    if known is None:
        return "changed"
    if known.gone or seen.gone:
        # Nobody dates a removal, so the later look counts.
        if seen.at < known.at:
            return "older"
        return "same" if known.gone and seen.gone else "changed"
    if (seen.updated_at, seen.at) < (known.updated_at, known.at):
        # Stora dates changes to the second: of two looks within one, the later look counts.
        return "older"
    return "same" if known.thing == seen.thing else "changed"


def completed(known: Seen | None, seen: Seen) -> Seen:
    """``seen`` with what is known and it does not say: a webhook may not name the Backoffice's address."""
    if known is None or not isinstance(known.thing, Unit) or not isinstance(seen.thing, Unit):
        return seen
    if seen.thing.backoffice_url is not None:
        return seen
    return replace(seen, thing=replace(seen.thing, backoffice_url=known.thing.backoffice_url))


def latest(seen: Iterable[Seen]) -> dict[tuple[Kind, str], Seen]:
    """Kind and id → what is to be believed of a thing that was seen several times."""
    found: dict[tuple[Kind, str], Seen] = {}
    for one in sorted(seen, key=lambda one: one.at):
        key = (kind_of(one.thing), one.thing.id)
        if compared(found.get(key), one) != "older":
            found[key] = one
    return found


@dataclass(frozen=True, slots=True)
class Reading:
    """A sweep through a list of Stora's, as far as it has come; it is resumed where it was cut off."""

    name: str
    """`units` or `tenancies`."""
    started_at: datetime
    page: int
    """The next one to be read."""
    whole: bool = True
    """Whether it goes to the end, or only to what is known."""
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """The last reading of a name that came to its end."""

    read_at: datetime
    """When it began: nothing of what it read is older."""
    whole_at: datetime | None
    """When the last whole one began."""
    took: timedelta


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different since a version."""

    version: int
    seen: Sequence[Seen] = field(default=(), repr=False)
    readings: Mapping[str, Read] = field(default_factory=dict)
