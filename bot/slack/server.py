"""The HTTP listener: Slack's signed requests, and health."""

import asyncio
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

log = structlog.get_logger(__name__)

LONGEST_READ = 3.0
"""Seconds from a request's first byte to its last: Slack itself has given up by then."""
LONGEST_START = 2.0
"""Seconds that a request waits for a bot that has not quite started."""
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
        self.app: asyncio.Future[AsyncApp] = asyncio.get_running_loop().create_future()
        """What answers them, once the bot has started."""

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
        # Bolt's own verification is off: it comes after an attempt to make sense of the body, which may crash.
        if not self._is_signed(body, request.headers):
            return web.Response(status=401)
        # A balancer may know of us before we have started, and Slack sends a click only once.
        await asyncio.wait([self.app], timeout=LONGEST_START)
        if not self.app.done():
            return web.Response(status=503)
        try:
            asked = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            log.warning("request not readable", error=type(error).__name__)
            return web.Response(status=400)
        return await to_aiohttp_response(await self.app.result().async_dispatch(asked))

    def _is_signed(self, body: str, headers: Mapping[str, str]) -> bool:
        moment, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        # What is no number, and signs that no signature has, the verifier would stumble over.
        is_number = moment.isascii() and moment.isdecimal() and len(moment) <= LONGEST_TIMESTAMP
        if self._verifier is None or not is_number or not signature.isascii():
            return False
        return self._verifier.is_valid(body, moment, signature)
