"""The bot killed at the worst moments of a reservation, and started again on the same database.

Each walk runs the real `unitbot run` as a process of its own; `SIGKILL` lets it finish nothing.
"""

import asyncio
import copy
import json
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.demo import ROLES
from bot.sandbox.loopback import serve
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.shapes import Resource
from tests.walks.conftest import a_slack, a_stora
from tests.walks.test_http import logged, process, settings
from tests.walks.test_units import DESK, FIONA, labels

ANNOUNCED = "C0RESERVE"
RESERVE, DEALLOCATE = "/units/{unit_id}/reserve", "/units/{unit_id}/deallocate"
DRAWING = 5.0
"""Seconds that a card may take on a machine that is busy with other tests."""

T = TypeVar("T")
Process = asyncio.subprocess.Process


async def eventually(condition: Callable[[], T | None], seconds: float = 10) -> T:
    """What ``condition`` answers once that is true; Stora and the database do not tell of their changes."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


@dataclass
class Site:
    """Both neighbours, the database, and one unit for one customer."""

    slack: SandboxSlack
    stora: SandboxStora
    file: Path
    environment: dict[str, str]
    unit: Resource
    tenancy: Resource

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[Process]:
        """The bot at work, as one more process on the same database."""
        first = not self.file.exists()
        async with process(**self.environment) as running:
            self.slack.request_url = (await logged(running, "running"))["url"] + "/slack/events"
            if first:  # later ones know what the first has read
                await logged(running, "units read")
            yield running

    async def card(self) -> Message:
        typed = f"/reserve {self.unit['id']} {self.tenancy['id']}"
        reaction = await self.slack.command(FIONA, DESK, typed)
        assert reaction.ok
        cards = await self.slack.until(
            lambda: [each for each in reaction.messages if "Confirm reservation" in labels(each)], DRAWING
        )
        return cards[0]

    async def press(self, card: Message, label: str = "Confirm reservation") -> None:
        assert (await self.slack.click(FIONA, card, label=label)).ok

    async def says(self, card: Message, words: str) -> None:
        await self.slack.until(lambda: words in card.text, seconds=10)

    @property
    def posts(self) -> list[Received]:
        """The writes that have arrived as a whole."""
        written = [each for each in self.stora.received if each.route in {RESERVE, DEALLOCATE}]
        return [each for each in written if each.body is not None or each.route == DEALLOCATE]  # which has none

    @property
    def keys(self) -> set[str]:
        return {each.headers["Idempotency-Key"] for each in self.posts}

    @property
    def reserved(self) -> bool:
        """Whether Stora holds the unit for this customer; it never holds it twice."""
        allocations = self.stora.world.tenancies[self.tenancy["id"]]["unit_allocations"]
        assert len(allocations) <= 1
        return bool(allocations) and self.stora.world.units[self.unit["id"]]["unit_allocation"] == allocations[0]

    @property
    def announcements(self) -> list[Message]:
        return self.of_the_bot(ANNOUNCED)

    @property
    def told(self) -> list[Message]:
        """What the bot has written to Fiona alone."""
        return self.of_the_bot(self.slack.workspace.direct_message(FIONA).id)

    def of_the_bot(self, channel: str) -> list[Message]:
        return [each for each in self.slack.workspace.messages.get(channel, []) if each.user == "U0UNITBOT"]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """What time would have done to the database while nobody was there."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            assert connection.execute(statement, values).rowcount

    async def at_rest(self) -> None:
        """Nobody has anything left to do with a decision."""
        await eventually(lambda: not self.rows("SELECT 1 FROM decisions WHERE lease_until IS NOT NULL"))

    @property
    def record(self) -> list[tuple[str, str]]:
        return [(action, result) for action, result in self.rows("SELECT action, result FROM audit ORDER BY id")]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else is writing into the database, so that the bot cannot."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    slack, stora = a_slack(), a_stora()
    world, file = stora.world, tmp_path / "unitbot.db"
    camden = next(each["id"] for each in world.sites.values() if each["name"] == "Camden")
    unit = next(
        each
        for each in world.units.values()
        if each["site"]["id"] == camden
        and each["status"] == "available"
        and re.fullmatch(r"[A-Z]-\d+", each["reference_id"])
    )
    now = datetime.now(UTC)
    contact = world.add_contact("Quentin Quarantine", "quentin@example.com", now)
    tenancy = world.add_tenancy(contact["id"], camden, now + timedelta(days=3), now)
    async with slack.serving(), serve(stora.application()) as stora_url:
        environment = settings(
            slack,
            stora_url,
            DATABASE_URL=f"sqlite+aiosqlite:///{file}",
            ROLES=json.dumps(ROLES),
            NOTIFY_CHANNEL=ANNOUNCED,
            STORA_REQUESTS_PER_SECOND="1000",
            STORA_REQUESTS_PER_MINUTE="10000",
        )
        yield Site(slack, stora, file, environment, unit, tenancy)
    assert slack.problems == []


