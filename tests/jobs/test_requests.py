"""A request's message says what is true, whoever draws it, and ends when it is too old."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.carry_out import LEASE
from bot.core.approvals import GOOD_FOR
from bot.core.kept import Seen
from bot.core.reservations import Outcome
from bot.jobs.outbox import Send
from bot.jobs.requests import CARD_LIVES, Requests
from bot.sandbox.slack import posting
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.slack.deliver import Deliver
from bot.store.approvals import Approvals
from tests.jobs.office import FIONA, OMAR, SECOND, Office, an_office, at_work, locked_for_a_while
from tests.jobs.test_settle import buttons, until

ASKED_IN, DESK, DIRECT = "C0APPROVE", "C0FRONT", "D0FIONA"


@pytest.fixture
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path, channel=False, patience=getattr(request, "param", 5.0)) as office:
        yield office


class Desk:
    """The approvals of one process, with the outbox that sends what is owed for them."""

    def __init__(self, office: Office, slack: SandboxSlack, session: aiohttp.ClientSession) -> None:
        client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", session=session, retry_handlers=[])
        self.office, self.slack = office, slack
        self.approvals = Approvals(office.engine)
        self.requests = Requests(
            client, Deliver(client, session), self.approvals, office.something_owed, office.clock, every=0.01
        )
        self.send = Send(
            client,
            office.writes,
            office.outbox,
            office.something_owed,
            office.clock,
            every=0.01,
            ways={"request": self.requests.draw, "answer": self.requests.answer},
            giving_up={"request": self.requests.never_posted},
        )

    async def asked(self, number: int = 0, response_url: str | None = None) -> str:
        proposal = self.office.proposal(number)
        await self.office.reservations.propose(proposal, "no role")
        assert await self.approvals.ask(
            proposal.id,
            self.office.clock(),
            channel_id=ASKED_IN,
            response_url=response_url,
            warnings=(),
            rule="no role that may reserve",
        )
        return proposal.id

    async def approved(self, decision_id: str = "d0") -> None:
        _, ours = await self.approvals.approve(decision_id, OMAR, self.office.clock(), LEASE, "role operations")
        assert ours

    def said(self, channel: str = ASKED_IN) -> list[Message]:
        return [each for each in self.slack.workspace.messages.get(channel, []) if not each.ephemeral_to]

    def card(self) -> tuple[Message, str]:
        message = posting.add(self.slack.state, DESK, text="waiting", ephemeral_to=FIONA)
        ticket = self.slack.state.tickets.response("action", FIONA, DESK, message.ts)
        return message, f"{self.slack.url}/response/{ticket}"

    async def all_sent(self) -> None:
        async def nothing_owed() -> bool:
            return not await self.office.outbox.pending()

        await until(nothing_owed)


@pytest.fixture
async def desk(office: Office, slack: SandboxSlack) -> AsyncIterator[Desk]:
    async with aiohttp.ClientSession() as session:
        yield Desk(office, slack, session)


@pytest.fixture
async def another_process(desk: Desk) -> AsyncIterator[Send]:
    """The outbox of another process on the same database: what this one is sending, it does not know of."""
    async with aiohttp.ClientSession() as session:
        yield Desk(desk.office, desk.slack, session).send


async def test_one_message_goes_through_all_that_happens(desk: Desk) -> None:
    card, response_url = desk.card()
    await desk.asked(response_url=response_url)
    async with at_work(desk.send):
        await desk.all_sent()
        [message] = desk.said()
        assert buttons(message) == ["Approve", "Decline", "Open in Backoffice"]
        await desk.approved()
        await desk.all_sent()
        assert "reserving *A-001*" in message.text
        assert "reserving *A-001*" in card.text
        assert desk.said(DIRECT) == []
        await desk.office.reservations.settle("d0", Outcome("unknown"), desk.office.clock(), [])
        await desk.all_sent()
        assert "it is not known whether" in message.text
        assert desk.said(DIRECT) == []
        await desk.office.reservations.settle("d0", Outcome("done"), desk.office.clock(), [])
        await desk.all_sent()
    assert "*A-001* is reserved" in message.text
    assert "*A-001* is reserved" in card.text
    assert desk.said() == [message]
    [direct] = desk.said(DIRECT)
    assert "*A-001* is reserved" in direct.text


async def test_whatever_is_drawn_late_says_what_is_true_by_then(desk: Desk) -> None:
    await desk.asked()
    await desk.office.outbox.pending()
    async with at_work(desk.send):
        await desk.all_sent()
    await desk.approved()
    await desk.office.reservations.settle("d0", Outcome("done"), desk.office.clock(), [])
    async with at_work(desk.send):
        await desk.all_sent()
    [message] = desk.said()
    texts = [call.arguments["text"] for call in desk.slack.called("chat.update")]
    assert len(texts) == 2
    assert all("is reserved" in text for text in texts)
    assert "is reserved" in message.text
    assert len(desk.said(DIRECT)) == 1


async def test_a_newer_truth_is_drawn_over_an_older_one_that_slack_took_later(
    desk: Desk, another_process: Send
) -> None:
    """Another process draws the end while this one's "reserving…" is still on its way."""
    await desk.asked()
    async with at_work(desk.send):
        await desk.all_sent()
        [message] = desk.said()
        held = desk.slack.faults.hold("chat.update")
        await desk.approved()
        await held.reached.wait()
        async with at_work(another_process):
            await desk.office.reservations.settle("d0", Outcome("done"), desk.office.clock(), [])
            await desk.slack.until(lambda: "is reserved" in message.text)
            held.release()
            await desk.all_sent()
    drawn = ["is reserved" in call.arguments["text"] for call in desk.slack.called("chat.update")]
    assert drawn == [True, False, True]
    assert "is reserved" in message.text


