"""Socket Mode with slack_bolt's own handler, and with bare WebSockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.sockets import Reason
from bot.sandbox.slack.workspace import demo_workspace

Eventually: TypeAlias = Callable[[Callable[[], object]], Awaitable[None]]

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "1"}


@pytest.fixture
def bodies(unserved: AsyncApp) -> list[dict[str, Any]]:
    """What the Bolt app heard."""
    heard: list[dict[str, Any]] = []

    @unserved.command("/units")
    async def units(args: AsyncArgs) -> None:
        heard.append(args.body)
        await args.ack(text="One unit", blocks=[{"type": "actions", "elements": [BUTTON]}])

    @unserved.action("go")
    async def go(args: AsyncArgs) -> None:
        heard.append(args.body)
        await args.ack()
        await args.respond("Reserved", replace_original=True)

    @unserved.event("app_mention")
    async def mention(args: AsyncArgs) -> None:
        heard.append({"retry": args.request.headers.get("x-slack-retry-num")})

    return heard


@pytest.fixture
async def handler(
    slack: SandboxSlack, unserved: AsyncApp, eventually: Eventually
) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app's connection to the stand-in."""
    found = AsyncSocketModeHandler(unserved, slack.app_token, ping_interval=0.2)
    await found.connect_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves its answer untyped
    await eventually(lambda: slack.connections == 1)
    yield found
    await found.close_async()  # type: ignore[no-untyped-call]  # the same


@pytest.mark.usefixtures("handler")
async def test_a_command_and_a_press_travel_over_the_socket(slack: SandboxSlack, bodies: list[dict[str, Any]]) -> None:
    reaction = await slack.command("U0FIONA", "C0FRONT", "/units site=Camden")
    [message] = reaction.messages
    assert (reaction.status, message.text, message.ephemeral_to) == (200, "One unit", "U0FIONA")

    pressed = await slack.click("U0FIONA", message, label="Go")
    await slack.until(lambda: message.edited)

    assert pressed.ok
    assert [body["text"] if "text" in body else body["type"] for body in bodies] == ["site=Camden", "block_actions"]
    assert (message.text, slack.problems) == ("Reserved", [])


@pytest.mark.usefixtures("handler")
async def test_a_repeated_event_says_so(
    slack: SandboxSlack, bodies: list[dict[str, Any]], eventually: Eventually
) -> None:
    first = await slack.mention("U0FIONA", "C0RESERVE", "help")
    await slack.redeliver(first, retry_num=2, retry_reason="http_timeout")

    await eventually(lambda: len(bodies) == 2)
    assert bodies == [{"retry": ["0"]}, {"retry": ["2"]}]


async def test_without_a_connection_nothing_is_delivered(slack: SandboxSlack) -> None:
    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.undelivered, reaction.status, reaction.error) == (True, None, "dispatch_failed")


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
@pytest.mark.usefixtures("handler")
async def test_a_client_that_is_asked_to_connects_anew(
    slack: SandboxSlack, bodies: list[dict[str, Any]], eventually: Eventually, reason: Reason
) -> None:
    await slack.disconnect(reason)
    assert (await slack.command("U0FIONA", "C0FRONT", "/units")).undelivered

    await eventually(lambda: slack.connections == 1)

    assert len(slack.called("apps.connections.open")) >= 2
    assert (await slack.command("U0FIONA", "C0FRONT", "/units")).ok
    assert len(bodies) == 1


@pytest.mark.usefixtures("handler", "bodies")
async def test_a_client_that_was_cut_off_comes_back(slack: SandboxSlack, eventually: Eventually) -> None:
    slack.drop_sockets()
    assert (await slack.command("U0FIONA", "C0FRONT", "/units")).undelivered
    await eventually(lambda: slack.connections == 0)

    await eventually(lambda: slack.connections == 1)

    assert (await slack.command("U0FIONA", "C0FRONT", "/units")).ok


@pytest.fixture
async def bare() -> AsyncIterator[SandboxSlack]:
    """A stand-in without an app."""
    stand_in = SandboxSlack(demo_workspace(), scopes=["commands"])
    async with stand_in.serving():
        yield stand_in


@pytest.fixture
async def hasty() -> AsyncIterator[SandboxSlack]:
    """A stand-in that does not wait long for an acknowledgement."""
    stand_in = SandboxSlack(demo_workspace(), scopes=["commands"], ack_seconds=0.05)
    async with stand_in.serving():
        yield stand_in


