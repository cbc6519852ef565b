"""Somebody who may not reserve asks, somebody else decides: from a signed request to what Slack and Stora received."""

import asyncio
import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.problems import NotFound
from bot.demo import Demo, demo
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.reaction import Reaction
from tests.walks.conftest import Town, a_slack, a_stora, locked
from tests.walks.test_reserve import (
    OMAR,
    Pair,
    announcements,
    appeared,
    posts,
    recorded,
    says,
)
from tests.walks.test_units import DESK, FIONA, GUS, NADIA, answer, everything, labels

ASKED_IN = "C0APPROVE"
ROLES = [
    {"name": "front desk", "can": ["reserve", "release"], "groups": ["S0FRONT"]},
    {"name": "operations", "can": ["approve", "audit"], "groups": ["S0OPS"]},
]
ON: dict[str, Any] = {"approvals_channel": ASKED_IN, "roles": ROLES}


@pytest.fixture(params=["http", "socket mode"])
async def both(town: Town, request: pytest.FixtureRequest) -> Demo:
    return await town(socket_mode=request.param == "socket mode", **ON)


def requests(at_work: Demo) -> list[Message]:
    """What the bot has posted where approvals are asked for."""
    return [each for each in at_work.slack.workspace.messages.get(ASKED_IN, []) if each.user == "U0UNITBOT"]


def told(at_work: Demo, person: str = NADIA) -> list[Message]:
    """What the bot has said to somebody directly."""
    channel = at_work.slack.workspace.direct_message(person).id
    return [each for each in at_work.slack.workspace.messages.get(channel, []) if each.user == "U0UNITBOT"]


def whispers(at_work: Demo, person: str, channel: str = ASKED_IN) -> list[str]:
    return [each.text for each in at_work.slack.workspace.visible_to(person, channel) if each.ephemeral_to == person]


async def asking_card(at_work: Demo, pair: Pair, person: str = NADIA) -> Message:
    reaction = await at_work.slack.command(person, DESK, pair.by_ids)
    assert reaction.ok
    return await appeared(at_work, reaction, "Ask for approval")


async def press(at_work: Demo, person: str, message: Message, label: str) -> Reaction:
    pressed = await at_work.slack.click(person, message, label=label)
    assert pressed.ok
    return pressed


async def asked(at_work: Demo, pair: Pair, person: str = NADIA) -> tuple[Message, Message]:
    """The asker's card and the request, once it has been asked for."""
    card = await asking_card(at_work, pair, person)
    before = len(requests(at_work))
    await press(at_work, person, card, "Ask for approval")
    await at_work.slack.until(lambda: len(requests(at_work)) > before, seconds=6)
    await says(at_work, card, "waiting for an answer")
    return card, requests(at_work)[-1]


async def in_the_database(at_work: Demo, statement: str, *values: object) -> None:
    async with locked(Path(at_work.database_url.partition("///")[2])) as connection:
        assert connection.execute(statement, values).rowcount


