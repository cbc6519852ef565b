import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.loopback import serve
from bot.sandbox.stora.webhooks import EVENT_TYPES, WebhookSender, event, sign
from bot.sandbox.stora.world import World

SECRET = "0123456789abcdef"


class Receiver:
    """Takes events as a bot would; ``statuses`` are answered in turn, and 0 hangs up."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read(), await request.json()))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            request.protocol.force_close()
        return web.Response(status=status or 200)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def sender(world: World, clock: list[float], receiver: Receiver) -> AsyncIterator[WebhookSender]:
    application = web.Application()
    application.router.add_post("/stora/webhooks", receiver.take)
    async with serve(application) as base_url:
        yield WebhookSender(world, f"{base_url}/stora/webhooks", SECRET, now=lambda: clock[0])


def test_a_signature_covers_the_moment_and_the_body() -> None:
    digest = hmac.new(b"secret", b'1772442000.{"event": {}}', hashlib.sha256).hexdigest()
    assert sign("secret", b'{"event": {}}', 1772442000) == f"t=1772442000,v1={digest}"


def test_an_event_holds_the_whole_unit_with_its_site_and_type(
    world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    unit = world.reserve(unit_id, tenancies[0], at)
    told = event(world, "unit.updated", unit, event_id="evt_1", at=at)["event"]
    assert (told["id"], told["type"], told["api_version"]) == ("evt_1", "unit.updated", "2025-09")
    assert told["created_at"] == "2026-03-02T09:00:00Z"
    assert told["data"]["unit"]["site"]["name"] == "Camden"
    assert told["data"]["unit"]["unit_type"]["name"] == "Small room"
    assert told["data"]["unit"]["unit_allocation"].keys() == {"id"}
    assert unit["site"].keys() == {"id"}


def test_an_event_of_a_contact_has_no_site(world: World, at: datetime) -> None:
    contact = next(iter(world.contacts.values()))
    assert event(world, "contact.created", contact, event_id="evt_1", at=at)["event"]["data"] == {"contact": contact}


async def test_an_event_is_posted_with_the_documented_headers(
    sender: WebhookSender, receiver: Receiver, world: World, clock: list[float], unit_id: str
) -> None:
    receiver.statuses = [202]
    assert await sender.send("unit.updated", world.units[unit_id], event_id="evt_7") == 202
    headers, raw, body = receiver.requests[0]
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "Stora-Webhooks/1.0"
    assert headers["X-Stora-Signature"] == sign(SECRET, raw, int(clock[0]))
    assert len(headers["X-Stora-Request-Id"]) == 36
    assert body["event"]["id"] == "evt_7"
    await sender.send("unit.updated", world.units[unit_id], event_id="evt_7")
    assert receiver.requests[1][0]["X-Stora-Request-Id"] != headers["X-Stora-Request-Id"]
    assert [(each.event_id, each.status) for each in sender.deliveries] == [("evt_7", 202), ("evt_7", 200)]


async def test_an_event_that_stora_does_not_document_is_not_sent(
    sender: WebhookSender, receiver: Receiver, world: World, unit_id: str
) -> None:
    with pytest.raises(ValueError, match=r"unit\.reserved"):
        await sender.send("unit.reserved", world.units[unit_id])
    assert receiver.requests == []
    assert "unit.updated" in EVENT_TYPES


async def test_a_receiver_that_hangs_up_is_an_error_of_the_delivery(
    sender: WebhookSender, receiver: Receiver, world: World, unit_id: str
) -> None:
    receiver.statuses = [0]
    with pytest.raises(aiohttp.ClientError):
        await sender.send("unit.updated", world.units[unit_id])


async def test_changes_are_followed_in_order_as_they_were_until_the_block_ends(
    sender: WebhookSender, receiver: Receiver, world: World, at: datetime, tenancies: list[str]
) -> None:
    unit_id = world.unit_named("A-001", "Camden")["id"]
    receiver.statuses = [200, 0, 500]
    async with sender.following():
        world.reserve(unit_id, tenancies[0], at)
        world.add_note("No event tells of notes.", unit_id, "tok_1", at)
        world.release(unit_id, at)
        world.set_status(unit_id, "unavailable", at)
        await sender.settled()
    assert world.on_change == []
    world.set_status(unit_id, "available", at)
    assert [body["event"]["data"]["unit"]["status"] for _, _, body in receiver.requests] == [
        "reserved",
        "available",
        "unavailable",
    ]
    assert [each.status for each in sender.deliveries] == [200, None, 500]
    assert len({body["event"]["id"] for _, _, body in receiver.requests}) == 3
