"""The HTTP listener: Slack's signed requests, and health."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Handler
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

LONGEST_READ = 3.0
"""Seconds from a request's first byte to its last: Slack itself has given up by then."""
LONGEST_TIMESTAMP = 12
"""Digits of an epoch second, with some to spare: Bolt stumbles over what no float can hold."""


def application(
    app: AsyncApp | None,
    pages: Mapping[str, Handler] = MappingProxyType({}),
    posts: Mapping[str, Handler] = MappingProxyType({}),
) -> web.Application:
    """Every endpoint; without ``app`` (Socket Mode) Slack's requests are not answered here.

    ``pages`` are what else answers a GET, ``posts`` what else answers a POST, by path.
    """
    server = web.Application()
    server.router.add_get("/healthz", _alive)
    for path, page in pages.items():
        server.router.add_get(path, page)
    for path, post in posts.items():
        server.router.add_post(path, post)
    if app is not None:
        server.router.add_post("/slack/events", _SlackEvents(app).answer)
    return server


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


class _SlackEvents:
    def __init__(self, app: AsyncApp) -> None:
        self._app = app

    async def answer(self, request: web.Request) -> web.Response:
        """Hand a request to Bolt, which verifies its signature."""
        try:
            async with asyncio.timeout(LONGEST_READ):
                body = (await request.read()).decode()
        except UnicodeDecodeError:  # Slack sends UTF-8 only
            return web.Response(status=401)
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400)
        except TimeoutError:
            return web.Response(status=408)
        if not _is_number(request.headers.get("X-Slack-Request-Timestamp", "0")):
            return web.Response(status=401)  # Bolt would raise, and answer 500
        headers: Mapping[str, str] = dict(request.headers)
        answer = await self._app.async_dispatch(
            AsyncBoltRequest(body=body, query=request.query_string, headers=dict(headers))
        )
        return await to_aiohttp_response(answer)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_TIMESTAMP
