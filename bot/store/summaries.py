"""Where many happenings wait for one channel, let it hear of them in one message."""

from collections import Counter
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.reservations import Happening, Owed, Summary
from bot.core.telling import SEPARATELY, together
from bot.store.inserts import insert_unless_there
from bot.store.schema import outbox


async def summarise(connection: AsyncConnection, at: datetime) -> None:
    """Put one summary in place of the happenings that nobody has taken up yet, for each channel with many of them."""
    waiting = (
        select(outbox)
        .where(
            outbox.c.state == "owed",
            outbox.c.kind.in_(("happening", "summary")),
            outbox.c.held_by.is_(None),
            outbox.c.attempts == 0,
        )
        .order_by(outbox.c.id)
        .with_for_update(skip_locked=True)
    )
    rows = (await connection.execute(waiting)).mappings().all()
    for channel_id, count in Counter(row["channel_id"] for row in rows).items():
        if count > SEPARATELY:
            await _summarise(connection, [row for row in rows if row["channel_id"] == channel_id], at)


async def _summarise(connection: AsyncConnection, rows: list[RowMapping], at: datetime) -> None:
    summary = together(
        [Happening.model_validate_json(row["payload"]) for row in rows if row["kind"] == "happening"],
        [Summary.model_validate_json(row["payload"]) for row in rows if row["kind"] == "summary"],
    )
    last = rows[-1]
    # No number of a row is ever used again, so no summary has the key of another.
    owed = Owed(f"summary:{last['id']}", "summary", last["channel_id"], summary.model_dump_json())
    await connection.execute(delete(outbox).where(outbox.c.id.in_([row["id"] for row in rows])))
    await connection.execute(insert_unless_there(connection, outbox).values(**asdict(owed), not_before=at))