async def test_asked_approved_reserved_and_everybody_knows(both: Demo) -> None:
    pair = Pair(both)
    card = await asking_card(both, pair)
    assert card.ephemeral_to == NADIA
    assert labels(card) == ["Ask for approval", "Cancel"]
    for shown in (pair.unit["reference_id"], pair.contact["full_name"], "Moves in", "`reserve`", "*front desk*"):
        assert shown in card.text
    card, request = await asked(both, pair)
    assert labels(card) == ["Cancel"]
    assert labels(request) == ["Approve", "Decline", "Open in Backoffice"]
    shows = (pair.unit["reference_id"], "Camden", pair.contact["full_name"], "£", "Moves in", pair.tenancy["id"])
    for shown in (*shows, f"<@{NADIA}>"):
        assert shown in request.text
    assert posts(both) == []
    thinking = both.stora.faults.hold(method="POST")
    pressed = await press(both, OMAR, request, "Approve")
    assert pressed.confirm is not None
    await says(both, request, f"Approved by <@{OMAR}>: reserving")
    assert labels(request) == ["Open in Backoffice"]
    thinking.set()
    await says(both, request, f"Approved by <@{OMAR}>: *{pair.unit['reference_id']}* is reserved for")
    await says(both, card, "is reserved for")
    [direct] = await both.slack.until(lambda: told(both), seconds=6)
    assert f"Approved by <@{OMAR}>" in direct.text
    assert labels(direct) == ["Open in Backoffice"]
    [post] = posts(both)
    assert post.body == {"tenancy_id": pair.tenancy["id"]}
    assert both.stora.world.units[pair.unit["id"]]["status"] == "reserved"
    [announced] = await both.slack.until(lambda: announcements(both), seconds=6)
    assert pair.unit["reference_id"] in announced.text
    assert f"By <@{OMAR}>, asked for by <@{NADIA}>" in announced.text
    record = await recorded(both)
    for result in ("asked", "asked for approval", "approved", "done", "role operations", "no role that may reserve"):
        assert result in record
    assert told(both, OMAR) == []  # who has seen it happen is not told of it


async def test_the_button_in_a_list_and_the_dialog_lead_to_the_same_card(town: Town) -> None:
    at_work = await town(**ON)
    pair = Pair(at_work)
    listed = answer(await at_work.slack.command(NADIA, DESK, f"/units site=Camden q={pair.unit['reference_id']}"))
    pressed = await press(at_work, NADIA, listed, "Reserve")
    view = (await at_work.slack.until(lambda: pressed.views))[0]
    offered = await at_work.slack.suggest(NADIA, view, "pick_tenancy", pair.contact["full_name"])
    assert pair.tenancy["id"] in [option["value"] for option in offered.options]
    sent = await at_work.slack.submit(NADIA, view, {"pick_tenancy": pair.tenancy["id"]})
    card = await appeared(at_work, sent, "Ask for approval")
    await press(at_work, NADIA, card, "Ask for approval")
    await at_work.slack.until(lambda: requests(at_work))


async def test_help_says_to_each_what_approvals_mean_for_them(town: Town) -> None:
    at_work = await town(**ON)
    for person, said in ((NADIA, "You may not reserve yourself"), (OMAR, "`Approve` or `Decline`")):
        assert said in answer(await at_work.slack.command(person, DESK, "/unitbot help")).text
    assert "approv" not in answer(await at_work.slack.command(FIONA, DESK, "/unitbot help")).text.casefold()


async def test_who_may_reserve_confirms_as_ever_where_approvals_are_on(town: Town) -> None:
    at_work = await town(**ON)
    card = await appeared(
        at_work, await at_work.slack.command(FIONA, DESK, Pair(at_work).by_ids), "Confirm reservation"
    )
    assert "Ask for approval" not in labels(card)


async def test_where_approvals_are_off_a_refusal_stays_a_refusal(town: Town) -> None:
    at_work = await town(roles=ROLES)
    pair = Pair(at_work)
    refusal = answer(await at_work.slack.command(NADIA, DESK, pair.by_ids))
    assert "`reserve`" in refusal.text
    assert labels(refusal) == []
    listed = answer(await at_work.slack.command(NADIA, DESK, "/units site=Camden"))
    assert "Reserve" not in everything(listed).replace("Reserved", "")
    assert at_work.stora.received == []


async def test_a_guest_can_ask_for_nothing(town: Town) -> None:
    at_work = await town(**ON)
    refusal = answer(await at_work.slack.command(GUS, DESK, Pair(at_work).by_ids))
    assert "guest" in refusal.text
    card = await asking_card(at_work, Pair(at_work))
    stolen = copy.deepcopy(card)
    stolen.ephemeral_to = None
    await at_work.slack.click(GUS, stolen, label="Ask for approval")
    await at_work.slack.until(lambda: [said for said in whispers(at_work, GUS, DESK) if "guest" in said])
    assert requests(at_work) == []


