"""What nobody knows is found out, and the person who was told to wait hears of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs
from typing_extensions import override

from bot.carry_out import FIRST_LOOK, LEASE
from bot.core.access import Role
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Decision
from bot.jobs.settle import Settle
from bot.render.blocks import moment
from bot.sandbox.slack import posting
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.slack.deliver import Deliver
from bot.slack.groups import UserGroups
from bot.slack.outcomes import Outcomes
from bot.slack.people import Home, People
from bot.store.database import opened
from bot.store.reservations import Reservations
from tests.jobs.office import OMAR, RESERVE, UNIT, Office, at_work, locked_for_a_while

DESK = "C0FRONT"
DIRECT = "D0OMAR"
POST = "chat.postMessage"
ALL_LOST = 3


@pytest.fixture
async def slack() -> AsyncIterator[SandboxSlack]:
    slack = SandboxSlack(demo_workspace(), scopes=["chat:write", "users:read", "usergroups:read"])
    async with slack.serving():
        yield slack
        assert slack.problems == []


@pytest.fixture
async def settle(office: Office, slack: SandboxSlack) -> AsyncIterator[Settle]:
    """The job; it looks into the database a hundred times a second."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", session=session, retry_handlers=[])
        people = People(client, Home("T0HARBOUR", None), UserGroups(client, ["S0OPS"]))
        roles = (Role(name="operations", can=("reserve", "release"), groups=("S0OPS",)),)
        yield Settle(
            office.reservations,
            office.carry_out,
            Outcomes(office.directory, people, roles),
            Deliver(client, session),
            office.clock,
            every=0.01,
        )


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.005)


async def state(office: Office, wanted: str, decision_id: str = "d0") -> None:
    async def is_so() -> bool:
        return (await office.decision(decision_id)).state == wanted

    await until(is_so)


async def told(slack: SandboxSlack, times: int = 1) -> list[Message]:
    """What the bot has said to Omar alone, once it has spoken so often."""

    async def so_often() -> bool:
        return len(slack.workspace.messages.get(DIRECT, [])) >= times

    await until(so_often)
    return list(slack.workspace.messages[DIRECT])


async def a_while() -> None:
    """Long enough for several looks into the database."""
    await asyncio.sleep(0.08)


def card(slack: SandboxSlack) -> tuple[Message, str]:
    """Omar's card, and the way to it."""
    message = posting.add(slack.state, DESK, text="Reserving…", ephemeral_to=OMAR)
    ticket = slack.state.tickets.response("action", OMAR, DESK, message.ts)
    return message, f"{slack.url}/response/{ticket}"


async def sent_without_an_answer(office: Office, response_url: str | None, *, number: int = 0) -> Decision:
    """Confirmed, sent, and nobody knows what became of it."""
    office.stora.faults.drop_before(route=RESERVE, times=ALL_LOST)
    decision = await office.confirmed(office.proposal(number), response_url=response_url)
    assert (await office.carry_out.send(decision)).state == "unknown"
    office.stora.received.clear()
    return decision


def buttons(message: Message) -> list[str]:
    return [
        element["text"]["text"]
        for block in message.blocks
        for element in [*block.get("elements", []), block.get("accessory", {})]
        if element.get("type") == "button"
    ]


