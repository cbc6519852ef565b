"""Take in what Stora showed: what is new is kept with a new version, and what is worth a word is owed at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.changes import what_happened
from bot.core.inventory import Row, Site, Unit, UnitType
from bot.core.kept import Kind, Seen, compared, completed, kind_of, latest
from bot.core.telling import Channels, noticed
from bot.core.tenancies import Tenancy
from bot.store.inserts import insert_unless_there, upsert
from bot.store.news import owe_changed
from bot.store.schema import decisions, directory, outbox, readings, shown, shown_units
from bot.store.summaries import summarise

CHANGED = "unitbot"
"""The channel on which PostgreSQL tells other processes that there is something new."""

BODIES: Mapping[Kind, TypeAdapter[Any]] = {
    "site": TypeAdapter(Site),
    "unit_type": TypeAdapter(UnitType),
    "unit": TypeAdapter(Unit),
    "tenancy": TypeAdapter(Tenancy),
}

NOBODY = Channels(None, {})
"""Is told nothing: what a decision changes is announced with the decision."""

AT_ONCE = 400
"""Ids in one question: every parameter is counted, and SQLite takes 32,766."""


def seen_of(row: RowMapping) -> Seen:
    """A row of the directory."""
    return Seen(BODIES[row["kind"]].validate_json(row["body"]), row["seen_at"], row["gone"])


async def take_in(
    connection: AsyncConnection, seen: Sequence[Seen], channels: Channels, *, held_by: str | None = None
) -> None:
    """Keep what is new of ``seen``, inside a transaction that writes.

    Args:
        connection: Of the transaction.
        seen: What Stora showed. Of one thing several times the latest counts.
        channels: Who is told what.
        held_by: What must have come to its end before anybody is told.
    """
    if not seen:
        return
    version = await turn(connection)
    changed: list[Seen] = []
    believed = latest(seen)
    for kind in BODIES:
        ids = [id_ for kind_, id_ in believed if kind_ == kind]
        known = await known_of(connection, kind, ids)
        of_kind = {id_: completed(known.get(id_), believed[kind, id_]) for id_ in ids}
        new = {id_: one for id_, one in of_kind.items() if compared(known.get(id_), one) == "changed"}
        same = [one for id_, one in of_kind.items() if compared(known.get(id_), one) == "same" and not one.gone]
        # A thing that nobody has seen cannot leave.
        written = [one for id_, one in new.items() if id_ in known or not one.gone]
        await _write(connection, written, version)
        await _seen_again(connection, kind, same)
        changed += written
        for one in written:
            before = known.get(one.thing.id)
            if before is not None and isinstance(one.thing, Unit) and isinstance(before.thing, Unit):
                await _tell(connection, before, one, channels, held_by)
    if changed:
        await _redraw(connection, changed, version)
        await summarise(connection, max(one.at for one in changed))
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_notify('{CHANGED}', '')"))


async def turn(connection: AsyncConnection) -> int:
    """The version of this transaction's changes. Whoever has it is alone: versions are in the order of the commits."""
    count = upsert(connection, readings).values(name="directory", version=1)
    taken = count.on_conflict_do_update(index_elements=["name"], set_={"version": readings.c.version + 1})
    version: int = (await connection.execute(taken.returning(readings.c.version))).scalar_one()
    return version


async def known_of(connection: AsyncConnection, kind: str, ids: Iterable[str]) -> dict[str, Seen]:
    """What is kept of these, also of those that are gone."""
    found: dict[str, Seen] = {}
    for some in _chunks(list(ids)):
        query = select(directory).where(directory.c.kind == kind, directory.c.id.in_(some))
        found |= {row["id"]: seen_of(row) for row in (await connection.execute(query)).mappings()}
    return found


async def _write(connection: AsyncConnection, written: Sequence[Seen], version: int) -> None:
    rows = [
        {
            "kind": kind_of(one.thing),
            "id": one.thing.id,
            "body": BODIES[kind_of(one.thing)].dump_json(one.thing).decode(),
            "updated_at": one.updated_at,
            "seen_at": one.at,
            "gone": one.gone,
            "version": version,
        }
        for one in written
    ]
    if not rows:
        return
    write = upsert(connection, directory)
    replaced = {name: write.excluded[name] for name in ("body", "updated_at", "seen_at", "gone", "version")}
    await connection.execute(write.on_conflict_do_update(index_elements=["kind", "id"], set_=replaced), rows)


