"""A town for each walk: the real bot between its neighbours, on free ports of the loopback address."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.demo import Demo, demo
from bot.manifest import committed
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora

Town = Callable[..., Awaitable[Demo]]


def a_slack() -> SandboxSlack:
    """Slack as the manifest installs the bot there."""
    return SandboxSlack(demo_workspace(), scopes=yaml.safe_load(committed())["oauth_config"]["scopes"]["bot"])


def a_stora(units: int = 80) -> SandboxStora:
    """Stora without a limit on requests, so that no walk waits for one."""
    return SandboxStora(demo_world(datetime.now(UTC), units=units), per_second=None, per_minute=None)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """Start towns; whatever the bot sent, Slack must have found nothing wrong with it."""
    async with AsyncExitStack() as stack:
        slacks: list[SandboxSlack] = []

        async def start(*, swept: bool = True, **chosen: Any) -> Demo:
            chosen = {
                "slack": a_slack(),
                "stora": a_stora(),
                "stora_requests_per_second": 1000,
                "stora_requests_per_minute": 10_000,
                **chosen,
            }
            slacks.append(chosen["slack"])
            at_work = await stack.enter_async_context(demo(**chosen))
            if swept:
                await at_work.bot.directory.sweep()
                await at_work.bot.tenancies.refresh()
                at_work.stora.received.clear()
            return at_work

        yield start
        for slack in slacks:
            assert slack.problems == []


@pytest.fixture(params=["http", "socket mode"])
async def both_ways(town: Town, request: pytest.FixtureRequest) -> Demo:
    """The same town with Slack's requests arriving either way."""
    return await town(socket_mode=request.param == "socket mode")


@asynccontextmanager
async def locked(file: Path) -> AsyncIterator[sqlite3.Connection]:
    """Another process has the database to itself for writing, as soon as the bot lets it."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        async with asyncio.timeout(5):
            while not other.in_transaction:
                try:
                    other.execute("BEGIN EXCLUSIVE")
                except sqlite3.OperationalError:
                    await asyncio.sleep(0.005)
        yield other
        other.execute("COMMIT")
