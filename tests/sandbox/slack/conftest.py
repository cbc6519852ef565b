"""A stand-in that is served, a clock that stands still, and a small real Bolt app over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.loopback import serve
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from tests.sandbox.slack.blocks import Json, option

SCOPES = (
    "app_mentions:read",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:read",
    "im:read",
    "im:write",
    "usergroups:read",
    "users:read",
)


@pytest.fixture
def clock() -> list[float]:
    """One number: the time, which stands still until a test moves it."""
    return [1_763_750_000.0]


@pytest.fixture
async def slack(clock: list[float]) -> AsyncIterator[SandboxSlack]:
    stand_in = SandboxSlack(demo_workspace(), scopes=SCOPES, now=lambda: clock[0])
    async with stand_in.serving():
        yield stand_in


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(slack: SandboxSlack, http: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", session=http, retry_handlers=[])


@pytest.fixture
def unserved(slack: SandboxSlack, client: AsyncWebClient) -> AsyncApp:
    """A Bolt app as a bot builds it, with an authorization that costs no call."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id="T0HARBOUR", bot_token=slack.bot_token, bot_user_id="U0UNITBOT"
        )

    quiet = logging.getLogger("slack_bolt")  # Bolt's own would log the body of whatever has a bad signature
    return AsyncApp(client=client, signing_secret=slack.signing_secret, authorize=authorize, logger=quiet)


@pytest.fixture
async def app(slack: SandboxSlack, unserved: AsyncApp) -> AsyncIterator[AsyncApp]:
    """The same app, served over HTTP, with the stand-in told where."""
    async with serve(unserved.web_app("/slack/events")) as url:
        slack.request_url = f"{url}/slack/events"
        yield unserved


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something is true that the stand-in does not see: Bolt acknowledges an event before it is handled."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(2):
            while not condition():
                await asyncio.sleep(0.002)

    return wait


@pytest.fixture
def heard(app: AsyncApp) -> list[Json]:
    """What the app heard of presses, choices and modals, each a payload; it accepts every submission."""
    payloads: list[Json] = []

    async def listen(args: AsyncArgs) -> None:
        payloads.append(args.body)
        await args.ack()

    async def suggest(args: AsyncArgs) -> None:
        payloads.append(args.body)
        typed = args.body["value"]
        await args.ack(options=[option(unit) for unit in ("A-1", "A-2", "B-1") if unit.startswith(typed)])

    for action_id in ("reserve", "open", "menu", "pick", "find", "when", "tick", "note", "go"):
        app.action(action_id)(listen)
    app.options("find")(suggest)
    app.view("form")(listen)
    app.view_closed("form")(listen)
    return payloads


def replying(app: AsyncApp, **answer: Any) -> None:
    """Let the app answer every submission with this."""

    @app.view("form")
    async def listen(args: AsyncArgs) -> None:
        await args.ack(**answer)
