"""Response URLs through the real slack_sdk webhook client: five uses, thirty minutes, and what they can change."""

from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
BLOCKS: list[dict[str, Any]] = [{"type": "actions", "elements": [BUTTON]}]


@pytest.fixture
def quiet(app: AsyncApp) -> AsyncApp:
    """An app that only acknowledges."""

    async def listen(args: AsyncArgs) -> None:
        await args.ack()

    app.command("/units")(listen)
    app.action("go")(listen)
    return app


@pytest.fixture
async def by_command(slack: SandboxSlack, quiet: AsyncApp) -> AsyncWebhookClient:
    assert quiet
    return AsyncWebhookClient((await slack.command("U0FIONA", "C0FRONT", "/units")).response_url, retry_handlers=[])


async def pressed(slack: SandboxSlack, message: Message) -> AsyncWebhookClient:
    return AsyncWebhookClient((await slack.click("U0FIONA", message, label="Go")).response_url, retry_handlers=[])


def texts(slack: SandboxSlack, user: str = "U0FIONA", channel: str = "C0FRONT") -> list[str]:
    return [message.text for message in slack.workspace.visible_to(user, channel)]


async def test_a_response_reaches_a_channel_without_the_bot(
    slack: SandboxSlack, by_command: AsyncWebhookClient
) -> None:
    await by_command.send(text="Only you")
    answer = await by_command.send(text="Everyone", response_type="in_channel")

    assert (answer.status_code, answer.body) == (200, "ok")
    assert texts(slack) == ["Only you", "Everyone"]
    assert texts(slack, "U0OMAR") == ["Everyone"]
    assert [(call.method, call.ok) for call in slack.calls] == [("response_url", True), ("response_url", True)]


async def test_a_command_has_no_original_to_replace_or_delete(
    slack: SandboxSlack, by_command: AsyncWebhookClient
) -> None:
    await by_command.send(text="Loading")
    await by_command.send(text="Done", replace_original=True)

    assert texts(slack) == ["Loading", "Done"]
    assert slack.problems == []
    assert (await by_command.send(text="x", delete_original=True)).status_code == 400
    assert slack.problems == ["response_url: delete_original: there is no message to delete"]


