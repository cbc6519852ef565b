"""What is owed is sent: once, in order, when Slack will have it, whoever dies or comes back meanwhile."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.core.reservations import Outcome, Owed
from bot.core.telling import Channels, owed
from bot.jobs.outbox import LAST_RETRY, LEASE, REFUSED_FOR, Send
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.store.database import opened
from bot.store.outbox import GivenUp, Outbox
from tests.jobs.office import (
    CAMDENS,
    EVERYBODYS,
    OMAR,
    SECOND,
    Office,
    at_work,
    locked_for_a_while,
)

POST = "chat.postMessage"
NOT_THERE, ARCHIVED, NO_CHANNEL = "C0FRONT", "C0OLD", "C0GONE"


class Stopwatch:
    """What `time.monotonic` is to the job; it stands still unless somebody lets time pass by."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def send(office: Office, slack: SandboxSlack, stopwatch: Stopwatch) -> Send:
    """The job; it looks into the database a hundred times a second."""
    client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])
    return Send(client, office.writes, office.outbox, office.something_owed, office.clock, stopwatch, every=0.01)


async def owe(office: Office, *channel_ids: str, notes: bool = False) -> list[str]:
    """Reservations that took effect, each to be announced in a channel; the references of their units."""
    references = []
    for channel_id in channel_ids:
        number = office.another()
        proposal = office.proposal(number)
        await office.confirmed(proposal)
        tell = owed(proposal, OMAR, office.clock(), Channels(channel_id or None, {}, notes))
        assert await office.reservations.settle(proposal.id, Outcome("done"), office.clock(), tell)
        references.append(proposal.unit_reference)
    return references


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.005)


async def nothing_owed(office: Office) -> None:
    async def none() -> bool:
        return await office.outbox.pending() == 0

    await until(none)


async def asked(slack: SandboxSlack, times: int) -> None:
    """Return when Slack has been asked to post so often."""

    async def so_often() -> bool:
        return len(slack.called(POST)) >= times

    await until(so_often)


async def a_while() -> None:
    """Long enough for several looks into the database."""
    await asyncio.sleep(0.08)


def announced(slack: SandboxSlack, channel_id: str) -> list[str]:
    """Which units were announced there, in order."""
    said = slack.workspace.messages.get(channel_id, [])
    return [message.text.split("*")[1] for message in said]


def only(messages: list[Message]) -> Message:
    (message,) = messages
    return message


def rows(office: Office) -> list[dict[str, Any]]:
    """All that was ever owed, as the database has it."""
    connection = sqlite3.connect(office.file)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute("SELECT * FROM outbox ORDER BY id")]
    finally:
        connection.close()


# Announcements


