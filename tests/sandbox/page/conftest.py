"""A page over a Slack stand-in with a small real app, and a Stora nobody asks."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import yaml

from bot.manifest import committed
from bot.sandbox.page.backstage import Backstage
from bot.sandbox.page.seen import Installed
from bot.sandbox.page.server import Page
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from tests.sandbox.slack.conftest import app, client, clock, eventually, http, slack, unserved

__all__ = ["app", "client", "clock", "eventually", "http", "slack", "unserved"]

VISITORS = {"U0FIONA": "may reserve", "U0OMAR": "approves"}


@pytest.fixture
def stora(clock: list[float]) -> SandboxStora:
    return SandboxStora(demo_world(datetime.fromtimestamp(clock[0], UTC), units=40), now=lambda: clock[0])


@pytest.fixture
def backstage(slack: SandboxSlack, stora: SandboxStora, clock: list[float]) -> Backstage:
    async def owed() -> list[Json]:
        return [{"what": "announcement", "where": "#reservations", "state": "owed", "error": ""}]

    return Backstage(slack, stora, owed, lambda: clock[0])


@dataclass(slots=True)
class Visitor:
    """Somebody with a browser that draws nothing."""

    http: aiohttp.ClientSession
    url: str
    user: str = "U0FIONA"
    page: str = "first"

    async def act(self, name: str, **said: Any) -> tuple[int, Any]:
        async with self.http.post(
            f"{self.url}act/{name}", json={"user": self.user, "page": self.page, **said}
        ) as response:
            return response.status, await response.json()

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        async with self.http.get(self.url + path, params={"user": self.user, **query}) as response:
            return response.status, await (response.json() if "json" in response.content_type else response.text())

    @asynccontextmanager
    async def stream(self) -> AsyncIterator["Stream"]:
        query = {"user": self.user, "page": self.page}
        async with self.http.get(f"{self.url}stream", params=query) as response:
            yield Stream(response)


@dataclass(slots=True)
class Stream:
    """The events that reach a page."""

    response: aiohttp.ClientResponse
    passed: list[str] = field(default_factory=list)
    """The names of all so far."""

    async def line(self) -> str:
        return (await self.response.content.readline()).decode().strip()

    async def until(self, wanted: str) -> Any:
        """The data of the next event of this name."""
        while True:
            line = await self.line()
            assert not self.response.content.at_eof(), "the stream has ended"
            if line.startswith("event: "):
                self.passed.append(line.removeprefix("event: "))
            if line == f"event: {wanted}":
                return json.loads((await self.line()).removeprefix("data: "))


Opens = Callable[..., AbstractAsyncContextManager[Visitor]]


@pytest.fixture
def opens(slack: SandboxSlack, backstage: Backstage, http: aiohttp.ClientSession) -> Opens:
    """Open pages; ``manifest`` changes what the app asked for."""

    @asynccontextmanager
    async def start(*, events: tuple[str, ...] = (), heartbeat_seconds: float = 15.0) -> AsyncIterator[Visitor]:
        manifest = yaml.safe_load(committed())
        manifest["settings"]["event_subscriptions"] = {"bot_events": list(events)}
        installed = Installed(manifest, VISITORS, ("/units",))
        page = Page(slack, backstage, installed, heartbeat_seconds=heartbeat_seconds)
        async with page.serving(0) as url:
            yield Visitor(http, url)

    return start


@pytest.fixture
async def visitor(opens: Opens) -> AsyncIterator[Visitor]:
    async with opens() as visitor:
        yield visitor
