"""Lists and cards that stand in channels, so that they can be drawn again when a unit in them changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.inserts import upsert
from bot.store.leases import lease_ended
from bot.store.schema import shown, shown_units
from bot.store.transactions import reading, writing


@dataclass(frozen=True, slots=True)
class Shared:
    """A message of ours in a channel."""

    id: int
    channel_id: str
    ts: str
    """Slack's name of it in its channel."""
    query: str
    """What it shows, as its buttons carry it."""


class Shown:
    """Every message that is kept true. Every method raises ``DatabaseUnusable``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def remember(self, channel_id: str, ts: str, query: str, unit_ids: Collection[str], at: datetime) -> None:
        """A message has been posted."""
        async with writing(self._engine) as connection:
            write = upsert(connection, shown).values(channel_id=channel_id, ts=ts, query=query, at=at)
            written = write.on_conflict_do_update(index_elements=["channel_id", "ts"], set_={"query": query, "at": at})
            shown_id: int = (await connection.execute(written.returning(shown.c.id))).scalar_one()
            await _holds(connection, shown_id, unit_ids)

    async def turned(self, channel_id: str, ts: str, query: str, unit_ids: Collection[str]) -> None:
        """Somebody has turned its page; nothing happens for a message that is not kept true."""
        this = select(shown.c.id).where(shown.c.channel_id == channel_id, shown.c.ts == ts)
        async with writing(self._engine) as connection:
            shown_id = (await connection.execute(this)).scalar_one_or_none()
            if shown_id is not None:
                await connection.execute(update(shown).where(shown.c.id == shown_id).values(query=query))
                await _holds(connection, shown_id, unit_ids)

    async def claim(self, at: datetime, settled: timedelta, lease: timedelta, limit: int) -> Sequence[Shared]:
        """Take up messages with a unit that has changed, each by one caller.

        Args:
            at: Now.
            settled: How long after its first change a message waits for further ones.
            lease: After so long without ``drawn`` or ``later`` it is anybody's.
            limit: How many at most.
        """
        free = lease_ended(shown.c.lease_until, at, lease)
        due = or_(and_(shown.c.changed_at <= at - settled, free), and_(shown.c.lease_until.is_not(None), free))
        async with reading(self._engine) as connection:  # mostly there is nothing, which costs no turn to write
            if (await connection.execute(select(shown.c.id).where(due).limit(1))).one_or_none() is None:
                return []
        found = select(shown.c.id).where(due).order_by(shown.c.id).limit(limit).with_for_update(skip_locked=True)
        async with writing(self._engine) as connection:
            ids = (await connection.execute(found)).scalars().all()
            # A change from now on is a new one, which what is drawn now may not show.
            taken = update(shown).where(shown.c.id.in_(ids)).values(changed_at=None, lease_until=at + lease)
            columns = (shown.c.id, shown.c.channel_id, shown.c.ts, shown.c.query)
            rows = (await connection.execute(taken.returning(*columns))).all() if ids else []
        return [Shared(*row) for row in rows]

    async def drawn(self, shown_id: int, unit_ids: Collection[str]) -> None:
        """It has been drawn again, and shows these units now."""
        async with writing(self._engine) as connection:
            await connection.execute(update(shown).where(shown.c.id == shown_id).values(lease_until=None))
            await _holds(connection, shown_id, unit_ids)

    async def later(self, shown_id: int, at: datetime) -> None:
        """Slack did not take it for now."""
        async with writing(self._engine) as connection:
            await connection.execute(
                update(shown).where(shown.c.id == shown_id).values(changed_at=at, lease_until=None)
            )

    async def forget(self, shown_id: int) -> None:
        """It is there no more, or is not to be changed."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(shown).where(shown.c.id == shown_id))


async def _holds(connection: AsyncConnection, shown_id: int, unit_ids: Collection[str]) -> None:
    await connection.execute(delete(shown_units).where(shown_units.c.shown_id == shown_id))
    if unit_ids:
        rows = [{"shown_id": shown_id, "unit_id": unit_id} for unit_id in unit_ids]
        await connection.execute(insert(shown_units), rows)
