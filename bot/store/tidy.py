"""Forget what nobody needs any more, customers above all. Decisions and the audit stay: they are the record."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.reservations import SETTLED
from bot.store.directory import turn
from bot.store.schema import approvals, decisions, directory, outbox, shown
from bot.store.transactions import writing

GONE_FOR = timedelta(days=7)
"""How long what is gone at Stora is known to be: by then no late word of it can bring it back."""
SENT_FOR = timedelta(days=30)
"""How long what was sent or given up is kept."""
LOOKED_AT = timedelta(days=3)
"""How long people are taken to look at a message in a channel."""
WAY_TO_A_CARD = timedelta(days=1)
"""How long a `response_url` is kept: Slack takes it for 30 minutes."""


async def tidy(engine: AsyncEngine, at: datetime) -> None:
    """Forget what is too old at ``at``.

    Raises:
        DatabaseUnusable: not everything was forgotten.
    """
    async with writing(engine) as connection:
        await turn(connection)  # whoever changes many of these rows has had it, and so nobody waits for ever
        await connection.execute(delete(directory).where(directory.c.gone, directory.c.seen_at < at - GONE_FOR))
        await connection.execute(delete(shown).where(shown.c.at < at - LOOKED_AT))
        # Without its message a request cannot be read; there is no customer in it.
        ended = (outbox.c.ended_at < at - SENT_FOR, outbox.c.state != "owed", outbox.c.kind != "request")
        await connection.execute(delete(outbox).where(*ended))
    async with writing(engine) as connection:  # without the turn, which whoever settles a decision takes after its row
        told = (decisions.c.confirmed_at < at - WAY_TO_A_CARD, decisions.c.state.in_(SETTLED))
        for table, old in ((decisions, told), (approvals, (approvals.c.asked_at < at - WAY_TO_A_CARD,))):
            way = table.c.response_url
            await connection.execute(update(table).where(*old, way.is_not(None)).values(response_url=None))