async def killed(bot: Process) -> None:
    bot.send_signal(signal.SIGKILL)
    assert await bot.wait() == -signal.SIGKILL


async def before_the_request_leaves(site: Site, bot: Process, card: Message) -> None:
    showing = site.slack.faults.hold("response_url")  # "Reserving…" is waited for, for half a second
    await site.press(card)
    await showing.reached.wait()
    await killed(bot)
    assert site.rows("SELECT state FROM decisions") == [("claimed",)]
    assert site.posts == []
    showing.release()
    await site.says(card, "Reserving")  # Slack had it all the same


async def before_stora_acts(site: Site, bot: Process, card: Message) -> None:
    thinking = site.stora.faults.hold(method="POST", route=RESERVE)
    await site.press(card)
    await eventually(lambda: site.posts)
    await killed(bot)
    assert not site.reserved
    thinking.set()
    await eventually(lambda: site.reserved)


async def after_storas_answer_was_lost(site: Site, bot: Process, card: Message) -> None:
    site.stora.faults.drop_after(method="POST", route=RESERVE, times=None)
    await site.press(card)
    await eventually(lambda: site.reserved)
    await killed(bot)
    site.stora.faults.clear()


async def before_storas_answer_is_recorded(site: Site, bot: Process, card: Message) -> None:
    thinking = site.stora.faults.hold(method="POST", route=RESERVE)
    await site.press(card)
    await eventually(lambda: site.posts)
    with site.locked():
        thinking.set()
        await eventually(lambda: site.posts[0].status == 200)
        await asyncio.sleep(0.1)  # the answer arrives, and cannot be written down
        await killed(bot)
    assert site.rows("SELECT state FROM decisions") == [("claimed",)]


Kill = Callable[[Site, Process, Message], Awaitable[None]]


async def reserved_once(site: Site, old: Message, card: Message) -> None:
    """Everybody has been told of one reservation, and nothing that happens now makes another."""
    assert site.reserved
    assert len(site.keys) == 1
    [(decision,)] = site.rows("SELECT id FROM decisions WHERE state = 'done'")
    assert site.record == [("reserve", "asked"), ("reserve", "confirmed"), ("reserve", "done")]
    asked, uses = len(site.posts), len(site.slack.called("response_url"))
    await site.press(old)  # a slow screen still shows the button
    await site.slack.until(lambda: len(site.slack.called("response_url")) > uses)
    assert "is reserved for" in card.text
    assert f"<@{FIONA}>" in card.text
    assert labels(card) == ["Open in Backoffice", "Release"]
    assert len(site.posts) == asked
    assert site.rows("SELECT key, state FROM outbox") == [(f"{decision}:announcement", "sent")]


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(before_the_request_leaves, id="between the claim and the request"),
        pytest.param(before_stora_acts, id="before Stora acts"),
        pytest.param(after_storas_answer_was_lost, id="after Stora's answer was lost"),
        pytest.param(before_storas_answer_is_recorded, id="between Stora's answer and its record"),
    ],
)
async def test_what_was_confirmed_before_the_kill_is_brought_to_its_end_after_it(site: Site, kill: Kill) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        await kill(site, bot, card)
    assert labels(card) == []
    assert site.announcements == []
    async with site.bot():
        await site.says(card, "is reserved for")
        await site.slack.until(lambda: site.announcements and site.told)
        await reserved_once(site, old, card)
    assert len(site.posts) == 1
    assert len(site.announcements) == len(site.told) == 1
    assert "is reserved for" in site.told[0].text
    for shown in (site.unit["reference_id"], "Quentin Quarantine", f"<@{FIONA}>"):
        assert shown in site.announcements[0].text


