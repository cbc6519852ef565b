"""People choose from menus and search in them; a real Bolt app hears of it."""

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible
from tests.sandbox.slack.blocks import Json, button, option, plain, posted, row


async def test_a_choice_is_sent_and_stays_in_the_state(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    pick = {"type": "static_select", "action_id": "pick", "options": [option("A-1"), option("A-2")]}
    when = {"type": "datepicker", "action_id": "when", "initial_date": "2026-11-21"}
    message = await posted(slack, client, {"type": "actions", "block_id": "b", "elements": [pick, when]})

    await slack.choose("U0OMAR", message, "pick", "Unit A-2")
    await slack.choose("U0OMAR", message, "when", "2026-12-01")

    assert heard[0]["actions"][0]["selected_option"] == option("A-2")
    assert heard[0]["state"]["values"]["b"]["when"] == {"type": "datepicker", "selected_date": "2026-11-21"}
    assert heard[1]["state"]["values"] == {
        "b": {
            "pick": {"type": "static_select", "selected_option": option("A-2")},
            "when": {"type": "datepicker", "selected_date": "2026-12-01"},
        }
    }


async def test_an_overflow_menu_sends_its_option_and_keeps_no_state(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    menu = {"type": "overflow", "action_id": "menu", "options": [option("A-1"), option("A-2")]}
    message = await posted(slack, client, {"type": "section", "text": plain("Units"), "accessory": menu})

    await slack.choose("U0OMAR", message, "menu", "A-1")

    assert heard[0]["actions"][0]["selected_option"] == option("A-1")
    assert heard[0]["state"] == {"values": {}}
    with pytest.raises(Impossible, match="has no 'A-3'"):
        await slack.choose("U0OMAR", message, "menu", "A-3")


async def test_options_are_suggested_and_then_chosen(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    find = {"type": "external_select", "action_id": "find", "min_query_length": 1, "placeholder": plain("Unit")}
    message = await posted(slack, client, {"type": "actions", "block_id": "b", "elements": [find]})
    with pytest.raises(Impossible, match="offers nothing"):
        await slack.choose("U0OMAR", message, "find", "A-1")
    with pytest.raises(Impossible, match="from 1 characters on"):
        await slack.suggest("U0OMAR", message, "find", "")

    suggested = await slack.suggest("U0OMAR", message, "find", "A")

    assert suggested.options == [option("A-1"), option("A-2")]
    assert (heard[0]["type"], heard[0]["value"], heard[0]["block_id"]) == ("block_suggestion", "A", "b")
    assert heard[0]["message"]["ts"] == message.ts
    app_action = await slack.choose("U0OMAR", message, "find", "A-2", block_id="b")
    assert app_action.payload["actions"][0]["selected_option"] == option("A-2")


async def test_an_ephemeral_message_is_not_sent_with_a_suggestion(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    find = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    message = await posted(slack, client, {"type": "actions", "elements": [find]}, to="U0FIONA")

    await slack.suggest("U0FIONA", message, "find", "")

    assert "message" not in heard[0]
    assert heard[0]["container"]["is_ephemeral"] is True


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"options": [option("A-1") | {"value": "x" * 151}]}, "options[0].value: 151 characters, at most 150"),
        ({"options": [], "option_groups": []}, "answer: exactly one of options and option_groups belongs here"),
    ],
)
async def test_suggestions_that_break_a_rule_are_not_offered(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp, answer: Json, problem: str
) -> None:
    @app.options("find")
    async def suggest(args: AsyncArgs) -> None:
        await args.ack(answer)

    find = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    message = await posted(slack, client, {"type": "actions", "elements": [find]})

    reaction = await slack.suggest("U0OMAR", message, "find", "")

    assert (reaction.error, reaction.options) == ("invalid_response", [])
    assert slack.problems == [f"answer to block_suggestion: {problem}"]


async def test_suggestions_may_come_in_groups_or_not_at_all(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp
) -> None:
    @app.options("find")
    async def suggest(args: AsyncArgs) -> None:
        if args.body["value"]:
            await args.ack(option_groups=[{"label": plain("Camden"), "options": [option("A-1")]}])
        else:
            await args.ack()

    find = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    message = await posted(slack, client, {"type": "actions", "elements": [find]})

    assert (await slack.suggest("U0OMAR", message, "find", "A")).options == [option("A-1")]
    assert (await slack.suggest("U0OMAR", message, "find", "")).error == "invalid_response"
    assert slack.problems == ["answer to block_suggestion: None where options belong"]


async def test_a_suggestion_that_fails_offers_nothing(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp
) -> None:
    assert app
    find = {"type": "external_select", "action_id": "nobody", "min_query_length": 0}
    message = await posted(slack, client, {"type": "actions", "elements": [find]})

    reaction = await slack.suggest("U0OMAR", message, "nobody", "")

    assert (reaction.status, reaction.error, reaction.options) == (404, "dispatch_failed", [])
    assert slack.problems == []


async def test_only_what_is_there_can_be_chosen(slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]) -> None:
    pick = {"type": "static_select", "action_id": "pick", "options": [option("A-1")]}
    note = {"type": "plain_text_input", "action_id": "note"}
    message = await posted(
        slack,
        client,
        row("A-1", button("Reserve"), pick),
        {"type": "input", "block_id": "quiet", "label": plain("Note"), "element": note},
        {"type": "input", "block_id": "loud", "label": plain("Note"), "element": note, "dispatch_action": True},
    )
    bare = await posted(slack, client, {"type": "divider"})

    for shown, action_id, wanted, why in (
        (message, "pick", "A-2", "does not offer 'A-2'; it offers Unit A-1"),
        (message, "reserve", "A-1", "press it with click"),
        (message, "note", "Hello", "give it to submit"),
        (message, "missing", "A-1", "there is reserve, pick, note, note"),
        (bare, "missing", "A-1", "there is nothing"),
    ):
        with pytest.raises(Impossible, match=why):
            await slack.choose("U0OMAR", shown, action_id, wanted)
    with pytest.raises(Impossible, match="its options are known"):
        await slack.suggest("U0OMAR", message, "pick", "A")
    await slack.choose("U0OMAR", message, "note", "Hello", block_id="loud")
    assert heard[0]["actions"][0]["value"] == "Hello"
