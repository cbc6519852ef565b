"""What stands in channels stays true, on good days and on bad ones."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.kept import Seen
from bot.core.parse import pack_button
from bot.jobs.redraw import LEASE, Redraw
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.stora.directory import Directory
from bot.stora.keeper import Follower
from bot.store.shown import Shown
from tests.jobs.office import EVERYBODYS, Office, at_work, locked_for_a_while

UPDATE = "chat.update"


@pytest.fixture
def redraw(office: Office, slack: SandboxSlack) -> Redraw:
    """The job, which waits for nothing that it need not wait for."""
    client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])
    shown = Shown(office.engine)
    return Redraw(
        client, shown, office.directory, office.follower, 5, office.clock, every=0.01, apart=0.0, settled=timedelta()
    )


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():
            await asyncio.sleep(0.01)


async def posted(redraw: Redraw, office: Office, slack: SandboxSlack, intent: UnitsQuery | ShowUnit) -> Message:
    """A message of ours in a channel, which shows the first unit."""
    said = await redraw.client.chat_postMessage(channel=EVERYBODYS, text="as it was")
    await redraw.shown.remember(EVERYBODYS, str(said["ts"]), pack_button(intent), [office.unit_ids[0]], office.clock())
    message = slack.workspace.message(EVERYBODYS, str(said["ts"]))
    assert message is not None
    return message


async def changed(office: Office, *, gone: bool = False) -> None:
    """The first unit is no longer what it was; any process may have noticed."""
    office.clock.pass_by(timedelta(seconds=1))
    unit = office.directory.unit(office.unit_ids[0])
    assert unit is not None
    later = replace(unit, status="unavailable", updated_at=office.clock())
    await office.follower.keeper.keep([Seen(later, office.clock(), gone)])


async def due(office: Office, redraw: Redraw) -> int:
    """How many messages would be drawn again once everybody who is at it has had time enough."""
    office.clock.pass_by(LEASE)
    return len(await redraw.shown.claim(office.clock(), timedelta(), timedelta(), 10))


async def test_a_list_and_a_card_are_drawn_as_things_are(office: Office, slack: SandboxSlack, redraw: Redraw) -> None:
    available = UnitsQuery(statuses=("available",), share=True)
    shown = [await posted(redraw, office, slack, available)]
    shown.append(await posted(redraw, office, slack, ShowUnit(unit_id=office.unit_ids[0], share=True)))
    async with at_work(redraw):
        await changed(office)
        await slack.until(lambda: len(slack.called(UPDATE)) == 2)
    assert "A-001" not in shown[0].text
    assert "Unavailable" in shown[1].text


async def test_a_card_of_a_unit_that_is_gone_is_left_as_it_is(
    office: Office, slack: SandboxSlack, redraw: Redraw
) -> None:
    message = await posted(redraw, office, slack, ShowUnit(unit_id=office.unit_ids[0], share=True))
    await changed(office, gone=True)

    async def forgotten() -> bool:
        return await due(office, redraw) == 0

    async with at_work(redraw):
        await asyncio.sleep(0.1)
    await eventually(forgotten)
    assert message.text == "as it was"


async def test_a_slack_that_asks_for_patience_gets_it(office: Office, slack: SandboxSlack, redraw: Redraw) -> None:
    message = await posted(redraw, office, slack, ShowUnit(unit_id=office.unit_ids[0], share=True))
    slack.faults.rate_limit(UPDATE, seconds=1)
    async with at_work(redraw):
        await changed(office)
        await slack.until(lambda: len(slack.called(UPDATE)) == 1)
        await asyncio.sleep(0.5)
        assert len(slack.called(UPDATE)) == 1
        await slack.until(lambda: "Unavailable" in message.text, seconds=3)


async def test_what_is_not_known_yet_is_drawn_later(office: Office, slack: SandboxSlack, redraw: Redraw) -> None:
    await posted(redraw, office, slack, ShowUnit(unit_id=office.unit_ids[0], share=True))
    await changed(office)
    unread = Directory(office.client, Follower(office.follower.keeper), office.recorder, 900, office.clock)
    async with at_work(replace(redraw, directory=unread)):
        await asyncio.sleep(0.1)
    assert slack.called(UPDATE) == []
    assert await due(office, redraw) == 1


@locked_for_a_while
async def test_a_database_that_is_locked_for_a_while_ends_nothing(
    office: Office, slack: SandboxSlack, redraw: Redraw
) -> None:
    message = await posted(redraw, office, slack, ShowUnit(unit_id=office.unit_ids[0], share=True))
    await changed(office)
    with capture_logs() as lines:
        async with at_work(redraw):
            async with office.locked():
                async with asyncio.timeout(5):
                    while not any(line["event"] == "messages not kept true" for line in lines):
                        await asyncio.sleep(0.01)
            await slack.until(lambda: "Unavailable" in message.text, seconds=5)
