"""A browser for the session, and for each test a demo of its own with as many visitors as it wants."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import yaml
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bot.demo import Demo, demo, demo_page, page_settings
from bot.manifest import committed
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MILLISECONDS = 5_000


def needs(what: object, reason: str) -> None:
    """Skip where something is missing that only some machines have; CI has it."""
    if not what and os.environ.get("CI"):
        pytest.fail(f"CI must not skip this: {reason}")
    if not what:
        pytest.skip(reason)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    needs(CHROMIUM, "no Chromium is installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@dataclass(slots=True)
class Stage:
    """A demo with its page, and who looks at it; ``wrong`` is what no browser may ever report."""

    browser: Browser
    stack: AsyncExitStack
    at_work: Demo
    url: str
    wrong: list[str] = field(default_factory=list)

    async def visit(self, user: str = "U0FIONA", place: str = "C0FRONT", **how: Any) -> Page:
        """Open a browser of its own as this person."""
        how = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "timezone_id": "UTC", **how}
        context: BrowserContext = await self.stack.enter_async_context(await self.browser.new_context(**how))
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: self._no_violation(said.text))
        page.on("request", lambda asked: self._only_here(asked.url))
        await page.goto(f"{self.url}#{user}/{place}")
        return page

    def _no_violation(self, said: str) -> None:
        if "Security Policy" in said:
            self.wrong.append(said)

    def _only_here(self, url: str) -> None:
        if urlsplit(url).hostname != "127.0.0.1":
            self.wrong.append(f"asked {url}")


Stages = Callable[..., Awaitable[Stage]]


def a_slack(**chosen: Any) -> SandboxSlack:
    scopes = yaml.safe_load(committed())["oauth_config"]["scopes"]["bot"]
    return SandboxSlack(demo_workspace(), scopes=scopes, **chosen)


def a_stora(units: int = 80, *, hostile: bool = False, **chosen: Any) -> SandboxStora:
    limits = {"per_second": None, "per_minute": None, **chosen}
    return SandboxStora(demo_world(datetime.now(UTC), units=units, hostile=hostile), **limits)


@pytest_asyncio.fixture(loop_scope="session")
async def stages(browser: Browser) -> AsyncIterator[Stages]:
    """Set stages; at the end no page had an error, and the bot sent nothing that Slack would refuse."""
    set_up: list[Stage] = []
    async with AsyncExitStack() as stack:

        async def start(*, port: int = 0, **chosen: Any) -> Stage:
            chosen = {
                "slack": a_slack(),
                "stora": a_stora(),
                **page_settings(),
                "digest_time": None,
                "digest_timezone": None,
                "stora_requests_per_second": 1000,
                "stora_requests_per_minute": 10_000,
                **chosen,
            }
            at_work = await stack.enter_async_context(demo(**chosen))
            await at_work.bot.directory.sweep()
            await at_work.bot.tenancies.refresh()
            url = await stack.enter_async_context(demo_page(at_work, port))
            set_up.append(Stage(browser, stack, at_work, url))
            return set_up[-1]

        yield start
        for stage in set_up:
            assert stage.wrong == []
            assert stage.at_work.slack.problems == []


@pytest_asyncio.fixture(loop_scope="session")
async def stage(stages: Stages) -> Stage:
    return await stages()
