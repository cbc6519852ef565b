"""A real Bolt app answers a submitted modal: errors, another content, another modal, or the end."""

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.nouns import View
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def asked(action_id: str, kind: str = "plain_text_input", *, optional: bool = False, **more: Any) -> Json:
    """An input block named after its element, with a label in capitals."""
    element = {"type": kind, "action_id": action_id, **more}
    block = {"type": "input", "block_id": f"{action_id} block", "label": plain(action_id.upper()), "element": element}
    return block | ({"optional": True} if optional else {})


def option(value: str) -> Json:
    return {"text": plain(f"Unit {value}"), "value": value}


def modal(*blocks: Json, **more: Any) -> Json:
    shown = list(blocks) or [asked("note")]
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("Form"),
        "submit": plain("Send"),
        "blocks": shown,
    } | more


async def opened(slack: SandboxSlack, client: AsyncWebClient, source: Json) -> View:
    await client.views_open(trigger_id=slack.state.tickets.trigger("U0FIONA"), view=source)
    view = slack.workspace.modal("U0FIONA")
    assert view is not None
    return view


@pytest.fixture
def heard(app: AsyncApp) -> list[Json]:
    """What the app heard; it accepts every submission."""
    payloads: list[Json] = []

    async def listen(args: AsyncArgs) -> None:
        payloads.append(args.body)
        await args.ack()

    app.view("form")(listen)
    app.view_closed("form")(listen)
    app.action("go")(listen)
    return payloads


def replying(app: AsyncApp, **answer: Any) -> None:
    """Let the app answer every submission with this."""

    @app.view("form")
    async def listen(args: AsyncArgs) -> None:
        await args.ack(**answer)


async def test_errors_stay_in_the_modal(slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp) -> None:
    replying(app, response_action="errors", errors={"note block": "Not like this"})
    view = await opened(slack, client, modal())

    reaction = await slack.submit("U0FIONA", view, {"note": "Hello"})

    assert reaction.ok
    assert reaction.errors == view.errors == {"note block": "Not like this"}
    assert slack.workspace.modal("U0FIONA") is view


async def test_an_update_keeps_what_was_entered_where_ids_stay(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp
) -> None:
    other = asked("unit", options=[option("A-1")], kind="static_select", optional=True)
    replying(app, response_action="update", view=modal(asked("note"), other, title=plain("Again")))
    view = await opened(slack, client, modal(asked("note"), asked("unit"), asked("gone")))

    await slack.submit("U0FIONA", view, {"note": "Hello", "unit": "A-1", "gone": "x"})

    assert (view.title, view.updated) == ("Again", 1)
    assert [entry.get("value") for entry in view.entered.values()] == ["Hello"]
    assert slack.workspace.modal("U0FIONA") is view


async def test_another_modal_can_be_put_on_top_and_all_be_cleared(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp
) -> None:
    first = await opened(slack, client, modal())
    replying(app, response_action="push", view=modal(title=plain("Sure?"), callback_id="sure"))

    @app.view("sure")
    async def sure(args: AsyncArgs) -> None:
        await args.ack(response_action="clear")

    reaction = await slack.submit("U0FIONA", first, {"note": "Hello"})
    [second] = reaction.views
    assert (second.title, second.previous_view_id, slack.workspace.modal("U0FIONA")) == ("Sure?", first.id, second)
    with pytest.raises(Impossible, match="not the modal in front"):
        await slack.submit("U0FIONA", first, {})

    await slack.submit("U0FIONA", second, {"note": "Hello"})

    assert slack.workspace.modal("U0FIONA") is None
    with pytest.raises(Impossible, match="is closed"):
        await slack.submit("U0FIONA", second, {"note": "Hello"})


WRONG_ANSWERS = {
    "an error for another block": (
        {"response_action": "errors", "errors": {"other": "No"}},
        "an error for 'other', which is not an input; there are note block",
    ),
    "an empty error": ({"response_action": "errors", "errors": {"note block": " "}}, "an empty error for 'note block'"),
    "no errors": ({"response_action": "errors", "errors": {}}, "response_action errors without errors"),
    "an unknown action": (
        {"response_action": "explode"},
        "{'response_action': 'explode'} is not an answer that Slack knows",
    ),
    "an empty object": ({}, "{} is not an answer that Slack knows"),
    "a string": ("Done", "'Done' is not an answer that Slack knows"),
    "no view": ({"response_action": "update"}, "view: not a view of type modal"),
}


@pytest.mark.parametrize(("answer", "problem"), WRONG_ANSWERS.values(), ids=WRONG_ANSWERS.keys())
async def test_an_answer_that_slack_does_not_know_leaves_the_modal_open(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp, answer: Any, problem: str
) -> None:
    @app.middleware
    async def reply() -> BoltResponse:
        kind = "application/json" if isinstance(answer, dict) else "text/plain"
        return BoltResponse(status=200, body=answer, headers={"content-type": kind})

    view = await opened(slack, client, modal())

    reaction = await slack.submit("U0FIONA", view, {"note": "Hello"})

    assert (reaction.ok, reaction.error) == (False, "invalid_response")
    assert slack.problems == [f"answer to view_submission: {problem}"]
    assert slack.workspace.modal("U0FIONA") is view


async def test_a_submission_that_fails_leaves_the_modal_open(
    slack: SandboxSlack, client: AsyncWebClient, app: AsyncApp
) -> None:
    assert app
    view = await opened(slack, client, modal())

    reaction = await slack.submit("U0FIONA", view, {"note": "Hello"})

    assert reaction.error == "dispatch_failed"
    assert slack.workspace.modal("U0FIONA") is view