async def test_a_correction_waits_for_the_message_that_another_process_is_posting(
    desk: Desk, another_process: Send
) -> None:
    held = desk.slack.faults.hold("chat.postMessage")
    await desk.asked()
    async with at_work(desk.send):
        await held.reached.wait()
        await desk.office.reservations.cancel("d0", FIONA, desk.office.clock())
        async with at_work(another_process):
            await asyncio.sleep(0.1)
        held.release()
        [message] = await desk.slack.until(desk.said)
        assert buttons(message) == ["Approve", "Decline", "Open in Backoffice"]
        desk.office.clock.pass_by(timedelta(seconds=3))
        await desk.all_sent()
    assert "Cancelled" in message.text
    assert buttons(message) == ["Open in Backoffice"]


async def test_what_is_over_before_it_could_be_posted_is_never_posted(desk: Desk) -> None:
    desk.slack.faults.status(500, "chat.postMessage")
    await desk.asked()
    async with at_work(desk.send):
        await desk.slack.until(lambda: desk.slack.called("chat.postMessage"))
        await desk.office.reservations.cancel("d0", FIONA, desk.office.clock())
        desk.office.clock.pass_by(timedelta(seconds=3))
        await desk.all_sent()
    assert desk.said() == []
    assert desk.slack.called("chat.update") == []


async def test_a_request_that_slack_refuses_for_good_ends_and_the_asker_is_told(desk: Desk) -> None:
    desk.slack.faults.error("channel_not_found", "chat.postMessage")
    card, response_url = desk.card()
    await desk.asked(response_url=response_url)
    async with at_work(desk.send):
        await desk.slack.until(lambda: desk.said(DIRECT))
        desk.office.clock.pass_by(timedelta(seconds=3))
        await desk.all_sent()
    assert desk.slack.called("chat.update") == []
    [direct] = desk.said(DIRECT)
    for told in (direct, card):
        assert f"did not let Unitbot ask in <#{ASKED_IN}>" in told.text
        assert buttons(told) == ["Open in Backoffice"]
    assert (await desk.office.record())[-1] == (FIONA, "reserve", "expired")
    [given_up] = await desk.office.outbox.given_up(desk.office.clock() - timedelta(minutes=1))
    assert (given_up.channel_id, given_up.error) == (ASKED_IN, "channel_not_found")


