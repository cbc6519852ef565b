"""Requests for approval: asked once, answered once, and what is owed for it in the same transaction."""

import json
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, Select, Update, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.core.approvals import GOOD_FOR, Answer, Request
from bot.core.inventory import UNKNOWN_STATUS
from bot.store.audit import insert_line
from bot.store.directory import BODIES
from bot.store.news import owe_news, request_key
from bot.store.reservations import claiming
from bot.store.rows import decision_of, line_of
from bot.store.schema import approvals, decisions, directory, outbox
from bot.store.transactions import reading, writing

AT_ONCE = 50
"""Requests that expire in one go."""


class Approvals:
    """Every request there ever was. Safe with any number of tasks and processes.

    A decision that is `proposed` still waits for its answer: whoever changes that state first has answered. Every
    method raises ``DatabaseUnusable``.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ask(  # noqa: PLR0913 - what is recorded about a request
        self,
        decision_id: str,
        at: datetime,
        *,
        channel_id: str,
        response_url: str | None,
        warnings: tuple[str, ...],
        rule: str,
    ) -> bool:
        """Ask, in this channel, for a proposed decision; whether this very call did, of all in all processes."""
        async with writing(self._engine) as connection:
            # Held until the end: of two who ask, the second finds the first's request.
            held = select(decisions).where(decisions.c.id == decision_id).with_for_update()
            row = (await connection.execute(held)).mappings().one_or_none()
            if row is None or row["state"] != "proposed" or await _get(connection, decision_id):
                return False
            asked = insert(approvals).values(
                decision_id=decision_id,
                asked_at=at,
                channel_id=channel_id,
                response_url=response_url,
                warnings=json.dumps(warnings),
            )
            await connection.execute(asked)
            proposal = decision_of(row).proposal
            line = line_of(proposal, at=at, who=proposal.asked_by, result="asked for approval", rule=rule)
            await connection.execute(insert_line(line))
            await owe_news(connection, decision_id, "asked", at)
        return True

    async def get(self, decision_id: str) -> Request | None:
        """The request as it is now; ``None`` if nobody asked for this."""
        async with reading(self._engine) as connection:
            return await _get(connection, decision_id)

    async def approve(
        self, decision_id: str, by: str, at: datetime, lease: timedelta, rule: str
    ) -> tuple[Request, bool]:
        """Answer yes: claim what was asked for, as ``Reservations.begin`` does.

        Returns:
            The request as it is now, and whether it was this very call that answered it. So do the other answers.
        """
        claim = claiming(decision_id, by, at, lease, rule)
        return await self._answered(decision_id, claim, "approved", by, at, rule=rule)

    async def decline(self, decision_id: str, by: str, at: datetime, rule: str) -> tuple[Request, bool]:
        """Answer no."""
        return await self._answered(decision_id, _withdrawing(decision_id, at), "declined", by, at, rule=rule)

    async def expire(self, decision_id: str, at: datetime, reason: str) -> tuple[Request, bool]:
        """It is too late, or the unit is gone; ``reason`` is that of a ``Request``."""
        return await self._answered(decision_id, _withdrawing(decision_id, at), "expired", None, at, reason=reason)

    async def old(self, at: datetime) -> list[Request]:
        """Some that wait, and that it is too late to answer."""
        return await self._list(_waiting().where(approvals.c.asked_at <= at - GOOD_FOR).limit(AT_ONCE))

    async def waiting(self, limit: int, site_ids: Collection[str] | None) -> list[Request]:
        """Those at these sites that wait, the oldest first; without ``site_ids`` those at any."""
        there = () if site_ids is None else (decisions.c.site_id.in_(site_ids),)
        return await self._list(_waiting().where(*there).limit(limit))

    async def _list(self, query: Select[tuple[object, ...]]) -> list[Request]:
        async with reading(self._engine) as connection:
            return list(map(_request_of, (await connection.execute(query)).mappings()))

    async def _answered(  # noqa: PLR0913 - what is recorded about an answer
        self,
        decision_id: str,
        answering: Update,
        answer: Answer,
        by: str | None,
        at: datetime,
        *,
        rule: str = "",
        reason: str = "",
    ) -> tuple[Request, bool]:
        values = {"answer": answer, "answered_by": by, "answered_at": at, "reason": reason}
        async with writing(self._engine) as connection:
            ours = bool((await connection.execute(answering)).rowcount)
            if ours:
                await connection.execute(update(approvals).where(approvals.c.decision_id == decision_id).values(values))
            request = await _get(connection, decision_id)
            assert request is not None  # noqa: S101 - whoever answers has read it, and nothing deletes it
            if ours:
                proposal = request.decision.proposal
                line = line_of(proposal, at=at, who=by or proposal.asked_by, result=answer, rule=rule, detail=reason)
                await connection.execute(insert_line(line))
                await owe_news(connection, decision_id, "claimed" if answer == "approved" else answer, at)
        return request, ours


def _withdrawing(decision_id: str, at: datetime) -> Update:
    waits = update(decisions).where(decisions.c.id == decision_id, decisions.c.state == "proposed")
    return waits.values(state="cancelled", settled_at=at)


def _requests() -> Select[tuple[object, ...]]:
    """Each request with its decision, with its message in the outbox, and with its unit as it is known now."""
    request, message, unit = approvals, outbox, directory
    return (
        select(
            decisions,
            request.c.asked_at.label("request_asked_at"),
            request.c.channel_id.label("request_channel_id"),
            request.c.response_url.label("request_response_url"),
            *(request.c[name] for name in ("warnings", "answer", "answered_by", "answered_at", "reason")),
            message.c.state.label("posted"),
            message.c.ts,
            unit.c.body.label("unit"),
            unit.c.gone.label("unit_gone"),
        )
        .join(request, request.c.decision_id == decisions.c.id)
        .join(message, message.c.key == request.c.decision_id + request_key(""))
        .outerjoin(unit, and_(unit.c.kind == "unit", unit.c.id == decisions.c.unit_id))
    )


def _waiting() -> Select[tuple[object, ...]]:
    return _requests().where(decisions.c.state == "proposed").order_by(approvals.c.asked_at, decisions.c.id)


async def _get(connection: AsyncConnection, decision_id: str) -> Request | None:
    row = (await connection.execute(_requests().where(decisions.c.id == decision_id))).mappings().one_or_none()
    return _request_of(row) if row is not None else None


def _request_of(row: RowMapping) -> Request:
    return Request(
        decision=decision_of(row),
        asked_at=row["request_asked_at"],
        channel_id=row["request_channel_id"],
        response_url=row["request_response_url"],
        warnings=tuple(json.loads(row["warnings"])),
        answer=row["answer"],
        answered_by=row["answered_by"],
        answered_at=row["answered_at"],
        reason=row["reason"],
        posted=row["posted"],
        ts=row["ts"] or "",
        unit_status=_status_of(row),
    )


def _status_of(row: RowMapping) -> str:
    if row["unit"] is None:
        return ""
    return "gone" if row["unit_gone"] else BODIES["unit"].validate_json(row["unit"]).status or UNKNOWN_STATUS
