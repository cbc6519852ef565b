"""People type slash commands to a real Bolt app; its acknowledgement becomes what they see."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.response import BoltResponse

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*A-012*"}}]


def answering(app: AsyncApp, **answer: Any) -> list[dict[str, Any]]:
    """Let the app answer ``/units`` with this; the list gets each body that it read."""
    seen: list[dict[str, Any]] = []

    @app.command("/units")
    async def units(args: AsyncArgs) -> None:
        seen.append(args.body)
        await args.ack(**answer)

    return seen


async def test_a_command_carries_what_slack_sends(slack: SandboxSlack, app: AsyncApp) -> None:
    seen = answering(app)

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units site=Camden <b> & co")

    assert reaction.ok
    assert seen == [
        {
            "token": "sandbox-verification-token",
            "team_id": "T0HARBOUR",
            "team_domain": "harbour",
            "channel_id": "C0FRONT",
            "channel_name": "front-desk",
            "user_id": "U0FIONA",
            "user_name": "fiona",
            "command": "/units",
            "text": "site=Camden &lt;b&gt; &amp; co",
            "api_app_id": "A0UNITBOT",
            "is_enterprise_install": "false",
            "response_url": reaction.response_url,
            "trigger_id": reaction.trigger_id,
        }
    ]
    assert reaction.response_url.startswith(f"{slack.url}/response/")
    assert (reaction.body, reaction.messages, slack.problems) == (None, [], [])


async def test_an_enterprise_and_a_private_channel_look_different(slack: SandboxSlack, app: AsyncApp) -> None:
    slack.workspace.enterprise_id = "E0HARBOUR"
    seen = answering(app)

    await slack.command("U0OMAR", "C0MANAGER", "/units")

    assert (seen[0]["enterprise_id"], seen[0]["channel_name"], seen[0].get("text", "")) == (
        "E0HARBOUR",
        "privategroup",
        "",
    )


async def test_names_and_addresses_become_tokens_when_the_manifest_escapes(slack: SandboxSlack, app: AsyncApp) -> None:
    seen = answering(app)
    slack.should_escape = True

    await slack.command(
        "U0FIONA",
        "C0FRONT",
        "/units @omar #front-desk #managers @nobody #nowhere jane@example.com https://a.example/?b&c",
    )

    assert seen[0]["text"] == (
        "<@U0OMAR|omar> <#C0FRONT|front-desk> <#C0MANAGER|> @nobody #nowhere "
        "<mailto:jane@example.com|jane@example.com> <https://a.example/?b&amp;c>"
    )


async def test_an_answer_is_seen_by_the_asker_alone(slack: SandboxSlack, app: AsyncApp) -> None:
    answering(app, text="One unit", blocks=BLOCKS)

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    [message] = reaction.messages
    assert (message.text, message.blocks[0]["text"], message.ephemeral_to) == ("One unit", BLOCKS[0]["text"], "U0FIONA")
    assert slack.workspace.visible_to("U0FIONA", "C0FRONT") == [message]
    assert slack.workspace.visible_to("U0OMAR", "C0FRONT") == []


async def test_a_shared_answer_shows_the_command_too(slack: SandboxSlack, app: AsyncApp) -> None:
    answering(app, text="One unit", response_type="in_channel")

    await slack.command("U0FIONA", "C0FRONT", "/units share")

    seen = slack.workspace.visible_to("U0OMAR", "C0FRONT")
    assert [(message.user, message.text) for message in seen] == [
        ("U0FIONA", "/units share"),
        ("U0UNITBOT", "One unit"),
    ]


async def test_a_bare_string_is_an_answer_too(slack: SandboxSlack, app: AsyncApp) -> None:
    @app.command("/units")
    async def units(args: AsyncArgs) -> None:
        await args.ack("One unit")

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.body, [message.text for message in reaction.messages]) == ("One unit", ["One unit"])


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"text": "Hello <!here>"}, "text: pings: <!here>"),
        ({"text": "Hello", "response_type": "all"}, "response_type: 'all' is neither ephemeral nor in_channel"),
    ],
)
async def test_an_answer_that_breaks_a_rule_is_not_shown(
    slack: SandboxSlack, app: AsyncApp, answer: dict[str, Any], problem: str
) -> None:
    answering(app, **answer)

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.ok, reaction.error, reaction.messages) == (False, "invalid_response", [])
    assert slack.problems == [f"answer to /units: {problem}"]


async def test_an_answer_that_is_no_message_is_a_violation(slack: SandboxSlack, app: AsyncApp) -> None:
    @app.middleware
    async def answer() -> BoltResponse:
        return BoltResponse(status=200, body="[1]", headers={"content-type": "application/json"})

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert reaction.error == "invalid_response"
    assert slack.problems == ["answer to /units: [1] is not a message"]


async def test_a_command_without_a_listener_fails(slack: SandboxSlack, app: AsyncApp) -> None:
    answering(app)

    reaction = await slack.command("U0FIONA", "C0FRONT", "/reserve")

    assert (reaction.status, reaction.error, reaction.messages) == (404, "dispatch_failed", [])


async def test_a_late_acknowledgement_is_a_timeout(slack: SandboxSlack, app: AsyncApp, clock: list[float]) -> None:
    @app.command("/units")
    async def units(args: AsyncArgs) -> None:
        clock[0] += 3.1
        await args.ack(text="Too late")

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.timed_out, reaction.error, reaction.messages) == (True, "operation_timeout", [])
    assert reaction.seconds == pytest.approx(3.1)


async def test_three_seconds_are_in_time(slack: SandboxSlack, app: AsyncApp, clock: list[float]) -> None:
    @app.command("/units")
    async def units(args: AsyncArgs) -> None:
        clock[0] += 3.0
        await args.ack(text="Just in time")

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.ok, reaction.seconds, len(reaction.messages)) == (True, 3.0, 1)


@pytest.mark.parametrize(
    ("user", "channel", "typed"),
    [
        ("U0SAM", "C0FRONT", "/units"),
        ("U0FIONA", "C0OLD", "/units"),
        ("U0FIONA", "C0FRONT", "units"),
    ],
    ids=["not in the channel", "an archived channel", "no slash"],
)
async def test_nobody_types_where_slack_has_no_line_to_type_in(
    slack: SandboxSlack, app: AsyncApp, user: str, channel: str, typed: str
) -> None:
    answering(app)

    with pytest.raises(Impossible):
        await slack.command(user, channel, typed)


async def test_without_its_scope_an_app_has_no_commands(slack: SandboxSlack, app: AsyncApp) -> None:
    answering(app)
    slack.state.scopes -= {"commands"}

    with pytest.raises(Impossible, match="without the scope commands"):
        await slack.command("U0FIONA", "C0FRONT", "/units")


async def test_the_body_is_a_form(slack: SandboxSlack, app: AsyncApp) -> None:
    answering(app)

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units a b")

    assert reaction.parcel is not None
    assert parse_qs(reaction.parcel.body.decode())["text"] == ["a b"]
