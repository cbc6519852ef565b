"""A real Bolt app answers a submitted modal: errors, another content, another modal, or the end."""

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible
from tests.sandbox.slack.blocks import asked, modal, opened, option, plain
from tests.sandbox.slack.conftest import replying


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