async def test_nobody_asks_with_the_card_of_another(town: Town) -> None:
    at_work = await town(**ON)
    card = await asking_card(at_work, Pair(at_work))
    stolen = copy.deepcopy(card)
    stolen.ephemeral_to = None
    await press(at_work, OMAR, stolen, "Ask for approval")
    await at_work.slack.until(lambda: whispers(at_work, OMAR, DESK))
    assert requests(at_work) == []


@pytest.mark.parametrize("clicks", [2, 10])
async def test_however_often_it_is_asked_for_one_request_is_posted(town: Town, clicks: int) -> None:
    at_work = await town(**ON)
    card = await asking_card(at_work, Pair(at_work))
    copies = [copy.deepcopy(card) for _ in range(clicks)]
    pressed = await asyncio.gather(*(at_work.slack.click(NADIA, each, label="Ask for approval") for each in copies))
    assert all(each.ok for each in pressed)
    await at_work.slack.redeliver(pressed[0])
    await at_work.slack.until(lambda: requests(at_work))
    await says(at_work, card, "waiting for an answer")
    await asyncio.sleep(0.3)
    assert len(requests(at_work)) == 1


async def test_twenty_approvals_at_once_are_one_reservation(both: Demo) -> None:
    card, request = await asked(both, Pair(both))
    both.stora.faults.slow(0.2, method="POST")
    copies = [copy.deepcopy(request) for _ in range(20)]
    pressed = await asyncio.gather(*(both.slack.click(OMAR, each, label="Approve") for each in copies))
    assert all(each.ok for each in pressed)
    await says(both, request, "is reserved for")
    await both.slack.until(lambda: announcements(both) and told(both), seconds=6)
    await asyncio.sleep(0.3)
    assert len(posts(both)) == 1
    assert len(announcements(both)) == len(told(both)) == 1
    assert [said for said in whispers(both, OMAR) if f"Approved by <@{OMAR}>" in said]
    assert "is reserved for" in request.text
    assert "is reserved for" in card.text


async def test_of_two_approvers_at_once_one_approves_and_the_other_is_told(town: Town) -> None:
    roles = [*ROLES, {"name": "second", "can": ["approve"], "users": [FIONA]}]
    at_work = await town(**{**ON, "roles": roles})
    _, request = await asked(at_work, Pair(at_work))
    copies = [(person, copy.deepcopy(request)) for person in (OMAR, FIONA)]
    await asyncio.gather(*(at_work.slack.click(person, each, label="Approve") for person, each in copies))
    await says(at_work, request, "is reserved for")
    said = await at_work.slack.until(lambda: whispers(at_work, OMAR) + whispers(at_work, FIONA), seconds=6)
    assert len(said) == 1
    assert "Approved by" in said[0]
    assert len(posts(at_work)) == 1


@pytest.mark.parametrize("times", range(3))
async def test_approved_or_declined_but_never_both(town: Town, times: int) -> None:
    at_work = await town(**ON)
    card, request = await asked(at_work, Pair(at_work, times))
    copies = [copy.deepcopy(request) for _ in range(2)]
    await asyncio.gather(
        at_work.slack.click(OMAR, copies[0], label="Approve"),
        at_work.slack.click(OMAR, copies[1], label="Decline"),
    )
    await at_work.slack.until(lambda: told(at_work), seconds=6)
    declined = "Declined by" in told(at_work)[0].text
    await says(at_work, request, "Declined by" if declined else "is reserved for")
    await says(at_work, card, "Declined by" if declined else "is reserved for")
    assert len(posts(at_work)) == (0 if declined else 1)
    assert len(told(at_work)) == 1


