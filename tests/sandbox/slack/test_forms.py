"""People fill in modals and send them off, or close them; a real Bolt app hears of it."""

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.controls import buttons
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible
from tests.sandbox.slack.blocks import Json, asked, modal, opened, option, plain

EVERYTHING = [
    asked("note", min_length=2, max_length=5),
    asked("mail", "email_text_input"),
    asked("link", "url_text_input"),
    asked("count", "number_input", is_decimal_allowed=False, min_value="1", max_value="9"),
    asked("price", "number_input", is_decimal_allowed=True),
    asked("unit", "static_select", options=[option("A-1"), option("A-2")]),
    asked("group", "static_select", option_groups=[{"label": plain("Camden"), "options": [option("B-1")]}]),
    asked("units", "multi_static_select", options=[option("A-1"), option("A-2"), option("A-3")], max_selected_items=2),
    asked("person", "users_select"),
    asked("people", "multi_users_select"),
    asked("place", "conversations_select"),
    asked("channel", "channels_select"),
    asked("day", "datepicker"),
    asked("hour", "timepicker"),
    asked("moment", "datetimepicker"),
    asked("ticks", "checkboxes", options=[option("A-1"), option("A-2")]),
    asked("radio", "radio_buttons", options=[option("A-1"), option("A-2")], initial_option=option("A-1")),
    asked("later", optional=True),
    {"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}]},
]

ANSWERS = {
    "note": "Hello",
    "MAIL": "jane@example.com",
    "link block": "https://example.com",
    "count": 3,
    "price": "2.50",
    "unit": "A-2",
    "group": "Unit B-1",
    "units": ["A-1", "Unit A-3"],
    "person": "U0OMAR",
    "people": ["U0OMAR", "U0NADIA"],
    "place": "C0FRONT",
    "channel": "C0FRONT",
    "day": "2026-11-21",
    "hour": "08:30",
    "moment": 1_763_750_000,
    "ticks": [option("A-1")],
}


async def test_a_submission_carries_every_value_as_slack_does(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    view = await opened(slack, client, modal(*EVERYTHING, private_metadata="A-012"))

    reaction = await slack.submit("U0FIONA", view, ANSWERS)

    assert reaction.ok
    [payload] = heard
    assert (payload["type"], payload["view"]["private_metadata"], payload["view"]["id"]) == (
        "view_submission",
        "A-012",
        view.id,
    )
    values = payload["view"]["state"]["values"]
    found = {action: state for block in values.values() for action, state in block.items()}
    assert {
        action: next(value for key, value in state.items() if key != "type") for action, state in found.items()
    } == {
        "note": "Hello",
        "mail": "jane@example.com",
        "link": "https://example.com",
        "count": "3",
        "price": "2.50",
        "unit": option("A-2"),
        "group": option("B-1"),
        "units": [option("A-1"), option("A-3")],
        "person": "U0OMAR",
        "people": ["U0OMAR", "U0NADIA"],
        "place": "C0FRONT",
        "channel": "C0FRONT",
        "day": "2026-11-21",
        "hour": "08:30",
        "moment": 1_763_750_000,
        "ticks": [option("A-1")],
        "radio": option("A-1"),
        "later": None,
    }
    assert values["note block"]["note"] == {"type": "plain_text_input", "value": "Hello"}
    assert slack.workspace.modal("U0FIONA") is None
    assert view.open is False
    assert slack.problems == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"note": "Hello!"}, "takes 2 to 5 characters, not 6"),
        ({"note": ""}, "has to be filled in"),
        ({"note": None}, "has to be filled in"),
        ({"ticks": []}, "has to be filled in"),
        ({"mail": "jane"}, "takes an e-mail address, not 'jane'"),
        ({"link": "example.com"}, "takes an address"),
        ({"count": "2.5"}, "takes a number from 1 to 9"),
        ({"count": 10}, "takes a number from 1 to 9"),
        ({"day": "tomorrow"}, "takes a date"),
        ({"hour": "8"}, "takes a time"),
        ({"unit": "A-3"}, "does not offer 'A-3'"),
        ({"units": ["A-1", "A-2", "A-3"]}, "takes at most 2, not 3"),
        ({"colour": "blue"}, "has no input 'colour'"),
    ],
)
async def test_slacks_own_form_refuses_wrong_values(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json], wrong: Json, why: str
) -> None:
    view = await opened(slack, client, modal(*EVERYTHING))

    with pytest.raises(Impossible, match=why):
        await slack.submit("U0FIONA", view, ANSWERS | wrong)
    assert heard == []


