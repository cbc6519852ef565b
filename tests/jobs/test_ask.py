"""What is known to be out of date is asked for by its id, until there is an answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.core.heard import Heard
from bot.jobs.ask import AT_ONCE, Ask
from bot.stora.keeper import Follower
from bot.store.kept import ASKING, Kept
from tests.jobs.office import IMPATIENT, SECOND, TENANCY, UNIT, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


@asynccontextmanager
async def asking(office: Office, *, every: float = 0.01, after_failure: float = 0.01) -> AsyncIterator[None]:
    job = Ask(office.client, office.follower, office.clock, every, after_failure)
    running = asyncio.create_task(job.run())
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def wanted(office: Office, *things: tuple[str, str]) -> None:
    """A webhook has touched these; then a second passes."""
    await office.follower.keeper.keep([], [Heard(f"evt_{things}", "", to_ask=things)])
    office.clock.pass_by(SECOND)


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def left(office: Office) -> list[tuple[str, str]]:
    """What nobody has had an answer to, whoever may be at it."""
    claimed = await office.follower.keeper.to_ask(office.clock() + timedelta(days=9), 99)
    return [(one.kind, one.id) for one in claimed]


async def after_a_restart(office: Office) -> set[str]:
    """Ids of everything that another process finds in the database."""
    keeper = Kept(office.engine, office.channels, "another", office.clock)
    return {one.thing.id for one in (await keeper.since(0)).seen}


async def test_a_unit_is_asked_for_shown_and_told(office: Office) -> None:
    unit_id = office.unit_ids[0]
    office.world.reserve(unit_id, office.tenancy_ids[0], office.clock() + SECOND)
    await wanted(office, ("unit", unit_id))
    async with asking(office):
        await until(lambda: (known := office.directory.unit(unit_id)) and known.status == "reserved")
        assert await left(office) == []
    (due,) = await office.outbox.claim(office.clock(), timedelta(seconds=30), 10)
    assert due.owed.key.startswith(f"{unit_id}:reserved:")
    assert office.routes() == [("GET", UNIT)]


async def test_a_tenancy_is_asked_for_and_the_newest_are_one_question(office: Office) -> None:
    new = office.another()
    await wanted(office, ("tenancy", office.tenancy_ids[new]), ("tenancies", ""))
    async with asking(office):
        await until(lambda: office.tenancy_ids[new] in office.tenancies.known.by_id and len(office.stora.received) == 2)
        await asyncio.sleep(0.1)
        assert await left(office) == []
    assert sorted(office.routes()) == [("GET", "/tenancies"), ("GET", TENANCY)]


@pytest.mark.parametrize("kind", ["unit", "tenancy"])
async def test_what_stora_does_not_have_is_gone_for_good(office: Office, kind: str) -> None:
    things = office.world.units if kind == "unit" else office.world.tenancies
    id_ = next(iter(things))
    assert id_ in await after_a_restart(office)
    del things[id_]
    await wanted(office, (kind, id_))
    async with asking(office):
        await until(lambda: office.directory.unit(id_) is None and id_ not in office.tenancies.known.by_id)
    assert await left(office) == []
    assert id_ not in await after_a_restart(office)
    assert len(office.routes()) == 1


async def test_without_an_answer_it_is_asked_for_again_later_and_the_others_at_once(office: Office) -> None:
    first, second = office.unit_ids[:2]
    await wanted(office, ("unit", first))
    await wanted(office, ("unit", second))
    office.stora.faults.status(503, times=3)
    with capture_logs() as logs:
        async with asking(office):
            await until(lambda: len(office.stora.received) == 4)
            await asyncio.sleep(0.1)
            assert await left(office) == [("unit", first)]
            assert [line["kind"] for line in logs if line["event"] == "not asked yet"] == ["unit"]
            office.clock.pass_by(timedelta(days=9) + ASKING)
            await until(lambda: len(office.stora.received) == 5)
            await asyncio.sleep(0.1)
            assert await left(office) == []
    assert {received.path[-len(first) :] for received in office.stora.received} == {first, second}


async def test_a_stora_that_does_not_answer_is_left_alone_for_a_while(office: Office) -> None:
    await wanted(office, ("unit", office.unit_ids[0]))
    office.stora.faults.status(503, times=3)
    async with asking(office, after_failure=60):
        await until(lambda: len(office.stora.received) == 3)
        await wanted(office, ("unit", office.unit_ids[1]))
        await asyncio.sleep(0.2)
        assert len(office.stora.received) == 3


async def test_much_is_asked_for_without_a_pause(office: Office) -> None:
    while len(office.unit_ids) < 2 * AT_ONCE + 1:
        office.another()
    await wanted(office, *(("unit", unit_id) for unit_id in office.unit_ids))
    async with asking(office, every=60):
        await until(lambda: len(office.stora.received) == len(office.unit_ids))
        await until(lambda: all(office.directory.unit(unit_id) for unit_id in office.unit_ids))


async def test_a_database_that_is_locked_for_a_while_does_not_end_the_asking(tmp_path: Path) -> None:
    async with an_office(tmp_path, patience=IMPATIENT) as office:
        await wanted(office, ("unit", office.unit_ids[0]))
        with capture_logs() as logs:
            async with office.locked(), asking(office):
                await until(lambda: any(line["event"] == "not known what to ask" for line in logs))
            async with asking(office):
                await until(lambda: office.stora.received)
                await asyncio.sleep(0.1)
        assert await left(office) == []


async def test_an_answer_that_cannot_be_written_down_is_asked_for_again(office: Office) -> None:
    unit_id = office.unit_ids[0]
    office.world.reserve(unit_id, office.tenancy_ids[0], office.clock() + SECOND)
    await wanted(office, ("unit", unit_id))
    office.spoilt("directory")
    with capture_logs() as logs:
        async with asking(office):
            await until(lambda: any(line["event"] == "not known what to ask" for line in logs))
            office.mended()
            office.clock.pass_by(ASKING)
            await until(lambda: (known := office.directory.unit(unit_id)) and known.status == "reserved")


async def test_every_process_asks_for_what_the_others_do_not(office: Office) -> None:
    other = replace(office, follower=Follower(Kept(office.engine, office.channels, "other", office.clock)))
    await wanted(office, *(("unit", unit_id) for unit_id in office.unit_ids))
    async with asking(office), asking(other):
        await until(lambda: len(office.stora.received) == len(office.unit_ids))
        await asyncio.sleep(0.1)
    assert len(office.stora.received) == len(office.unit_ids)