async def _seen_again(connection: AsyncConnection, kind: str, same: Sequence[Seen]) -> None:
    moments: dict[datetime, list[str]] = {}
    for one in same:
        moments.setdefault(one.at, []).append(one.thing.id)
    for at, ids in moments.items():
        for some in _chunks(ids):
            these = (directory.c.kind == kind, directory.c.id.in_(some), directory.c.seen_at < at)
            await connection.execute(update(directory).where(*these).values(seen_at=at))


async def _tell(
    connection: AsyncConnection, before: Seen, after: Seen, channels: Channels, held_by: str | None
) -> None:
    """Let the channel hear of it, unless it is our own doing, which is announced with its decision."""
    unit, was = after.thing, before.thing
    assert isinstance(unit, Unit) and isinstance(was, Unit)  # noqa: S101, PT018 - the caller has looked
    what = None if before.gone or after.gone else what_happened(was, unit)
    if what is None:
        return
    site = (await known_of(connection, "site", [unit.site_id])).get(unit.site_id)
    unit_type = (await known_of(connection, "unit_type", [unit.unit_type_id])).get(unit.unit_type_id)
    row = Row(
        unit,
        site.thing if site and isinstance(site.thing, Site) else None,
        unit_type.thing if unit_type and isinstance(unit_type.thing, UnitType) else None,
    )
    owed = noticed(what, row, after.at, channels)
    if owed is None:
        return
    action = {"reserved": "reserve", "released": "release"}.get(what)
    if action is not None and await _under_way(connection, action, unit.id):
        held_by = _ours(action, unit.id)
    owe = insert_unless_there(connection, outbox)
    await connection.execute(owe.values(**asdict(owed), not_before=after.at, held_by=held_by))


async def _under_way(connection: AsyncConnection, action: str, unit_id: str) -> bool:
    """Whether what is noticed may be our own doing; how these decisions end will tell."""
    query = select(decisions.c.id).where(
        decisions.c.unit_id == unit_id,
        decisions.c.action == action,
        decisions.c.state.in_(("claimed", "unknown")),
    )
    return (await connection.execute(query.limit(1))).one_or_none() is not None


def _ours(action: str, unit_id: str) -> str:
    # Not one decision: of several for one unit, nobody knows which one it was until all have ended or one is done.
    return f"{action}:{unit_id}"


async def ours_has_ended(  # noqa: PLR0913 - what is known of its end
    connection: AsyncConnection, action: str, unit_id: str, at: datetime, seen: Sequence[Seen], *, done: bool
) -> None:
    """A decision has ended: what was noticed meanwhile was our own doing, or somebody else's after all.

    Args:
        connection: Of the transaction that has recorded how it ended.
        action: What was decided.
        unit_id: About which unit.
        at: When.
        seen: What Stora has shown to be changed by it.
        done: Whether it took effect.
    """
    # Also where nothing was seen: whoever is noticing something just now must have done so before we go on.
    await turn(connection)
    await take_in(connection, seen, NOBODY)
    if done:
        await connection.execute(delete(outbox).where(outbox.c.held_by == _ours(action, unit_id)))
    elif not await _under_way(connection, action, unit_id):
        await let_go(connection, _ours(action, unit_id), at)


async def let_go(connection: AsyncConnection, held_by: str, at: datetime) -> None:
    """What was held back may be told: one by one, or together where it is much. Whoever calls has had the ``turn``."""
    await connection.execute(update(outbox).where(outbox.c.held_by == held_by).values(held_by=None))
    await summarise(connection, at)


async def _redraw(connection: AsyncConnection, changed: Sequence[Seen], version: int) -> None:
    """Messages that show one of these units are no longer true."""
    units = [one for one in changed if isinstance(one.thing, Unit)]
    for some in _chunks([one.thing.id for one in units]):
        showing = select(shown_units.c.shown_id).where(shown_units.c.unit_id.in_(some))
        now = max(one.at for one in units)
        await connection.execute(
            update(shown).where(shown.c.id.in_(showing), shown.c.changed_at.is_(None)).values(changed_at=now)
        )
        await owe_changed(connection, some, now, version)


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
