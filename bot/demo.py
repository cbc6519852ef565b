"""`unitbot demo`: the real bot between stand-ins for Slack and Stora, all on this machine's loopback address."""

import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from bot.app import Bot, running
from bot.manifest import committed
from bot.sandbox.loopback import serve
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.terminal import button_labels, readable
from bot.settings import FixedSettings

PERSON, CHANNEL = "U0FIONA", "C0FRONT"
"""Who sits at the terminal, and in which channel."""
ANSWER_SECONDS, QUIET_SECONDS = 10.0, 0.4
"""How long an answer is waited for, and how long nothing must change for it to count as whole."""


ROLES = (
    {"name": "front desk", "can": ["reserve", "release"], "groups": ["S0FRONT"]},
    {"name": "operations", "can": ["reserve", "release", "approve", "audit"], "groups": ["S0OPS"]},
)
"""Fiona may reserve, Omar may see the record too, Nadia may look."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The bot and its neighbours, at work."""

    slack: SandboxSlack
    stora: SandboxStora
    bot: Bot


@asynccontextmanager
async def demo(
    *, socket_mode: bool = False, slack: SandboxSlack | None = None, stora: SandboxStora | None = None, **settings: Any
) -> AsyncIterator[Demo]:
    """Run the bot between stand-ins inside the block.

    Args:
        socket_mode: Whether Slack's requests come through a socket rather than by HTTP.
        slack: A stand-in other than the demo's.
        stora: The same.
        settings: Settings of the bot other than the demo's.
    """
    slack = slack or SandboxSlack(demo_workspace(), scopes=yaml.safe_load(committed())["oauth_config"]["scopes"]["bot"])
    stora = stora or SandboxStora(demo_world(datetime.now(UTC)))
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
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
        bot = await stack.enter_async_context(running(FixedSettings(**chosen)))
        if not socket_mode:
            slack.request_url = f"{bot.url}/slack/events"
        yield Demo(slack, stora, bot)


async def demonstrate(text: str | None) -> bool:
    """Answer ``text``, or what is typed until the terminal is closed; whether every answer came."""
    async with demo() as at_work:
        await asyncio.gather(at_work.bot.directory.sweep(), at_work.bot.tenancies.refresh())
        if text is not None and not text.startswith("/"):
            print("A command begins with /, such as /units site=Camden.")  # noqa: T201
            return False
        if text is not None:
            shown = await _answered(await at_work.slack.command(PERSON, CHANNEL, text), at_work)
            return bool(shown)
        print("Unitbot is running with pretended neighbours; you are Fiona of the front desk, in #front-desk.")  # noqa: T201
        print("Type a command such as /units site=Camden, or the name of a button such as Next; Ctrl-D ends.")  # noqa: T201
        await _converse(at_work)
    return True


async def _converse(at_work: Demo) -> None:
    latest: list[Message] = []
    async for text in _typed():
        pressed = next((message for message in latest if text in button_labels(message)), None)
        if text.startswith("/"):
            latest = await _answered(await at_work.slack.command(PERSON, CHANNEL, text), at_work)
        elif pressed:
            latest = await _answered(await at_work.slack.click(PERSON, pressed, label=text), at_work)
        elif text:
            print("That is neither a command nor a button of the last message.")  # noqa: T201


async def _typed() -> AsyncIterator[str]:
    """Line by line what is typed, until the terminal is closed."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits for what is typed
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

    # A daemon: nothing can call a thread back from reading, and it must not keep the process from ending.
    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        yield line.strip()


async def _answered(reaction: Reaction, at_work: Demo) -> list[Message]:
    """Print what came of it once nothing more comes: messages, or a dialog. Returns the messages."""
    if reaction.error:
        print(f"Slack shows: {reaction.error}")  # noqa: T201
        return []
    with suppress(TimeoutError):
        await at_work.slack.until(lambda: _of_the_bot(reaction) or reaction.views, seconds=ANSWER_SECONDS)
    seen = None
    while seen != (seen := [message.text for message in _of_the_bot(reaction)]):  # noqa: ASYNC110 - quiet is no event
        await asyncio.sleep(QUIET_SECONDS)
    for view in reaction.views:
        print(readable(view))  # noqa: T201
        print("(This terminal cannot fill in dialogs: type the whole command, /reserve UNIT CUSTOMER.)")  # noqa: T201
    messages = _of_the_bot(reaction)
    for message in messages:
        if message.channel != CHANNEL:
            print(f"In #{at_work.slack.workspace.channel(message.channel).name}:")  # noqa: T201
        print(readable(message))  # noqa: T201
    return messages


def _of_the_bot(reaction: Reaction) -> list[Message]:
    return [message for message in reaction.messages if message.user != PERSON]