async def test_declined_nothing_is_sent_and_the_asker_is_told(town: Town) -> None:
    at_work = await town(**ON)
    card, request = await asked(at_work, Pair(at_work))
    still_shown = copy.deepcopy(request)
    await press(at_work, OMAR, request, "Decline")
    await says(at_work, request, f"Declined by <@{OMAR}>")
    assert labels(request) == ["Open in Backoffice"]
    await says(at_work, card, f"Declined by <@{OMAR}>")
    [direct] = await at_work.slack.until(lambda: told(at_work), seconds=6)
    assert "Declined" in direct.text
    await press(at_work, OMAR, still_shown, "Approve")
    await at_work.slack.until(lambda: whispers(at_work, OMAR))
    assert "Declined" in whispers(at_work, OMAR)[0]
    await press(at_work, OMAR, still_shown, "Decline")
    await at_work.slack.until(lambda: len(whispers(at_work, OMAR)) == 2)
    assert posts(at_work) == []
    assert "declined" in await recorded(at_work)


async def test_whoever_may_not_approve_is_told_who_may_and_stora_is_not_asked(town: Town) -> None:
    at_work = await town(**ON)
    _, request = await asked(at_work, Pair(at_work))
    at_work.stora.received.clear()
    for label in ("Approve", "Decline"):
        await press(at_work, FIONA, request, label)
    said = await at_work.slack.until(lambda: whispers(at_work, FIONA)[1:] and whispers(at_work, FIONA))
    assert all("`approve`" in each and "*operations*" in each for each in said)
    assert labels(request) == ["Approve", "Decline", "Open in Backoffice"]
    assert at_work.stora.received == []
    assert "approve` *denied*" in await recorded(at_work)


async def test_an_approver_for_another_site_is_refused(town: Town) -> None:
    stora = a_stora()
    hackney = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Hackney Wick")
    roles = [{"name": "hackney", "can": ["approve"], "users": [OMAR], "sites": [hackney]}]
    at_work = await town(stora=stora, approvals_channel=ASKED_IN, roles=roles)
    _, request = await asked(at_work, Pair(at_work))
    await press(at_work, OMAR, request, "Approve")
    said = await at_work.slack.until(lambda: whispers(at_work, OMAR))
    assert "for this site" in said[0]
    assert posts(at_work) == []


async def test_nobody_approves_their_own_request_without_the_permission_to_reserve(town: Town) -> None:
    at_work = await town(**ON)
    _, request = await asked(at_work, Pair(at_work), OMAR)
    await press(at_work, OMAR, request, "Approve")
    said = await at_work.slack.until(lambda: whispers(at_work, OMAR))
    assert "You asked for this yourself" in said[0]
    assert "`reserve`" in said[0]
    assert "*front desk*" in said[0]
    assert posts(at_work) == []
    at_work.slack.workspace.group("S0FRONT").members.append(OMAR)
    await at_work.slack.event("subteam_members_changed", subteam_id="S0FRONT", team_id="T0HARBOUR")
    await asyncio.sleep(0.05)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "is reserved for")


async def test_the_asker_can_take_it_back(town: Town) -> None:
    at_work = await town(**ON)
    card, request = await asked(at_work, Pair(at_work))
    still_shown = copy.deepcopy(request)
    await press(at_work, NADIA, card, "Cancel")
    await says(at_work, card, "Cancelled")
    await says(at_work, request, f"Cancelled by <@{NADIA}>")
    await press(at_work, OMAR, still_shown, "Approve")
    await at_work.slack.until(lambda: [said for said in whispers(at_work, OMAR) if "Cancelled" in said])
    assert posts(at_work) == []
    assert told(at_work) == []


async def test_cancel_after_a_no_says_no(town: Town) -> None:
    at_work = await town(**ON)
    card, request = await asked(at_work, Pair(at_work))
    still_shown = copy.deepcopy(card)
    await press(at_work, OMAR, request, "Decline")
    await says(at_work, card, f"Declined by <@{OMAR}>")
    updates = len(at_work.slack.called("response_url"))
    await press(at_work, NADIA, still_shown, "Cancel")
    await at_work.slack.until(lambda: len(at_work.slack.called("response_url")) > updates)
    assert f"Declined by <@{OMAR}>" in card.text
    assert "Cancelled" not in card.text


