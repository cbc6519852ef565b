"""One budget for all processes: whoever counts at the server never counts more than the limit."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from bot.core.problems import DatabaseUnusable, StoraBusy
from bot.core.windows import Priority
from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from bot.stora.budget import Budget
from bot.store.calls import ALONE, FURTHEST, HOLD, LOCK, NOW, SharedCalls
from bot.store.database import opened
from bot.store.schema import holds, stora_calls
from tests.store.conftest import SHORT

WRITE, PERSON, SWEEP = Priority.WRITE, Priority.PERSON, Priority.SWEEP
TICK = 0.04

CALLER = """
import asyncio, sys
import httpx
from bot.core.problems import StoraBusy
from bot.core.windows import Priority
from bot.stora.budget import Budget
from bot.stora.exchange import Exchange, Patience
from bot.store.calls import SharedCalls
from bot.store.database import opened

async def main():
    database, url, per_second, per_minute, calls, timeout = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
    async with opened(database) as engine, httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as http:
        budget = Budget(per_second, per_minute, lambda windows: SharedCalls(engine, windows, timeout))
        exchange = Exchange(http, budget, timeout)
        patience = Patience(Priority.WRITE, 8, None)
        headers = {"Authorization": "Bearer sandbox-stora-token"}
        async def call():
            try:
                await exchange(http.build_request("GET", "/2025-09/sites", headers=headers), patience)
            except StoraBusy:
                pass
        await asyncio.gather(*(call() for _ in range(calls)))
        await budget.settled()

asyncio.run(main())
"""


@asynccontextmanager
async def a_process(database: str, url: str, **numbers: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another replica, which calls Stora as often as it may."""
    arguments = [str(numbers[name]) for name in ("per_second", "per_minute", "calls", "timeout")]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CALLER, database, url, *arguments)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def stora() -> AsyncIterator[tuple[SandboxStora, str]]:
    """A server that counts, and where it is."""
    server = SandboxStora(World(), per_second=None, per_minute=None)
    async with serve(server.application()) as url:
        yield server, url


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    async with opened(postgres_url) as engine:
        yield engine


Replica = Callable[..., Awaitable[Budget]]


@pytest.fixture
async def replica(postgres_url: str) -> AsyncIterator[Replica]:
    """Start replicas: each has the database open for itself, and knows of the others only through it."""
    async with AsyncExitStack() as stack:

        async def start(
            per_second: int, per_minute: int, *, longest: float = 5.0, slow: float = 2.0, patience: float = 5.0
        ) -> Budget:
            engine = await stack.enter_async_context(opened(postgres_url, patience=patience))

            budget = Budget(per_second, per_minute, lambda windows: SharedCalls(engine, windows, longest, slow))
            stack.push_async_callback(budget.settled)
            return budget

        yield start


async def gone(budget: Budget, priority: Priority, calls: int, patience: float = 0.4) -> int:
    """How many of these calls left."""

    async def one() -> bool:
        try:
            async with budget.call(priority, patience):
                return True
        except StoraBusy:
            return False

    return sum(await asyncio.gather(*(one() for _ in range(calls))))


async def rows(engine: AsyncEngine) -> list[tuple[float, float | None]]:
    async with engine.connect() as connection:
        found = await connection.execute(select(stora_calls.c.left_at, stora_calls.c.answered_at))
        return [(left_at, answered_at) for left_at, answered_at in found]


async def add(engine: AsyncEngine, *ages: float, answered: bool = True) -> None:
    """Calls that left so many seconds ago."""
    async with engine.begin() as connection:
        for age in ages:
            left_at = NOW - age
            values = {"left_at": left_at, **({"answered_at": left_at} if answered else {})}
            await connection.execute(insert(stora_calls).values(values))


async def waits(budget: Budget, priority: Priority = WRITE) -> float:
    """Seconds until such a call leaves."""
    started = time.monotonic()
    async with budget.call(priority, None):
        return time.monotonic() - started


