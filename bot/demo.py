"""`unitbot demo`: the real bot between stand-ins for Slack and Stora, all on this machine's loopback address."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import yaml
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import create_async_engine

from bot.app import Bot, running
from bot.manifest import committed
from bot.sandbox.loopback import serve
from bot.sandbox.page.backstage import Backstage
from bot.sandbox.page.seen import Installed
from bot.sandbox.page.server import Page
from bot.sandbox.slack.nouns import Json, Message, View
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.webhooks import WebhookSender
from bot.sandbox.terminal import readable
from bot.settings import FixedSettings
from bot.start.refused import CannotStart
from bot.store.schema import outbox

PERSON, CHANNEL = "U0FIONA", "C0FRONT"
"""Who says the one command, and in which channel."""
ANSWER_SECONDS, QUIET_SECONDS = 10.0, 0.4
"""How long an answer is waited for, and how long nothing must change for it to count as whole."""
OWED_SHOWN = 20
WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105 - it opens nothing but the demo

ROLES = (
    {"name": "front desk", "can": ["reserve", "release"], "groups": ["S0FRONT"]},
    {"name": "operations", "can": ["reserve", "release", "approve", "audit"], "groups": ["S0OPS"]},
)
VISITORS = {
    "U0FIONA": "front desk, may reserve",
    "U0OMAR": "operations, approves",
    "U0NADIA": "new here, may look and ask",
    "U0GUS": "a guest",
}
"""Whom a visitor can be."""
HINTS = ("/units site=Camden status=available", "/reserve A-012", "/unitbot whoami")


@dataclass(frozen=True, slots=True)
class Demo:
    """The bot and its neighbours, at work."""

    slack: SandboxSlack
    stora: SandboxStora
    bot: Bot
    database_url: str


@asynccontextmanager
async def demo(
    *,
    socket_mode: bool = False,
    slack: SandboxSlack | None = None,
    stora: SandboxStora | None = None,
    now: Callable[[], float] = time.time,
    **settings: Any,
) -> AsyncIterator[Demo]:
    """Run the bot between stand-ins inside the block.

    Args:
        socket_mode: Whether Slack's requests come through a socket rather than by HTTP.
        slack: A stand-in other than the demo's.
        stora: The same.
        now: The bot's clock and that of the demo's stand-ins, in seconds since the epoch.
        settings: Settings of the bot other than the demo's.
    """
    scopes = yaml.safe_load(committed())["oauth_config"]["scopes"]["bot"]
    slack = slack or SandboxSlack(demo_workspace(), scopes=scopes, now=now)
    stora = stora or SandboxStora(demo_world(_moment(now)), now=now)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        slack_url = await stack.enter_async_context(slack.serving())
        stora_url = await stack.enter_async_context(serve(stora.application()))
        reached_by = {"slack_app_token": slack.app_token} if socket_mode else {}
        chosen = {
            "slack_bot_token": slack.bot_token,
            "slack_signing_secret": slack.signing_secret,
            "slack_api_url": f"{slack_url}/api/",
            "stora_api_url": stora_url,
            "stora_api_token": stora.token,
            "host": "127.0.0.1",
            "port": 0,
            "roles": ROLES,
            "notify_channel": "C0RESERVE",
            "database_url": f"sqlite+aiosqlite:///{folder}/unitbot.db",
            **reached_by,
            **settings,
        }
        bot = await stack.enter_async_context(running(FixedSettings(**chosen), lambda: _moment(now)))
        if not socket_mode:
            slack.request_url = f"{bot.url}/slack/events"
        yield Demo(slack, stora, bot, str(chosen["database_url"]))


@asynccontextmanager
async def demo_page(at_work: Demo, port: int = 0) -> AsyncIterator[str]:
    """Serve the channel in a browser inside the block; yields its address.

    Args:
        at_work: What is shown.
        port: On 127.0.0.1; 0 chooses a free one.

    Raises:
        CannotStart: the port is taken.
    """
    slack, stora = at_work.slack, at_work.stora
    engine = create_async_engine(at_work.database_url)

    async def owed() -> list[Json]:
        """What is in the outbox, the newest first."""
        async with engine.connect() as connection:
            rows = (await connection.execute(select(outbox).order_by(outbox.c.id.desc()).limit(OWED_SHOWN))).mappings()
            return [_owed(row, slack) for row in rows]

    webhooks = WebhookSender(stora.world, f"{at_work.bot.url}/stora/webhooks", WEBHOOK_SECRET)
    installed = Installed(yaml.safe_load(committed()), VISITORS, HINTS)
    page = Page(slack, Backstage(slack, stora, owed, slack.state.now), installed)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        await stack.enter_async_context(webhooks.following())
        try:
            url = await stack.enter_async_context(page.serving(port))
        except (OSError, OverflowError) as error:
            raise CannotStart(f"--port: cannot listen on 127.0.0.1:{port} ({error}); choose another one") from None
        yield url


def _owed(row: RowMapping, slack: SandboxSlack) -> Json:
    channel = slack.workspace.channels.get(row["channel_id"])
    where = f"#{channel.name}" if channel else row["channel_id"]
    return {"what": row["kind"], "where": where, "state": row["state"], "error": row["error"]}


def _moment(now: Callable[[], float]) -> datetime:
    return datetime.fromtimestamp(now(), UTC)


def page_settings(now: Callable[[], float] = time.time) -> dict[str, Any]:
    """The settings of a bot that has everything to show; its digest is due at once."""
    return {
        "stora_webhook_secret": WEBHOOK_SECRET,
        "approvals_channel": "C0APPROVE",
        "digest_time": f"{_moment(now):%H:%M}",
        "digest_timezone": "UTC",
    }


async def show(port: int) -> NoReturn:
    """Serve the page until cancelled. Raises ``CannotStart`` when the port is taken."""
    stora = SandboxStora(demo_world(datetime.now(UTC), hostile=False))
    async with demo(stora=stora, **page_settings()) as at_work:
        await _all_known(at_work)
        async with demo_page(at_work, port) as url:
            print(f"Unitbot's demo is at {url} - open it in a browser; Ctrl-C ends it.", flush=True)  # noqa: T201
            while True:
                await asyncio.Event().wait()


async def _all_known(at_work: Demo) -> None:
    """Wait until the bot has read all that Stora has, so that the first command is answered like every later one."""
    await asyncio.gather(at_work.bot.directory.sweep(), at_work.bot.tenancies.refresh())


async def say(text: str) -> bool:
    """Give the bot this one command and print the answer; whether one came."""
    if not text.startswith("/"):
        print("A command begins with /, such as /units site=Camden.")  # noqa: T201
        return False
    async with demo() as at_work:
        await _all_known(at_work)
        return await _answered(await at_work.slack.command(PERSON, CHANNEL, text), at_work)


async def _answered(reaction: Reaction, at_work: Demo) -> bool:
    """Print what came of it once nothing more comes, messages or a dialog; whether anything did."""
    if reaction.error:
        print(f"Slack shows: {reaction.error}")  # noqa: T201
        return False
    with suppress(TimeoutError):
        await at_work.slack.until(lambda: reaction.messages or reaction.views, seconds=ANSWER_SECONDS)
    seen = None
    while seen != (seen := [message.text for message in reaction.messages]):  # noqa: ASYNC110 - quiet is no event
        await asyncio.sleep(QUIET_SECONDS)
    answers: list[Message | View] = [*reaction.views, *reaction.messages]
    for answer in answers:
        print(readable(answer))  # noqa: T201
    return bool(answers)