async def test_release_is_for_who_may_use_it_whoever_approved(town: Town) -> None:
    roles = [
        {"name": "front desk", "can": ["reserve"], "groups": ["S0FRONT"]},
        {"name": "operations", "can": ["approve", "release"], "groups": ["S0OPS"]},
    ]
    at_work = await town(**{**ON, "roles": roles})
    card, request = await asked(at_work, Pair(at_work))
    still_shown = copy.deepcopy(card)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, card, "is reserved for")
    updates = len(at_work.slack.called("response_url"))
    await press(at_work, NADIA, still_shown, "Cancel")
    await at_work.slack.until(lambda: len(at_work.slack.called("response_url")) > updates)
    assert "is reserved for" in card.text
    assert "Release" not in labels(card)


async def test_everybody_who_waits_sees_that_the_unit_is_taken_elsewhere(town: Town) -> None:
    at_work = await town(**ON)
    pair = Pair(at_work)
    card, request = await asked(at_work, pair)
    at_work.stora.world.reserve(pair.unit["id"], Pair(at_work, 1).tenancy["id"], datetime.now(UTC))
    await at_work.bot.directory.ask_unit(pair.unit["id"])
    for message in (request, card):
        await says(at_work, message, "No longer available: Stora shows this unit as *Reserved* now.")
    assert told(at_work) == []
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "No longer possible")


async def test_a_request_that_cannot_be_posted_is_not_waited_for(town: Town) -> None:
    at_work = await town(**{**ON, "approvals_channel": "C0NOWHERE"})
    card = await asking_card(at_work, Pair(at_work))
    await press(at_work, NADIA, card, "Ask for approval")
    [direct] = await at_work.slack.until(lambda: told(at_work), seconds=6)
    for message in (card, direct):
        await says(at_work, message, "did not let Unitbot ask in <#C0NOWHERE>")
    assert "Cancel" not in labels(card)


async def test_a_card_that_was_cancelled_asks_for_nothing(town: Town) -> None:
    at_work = await town(**ON)
    card = await asking_card(at_work, Pair(at_work))
    still_shown = copy.deepcopy(card)
    await press(at_work, NADIA, card, "Cancel")
    await says(at_work, card, "Cancelled")
    await press(at_work, NADIA, still_shown, "Ask for approval")
    await at_work.slack.until(lambda: [said for said in whispers(at_work, NADIA, DESK) if "fresh buttons" in said])
    assert requests(at_work) == []


async def test_a_unit_that_is_gone_meanwhile_is_said_to_be_so(town: Town) -> None:
    at_work = await town(**ON)
    pair = Pair(at_work)
    card, request = await asked(at_work, pair)
    at_work.stora.world.reserve(pair.unit["id"], Pair(at_work, 1).tenancy["id"], datetime.now(UTC))
    await at_work.bot.directory.ask_unit(pair.unit["id"])
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "No longer possible")
    assert "*Reserved*" in request.text
    await says(at_work, card, "No longer possible")
    [direct] = await at_work.slack.until(lambda: told(at_work), seconds=6)
    assert "No longer possible" in direct.text
    assert [said for said in whispers(at_work, OMAR) if "*Reserved*" in said]
    assert posts(at_work) == []
    assert "expired" in await recorded(at_work)


async def test_a_unit_that_only_looked_taken_is_reserved(town: Town) -> None:
    """What we know may be a quarter of an hour old, and Stora is asked before anybody hears that it is too late."""
    at_work = await town(**ON)
    pair, other = Pair(at_work), Pair(at_work, 1)
    _, request = await asked(at_work, pair)
    world, now = at_work.stora.world, datetime.now(UTC)
    world.reserve(pair.unit["id"], other.tenancy["id"], now)
    await at_work.bot.directory.ask_unit(pair.unit["id"])
    world.release(pair.unit["id"], now + timedelta(seconds=1))
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "is reserved for")