async def test_an_unknown_outcome_is_found_out_and_the_person_told_on_the_card_and_directly(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    shown, response_url = card(slack)
    await sent_without_an_answer(office, response_url)
    async with at_work(settle):
        await a_while()
        assert office.stora.received == [], "not before its time"
        office.clock.pass_by(FIRST_LOOK)
        (direct,) = await told(slack)
    for message in (shown, direct):
        assert "*A-001* is reserved" in message.text
        assert f"<@{OMAR}>, {moment(office.clock())}" in message.text
        assert buttons(message) == ["Open in Backoffice", "Release"]
    assert office.allocations() == [office.unit_ids[0]]
    assert await office.outbox.pending() == 1
    assert office.something_owed.is_set()


async def test_what_is_settled_is_neither_asked_about_nor_told_again(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    await sent_without_an_answer(office, card(slack)[1])
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(settle):
        await told(slack)
        asked, said = len(office.stora.received), len(slack.calls)
        for _ in range(4):
            office.clock.pass_by(LEASE)
            await a_while()
    assert (len(office.stora.received), len(slack.calls)) == (asked, said)
    assert len(office.posts()) == 1


async def test_a_refusal_is_told_in_stora_s_words_with_other_units_to_take(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    shown, response_url = card(slack)
    await sent_without_an_answer(office, response_url)
    office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(settle):
        (direct,) = await told(slack)
    refused = (await office.decision()).outcome
    assert refused is not None
    for message in (shown, direct):
        assert "*A-001* was not reserved" in message.text
        assert refused.said in message.text
        assert str(refused.request_id) in message.text
        assert buttons(message) == ["Reserve"] * 3
    # The channel hears of whoever was faster, and of nothing else.
    [due] = await office.outbox.claim(office.clock() + timedelta(seconds=1), LEASE, 5)
    assert due.owed.kind == "happening"


async def test_while_it_stays_unknown_nobody_is_bothered(office: Office, slack: SandboxSlack, settle: Settle) -> None:
    shown, response_url = card(slack)
    await sent_without_an_answer(office, response_url)
    office.stora.faults.status(503, times=None, route=UNIT)
    async with at_work(settle):
        for looks in (1, 2, 3):
            office.clock.at = office.moment("next_try") or office.clock()
            await until(lambda looks=looks: looked(office, looks))  # type: ignore[misc]
        assert slack.calls == []
        assert shown.text == "Reserving…"
        office.stora.faults.clear()
        office.clock.at = office.moment("next_try") or office.clock()
        await told(slack)
    assert "is reserved" in shown.text
    assert len(slack.workspace.messages[DIRECT]) == 1


async def looked(office: Office, times: int) -> bool:
    decision = await office.decision()
    return decision.attempts == times and office.moment("lease_until") is None


async def test_a_card_left_by_a_dead_process_does_not_go_on_saying_reserving(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    shown, response_url = card(slack)
    await office.confirmed(office.proposal(), response_url=response_url)
    office.stora.faults.status(503, times=None, route=UNIT)
    async with at_work(settle):
        office.clock.pass_by(LEASE)
        await state(office, "unknown")
        await slack.until(lambda: "not known" in shown.text)
        assert DIRECT not in slack.workspace.messages
        office.stora.faults.clear()
        office.clock.at = office.moment("next_try") or office.clock()
        await told(slack)
    assert "is reserved" in shown.text


async def test_where_the_card_can_be_reached_no_more_the_person_still_hears(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    await sent_without_an_answer(office, f"{slack.url}/response/R0000000000")
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(settle):
        (direct,) = await told(slack)
    assert "is reserved" in direct.text


async def test_where_there_is_no_card_the_person_still_hears(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    await sent_without_an_answer(office, None)
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(settle):
        await told(slack)
    assert slack.called("response_url") == []


async def test_a_slack_that_is_down_does_not_keep_decisions_from_being_settled(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    for number in (0, 1):
        await sent_without_an_answer(office, card(slack)[1], number=number)
    slack.faults.status(503, times=None)
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(settle):
        await state(office, "done", "d0")
        await state(office, "done", "d1")
    assert await office.outbox.pending() == 2


async def test_a_slack_that_wants_to_be_left_alone_does_not_keep_decisions_from_being_settled(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    client = settle.deliver.client
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    slack.faults.rate_limit(POST, seconds=30)
    await sent_without_an_answer(office, None)
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(settle):
        await slack.until(lambda: slack.called(POST))
        await sent_without_an_answer(office, None, number=1)
        office.clock.pass_by(FIRST_LOOK)
        await state(office, "done", "d1")
        (direct,) = await told(slack)
    assert "*A-002* is reserved" in direct.text


async def test_while_slack_takes_its_time_no_other_process_tells_it_too(
    office: Office, slack: SandboxSlack, settle: Settle, tmp_path: Path
) -> None:
    lease = timedelta(seconds=0.3)
    carry_out = office.carrying_out(lease)
    await sent_without_an_answer(office, None)
    office.clock.pass_by(FIRST_LOOK)
    held = slack.faults.hold(POST)
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}") as engine:
        elsewhere = Reservations(engine)
        other = replace(settle, reservations=elsewhere, carry_out=replace(carry_out, reservations=elsewhere))
        async with at_work(replace(settle, carry_out=carry_out), other):
            await held.reached.wait()
            for _ in range(20):
                office.clock.pass_by(lease / 6)
                await asyncio.sleep(lease.total_seconds() / 6)
            assert slack.called(POST) == []
            held.release()
            await told(slack)
            await a_while()
    assert len(slack.workspace.messages[DIRECT]) == 1


async def test_what_takes_too_long_to_tell_is_told_later(office: Office, slack: SandboxSlack, settle: Settle) -> None:
    slack.faults.hold(POST)
    await sent_without_an_answer(office, None)
    office.clock.pass_by(FIRST_LOOK)
    with capture_logs() as logs:
        async with at_work(replace(settle, telling=0.1)):
            await until(lambda: noted(logs, "not told yet"))
            await a_while()
            assert slack.called(POST) == []
            office.clock.pass_by(LEASE)
            await told(slack)
    slack.faults.clear()


async def test_a_card_that_slack_is_slow_about_holds_up_no_direct_message(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    slack.faults.hold("response_url")
    await sent_without_an_answer(office, card(slack)[1])
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(replace(settle, card_shown=0.05)):
        await told(slack)
    slack.faults.clear()


async def test_a_release_is_found_out_and_told_likewise(office: Office, slack: SandboxSlack, settle: Settle) -> None:
    reserved = await office.confirmed(office.proposal())
    await office.carry_out.send(reserved)
    await office.reservations.told(reserved.proposal.id)
    shown, response_url = card(slack)
    await office.confirmed(office.proposal(0, "release"), response_url=response_url)
    office.clock.pass_by(LEASE)
    async with at_work(settle):
        (direct,) = await told(slack)
    assert "*A-001* is released" in shown.text == direct.text
    assert office.allocations() == []


async def test_what_was_recorded_but_not_shown_is_shown_and_told_once(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    shown, response_url = card(slack)
    await office.carry_out.send(await office.confirmed(office.proposal(), response_url=response_url))
    office.clock.pass_by(LEASE)
    async with at_work(settle):
        (direct,) = await told(slack)
        await a_while()  # in which that is recorded
    assert "is reserved" in shown.text == direct.text
    office.clock.pass_by(2 * LEASE)
    async with at_work(settle):
        await a_while()
    assert len(await told(slack)) == 1
    assert len(office.posts()) == 1


async def test_several_are_found_out_at_the_same_time_and_one_that_hangs_is_waited_for(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    for number in range(3):
        await office.confirmed(office.proposal(number), response_url=None)
    office.clock.pass_by(LEASE)
    hanging = office.stora.faults.hold(route=UNIT)
    async with at_work(settle):
        await told(slack, 2)
        hanging.set()
        await told(slack, 3)
    assert all(office.allocations(number) for number in range(3))
    assert len(office.posts()) == 3


async def test_two_processes_settle_each_decision_once(
    office: Office, slack: SandboxSlack, settle: Settle, tmp_path: Path
) -> None:
    for number in range(8):
        await office.confirmed(office.proposal(number))
    office.clock.pass_by(LEASE)
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}") as engine:
        elsewhere = Reservations(engine)
        other = replace(settle, reservations=elsewhere, carry_out=replace(office.carry_out, reservations=elsewhere))
        async with at_work(settle, other):
            await told(slack, 8)
            await a_while()
    assert len(slack.workspace.messages[DIRECT]) == 8
    # On a busy machine an answer may be late, and is asked for again with the same key.
    assert len({each.headers["Idempotency-Key"] for each in office.posts()}) == 8
    assert await office.outbox.pending() == 8


async def test_a_stop_in_the_middle_leaves_the_decision_to_whoever_comes_next(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    await sent_without_an_answer(office, card(slack)[1])
    office.clock.pass_by(FIRST_LOOK)
    hanging = office.stora.faults.hold(route=RESERVE)
    async with at_work(settle):
        await office.stora.arrived(2)
    assert (await office.decision()).state == "unknown"
    hanging.set()
    async with at_work(settle):
        office.clock.pass_by(LEASE)
        (direct,) = await told(slack)
    assert "is reserved" in direct.text
    assert office.allocations() == [office.unit_ids[0]]


# The database


@locked_for_a_while
async def test_a_database_that_is_locked_for_a_while_stops_nothing_for_good(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    await sent_without_an_answer(office, card(slack)[1])
    office.clock.pass_by(FIRST_LOOK)
    with capture_logs() as logs:
        async with at_work(settle):
            async with office.locked():
                await until(lambda: noted(logs, "decisions not looked into"))
            await told(slack)
    assert "locked" in logs[0]["reason"]


@locked_for_a_while
async def test_what_cannot_be_recorded_is_taken_over_again_and_told_once(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    await sent_without_an_answer(office, card(slack)[1])
    office.clock.pass_by(FIRST_LOOK)
    hanging = office.stora.faults.hold(route=RESERVE)
    with capture_logs() as logs:
        async with at_work(settle):
            await office.stora.arrived(2)
            async with office.locked():
                hanging.set()
                await until(lambda: noted(logs, "decision not settled"))
            assert DIRECT not in slack.workspace.messages
            office.clock.pass_by(LEASE)
            await told(slack)
            await a_while()
    assert len(slack.workspace.messages[DIRECT]) == 1
    assert office.allocations() == [office.unit_ids[0]]


async def noted(logs: list[Any], event: str) -> bool:
    return event in [line["event"] for line in logs]


class Forgetful(Reservations):
    """A database that fails just after it has recorded."""

    @override
    async def get(self, decision_id: str) -> Decision | None:
        raise DatabaseUnusable("The connection broke.")


async def test_what_was_recorded_is_told_even_if_it_cannot_be_read_again(
    office: Office, slack: SandboxSlack, settle: Settle
) -> None:
    shown, response_url = card(slack)
    await sent_without_an_answer(office, response_url)
    office.clock.pass_by(FIRST_LOOK)
    async with at_work(replace(settle, reservations=Forgetful(office.engine))):
        (direct,) = await told(slack)
    assert "*A-001* is reserved" in shown.text == direct.text


async def test_no_log_line_names_a_customer(office: Office, slack: SandboxSlack, settle: Settle) -> None:
    await sent_without_an_answer(office, card(slack)[1])
    office.stora.faults.status(503, times=3, route=UNIT)
    slack.faults.status(503, times=None)
    with capture_logs() as logs:
        async with at_work(settle):
            office.clock.pass_by(FIRST_LOOK)
            await until(lambda: looked(office, 1))
            office.clock.at = office.moment("next_try") or office.clock()
            await state(office, "done")
            await until(lambda: noted(logs, "message not delivered"))
    assert "Jane" not in str(logs)
