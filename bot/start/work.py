"""What runs for as long as the bot does, and ends within ten seconds of being told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.settings import Settings
from bot.slack.inflight import InFlight
from bot.slack.server import application
from bot.start.refused import CannotStart

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 8.0
"""How long a shutdown waits for what is in flight, all of it together; ten seconds later the process must be gone."""
LONGEST_REQUEST = 3.0
"""Seconds until a request of Slack's has been acknowledged, whatever its handler does afterwards."""


@asynccontextmanager
async def in_background(job: Coroutine[Any, Any, None], in_flight: InFlight) -> AsyncIterator[None]:
    """Run a job inside the block."""
    task = asyncio.create_task(job)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=max(0.1, in_flight.left(DRAIN_SECONDS)))


@dataclass(frozen=True, slots=True)
class Listener:
    """The HTTP listener at work."""

    url: str
    close: Callable[[], Awaitable[None]]
    """Take nothing new, and let what is in flight finish."""


@asynccontextmanager
async def listening(
    settings: Settings, pages: Mapping[str, Handler], posts: Mapping[str, Handler], in_flight: InFlight
) -> AsyncIterator[Listener]:
    """Take requests inside the block, or until the listener is closed.

    Raises:
        CannotStart: the address cannot be had.
    """
    runner = web.AppRunner(
        application(pages, posts),
        access_log=None,
        shutdown_timeout=LONGEST_REQUEST,
        # Signatures are over what was sent, and a small body that unpacks to gigabytes would keep everybody waiting.
        auto_decompress=False,
    )

    async def close() -> None:
        in_flight.left(DRAIN_SECONDS)  # from now on
        await runner.cleanup()
        if not await in_flight.finished(DRAIN_SECONDS):
            log.warning("stopped with work unfinished")

    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise CannotStart(f"PORT: cannot listen on {settings.host}:{settings.port} ({error.strerror})") from None
        host, port = runner.addresses[0][:2]
        yield Listener(f"http://{host}:{port}", close)
    finally:
        await runner.cleanup()
