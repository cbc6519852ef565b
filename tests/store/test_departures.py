"""A process that starts anew goes on counting where the one before it was killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.store.calls import FURTHEST
from bot.store.database import opened
from bot.store.departures import ARRIVED, EVERY, Departures, departures
from bot.store.schema import stora_calls
from tests.store.conftest import SHORT, written_by_another

MISSED = 10


class Clock:
    """Stands still until it is moved."""

    at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def engine(file: Path) -> AsyncIterator[AsyncEngine]:
    async with opened(f"sqlite+aiosqlite:///{file}", patience=SHORT) as engine:
        yield engine


async def started(engine: AsyncEngine, clock: Clock) -> Departures:
    record = Departures(engine, clock)
    await record.recall(MISSED)
    return record


async def written(engine: AsyncEngine) -> list[float]:
    async with engine.connect() as connection:
        return list(await connection.scalars(select(stora_calls.c.left_at).order_by(stora_calls.c.left_at)))


async def test_the_first_process_of_all_begins_with_nothing(engine: AsyncEngine, clock: Clock) -> None:
    assert (await started(engine, clock)).ages == []


async def test_after_a_kill_what_was_written_counts_and_a_second_more_than_that(
    engine: AsyncEngine, clock: Clock
) -> None:
    killed = await started(engine, clock)
    killed.note()
    clock.at += 5.0
    killed.note()
    await killed.write()
    killed.note()  # and not written down
    clock.at += ARRIVED + 10.0
    assert sorted((await started(engine, clock)).ages) == [0.0] * MISSED + [10.0, 15.0]


async def test_after_an_orderly_end_nothing_is_assumed(engine: AsyncEngine, clock: Clock) -> None:
    ended = await started(engine, clock)
    ended.note()
    await ended.end()
    clock.at += 1.0
    assert (await started(engine, clock)).ages == [0.0]  # it may have arrived just now


async def test_an_end_without_any_call_is_orderly_too(engine: AsyncEngine, clock: Clock) -> None:
    await (await started(engine, clock)).end()
    assert (await started(engine, clock)).ages == []


async def test_what_counts_no_more_is_deleted(engine: AsyncEngine, clock: Clock) -> None:
    record = await started(engine, clock)
    record.note()
    await record.write()
    clock.at += 70.0
    record.note()
    await record.write()
    assert await written(engine) == [clock.at]


async def test_a_clock_that_steps_back_is_believed_once(engine: AsyncEngine, clock: Clock) -> None:
    record = await started(engine, clock)
    record.note()
    await record.end()
    clock.at -= 3600.0
    record = await started(engine, clock)
    assert record.ages == [0.0]
    await record.end()
    assert (await started(engine, clock)).ages == []


@pytest.mark.parametrize("killed", [True, False], ids=["a kill", "an orderly end"])
async def test_what_stora_asked_for_outlives_us(engine: AsyncEngine, clock: Clock, *, killed: bool) -> None:
    record = await started(engine, clock)
    assert record.held == 0.0
    record.hold(12.0)
    record.hold(3.0)
    await (record.write() if killed else record.end())
    clock.at += 5.0
    record = await started(engine, clock)
    assert record.held == pytest.approx(7.0)
    record.note()
    record.hold(1.0)
    await record.end()
    clock.at += 5.0
    assert (await started(engine, clock)).held == pytest.approx(2.0)
    clock.at += 2.0
    assert (await started(engine, clock)).held == 0.0


async def test_a_hold_from_a_clock_that_ran_ahead_is_not_believed(engine: AsyncEngine, clock: Clock) -> None:
    record = await started(engine, clock)
    record.hold(12.0)
    await record.end()
    clock.at -= FURTHEST
    assert (await started(engine, clock)).held == 0.0


async def test_a_hold_while_others_are_written_down_is_next(engine: AsyncEngine, clock: Clock) -> None:
    record = await started(engine, clock)
    record.note()
    writing = asyncio.ensure_future(record.write())
    await asyncio.sleep(0)
    record.hold(12.0)
    await writing
    await record.end()
    assert (await started(engine, clock)).held == pytest.approx(12.0)


async def test_calls_are_written_down_within_a_moment_and_nobody_waits_for_it(engine: AsyncEngine) -> None:
    async with departures(engine, MISSED) as record:
        for _ in range(3):
            record.note()
        assert await written(engine) == []
        await asyncio.sleep(3 * EVERY)
        assert len(await written(engine)) == 3
        record.note()
        await asyncio.sleep(3 * EVERY)
        assert len(await written(engine)) == 4
        record.note()
    assert len(await written(engine)) == 5


async def test_what_cannot_be_written_for_now_is_written_later(engine: AsyncEngine, file: Path) -> None:
    async with departures(engine, MISSED) as record:
        with written_by_another(file):
            record.note()
            await asyncio.sleep(EVERY + 2 * SHORT)
            record.note()
            with pytest.raises(DatabaseUnusable):
                await record.write()
        await asyncio.sleep(3 * EVERY)
        assert len(await written(engine)) == 2


async def test_a_call_that_leaves_while_others_are_written_down_is_next(engine: AsyncEngine, clock: Clock) -> None:
    record = await started(engine, clock)
    record.note()
    writing = asyncio.ensure_future(record.write())
    await asyncio.sleep(0)
    record.note()
    await writing
    keeping = asyncio.create_task(record.keep())
    await asyncio.sleep(3 * EVERY)
    assert len(await written(engine)) == 2
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_an_end_that_cannot_be_recorded_is_taken_for_a_kill(engine: AsyncEngine, file: Path) -> None:
    async with departures(engine, MISSED):
        other = written_by_another(file)
        other.__enter__()
    other.__exit__(None, None, None)
    async with departures(engine, MISSED) as record:
        assert len(record.ages) == MISSED
