"""Socket Mode: connections come and go, commands are answered."""

import asyncio

import pytest

from bot.demo import demo
from bot.start.refused import CannotStart
from tests.walks.conftest import Town, a_slack
from tests.walks.test_units import DESK, FIONA, answer, rows


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_commands_are_answered_after_slack_asked_for_a_new_connection(town: Town, reason: str) -> None:
    at_work = await town(socket_mode=True)
    opened = len(at_work.slack.called("apps.connections.open"))
    await at_work.slack.disconnect(reason)  # type: ignore[arg-type]
    await at_work.slack.until(lambda: len(at_work.slack.called("apps.connections.open")) > opened)
    await asyncio.sleep(0.3)  # slack_sdk closes the old connection before it opens the new one: a short deaf gap
    reaction = await at_work.slack.command(FIONA, DESK, "/units")
    assert rows(answer(reaction))


async def test_a_wrong_app_token_fails_at_once() -> None:
    slack = a_slack()
    slack.app_token = "xapp-withdrawn"
    with pytest.raises(CannotStart, match="SLACK_APP_TOKEN"):
        async with demo(slack=slack, socket_mode=True):
            pass


async def test_a_shutdown_lets_an_answer_out_through_the_connection() -> None:
    """The acknowledgement of a handler at work goes through the socket, so the socket closes last."""
    slack = a_slack()
    held = slack.faults.hold("users.info")
    async with demo(slack=slack, socket_mode=True) as at_work:
        await at_work.bot.directory.sweep()
        command = asyncio.create_task(slack.command(FIONA, DESK, "/units"))
        await held.reached.wait()
        asyncio.get_running_loop().call_later(0.2, held.release)
    reaction = await command
    assert reaction.ok
    assert rows(answer(reaction))