async def test_a_message_that_somebody_deleted_is_given_up(desk: Desk) -> None:
    await desk.asked()
    async with at_work(desk.send):
        await desk.all_sent()
        desk.said()[0].deleted = True
        await desk.approvals.decline("d0", OMAR, desk.office.clock(), "")
        await desk.all_sent()
    [given_up] = await desk.office.outbox.given_up(desk.office.clock() - SECOND)
    assert given_up.error == "message_not_found"


async def test_a_request_says_so_while_its_unit_is_somebody_else_s(desk: Desk) -> None:
    card, response_url = desk.card()
    await desk.asked(response_url=response_url)
    unit = desk.office.directory.unit(desk.office.unit_ids[0])
    assert unit
    async with at_work(desk.send):
        await desk.all_sent()
        [message] = desk.said()
        for status in ("reserved", "available"):
            at = desk.office.clock.at = desk.office.clock() + timedelta(minutes=1)
            changed = replace(unit, status=status, updated_at=at)
            await desk.office.follower.keeper.keep([Seen(changed, at)])
            desk.office.something_owed.set()
            await desk.all_sent()
            for told in (message, card):
                assert ("shows this unit as *Reserved* now" in told.text) == (status == "reserved")
    assert buttons(message) == ["Approve", "Decline", "Open in Backoffice"]
    assert buttons(card) == ["Cancel"]
    assert desk.said(DIRECT) == []


async def test_an_old_card_is_left_alone(desk: Desk) -> None:
    card, response_url = desk.card()
    await desk.asked(response_url=response_url)
    desk.office.clock.pass_by(CARD_LIVES)
    await desk.approvals.decline("d0", OMAR, desk.office.clock(), "")
    async with at_work(desk.send):
        await desk.all_sent()
    assert card.text == "waiting"
    assert desk.slack.called("response_url") == []
    assert "Declined" in desk.said(DIRECT)[0].text


async def test_a_card_that_slack_is_slow_about_holds_up_nobody(desk: Desk) -> None:
    impatient = replace(desk.requests, card_shown=0.05)
    _, response_url = desk.card()
    await desk.asked(response_url=response_url)
    desk.slack.faults.hold("response_url")
    await desk.approvals.decline("d0", OMAR, desk.office.clock(), "")
    async with at_work(replace(desk.send, ways={"request": impatient.draw, "answer": impatient.answer})):
        await desk.all_sent()
    assert len(desk.said(DIRECT)) == 1
    desk.slack.faults.clear()


async def test_what_nobody_answered_in_a_day_ends_by_itself(desk: Desk) -> None:
    await desk.asked()
    async with at_work(desk.send, desk.requests):
        await desk.all_sent()
        desk.office.clock.pass_by(GOOD_FOR - SECOND)
        await asyncio.sleep(0.05)
        assert buttons(desk.said()[0]) == ["Approve", "Decline", "Open in Backoffice"]
        desk.office.clock.pass_by(SECOND)
        [message] = desk.said()
        await desk.slack.until(lambda: "Nobody answered within 24 hours" in message.text)
        await desk.all_sent()
        await asyncio.sleep(0.05)
    assert buttons(message) == ["Open in Backoffice"]
    assert len(desk.said(DIRECT)) == 1
    assert (await desk.office.record())[-1] == (FIONA, "reserve", "expired")


@locked_for_a_while
async def test_a_database_that_is_locked_for_a_while_ends_nothing_and_not_the_job(desk: Desk) -> None:
    await desk.asked()
    desk.office.clock.pass_by(GOOD_FOR)
    with capture_logs() as logs:
        async with desk.office.locked(), at_work(desk.requests):
            await asyncio.sleep(0.3)
        assert "old requests not looked for" in [entry["event"] for entry in logs]
    async with at_work(desk.requests):

        async def expired() -> bool:
            request = await desk.approvals.get("d0")
            return request is not None and request.answer == "expired"

        await until(expired)
