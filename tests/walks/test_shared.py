"""A list or a card in a channel stays true: it is drawn again when Stora says that a unit in it has changed."""

from datetime import UTC, datetime

import pytest

from bot.demo import Demo
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.reaction import Reaction
from tests.walks.conftest import Town

FIONA = "U0FIONA"
DESK, OURS = "C0FRONT", "C0RESERVE"
"""A channel without the bot, and one with it."""
UPDATE = "chat.update"


def the_message(at_work: Demo, reaction: Reaction) -> Message:
    [message] = [each for each in reaction.messages if each.user == at_work.slack.workspace.bot_user_id]
    return message


def references(message: Message) -> list[str]:
    """The references in its rows."""
    rows = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    return [row.split("*")[1] for row in rows]


def first_unit(message: Message) -> str:
    """The first reference that nobody wants to harm us with."""
    return next(reference for reference in references(message) if "&" not in reference)


async def taken(at_work: Demo, reference: str) -> None:
    """Somebody takes the unit out of use in the Backoffice, and the bot hears of it."""
    unit = at_work.stora.world.unit_named(reference, "Bristol Harbourside")
    at_work.stora.world.set_status(unit["id"], "unavailable", datetime.now(UTC))
    await at_work.bot.directory.ask_unit(unit["id"])


async def test_a_shared_list_is_drawn_again_once_for_several_changes(town: Town) -> None:
    at_work = await town()
    reaction = await at_work.slack.command(FIONA, OURS, "/units site=Bristol status=available share limit=3")
    message = the_message(at_work, reaction)
    assert message.ephemeral_to is None
    before = references(message)
    await taken(at_work, before[0])
    await taken(at_work, before[2])
    await at_work.slack.until(lambda: at_work.slack.called(UPDATE), seconds=8)
    after = references(message)
    assert after[0] == before[1]
    assert len(after) == 3
    assert len(at_work.slack.called(UPDATE)) == 1
    assert message.edited == 1
    assert len(at_work.slack.called("chat.postMessage")) == 1


async def test_a_shared_list_stays_on_the_page_to_which_it_was_turned(town: Town) -> None:
    at_work = await town()
    reaction = await at_work.slack.command(FIONA, OURS, "/units site=Bristol status=available share limit=3")
    message = the_message(at_work, reaction)
    await at_work.slack.click(FIONA, message, label="Next")
    await at_work.slack.until(lambda: "page 2" in message.text)
    second_page = message.text
    await taken(at_work, first_unit(message))
    await at_work.slack.until(lambda: at_work.slack.called(UPDATE), seconds=8)
    assert "page 2" in message.text
    assert message.text != second_page


async def test_a_shared_card_shows_what_its_unit_has_become(town: Town) -> None:
    at_work = await town()
    unit = next(each for each in at_work.stora.world.units.values() if each["status"] == "available")
    reaction = await at_work.slack.command(FIONA, OURS, f"/units {unit['id']} share")
    message = the_message(at_work, reaction)
    assert "Available" in message.text
    at_work.stora.world.set_status(unit["id"], "overlock", datetime.now(UTC))
    await at_work.bot.directory.ask_unit(unit["id"])
    await at_work.slack.until(lambda: "Overlocked" in message.text, seconds=8)


@pytest.mark.parametrize(
    ("word", "calls"), [("message_not_found", 1), ("internal_error", 2)], ids=["deleted", "Slack's own trouble"]
)
async def test_a_message_that_slack_will_not_change_is_left_alone_and_one_that_it_will_is_changed_later(
    town: Town, word: str, calls: int
) -> None:
    at_work = await town()
    at_work.slack.faults.error(word, UPDATE)
    reaction = await at_work.slack.command(FIONA, OURS, "/units site=Bristol status=available share limit=4")
    first = first_unit(the_message(at_work, reaction))
    await taken(at_work, first)
    await at_work.slack.until(lambda: len(at_work.slack.called(UPDATE)) == calls, seconds=12)
    if calls == 1:
        await taken(at_work, first)
        with pytest.raises(TimeoutError):
            await at_work.slack.until(lambda: len(at_work.slack.called(UPDATE)) > 1, seconds=5)
    else:
        assert first_unit(the_message(at_work, reaction)) != first


async def test_where_the_bot_is_not_in_the_channel_the_answer_is_for_everybody_all_the_same(town: Town) -> None:
    at_work = await town()
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Bristol share limit=4")
    message = the_message(at_work, reaction)
    assert (message.channel, message.ephemeral_to) == (DESK, None)
