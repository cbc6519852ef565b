"""A restart costs nothing: what was known is known again, and a sweep that was cut off goes on where it was."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import httpx
import pytest

from bot.sandbox.loopback import serve
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.server import SandboxStora
from tests.conftest import emptied
from tests.walks.conftest import a_slack, a_stora
from tests.walks.test_http import logged, process, settings
from tests.walks.test_reserve_kills import ANNOUNCED, eventually, killed
from tests.walks.test_units import DESK, FIONA, answer, rows

PAGES = 5


@dataclass
class Street:
    """Both neighbours, and the environment of a bot between them."""

    slack: SandboxSlack
    stora: SandboxStora
    environment: dict[str, str]

    def pages(self) -> list[int]:
        """Which pages of units were asked for since the last time."""
        asked = [int(each.query["page"]) for each in self.stora.received if each.route == "/units"]
        self.stora.received.clear()
        return asked

    async def command(self, text: str) -> list[str]:
        return rows(answer(await self.slack.command(FIONA, DESK, text)))

    @property
    def announcements(self) -> list[str]:
        messages = self.slack.workspace.messages.get(ANNOUNCED, [])
        return [each.text for each in messages if each.user == "U0UNITBOT"]


@pytest.fixture(params=["sqlite", "postgresql"])
async def street(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Street]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}"
    if request.param == "postgresql":
        host = request.getfixturevalue("postgres")
        await emptied(host)
        url = f"postgresql+asyncpg://postgres@/postgres?host={host}"
    slack, stora = a_slack(), a_stora(100 * PAGES - 50)
    async with slack.serving(), serve(stora.application()) as stora_url:
        more = {"STORA_REQUESTS_PER_SECOND": "1000", "STORA_REQUESTS_PER_MINUTE": "10000"}
        yield Street(slack, stora, settings(slack, stora_url, DATABASE_URL=url, NOTIFY_CHANNEL=ANNOUNCED, **more))
    assert slack.problems == []


async def test_right_after_a_restart_everything_is_answered_without_a_list_from_stora(street: Street) -> None:
    async with process(**street.environment) as bot:
        street.slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        await logged(bot, "units read")
        before = await street.command("/units site=Camden status=any")
        await killed(bot)
    street.pages()
    street.stora.faults.down = True
    async with process(**street.environment) as bot:
        street.slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        assert await street.command("/units site=Camden status=any") == before
        assert before
        await asyncio.sleep(1)
    assert street.pages() == []


async def test_whether_stora_accepts_us_is_asked_once_by_the_first_who_wants_to_know(street: Street) -> None:
    await known(street)
    async with process(**street.environment) as bot, httpx.AsyncClient(trust_env=False) as http:
        url = (await logged(bot, "running"))["url"] + "/readyz"
        answers = await asyncio.gather(*(http.get(url) for _ in range(20)))
        assert {each.status_code for each in answers} == {200}
        assert [each.path for each in street.stora.received] == ["/oauth2/token", "/oauth2/token/info"]


@pytest.mark.parametrize("outage", ["down", "refused"])
async def test_right_after_a_restart_nobody_is_ready_whom_stora_does_not_accept(street: Street, outage: str) -> None:
    await known(street)
    if outage == "down":
        street.stora.faults.down = True
    else:
        street.stora.faults.status(401, route="/oauth2/token", times=None)
    async with process(**street.environment) as bot, httpx.AsyncClient(trust_env=False) as http:
        url = (await logged(bot, "running"))["url"] + "/readyz"
        answer = await http.get(url)
        failing = {name: part["detail"] for name, part in answer.json().items() if part["status"] == "failing"}
        refused = "does not accept our token or client (HTTP 401)"
        assert failing == {"stora": "does not answer" if outage == "down" else refused}
        assert answer.status_code == 503


async def known(street: Street) -> None:
    """A bot that was there before has read the inventory and the tenancies."""
    async with process(**street.environment) as bot, asyncio.timeout(20):
        assert bot.stderr is not None
        unread = {"units read", "tenancies read"}
        while unread:
            unread.discard(json.loads(await bot.stderr.readline())["event"])
        await killed(bot)
    street.stora.received.clear()


async def test_what_changed_while_the_bot_was_away_is_announced_once_it_is_read(street: Street) -> None:
    environment = {**street.environment, "DIRECTORY_REFRESH_SECONDS": "1"}
    async with process(**street.environment) as bot:
        street.slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        await logged(bot, "units read")
        await killed(bot)
    world = street.stora.world
    let = next(unit for unit in world.units.values() if unit["status"] == "reserved")
    world.release(let["id"], datetime.now(UTC) + timedelta(seconds=1))
    await asyncio.sleep(1)
    async with process(**environment) as bot:
        street.slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        await street.slack.until(lambda: street.announcements, seconds=40)
        await asyncio.sleep(2.5)
    [told] = street.announcements
    assert "was released" in told
    assert let["reference_id"] in told


@pytest.mark.parametrize("page", range(1, PAGES + 1))
async def test_a_first_sweep_that_is_killed_at_any_page_goes_on_one_page_back(street: Street, page: int) -> None:
    held = street.stora.faults.hold(route="/units")
    async with process(**street.environment) as bot:
        street.slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        for number in range(1, page + 1):
            await eventually(lambda: len([each for each in street.stora.received if each.route == "/units"]) >= number)  # noqa: B023
            if number < page:
                following = street.stora.faults.hold(route="/units")
                held.set()
                held = following
        assert street.pages() == list(range(1, page + 1))
        await killed(bot)
        held.set()
    await nobody_s(street)
    async with process(**street.environment) as bot:
        street.slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        await logged(bot, "units read")
        assert street.pages() == list(range(max(1, page - 1), PAGES + 1))
        shown = answer(await street.slack.command(FIONA, DESK, "/units status=any limit=1")).text
        assert f"of {len(street.stora.world.units)}" in shown
    assert street.announcements == []


async def nobody_s(street: Street) -> None:
    """Half a minute later, where another process might still be reading: what PostgreSQL would have us wait for."""
    url = street.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition(":///")[2])) as connection:
            assert connection.execute("SELECT count(*) FROM readings WHERE owner IS NOT NULL").fetchone()[0]
    else:
        await aged(url)


async def aged(url: str) -> None:
    """Let half a minute pass for whoever reads."""
    connection = await asyncpg.connect(host=url.partition("?host=")[2], user="postgres", database="postgres")
    try:
        await connection.execute("UPDATE readings SET lease_until = lease_until - interval '31 seconds'")
    finally:
        await connection.close()