async def test_where_stora_does_not_say_whether_a_unit_is_taken_it_decides_at_the_write(town: Town) -> None:
    at_work = await town(**ON)
    pair, world, now = Pair(at_work), at_work.stora.world, datetime.now(UTC)
    _, request = await asked(at_work, pair)
    world.reserve(pair.unit["id"], Pair(at_work, 1).tenancy["id"], now)
    await at_work.bot.directory.ask_unit(pair.unit["id"])
    world.release(pair.unit["id"], now + timedelta(seconds=1))
    at_work.stora.faults.status(503, method="GET", times=None)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "is reserved for", seconds=15)


async def test_a_unit_that_is_no_more_can_be_asked_for_but_not_approved(town: Town) -> None:
    at_work = await town(**ON)
    pair = Pair(at_work)
    card = await asking_card(at_work, pair)
    del at_work.stora.world.units[pair.unit["id"]]
    with pytest.raises(NotFound):
        await at_work.bot.directory.ask_unit(pair.unit["id"])
    await press(at_work, NADIA, card, "Ask for approval")
    [request] = await at_work.slack.until(lambda: requests(at_work), seconds=6)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "no such unit any more")
    assert posts(at_work) == []


async def test_what_the_card_warns_of_the_request_warns_of_too(town: Town) -> None:
    at_work = await town(**ON)
    pair, elsewhere = Pair(at_work), Pair(at_work, site="Hackney Wick")
    pair.tenancy = elsewhere.tenancy
    card = await asking_card(at_work, pair)
    assert ":warning: The tenancy is at another site: *Hackney Wick*." in card.text
    await press(at_work, NADIA, card, "Ask for approval")
    [request] = await at_work.slack.until(lambda: requests(at_work), seconds=6)
    assert ":warning: The tenancy is at another site: *Hackney Wick*." in everything(request)


async def test_storas_refusal_is_shown_in_its_own_words(town: Town) -> None:
    at_work = await town(**ON)
    pair = Pair(at_work)
    card, request = await asked(at_work, pair)
    at_work.stora.world.reserve(pair.unit["id"], Pair(at_work, 1).tenancy["id"], datetime.now(UTC))  # nobody knows
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "was not reserved")
    await says(at_work, card, "was not reserved")
    [direct] = await at_work.slack.until(lambda: told(at_work), seconds=6)
    [post] = posts(at_work)
    for message in (request, card, direct):
        assert f"Approved by <@{OMAR}>, but" in message.text
        assert "Stora refused: “" in message.text
        assert "request id" in message.text
    assert post.status == 409
    assert announcements(at_work) == []


async def test_an_old_request_can_no_longer_be_approved(town: Town) -> None:
    at_work = await town(**ON)
    _, request = await asked(at_work, Pair(at_work))
    long_ago = (datetime.now(UTC) - timedelta(hours=24)).replace(tzinfo=None).isoformat(sep=" ")
    await in_the_database(at_work, "UPDATE approvals SET asked_at = ?", long_ago)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "Nobody answered within 24 hours")
    assert [said for said in whispers(at_work, OMAR) if "24 hours" in said]
    await at_work.slack.until(lambda: told(at_work), seconds=6)
    assert posts(at_work) == []


async def test_a_lost_answer_is_not_called_a_failure_and_is_found_out(town: Town) -> None:
    at_work = await town(**ON)
    card, request = await asked(at_work, Pair(at_work))
    at_work.stora.faults.drop_after(method="POST", times=None)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "it is not known whether", seconds=20)
    assert "was not reserved" not in request.text
    await says(at_work, card, "it is not known whether")
    assert told(at_work) == []
    at_work.stora.faults.clear()
    await says(at_work, request, "is reserved for", seconds=20)
    await at_work.slack.until(lambda: told(at_work) and announcements(at_work), seconds=6)
    assert len({each.headers["Idempotency-Key"] for each in posts(at_work)}) == 1
    assert len(announcements(at_work)) == len(told(at_work)) == 1


