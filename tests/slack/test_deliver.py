"""Answers on their way to a person: to the right one, and nothing of them in the log."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.render.blocks import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.slack.deliver import Deliver, Reply, person_in

FIONA, DESK = "U0FIONA", "C0FRONT"


@pytest.fixture
async def slack() -> AsyncIterator[SandboxSlack]:
    slack = SandboxSlack(demo_workspace(), scopes=["chat:write"])
    async with slack.serving():
        yield slack


@pytest.fixture
async def deliver(slack: SandboxSlack) -> AsyncIterator[Deliver]:
    async with aiohttp.ClientSession() as session:
        yield Deliver(AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[]), session)


async def test_the_fallback_reaches_the_person_and_not_the_bot_where_slack_names_no_bot_id(
    slack: SandboxSlack, deliver: Deliver
) -> None:
    taken_for: list[str | None] = []

    async def authorize() -> AuthorizeResult:
        who = await deliver.client.auth_test()
        del who.data["bot_id"]  # type: ignore[union-attr]  # it is a dict
        return AuthorizeResult.from_auth_test_response(auth_test_response=who, bot_token=slack.bot_token)

    app = AsyncApp(signing_secret="signing-secret", authorize=authorize)

    @app.action("go")
    async def pressed(args: AsyncArgs) -> None:
        taken_for.append(args.context.user_id)
        await Reply(args, deliver).replace(Message("Done"))

    body = {
        "type": "block_actions",
        "team": {"id": "T0HARBOUR"},
        "user": {"id": FIONA},
        "channel": {"id": "C0RESERVE"},
        "actions": [{"type": "button", "action_id": "go", "block_id": "b"}],
    }
    await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
    [whispered] = slack.called("chat.postEphemeral")
    assert whispered.arguments["user"] == FIONA
    assert taken_for == [slack.workspace.bot_user_id]  # if not, Bolt has changed and so may we


@pytest.mark.parametrize(
    ("body", "person"),
    [
        ({"user_id": FIONA}, FIONA),
        ({"user": {"id": FIONA}}, FIONA),
        ({"event": {"user": FIONA}}, FIONA),
        ({"user": {}}, ""),
        ({"event": {}}, ""),
        ({}, ""),
    ],
    ids=["a command", "a click", "an event", "a click of nobody", "an event of nobody", "nothing"],
)
def test_the_person_is_the_one_whom_slack_names(body: dict[str, Any], person: str) -> None:
    assert person_in(body) == person


@pytest.mark.parametrize(
    ("answered", "logged"),
    [
        ("used_url", {"reason": "used_url"}),
        ("No tenancy of Mary Miller", {}),
        ("mary_miller\n", {}),
        ("", {}),
        ("x" * 101, {}),
    ],
)
async def test_of_the_answer_that_refuses_a_message_only_a_word_of_slacks_own_is_logged(
    slack: SandboxSlack, deliver: Deliver, answered: str, logged: dict[str, str]
) -> None:
    slack.faults.error(answered, "response_url")
    with capture_logs() as lines:
        assert not await deliver.respond(f"{slack.url}/response/any", {"text": "Done"})
    assert lines == [{"event": "response_url refused", "log_level": "warning", "status": 404, **logged}]
