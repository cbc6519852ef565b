"""The database is tidied when the bot starts, and again and again after that."""

import asyncio
from pathlib import Path

from sqlalchemy import func, select
from structlog.testing import capture_logs

from bot.core.kept import Seen
from bot.jobs.tidy import Tidy
from bot.store.schema import directory
from bot.store.tidy import GONE_FOR
from tests.jobs.office import IMPATIENT, SECOND, Office, an_office


async def kept(office: Office) -> int:
    """How many tenancies there are in the database, gone or not."""
    query = select(func.count()).where(directory.c.kind == "tenancy")
    async with office.engine.connect() as connection:
        return (await connection.execute(query)).scalar_one()


async def test_it_happens_at_once_and_again_also_after_the_database_was_locked(tmp_path: Path) -> None:
    async with an_office(tmp_path, patience=IMPATIENT) as office:
        tenancies = list(office.tenancies.known.by_id.values())
        await office.follower.keeper.keep([Seen(each, office.clock(), gone=True) for each in tenancies])
        office.clock.pass_by(GONE_FOR + SECOND)
        assert await kept(office)
        with capture_logs() as logs:
            async with office.locked():
                tidying = asyncio.create_task(Tidy(office.engine, office.clock, every=0.01).run())
                async with asyncio.timeout(5):
                    while not any(line["event"] == "not tidied" for line in logs):
                        await asyncio.sleep(0.01)
            async with asyncio.timeout(5):
                while await kept(office):
                    await asyncio.sleep(0.01)
        tidying.cancel()
        await asyncio.wait([tidying])