async def test_an_announcement_is_posted_once_and_says_what_colleagues_must_know(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    await owe(office, CAMDENS)
    async with at_work(send):
        await nothing_owed(office)
        await a_while()
    message = only(slack.workspace.messages[CAMDENS])
    for said in ("A-009", "Camden", "Jane Doe the 0th", "Small room", f"<@{OMAR}>", "reserved", "Thu 5 Mar 2026"):
        assert said in message.text
    assert "Open in Backoffice" in str(message.blocks)
    (row,) = rows(office)
    assert (row["state"], row["ts"], row["attempts"]) == ("sent", message.ts, 1)
    assert len(slack.called(POST)) == 1


async def test_what_this_process_owes_is_sent_at_once(office: Office, slack: SandboxSlack, send: Send) -> None:
    async with at_work(replace(send, every=60)):
        await a_while()
        await owe(office, CAMDENS)
        office.something_owed.set()
        await nothing_owed(office)
    assert len(announced(slack, CAMDENS)) == 1


async def test_what_comes_to_be_owed_while_its_channel_is_served_follows_at_once(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    held = slack.faults.hold(POST)
    first = await owe(office, CAMDENS)
    async with at_work(replace(send, every=60)):
        await held.reached.wait()
        second = await owe(office, CAMDENS)
        office.something_owed.set()
        await a_while()
        assert announced(slack, CAMDENS) == []
        held.release()
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == first + second


async def test_a_channel_gets_its_announcements_in_order(office: Office, slack: SandboxSlack, send: Send) -> None:
    references = await owe(office, *[CAMDENS, EVERYBODYS] * 12)
    async with at_work(send):
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == references[::2]
    assert announced(slack, EVERYBODYS) == references[1::2]


async def test_a_channel_that_is_slow_holds_up_no_other(office: Office, slack: SandboxSlack, send: Send) -> None:
    held = slack.faults.hold(POST)
    slow = await owe(office, CAMDENS, CAMDENS)
    async with at_work(send):
        await held.reached.wait()
        others = await owe(office, EVERYBODYS, EVERYBODYS)
        await asked(slack, len(others))
        assert announced(slack, EVERYBODYS) == others
        assert announced(slack, CAMDENS) == []
        held.release()
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == slow


# Slack says: later


async def test_retry_after_is_obeyed_for_its_channel_while_the_others_go_on(
    office: Office, slack: SandboxSlack, send: Send, stopwatch: Stopwatch
) -> None:
    slack.faults.rate_limit(POST, seconds=30)
    limited = await owe(office, CAMDENS, CAMDENS)
    async with at_work(send):
        await asked(slack, 1)
        await until(lambda: later(office))
        limited += await owe(office, CAMDENS)
        others = await owe(office, EVERYBODYS, EVERYBODYS)
        await asked(slack, 3)
        await a_while()
        assert announced(slack, EVERYBODYS) == others
        assert len(slack.called(POST)) == 3
        office.clock.pass_by(29.9 * SECOND)
        stopwatch.seconds += 29.9
        await a_while()
        assert announced(slack, CAMDENS) == []
        office.clock.pass_by(0.1 * SECOND)
        stopwatch.seconds += 0.1
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == limited
    assert {row["error"] for row in rows(office)} == {"", "ratelimited", "waits its turn"}


async def test_no_other_process_asks_before_that_either(
    office: Office, slack: SandboxSlack, send: Send, tmp_path: Path
) -> None:
    slack.faults.rate_limit(POST, seconds=30)
    await owe(office, CAMDENS, CAMDENS)
    async with at_work(send):
        await asked(slack, 1)
        await until(lambda: later(office))
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}") as engine:
        other = replace(send, outbox=Outbox(engine), something_owed=asyncio.Event(), held={}, served=set(), posted={})
        async with at_work(other):
            office.clock.pass_by(29 * SECOND)
            await a_while()
            assert len(slack.called(POST)) == 1
            office.clock.pass_by(SECOND)
            await nothing_owed(office)
    assert len(announced(slack, CAMDENS)) == 2


async def test_a_clock_that_is_set_does_not_shorten_what_slack_asked_for(
    office: Office, slack: SandboxSlack, send: Send, stopwatch: Stopwatch
) -> None:
    slack.faults.rate_limit(POST, seconds=30)
    await owe(office, CAMDENS)
    async with at_work(send):
        await asked(slack, 1)
        await until(lambda: later(office))
        office.clock.pass_by(timedelta(hours=3))
        await a_while()
        assert len(slack.called(POST)) == 1
        stopwatch.seconds += 30
        await nothing_owed(office)


OUTAGES = [("503", "HTTP 503"), ("dropped", "ServerDisconnectedError"), ("fatal_error", "fatal_error")]


def arm(slack: SandboxSlack, trouble: str, times: int | None = 1) -> None:
    match trouble:
        case "503":
            slack.faults.status(503, POST, times=times)
        case "dropped":
            slack.faults.drop_before(POST, times=times)
        case name:
            slack.faults.error(name, POST, times=times)


@pytest.mark.parametrize(("trouble", "reason"), OUTAGES)
async def test_in_an_outage_it_is_tried_again_ever_more_rarely_and_never_given_up(
    office: Office, slack: SandboxSlack, send: Send, trouble: str, reason: str
) -> None:
    arm(slack, trouble, times=None)
    await owe(office, CAMDENS)
    waits = []
    with capture_logs() as logs:
        async with at_work(send):
            for attempt in range(1, 11):
                await asked(slack, attempt)
                await until(lambda: later(office))
                (row,) = rows(office)
                not_before = office.moment_of(row["not_before"])
                waits.append((not_before - office.clock()) / SECOND)
                assert row["error"] == reason
                office.clock.at = not_before - timedelta(microseconds=1)
                await asyncio.sleep(0.02)
                assert len(slack.called(POST)) == attempt
                office.clock.at = not_before
            slack.faults.armed.clear()
            await nothing_owed(office)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert len(announced(slack, CAMDENS)) == 1
    assert [line["again_in"] for line in logs][:3] == [2, 4, 8]
    assert {line["reason"] for line in logs} == {reason}


async def later(office: Office) -> bool:
    """Whether all that is owed has been put off."""
    now = office.clock()
    return all(row["lease_until"] is None and office.moment_of(row["not_before"]) > now for row in rows(office))


async def test_one_that_fails_is_passed_by_the_others(office: Office, slack: SandboxSlack, send: Send) -> None:
    slack.faults.error("fatal_error", POST)
    first, second, third = await owe(office, CAMDENS, CAMDENS, CAMDENS)
    async with at_work(send):
        await asked(slack, 3)
        await until(lambda: one_left(office))
        assert announced(slack, CAMDENS) == [second, third]
        office.clock.pass_by(2 * SECOND)
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == [second, third, first]


async def given_up(office: Office, times: int) -> bool:
    return [row["state"] for row in rows(office)].count("given_up") == times


async def one_left(office: Office) -> bool:
    return await office.outbox.pending() == 1


# Slack says: never


REFUSING = {
    NOT_THERE: ("not_in_channel", "/invite"),
    ARCHIVED: ("is_archived", "unarchive"),
    NO_CHANNEL: ("channel_not_found", "settings"),
}


@pytest.mark.parametrize("channel_id", REFUSING)
async def test_what_slack_will_never_take_is_given_up_with_what_to_do_about_it(
    office: Office, slack: SandboxSlack, send: Send, channel_id: str
) -> None:
    reason, mend = REFUSING[channel_id]
    await owe(office, channel_id, CAMDENS)
    with capture_logs() as logs:
        async with at_work(send):
            await nothing_owed(office)
            await a_while()
    assert len(slack.called(POST)) == 2
    assert len(announced(slack, CAMDENS)) == 1
    assert await office.outbox.given_up(office.clock()) == [GivenUp(channel_id, reason, office.clock(), 1)]
    (line,) = logs
    assert (line["log_level"], line["channel"], line["reason"]) == ("error", channel_id, reason)
    assert mend in line["mend"]


@pytest.mark.parametrize("reason", ["missing_scope", "restricted_action", "msg_too_long", "invalid_blocks"])
async def test_other_words_of_slack_s_that_are_final(
    office: Office, slack: SandboxSlack, send: Send, reason: str
) -> None:
    slack.faults.error(reason, POST)
    await owe(office, CAMDENS)
    async with at_work(send):
        await nothing_owed(office)
    assert [gone.error for gone in await office.outbox.given_up(office.clock())] == [reason]


@pytest.mark.parametrize(
    ("trouble", "left"), [("user_disabled", 0), ("fatal_error", 0), ("503", 1)], ids=["a word", "any word", "an outage"]
)
async def test_a_word_of_slack_s_that_stands_for_a_day_is_final_and_an_outage_never_is(
    office: Office, slack: SandboxSlack, send: Send, trouble: str, left: int
) -> None:
    arm(slack, trouble, times=None)
    await owe(office, CAMDENS)
    async with at_work(send):
        for attempt, passed in enumerate((timedelta(), REFUSED_FOR - LAST_RETRY, LAST_RETRY), 1):
            assert await office.outbox.pending() == 1
            office.clock.pass_by(passed)
            await asked(slack, attempt)
            await until(lambda: let_go(office))
        assert await office.outbox.pending() == left
        office.clock.pass_by(LAST_RETRY)
        await a_while()
    assert len(slack.called(POST)) == 3 + left


async def let_go(office: Office) -> bool:
    return all(row["lease_until"] is None for row in rows(office))


async def test_what_fails_for_the_first_time_a_day_late_is_tried_again(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    await owe(office, CAMDENS)
    office.clock.pass_by(2 * REFUSED_FOR)
    arm(slack, "fatal_error")
    async with at_work(send):
        await asked(slack, 1)
        await until(lambda: let_go(office))
        office.clock.pass_by(2 * SECOND)
        await nothing_owed(office)
    assert len(announced(slack, CAMDENS)) == 1


# Processes


async def test_who_was_frozen_for_longer_than_the_lease_does_not_double_what_another_is_sending(
    office: Office, slack: SandboxSlack, send: Send, stopwatch: Stopwatch, tmp_path: Path
) -> None:
    references = await owe(office, CAMDENS, CAMDENS)
    first, second = slack.faults.hold(POST), slack.faults.hold(POST)
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}") as engine, at_work(send):
        await first.reached.wait()
        await office.outbox.sent(rows(office)[0]["id"], office.clock(), "1.1")  # it has arrived, but we are frozen
        office.clock.pass_by(LEASE)
        other = replace(send, outbox=Outbox(engine), something_owed=asyncio.Event(), held={}, served=set(), posted={})
        async with at_work(other):
            await second.reached.wait()
            stopwatch.seconds += LEASE.total_seconds()
            first.release()  # and wakes with the second one in its hands, for which it has no time left
            await a_while()
            second.release()
            await nothing_owed(office)
            await a_while()
    assert sorted(announced(slack, CAMDENS)) == sorted(references)


async def test_two_processes_send_each_announcement_once(
    office: Office, slack: SandboxSlack, send: Send, tmp_path: Path
) -> None:
    channel_ids = [CAMDENS, EVERYBODYS, "C0PARTNER"]
    references = await owe(office, *channel_ids * 14)
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}") as engine:
        other = replace(send, outbox=Outbox(engine), something_owed=asyncio.Event(), held={}, served=set(), posted={})
        async with at_work(send, other):
            await nothing_owed(office)
            await a_while()
    everywhere = [
        reference for channel in (CAMDENS, EVERYBODYS, "C0PARTNER") for reference in announced(slack, channel)
    ]
    assert sorted(everywhere) == sorted(references)


