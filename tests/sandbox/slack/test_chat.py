"""Messages of the bot through the real slack_sdk client."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*A-012* is free"}}]


async def test_a_posted_message_is_seen_by_everyone_in_the_channel(slack: SandboxSlack, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(
        channel="C0RESERVE",
        text="A-012 is free",
        blocks=BLOCKS,
        unfurl_links=False,
        metadata={"event_type": "a", "event_payload": {}},
    )

    [message] = slack.workspace.visible_to("U0OMAR", "C0RESERVE")
    assert (message.ts, message.text) == (answer["ts"], "A-012 is free")
    assert message.blocks[0]["text"] == BLOCKS[0]["text"]
    assert message.blocks[0]["block_id"]
    assert answer["message"]["bot_id"] == "B0UNITBOT"
    assert answer["message"]["metadata"] == {"event_type": "a", "event_payload": {}}
    assert slack.workspace.visible_to("U0SAM", "C0RESERVE") == []
    assert slack.problems == []


async def test_timestamps_grow_while_the_clock_stands_still(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0RESERVE", text="Hello"))["ts"] for _ in range(3)]

    assert stamps == ["1763750000.000000", "1763750000.000100", "1763750000.000200"]


REFUSALS = {
    "not_in_channel": "C0FRONT",
    "is_archived": "C0OLD",
    "channel_not_found": "C0NOWHERE",
}


@pytest.mark.parametrize(
    ("error", "channel"), [*REFUSALS.items(), ("not_in_channel", "C0MANAGER"), ("channel_not_found", "U0UNITBOT")]
)
async def test_a_message_needs_a_channel_that_the_bot_is_in(client: AsyncWebClient, error: str, channel: str) -> None:
    with pytest.raises(SlackApiError, match=f"'error': '{error}'"):
        await client.chat_postMessage(channel=channel, text="Hello")


async def test_chat_write_public_opens_public_channels_but_no_private_one(
    slack: SandboxSlack, client: AsyncWebClient
) -> None:
    slack.state.scopes |= {"chat:write.public"}

    await client.chat_postMessage(channel="C0FRONT", text="Hello")
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await client.chat_postMessage(channel="C0MANAGER", text="Hello")


async def test_a_user_id_as_channel_is_a_direct_message(slack: SandboxSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="U0FIONA", text="Hello Fiona")

    [message] = slack.workspace.visible_to("U0FIONA", "D0FIONA")
    assert message.text == "Hello Fiona"
    slack.workspace.person("U0OMAR").deleted = True
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_postMessage(channel="U0OMAR", text="Hello Omar")


async def test_a_message_that_breaks_a_rule_is_refused_and_noted(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0RESERVE", text="Hello", blocks=[{"type": "section"}])

    assert refused.value.response["error"] == "invalid_blocks"
    assert slack.problems == ["chat.postMessage: blocks[0]: text or fields is missing"]
    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE") == []


async def test_a_message_without_anything_is_no_message(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="no_text"):
        await client.api_call("chat.postMessage", json={"channel": "C0RESERVE", "text": ""})


async def test_a_long_text_is_refused_where_slack_would_split_it(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_postMessage(channel="C0RESERVE", text="x" * 4001)

    assert slack.problems == ["chat.postMessage: text: 4,001 characters, at most 4,000"]


async def test_a_reply_needs_a_message_to_reply_to(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C0RESERVE", text="Hello"))["ts"]

    reply = await client.chat_postMessage(channel="C0RESERVE", text="Hello again", thread_ts=parent)

    assert reply["message"]["thread_ts"] == parent
    with pytest.raises(SlackApiError, match="thread_not_found"):
        await client.chat_postMessage(channel="C0RESERVE", text="Hello", thread_ts="1.0")


async def test_an_ephemeral_message_is_seen_by_one_person_and_cannot_be_changed(
    slack: SandboxSlack, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postEphemeral(channel="C0RESERVE", user="U0FIONA", text="Only you"))["message_ts"]

    assert [message.text for message in slack.workspace.visible_to("U0FIONA", "C0RESERVE")] == ["Only you"]
    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE") == []
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C0RESERVE", ts=ts, text="Everyone")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_delete(channel="C0RESERVE", ts=ts)


async def test_an_ephemeral_message_needs_a_person_in_the_channel(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        await client.chat_postEphemeral(channel="C0RESERVE", user="U0SAM", text="Only you")


async def test_an_update_without_blocks_removes_the_old_ones(slack: SandboxSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0RESERVE", text="Free", blocks=BLOCKS))["ts"]

    answer = await client.chat_update(channel="C0RESERVE", ts=ts, text="Taken")

    [message] = slack.workspace.visible_to("U0OMAR", "C0RESERVE")
    assert (message.text, message.blocks, message.edited) == ("Taken", [], 1)
    assert answer["message"]["edited"] == {"user": "U0UNITBOT", "ts": ts}


async def test_a_deleted_message_is_gone(slack: SandboxSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0RESERVE", text="Free"))["ts"]

    await client.chat_delete(channel="C0RESERVE", ts=ts)

    assert slack.workspace.visible_to("U0OMAR", "C0RESERVE") == []
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C0RESERVE", ts=ts, text="Taken")


async def test_what_people_wrote_cannot_be_changed(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.workspace.say(Message("1.000100", "C0RESERVE", "U0OMAR", "Mine"))

    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel="C0RESERVE", ts="1.000100", text="Yours")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await client.chat_delete(channel="C0RESERVE", ts="1.000100")


async def test_a_permalink_needs_a_message(client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0RESERVE", text="Free"))["ts"]

    link = (await client.chat_getPermalink(channel="C0RESERVE", message_ts=ts))["permalink"]

    assert link == "https://harbour.slack.test/archives/C0RESERVE/p1763750000000000"
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_getPermalink(channel="C0NOWHERE", message_ts=ts)
