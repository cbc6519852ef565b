"""Shortcuts, mentions, the Home tab and other events reach a real Bolt app."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.response import BoltResponse

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible

Json = dict[str, Any]
Eventually: TypeAlias = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
def heard(app: AsyncApp) -> list[Json]:
    """The bodies of all that the app heard, with the retry header."""
    bodies: list[Json] = []

    async def listen(args: AsyncArgs) -> None:
        bodies.append(args.body | {"retry": args.request.headers.get("x-slack-retry-num", [""])[0]})
        await args.ack()

    app.shortcut("reserve")(listen)
    for kind in ("app_mention", "app_home_opened", "subteam_members_changed", "message"):
        app.event(kind)(listen)
    return bodies


async def test_a_shortcut_opens_a_modal_but_has_no_channel(slack: SandboxSlack, heard: list[Json]) -> None:
    reaction = await slack.shortcut("U0FIONA", "reserve")

    assert reaction.ok
    assert (heard[0]["type"], heard[0]["callback_id"], heard[0]["trigger_id"]) == (
        "shortcut",
        "reserve",
        reaction.trigger_id,
    )
    assert reaction.response_url == ""


async def test_a_mention_is_a_message_and_an_event(
    slack: SandboxSlack, heard: list[Json], eventually: Eventually
) -> None:
    reaction = await slack.mention("U0FIONA", "C0RESERVE", "help")

    [message] = reaction.messages
    assert (message.user, message.text) == ("U0FIONA", "<@U0UNITBOT> help")
    await eventually(lambda: heard)
    body = heard[0]
    assert (body["type"], body["event"]["type"], body["event"]["text"]) == (
        "event_callback",
        "app_mention",
        message.text,
    )
    assert (body["event"]["ts"], body["event"]["channel"]) == (message.ts, "C0RESERVE")
    assert body["authorizations"][0]["user_id"] == "U0UNITBOT"
    assert body["is_ext_shared_channel"] is False


async def test_a_shared_channel_is_marked(slack: SandboxSlack, heard: list[Json], eventually: Eventually) -> None:
    await slack.mention("U0SAM", "C0PARTNER", "help")

    await eventually(lambda: heard)
    assert heard[0]["is_ext_shared_channel"] is True


@pytest.mark.parametrize(
    ("user", "channel", "why"),
    [
        ("U0FIONA", "C0FRONT", "the bot is not in C0FRONT"),
        ("U0SAM", "C0RESERVE", "cannot write"),
        ("U0OMAR", "C0OLD", "cannot write"),
    ],
)
async def test_a_mention_needs_both_in_the_channel(
    slack: SandboxSlack, heard: list[Json], user: str, channel: str, why: str
) -> None:
    with pytest.raises(Impossible, match=why):
        await slack.mention(user, channel, "help")
    assert heard == []


async def test_opening_home_shows_what_was_published_before(slack: SandboxSlack, app: AsyncApp) -> None:
    views: list[Any] = []

    @app.event("app_home_opened")
    async def opened(args: AsyncArgs) -> None:
        views.append(args.body["event"].get("view", {}).get("id"))
        await args.client.views_publish(user_id=args.body["event"]["user"], view={"type": "home", "blocks": []})

    await slack.open_home("U0FIONA")
    home = await slack.until(lambda: slack.workspace.homes.get("U0FIONA"))
    await slack.open_home("U0FIONA")
    await slack.until(lambda: home.updated == 1)
    await slack.open_home("U0FIONA", tab="messages")
    await slack.until(lambda: home.updated == 2)

    assert views == [None, home.id, None]


async def test_an_event_is_delivered_again_with_its_number(
    slack: SandboxSlack, heard: list[Json], eventually: Eventually
) -> None:
    first = await slack.event("subteam_members_changed", subteam_id="S0FRONT", added_users=["U0NADIA"])
    await slack.redeliver(first, retry_num=1, retry_reason="http_timeout")
    await slack.redeliver(first)

    await eventually(lambda: len(heard) == 3)
    assert sorted(body["retry"] for body in heard) == ["", "", "1"]
    assert len({body["event_id"] for body in heard}) == 1
    assert heard[0]["event"]["added_users"] == ["U0NADIA"]


async def test_an_event_needs_its_scope(slack: SandboxSlack, heard: list[Json], eventually: Eventually) -> None:
    slack.state.scopes -= {"app_mentions:read"}

    with pytest.raises(Impossible, match="app_mentions:read"):
        await slack.mention("U0FIONA", "C0RESERVE", "help")
    with pytest.raises(Impossible, match="im:history"):
        await slack.event("message", channel_type="im", text="help", user="U0FIONA", channel="D0FIONA")
    assert heard == []
    slack.state.scopes |= {"im:history"}
    await slack.event("message", channel_type="im", text="help", user="U0FIONA", channel="D0FIONA")
    await eventually(lambda: heard)
    assert heard[0]["event"]["text"] == "help"


async def test_an_answer_to_an_event_is_a_violation(slack: SandboxSlack, app: AsyncApp) -> None:
    @app.middleware
    async def reply() -> BoltResponse:
        return BoltResponse(status=200, body="thanks")

    await slack.event("app_home_opened", user="U0FIONA")

    assert slack.problems == ["answer to event_callback: Slack takes no body here, got 'thanks'"]
