"""The current tenancies: what is read, how many calls that costs, and what is kept when it goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.core.problems import NotFound, StoraDown
from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.timestamps import stamp
from bot.sandbox.stora.world import World
from bot.stora.client import StoraClient
from bot.stora.keeper import Follower
from bot.stora.recorder import Recorder
from bot.stora.sweeps import FIRST_RETRY
from bot.stora.tenancies import LATEST_EVERY, WHOLE_EVERY, TenancyBook
from tests.stora.conftest import START
from tests.stora.notebook import Notebook

REFRESH = 900
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Clock:
    """The wall clock: the loop's, unless somebody sets it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.set_by = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC) + self.set_by


@pytest.fixture
async def clock(now: Callable[[], float]) -> Clock:
    return Clock(now)


@pytest.fixture
async def notebook(clock: Clock) -> Notebook:
    return Notebook(clock)


@pytest.fixture
async def book(client: StoraClient, follower: Follower, recorder: Recorder, clock: Clock) -> TenancyBook:
    return TenancyBook(client, follower, recorder, REFRESH, clock)


def add(world: World, count: int, entered: datetime, *, ends_at: datetime | None = None) -> list[str]:
    """Tenancies entered a second apart; their ids, the oldest first."""
    site_id = next(iter(world.sites))
    ids = []
    for number in range(count):
        at = entered + timedelta(seconds=number)
        contact = world.add_contact(f"Customer {number}", f"c{number}@example.com", at)
        ids.append(str(world.add_tenancy(contact["id"], site_id, START + DAY, at, ends_at=ends_at)["id"]))
    return ids


def pages(stora: SandboxStora) -> list[int]:
    """Which pages of the list were asked for since the last time."""
    asked = [int(received.query["page"]) for received in stora.received if received.route == "/tenancies"]
    stora.received.clear()
    return asked


