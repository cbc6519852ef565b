"""Who is cancelled in the middle of a transaction leaves nothing behind: no row, and above all no lock."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.transactions import reading, writing

SLOW = text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 400000) SELECT count(*) FROM n")
"""Takes some hundredths of a second, and has a row to give."""


class Opens(Protocol):
    def __call__(self, engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]: ...


@pytest.fixture
async def a_table(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    async with writing(engine) as connection:
        await connection.execute(text("CREATE TABLE marks (x INTEGER)"))
    yield engine
    async with writing(engine) as connection:
        await connection.execute(text("DROP TABLE marks"))


async def marks(engine: AsyncEngine) -> int:
    async with reading(engine) as connection:
        return int((await connection.execute(text("SELECT count(*) FROM marks"))).scalar_one())


@pytest.fixture
def no_help() -> Iterator[None]:
    """Python collects no garbage, which would close what nobody has closed."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_help")
@pytest.mark.parametrize("opens", [reading, writing], ids=["reading", "writing"])
async def test_others_can_write_at_once_after_a_cancellation(
    a_table: AsyncEngine, other_engine: AsyncEngine, opens: Opens
) -> None:
    async def cut_off() -> None:
        async with opens(a_table) as connection:
            if opens is writing:
                await connection.execute(text("INSERT INTO marks VALUES (1)"))
            await connection.execute(SLOW)
            raise AssertionError("not so slow after all")

    for _ in range(3):
        task = asyncio.create_task(cut_off())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    assert await marks(a_table) == 0
    async with asyncio.timeout(1):
        for engine in (a_table, other_engine):
            async with writing(engine) as connection:
                await connection.execute(text("INSERT INTO marks VALUES (2)"))
    assert await marks(a_table) == 2


async def test_a_connection_that_broke_for_another_reason_is_replaced(a_table: AsyncEngine) -> None:
    async with reading(a_table) as connection:
        await connection.invalidate()
    assert await marks(a_table) == 0
