"""What is owed: announcements and notes, each done by one process at a time until it succeeded or never will."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.reservations import Owed
from bot.store.inserts import insert_unless_there
from bot.store.leases import lease_ended, time_came
from bot.store.schema import outbox
from bot.store.transactions import reading, writing


@dataclass(frozen=True, slots=True)
class Due:
    """Something owed whose time has come."""

    id: int
    owed: Owed
    attempts: int
    """How often it has been taken up, this time included: who holds another number has lost it to somebody else."""
    refused_since: datetime | None = None
    """When Slack first refused it with a word of its own."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A channel that announcements could not be sent to; an empty one stands for notes in Stora."""

    channel_id: str
    error: str
    """The newest one's."""
    at: datetime
    """The newest one's."""
    count: int


class Outbox:
    """What ``Reservations.settle`` recorded as owed. Every method raises ``DatabaseUnusable``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def owe(self, owed: Iterable[Owed], at: datetime) -> None:
        """Owe what nobody has decided about; what is owed already, or was done, is not owed twice."""
        async with writing(self._engine) as connection:
            for one in owed:
                owe = insert_unless_there(connection, outbox)
                await connection.execute(owe.values(**asdict(one), not_before=at))

    async def claim(
        self, at: datetime, lease: timedelta, limit: int, *, not_channels: Collection[str] = ()
    ) -> list[Due]:
        """Take up what is due, oldest first. Each goes to exactly one caller, who has it for ``lease``.

        Args:
            at: Now.
            lease: After so long without ``sent``, ``later`` or ``give_up`` it is anybody's; the same everywhere.
            limit: How many at most.
            not_channels: Channels that must wait.
        """
        found = (
            select(outbox.c.id)
            .where(
                outbox.c.state == "owed",
                outbox.c.held_by.is_(None),
                time_came(outbox.c.not_before, at),
                lease_ended(outbox.c.lease_until, at, lease),
                outbox.c.channel_id.not_in(not_channels),
            )
            .order_by(outbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with writing(self._engine) as connection:
            ids = (await connection.execute(found)).scalars().all()
            taken = (
                update(outbox)
                .where(outbox.c.id.in_(ids))
                .values(lease_until=at + lease, attempts=outbox.c.attempts + 1)
                .returning(outbox)
            )
            rows = (await connection.execute(taken)).mappings().all() if ids else []
        due = [
            Due(
                row["id"],
                Owed(**{one.name: row[one.name] for one in fields(Owed)}),
                row["attempts"],
                row["refused_since"],
            )
            for row in rows
        ]
        return sorted(due, key=lambda one: one.id)

    async def sent(self, id: int, at: datetime, ts: str) -> None:  # noqa: A002 - the name callers know from `Due`
        """It is done, whoever has it now. ``ts`` names the message in Slack; empty for a note."""
        await self._change(outbox.c.id == id, state="sent", ended_at=at, ts=ts)

    async def later(self, due: Due, not_before: datetime, error: str, *, refused_at: datetime | None = None) -> None:
        """It failed for now; nothing happens if somebody else has taken it up meanwhile.

        Args:
            due: As it was claimed.
            not_before: At most an hour away: what is further is taken for a clock's mistake.
            error: Why.
            refused_at: Now, if Slack has refused it with a word of its own.
        """
        since = due.refused_since or refused_at
        await self._change(_still(due), not_before=not_before, error=error, refused_since=since)

    async def give_up(self, due: Due, at: datetime, error: str) -> None:
        """It failed, and will again; nothing happens if somebody else has taken it up meanwhile."""
        await self._change(_still(due), state="given_up", ended_at=at, error=error)

    async def _change(self, which: ColumnElement[bool], **values: object) -> None:
        # What has ended stays so, also when a process comes back late that was thought dead.
        change = update(outbox).where(which, outbox.c.state == "owed").values(lease_until=None, **values)
        async with writing(self._engine) as connection:
            await connection.execute(change)

    async def orphaned(self, at: datetime) -> None:
        """No other process exists, and this one has just started: nobody is sending anything."""
        let_go = update(outbox).where(outbox.c.state == "owed", outbox.c.lease_until.is_not(None))
        async with writing(self._engine) as connection:
            await connection.execute(let_go.values(lease_until=at))

    async def pending(self) -> int:
        """How much is owed, due or not."""
        async with reading(self._engine) as connection:
            return (await connection.execute(select(func.count()).where(outbox.c.state == "owed"))).scalar_one()

    async def given_up(self, since: datetime) -> list[GivenUp]:
        """What was given up since then: one for each channel, the newest channel first."""
        channel = outbox.c.channel_id
        nth = func.row_number().over(partition_by=channel, order_by=(outbox.c.ended_at.desc(), outbox.c.id.desc()))
        count = func.count().over(partition_by=channel)
        each = (
            select(*outbox.c, nth.label("nth"), count.label("count"))
            .where(outbox.c.state == "given_up", outbox.c.ended_at >= since)
            .subquery()
        )
        newest = select(each).where(each.c.nth == 1).order_by(each.c.ended_at.desc(), each.c.id.desc())
        async with reading(self._engine) as connection:
            rows = (await connection.execute(newest)).mappings().all()
        return [GivenUp(row["channel_id"], row["error"], row["ended_at"], row["count"]) for row in rows]

    async def next_due(self) -> datetime | None:
        """When ``claim`` may find something again; ``None`` if nothing is owed.

        Do not sleep until then without looking in between: clocks step back, and others add to what is owed.
        """
        held = outbox.c.lease_until
        free_at = case((or_(held.is_(None), held <= outbox.c.not_before), outbox.c.not_before), else_=held)
        async with reading(self._engine) as connection:
            query = select(func.min(free_at)).where(outbox.c.state == "owed")
            when: datetime | None = (await connection.execute(query)).scalar_one()
        return when


def _still(due: Due) -> ColumnElement[bool]:
    """Nobody has taken it up since: who was frozen for longer than the lease must not free what another is sending."""
    return and_(outbox.c.id == due.id, outbox.c.attempts == due.attempts)
