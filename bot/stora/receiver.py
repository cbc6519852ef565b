"""`POST /stora/webhooks`: what Stora tells us by itself. It gets its 200 once what it said is recorded."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web
from pydantic import SecretStr

from bot.core.heard import Heard
from bot.core.problems import DatabaseUnusable
from bot.stora.webhooks import Unreadable, read_event, verify

log = structlog.get_logger(__name__)

LARGEST = 1024 * 1024
"""Bytes of a body."""
PATIENCE = 4.0
"""Seconds from the first byte to the record. Stora does not say how long it waits; it sends an event again later."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """The endpoint."""

    secret: SecretStr
    backoffice_unit_path: str
    hear: Callable[[Heard], Awaitable[bool]]
    """Records an event; whether it was the first with its id. Raises ``DatabaseUnusable``."""
    now: Callable[[], float] = time.time
    patience: float = PATIENCE
    counted: Callable[[str, str], None] = lambda _type, _outcome: None
    """Told of the type of each event, and whether it was `new` or `repeated`; of the status of what was refused."""

    async def answer(self, request: web.Request) -> web.Response:
        """Take in one event; repeated ones are answered like new ones."""
        try:
            async with asyncio.timeout(self.patience):
                body = await _body(request)
                if body is None:
                    return self._refused(413, "it is too large")
                signature = request.headers.get("X-Stora-Signature")
                if not verify(signature, body, self.secret.get_secret_value(), self.now()):
                    return self._refused(401, "Stora did not sign it, or not now")
                heard = read_event(body, self.backoffice_unit_path)
                new = await self.hear(heard)
        except (ConnectionError, web.RequestPayloadError):
            return self._refused(400, "it was not sent as it was announced")
        except Unreadable:
            # Not 200: what cannot be read is not recorded. Stora shows the failure, and a newer version may be running
            # when it sends the event again.
            return self._refused(400, "it is no event")
        except (DatabaseUnusable, TimeoutError) as trouble:
            return self._refused(503, f"it could not be recorded ({type(trouble).__name__})")
        self.counted(heard.type, "new" if new else "repeated")
        log.info("webhook", type=heard.type, new=new, units=len(heard.units), to_ask=len(heard.to_ask))
        return web.Response()

    def _refused(self, status: int, reason: str) -> web.Response:
        # Never a word of what came: whoever may have sent it.
        self.counted("", str(status))
        log.warning("webhook refused", status=status, reason=reason)
        return web.Response(status=status)


async def _body(request: web.Request) -> bytes | None:
    """The body; ``None`` as soon as it is known to be too large, announced or not."""
    if (request.content_length or 0) > LARGEST:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)
