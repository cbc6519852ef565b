"""The bot forgets customers who have left."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.core.kept import Seen
from bot.core.telling import Channels
from bot.store.database import opened
from bot.store.kept import Kept
from bot.store.tidy import GONE_FOR
from tests.store.things import a_tenancy
from tests.walks.conftest import Town
from tests.walks.test_reserve_kills import eventually


async def test_customers_who_left_long_ago_are_forgotten_when_the_bot_starts(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "unitbot.db"
    url = f"sqlite+aiosqlite:///{file}"
    long_ago = datetime.now(UTC) - GONE_FOR - timedelta(hours=1)
    async with opened(url) as engine:
        kept = Kept(engine, Channels(None, {}), "another life", lambda: long_ago)
        await kept.keep([Seen(a_tenancy(1), long_ago)])
        await kept.keep([Seen(a_tenancy(1), long_ago, gone=True)])

    def forgotten() -> bool:
        with closing(sqlite3.connect(file)) as connection:
            return not connection.execute("SELECT * FROM directory WHERE id = 'ten_1'").fetchall()

    assert not forgotten()
    await town(database_url=url, swept=False)
    await eventually(forgotten)