async def test_two_processes_together_never_exceed_a_second_or_a_minute(
    postgres_url: str, stora: tuple[SandboxStora, str]
) -> None:
    server, url = stora
    numbers = {"per_second": 8, "per_minute": 20, "calls": 30, "timeout": 5}
    async with a_process(postgres_url, url, **numbers) as one, a_process(postgres_url, url, **numbers) as other:
        await asyncio.gather(one.wait(), other.wait())
    assert (one.returncode, other.returncode) == (0, 0)
    assert len(server.received) == server.peak(60 + TICK) == 20
    assert server.peak(1 + TICK) <= 8


async def test_what_a_killed_process_had_under_way_counts_until_it_must_be_over(
    postgres_url: str, stora: tuple[SandboxStora, str], replica: Replica
) -> None:
    server, url = stora
    server.faults.hold(times=None)
    budget = await replica(3, 60, longest=1.0)
    async with a_process(postgres_url, url, per_second=3, per_minute=60, calls=3, timeout=1) as process:
        await server.arrived(3)
        last = time.monotonic()
        process.kill()
        await process.wait()
    await asyncio.sleep(1.1)  # for a server that counted them when they arrived, the second is over
    assert await gone(budget, WRITE, 1) == 0
    await waits(budget)
    assert 3.0 < time.monotonic() - last < 10.0


async def test_two_replicas_share_the_second_and_get_room_as_it_comes(replica: Replica) -> None:
    budgets = [await replica(4, 60), await replica(4, 60)]
    started = time.monotonic()
    assert sum(await asyncio.gather(*(gone(budget, PERSON, 6, patience=5.0) for budget in budgets))) == 12
    # People leave one of the four to writes.
    assert time.monotonic() - started >= 3 * 1.05


async def test_writes_go_before_people_and_people_before_sweeps_in_all_processes(replica: Replica) -> None:
    one, other = await replica(100, 20), await replica(100, 20)
    assert await gone(one, SWEEP, 20) == 10
    assert await gone(other, SWEEP, 1) == 0
    assert await gone(other, PERSON, 20) == 8
    assert await gone(one, PERSON, 1) == 0
    assert await gone(one, WRITE, 20) == 2
    assert await gone(other, WRITE, 1) == 0


async def test_a_429_that_one_process_meets_holds_back_all(replica: Replica, engine: AsyncEngine) -> None:
    one, other = await replica(10, 60), await replica(10, 60)
    one.block(5.0)
    one.block(1.5)

    async def held() -> bool:
        async with engine.connect() as connection:
            return bool(await connection.scalar(select(func.count()).select_from(holds)))

    while not await held():
        await asyncio.sleep(0.01)
    with pytest.raises(StoraBusy) as busy:
        async with other.call(WRITE, 0.5):
            raise AssertionError("held back")
    assert 4.0 < busy.value.seconds <= 5.0


async def test_a_short_hold_ends_for_those_who_wait_for_it(replica: Replica) -> None:
    one, other = await replica(10, 60), await replica(10, 60)
    async with one.call(WRITE, None):
        one.block(0.7)
    await asyncio.sleep(0.2)
    assert 0.3 < await waits(other) < 5.0


async def test_who_cannot_wait_is_told_for_how_long_counting_what_others_did(replica: Replica) -> None:
    one, other = await replica(100, 5), await replica(100, 5)
    assert await gone(one, WRITE, 5) == 5
    started = time.monotonic()
    with pytest.raises(StoraBusy) as busy:
        async with other.call(PERSON, 5.0):
            raise AssertionError("full")
    assert time.monotonic() - started < 1
    assert 58 < busy.value.seconds <= 60.1


async def test_what_remains_shows_what_others_used(replica: Replica) -> None:
    one, other = await replica(100, 60), await replica(100, 60)
    watching = asyncio.create_task(other.watch())
    assert await gone(one, WRITE, 7) == 7
    assert one.remaining == 53
    watching.cancel()
    await asyncio.wait([watching])
    watching = asyncio.create_task(other.watch())
    while other.remaining != 53:
        await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.wait([watching])


