"""However many processes there are, and however often one is killed, Stora counts no more calls than the budget has."""

import asyncio
import contextlib
from http import HTTPStatus
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import httpx

from bot.sandbox.loopback import serve
from bot.store.calls import LOCK
from tests.conftest import emptied
from tests.walks.conftest import Town, a_slack, a_stora
from tests.walks.test_http import logged, process, settings
from tests.walks.test_units import DESK, FIONA, answer

MINUTE, TICK = 60.0, 0.04


async def test_a_bot_that_is_killed_and_started_again_goes_on_counting(tmp_path: Path) -> None:
    slack, stora = a_slack(), a_stora()
    budget = {"STORA_REQUESTS_PER_SECOND": "4", "STORA_REQUESTS_PER_MINUTE": "12", "DIRECTORY_REFRESH_SECONDS": "1"}
    async with slack.serving(), serve(stora.application()) as stora_url:
        environment = settings(
            slack, stora_url, DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}", **budget
        )
        for _ in range(4):
            async with process(**environment) as bot:
                await logged(bot, "running")
                await asyncio.sleep(1.5)
                bot.kill()
                await bot.wait()
    assert len(stora.received) > 4
    assert stora.peak(MINUTE + TICK) <= 12
    assert stora.peak(1 + TICK) <= 4


async def test_a_bot_that_is_started_again_waits_for_as_long_as_stora_asked(tmp_path: Path) -> None:
    slack, stora = a_slack(), a_stora()
    stora.faults.status(429, reset_in=8.0, route="/sites")
    async with slack.serving(), serve(stora.application()) as stora_url:
        environment = settings(slack, stora_url, DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}")
        async with process(**environment) as bot:
            await logged(bot, "running")
            async with asyncio.timeout(5):
                while not any(each.status == HTTPStatus.TOO_MANY_REQUESTS for each in stora.received):
                    await asyncio.sleep(TICK)
            bot.terminate()
            assert await bot.wait() == 0
        before = len(stora.received)
        asked_at = next(each.at for each in stora.received if each.status == HTTPStatus.TOO_MANY_REQUESTS)
        async with process(**environment) as bot:
            await logged(bot, "units read")
    assert stora.received[before].at - asked_at > 7.0  # the reset is a whole second


async def test_two_replicas_under_a_flood_stay_within_one_budget(postgres: str) -> None:
    await emptied(postgres)
    slack, stora = a_slack(), a_stora()
    async with slack.serving(), serve(stora.application()) as stora_url, contextlib.AsyncExitStack() as stack:
        environment = settings(
            slack,
            stora_url,
            DATABASE_URL=f"postgresql+asyncpg://postgres@/postgres?host={postgres}",
            STORA_REQUESTS_PER_SECOND="8",
            STORA_REQUESTS_PER_MINUTE="30",
        )
        replicas = [await stack.enter_async_context(process(**environment)) for _ in range(2)]
        urls = [(await logged(replica, "running"))["url"] for replica in replicas]
        for url in urls:
            await knows_the_units(url)
        doors = [f"{url}/slack/events" for url in urls] * 15
        lists = []
        for number, slack.request_url in enumerate(doors):
            lists.append(answer(await slack.command(FIONA, DESK, f"/units limit={1 + number // 2}")))
        for slack.request_url, shown in zip(doors, lists, strict=True):
            await slack.click(FIONA, shown, label="Refresh")  # one call to Stora, if there is room for it
        await asyncio.sleep(3)
    # People leave three of the thirty to writes.
    assert 20 < len(stora.received) <= 30
    assert stora.peak(1 + TICK) <= 8


async def test_while_nobody_can_tell_what_others_used_nothing_leaves_and_people_are_told_so(
    town: Town, postgres: str
) -> None:
    await emptied(postgres)
    at_work = await town(database_url=f"postgresql+asyncpg://postgres@/postgres?host={postgres}")
    message = answer(await at_work.slack.command(FIONA, DESK, "/units limit=3"))
    frozen = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    try:
        await frozen.execute(f"SELECT pg_advisory_lock({LOCK})")
        at_work.stora.received.clear()
        pressed = await at_work.slack.click(FIONA, message, label="Refresh")
        await at_work.slack.until(lambda: pressed.messages, seconds=8)
        assert "memory does not answer, so nothing was sent to Stora" in pressed.messages[-1].text
        assert at_work.stora.received == []
        assert answer(await at_work.slack.command(FIONA, DESK, "/units limit=2")).text  # looking goes on
    finally:
        await frozen.close()
    await at_work.slack.click(FIONA, message, label="Refresh")
    async with asyncio.timeout(5):
        await at_work.stora.arrived(1)


async def knows_the_units(url: str) -> None:
    async with asyncio.timeout(15), httpx.AsyncClient(trust_env=False) as http:
        while (await http.get(f"{url}/readyz")).json()["directory"]["status"] != "ok":
            await asyncio.sleep(0.1)