async def test_what_a_dead_process_had_claimed_is_sent_after_its_lease(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    await owe(office, CAMDENS)
    assert len(await office.outbox.claim(office.clock(), LEASE, 1)) == 1
    async with at_work(send):
        office.clock.pass_by(LEASE - SECOND)
        await a_while()
        assert slack.calls == []
        office.clock.pass_by(SECOND)
        await nothing_owed(office)
    assert len(announced(slack, CAMDENS)) == 1


async def test_nothing_is_sent_when_another_process_may_soon_think_us_dead(
    office: Office, slack: SandboxSlack, send: Send, stopwatch: Stopwatch
) -> None:
    held = slack.faults.hold(POST)
    references = await owe(office, CAMDENS, CAMDENS, CAMDENS)
    async with at_work(send):
        await held.reached.wait()
        stopwatch.seconds += LEASE.total_seconds() / 2
        held.release()
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == references
    assert [row["attempts"] for row in rows(office)] == [1, 2, 2], "the rest was let go and claimed anew"


async def test_a_stop_lets_what_is_on_its_way_arrive_and_be_recorded(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    held = slack.faults.hold(POST)
    references = await owe(office, CAMDENS, CAMDENS)
    running = asyncio.create_task(send.run())
    await held.reached.wait()
    running.cancel()
    await asyncio.sleep(0.01)
    assert not running.done()
    held.release()
    with suppress(asyncio.CancelledError):
        await running
    assert [row["state"] for row in rows(office)] == ["sent", "owed"]
    office.clock.pass_by(LEASE)
    async with at_work(send):
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == references


async def test_a_stop_in_the_very_moment_in_which_something_comes_to_be_owed_is_a_stop(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    running = asyncio.create_task(replace(send, every=60).run())
    await a_while()
    office.something_owed.set()
    running.cancel()
    await asyncio.wait([running], timeout=1)
    assert running.cancelled()
    assert slack.calls == []


async def test_an_announcement_whose_answer_is_lost_may_be_repeated_for_slack_has_no_keys(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    slack.faults.drop_after(POST)
    (reference,) = await owe(office, CAMDENS)
    async with at_work(send):
        await asked(slack, 1)
        await until(lambda: later(office))
        office.clock.pass_by(2 * SECOND)
        await nothing_owed(office)
    assert announced(slack, CAMDENS) == [reference, reference]


# The database


@locked_for_a_while
async def test_a_database_that_is_locked_for_a_while_stops_nothing_for_good(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    await owe(office, CAMDENS)
    with capture_logs() as logs:
        async with at_work(send):
            async with office.locked():
                await until(lambda: noted(logs, "outbox not looked into"))
                assert slack.calls == []
            await nothing_owed(office)
    assert "locked" in logs[0]["reason"]
    assert len(announced(slack, CAMDENS)) == 1


@locked_for_a_while
async def test_what_was_posted_but_could_not_be_recorded_is_recorded_later_and_not_repeated(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    held = slack.faults.hold(POST)
    references = await owe(office, CAMDENS, CAMDENS)
    with capture_logs() as logs:
        async with at_work(send):
            await held.reached.wait()
            async with office.locked():
                held.release()
                await until(lambda: noted(logs, "outbox not brought up to date"))
                office.clock.pass_by(LEASE)
                await until(lambda: noted(logs, "outbox not looked into"))
                assert len(announced(slack, CAMDENS)) == 1
            await nothing_owed(office)
    assert announced(slack, CAMDENS) == references
    assert rows(office)[0]["ts"] == slack.workspace.messages[CAMDENS][0].ts
    assert send.posted == {}


async def noted(logs: list[Any], event: str) -> bool:
    return event in [line["event"] for line in logs]


@locked_for_a_while
async def test_what_a_stop_finds_posted_but_unrecordable_does_not_keep_the_process_alive(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    held = slack.faults.hold(POST)
    await owe(office, CAMDENS)
    running = asyncio.create_task(send.run())
    await held.reached.wait()
    async with office.locked():
        running.cancel()
        await asyncio.sleep(0.01)
        held.release()
        async with asyncio.timeout(2):
            with suppress(asyncio.CancelledError):
                await running
    assert len(send.posted) == 1


async def test_a_payload_of_a_newer_version_waits_for_one_and_holds_up_nobody(
    office: Office, slack: SandboxSlack, send: Send
) -> None:
    proposal = office.proposal(0)
    await office.confirmed(proposal)
    strange = Owed("strange", "announcement", CAMDENS, '{"what": "swapped", "customer": "Jane Doe"}')
    await office.reservations.settle(proposal.id, Outcome("done"), office.clock(), [strange])
    references = await owe(office, CAMDENS)
    with capture_logs() as logs:
        async with at_work(send):
            await until(lambda: one_left(office))
            await until(lambda: noted(logs, "not sent yet"))
    assert announced(slack, CAMDENS) == references
    assert office.moment_of(rows(office)[0]["not_before"]) == office.clock() + LAST_RETRY
    assert [(line["owed"], line["reason"]) for line in logs] == [("strange", "unreadable")]


# Notes in Stora


@pytest.fixture
async def noting(office: Office) -> list[str]:
    """Nothing to announce, one note to leave; the unit's id."""
    await owe(office, "", notes=True)
    return [office.unit_ids[-1]]


async def test_a_note_names_who_reserved_and_no_customer(office: Office, send: Send, noting: list[str]) -> None:
    async def name_of(user_id: str) -> str:
        return {OMAR: "Omar Haddad"}[user_id]

    async with at_work(replace(send, name_of=name_of)):
        await nothing_owed(office)
    (note,) = office.world.notes.values()
    assert [note["resource"]["id"]] == noting
    assert "Omar Haddad" in note["content"]
    assert office.tenancy_ids[-1] in note["content"]
    assert "Jane" not in note["content"]
    assert rows(office)[0]["state"] == "sent"


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_note_whose_answers_are_lost_is_written_once(
    office: Office, send: Send, noting: list[str], fault: str
) -> None:
    getattr(office.stora.faults, fault)(route="/notes", times=3)
    async with at_work(send):
        await until(lambda: later(office))
        assert rows(office)[0]["error"] == "OutcomeUnknown"
        office.clock.pass_by(2 * SECOND)
        await nothing_owed(office)
    assert len(office.world.notes) == len(noting) == 1
    assert {received.headers["Idempotency-Key"] for received in office.posts("/notes")} == {rows(office)[0]["key"]}
    assert len(office.posts("/notes")) == 4


@pytest.mark.parametrize(("status", "reason"), [(422, "Refused"), (403, "StoraLogin")])
async def test_a_note_that_stora_refuses_is_given_up(
    office: Office, send: Send, noting: list[str], status: int, reason: str
) -> None:
    office.stora.faults.status(status, route="/notes")
    async with at_work(send):
        await nothing_owed(office)
    assert len(office.posts("/notes")) == len(noting)
    assert await office.outbox.given_up(office.clock()) == [GivenUp("", reason, office.clock(), 1)]


async def test_a_note_on_a_unit_that_is_gone_is_given_up(office: Office, send: Send, noting: list[str]) -> None:
    office.world.remove_unit(noting[0], office.clock())
    async with at_work(send):
        await nothing_owed(office)
    assert [gone.error for gone in await office.outbox.given_up(office.clock())] == ["NotFound"]


async def test_a_note_that_takes_its_time_holds_up_no_announcement(
    office: Office, slack: SandboxSlack, send: Send, noting: list[str]
) -> None:
    writing = office.stora.faults.hold(route="/notes", times=None)
    async with at_work(send):
        await until(lambda: posted(office))
        references = await owe(office, CAMDENS)
        await asked(slack, 1)
        assert announced(slack, CAMDENS) == references
        writing.set()
        await nothing_owed(office)
    assert len(office.world.notes) == len(noting)


async def posted(office: Office) -> bool:
    return bool(office.posts("/notes"))


# The log


async def test_no_log_line_names_a_customer(office: Office, slack: SandboxSlack, send: Send) -> None:
    arm(slack, "503")
    slack.faults.rate_limit(POST)
    await owe(office, CAMDENS, EVERYBODYS, NOT_THERE, notes=True)
    office.stora.faults.status(422, route="/notes", times=2)
    with capture_logs() as logs:
        async with at_work(send):
            await until(lambda: given_up(office, 3))
            await until(lambda: noted(logs, "not sent yet"))
    assert {line["event"] for line in logs} == {"not sent yet", "given up"}
    assert "Jane" not in str(logs)