async def test_what_was_over_long_ago_is_deleted(replica: Replica, engine: AsyncEngine) -> None:
    await add(engine, 3600.0, 61.0)
    await add(engine, 3600.0, answered=False)
    await add(engine, 30.0)
    assert await gone(await replica(10, 60), WRITE, 1) == 1
    assert len(await rows(engine)) == 2


async def test_a_clock_that_steps_back_keeps_nobody_from_stora(replica: Replica, engine: AsyncEngine) -> None:
    await add(engine, -3600.0, -3600.0)
    await add(engine, -3599.0, answered=False)
    async with engine.begin() as connection:
        await connection.execute(insert(holds).values(name=HOLD, until=NOW + FURTHEST + 3600.0))
    budget = await replica(3, 60)
    assert 1.0 < await waits(budget) < 10.0
    budget.block(2.0)
    async with engine.connect() as connection:
        while (await connection.execute(select(holds.c.until - NOW))).scalar_one() > FURTHEST:
            await asyncio.sleep(0.01)
            await connection.rollback()


async def test_a_replica_that_was_frozen_before_its_call_left_asks_again(replica: Replica, engine: AsyncEngine) -> None:
    budget = await replica(10, 60, slow=0.0)
    with pytest.raises((DatabaseUnusable, StoraBusy)):  # whichever it was about when patience ended
        async with budget.call(WRITE, 0.3):
            raise AssertionError("it took longer than no time at all")
    async with asyncio.timeout(5):
        while await rows(engine):
            await asyncio.sleep(0.02)


async def test_a_replica_that_is_frozen_while_it_counts_does_not_keep_the_others_for_long(
    replica: Replica, postgres: str
) -> None:
    budget = await replica(10, 60)
    frozen = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    try:
        transaction = frozen.transaction()
        await transaction.start()
        await frozen.execute(str(ALONE).replace(":lock", str(LOCK)).replace(":slow", "'500'"))
        assert 0.3 < await waits(budget) < 4.0
    finally:
        frozen.terminate()


async def test_without_the_database_nobody_goes_and_afterwards_all_goes_on(replica: Replica, postgres: str) -> None:
    budget = await replica(10, 60, patience=SHORT)
    blocker = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    try:
        await blocker.execute(f"SELECT pg_advisory_lock({LOCK})")
        started = time.monotonic()
        with pytest.raises(DatabaseUnusable):
            async with budget.call(SWEEP, None):
                raise AssertionError("nobody knows whether there is room")
        assert time.monotonic() - started < 2
    finally:
        await blocker.close()
    assert await gone(budget, WRITE, 1) == 1


async def test_who_waits_for_the_database_is_told_so_when_patience_ends(replica: Replica, postgres: str) -> None:
    budget = await replica(10, 60)
    blocker = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    try:
        await blocker.execute(f"SELECT pg_advisory_lock({LOCK})")
        with pytest.raises(DatabaseUnusable, match="in time"):
            async with budget.call(PERSON, 0.2):
                raise AssertionError("nobody knows whether there is room")
    finally:
        await blocker.close()


async def test_an_answer_that_cannot_be_recorded_goes_on_counting(
    replica: Replica, engine: AsyncEngine, postgres: str
) -> None:
    budget = await replica(10, 60, patience=SHORT)
    blocker = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    try:
        with capture_logs() as logs:
            async with budget.call(WRITE, None):
                transaction = blocker.transaction()
                await transaction.start()
                await blocker.execute("LOCK TABLE stora_calls IN EXCLUSIVE MODE")
            while not logs:
                await asyncio.sleep(0.02)
    finally:
        await blocker.close()
    assert [entry["event"] for entry in logs] == ["call not recorded"]
    assert [answered_at for _, answered_at in await rows(engine)] == [None]
