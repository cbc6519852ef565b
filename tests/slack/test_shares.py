"""Remembering what was shared must not keep anybody from seeing it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.inventory import Inventory
from bot.slack.shares import Shares
from bot.stora.directory import Directory
from bot.stora.keeper import Follower
from bot.stora.recorder import Recorder
from bot.store.database import opened
from bot.store.shown import Shown

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_what_is_shown_of_an_inventory_that_is_unread_or_of_a_unit_that_is_gone_is_remembered_all_the_same(
    tmp_path: Path,
) -> None:
    nobody: Any = None  # nothing is asked, so nobody answers
    follower = Follower(nobody)
    directory = Directory(nobody, follower, Recorder(follower), 900, lambda: NOW)
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/unitbot.db") as engine:
        shares = Shares(Shown(engine), directory, 10, lambda: NOW)
        await shares.posted("C1", "1.0", UnitsQuery(share=True))
        directory.inventory = Inventory.of((), (), (), NOW)
        await shares.turned("C1", "1.0", ShowUnit(unit_id="unit_gone", share=True))
        async with engine.connect() as connection:
            shown = (await connection.exec_driver_sql("SELECT channel_id, ts, query FROM shown")).all()
    assert [tuple(row) for row in shown] == [("C1", "1.0", '{"unit_id":"unit_gone","share":true}')]
