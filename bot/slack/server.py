"""The HTTP listener: Slack's signed requests, and health."""

import asyncio
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

LONGEST_READ = 3.0
"""Seconds from a request's first byte to its last: Slack itself has given up by then."""
LONGEST_TIMESTAMP = 12
"""Digits of an epoch second, with some to spare."""


def application(pages: Mapping[str, Handler], posts: Mapping[str, Handler]) -> web.Application:
    """Every endpoint: ``pages`` are what answers a GET, ``posts`` what answers a POST, by path."""
    server = web.Application()
    server.router.add_get("/healthz", _alive)
    for path, page in pages.items():
        server.router.add_get(path, page)
    for path, post in posts.items():
        server.router.add_post(path, post)
    return server


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


class SlackEvents:
    """Slack's requests, each verified before anything of it is read."""

    def __init__(self, signing_secret: SecretStr | None) -> None:
        self._verifier = SignatureVerifier(signing_secret.get_secret_value()) if signing_secret else None
        self.app: AsyncApp | None = None
        """What answers them; while the bot starts, nothing does."""

    async def answer(self, request: web.Request) -> web.Response:
        """Hand a request to Bolt."""
        try:
            async with asyncio.timeout(LONGEST_READ):
                body = (await request.read()).decode()
        except UnicodeDecodeError:  # Slack sends UTF-8 only
            return web.Response(status=401)
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400)
        except TimeoutError:
            return web.Response(status=408)
        # Bolt verifies, too, but only after it has made sense of the body, and with a crash where it cannot.
        if not self._is_signed(body, request.headers):
            return web.Response(status=401)
        if self.app is None:
            return web.Response(status=503)
        headers: dict[str, str] = dict(request.headers)
        try:
            asked = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(headers))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):  # as Bolt takes it for an object
            return web.Response(status=400)
        return await to_aiohttp_response(await self.app.async_dispatch(asked))

    def _is_signed(self, body: str, headers: Mapping[str, str]) -> bool:
        moment, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        # What is no number, and signs that no signature has, the verifier would stumble over.
        is_number = moment.isascii() and moment.isdecimal() and len(moment) <= LONGEST_TIMESTAMP
        if self._verifier is None or not is_number or not signature.isascii():
            return False
        return self._verifier.is_valid(body, moment, signature)