async def test_all_current_ones_are_read_with_their_customers_newest_first(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    ids = add(world, 250, START - DAY)
    before = book.known
    await book.refresh()
    assert set(book.known.by_id) == set(ids)
    assert (before.complete, book.known.complete) == (False, True)
    assert book.known.read_at == START
    newest = book.known.by_id[ids[-1]]
    assert (newest.customer, newest.email, newest.waits) == ("Customer 249", "c249@example.com", True)
    assert newest.starts_at == START + DAY
    assert [received.query for received in stora.received] == [
        {"page": str(page), "limit": "100", "expand": "contact"} for page in (1, 2, 3)
    ]


async def test_past_ones_are_not_kept(book: TenancyBook, world: World) -> None:
    add(world, 30, START - 9 * DAY, ends_at=START)
    still = add(world, 1, START - 8 * DAY, ends_at=START + HOUR)
    ids = add(world, 3, START - 7 * DAY)
    await book.refresh()
    assert set(book.known.by_id) == {*still, *ids}
    await asyncio.sleep(3600)
    await book.refresh()
    assert set(book.known.by_id) == set(ids)


@pytest.mark.parametrize(
    ("new", "expected"),
    [(0, [1]), (3, [1]), (99, [1]), (100, [1, 2]), (150, [1, 2])],
    ids=["none", "a few", "almost a page", "a page", "more than a page"],
)
async def test_a_refresh_stops_where_it_meets_what_it_knows(
    book: TenancyBook, stora: SandboxStora, world: World, new: int, expected: list[int]
) -> None:
    add(world, 650, START - 400 * DAY, ends_at=START - DAY)
    ids = add(world, 250, START - DAY)
    await book.refresh()
    assert pages(stora) == list(range(1, 10))
    ids += add(world, new, START + MINUTE)
    await asyncio.sleep(900)
    await book.refresh()
    assert pages(stora) == expected
    assert set(book.known.by_id) == set(ids)
    await asyncio.sleep(900)
    await book.refresh()
    assert pages(stora) == expected, "the clocks may differ by so much"
    await asyncio.sleep(7200)
    await book.refresh()
    await book.refresh()
    assert pages(stora) == [*expected, 1]


async def test_twice_a_day_all_of_it_is_read_again(book: TenancyBook, stora: SandboxStora, world: World) -> None:
    ids = add(world, 250, START - DAY)
    await book.refresh()
    unit = world.unit_named("A-001", world.sites[world.tenancies[ids[0]]["site"]["id"]]["name"])
    world.reserve(unit["id"], ids[0], START + HOUR)
    stora.received.clear()
    await asyncio.sleep(WHOLE_EVERY.total_seconds() - 1)
    await book.refresh()
    assert pages(stora) == [1]
    assert book.known.by_id[ids[0]].waits, "the oldest is on the last page, which nobody has read again"
    await asyncio.sleep(1)
    await book.refresh()
    assert pages(stora) == [1, 2, 3]
    assert not book.known.by_id[ids[0]].waits
    await asyncio.sleep(1)
    await book.refresh()
    assert pages(stora) == [1]


async def test_a_clock_that_stepped_back_does_not_put_off_the_next_whole_reading(
    book: TenancyBook, clock: Clock, stora: SandboxStora, world: World
) -> None:
    add(world, 150, START - DAY)
    await book.refresh()
    clock.set_by = -2 * WHOLE_EVERY
    stora.received.clear()
    await book.refresh()
    assert pages(stora) == [1, 2]
    assert book.known.read_at == clock()


async def test_an_operator_who_has_none_yet_gets_the_first_one(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    await book.refresh()
    assert (book.known.by_id, book.known.complete) == ({}, True)
    ids = add(world, 1, START)
    await book.refresh()
    assert set(book.known.by_id) == set(ids)
    assert pages(stora) == [1, 1]


async def test_ten_who_want_it_fresh_at_once_cost_one_reading(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    add(world, 150, START - DAY)
    await asyncio.gather(*(book.refresh() for _ in range(10)))
    assert pages(stora) == [1, 2]


# Somebody misses a customer


async def test_the_newest_are_asked_for_at_most_every_twenty_seconds(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    add(world, 250, START - DAY)
    await book.refresh()
    stora.received.clear()
    await asyncio.sleep(LATEST_EVERY.total_seconds() - 1)
    await book.look_for_new()
    assert pages(stora) == []
    new = add(world, 1, START + HOUR)
    await asyncio.sleep(1)
    await asyncio.gather(*(book.look_for_new() for _ in range(5)))
    await book.look_for_new()
    assert pages(stora) == [1]
    assert book.known.by_id[new[0]].customer == "Customer 0"


async def test_nobody_who_misses_a_customer_sets_off_a_whole_reading(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    add(world, 250, START - DAY)
    await book.look_for_new()
    assert pages(stora) == [], "the first reading does it"
    await book.refresh()
    stora.received.clear()
    await asyncio.sleep(2 * WHOLE_EVERY.total_seconds())
    await book.look_for_new()
    assert pages(stora) == [1]
    await book.refresh()
    assert pages(stora) == [1, 2, 3], "nor puts off the one that is due"


async def test_a_clock_that_stepped_back_does_not_keep_the_newest_away(
    book: TenancyBook, clock: Clock, stora: SandboxStora
) -> None:
    await book.refresh()
    clock.set_by = -HOUR
    stora.received.clear()
    await book.look_for_new()
    assert pages(stora) == [1]


# One tenancy


async def test_one_tenancy_is_asked_for_as_it_is_now_and_learnt(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    (tenancy_id,) = add(world, 1, START - DAY)
    tenancy, same = await asyncio.gather(book.ask(tenancy_id), book.ask(tenancy_id))
    assert (tenancy.id, tenancy.customer, tenancy) == (tenancy_id, "Customer 0", same)
    assert book.known.by_id == {tenancy_id: tenancy}
    assert not book.known.complete
    (received,) = stora.received
    assert (received.path, received.query) == (f"/2025-09/tenancies/{tenancy_id}", {"expand": "contact"})


async def test_a_past_one_is_told_but_not_kept(book: TenancyBook, world: World) -> None:
    (tenancy_id,) = add(world, 1, START - 9 * DAY, ends_at=START - DAY)
    assert (await book.ask(tenancy_id)).id == tenancy_id
    assert book.known.by_id == {}


async def test_one_that_is_gone_is_offered_no_more(book: TenancyBook, world: World) -> None:
    gone, other = add(world, 2, START - DAY)
    await book.refresh()
    del world.tenancies[gone]
    with pytest.raises(NotFound):
        await book.ask(gone)
    assert set(book.known.by_id) == {other}
    assert book.known.complete
    with pytest.raises(NotFound):
        await book.ask(gone)
    assert set(book.known.by_id) == {other}


async def test_older_news_does_not_undo_newer(book: TenancyBook, world: World) -> None:
    (tenancy_id,) = add(world, 1, START - DAY)
    known = await book.ask(tenancy_id)
    newer = replace(known, allocations=("alloc_1",), updated_at=known.updated_at + HOUR)
    book.learn([newer])
    book.learn([known])
    assert book.known.by_id == {tenancy_id: newer}
    book.learn([replace(newer, ends_at=START - HOUR)])
    assert book.known.by_id == {}


# When it goes wrong


async def test_a_first_reading_that_is_cut_off_keeps_what_it_has_and_goes_on_there(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    ids = add(world, 250, START - DAY)
    reading = asyncio.create_task(book.refresh())
    await stora.arrived(1)
    stora.faults.status(503, times=None)
    with pytest.raises(StoraDown):
        await reading
    assert set(book.known.by_id) == set(ids[150:])
    assert not book.known.complete
    assert pages(stora) == [1, 2, 2, 2]
    stora.faults.clear()
    await book.refresh()
    assert set(book.known.by_id) == set(ids)
    assert pages(stora) == [1, 2, 3]


async def test_a_refresh_that_is_cut_off_loses_nothing_of_what_is_new(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    old = add(world, 1, START - DAY)
    await book.refresh()
    new = add(world, 150, START + HOUR)
    stora.received.clear()
    reading = asyncio.create_task(book.refresh())
    await stora.arrived(1)
    stora.faults.status(503, times=None)
    with pytest.raises(StoraDown):
        await reading
    assert set(book.known.by_id) == {*old, *new[50:]}
    assert book.known.complete
    stora.faults.clear()
    stora.received.clear()
    await book.refresh()
    assert set(book.known.by_id) == {*old, *new}
    assert pages(stora) == [1, 2]


def resource(number: int, at: datetime = START) -> dict[str, Any]:
    contact = {"id": f"con_{number}", "full_name": "Jane Doe", "email": "jane@example.com"}
    return {"id": f"ten_{number}", "contact": contact, "created_at": stamp(at), "updated_at": stamp(at)}


@asynccontextmanager
async def another_stora(http: httpx.AsyncClient, *lists: list[Any]) -> AsyncIterator[list[int]]:
    """One that gives these pages by number, the last for ever, and never says that there is no other."""
    asked: list[int] = []

    async def page(request: web.Request) -> web.Response:
        asked.append(int(request.query["page"]))
        given = lists[min(asked[-1], len(lists)) - 1]
        return web.json_response({"tenancies": given, "meta": {"pagination": {"next": asked[-1] + 1}}})

    application = web.Application()
    application.router.add_get("/2025-09/tenancies", page)
    async with serve(application) as base_url:
        http.base_url = base_url
        yield asked


async def test_an_empty_page_is_the_end_even_where_it_promises_another(
    book: TenancyBook, http: httpx.AsyncClient
) -> None:
    async with another_stora(http, [resource(1)], []) as asked:
        await book.refresh()
    assert asked == [1, 2]
    assert set(book.known.by_id) == {"ten_1"}


async def test_a_page_of_which_nothing_can_be_read_is_not_the_end(book: TenancyBook, http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        async with another_stora(http, [{"id": "ten_1", "contact": {}}], [resource(2)], []) as asked:
            await book.refresh()
    assert asked == [1, 2, 3]
    assert set(book.known.by_id) == {"ten_2"}
    assert [(line["event"], line.get("count"), line.get("pages")) for line in logs] == [
        ("left out because they cannot be read", 1, None),
        ("tenancies read", None, 3),
    ]


async def test_a_list_that_repeats_its_page_for_ever_is_no_answer(book: TenancyBook, http: httpx.AsyncClient) -> None:
    async with another_stora(http, [resource(1)], [resource(2)]) as asked:
        with pytest.raises(StoraDown, match="same page"):
            await book.refresh()
    assert asked == [1, 2, 3]
    assert set(book.known.by_id) == {"ten_1", "ten_2"}
    assert not book.known.complete


# By the clock


async def test_it_is_read_at_once_and_then_again_and_again_and_sooner_after_a_failure(
    book: TenancyBook, stora: SandboxStora, world: World
) -> None:
    add(world, 1, START - DAY)
    keeping = asyncio.create_task(book.keep_fresh())
    await asyncio.sleep(901)
    assert [received.at - START.timestamp() for received in stora.received] == pytest.approx([0, 900], abs=0.5)
    stora.received.clear()
    stora.faults.status(503, times=3)
    with capture_logs() as logs:
        await asyncio.sleep(900 + FIRST_RETRY + 5)
    assert [received.status for received in stora.received] == [503] * 3 + [200]
    assert [line["log_level"] for line in logs] == ["warning", "info"]
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_no_log_line_names_a_customer(book: TenancyBook, stora: SandboxStora, world: World) -> None:
    (tenancy_id,) = add(world, 1, START - DAY)
    with capture_logs() as logs:
        await book.refresh()
        await book.ask(tenancy_id)
        stora.faults.status(409)
        keeping = asyncio.create_task(book.keep_fresh())
        await asyncio.sleep(901)
        keeping.cancel()
    assert len(logs) == 2
    assert "Customer" not in str(logs)
    assert "example.com" not in str(logs)
