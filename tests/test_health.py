"""Readiness: true in each outage, true again after it, and cheap."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp.test_utils import make_mocked_request
from slack_sdk.web.async_client import AsyncWebClient

from bot.carry_out import CarryOut
from bot.core.health import Part, failing, ok
from bot.core.inventory import Inventory
from bot.core.problems import StoraDown
from bot.health import (
    LONGEST_LOOK,
    DatabaseHealth,
    DirectoryHealth,
    Readiness,
    SlackHealth,
    SocketHealth,
    StoraHealth,
    Turns,
    settings_read,
)
from bot.jobs.outbox import Send
from bot.jobs.settle import Settle
from bot.slack.failures import keep_running
from bot.store.database import opened
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from tests.walks.conftest import a_slack

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UNITS = httpx.Request("GET", "https://public-api.stora.co/2025-09/units")
TOKEN = httpx.Request("POST", "https://public-api.stora.co/oauth2/token")


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def saying(part: Part) -> Callable[[], Any]:
    async def look() -> Part:
        return part

    return look


async def answered(readiness: Readiness) -> tuple[int, Any]:
    response = await readiness.answer(make_mocked_request("GET", "/readyz"))
    assert response.text is not None
    return response.status, json.loads(response.text)


async def test_ready_is_who_has_every_part() -> None:
    readiness = Readiness(settings=settings_read, database=saying(ok("answers")))
    status, body = await answered(readiness)
    assert (status, body["database"]) == (200, {"status": "ok", "detail": "answers"})
    readiness.parts["slack"] = saying(failing("HTTP 503"))
    status, body = await answered(readiness)
    assert (status, body["slack"]) == (503, {"status": "failing", "detail": "HTTP 503"})
    assert body["settings"]["status"] == "ok"


async def test_a_part_that_hangs_is_failing_in_time_and_is_looked_at_once() -> None:
    looks = 0
    let_go = asyncio.Event()

    async def hanging() -> Part:
        nonlocal looks
        looks += 1
        await let_go.wait()
        return ok("after all")

    readiness = Readiness(database=hanging)
    started = asyncio.get_running_loop().time()
    both = await asyncio.gather(readiness.look(), readiness.look())
    assert [each["database"].status for each in both] == ["failing", "failing"]
    assert asyncio.get_running_loop().time() - started < LONGEST_LOOK + 0.5
    assert looks == 1
    let_go.set()
    assert (await readiness.look())["database"] == ok("after all")


async def test_slack_is_asked_once_in_a_while_and_sooner_after_bad_news() -> None:
    clock, slack = Clock(), a_slack()
    async with slack.serving() as url, aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, base_url=f"{url}/api/", session=session, retry_handlers=[])
        health = SlackHealth(client, clock)
        for _ in range(100):
            assert await health() == ok("accepts the bot token")
        assert len(slack.called("auth.test")) == 1
        slack.faults.error("token_revoked", "auth.test")
        assert (await health()).status == "ok"
        clock.now += health.EVERY
        assert await health() == failing("auth.test: token_revoked")
        assert (await health()).status == "failing"
        clock.now += health.AGAIN
        assert (await health()).status == "ok"
        assert len(slack.called("auth.test")) == 3
        slack.faults.status(503, "auth.test")
        clock.now += health.EVERY
        assert await health() == failing("auth.test: HTTP 503")


def test_slack_is_probed_rarely_enough() -> None:
    assert SlackHealth.EVERY >= 10
    assert SlackHealth.AGAIN < SlackHealth.EVERY


@dataclass
class Asked:
    """Counts how often Stora is asked, and lets it answer."""

    health: StoraHealth
    status: int | None = 200
    times: int = 0

    async def __call__(self) -> None:
        self.times += 1
        self.health.heard(UNITS, self.status)
        if self.status is None:
            raise StoraDown("ConnectError")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stora(clock: Clock) -> Asked:
    health = StoraHealth(clock)
    health.ask = asked = Asked(health)
    return asked


async def test_a_probe_costs_stora_nothing_while_there_is_news(stora: Asked, clock: Clock) -> None:
    for _ in range(1000):
        clock.now += 1
        stora.health.heard(UNITS, 200)
        assert await stora.health() == ok("answers")
    assert stora.times == 0


async def test_at_first_stora_is_asked_once(stora: Asked) -> None:
    for _ in range(100):
        assert await stora.health() == ok("answers")
    assert stora.times == 1


@pytest.mark.parametrize(("status", "detail"), [(None, "does not answer"), (503, "HTTP 503")])
async def test_one_lost_answer_is_an_outage_where_there_was_no_other(
    stora: Asked, clock: Clock, status: int | None, detail: str
) -> None:
    stora.status = status
    assert await stora.health() == failing(detail)
    stora.status = 200
    clock.now += stora.health.AGAIN
    assert await stora.health() == ok("answers")


@pytest.mark.parametrize(("request_", "status"), [(TOKEN, 200), (UNITS, 429)], ids=["a login", "no room"])
async def test_what_says_nothing_of_the_token_does_not_make_it_usable(
    stora: Asked, clock: Clock, request_: httpx.Request, status: int
) -> None:
    stora.health.heard(request_, status)
    assert await stora.health() == failing("has not answered yet")
    clock.now += stora.health.AGAIN
    assert await stora.health() == ok("answers")


def test_a_token_that_was_withdrawn_is_found_out_within_a_minute() -> None:
    assert StoraHealth.LONGEST_SILENCE <= 60


async def test_after_long_silence_stora_is_asked_once(stora: Asked, clock: Clock) -> None:
    stora.health.heard(UNITS, 200)
    clock.now += stora.health.LONGEST_SILENCE
    for _ in range(100):
        assert (await stora.health()).status == "ok"
    assert stora.times == 1


@pytest.mark.parametrize(("status", "detail"), [(None, "does not answer"), (503, "HTTP 503")])
async def test_one_lost_answer_is_no_outage_and_two_are(
    stora: Asked, clock: Clock, status: int | None, detail: str
) -> None:
    stora.health.heard(UNITS, 200)
    stora.status = status
    stora.health.heard(UNITS, status)
    assert (await stora.health()).status == "ok"
    clock.now += stora.health.AGAIN
    assert await stora.health() == failing(detail)
    assert await stora.health() == failing(detail)
    assert stora.times == 1
    stora.status = 200
    clock.now += stora.health.AGAIN
    assert await stora.health() == ok("answers")


@pytest.mark.parametrize(("request_", "status"), [(UNITS, 401), (TOKEN, 401), (TOKEN, 422)])
async def test_a_login_that_stora_refuses_is_failing_at_once(
    stora: Asked, clock: Clock, request_: httpx.Request, status: int
) -> None:
    stora.health.heard(request_, status)
    assert await stora.health() == failing(f"does not accept our token or client (HTTP {status})")
    stora.status = None
    clock.now += stora.health.AGAIN
    assert (await stora.health()).status == "failing"  # an outage is no pardon
    stora.status = 200
    clock.now += stora.health.AGAIN
    assert (await stora.health()).status == "ok"


@pytest.mark.parametrize("status", [403, 404, 409, 422, 429])
async def test_a_refusal_of_one_thing_is_an_answer(stora: Asked, status: int) -> None:
    stora.health.heard(UNITS, 200)
    stora.health.heard(UNITS, status)
    assert (await stora.health()).status == "ok"


async def test_a_limit_that_is_used_up_does_not_pardon_a_refused_token(stora: Asked) -> None:
    stora.health.heard(UNITS, 401)
    stora.health.heard(UNITS, 429)
    assert (await stora.health()).status == "failing"


async def test_without_a_way_to_ask_nothing_is_asked(clock: Clock) -> None:
    health = StoraHealth(clock)
    clock.now += 1000
    assert await health() == failing("has not answered yet")


@dataclass
class Picture:
    """A directory as far as its health looks at it."""

    inventory: Inventory | None = None
    fresh: Inventory | None = None
    silent_since: datetime | None = None


async def test_a_directory_is_usable_while_it_may_be_shown() -> None:
    picture = Picture()
    directory: Any = picture
    health = DirectoryHealth(directory)
    assert await health() == failing("not read yet")
    picture.silent_since = NOW
    assert await health() == failing("not read yet; sweeps fail since 2026-03-02T09:00:00Z")
    picture.inventory = picture.fresh = Inventory.of((), (), (), NOW - timedelta(hours=1))
    assert await health() == ok("0 units as of 2026-03-02T08:00:00Z; sweeps fail since 2026-03-02T09:00:00Z")
    picture.silent_since, picture.fresh = None, None
    assert await health() == failing("too old: 0 units as of 2026-03-02T08:00:00Z")


async def test_a_job_that_silently_stops_is_noticed_and_so_is_its_return(clock: Clock) -> None:
    turns = Turns(clock)
    assert await turns() == failing("not at work yet")
    outbox, settle = turns.of("outbox", 30), turns.of("settle", 180)
    clock.now += 30
    settle()
    assert await turns() == ok("at work: outbox, settle")
    clock.now += 1
    assert await turns() == failing("outbox got nothing done for 31 s")
    clock.now += 180
    assert (await turns()).detail == "outbox got nothing done for 211 s, settle got nothing done for 181 s"
    outbox()
    settle()
    assert (await turns()).status == "ok"


async def test_a_job_that_crashes_again_and_again_is_noticed(clock: Clock) -> None:
    class Job:
        """It has a bug."""

        async def run(self) -> None:
            raise ZeroDivisionError

    turns = Turns(clock)
    turns.of("outbox", 10 * turns.CRASH_SHOWS)
    crashes: list[str] = []

    def crashed(job: str) -> None:
        turns.crashed(job)
        crashes.append(job)

    running = asyncio.create_task(keep_running(Job().run, 0.01, crashed))
    async with asyncio.timeout(5):
        while len(crashes) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    said = await turns()
    assert said.status == "failing"
    assert said.detail.endswith("Job.run crashed 0 s ago")
    clock.now += turns.CRASH_SHOWS
    assert (await turns()).status == "ok"


async def test_a_database_says_why_it_cannot_be_used(tmp_path: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/unitbot.db", patience=0.05) as engine:
        health = DatabaseHealth(engine)
        assert await health() == ok("sqlite can be written to")
        with closing(sqlite3.connect(tmp_path / "unitbot.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert await health() == failing("The database cannot be used. Another process has locked it.")
            other.execute("COMMIT")
        assert (await health()).status == "ok"


@pytest.mark.parametrize("job", ["outbox", "settle"])
async def test_a_job_has_turned_once_the_database_has_answered_it(job: str, tmp_path: Path) -> None:
    nobody: Any = None  # nothing is owed, so nobody is needed
    turns: list[str] = []
    answered = asyncio.Event()

    def turned() -> None:
        turns.append(job)
        answered.set()

    async with opened(f"sqlite+aiosqlite:///{tmp_path}/unitbot.db", patience=0.05) as engine:
        settle = Settle(Reservations(engine), CarryOut(*[nobody] * 7), nobody, nobody, lambda: NOW, 0.01, turned)
        send = Send(nobody, nobody, Outbox(engine), asyncio.Event(), lambda: NOW, every=0.01, turned=turned)
        with closing(sqlite3.connect(tmp_path / "unitbot.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            running = asyncio.create_task(send.run() if job == "outbox" else settle.run())
            await asyncio.sleep(0.3)
            assert turns == []
            other.execute("COMMIT")
        async with asyncio.timeout(5):
            await answered.wait()
        running.cancel()
        await asyncio.wait([running])


@dataclass
class Link:
    """slack_sdk's client as far as its health looks at it."""

    is_open: bool = True
    message_processor: Any = field(default_factory=lambda: asyncio.ensure_future(asyncio.Event().wait()))
    message_receiver: Any = field(default_factory=lambda: asyncio.ensure_future(asyncio.Event().wait()))
    current_session_monitor: Any = field(default_factory=lambda: asyncio.ensure_future(asyncio.Event().wait()))

    async def is_connected(self) -> bool:
        return self.is_open


async def test_a_socket_is_usable_while_it_is_open_and_looked_after() -> None:
    health = SocketHealth()
    assert await health() == failing("not connected yet")
    link = Link()
    client: Any = link
    health.client = client
    assert await health() == ok("connected")
    link.is_open = False
    assert await health() == failing("not connected just now")
    link.is_open = True
    link.message_receiver.cancel()
    await asyncio.sleep(0)
    assert "restart the bot" in (await health()).detail
    link.message_receiver = None
    assert (await health()).status == "failing"
    link.message_processor.cancel()
    link.current_session_monitor.cancel()
