"""Stora speaks by itself: what is believed, what is refused, and what people see of it."""

import asyncio
import copy
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.core.heard import Heard
from bot.core.problems import DatabaseUnusable
from bot.demo import Demo
from bot.sandbox.loopback import serve
from bot.sandbox.stora.webhooks import WebhookSender, sign
from bot.slack.server import application
from bot.stora.receiver import LARGEST, Receiver
from tests.walks.conftest import Town
from tests.walks.test_units import DESK, FIONA, answer

SECRET = "whsec_sandbox"
PATH = "/stora/webhooks"
JSON = {"Content-Type": "application/json"}


def an_event(event_id: str = "evt_1", **data: Any) -> bytes:
    body = {"event": {"id": event_id, "type": "unit.updated", "data": {"unit": {"id": "unit_1"}}, **data}}
    return json.dumps(body).encode()


def signed(body: bytes, offset: float = 0, secret: str = SECRET) -> dict[str, str]:
    return {**JSON, "X-Stora-Signature": sign(secret, body, int(time.time() + offset))}


class Ear:
    """Hears what gets through, once each; or does not get to it."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.instead: Callable[[], Awaitable[None]] | None = None

    async def hear(self, heard: Heard) -> bool:
        if self.instead:
            await self.instead()
        new = heard.event_id not in {each.event_id for each in self.heard}
        if new:
            self.heard.append(heard)
        return new


@asynccontextmanager
async def listening(ear: Ear, patience: float = 4.0) -> AsyncIterator[str]:
    """The endpoint by itself, on the server that it has in the bot."""
    receiver = Receiver(SecretStr(SECRET), "/units/{id}", ear.hear, patience=patience)
    async with serve(application({}, {PATH: receiver.answer})) as url:
        yield url + PATH


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def url(ear: Ear) -> AsyncIterator[str]:
    async with listening(ear) as url:
        yield url


async def status_of(url: str, body: Any, headers: dict[str, str], method: str = "POST") -> int:
    async with aiohttp.ClientSession() as http, http.request(method, url, data=body, headers=headers) as answered:
        return answered.status


# What is believed


async def test_an_event_is_heard_once_and_answered_with_200_each_time(url: str, ear: Ear) -> None:
    body = an_event()
    assert [await status_of(url, body, signed(body)) for _ in range(3)] == [200] * 3
    assert [(each.event_id, each.units[0].id) for each in ear.heard] == [("evt_1", "unit_1")]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_stora_signed_is_an_event_whatever_it_calls_it(url: str, ear: Ear, content_type: str) -> None:
    body = an_event()
    assert await status_of(url, body, {**signed(body), "Content-Type": content_type}) == 200
    assert len(ear.heard) == 1


@pytest.mark.parametrize("offset", [-298, 298])
async def test_clocks_that_differ_by_less_than_five_minutes_do_no_harm(url: str, ear: Ear, offset: float) -> None:
    body = an_event()
    assert await status_of(url, body, signed(body, offset)) == 200
    assert len(ear.heard) == 1


async def test_an_event_of_exactly_a_mebibyte_is_heard(url: str, ear: Ear) -> None:
    body = an_event(padding="")
    body = an_event(padding="x" * (LARGEST - len(body)))
    assert len(body) == LARGEST
    assert await status_of(url, body, signed(body)) == 200
    assert len(ear.heard) == 1


# What is refused

FORGED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "not signed": lambda _: JSON,
    "signed with another secret": lambda body: signed(body, secret="whsec_other"),
    "signed before it was tampered with": lambda body: signed(body + b" "),
    "replayed after five minutes": lambda body: signed(body, -302),
    "from the future": lambda body: signed(body, +302),
    "a signature that is none": lambda _: {**JSON, "X-Stora-Signature": "t=yesterday,v1=é"},
}


@pytest.mark.parametrize("how", FORGED)
async def test_what_stora_did_not_sign_now_is_refused_and_not_logged(url: str, ear: Ear, how: str) -> None:
    body = an_event(customer="Jane Doe")
    with capture_logs() as logs:
        assert await status_of(url, body, FORGED[how](body)) == 401
    assert ear.heard == []
    assert [entry["status"] for entry in logs] == [401]
    assert "Jane" not in str(logs)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"event": {"type": "unit.updated"}}'])
async def test_what_is_signed_and_no_event_is_refused_and_not_logged(url: str, ear: Ear, body: bytes) -> None:
    with capture_logs() as logs:
        assert await status_of(url, body, signed(body)) == 400
    assert ear.heard == []
    assert len(logs) == 1
    assert "unit" not in str(logs)


async def test_more_than_a_mebibyte_is_refused_though_it_is_signed(url: str, ear: Ear) -> None:
    body = an_event(padding="x" * LARGEST)
    assert await status_of(url, io.BytesIO(body), signed(body)) == 413  # which announces its length
    assert ear.heard == []


async def test_more_than_a_mebibyte_is_refused_before_all_of_it_has_come(url: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:  # and so without `Content-Length`
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    async with asyncio.timeout(5):
        assert await status_of(url, endless(), signed(b"")) == 413
    assert sent < 100 * LARGEST


async def test_what_breaks_off_or_is_not_framed_as_announced_is_refused(url: str, ear: Ear) -> None:
    host, port = url.removeprefix("http://").removesuffix(PATH).split(":")
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    for body in ("5\r\nhello", "zz\r\nhello\r\n0\r\n\r\n"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode())
        await asyncio.sleep(0.05)  # so that somebody reads already
        writer.write(body.encode())
        writer.write_eof()
        said = await reader.read()
        assert b" 200 " not in said
        assert b" 500 " not in said
        writer.close()
        await writer.wait_closed()
    assert ear.heard == []
    good = an_event()
    assert await status_of(url, good, signed(good)) == 200


async def test_what_is_not_packed_as_announced_is_refused(url: str, ear: Ear) -> None:
    body = an_event()
    assert await status_of(url, body, {**signed(body), "Content-Encoding": "gzip"}) == 400
    assert ear.heard == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_a_post_is_taken(url: str, method: str) -> None:
    assert await status_of(url, None, {}, method) == 405


# What cannot be recorded now


async def test_what_cannot_be_recorded_is_to_be_sent_again(url: str, ear: Ear) -> None:
    async def fails() -> None:
        raise DatabaseUnusable("locked")

    body = an_event()
    ear.instead = fails
    assert await status_of(url, body, signed(body)) == 503
    ear.instead = None
    assert await status_of(url, body, signed(body)) == 200
    assert len(ear.heard) == 1


async def test_what_takes_too_long_to_record_is_to_be_sent_again(ear: Ear) -> None:
    async def hangs() -> None:
        await asyncio.sleep(10)

    ear.instead = hangs
    body = an_event()
    async with listening(ear, patience=0.1) as url:
        started = time.monotonic()
        assert await status_of(url, body, signed(body)) == 503
        assert time.monotonic() - started < 2
    assert ear.heard == []


async def test_a_sender_who_never_ends_is_not_waited_for(ear: Ear) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.02)

    async with listening(ear, patience=0.2) as url, asyncio.timeout(5):
        assert await status_of(url, slowly(), signed(b"")) == 503


# In the bot


def unit_of(at_work: Demo) -> dict[str, Any]:
    return next(unit for unit in at_work.stora.world.units.values() if unit["status"] == "available")


async def shown(at_work: Demo, unit: dict[str, Any]) -> str:
    return answer(await at_work.slack.command(FIONA, DESK, f"/units {unit['id']}")).text


async def test_a_change_in_the_backoffice_shows_at_once_either_way_slack_reaches_us(town: Town) -> None:
    for socket_mode in (False, True):
        at_work = await town(socket_mode=socket_mode, stora_webhook_secret=SECRET)
        unit = unit_of(at_work)
        assert "Available" in await shown(at_work, unit)
        leads_to = at_work.bot.directory.inventory
        assert leads_to is not None
        changed = unit | {"status": "unavailable", "updated_at": _later(unit["updated_at"])}
        sender = WebhookSender(at_work.stora.world, at_work.bot.url + PATH, SECRET)
        at_work.stora.received.clear()
        assert await sender.send("unit.updated", changed, event_id="evt_1") == 200
        assert "Unavailable" in await shown(at_work, unit)
        assert [each for each in at_work.stora.received if "/units" in each.path] == []
        # An older word, and the same event again, change nothing.
        assert await sender.send("unit.updated", unit, event_id="evt_2") == 200
        assert await sender.send("unit.updated", unit, event_id="evt_1") == 200
        assert "Unavailable" in await shown(at_work, unit)


def _later(moment: str) -> str:
    return (datetime.fromisoformat(moment) + timedelta(minutes=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_an_event_without_curies_does_not_take_the_way_to_the_backoffice_away(town: Town) -> None:
    at_work = await town(stora_webhook_secret=SECRET)
    unit = unit_of(at_work)
    before = at_work.bot.directory.inventory
    assert before is not None
    known = before.unit(unit["id"])
    assert known is not None
    assert known.backoffice_url
    sender = WebhookSender(at_work.stora.world, at_work.bot.url + PATH, SECRET)
    changed = unit | {"status": "unavailable", "updated_at": _later(unit["updated_at"])}
    assert await sender.send("unit.updated", changed) == 200
    after = at_work.bot.directory.inventory
    assert after is not None
    told = after.unit(unit["id"])
    assert told is not None
    assert (told.status, told.backoffice_url) == ("unavailable", known.backoffice_url)


async def test_without_the_secret_there_is_no_such_door(town: Town) -> None:
    at_work = await town()
    body = an_event()
    assert await status_of(at_work.bot.url + PATH, body, signed(body)) == 404


async def test_a_new_price_shows_at_once(town: Town) -> None:
    at_work = await town(stora_webhook_secret=SECRET)
    unit = unit_of(at_work)
    unit_type = at_work.stora.world.unit_types[unit["unit_type"]["id"]]
    dearer = copy.deepcopy(unit_type) | {"updated_at": _later(unit_type["updated_at"])}
    for price in dearer["prices"]:
        price["price"] |= {"amount": 123_400, "formatted": "£1,234.00"}
    sender = WebhookSender(at_work.stora.world, at_work.bot.url + PATH, SECRET)
    assert "1,234.00" not in await shown(at_work, unit)
    assert await sender.send("unit_type.updated", dearer) == 200
    assert "1,234.00" in await shown(at_work, unit)


async def test_every_event_is_counted_also_those_that_mean_nothing_to_the_bot_and_those_refused(town: Town) -> None:
    at_work = await town(stora_webhook_secret=SECRET)
    url = at_work.bot.url + PATH
    unknown = an_event(type="invoice.paid")
    for _ in range(2):
        assert await status_of(url, unknown, signed(unknown)) == 200
    assert await status_of(url, unknown, {}) == 401
    async with aiohttp.ClientSession() as http, http.get(f"{at_work.bot.url}/metrics") as answered:
        counted = [line for line in (await answered.text()).splitlines() if line.startswith("unitbot_webhooks_total{")]
    assert sorted(counted) == [
        'unitbot_webhooks_total{outcome="401",type="other"} 1.0',
        'unitbot_webhooks_total{outcome="new",type="other"} 1.0',
        'unitbot_webhooks_total{outcome="repeated",type="other"} 1.0',
    ]
