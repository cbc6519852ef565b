"""Uploads through the real slack_sdk client: announce, upload, complete."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack


async def test_a_file_arrives_in_its_channel(slack: SandboxSlack, client: AsyncWebClient) -> None:
    answer = await client.files_upload_v2(
        channel="C0RESERVE", filename="units.csv", content="unit,price\n", title="Units", initial_comment="All units"
    )

    [message] = slack.workspace.visible_to("U0OMAR", "C0RESERVE")
    file = slack.workspace.files[message.files[0]]
    assert (message.text, file.title, file.content, file.channel) == (
        "All units",
        "Units",
        b"unit,price\n",
        "C0RESERVE",
    )
    assert answer["file"]["id"] == file.id
    with pytest.raises(SlackApiError, match="already_completed"):
        await client.files_completeUploadExternal(files=[{"id": file.id}])
    assert slack.problems == []


async def test_the_shared_message_shows_its_files(slack: SandboxSlack, client: AsyncWebClient) -> None:
    await client.files_upload_v2(channel="C0RESERVE", filename="units.csv", content="a")
    [message] = slack.workspace.visible_to("U0OMAR", "C0RESERVE")

    answer = await client.chat_update(channel="C0RESERVE", ts=message.ts, text="Here")

    assert answer["message"]["files"] == [{"id": message.files[0]}]


async def test_a_file_can_wait_for_its_channel(slack: SandboxSlack, client: AsyncWebClient) -> None:
    await client.files_upload_v2(filename="units.csv", content="a")

    [file] = slack.workspace.files.values()
    assert (file.content, file.channel) == (b"a", None)
    assert [call.method for call in slack.calls if call.method.startswith("chat")] == []


@pytest.mark.parametrize(("channel", "error"), [("C0FRONT", "not_in_channel"), ("C0NOWHERE", "channel_not_found")])
async def test_a_file_needs_a_channel_that_the_bot_is_in(client: AsyncWebClient, channel: str, error: str) -> None:
    with pytest.raises(SlackApiError, match=error):
        await client.files_upload_v2(channel=channel, filename="units.csv", content="a")


async def test_an_empty_file_cannot_be_announced(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="missing_argument"):
        await client.files_getUploadURLExternal(filename="units.csv", length=0)


async def test_a_file_that_was_not_uploaded_cannot_be_completed(client: AsyncWebClient) -> None:
    file = (await client.files_getUploadURLExternal(filename="units.csv", length=3))["file_id"]

    for files, error in (
        ('[{"id": "' + file + '"}]', "file_not_found"),
        ("[]", "invalid_arguments"),
        ("[1]", "invalid_arguments"),
    ):
        with pytest.raises(SlackApiError, match=error):
            await client.api_call("files.completeUploadExternal", params={"files": files})


async def test_an_upload_is_as_long_as_announced_and_happens_once(
    slack: SandboxSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    url = (await client.files_getUploadURLExternal(filename="units.csv", length=3))["upload_url"]

    statuses = []
    for content in (b"four", b"abc", b"abc"):
        async with http.post(url, data=content) as response:
            statuses.append(response.status)

    assert statuses == [400, 200, 404]
    assert slack.problems == ["upload: 4 bytes of units.csv, 3 were announced"]


async def test_an_upload_can_fail(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.faults.status(503, "upload")
    with pytest.raises(SlackRequestError):
        await client.files_upload_v2(filename="units.csv", content="a")

    slack.faults.drop_before("upload")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.files_upload_v2(filename="units.csv", content="a")
