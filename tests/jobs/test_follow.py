"""What another process changes shows here at once, heard from PostgreSQL or, where nothing can be heard, looked up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from structlog.testing import capture_logs

from bot.core.kept import Changes, Seen
from bot.core.telling import Channels
from bot.jobs.follow import Follow
from bot.stora.keeper import Follower
from bot.store.database import opened
from bot.store.kept import Kept
from tests.conftest import emptied
from tests.store.conftest import NOW, SECOND
from tests.store.things import a_unit, begun, shown

SELDOM = 60.0
HEARD_WITHIN = 1.0
COPIED = """INSERT INTO directory
SELECT kind, 'unit_2', replace(body, 'unit_1', 'unit_2'), updated_at, seen_at, gone, version + 1 FROM directory"""
LISTENING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def url(postgres: str) -> str:
    await emptied(postgres)
    return f"postgresql+asyncpg://postgres@/postgres?host={postgres}"


@pytest.fixture
async def here(url: str) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as engine:
        yield engine


@pytest.fixture
async def there(url: str, here: AsyncEngine) -> AsyncIterator[Kept]:
    """What another process has open."""
    assert here
    async with opened(url) as engine:
        yield Kept(engine, Channels(None, {}), "there", now)


class Picture:
    """What this process has learnt of."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.follower = Follower(Kept(engine, Channels(None, {}), "here", now))
        self.follower.tell(self.follow)
        self.units: dict[str, str] = {}
        self.looks = 0

    async def follow(self, changes: Changes) -> None:
        self.looks += 1
        self.units |= shown(changes)


@pytest.fixture
def picture(here: AsyncEngine) -> Picture:
    return Picture(here)


@asynccontextmanager
async def following(engine: AsyncEngine, picture: Picture, every: float = SELDOM) -> AsyncIterator[None]:
    running = asyncio.create_task(Follow(engine, picture.follower, every).run())
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def until_so(condition: Callable[[], Awaitable[object]], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def listening(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        return list((await connection.execute(text(LISTENING))).scalars())


async def test_what_another_process_changes_is_heard_within_a_second(
    here: AsyncEngine, there: Kept, picture: Picture
) -> None:
    async with following(here, picture):
        await until(lambda: picture.looks)
        for number in range(5):
            await there.keep([Seen(a_unit(number), now())])
            await until(lambda: f"unit_{number}" in picture.units, HEARD_WITHIN)  # noqa: B023 - awaited at once


async def test_the_end_of_a_sweep_is_heard_although_it_changes_nothing(
    here: AsyncEngine, there: Kept, picture: Picture
) -> None:
    async with following(here, picture):
        await until(lambda: picture.looks)
        reading = await begun(there, now())
        await there.ended(reading, now())
        await until(lambda: "units" in picture.follower.readings, HEARD_WITHIN)


async def test_nothing_is_looked_up_while_nothing_happens(here: AsyncEngine, there: Kept, picture: Picture) -> None:
    unit = a_unit(1)
    await there.keep([Seen(unit, NOW)])
    async with following(here, picture):
        await until(lambda: picture.looks)
        await there.keep([Seen(unit, NOW + SECOND)])
        await asyncio.sleep(0.3)
        assert picture.looks == 1


async def test_where_nothing_can_be_heard_it_is_looked_up(here: AsyncEngine, there: Kept, picture: Picture) -> None:
    await there.keep([Seen(a_unit(1), now())])
    async with following(here, picture, every=0.2):
        await until(lambda: picture.looks)
        async with here.begin() as connection:  # as if a proxy swallowed what PostgreSQL says
            await connection.execute(text(COPIED))
        await until(lambda: "unit_2" in picture.units, HEARD_WITHIN)


async def test_a_listening_connection_that_is_killed_is_made_anew_and_nothing_is_missed(
    here: AsyncEngine, there: Kept, picture: Picture
) -> None:
    async with following(here, picture, every=0.2):
        for number in range(3):
            await until_so(lambda: listening(here))
            (pid,) = await listening(here)
            async with here.connect() as connection:
                await connection.execute(text(f"SELECT pg_terminate_backend({pid})"))
            await there.keep([Seen(a_unit(number), now())])
            await until(lambda: f"unit_{number}" in picture.units, HEARD_WITHIN)  # noqa: B023 - awaited at once
        await until_so(lambda: listening(here))


async def test_whoever_stops_listening_leaves_no_connection_that_listens(
    here: AsyncEngine, there: Kept, picture: Picture
) -> None:
    assert there
    async with following(here, picture):
        await until_so(lambda: listening(here))
    await until_so(lambda: none_left(here))


async def none_left(engine: AsyncEngine) -> bool:
    return not await listening(engine)


async def test_a_database_that_cannot_be_reached_is_said_and_tried_again(picture: Picture) -> None:
    nowhere = create_async_engine("postgresql+asyncpg://postgres@127.0.0.1:1/postgres")
    with capture_logs() as logs:
        async with following(nowhere, picture, every=0.05):
            await until(lambda: len(logs) >= 2)
    assert {line["event"] for line in logs} == {"not following"}
    await nowhere.dispose()


async def test_a_look_that_fails_does_not_end_the_following(
    here: AsyncEngine, there: Kept, picture: Picture, postgres: str
) -> None:
    other = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    await other.execute("ALTER TABLE directory RENAME TO elsewhere")
    with capture_logs() as logs:
        async with following(here, picture, every=0.05):
            await until(lambda: logs)
            await other.execute("ALTER TABLE elsewhere RENAME TO directory")
            await there.keep([Seen(a_unit(1), now())])
            await until(lambda: "unit_1" in picture.units)
    assert {line["event"] for line in logs} == {"not following"}
    await other.close()
