"""The directory in the database: what Stora showed, how far a sweep has come, and what webhooks said."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.core.heard import Heard
from bot.core.kept import LEASE, READ_BY, Changes, Overtaken, Read, Reading, Seen, Thing, Wanted, shown
from bot.core.telling import Channels
from bot.store.directory import BODIES, CHANGED, NOBODY, known_of, let_go, take_in, turn
from bot.store.inserts import insert_unless_there, upsert
from bot.store.leases import lease_ended
from bot.store.schema import directory, readings, to_ask, webhook_events
from bot.store.transactions import reading, writing

RESUMED_FOR = timedelta(hours=1)
"""After so long a reading that was cut off is begun anew: resumed, it would be out of date when it ended."""
ASKING = timedelta(minutes=2)
"""How long a thing to be asked for is one process's: longer than Stora's limit keeps a question waiting."""
AGAIN = timedelta(seconds=10)
"""How long what is wanted again while it is being asked for must wait: a storm of events is no storm of questions."""
TOGETHER = 1000
"""Rows that are read without a look at what else is to be done."""
REMEMBERED = timedelta(days=7)
"""How long an event's id is remembered. Stora sends one again within hours."""


class Kept:
    """What every process with this database knows of Stora. Every method raises ``DatabaseUnusable``."""

    def __init__(self, engine: AsyncEngine, channels: Channels, owner: str, now: Callable[[], datetime]) -> None:
        """Make one for a process.

        Args:
            engine: Of the database.
            channels: Who is told what.
            owner: This process's name among all that have ever used the database.
            now: The clock.
        """
        self._engine = engine
        self._channels = channels
        self._owner = owner
        self._now = now

    async def since(self, version: int) -> Changes:
        """What has changed since then; everything there is since version 0."""
        new = directory.c.version > version if version else ~directory.c.gone
        columns = (directory.c.kind, directory.c.body, directory.c.seen_at, directory.c.gone, directory.c.version)
        async with reading(self._engine) as connection:
            # In this order: a reading that is seen to have ended has all its pages among the rows.
            ended = (await connection.execute(select(readings).where(readings.c.read_at.is_not(None)))).mappings().all()
            seen: list[Seen] = []
            async with connection.stream(select(*columns).where(new).order_by(directory.c.version)) as rows:
                async for some in rows.partitions(TOGETHER):  # clicks must not wait until fifty thousand are read
                    seen += [Seen(BODIES[kind].validate_json(body), at, gone) for kind, body, at, gone, _ in some]
                    version = some[-1][4]
        return Changes(version, seen, {row["name"]: _read(row) for row in ended})

    async def keep(self, seen: Sequence[Seen], heard: Sequence[Heard] = ()) -> frozenset[str]:
        """Keep what Stora showed, what it no longer has and what its webhooks said; what is worth a word is owed.

        All of it in one transaction. Returns the ids of the events that are new.
        """
        at = self._now()
        async with writing(self._engine) as connection:
            new = await _new(connection, heard, at)
            types = [each for one in new for each in one.unit_types]
            units = [each for one in new for each in one.units]
            known = await known_of(connection, "unit", {unit.id for unit in units})
            # An event may be late: a unit that is gone does not come back on its word alone.
            left = {id_ for id_, one in known.items() if one.gone}
            said: list[Thing] = [*types, *(unit for unit in units if unit.id not in left)]
            await take_in(connection, [*seen, *(Seen(thing, at) for thing in said)], self._channels)
            wanted = {("unit", id_) for id_ in left} | {wanted for one in new for wanted in one.to_ask}
            await _want(connection, wanted, at)
        return frozenset(one.event_id for one in new)

    async def begin(self, name: str, at: datetime, *, unless_since: datetime, whole_since: datetime) -> Reading | None:
        """Claim a reading: one that was cut off, else a new one; see ``Keeper``."""
        async with writing(self._engine) as connection:
            await connection.execute(insert_unless_there(connection, readings).values(name=name))
            row = await _locked(connection, name)
            free = or_(readings.c.owner == self._owner, lease_ended(readings.c.lease_until, at, LEASE))
            cut_off = row["started_at"] is not None
            if cut_off and not (await connection.execute(select(free).where(readings.c.name == name))).scalar_one():
                return None
            resumed = cut_off and at - RESUMED_FOR < row["started_at"] <= at
            if cut_off and not resumed:  # what it noticed must not wait for an end that may never come
                await turn(connection)
                await let_go(connection, _holder(name), at)
            if resumed:
                # A page back: what was removed meanwhile has moved the rest to earlier pages.
                page = max(1, row["next_page"] - 1)
                begun = Reading(name, row["started_at"], page, row["whole"], resumed=True)
            elif row["read_at"] is not None and unless_since < row["read_at"] <= at:
                return None
            else:
                whole = row["whole_at"] is None or not whole_since < row["whole_at"] <= at
                begun = Reading(name, at, 1, whole)
            await _change(
                connection,
                name,
                started_at=begun.started_at,
                next_page=begun.page,
                whole=begun.whole,
                owner=self._owner,
                lease_until=at + LEASE,
            )
        return begun

    async def extend(self, reading: Reading, at: datetime) -> None:
        """We are still at it."""
        longer = update(readings).where(
            readings.c.name == reading.name,
            readings.c.owner == self._owner,
            readings.c.started_at == reading.started_at,
        )
        async with writing(self._engine) as connection:
            await connection.execute(longer.values(lease_until=at + LEASE))

    async def page_read(self, reading: Reading, things: Sequence[Thing], at: datetime, next_page: int) -> Reading:
        """Keep one page, asked for at ``at``; the reading that goes on from there.

        Raises:
            Overtaken: it is another's by now; nothing was kept.
        """
        async with writing(self._engine) as connection:
            row = await self._still_ours(connection, reading)
            seen = [shown(thing, at) for thing in things]
            # Until all has been read once, what is different is no news: the first load may take days.
            channels = self._channels if row["whole_at"] else NOBODY
            await take_in(connection, seen, channels, held_by=_holder(reading.name))
            await _change(connection, reading.name, next_page=next_page, lease_until=self._now() + LEASE)
        return replace(reading, page=next_page)

    async def ended(self, reading: Reading, at: datetime) -> int:
        """The reading has come to its end, and what it noticed may be told; see ``Keeper``.

        Raises:
            Overtaken: it is another's by now.
        """
        kind = READ_BY[reading.name]
        those, seen = directory.c.kind == kind, directory.c.seen_at >= reading.started_at
        no_longer = (to_ask.c.kind == kind, to_ask.c.wanted_at < reading.started_at)
        async with writing(self._engine) as connection:
            before = await self._still_ours(connection, reading)
            await turn(connection)  # or we and a webhook that wants the same things could wait for each other for ever
            ids: Sequence[str] = []
            if reading.whole:
                unseen = select(directory.c.id).where(those, ~seen, ~directory.c.gone)
                ids = (await connection.execute(unseen)).scalars().all()
                await _want(connection, ((kind, id_) for id_ in ids), at)
                found = select(directory.c.id).where(those, seen)
                await connection.execute(delete(to_ask).where(*no_longer, to_ask.c.id.in_(found)))
            await let_go(connection, _holder(reading.name), at)
            await _change(
                connection,
                reading.name,
                started_at=None,
                owner=None,
                lease_until=None,
                read_at=reading.started_at,
                whole_at=reading.started_at if reading.whole else before["whole_at"],
                ended_at=at,
            )
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_notify('{CHANGED}', '')"))
        return len(ids)

    async def to_ask(self, at: datetime, limit: int) -> Sequence[Wanted]:
        """Claim what is to be asked for, the longest wanted first."""
        found = (
            select(to_ask.c.wanted_at, to_ask.c.kind, to_ask.c.id)
            .where(lease_ended(to_ask.c.lease_until, at, ASKING))
            .order_by(to_ask.c.wanted_at, to_ask.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with reading(self._engine) as connection:  # mostly there is nothing, which costs no turn to write
            if (await connection.execute(select(to_ask.c.id).limit(1))).one_or_none() is None:
                return []
        async with writing(self._engine) as connection:
            claimed = [Wanted(*row) for row in (await connection.execute(found)).all()]
            these = [(one.kind, one.id) for one in claimed]
            taken = update(to_ask).where(tuple_(to_ask.c.kind, to_ask.c.id).in_(these))
            if claimed:
                await connection.execute(taken.values(lease_until=at + ASKING))
        return claimed

    async def asked(self, wanted: Wanted, at: datetime, things: Sequence[Thing] | None) -> None:
        """Keep the answer to a question; who has wanted it since it was claimed wants it anew, and waits a little."""
        this = (to_ask.c.kind == wanted.kind, to_ask.c.id == wanted.id)
        async with writing(self._engine) as connection:
            seen = [shown(thing, at) for thing in things or ()]
            if things is None:
                known = await known_of(connection, wanted.kind, [wanted.id])
                seen = [Seen(one.thing, at, gone=True) for one in known.values()]
            await take_in(connection, seen, self._channels)
            # The same moment, not an earlier one: clocks step back.
            await connection.execute(delete(to_ask).where(*this, to_ask.c.wanted_at == wanted.at))
            await connection.execute(update(to_ask).where(*this).values(lease_until=self._now() + AGAIN))

    async def _still_ours(self, connection: AsyncConnection, reading: Reading) -> RowMapping:
        row = await _locked(connection, reading.name)
        if (row["owner"], row["started_at"]) != (self._owner, reading.started_at):
            raise Overtaken(reading.name)
        return row


async def orphaned(engine: AsyncEngine, at: datetime) -> None:
    """No other process exists, and this one has just started: every reading and every question is nobody's.

    Raises:
        DatabaseUnusable: it cannot be written to.
    """
    async with writing(engine) as connection:
        for table in (readings, to_ask):
            held = update(table).where(table.c.lease_until.is_not(None))
            await connection.execute(held.values(lease_until=at))


def _read(row: RowMapping) -> Read:
    return Read(row["read_at"], row["whole_at"], max(timedelta(), row["ended_at"] - row["read_at"]))


def _holder(name: str) -> str:
    return f"reading:{name}"


async def _locked(connection: AsyncConnection, name: str) -> RowMapping:
    query = select(readings).where(readings.c.name == name).with_for_update()
    return (await connection.execute(query)).mappings().one()


async def _change(connection: AsyncConnection, name: str, **values: object) -> None:
    await connection.execute(update(readings).where(readings.c.name == name).values(**values))


async def _new(connection: AsyncConnection, heard: Sequence[Heard], at: datetime) -> list[Heard]:
    """Remember these events; those that nobody has remembered before."""
    if not heard:
        return []
    await turn(connection)  # or two processes with the same events could wait for each other for ever
    new = []
    for one in heard:
        remember = insert_unless_there(connection, webhook_events).values(id=one.event_id, type=one.type, at=at)
        if (await connection.execute(remember.returning(webhook_events.c.id))).one_or_none():
            new.append(one)
    await connection.execute(delete(webhook_events).where(webhook_events.c.at < at - REMEMBERED))
    return new


async def _want(connection: AsyncConnection, what: Iterable[tuple[str, str]], at: datetime) -> None:
    # All who want several things want them in the same order, and so never wait for each other.
    rows = [{"kind": kind, "id": id_, "wanted_at": at} for kind, id_ in sorted(what)]
    want = upsert(connection, to_ask)
    if rows:
        again = want.on_conflict_do_update(index_elements=["kind", "id"], set_={"wanted_at": at})
        await connection.execute(again, rows)
