"""What goes wrong when it was asked for: rate limits, outages, lost answers, slowness."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import FixedValueRetryIntervalCalculator
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack


async def test_a_rate_limit_says_how_long_to_wait(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.rate_limit("chat.postMessage", seconds=7)

    with pytest.raises(SlackApiError, match="ratelimited") as refused:
        await client.chat_postMessage(channel="C0RESERVE", text="Hello")

    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "7")
    assert slack.calls[-1].ok is False
    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE") == []
    await client.chat_postMessage(channel="C0RESERVE", text="Hello")


async def test_an_outage_is_not_even_json(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.status(503, times=None)

    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await client.auth_test()
        assert refused.value.response.status_code == 503
    slack.faults.clear()
    await client.auth_test()
    assert [call.status for call in slack.calls] == [503, 503, 200]
    assert slack.calls[0].answer is None


async def test_an_error_can_be_ordered_for_one_method(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.error("plan_upgrade_required", "usergroups.users.list", times=2)

    await client.auth_test()
    for _ in range(2):
        with pytest.raises(SlackApiError, match="plan_upgrade_required"):
            await client.usergroups_users_list(usergroup="S0FRONT")
    await client.usergroups_users_list(usergroup="S0FRONT")


async def test_a_dropped_request_did_nothing(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.drop_before("chat.postMessage")

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel="C0RESERVE", text="Hello")

    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE") == []
    assert (slack.calls[-1].status, slack.calls[-1].answer, slack.calls[-1].ok) == (None, None, False)


async def test_a_lost_answer_hides_that_the_message_was_posted(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.drop_after("chat.postMessage")

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel="C0RESERVE", text="Hello")

    assert len(slack.workspace.visible_to("U0OMAR", "C0RESERVE")) == 1
    assert slack.calls[-1].answer is None


async def test_slack_sdk_retries_a_lost_answer_and_posts_twice(
    slack: SandboxSlack, http: aiohttp.ClientSession
) -> None:
    retrying = AsyncWebClient(
        slack.bot_token,
        base_url=f"{slack.url}/api/",
        session=http,
        retry_handlers=[AsyncConnectionErrorRetryHandler(interval_calculator=FixedValueRetryIntervalCalculator(0))],
    )
    slack.faults.drop_after("chat.postMessage")

    await retrying.chat_postMessage(channel="C0RESERVE", text="Hello")

    assert len(slack.workspace.visible_to("U0OMAR", "C0RESERVE")) == 2


async def test_a_slow_call_still_works(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.slow(0.01, "auth.test")

    assert (await client.auth_test())["ok"]


async def test_a_held_call_waits_for_its_release(slack: SandboxSlack, client: AsyncWebClient) -> None:
    held = slack.faults.hold("chat.postMessage")
    posting = asyncio.create_task(client.chat_postMessage(channel="C0RESERVE", text="Hello"))
    await asyncio.wait_for(held.reached.wait(), 1)
    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE") == []

    slack.faults.clear()

    assert (await posting)["ok"]
    assert len(slack.workspace.visible_to("U0OMAR", "C0RESERVE")) == 1
