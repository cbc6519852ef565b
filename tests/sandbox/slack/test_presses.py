"""People press buttons and choose from menus; a real Bolt app hears of it."""

import asyncio
import copy

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.controls import buttons
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible
from tests.sandbox.slack.blocks import ROWS, Json, button, plain, posted, row


async def test_a_press_carries_what_slack_sends(slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]) -> None:
    message = await posted(slack, client, *ROWS)

    reaction = await slack.click("U0OMAR", message, label="Reserve", index=1)

    assert reaction.ok
    [payload] = heard
    assert payload == reaction.payload
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "U0OMAR", "username": "omar", "name": "omar", "team_id": "T0HARBOUR"}
    assert payload["team"] == {"id": "T0HARBOUR", "domain": "harbour"}
    assert payload["enterprise"] is None
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": "C0RESERVE",
        "is_ephemeral": False,
    }
    assert payload["channel"] == {"id": "C0RESERVE", "name": "reservations"}
    assert payload["message"]["blocks"] == message.blocks
    assert payload["actions"] == [
        {
            "type": "button",
            "action_id": "reserve",
            "block_id": "row A-2",
            "text": plain("Reserve"),
            "value": "A-2",
            "style": "primary",
            "action_ts": payload["actions"][0]["action_ts"],
        }
    ]


async def test_an_ephemeral_message_is_not_sent_along(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    message = await posted(slack, client, *ROWS, to="U0FIONA")

    await slack.click("U0FIONA", message, block_id="row A-1", action_id="reserve")

    assert "message" not in heard[0]
    assert heard[0]["container"]["is_ephemeral"] is True


async def test_a_person_from_elsewhere_presses_under_their_own_team(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    slack.workspace.enterprise_id = "E0HARBOUR"
    await client.chat_postMessage(channel="C0PARTNER", text="Units", blocks=ROWS)

    await slack.click("U0SAM", slack.workspace.messages["C0PARTNER"][-1], label="Reserve")

    assert (heard[0]["user"]["team_id"], heard[0]["team"]["id"]) == ("T0SEAWALL", "T0HARBOUR")
    assert heard[0]["enterprise"] == {"id": "E0HARBOUR", "name": "Harbour Self Storage"}


async def test_the_buttons_of_a_message_can_be_listed(slack: SandboxSlack, client: AsyncWebClient) -> None:
    message = await posted(slack, client, *ROWS)

    assert buttons(message) == [
        ("Reserve", "reserve", "A-1", None),
        ("Open", "open", None, "https://example.com/a"),
        ("Reserve", "reserve", "A-2", None),
    ]


async def test_a_link_button_is_heard_too(slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]) -> None:
    message = await posted(slack, client, *ROWS)

    await slack.click("U0OMAR", message, label="Open")

    assert heard[0]["actions"][0]["url"] == "https://example.com/a"


async def test_a_dialog_is_agreed_to_and_shown_in_the_result(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    confirm = {"title": plain("Sure?"), "text": plain("Really?"), "confirm": plain("Yes"), "deny": plain("No")}
    message = await posted(slack, client, row("A-1", button("Reserve", confirm=confirm)))

    reaction = await slack.click("U0OMAR", message, label="Reserve")

    assert reaction.confirm == confirm
    assert "confirm" not in heard[0]["actions"][0]


async def test_a_press_needs_a_button_that_the_person_sees(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    message = await posted(slack, client, row("A-1", button("Reserve", visible_to_user_ids=["U0OMAR"])))

    for user, asked in (("U0FIONA", {"label": "Reserve"}), ("U0OMAR", {"label": "Release"}), ("U0OMAR", {"index": 1})):
        with pytest.raises(Impossible, match="sees no button"):
            await slack.click(user, message, **asked)
    assert heard == []


async def test_a_press_needs_a_message_that_the_person_sees(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    mine = await posted(slack, client, *ROWS, to="U0FIONA")
    gone = await posted(slack, client, *ROWS)
    await client.chat_delete(channel="C0RESERVE", ts=gone.ts)

    for user, message, why in (
        ("U0OMAR", mine, "only U0FIONA sees"),
        ("U0OMAR", gone, "is deleted"),
        ("U0SAM", mine, "U0SAM is not in C0RESERVE"),
    ):
        with pytest.raises(Impossible, match=why):
            await slack.click(user, message, label="Reserve")
    assert heard == []


async def test_two_presses_at_once_and_one_on_a_stale_screen_all_arrive(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    message = await posted(slack, client, *ROWS)
    stale = copy.deepcopy(message)

    await asyncio.gather(*[slack.click("U0OMAR", message, label="Reserve") for _ in range(2)])
    await client.chat_update(channel="C0RESERVE", ts=message.ts, text="Taken")
    await slack.click("U0OMAR", stale, label="Reserve")

    assert [payload["actions"][0]["value"] for payload in heard] == ["A-1"] * 3


async def test_an_answer_to_a_press_is_a_violation(slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp) -> None:
    @app.action("reserve")
    async def reserve(args: AsyncArgs) -> None:
        await args.ack("Done")

    reaction = await slack.click("U0OMAR", await posted(slack, client, *ROWS), label="Reserve")

    assert reaction.messages == []
    assert slack.problems == ["answer to block_actions: Slack takes no body here, got 'Done'"]