async def test_five_uses_and_no_sixth(slack: SandboxSlack, by_command: AsyncWebhookClient) -> None:
    answers = [await by_command.send(text=str(number)) for number in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[-1].body == "used_url"
    assert texts(slack) == ["0", "1", "2", "3", "4"]


async def test_thirty_minutes_and_no_longer(
    slack: SandboxSlack, by_command: AsyncWebhookClient, clock: list[float]
) -> None:
    clock[0] += 1800
    assert (await by_command.send(text="In time")).status_code == 200
    clock[0] += 1
    late = await by_command.send(text="Late")

    assert (late.status_code, late.body) == (404, "expired_url")
    assert texts(slack) == ["In time"]


async def test_a_made_up_url_leads_nowhere(slack: SandboxSlack, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{slack.url}/response/R1", json={"text": "Hello"}) as response:
        assert (response.status, await response.text()) == (404, "no_service")


@pytest.mark.parametrize("body", ["{", "[]"])
async def test_a_body_that_is_no_message_is_refused(
    slack: SandboxSlack, by_command: AsyncWebhookClient, http: aiohttp.ClientSession, body: str
) -> None:
    async with http.post(by_command.url, data=body) as response:
        assert (response.status, await response.text()) == (400, "invalid_payload")
    assert slack.problems == ["response_url: invalid_payload"]


async def test_the_press_in_an_ephemeral_message_replaces_it(
    slack: SandboxSlack, quiet: AsyncApp, client: AsyncWebClient
) -> None:
    assert quiet
    await client.chat_postEphemeral(channel="C0RESERVE", user="U0FIONA", text="Sure?", blocks=BLOCKS)
    [message] = slack.workspace.visible_to("U0FIONA", "C0RESERVE")

    await (await pressed(slack, message)).send(text="Reserved", replace_original=True)

    assert slack.workspace.visible_to("U0FIONA", "C0RESERVE") == [message]
    assert (message.text, message.blocks, message.edited) == ("Reserved", [], 1)


async def test_an_ephemeral_message_cannot_be_made_public(
    slack: SandboxSlack, quiet: AsyncApp, client: AsyncWebClient
) -> None:
    assert quiet
    await client.chat_postEphemeral(channel="C0RESERVE", user="U0FIONA", text="Sure?", blocks=BLOCKS)
    [message] = slack.workspace.visible_to("U0FIONA", "C0RESERVE")
    hook = await pressed(slack, message)

    answer = await hook.send(text="Reserved", replace_original=True, response_type="in_channel")

    assert answer.status_code == 400
    assert slack.problems == ["response_url: response_type: an ephemeral message never becomes in_channel"]
    assert message.text == "Sure?"


async def test_a_press_in_a_public_message_replaces_deletes_or_adds(
    slack: SandboxSlack, quiet: AsyncApp, client: AsyncWebClient
) -> None:
    assert quiet
    await client.chat_postMessage(channel="C0RESERVE", text="Sure?", blocks=BLOCKS)
    [message] = slack.workspace.visible_to("U0FIONA", "C0RESERVE")
    hook = await pressed(slack, message)

    await hook.send(text="Only you")
    await hook.send(text="In the thread", response_type="in_channel", replace_original=False)
    await hook.send(text="Reserved", replace_original=True)
    assert texts(slack, "U0OMAR", "C0RESERVE") == ["Reserved", "In the thread"]

    await hook.send_dict({"delete_original": True})
    assert texts(slack, "U0OMAR", "C0RESERVE") == ["In the thread"]
    await hook.send(text="Once more", replace_original=True)
    assert texts(slack, "U0FIONA", "C0RESERVE") == ["Only you", "In the thread", "Once more"]


async def test_a_reply_in_a_thread_is_public_and_replaces_nothing(
    slack: SandboxSlack, quiet: AsyncApp, client: AsyncWebClient
) -> None:
    assert quiet
    await client.chat_postMessage(channel="C0RESERVE", text="Sure?", blocks=BLOCKS)
    [message] = slack.workspace.visible_to("U0FIONA", "C0RESERVE")
    hook = await pressed(slack, message)
    reply = {"text": "Here", "thread_ts": message.ts}

    assert (await hook.send_dict(reply)).status_code == 400
    assert slack.problems == [
        "response_url: thread_ts: an answer in a thread needs response_type in_channel and replace_original false"
    ]
    await hook.send_dict(reply | {"response_type": "in_channel", "replace_original": False})
    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE")[-1].thread_ts == message.ts


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"text": "Hello <!here>"}, "text: pings: <!here>"),
        ({"text": "Hello", "response_type": "all"}, "response_type: 'all' is neither ephemeral nor in_channel"),
    ],
)
async def test_a_response_that_breaks_a_rule_is_refused(
    slack: SandboxSlack, by_command: AsyncWebhookClient, said: dict[str, Any], problem: str
) -> None:
    answer = await by_command.send_dict(said)

    assert (answer.status_code, answer.body) == (400, "invalid_blocks")
    assert slack.problems == [f"response_url: {problem}"]
    assert texts(slack) == []


async def test_response_urls_can_fail_too(slack: SandboxSlack, by_command: AsyncWebhookClient) -> None:
    slack.faults.error("used_url", "response_url")
    slack.faults.rate_limit("response_url", seconds=3)
    slack.faults.status(500, "response_url")

    answers = [await by_command.send(text="Hello") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [404, 429, 500, 200]
    assert answers[1].headers["Retry-After"] == "3"
    assert texts(slack) == ["Hello"]


async def test_the_answer_of_a_response_url_can_be_lost(slack: SandboxSlack, by_command: AsyncWebhookClient) -> None:
    slack.faults.drop_before("response_url")
    slack.faults.drop_after("response_url")

    for _ in range(2):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await by_command.send(text="Hello")

    assert texts(slack) == ["Hello"]
    assert [call.status for call in slack.calls] == [None, None]
