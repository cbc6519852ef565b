"""Stora's events on their way out: the payload, the signature, and the request that carries them (guide "Webhooks")."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import aiohttp

from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.timestamps import moment, stamp
from bot.sandbox.stora.world import World

EventType = Literal[
    "unit.updated",
    "unit_type.updated",
    "deal.updated",
    "protection_level.created",
    "protection_level.updated",
    "invoice.created",
    "invoice.paid",
    "order.created",
    "contact.created",
    "credit_note.created",
    "identity_verification.succeeded",
    "identity_verification.processing",
    "subscription.started",
    "subscription.cancelled",
    "subscription.ended",
]
"""Every event type that Stora's own pages name; no `tenancy.*` or `unit_allocation.*` is among them.

Of the last three, Stora's help says that they exist; their names are a public receiver's (stora-api.md, 6).
"""

EVENT_TYPES: frozenset[str] = frozenset(get_args(EventType))
"""The same, to ask whether a type is one of them."""


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """Return the `X-Stora-Signature` of a body: `t={timestamp},v1={signature}`.

    HMAC-SHA256 over `{timestamp}.{body}` with the endpoint's secret. That the secret is used as it is and the digest
    is hexadecimal is a public receiver's practice; Stora's pages do not say.
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hexdigest()
    return f"t={timestamp},v1={signed}"


def event(world: World, event_type: str, resource: Resource, *, event_id: str, at: datetime) -> Resource:
    """Return the payload: the whole resource with its site and unit type expanded, its allocation left a stub.

    Stora's example shows the whole site within the unit; how far the rest is expanded is not documented.
    """
    kind = event_type.partition(".")[0]
    relations = [each for each in (("site", world.sites), ("unit_type", world.unit_types)) if each[0] in resource]
    whole = resource | {field: known[resource[field]["id"]] for field, known in relations}
    return {
        "event": {
            "id": event_id,
            "type": event_type,
            "api_version": "2025-09",
            "created_at": stamp(at),
            "data": {kind: whole},
        }
    }


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: the event's id and type, and the status that came back (None: no answer)."""

    event_id: str
    event_type: str
    status: int | None


class WebhookSender:
    """Posts the world's events to one URL, once each: Stora's own retries begin after a minute, the demo's never do."""

    def __init__(
        self,
        world: World,
        url: str,
        secret: str,
        *,
        now: Callable[[], float] = time.time,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Build a sender; ``url`` may be plain HTTP here, because it leads to this machine."""
        self.deliveries: list[Delivery] = []
        self._world = world
        self._url = url
        self._secret = secret
        self._now = now
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._owed: asyncio.Queue[Resource] = asyncio.Queue()

    async def send(self, event_type: str, resource: Resource, *, event_id: str | None = None) -> int:
        """Deliver one event now and return the receiver's status.

        A given ``event_id`` delivers an event again. Raises ``aiohttp.ClientError`` or ``TimeoutError`` when there is
        no answer, and ``ValueError`` for a type that Stora does not document.
        """
        if event_type not in EVENT_TYPES:
            raise ValueError(f"Stora documents no event {event_type!r}")
        event_id = event_id or self._world.new_id("evt")
        payload = event(self._world, event_type, resource, event_id=event_id, at=moment(self._now()))
        return await self._post(payload)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Deliver each documented event of the world in the background, one after the other, until the block ends.

        A receiver that does not answer misses the event, as it would after Stora's last retry.
        """
        self._world.on_change.append(self._owe)
        worker = asyncio.create_task(self._deliver())
        try:
            yield
        finally:
            self._world.on_change.remove(self._owe)
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker

    async def settled(self) -> None:
        """Return when everything owed so far has been delivered or given up."""
        await self._owed.join()

    def _owe(self, event_type: str, resource: Resource) -> None:
        if event_type in EVENT_TYPES:
            payload = event(
                self._world, event_type, resource, event_id=self._world.new_id("evt"), at=moment(self._now())
            )
            self._owed.put_nowait(payload)

    async def _deliver(self) -> None:
        while True:
            payload = await self._owed.get()
            try:
                await self._post(payload)
            except (aiohttp.ClientError, TimeoutError):
                self._note(payload, None)
            finally:
                self._owed.task_done()

    async def _post(self, payload: Resource) -> int:
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Stora-Webhooks/1.0",
            "X-Stora-Signature": sign(self._secret, body, int(self._now())),
            "X-Stora-Request-Id": self._world.new_uuid(),
        }
        async with (
            aiohttp.ClientSession(timeout=self._timeout) as session,
            session.post(self._url, data=body, headers=headers) as response,
        ):
            self._note(payload, response.status)
            return response.status

    def _note(self, payload: Resource, status: int | None) -> None:
        self.deliveries.append(Delivery(payload["event"]["id"], payload["event"]["type"], status))
