"""What happens in the Backoffice or on the storefront is announced once, however often and however it is noticed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from bot.demo import Demo
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.webhooks import WebhookSender
from tests.conftest import emptied
from tests.walks.conftest import Town, a_stora
from tests.walks.test_reserve import (
    ANNOUNCED,
    OMAR,
    RESERVE_ROUTE,
    Pair,
    announcements,
    card_of,
    confirmed,
    posts,
    says,
)
from tests.walks.test_units import DESK, FIONA, answer
from tests.walks.test_webhooks import PATH, SECRET

QUIET = 1.3
"""Seconds in which whatever is owed has been sent: the outbox looks every second."""


async def quiet(at_work: Demo, channel: str = ANNOUNCED) -> list[str]:
    """What the channel has read once nothing more comes."""
    await asyncio.sleep(QUIET)
    return [each.text for each in announcements(at_work, channel)]


def reserved_in_the_backoffice(at_work: Demo, pair: Pair) -> Resource:
    return at_work.stora.world.reserve(pair.unit["id"], pair.tenancy["id"], datetime.now(UTC) + timedelta(seconds=1))


async def by_sweep(at_work: Demo, _unit: Resource) -> None:
    await at_work.bot.directory.sweep()


async def by_webhook(at_work: Demo, unit: Resource) -> None:
    sender = WebhookSender(at_work.stora.world, at_work.bot.url + PATH, SECRET)
    assert await sender.send("unit.updated", unit) == 200


async def by_looking(at_work: Demo, unit: Resource) -> None:
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {unit['id']}"))
    await at_work.slack.click(FIONA, card, label="Refresh")
    await at_work.slack.until(lambda: "Reserved" in card.text, seconds=5)


Notice = Callable[[Demo, Resource], Awaitable[None]]
EVERY_ORDER = list(permutations([by_sweep, by_webhook, by_looking]))


@pytest.mark.parametrize("order", EVERY_ORDER, ids=[" ".join(each.__name__ for each in one) for one in EVERY_ORDER])
async def test_a_reservation_in_the_backoffice_is_announced_once_however_it_is_noticed(
    town: Town, order: tuple[Notice, ...]
) -> None:
    at_work = await town(stora_webhook_secret=SECRET)
    pair = Pair(at_work)
    reserved_in_the_backoffice(at_work, pair)
    for notice in order:
        await notice(at_work, pair.unit)
    [told] = await quiet(at_work)
    assert f"*{pair.unit['reference_id']}* at Camden is reserved" in told
    assert "Not through Slack" in told
    assert pair.contact["full_name"] not in told


async def test_every_site_hears_of_its_own_units_alone(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    at_work = await town(stora=stora, notify_site_channels={camden: "C0APPROVE"})
    for site in ("Camden", "Bristol Harbourside"):
        reserved_in_the_backoffice(at_work, Pair(at_work, site=site))
    await at_work.bot.directory.sweep()
    [camdens] = await quiet(at_work, "C0APPROVE")
    [others] = await quiet(at_work)
    assert "at Camden" in camdens
    assert "at Bristol Harbourside" in others


async def test_the_first_reading_announces_nothing(town: Town) -> None:
    at_work = await town()
    assert any(unit["status"] == "reserved" for unit in at_work.stora.world.units.values())
    assert await quiet(at_work) == []


async def test_a_sweep_that_finds_two_hundred_changes_sends_one_message(town: Town) -> None:
    at_work = await town(stora=a_stora(600))
    world = at_work.stora.world
    let = [unit["id"] for unit in world.units.values() if unit["status"] in {"reserved", "occupied"}]
    assert len(let) >= 200
    for unit_id in let[:200]:
        world.release(unit_id, datetime.now(UTC) + timedelta(seconds=1))
    await at_work.bot.directory.sweep()
    [told] = await quiet(at_work)
    assert "*200 changes outside Slack:* 200 released" in told
    assert "and 190 more" in told


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_the_bots_own_reservation_is_announced_once_whatever_comes_in_besides(
    town: Town, request: pytest.FixtureRequest, database: str
) -> None:
    chosen: dict[str, str] = {}
    if database == "postgresql":
        host = request.getfixturevalue("postgres")
        await emptied(host)
        chosen = {"database_url": f"postgresql+asyncpg://postgres@/postgres?host={host}"}
    at_work = await town(stora_webhook_secret=SECRET, **chosen)
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    thinking = at_work.stora.faults.hold(method="POST", route=RESERVE_ROUTE)
    await confirmed(at_work, card)
    async with asyncio.timeout(5):
        while not posts(at_work):
            await asyncio.sleep(0.01)
    sender = WebhookSender(at_work.stora.world, at_work.bot.url + PATH, SECRET)
    async with sender.following():
        sweeping = asyncio.create_task(at_work.bot.directory.sweep())
        thinking.set()
        await says(at_work, card, "is reserved for")
        await sweeping
        await sender.settled()
    await at_work.bot.directory.sweep()
    await by_webhook(at_work, pair.unit)
    [told] = await quiet(at_work)
    assert f"By <@{FIONA}>" in told


async def test_a_unit_that_two_people_reserve_at_once_is_announced_once(town: Town) -> None:
    """Both are under way when Stora's webhook comes; one's answer is lost on the way, the other is refused."""
    desk = [{"name": "front desk", "can": ["reserve"], "users": [FIONA, OMAR]}]
    at_work = await town(stora_webhook_secret=SECRET, roles=desk)
    pair, other = Pair(at_work), Pair(at_work, 1)
    slow = await card_of(at_work, pair.by_ids)
    quick = await card_of(at_work, f"/reserve {pair.unit['id']} {other.tenancy['id']}", OMAR)
    thinking = at_work.stora.faults.hold(method="POST", route=RESERVE_ROUTE)
    await confirmed(at_work, slow)
    async with asyncio.timeout(5):
        while not posts(at_work):
            await asyncio.sleep(0.01)
    sender = WebhookSender(at_work.stora.world, at_work.bot.url + PATH, SECRET)
    async with sender.following():
        at_work.stora.faults.drop_after(method="POST", route=RESERVE_ROUTE)
        await confirmed(at_work, quick, OMAR)
        async with asyncio.timeout(5):
            while at_work.stora.world.units[pair.unit["id"]]["status"] != "reserved":
                await asyncio.sleep(0.01)
        await sender.settled()
        thinking.set()
        await says(at_work, slow, "was not reserved")
        await says(at_work, quick, "is reserved for")
        [told] = await quiet(at_work)
    assert f"By <@{OMAR}>" in told


async def test_what_the_bot_did_and_the_backoffice_undid_is_told_as_two_things(town: Town) -> None:
    at_work = await town(stora_webhook_secret=SECRET)
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    at_work.stora.world.release(pair.unit["id"], datetime.now(UTC) + timedelta(seconds=2))
    await by_webhook(at_work, pair.unit)
    await at_work.bot.directory.sweep()
    first, second = await quiet(at_work)
    assert "is reserved for" in first
    assert "was released" in second
