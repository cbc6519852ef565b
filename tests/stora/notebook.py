"""A memory for the directory that lasts as long as a test, by the rules of the one in the database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.heard import Heard
from bot.core.kept import (
    LEASE,
    READ_BY,
    Changes,
    Overtaken,
    Read,
    Reading,
    Seen,
    Thing,
    Wanted,
    compared,
    completed,
    latest,
    shown,
)
from bot.core.problems import DatabaseUnusable
from bot.store.kept import AGAIN, ASKING, RESUMED_FOR


@dataclass
class Pages:
    """The notebook itself, which several processes may have open."""

    rows: dict[tuple[str, str], tuple[Seen, int]] = field(default_factory=dict)
    readings: dict[str, Read] = field(default_factory=dict)
    under_way: dict[str, tuple[Reading, str, datetime]] = field(default_factory=dict)
    wanted: dict[tuple[str, str], tuple[datetime, datetime | None]] = field(default_factory=dict)
    """When it was wanted, and until when it is somebody's."""
    events: set[str] = field(default_factory=set)
    version: int = 0


@dataclass
class Notebook:
    """A `Keeper` for one process. With ``torn``, nothing can be read or written."""

    now: Callable[[], datetime]
    pages: Pages = field(default_factory=Pages)
    owner: str = "one"
    torn: bool = False

    def _legible(self) -> Pages:
        if self.torn:
            raise DatabaseUnusable("The notebook is torn.")
        return self.pages

    async def since(self, version: int) -> Changes:
        pages = self._legible()
        changed = [one for one, written in pages.rows.values() if written > version and (version or not one.gone)]
        return Changes(pages.version, changed, dict(pages.readings))

    async def keep(self, seen: Sequence[Seen], heard: Sequence[Heard] = ()) -> frozenset[str]:
        pages = self._legible()
        new = {one.event_id: one for one in heard if one.event_id not in pages.events}
        pages.events |= set(new)
        units = [unit for one in new.values() for unit in one.units]
        left = {key for unit in units if (key := ("unit", unit.id)) in pages.rows and pages.rows[key][0].gone}
        said: list[Thing] = [unit for unit in units if ("unit", unit.id) not in left]
        said += [each for one in new.values() for each in one.unit_types]
        self._write([*seen, *(Seen(thing, self.now()) for thing in said)])
        self._want(left | {wanted for one in new.values() for wanted in one.to_ask}, self.now())
        return frozenset(new)

    def _write(self, seen: Sequence[Seen]) -> None:
        self.pages.version += bool(seen)
        for key, believed in latest(seen).items():
            known, written = self.pages.rows.get(key, (None, 0))
            one = completed(known, believed)
            match compared(known, one):
                case "changed" if known or not one.gone:
                    self.pages.rows[key] = one, self.pages.version
                case "same" if known and not one.gone:
                    self.pages.rows[key] = replace(known, at=max(known.at, one.at)), written
                case _:
                    pass

    async def begin(self, name: str, at: datetime, *, unless_since: datetime, whole_since: datetime) -> Reading | None:
        pages = self._legible()
        last = pages.readings.get(name)
        cut_off, owner, until = pages.under_way.get(name, (None, "", at))
        if cut_off and owner != self.owner and at < until <= at + 2 * LEASE:
            return None
        if cut_off and at - RESUMED_FOR < cut_off.started_at <= at:
            begun = replace(cut_off, page=max(1, cut_off.page - 1), resumed=True)
        elif last is not None and unless_since < last.read_at <= at:
            return None
        else:
            whole = last is None or last.whole_at is None or not whole_since < last.whole_at <= at
            begun = Reading(name, at, 1, whole)
        pages.under_way[name] = begun, self.owner, at + LEASE
        return begun

    async def extend(self, reading: Reading, at: datetime) -> None:
        under_way, owner, _ = self._legible().under_way.get(reading.name, (reading, "", at))
        if (owner, under_way.started_at) == (self.owner, reading.started_at):
            self.pages.under_way[reading.name] = under_way, owner, at + LEASE

    async def page_read(self, reading: Reading, things: Sequence[Thing], at: datetime, next_page: int) -> Reading:
        self._ours(reading)
        self._write([shown(thing, at) for thing in things])
        on = replace(reading, page=next_page)
        self.pages.under_way[reading.name] = on, self.owner, self.now() + LEASE
        return on

    async def ended(self, reading: Reading, at: datetime) -> int:
        self._ours(reading)
        del self.pages.under_way[reading.name]
        before = self.pages.readings.get(reading.name)
        whole_at = reading.started_at if reading.whole else before.whole_at if before else None
        took = max(timedelta(), at - reading.started_at)
        self.pages.readings[reading.name] = Read(reading.started_at, whole_at, took)
        if not reading.whole:
            return 0
        kept = {key: one for key, (one, _) in self.pages.rows.items() if key[0] == READ_BY[reading.name]}
        unseen = [key for key, one in kept.items() if one.at < reading.started_at and not one.gone]
        for key in [key for key, (wanted, _) in self.pages.wanted.items() if wanted < reading.started_at]:
            if key in kept and kept[key].at >= reading.started_at:
                del self.pages.wanted[key]
        self._want(unseen, at)
        return len(unseen)

    def _want(self, keys: Iterable[tuple[str, str]], at: datetime) -> None:
        for key in sorted(keys):
            self.pages.wanted[key] = at, self.pages.wanted.get(key, (at, None))[1]

    async def to_ask(self, at: datetime, limit: int) -> Sequence[Wanted]:
        waiting = sorted((Wanted(wanted, *key), until) for key, (wanted, until) in self._legible().wanted.items())
        claimed = [one for one, until in waiting if until is None or until <= at or until > at + 2 * ASKING][:limit]
        for one in claimed:
            self.pages.wanted[one.kind, one.id] = one.at, at + ASKING
        return claimed

    async def asked(self, wanted: Wanted, at: datetime, things: Sequence[Thing] | None) -> None:
        pages, key = self._legible(), (wanted.kind, wanted.id)
        seen = [shown(thing, at) for thing in things or ()]
        if things is None and key in pages.rows:
            seen = [Seen(pages.rows[key][0].thing, at, gone=True)]
        self._write(seen)
        if key in pages.wanted and pages.wanted[key][0] == wanted.at:
            del pages.wanted[key]
        elif key in pages.wanted:
            pages.wanted[key] = pages.wanted[key][0], self.now() + AGAIN

    def _ours(self, reading: Reading) -> None:
        under_way = self._legible().under_way.get(reading.name)
        if under_way is None or (under_way[1], under_way[0].started_at) != (self.owner, reading.started_at):
            raise Overtaken(reading.name)