async def test_a_request_that_stora_still_works_on_after_the_restart_is_sent_again_with_the_same_key(
    site: Site,
) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        thinking = site.stora.faults.hold(method="POST", route=RESERVE)
        await site.press(card)
        await eventually(lambda: site.posts)
        await killed(bot)
    async with site.bot():
        await eventually(lambda: len(site.posts) == 2)
        again = copy.deepcopy(card)
        again.blocks = old.blocks
        await site.press(again)  # nobody knows yet, and that is what is said
        await site.slack.until(
            lambda: [each for each in site.slack.workspace.visible_to(FIONA, DESK) if "already" in each.text]
        )
        thinking.set()
        await site.says(card, "is reserved for")
        await site.slack.until(lambda: site.announcements and site.told)
        await reserved_once(site, old, card)
    assert [each.replayed for each in site.posts] == [False, True]
    assert len(site.announcements) == len(site.told) == 1


async def test_a_second_kill_while_the_first_is_mended_changes_nothing(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        await before_the_request_leaves(site, bot, card)
    site.stora.faults.drop_after(method="POST", route=RESERVE, times=None)
    async with site.bot() as bot:
        await eventually(lambda: site.reserved)
        await killed(bot)
    site.stora.faults.clear()
    async with site.bot():
        await site.says(card, "is reserved for")
        await site.slack.until(lambda: site.announcements and site.told)
        await reserved_once(site, old, card)
    assert len(site.announcements) == len(site.told) == 1


async def test_a_refusal_that_the_kill_kept_back_is_told_after_it(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        now = datetime.now(UTC)
        rival = site.stora.world.add_tenancy(site.tenancy["contact"]["id"], site.unit["site"]["id"], now, now)
        await before_the_request_leaves(site, bot, card)
        site.stora.world.reserve(site.unit["id"], rival["id"], now)
    async with site.bot():
        await site.says(card, "was not reserved")
        await site.slack.until(lambda: site.told)
    assert "is not available: it is reserved" in card.text  # Stora's own words
    assert "request id" in card.text
    assert "was not reserved" in site.told[0].text
    assert len(site.posts) == len(site.told) == 1
    assert site.announcements == []
    assert not site.reserved
    assert site.record[-1] == ("reserve", "refused")


@pytest.mark.parametrize("acted", [True, False], ids=["and took effect", "and did not"])
async def test_what_was_confirmed_long_before_the_restart_is_not_sent_any_more(site: Site, *, acted: bool) -> None:
    """The person has waited for minutes, and may have done something else since."""
    async with site.bot() as bot:
        card = await site.card()
        await (before_stora_acts if acted else before_the_request_leaves)(site, bot, card)
        sent = len(site.posts)
    site.change("UPDATE decisions SET confirmed_at = datetime(confirmed_at, '-3 minutes') || '.000000'")
    async with site.bot():
        await site.says(card, "is reserved for" if acted else "did not take it in time")
        await site.slack.until(lambda: site.told)
        if acted:
            await site.slack.until(lambda: site.announcements)
    assert site.reserved == acted
    assert len(site.posts) == sent
    assert len(site.announcements) == int(acted)


async def test_an_announcement_that_was_on_its_way_goes_out_after_the_restart(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        lost = site.slack.faults.hold("chat.postMessage")  # and Slack never acts on it
        await site.press(card)
        await lost.reached.wait()
        await site.says(card, "is reserved for")
        await site.at_rest()
        await killed(bot)
    assert site.announcements == []
    async with site.bot():
        await site.slack.until(lambda: site.announcements)
        await reserved_once(site, old, card)
    assert len(site.posts) == len(site.announcements) == 1
    assert site.told == []  # she saw it on the card


async def test_an_announcement_whose_arrival_was_not_recorded_may_be_repeated_and_nothing_else(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        arriving = site.slack.faults.hold("chat.postMessage")
        await site.press(card)
        await arriving.reached.wait()
        await site.says(card, "is reserved for")
        with site.locked():
            arriving.release()
            await site.slack.until(lambda: site.announcements)
            await asyncio.sleep(0.1)  # Slack's answer arrives, and cannot be written down
            await killed(bot)
    async with site.bot():
        await eventually(lambda: site.rows("SELECT 1 FROM outbox WHERE state = 'sent'"))
        await reserved_once(site, old, card)
    assert len(site.posts) == 1
    assert 1 <= len(site.announcements) <= 2
    assert len({each.text for each in site.announcements}) == 1


async def test_an_announcement_that_slack_put_off_is_still_owed_after_a_kill(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        site.slack.faults.rate_limit("chat.postMessage", seconds=1)
        await site.press(card)
        await site.says(card, "is reserved for")
        await eventually(lambda: site.rows("SELECT 1 FROM outbox WHERE error = 'ratelimited'"))
        await killed(bot)
    assert site.announcements == []
    async with site.bot():
        await site.slack.until(lambda: site.announcements, seconds=5)
        await eventually(lambda: site.rows("SELECT 1 FROM outbox WHERE state = 'sent'"))
        await reserved_once(site, old, card)
    assert len(site.announcements) == 1


async def test_an_announcement_in_flight_at_a_stop_is_finished_and_not_repeated(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        arriving = site.slack.faults.hold("chat.postMessage")
        await site.press(card)
        await arriving.reached.wait()
        bot.terminate()
        await asyncio.sleep(0.2)
        arriving.release()
        async with asyncio.timeout(10):
            assert await bot.wait() == 0
    assert site.rows("SELECT state FROM outbox") == [("sent",)]
    async with site.bot():
        await reserved_once(site, old, card)
    assert len(site.announcements) == 1


async def test_a_release_that_the_kill_interrupted_is_brought_to_its_end(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        await site.press(card)
        await site.says(card, "is reserved for")
        await site.slack.until(lambda: site.announcements)
        old = copy.deepcopy(card)
        site.stora.faults.drop_after(method="POST", route=DEALLOCATE, times=None)
        await site.press(card, "Release")
        await eventually(lambda: not site.reserved)
        await killed(bot)
        site.stora.faults.clear()
    async with site.bot():
        await site.says(card, "is released from")
        await site.slack.until(lambda: len(site.announcements) == 2 and site.told)
        uses = len(site.slack.called("response_url"))
        await site.press(old, "Release")
        await site.slack.until(lambda: len(site.slack.called("response_url")) > uses)
    assert "is released from" in card.text
    assert [each.route for each in site.posts] == [RESERVE, DEALLOCATE]
    assert site.stora.world.units[site.unit["id"]]["status"] == "available"
    assert ["reserved" in site.announcements[0].text, "released" in site.announcements[1].text] == [True, True]
    assert len(site.announcements) == 2
    assert site.record[-2:] == [("release", "confirmed"), ("release", "done")]


async def test_a_card_that_nobody_had_confirmed_can_be_confirmed_after_the_kill(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        await killed(bot)
        assert (await site.slack.click(FIONA, old, label="Confirm reservation")).undelivered
    async with site.bot():
        await asyncio.sleep(0.2)
        assert site.posts == []
        await site.press(card)
        await site.says(card, "is reserved for")
        await site.slack.until(lambda: site.announcements)
        await reserved_once(site, old, card)
    assert len(site.announcements) == 1


@pytest.mark.parametrize("refused", [False, True], ids=["done", "refused"])
async def test_an_outcome_that_was_recorded_but_not_shown_is_shown_after_the_kill(site: Site, *, refused: bool) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        thinking = site.stora.faults.hold(method="POST", route=RESERVE)
        if refused:
            site.stora.faults.status(409, method="POST", route=RESERVE)
        await site.press(card)
        await eventually(lambda: site.posts)
        await site.says(card, "Reserving")
        telling = site.slack.faults.hold("response_url")
        thinking.set()
        await telling.reached.wait()
        await eventually(lambda: not site.rows("SELECT 1 FROM outbox WHERE state = 'owed'"))
        await killed(bot)
    assert "Reserving" in card.text
    assert site.record[-1] == ("reserve", "refused" if refused else "done")
    async with site.bot():
        await site.slack.until(lambda: site.told)
        await site.says(card, "was not reserved" if refused else "is reserved for")
        if not refused:
            await site.slack.until(lambda: site.announcements)
            await reserved_once(site, old, card)
        await site.at_rest()
    async with site.bot():
        await asyncio.sleep(0.2)
    assert len(site.told) == 1  # and no third time
    assert ("was not reserved" in site.told[0].text) == refused
    assert len(site.posts) == 1
    assert len(site.announcements) == int(not refused)


async def test_a_click_that_was_acknowledged_survives_a_kill(site: Site) -> None:
    async with site.bot() as bot:
        card = await site.card()
        old = copy.deepcopy(card)
        with site.locked():
            pressing = asyncio.create_task(site.press(card))
            await asyncio.sleep(0.3)
            assert not pressing.done()  # what is not claimed yet is not acknowledged yet
        await pressing
        await killed(bot)
    async with site.bot():
        await eventually(lambda: site.rows("SELECT 1 FROM outbox WHERE state = 'sent'"))
        await reserved_once(site, old, card)
