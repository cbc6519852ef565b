"""Slack's own rate limits, when they are asked for."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace


@pytest.fixture
async def strict(clock: list[float]) -> AsyncIterator[SandboxSlack]:
    scopes = {"chat:write", "users:read", "usergroups:read"}
    stand_in = SandboxSlack(demo_workspace(), scopes=scopes, now=lambda: clock[0], tiers=True)
    async with stand_in.serving():
        yield stand_in


async def test_one_message_a_second_fits_into_a_channel(
    strict: SandboxSlack, http: aiohttp.ClientSession, clock: list[float]
) -> None:
    client = AsyncWebClient(strict.bot_token, base_url=f"{strict.url}/api/", session=http)
    await client.chat_postMessage(channel="C0RESERVE", text="One")
    await client.chat_postMessage(channel="C0APPROVE", text="Elsewhere")
    with pytest.raises(SlackApiError, match="ratelimited") as refused:
        await client.chat_postMessage(channel="C0RESERVE", text="Two")
    assert refused.value.response.headers["Retry-After"] == "1"

    clock[0] += 1

    await client.chat_postMessage(channel="C0RESERVE", text="Two")


async def test_a_tier_2_method_answers_twenty_calls_a_minute(
    strict: SandboxSlack, http: aiohttp.ClientSession, clock: list[float]
) -> None:
    client = AsyncWebClient(strict.bot_token, base_url=f"{strict.url}/api/", session=http)
    for _ in range(20):
        await client.usergroups_list()
        await client.auth_test()
    clock[0] += 20
    with pytest.raises(SlackApiError, match="ratelimited") as refused:
        await client.usergroups_list()
    assert refused.value.response.headers["Retry-After"] == "40"
    await client.users_list()
    with pytest.raises(SlackApiError, match="unknown_method"):
        await client.api_call("chat.shout")
    assert strict.problems == ["chat.shout: not a method that this stand-in knows"]

    clock[0] += 40

    await client.usergroups_list()
