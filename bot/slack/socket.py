"""Socket Mode: Slack's requests through a connection that we open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.inflight import InFlight

PING_INTERVAL = 10.0
"""Seconds; slack_sdk notices a silent link after four of them."""
LONGEST_CLOSE = 1.0
"""Seconds: closing has been seen to hang (hermes-agent#91630)."""


@asynccontextmanager
async def connected(
    app: AsyncApp, client: AsyncWebClient, app_token: str, in_flight: InFlight, drain_seconds: float
) -> AsyncIterator[AsyncSocketModeHandler]:
    """Receive requests inside the block. At its end no new ones are taken, and those at work are finished.

    The app token must have been tried: with a wrong one slack_sdk would silently try again for ever.
    """
    handler = AsyncSocketModeHandler(app, app_token, web_client=client, ping_interval=PING_INTERVAL)
    handler.client.proxy = client.proxy  # the constructor has taken the environment's, even for loopback

    async def receive(_socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        # At work until the acknowledgement is out: Bolt sends it up to 10 ms after our handler gave it.
        with in_flight.working():
            await handler.handle(handler.client, request)

    handler.client.socket_mode_request_listeners[:] = [receive]
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt left it untyped
    try:
        yield handler
    finally:
        # Their acknowledgements need the connection: listeners go first, the connection last.
        handler.client.socket_mode_request_listeners.clear()
        await in_flight.finished(drain_seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_CLOSE):
                await handler.close_async()  # type: ignore[no-untyped-call]  # the same