async def socket_url(slack: SandboxSlack) -> str:
    client = AsyncWebClient(slack.app_token, base_url=f"{slack.url}/api/")
    return str((await client.apps_connections_open(app_token=slack.app_token))["url"])


async def test_only_the_app_token_opens_connections(bare: SandboxSlack) -> None:
    client = AsyncWebClient(base_url=f"{bare.url}/api/")
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=bare.bot_token)


async def test_a_ticket_opens_one_connection_which_says_hello(bare: SandboxSlack, http: aiohttp.ClientSession) -> None:
    url = await socket_url(bare)
    async with http.ws_connect(url) as socket:
        hello = await socket.receive_json()
        await socket.ping(b"there?")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(url)

    assert (hello["type"], hello["num_connections"], hello["connection_info"]) == ("hello", 1, {"app_id": "A0UNITBOT"})


async def test_an_envelope_says_what_it_is_and_waits_for_its_acknowledgement(
    bare: SandboxSlack, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(await socket_url(bare)) as socket:
        await socket.receive_json()
        acting = asyncio.create_task(bare.shortcut("U0FIONA", "reserve"))
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": "another"})
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "Hello"}})
        reaction = await acting
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await socket.send_str("ok")
        await socket.send_bytes(b"ok")
        await socket.send_json([])
        await socket.close()

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", False)
    assert envelope["payload"] == reaction.payload
    assert reaction.status == 200
    assert bare.problems == [
        "interactive: an acknowledgement with a payload, where Slack takes none",
        "answer to shortcut: Slack takes no body here, got {'text': 'Hello'}",
        "socket: not an acknowledgement: 'ok'",
        "socket: not an acknowledgement: '[]'",
    ]


async def test_two_acknowledgements_at_once_count_as_one(bare: SandboxSlack, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(await socket_url(bare)) as socket:
        await socket.receive_json()
        acting = asyncio.create_task(bare.shortcut("U0FIONA", "reserve"))
        envelope = await socket.receive_json()
        for _ in range(2):
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await acting).ok


async def test_an_envelope_that_nobody_acknowledges_times_out(hasty: SandboxSlack, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(await socket_url(hasty)) as socket:
        await socket.receive_json()
        reaction = await hasty.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.timed_out, reaction.undelivered, reaction.error) == (True, False, "operation_timeout")


async def test_a_warned_client_still_gets_envelopes_and_a_leaving_one_does_not(
    hasty: SandboxSlack, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(await socket_url(hasty)) as socket:
        await socket.receive_json()
        await hasty.disconnect("warning")
        assert (await socket.receive_json())["reason"] == "warning"
        assert (await hasty.command("U0FIONA", "C0FRONT", "/units")).timed_out
        await hasty.disconnect()
        assert (await hasty.command("U0FIONA", "C0FRONT", "/units")).undelivered


async def test_envelopes_take_turns_and_an_acknowledgement_counts_on_any_connection(
    bare: SandboxSlack, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(await socket_url(bare)) as one, http.ws_connect(await socket_url(bare)) as two:
        for socket in (one, two):
            await socket.receive_json()
        for receiving, answering in ((two, one), (one, two)):
            acting = asyncio.create_task(bare.shortcut("U0FIONA", "reserve"))
            envelope = await receiving.receive_json()
            await answering.send_json({"envelope_id": envelope["envelope_id"]})
            assert (await acting).ok


async def test_ten_connections_are_enough(bare: SandboxSlack, http: aiohttp.ClientSession) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(http.ws_connect(await socket_url(bare)))
        async with http.ws_connect(await socket_url(bare)) as eleventh:
            refused = await eleventh.receive_json()
            closed = await eleventh.receive()

        assert (refused["reason"], closed.type) == ("too_many_websockets", aiohttp.WSMsgType.CLOSE)
        assert bare.connections == 10


async def test_open_connections_end_with_the_stand_in(http: aiohttp.ClientSession) -> None:
    stand_in = SandboxSlack(demo_workspace(), scopes=["commands"])
    async with stand_in.serving():
        socket = await http.ws_connect(await socket_url(stand_in))
        await socket.receive_json()
        reading = asyncio.create_task(socket.receive())

    assert (await reading).type is aiohttp.WSMsgType.CLOSE