async def test_a_request_that_slack_does_not_take_is_posted_later(town: Town) -> None:
    at_work = await town(**ON)
    at_work.slack.faults.rate_limit("chat.postMessage", seconds=1)
    card, request = await asked(at_work, Pair(at_work))
    at_work.slack.faults.rate_limit("chat.update", seconds=1)
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "is reserved for")
    assert len(requests(at_work)) == 1
    await says(at_work, card, "is reserved for")


async def test_what_was_taken_back_before_it_could_be_posted_is_never_posted(town: Town) -> None:
    at_work = await town(**ON)
    at_work.slack.faults.rate_limit("chat.postMessage", seconds=2)
    card = await asking_card(at_work, Pair(at_work))
    await press(at_work, NADIA, card, "Ask for approval")
    await says(at_work, card, "waiting for an answer")
    await press(at_work, NADIA, card, "Cancel")
    await says(at_work, card, "Cancelled")
    await asyncio.sleep(3.5)
    assert requests(at_work) == []


FORGED: dict[str, Any] = {"nonsense": "nonsense", "empty": "", "no value": None, "json": '{"unit_id": "unit_1"}'}


@pytest.mark.parametrize("value", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("label", ["Ask for approval", "Approve", "Decline"])
async def test_a_value_that_is_not_ours_is_declined_politely(town: Town, label: str, value: str | None) -> None:
    at_work = await town(**ON)
    if label == "Ask for approval":
        person, shown = NADIA, copy.deepcopy(await asking_card(at_work, Pair(at_work)))
    else:
        _, request = await asked(at_work, Pair(at_work))
        person, shown = OMAR, copy.deepcopy(request)
    for block in shown.blocks:
        for element in block.get("elements", ()):
            if element.get("type") == "button" and "value" in element:
                element["value"] = value
                if value is None:
                    del element["value"]
    pressed = await press(at_work, person, shown, label)
    replies = await at_work.slack.until(lambda: [each for each in pressed.messages if "fresh buttons" in each.text])
    assert replies[0].ephemeral_to == person
    assert posts(at_work) == []


async def test_a_card_that_nobody_asked_about_cannot_be_approved(town: Town) -> None:
    at_work = await town(**ON)
    card = copy.deepcopy(await asking_card(at_work, Pair(at_work)))
    for element in card.blocks[-1]["elements"]:
        element["action_id"] = "approval_approve"
    card.ephemeral_to = None
    pressed = await press(at_work, OMAR, card, "Ask for approval")
    await at_work.slack.until(lambda: [each for each in pressed.messages if "fresh buttons" in each.text])
    assert posts(at_work) == []


@pytest.mark.parametrize("label", ["Ask for approval", "Approve"])
async def test_buttons_from_before_approvals_were_switched_off_do_nothing(label: str, tmp_path: Path) -> None:
    slack, stora = a_slack(), a_stora()
    chosen: dict[str, Any] = {
        "slack": slack,
        "stora": stora,
        "roles": ROLES,
        "database_url": f"sqlite+aiosqlite:///{tmp_path}/kept.db",
    }
    async with demo(**chosen, approvals_channel=ASKED_IN) as before:
        await asyncio.gather(before.bot.directory.sweep(), before.bot.tenancies.refresh())
        person, shown = NADIA, await asking_card(before, Pair(before))
        if label == "Approve":
            await press(before, NADIA, shown, "Ask for approval")
            person, shown = OMAR, (await slack.until(lambda: requests(before), seconds=6))[0]
    async with demo(**chosen) as after:
        pressed = await press(after, person, shown, label)
        await slack.until(lambda: [each for each in pressed.messages if "switched off" in each.text])
        assert posts(after) == []
    assert slack.problems == []