async def test_first_values_are_sent_when_nobody_touches_them(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    source = modal(
        asked("note", initial_value="Hello"),
        asked("find", "external_select", initial_option=option("A-1")),
        asked("more", "multi_external_select", initial_options=[option("A-2")]),
    )
    view = await opened(slack, client, source)

    await slack.submit("U0FIONA", view, {"find": "A-1", "more": ["A-2"]})

    values = heard[0]["view"]["state"]["values"]
    assert values["note block"]["note"]["value"] == "Hello"
    assert values["find block"]["find"]["selected_option"] == option("A-1")
    assert values["more block"]["more"]["selected_options"] == [option("A-2")]


async def test_a_searchable_input_takes_what_was_suggested(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp, heard: list[Json]
) -> None:
    @app.options("find")
    async def suggest(args: AsyncArgs) -> None:
        heard.append(args.body)
        await args.ack(options=[option(args.body["value"])])

    view = await opened(slack, client, modal(asked("find", "external_select", min_query_length=1)))
    with pytest.raises(Impossible, match="suggest"):
        await slack.submit("U0FIONA", view, {"find": "A-1"})

    await slack.suggest("U0FIONA", view, "find", "A-1")
    await slack.submit("U0FIONA", view, {"find": "A-1"})

    assert (heard[0]["container"], heard[0]["view"]["id"]) == ({"type": "view", "view_id": view.id}, view.id)
    assert heard[1]["view"]["state"]["values"]["find block"]["find"]["selected_option"] == option("A-1")


async def test_a_channel_that_is_asked_for_gives_a_response_url(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json], http: aiohttp.ClientSession
) -> None:
    source = modal(asked("place", "conversations_select", response_url_enabled=True), asked("note", optional=True))
    view = await opened(slack, client, source)

    await slack.submit("U0FIONA", view, {"place": "C0FRONT"})

    [url] = heard[0]["response_urls"]
    assert (url["channel_id"], url["action_id"], url["block_id"]) == ("C0FRONT", "place", "place block")
    await http.post(url["response_url"], json={"text": "Done", "response_type": "in_channel"})
    assert [message.text for message in slack.workspace.visible_to("U0OMAR", "C0FRONT")] == ["Done"]


async def test_a_press_in_a_modal_carries_the_view(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    view = await opened(slack, client, modal(*EVERYTHING))

    reaction = await slack.click("U0FIONA", view, label="Go")

    assert [button.label for button in buttons(view)] == ["Go"]
    assert (heard[0]["container"], heard[0]["view"]["hash"]) == ({"type": "view", "view_id": view.id}, view.hash)
    assert "response_url" not in heard[0]
    await client.views_push(trigger_id=reaction.trigger_id, view=modal())
    assert len(slack.workspace.modals["U0FIONA"]) == 2


async def test_a_modal_without_submit_cannot_be_sent_off(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    view = await opened(slack, client, {"type": "modal", "title": plain("Wait"), "blocks": []})

    with pytest.raises(Impossible, match="no button to send it off"):
        await slack.submit("U0FIONA", view)
    assert heard == []


async def test_a_view_belongs_to_one_person(slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]) -> None:
    view = await opened(slack, client, modal())

    with pytest.raises(Impossible, match="U0OMAR does not see the view of U0FIONA"):
        await slack.submit("U0OMAR", view, {"note": "Hello"})
    assert heard == []


async def test_closing_is_told_only_when_asked_for(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json]
) -> None:
    quiet = await opened(slack, client, modal())
    reaction = await slack.close("U0FIONA", quiet)
    assert (reaction.status, reaction.payload, quiet.open) == (None, {}, False)

    loud = await opened(slack, client, modal(notify_on_close=True))
    await slack.close("U0FIONA", loud)

    assert [(payload["type"], payload["is_cleared"]) for payload in heard] == [("view_closed", False)]
    assert slack.workspace.modal("U0FIONA") is None


@pytest.mark.parametrize("cleared", [True, False])
async def test_a_stack_can_be_closed_as_a_whole(
    slack: SandboxSlack, client: AsyncWebClient, heard: list[Json], *, cleared: bool
) -> None:
    await opened(slack, client, modal())
    key = slack.state.tickets.trigger("U0FIONA", in_modal=True)
    await client.views_push(trigger_id=key, view=modal(clear_on_close=not cleared, notify_on_close=True))
    top = slack.workspace.modal("U0FIONA")
    assert top is not None

    await slack.close("U0FIONA", top, cleared=cleared)

    assert slack.workspace.modals["U0FIONA"] == []
    assert [payload["is_cleared"] for payload in heard] == [cleared]
