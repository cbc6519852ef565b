"""The bot killed while somebody asks, approves or declines, and started again on the same database."""

import asyncio
import copy
from collections.abc import Awaitable, Callable

import pytest

from bot.sandbox.slack.nouns import Message
from tests.walks.test_reserve_kills import (
    DRAWING,
    RESERVE,
    Process,
    Site,
    after_storas_answer_was_lost,
    eventually,
    killed,
    site,
)
from tests.walks.test_units import DESK, NADIA, labels

__all__ = ["site"]  # the fixture
OMAR, ASKED_IN = "U0OMAR", "C0APPROVE"


@pytest.fixture(autouse=True)
def approvals_are_on(site: Site) -> None:
    site.environment["APPROVALS_CHANNEL"] = ASKED_IN


async def asking_card(at: Site) -> Message:
    reaction = await at.slack.command(NADIA, DESK, f"/reserve {at.unit['id']} {at.tenancy['id']}")
    cards = await at.slack.until(
        lambda: [each for each in reaction.messages if "Ask for approval" in labels(each)], DRAWING
    )
    return cards[0]


async def asked(at: Site) -> tuple[Message, Message]:
    card = await asking_card(at)
    await at.slack.click(NADIA, card, label="Ask for approval")
    await at.slack.until(lambda: at.of_the_bot(ASKED_IN) and "waiting" in card.text, DRAWING)
    return card, at.of_the_bot(ASKED_IN)[0]


def told(at: Site) -> list[Message]:
    return at.of_the_bot(at.slack.workspace.direct_message(NADIA).id)


async def nobody_is_told_twice(at: Site, request: Message, card: Message) -> None:
    await at.at_rest()
    await eventually(lambda: not at.rows("SELECT 1 FROM outbox WHERE state <> 'sent'"))
    assert [each for each in at.of_the_bot(ASKED_IN) if not each.ephemeral_to] == [request]
    assert len(told(at)) == 1
    assert labels(request) == labels(told(at)[0]) == labels(card) == ["Open in Backoffice"]


async def test_a_request_that_was_recorded_is_posted_after_the_kill(site: Site) -> None:
    async with site.bot() as bot:
        card = await asking_card(site)
        posting = site.slack.faults.rate_limit("chat.postMessage", seconds=60)
        await site.slack.click(NADIA, card, label="Ask for approval")
        await site.says(card, "waiting for an answer")
        await eventually(lambda: posting.times == 0)
        await killed(bot)
    assert site.of_the_bot(ASKED_IN) == []
    site.change("UPDATE outbox SET not_before = '2026-01-01 00:00:00'")
    async with site.bot():
        [request] = await site.slack.until(lambda: site.of_the_bot(ASKED_IN), seconds=10)
        assert labels(request) == ["Approve", "Decline", "Open in Backoffice"]
        await asyncio.sleep(0.3)
    assert len(site.of_the_bot(ASKED_IN)) == 1


async def between_the_claim_and_the_request(at: Site, bot: Process, request: Message) -> None:
    """Stora never hears of it; what Slack was to be told of the claim waits in the network."""
    before = len(at.posts)
    thinking = at.stora.faults.hold(method="GET")  # nothing in between
    at.stora.faults.drop_before(method="POST", route=RESERVE, times=None)
    await at.slack.click(OMAR, request, label="Approve")
    await eventually(lambda: at.rows("SELECT 1 FROM decisions WHERE state = 'claimed'"))
    await killed(bot)
    thinking.set()
    at.stora.faults.clear()
    assert not at.reserved
    assert len(at.posts) - before <= 1


async def before_stora_acts(at: Site, bot: Process, request: Message) -> None:
    thinking = at.stora.faults.hold(method="POST", route=RESERVE)
    await at.slack.click(OMAR, request, label="Approve")
    await eventually(lambda: at.posts)
    await killed(bot)
    thinking.set()
    await eventually(lambda: at.reserved)


async def after_the_answer_was_lost(at: Site, bot: Process, request: Message) -> None:
    async def press(card: Message, label: str = "Approve") -> None:
        assert (await at.slack.click(OMAR, card, label=label)).ok

    at.press = press  # type: ignore[method-assign]  # who confirms is somebody else here
    await after_storas_answer_was_lost(at, bot, request)


Kill = Callable[[Site, Process, Message], Awaitable[None]]


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(between_the_claim_and_the_request, id="between the claim and the request"),
        pytest.param(before_stora_acts, id="before Stora acts"),
        pytest.param(after_the_answer_was_lost, id="after Stora's answer was lost"),
    ],
)
async def test_what_was_approved_before_the_kill_is_brought_to_its_end_after_it(
    site: Site,
    kill: Kill,
) -> None:
    async with site.bot() as bot:
        card, request = await asked(site)
        still_shown = copy.deepcopy(request)
        await kill(site, bot, request)
    async with site.bot():
        await site.says(request, f"Approved by <@{OMAR}>: *{site.unit['reference_id']}* is reserved for")
        await site.says(card, "is reserved for")
        await site.slack.until(lambda: site.announcements and told(site), seconds=10)
        written = len(site.posts)
        await site.slack.click(OMAR, still_shown, label="Approve")
        await nobody_is_told_twice(site, request, card)
    assert site.reserved
    assert len(site.keys) == 1
    assert len(site.posts) == written
    assert len(site.announcements) == 1
    assert site.record == [("reserve", each) for each in ("asked", "asked for approval", "approved", "done")]


async def test_what_was_declined_before_the_kill_is_told_after_it(site: Site) -> None:
    async with site.bot() as bot:
        card, request = await asked(site)
        held = [site.slack.faults.hold(method, times=None) for method in ("chat.update", "response_url")]
        await site.slack.click(OMAR, request, label="Decline")
        await held[0].reached.wait()
        await killed(bot)
        site.slack.faults.clear()
    async with site.bot():
        await site.says(request, f"Declined by <@{OMAR}>")
        await site.says(card, f"Declined by <@{OMAR}>")
        await site.slack.until(lambda: told(site), seconds=10)
        await nobody_is_told_twice(site, request, card)
    assert site.posts == []
