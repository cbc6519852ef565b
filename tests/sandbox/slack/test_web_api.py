"""What every Web API call has to get right: tokens, scopes, arguments."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.api import HANDLERS
from bot.sandbox.slack.methods import METHODS
from bot.sandbox.slack.server import SandboxSlack


def test_every_method_of_the_table_does_something() -> None:
    assert HANDLERS.keys() == METHODS.keys()


@pytest.mark.parametrize(
    ("error", "token"), [("invalid_auth", "xoxb-wrong"), ("not_authed", ""), ("not_allowed_token_type", "xapp-sandbox")]
)
async def test_only_the_bot_token_speaks_for_the_bot(
    slack: SandboxSlack, http: aiohttp.ClientSession, error: str, token: str
) -> None:
    stranger = AsyncWebClient(token, base_url=f"{slack.url}/api/", session=http)

    with pytest.raises(SlackApiError, match=error):
        await stranger.auth_test()


async def test_a_token_may_stand_in_the_form(slack: SandboxSlack, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{slack.url}/api/auth.test", data={"token": slack.bot_token}) as response:
        assert (await response.json())["ok"] is True
    assert slack.calls[-1].token == slack.bot_token
    assert "token" not in slack.calls[-1].arguments


async def test_a_missing_scope_is_named(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.state.scopes = frozenset({"commands"})

    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0RESERVE", text="Hello")

    assert refused.value.response.data == {
        "ok": False,
        "error": "missing_scope",
        "needed": "chat:write",
        "provided": "commands",
    }


async def test_an_unknown_method_is_a_violation(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="unknown_method"):
        await client.api_call("chat.shout")

    assert slack.problems == ["chat.shout: not a method that this stand-in knows"]


async def test_missing_and_unknown_arguments_are_violations(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.api_call("chat.update", json={"chanel": "C0RESERVE", "ts": "1.0", "text": "Hello", "blocks": None})

    assert slack.problems == [
        "chat.update: [ERROR] missing required field: channel",
        "chat.update: [ERROR] unknown argument: chanel",
    ]


async def test_a_list_where_a_plain_value_belongs_is_a_violation(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.api_call("chat.postMessage", json={"channel": ["C0RESERVE"], "text": "Hello"})

    assert slack.problems == ["chat.postMessage: [ERROR] not a plain value: channel"]


@pytest.mark.parametrize(
    ("error", "content", "body"),
    [
        ("invalid_json", "application/json", "{"),
        ("json_not_object", "application/json", "[]"),
        ("invalid_post_type", "text/plain", "channel=C0RESERVE"),
        ("invalid_arguments", "application/x-www-form-urlencoded", "channel=C0RESERVE&text=a&blocks=none"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    slack: SandboxSlack, http: aiohttp.ClientSession, error: str, content: str, body: str
) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": content}

    async with http.post(f"{slack.url}/api/chat.postMessage", data=body, headers=headers) as response:
        assert (await response.json())["error"] == error
    assert slack.problems == [f"chat.postMessage: {error}"]


async def test_blocks_may_come_as_json_within_a_form(slack: SandboxSlack, http: aiohttp.ClientSession) -> None:
    form = {"token": slack.bot_token, "channel": "C0RESERVE", "text": "Hello", "blocks": '[{"type": "divider"}]'}

    async with http.post(f"{slack.url}/api/chat.postMessage", data=form) as response:
        assert (await response.json())["ok"] is True
    assert slack.calls[-1].arguments["blocks"] == [{"type": "divider"}]


async def test_every_call_is_kept_with_its_answer(
    slack: SandboxSlack, client: AsyncWebClient, clock: list[float]
) -> None:
    clock[0] += 5
    await client.chat_postMessage(channel="C0RESERVE", text="Hello")

    [call] = slack.called("chat.postMessage")
    assert (call.arguments, call.at, call.status, call.ok) == (
        {"channel": "C0RESERVE", "text": "Hello"},
        1_763_750_005.0,
        200,
        True,
    )
    assert slack.called("auth.test") == []
