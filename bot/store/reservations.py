"""Decisions: claimed before the effect by exactly one, and settled with what is owed in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import Update, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.core.kept import Seen
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import SETTLED, Decision, Outcome, Owed, Proposal, State
from bot.store.audit import insert_line
from bot.store.directory import ours_has_ended
from bot.store.inserts import insert_unless_there
from bot.store.leases import lease_ended, time_came
from bot.store.news import owe_news
from bot.store.rows import decision_of, last_line_of, line_of, row_of
from bot.store.schema import audit, decisions, outbox
from bot.store.transactions import reading, writing

UNDER_WAY: tuple[State, ...] = ("claimed", "unknown")


class Reservations:
    """Every decision there ever was. Safe with any number of tasks and processes.

    Every method raises ``DatabaseUnusable``. Whoever works on decisions must use the same ``lease`` everywhere.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def propose(self, proposal: Proposal, rule: str) -> None:
        """Remember what a card is about, and that somebody asked for it; ``rule``: what decided on it."""
        line = line_of(proposal, at=proposal.asked_at, who=proposal.asked_by, result="asked", rule=rule)
        async with writing(self._engine) as connection:
            await connection.execute(insert(decisions).values(**row_of(proposal), state="proposed"))
            await connection.execute(insert_line(line))

    async def get(self, decision_id: str) -> Decision | None:
        """The decision as it is now; ``None`` if there is none of this id."""
        async with reading(self._engine) as connection:
            return await _get(connection, decision_id)

    async def begin(  # noqa: PLR0913 - what is recorded about a confirmation
        self,
        decision_id: str,
        by: str,
        at: datetime,
        lease: timedelta,
        *,
        channel_id: str | None,
        response_url: str | None,
        rule: str,
    ) -> tuple[Decision, bool] | None:
        """Claim a proposed decision, before Stora is asked.

        Args:
            decision_id: What the button carries.
            by: Slack user id of whoever confirmed.
            at: Now.
            lease: How long the claim holds without ``extend``.
            channel_id: Where the card is.
            response_url: The way to the card.
            rule: Which role allowed it.

        Returns:
            The decision, and whether this very call claimed it: of all callers in all processes, one gets ``True``, the
            others the decision as it is. ``None`` if there is none of this id.
        """
        claim = claiming(decision_id, by, at, lease, rule).values(channel_id=channel_id, response_url=response_url)
        async with writing(self._engine) as connection:
            row = (await connection.execute(claim.returning(decisions))).mappings().one_or_none()
            if row is None:
                found = await _get(connection, decision_id)
                return (found, False) if found else None
            claimed = decision_of(row)
            line = line_of(claimed.proposal, at=at, who=by, result="confirmed", rule=rule)
            await connection.execute(insert_line(line))
            await owe_news(connection, decision_id, "claimed", at)
        return claimed, True

    async def begin_new(  # noqa: PLR0913 - the same
        self,
        proposal: Proposal,
        by: str,
        at: datetime,
        lease: timedelta,
        *,
        channel_id: str | None,
        response_url: str | None,
        rule: str,
    ) -> tuple[Decision, bool]:
        """Claim a decision that nothing was proposed for before, such as a release.

        The arguments and the answer are those of ``begin``; a second call with the same id gets the first's decision.

        Raises:
            DatabaseUnusable: also if a decision of another id has the same ``Idempotency-Key``.
        """
        async with writing(self._engine) as connection:
            claim = (
                insert_unless_there(connection, decisions)
                .values(
                    **row_of(proposal),
                    state="claimed",
                    confirmed_by=by,
                    confirmed_at=at,
                    rule=rule,
                    channel_id=channel_id,
                    response_url=response_url,
                    lease_until=at + lease,
                )
                .returning(decisions)
            )
            row = (await connection.execute(claim)).mappings().one_or_none()
            if row is None:
                found = await _get(connection, proposal.id)
                if found is None:
                    raise DatabaseUnusable("Another decision has the same Idempotency-Key.")
                return found, False
            line = line_of(proposal, at=at, who=by, result="confirmed", rule=rule)
            await connection.execute(insert_line(line))
        return decision_of(row), True

    async def cancel(self, decision_id: str, by: str, at: datetime) -> Decision | None:
        """Withdraw a proposed decision; any other stays as it is. Returns it as it is then, or ``None``."""
        withdrawal = (
            update(decisions)
            .where(decisions.c.id == decision_id, decisions.c.state == "proposed")
            .values(state="cancelled", settled_at=at)
            .returning(decisions)
        )
        async with writing(self._engine) as connection:
            row = (await connection.execute(withdrawal)).mappings().one_or_none()
            if row is None:
                return await _get(connection, decision_id)
            cancelled = decision_of(row)
            await connection.execute(insert_line(line_of(cancelled.proposal, at=at, who=by, result="cancelled")))
            await owe_news(connection, decision_id, "cancelled", at)
        return cancelled

    async def extend(self, decision_id: str, at: datetime, lease: timedelta) -> None:
        """Whoever works on the decision is still at it: it stays theirs for another ``lease``."""
        longer = (
            update(decisions)
            .where(decisions.c.id == decision_id, decisions.c.lease_until.is_not(None))
            .values(lease_until=at + lease)
        )
        async with writing(self._engine) as connection:
            await connection.execute(longer)

    async def settle(  # noqa: PLR0913 - what is recorded about an outcome
        self,
        decision_id: str,
        outcome: Outcome,
        at: datetime,
        owed: Sequence[Owed],
        *,
        next_try: datetime | None = None,
        seen: Sequence[Seen] = (),
    ) -> bool:
        """Record how a claimed decision ended, and what is owed for it, in one transaction.

        `unknown` may be followed by anything, also by `unknown` again, which the record does not repeat; `done` and
        `refused` are for good.

        Args:
            decision_id: Which.
            outcome: How it ended.
            at: Now.
            owed: What must still be done; what is owed already is not owed twice.
            next_try: For `unknown`: when to find out, at most an hour from now. Without it, at once.
            seen: What Stora has shown to be changed by it.

        Returns:
            Whether it was recorded. ``False``, with nothing written, if it had been settled before or never claimed.
        """
        async with writing(self._engine) as connection:
            current = select(decisions).where(decisions.c.id == decision_id).with_for_update()
            row = (await connection.execute(current)).mappings().one_or_none()
            if row is None or row["state"] not in UNDER_WAY:
                return False
            values: dict[str, object] = {**asdict(outcome), "settled_at": at, "next_try": next_try}
            if outcome.state == "unknown":
                values["lease_until"] = None  # otherwise whoever settled it has yet to tell the person: see `told`
            if outcome.state != row["state"]:
                line = insert_line(last_line_of(row, outcome, at)).returning(audit.c.id)
                values["settled_line"] = (await connection.execute(line)).scalar_one()
            await connection.execute(update(decisions).where(decisions.c.id == decision_id).values(values))
            for one in owed:
                owe = insert_unless_there(connection, outbox)
                await connection.execute(owe.values(**asdict(one), decision_id=decision_id, not_before=at))
            if outcome.state != "unknown":
                done = outcome.state == "done"
                await ours_has_ended(connection, row["action"], row["unit_id"], at, seen, done=done)
            await owe_news(connection, decision_id, outcome.state, at)
        return True

    async def take_over(self, at: datetime, lease: timedelta, limit: int) -> list[Decision]:
        """Claim what nobody works on: claims whose process died, and unknown outcomes that are to be found out now.

        Each goes to exactly one caller, the longest waiting first, with one more attempt counted.
        """
        free = lease_ended(decisions.c.lease_until, at, lease)
        waiting = or_(
            and_(decisions.c.state == "claimed", free),
            and_(decisions.c.state == "unknown", free, time_came(decisions.c.next_try, at)),
        )
        since = func.coalesce(decisions.c.next_try, decisions.c.confirmed_at)
        found = (
            select(decisions.c.id)
            .where(waiting)
            .order_by(since, decisions.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with writing(self._engine) as connection:
            ids = (await connection.execute(found)).scalars().all()
            taken = (
                update(decisions)
                .where(decisions.c.id.in_(ids))
                .values(lease_until=at + lease, attempts=decisions.c.attempts + 1)
                .returning(decisions)
            )
            rows = (await connection.execute(taken)).mappings().all() if ids else []
        return sorted(map(decision_of, rows), key=lambda decision: ids.index(decision.proposal.id))

    async def told(self, decision_id: str) -> None:
        """The person has been shown how it ended."""
        shown = update(decisions).where(decisions.c.id == decision_id, decisions.c.state.in_(SETTLED))
        async with writing(self._engine) as connection:
            await connection.execute(shown.values(lease_until=None))

    async def untold(self, at: datetime, lease: timedelta, limit: int) -> list[Decision]:
        """Take over telling people how it ended, where whoever settled it has died before ``told``."""
        found = (
            select(decisions.c.id)
            .where(
                decisions.c.lease_until.is_not(None),
                decisions.c.state.in_(SETTLED),
                lease_ended(decisions.c.lease_until, at, lease),
            )
            .order_by(decisions.c.settled_line)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with writing(self._engine) as connection:
            ids = (await connection.execute(found)).scalars().all()
            taken = update(decisions).where(decisions.c.id.in_(ids)).values(lease_until=at + lease).returning(decisions)
            rows = (await connection.execute(taken)).mappings().all() if ids else []
        return list(map(decision_of, rows))

    async def orphaned(self, at: datetime) -> None:
        """No other process exists, and this one has just started: every claim is nobody's."""
        let_go = update(decisions).where(decisions.c.lease_until.is_not(None)).values(lease_until=at)
        async with writing(self._engine) as connection:
            await connection.execute(let_go)

    async def reserved_here(self, unit_id: str) -> Decision | None:
        """The newest reservation of this unit that took effect, unless it was released through the bot afterwards."""
        newest = (
            select(decisions)
            .where(decisions.c.unit_id == unit_id, decisions.c.state == "done")
            .order_by(decisions.c.settled_line.desc())
            .limit(1)
        )
        async with reading(self._engine) as connection:
            row = (await connection.execute(newest)).mappings().one_or_none()
        return decision_of(row) if row is not None and row["action"] == "reserve" else None

    async def releases_refused(self, reservation_id: str) -> int:
        """How many releases of this reservation, with ids `{reservation_id}-release-{n}`, Stora has refused."""
        prefix = f"{reservation_id}-release-"
        unit = select(decisions.c.unit_id).where(decisions.c.id == reservation_id).scalar_subquery()
        refused = select(func.count()).where(
            decisions.c.unit_id == unit,
            decisions.c.action == "release",
            decisions.c.state == "refused",
            func.substr(decisions.c.id, 1, len(prefix)) == prefix,
        )
        async with reading(self._engine) as connection:
            return (await connection.execute(refused)).scalar_one()

    async def latest_of(self, user_id: str, limit: int) -> list[Decision]:
        """What somebody has confirmed, or others for them; the newest first."""
        whose = or_(decisions.c.asked_by == user_id, decisions.c.confirmed_by == user_id)
        query = (
            select(decisions)
            .where(whose, decisions.c.confirmed_at.is_not(None))
            .order_by(decisions.c.confirmed_at.desc())
            .limit(limit)
        )
        async with reading(self._engine) as connection:
            return list(map(decision_of, (await connection.execute(query)).mappings()))

    async def reserved_by_site(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """Site id → how many reservations took effect from ``since`` until before ``until``."""
        query = (
            select(decisions.c.site_id, func.count())
            .where(
                decisions.c.state == "done",
                decisions.c.action == "reserve",
                decisions.c.settled_at >= since,
                decisions.c.settled_at < until,
            )
            .group_by(decisions.c.site_id)
        )
        async with reading(self._engine) as connection:
            return dict(map(tuple, (await connection.execute(query)).all()))

    async def counts(self) -> Mapping[State, int]:
        """How many decisions are in each state; none is left out."""
        query = select(decisions.c.state, func.count()).group_by(decisions.c.state)
        async with reading(self._engine) as connection:
            found = (await connection.execute(query)).all()
        states: tuple[State, ...] = get_args(State)
        return dict.fromkeys(states, 0) | dict(map(tuple, found))


def claiming(decision_id: str, by: str, at: datetime, lease: timedelta, rule: str) -> Update:
    """The statement that claims a proposed decision, before Stora is asked: it touches a row for one caller only."""
    return (
        update(decisions)
        .where(decisions.c.id == decision_id, decisions.c.state == "proposed")
        .values(state="claimed", confirmed_by=by, confirmed_at=at, rule=rule, lease_until=at + lease)
    )


async def _get(connection: AsyncConnection, decision_id: str) -> Decision | None:
    row = (await connection.execute(select(decisions).where(decisions.c.id == decision_id))).mappings().one_or_none()
    return decision_of(row) if row is not None else None
