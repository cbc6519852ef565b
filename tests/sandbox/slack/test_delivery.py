"""Requests to the bot: genuine, forged, stale, repeated, and to a bot that is not there; and who is told of changes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.loopback import serve
from bot.sandbox.slack.journal import Change
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace

BODY = b"command=%2Funits&text=&user_id=U0FIONA&team_id=T0HARBOUR"


@pytest.fixture
def ran(app: AsyncApp) -> list[str]:
    """The users whose command the app ran."""
    users: list[str] = []

    @app.command("/units")
    async def units(args: AsyncArgs) -> None:
        users.append(args.body["user_id"])
        await args.ack(text="One unit")

    return users


async def test_a_genuine_request_is_run_and_a_forged_one_is_not(slack: SandboxSlack, ran: list[str]) -> None:
    genuine = slack.signed(BODY)

    assert (await slack.post_raw(BODY, genuine)).status == 200
    assert (await slack.post_raw(BODY + b"&text=x", genuine)).status == 401
    assert (await slack.post_raw(BODY, {})).status == 401
    assert ran == ["U0FIONA"]


async def test_a_stale_request_is_refused(ran: list[str], app: AsyncApp) -> None:
    assert app
    stale = SandboxSlack(demo_workspace(), scopes=["commands"], signing_clock=lambda: 1_000_000_000.0)
    async with serve(app.web_app("/slack/events")) as url:
        stale.request_url = f"{url}/slack/events"
        stale.url = url
        reaction = await stale.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.status, reaction.error, ran) == (401, "dispatch_failed", [])


async def test_a_repeated_request_is_identical_and_only_looked_at(slack: SandboxSlack, ran: list[str]) -> None:
    first = await slack.command("U0FIONA", "C0FRONT", "/units")

    again = await slack.redeliver(first)

    assert (again.parcel, again.body) == (first.parcel, "One unit")
    assert ran == ["U0FIONA", "U0FIONA"]
    assert len(slack.workspace.visible_to("U0FIONA", "C0FRONT")) == 1


async def test_nothing_cannot_be_repeated(slack: SandboxSlack, client: AsyncWebClient) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    await client.views_open(trigger_id=slack.state.tickets.trigger("U0FIONA"), view=view)
    modal = slack.workspace.modal("U0FIONA")
    assert modal is not None
    closed = await slack.close("U0FIONA", modal)

    with pytest.raises(RuntimeError, match="nothing was sent"):
        await slack.redeliver(closed)


async def test_a_bot_that_is_not_there_is_undelivered(slack: SandboxSlack) -> None:
    async with serve(web.Application()) as url:
        slack.request_url = f"{url}/slack/events"

    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.undelivered, reaction.status, reaction.error) == (True, None, "dispatch_failed")


@pytest.fixture
async def dying(slack: SandboxSlack) -> AsyncIterator[None]:
    """A bot that hangs up without an answer."""

    async def hang_up(request: web.Request) -> web.Response:
        request.protocol.force_close()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hang_up)
    async with serve(app) as slack.request_url:
        yield


@pytest.mark.usefixtures("dying")
async def test_a_bot_that_dies_may_have_got_it(slack: SandboxSlack) -> None:
    reaction = await slack.command("U0FIONA", "C0FRONT", "/units")

    assert (reaction.undelivered, reaction.status, reaction.error) == (False, None, "dispatch_failed")


async def test_a_bot_that_never_answers_times_out() -> None:
    never = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", wait)
    slack = SandboxSlack(demo_workspace(), scopes=["commands"], ack_seconds=0.01)
    slack.url = "http://127.0.0.1"
    async with serve(app) as slack.request_url:
        reaction = await slack.command("U0FIONA", "C0FRONT", "/units")
        never.set()

    assert (reaction.timed_out, reaction.status, reaction.error) == (True, None, "operation_timeout")


async def test_acts_need_an_address_for_the_response_url() -> None:
    slack = SandboxSlack(demo_workspace(), scopes=["commands"])

    with pytest.raises(RuntimeError, match=r"set slack\.url"):
        await slack.command("U0FIONA", "C0FRONT", "/units")


async def test_the_address_is_learnt_from_the_first_request() -> None:
    slack = SandboxSlack(demo_workspace(), scopes=["commands"])
    async with serve(slack.application()) as url:
        await AsyncWebClient(slack.bot_token, base_url=f"{url}/api/").auth_test()

        assert slack.url == url
        await AsyncWebClient(slack.bot_token, base_url=f"{url}/api/").auth_test()
        assert slack.url == url


async def test_raw_requests_need_http(slack: SandboxSlack) -> None:
    assert slack.request_url is None
    with pytest.raises(RuntimeError, match="Socket Mode"):
        await slack.post_raw(BODY, {})


async def test_listeners_are_told_until_they_leave(slack: SandboxSlack, client: AsyncWebClient) -> None:
    queue: asyncio.Queue[Change] = slack.subscribe()
    ts = (await client.chat_postMessage(channel="C0RESERVE", text="Hello"))["ts"]
    await client.chat_update(channel="C0RESERVE", ts=ts, text="Hello again")
    slack.unsubscribe(queue)
    await client.chat_delete(channel="C0RESERVE", ts=ts)

    told = [queue.get_nowait() for _ in range(queue.qsize())]
    assert [change.what for change in told] == ["message_added", "api_call", "message_updated", "api_call"]
    assert told[0].message is not None
    assert told[1].call is not None
    assert (told[0].message.ts, told[1].call.method) == (ts, "chat.postMessage")


async def test_waiting_in_vain_says_what_the_bot_did(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(TimeoutError, match="the bot called nothing"):
        await slack.until(lambda: False, seconds=0.01)
    await client.auth_test()
    with pytest.raises(TimeoutError, match=r"the bot called auth\.test; problems: \[\]"):
        await slack.until(lambda: False, seconds=0.01)
    assert await slack.until(lambda: len(slack.calls)) == 1
