"""`GET /readyz`: is everything usable that the bot needs? Cheap to ask, and true again soon after it has changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

import httpx
from aiohttp import web
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import delete, false
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.coalesce import Coalesced
from bot.core.health import Health, Part, failing, ok
from bot.core.problems import DatabaseUnusable, Problem
from bot.slack.trouble import TROUBLE, what_slack_said
from bot.stora.directory import Directory
from bot.store.schema import audit
from bot.store.transactions import writing

LONGEST_LOOK = 2.0
"""Seconds that one part may keep a probe waiting; probes give up after few."""
UNAUTHORIZED, SERVER_ERROR, TOO_MANY = 401, 500, 429

Look = Callable[[], Awaitable[Part]]


class Readiness:
    """All parts together. More of them may be added while the bot starts."""

    def __init__(self, **parts: Look) -> None:
        self.parts = parts
        self._once = Coalesced()

    async def look(self) -> Health:
        """What each part says now; one that does not say anything in time is failing."""
        said = await asyncio.gather(*(self._say(name, part) for name, part in self.parts.items()))
        return dict(zip(self.parts, said, strict=True))

    async def answer(self, _request: web.Request) -> web.Response:
        """Answer `GET /readyz`: 200 when every part is usable, otherwise 503."""
        health = await self.look()
        usable = all(part.status == "ok" for part in health.values())
        return web.json_response({name: asdict(part) for name, part in health.items()}, status=200 if usable else 503)

    async def _say(self, name: str, part: Look) -> Part:
        # However many ask, and however long it takes: one look at a time.
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                return await self._once(name, part)
        except TimeoutError:
            return failing(f"says nothing for {LONGEST_LOOK:.0f} s")


async def settings_read() -> Part:
    """A bot with wrong settings does not start."""
    return ok("read and valid")


class DatabaseHealth:
    """Whether the database can be reached and would be written to; nothing is."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self) -> Part:
        """Begin to write, and leave it at that."""
        try:
            async with writing(self._engine) as connection:
                await connection.execute(delete(audit).where(false()))
        except DatabaseUnusable as problem:
            return failing(problem.reason)
        return ok(f"{self._engine.dialect.name} can be written to")


class SlackHealth:
    """Whether Slack accepts the bot token, asked once in a while however often we are probed."""

    EVERY, AGAIN = 15.0, 3.0
    """Seconds that an answer is believed: a good one, a bad one."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._said = failing("not asked yet")
        self._believed_until = float("-inf")

    async def __call__(self) -> Part:
        """What Slack said last, or says now."""
        if self._clock() >= self._believed_until:
            self._said = await self._asked()
            self._believed_until = self._clock() + (self.EVERY if self._said.status == "ok" else self.AGAIN)
        return self._said

    async def _asked(self) -> Part:
        try:
            await self._client.auth_test()
        except TROUBLE as trouble:
            return failing(f"auth.test: {what_slack_said(trouble)}")
        return ok("accepts the bot token")


class SocketHealth:
    """Whether Slack's requests reach us through a connection that is alive and looked after."""

    def __init__(self) -> None:
        self.client: SocketModeClient | None = None
        """Set once there is one."""

    async def __call__(self) -> Part:
        """Look at the connection."""
        client = self.client
        if client is None:
            return failing("not connected yet")
        # Should one of its tasks end, nothing is received any more, or nobody notices that the link is dead.
        tasks = (client.message_processor, client.message_receiver, client.current_session_monitor)
        if any(task is None or task.done() for task in tasks):
            return failing("the connection is not looked after any more; restart the bot")
        if not await client.is_connected():
            return failing("not connected just now")
        return ok("connected")


class StoraHealth:
    """Whether Stora answers and accepts our token, by what it said last.

    At first, after bad news and after long silence it is asked. One lost answer is no outage, unless there was
    no other; two in a row are.
    """

    AGAIN, LONGEST_SILENCE = 10.0, 60.0
    """Seconds without any request after which we send one: after bad news, and otherwise."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard_at = float("-inf")
        self._status: int | None = None
        self._misses = 0
        self._refused = False
        self._known = False
        """Whether the token was ever accepted or refused: a login or a 429 alone says neither."""
        self.ask: Callable[[], Awaitable[object]] | None = None
        """Sends the cheapest request there is."""

    def heard(self, request: httpx.Request, status: int | None) -> None:
        """A request came to its end."""
        self._heard_at = self._clock()
        self._status = status
        self._misses = self._misses + 1 if status is None or status >= SERVER_ERROR else 0
        if not self._misses and status != TOO_MANY:
            at_login = request.url.path.endswith("/oauth2/token")
            self._refused = status == UNAUTHORIZED or (at_login and not httpx.codes.is_success(status or 0))
            self._known = self._known or not at_login

    async def __call__(self) -> Part:
        """What is known, after asking if that is old."""
        good_news = self._known and not self._misses and not self._refused
        if self.ask and self._clock() - self._heard_at >= (self.LONGEST_SILENCE if good_news else self.AGAIN):
            with suppress(Problem):  # whatever it was has been heard, or nothing left
                await self.ask()
        if self._refused:
            return failing(f"does not accept our token or client (HTTP {self._status})")
        if self._misses > 1 or (self._misses and not self._known):
            return failing(f"HTTP {self._status}" if self._status else "does not answer")
        return ok("answers") if self._known else failing("has not answered yet")


class DirectoryHealth:
    """Whether there is a copy of the inventory that may be shown; a sweep that has stopped makes it too old."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def __call__(self) -> Part:
        """Look at its age."""
        picture, silent_since = self._directory.inventory, self._directory.silent_since
        silence = f"; sweeps fail since {_instant(silent_since)}" if silent_since else ""
        if picture is None:
            return failing(f"not read yet{silence}")
        known = f"{len(picture.units)} units as of {_instant(picture.read_at)}{silence}"
        return ok(known) if self._directory.fresh is not None else failing(f"too old: {known}")


class Turns:
    """Whether the jobs are at it: some say so after each turn that did what it should, and no crash goes unseen."""

    CRASH_SHOWS = 60.0
    """Seconds: a job that crashes starts anew, and if it crashes again and again, that must be seen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._within: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._crashed: dict[str, float] = {}

    def of(self, job: str, within: float) -> Callable[[], None]:
        """What this job is to call after each turn; ``within`` seconds of the last one, or since now."""

        def turned() -> None:
            self._last[job] = self._clock()

        self._within[job] = within
        turned()
        return turned

    def crashed(self, job: str) -> None:
        """A bug has ended this job, which starts anew."""
        self._crashed[job] = self._clock()

    async def __call__(self) -> Part:
        """Look for jobs that have stopped."""
        now = self._clock()
        stopped = [
            f"{job} got nothing done for {now - at:.0f} s"
            for job, at in self._last.items()
            if now - at > self._within[job]
        ]
        stopped += [
            f"{job} crashed {now - at:.0f} s ago" for job, at in self._crashed.items() if now - at < self.CRASH_SHOWS
        ]
        if not self._last:
            stopped.append("not at work yet")
        return failing(", ".join(stopped)) if stopped else ok(f"at work: {', '.join(self._last)}")


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
