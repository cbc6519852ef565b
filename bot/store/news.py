"""What is owed to those who wait for an answer to a request: its message, and the asker's card, as it stands now."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import About, News
from bot.core.reservations import Owed
from bot.store.inserts import insert_unless_there
from bot.store.schema import approvals, decisions, outbox


def request_key(decision_id: str) -> str:
    """The key under which a request's message is owed; with ``:`` and what has happened, that of its correction."""
    return f"{decision_id}:request"


async def owe_news(
    connection: AsyncConnection, decision_id: str, about: About, at: datetime, version: int | None = None
) -> None:
    """In the transaction in which it happens; nothing is owed for a decision that nobody was asked to approve.

    Args:
        connection: Of the transaction.
        decision_id: What was asked for.
        about: What has happened.
        at: When.
        version: Of the directory, for what may happen more than once.
    """
    asked = (
        select(approvals.c.channel_id, decisions.c.asked_by)
        .join(decisions, decisions.c.id == approvals.c.decision_id)
        .where(approvals.c.decision_id == decision_id)
    )
    row = (await connection.execute(asked)).one_or_none()
    if row is None:
        return
    payload, key = News(decision_id=decision_id, about=about).model_dump_json(), request_key(decision_id)
    happened = about if version is None else f"{about}:{version}"
    owed = [Owed(key if about == "asked" else f"{key}:{happened}", "request", row.channel_id, payload)]
    if about not in {"asked", "cancelled"}:  # which the asker has just done, and been shown
        owed.append(Owed(f"{decision_id}:answer:{happened}", "answer", row.asked_by, payload))
    for one in owed:
        owe = insert_unless_there(connection, outbox)
        await connection.execute(owe.values(**asdict(one), decision_id=decision_id, not_before=at))


async def owe_changed(connection: AsyncConnection, unit_ids: Collection[str], at: datetime, version: int) -> None:
    """These units have changed: requests for them that still wait are no longer drawn truly."""
    waiting = (
        select(approvals.c.decision_id)
        .join(decisions, decisions.c.id == approvals.c.decision_id)
        .where(decisions.c.unit_id.in_(unit_ids), decisions.c.state == "proposed")
    )
    for decision_id in (await connection.execute(waiting)).scalars().all():
        await owe_news(connection, decision_id, "changed", at, version)
