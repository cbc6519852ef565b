"""Every question we ask Stora: what arrives there, and what is asked again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.core.problems import NotFound, Problem, Refused, StoraBusy, StoraDown, StoraLogin
from bot.sandbox.loopback import serve
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from bot.stora.budget import Budget, Priority
from bot.stora.client import LARGEST_PAGE, StoraClient, read_to_the_end
from bot.stora.exchange import PERSON, PROBE, SWEEP, Exchange, Patience
from bot.stora.login import Login, StaticToken
from bot.stora.signed_in import SignedIn
from bot.stora.token import ask_of_token
from bot.stora.wire import Page

Dial = Callable[[Exchange, Login], StoraClient]

DEFAULTS = {"page": "1", "limit": "50", "sort_by": "created_at", "sort_direction": "DESC"}
NO_ANSWER = ["drop_before", "drop_after", "garbage", "truncated", "empty", "500", "502", "503"]


def arm(stora: SandboxStora, fault: str, times: int, route: str | None = None) -> None:
    if fault.isdecimal():
        stora.faults.status(int(fault), times=times, route=route)
    else:
        getattr(stora.faults, fault)(times=times, route=route)


# What is asked


@pytest.mark.parametrize(
    ("asked", "arrives"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"page": 3}, {"page": "3"}, id="page"),
        pytest.param({"limit": 100}, {"limit": "100"}, id="limit"),
        pytest.param({"sort_by": "created_at"}, {}, id="sort_by"),
        pytest.param({"sort_direction": "ASC"}, {"sort_direction": "ASC"}, id="sort_direction"),
        pytest.param(
            {"unit_type_id": ["utype_1", "utype_2"]}, {"unit_type_id": "utype_1,utype_2"}, id="unit_type_id, several"
        ),
        pytest.param({"site_id": ["site_1"]}, {"site_id": "site_1"}, id="site_id"),
        pytest.param({"site_id": ("site_1", "site_2")}, {"site_id": "site_1,site_2"}, id="site_id, several"),
        pytest.param({"expand": ["site", "unit_type"]}, {"expand": "site,unit_type"}, id="expand"),
        pytest.param({"status": ["available", "overlock"]}, {"status": "available,overlock"}, id="status, several"),
        pytest.param(
            {"created_after": datetime(2025, 2, 22, 14, 41, tzinfo=UTC)},
            {"created_after": "2025-02-22T14:41:00Z"},
            id="created_after",
        ),
        pytest.param(
            {"created_before": datetime(2025, 2, 22, 14, 41, tzinfo=timezone(timedelta(hours=1)))},
            {"created_before": "2025-02-22T14:41:00+01:00"},
            id="created_before, in another zone",
        ),
        pytest.param({"search": "A-012 & more?"}, {"search": "A-012 & more?"}, id="search"),
        pytest.param(
            {"unit_type_id": (), "site_id": [], "expand": [], "status": (), "created_after": None, "search": ""},
            {},
            id="empty filters",
        ),
    ],
)
async def test_every_parameter_of_the_unit_list_arrives_exactly_so(
    client: StoraClient, stora: SandboxStora, asked: Mapping[str, Any], arrives: Mapping[str, str]
) -> None:
    await client.list_units(PERSON, **asked)
    (received,) = stora.received
    assert (received.method, received.path) == ("GET", "/2025-09/units")
    assert received.query == {**DEFAULTS, **arrives}
    assert received.status == 200


async def test_all_parameters_go_together_and_narrow_the_answer(
    client: StoraClient, stora: SandboxStora, world: World
) -> None:
    camden = world.unit_named("A-002", "Camden")
    page = await client.list_units(
        PERSON,
        page=1,
        limit=10,
        sort_direction="ASC",
        unit_type_id=[camden["unit_type"]["id"]],
        site_id=[camden["site"]["id"]],
        expand=["site"],
        status=["available", "reserved"],
        created_after=datetime(2026, 2, 21, 9, 0, tzinfo=UTC),
        created_before=datetime(2026, 2, 23, 9, 0, tzinfo=UTC),
        search="A-00",
    )
    assert [unit.reference_id for unit in page.items] == ["A-002", "A-003"]
    assert (page.count, page.next, page.left_out) == (2, None, 0)
    assert stora.received[0].query == {
        "page": "1",
        "limit": "10",
        "sort_by": "created_at",
        "sort_direction": "ASC",
        "unit_type_id": camden["unit_type"]["id"],
        "site_id": camden["site"]["id"],
        "expand": "site",
        "status": "available,reserved",
        "created_after": "2026-02-21T09:00:00Z",
        "created_before": "2026-02-23T09:00:00Z",
        "search": "A-00",
    }


async def test_the_search_goes_under_the_name_that_the_settings_give_it(
    client: StoraClient, http: httpx.AsyncClient, world: World
) -> None:
    renamed = SandboxStora(world, search_parameter="reference", per_second=None, per_minute=None)
    async with serve(renamed.application()) as base_url:
        http.base_url = base_url
        page = await replace(client, search_parameter="reference").list_units(PERSON, search="A-003")
        with pytest.raises(Refused, match="invalid_url_param"):
            await client.list_units(PERSON, search="A-003")
    assert [unit.reference_id for unit in page.items] == ["A-003"]
    assert renamed.received[0].query == {**DEFAULTS, "reference": "A-003"}


async def test_a_unit_is_asked_for_by_its_id(client: StoraClient, stora: SandboxStora, world: World) -> None:
    unit_id = world.unit_named("A-002")["id"]
    unit = await client.show_unit(unit_id, PERSON)
    assert (unit.id, unit.reference_id) == (unit_id, "A-002")
    assert (stora.received[0].path, stora.received[0].query) == (f"/2025-09/units/{unit_id}", {})


async def test_sites_and_unit_types_come_a_hundred_at_a_time(client: StoraClient, stora: SandboxStora) -> None:
    sites = await client.list_sites(PERSON)
    unit_types = await client.list_unit_types(PERSON, page=2)
    assert {site.name for site in sites.items} == {"Bristol", "Camden"}
    assert unit_types.items == ()
    assert [(received.path, received.query) for received in stora.received] == [
        ("/2025-09/sites", {"page": "1", "limit": "100"}),
        ("/2025-09/unit_types", {"page": "2", "limit": "100"}),
    ]


async def test_tenancies_come_newest_first_with_their_customers(
    client: StoraClient, stora: SandboxStora, world: World, now: Callable[[], float]
) -> None:
    at = datetime.fromtimestamp(now(), UTC)
    jane, anonymous = (world.add_contact(name, "jane@example.com", at) for name in ("Jane Doe", None))
    site_id = next(iter(world.sites))
    old = world.add_tenancy(jane["id"], site_id, at, at - timedelta(days=2))
    new = world.add_tenancy(anonymous["id"], site_id, at, at - timedelta(days=1))
    page = await client.list_tenancies(PERSON, page=1)
    one = await client.show_tenancy(old["id"], PERSON)
    assert [(tenancy.id, tenancy.customer) for tenancy in page.items] == [
        (new["id"], "jane@example.com"),
        (old["id"], "Jane Doe"),
    ]
    assert (page.count, page.next, one) == (2, None, page.items[1])
    assert [(received.path, received.query) for received in stora.received] == [
        ("/2025-09/tenancies", {"page": "1", "limit": "100", "expand": "contact"}),
        (f"/2025-09/tenancies/{old['id']}", {"expand": "contact"}),
    ]
    with pytest.raises(NotFound):
        await client.show_tenancy("ten_0000000000000000", PERSON)


async def test_the_version_is_the_first_part_of_the_path(client: StoraClient, stora: SandboxStora) -> None:
    with pytest.raises(Refused, match="invalid_endpoint"):
        await replace(client, version="2026-01").list_sites(PERSON)
    assert stora.received[0].path == "/2026-01/sites"


# Reading to the end


async def test_pages_are_read_to_the_end_in_stora_s_order(
    client: StoraClient, http: httpx.AsyncClient, now: Callable[[], float]
) -> None:
    world = demo_world(datetime.fromtimestamp(now(), UTC), units=350)
    big = SandboxStora(world, now=now, per_second=None, per_minute=None)
    async with serve(big.application()) as base_url:
        http.base_url = base_url
        units, left_out = await read_to_the_end(
            lambda page: client.list_units(SWEEP, page=page, limit=LARGEST_PAGE, sort_direction="ASC")
        )
    expected = sorted(world.units.values(), key=lambda unit: (unit["created_at"], unit["id"]))
    assert [unit.id for unit in units] == [unit["id"] for unit in expected]
    assert left_out == 0
    assert [received.query["page"] for received in big.received] == ["1", "2", "3", "4"]


def pages(*pages: Page[str]) -> tuple[Callable[[int], Any], list[int]]:
    """Something that gives these pages by number and the last for ever, and which were asked for."""
    asked: list[int] = []

    async def ask(number: int) -> Page[str]:
        asked.append(number)
        return pages[min(number, len(pages)) - 1]

    return ask, asked


async def test_an_empty_page_is_the_end_even_where_it_promises_another() -> None:
    ask, asked = pages(Page(("a", "b"), None, 2), Page((), None, 3))
    assert await read_to_the_end(ask) == (["a", "b"], 0)
    assert asked == [1, 2]


async def test_a_page_of_which_nothing_can_be_read_is_not_the_end() -> None:
    ask, asked = pages(Page(("a",), None, 2, left_out=1), Page((), None, 3, left_out=2), Page(("b",), None, None))
    assert await read_to_the_end(ask) == (["a", "b"], 3)
    assert asked == [1, 2, 3]


async def test_a_list_that_repeats_its_page_for_ever_is_no_answer() -> None:
    ask, asked = pages(Page(("a",), None, 2), Page(("b",), None, 3))
    with pytest.raises(StoraDown, match="same page"):
        await read_to_the_end(ask)
    assert asked == [1, 2, 3]


async def test_a_page_that_cannot_be_had_fails_the_whole_reading(client: StoraClient, stora: SandboxStora) -> None:
    def next_page(page: int) -> Any:
        if page == 2:
            stora.faults.status(500, times=None)
        return client.list_units(SWEEP, page=page, limit=1)

    with pytest.raises(StoraDown):
        await read_to_the_end(next_page)


# Asking again


def waits(stora: SandboxStora) -> list[float]:
    """Seconds between one request and the next."""
    return [later.at - earlier.at for earlier, later in pairwise(stora.received)]


@pytest.mark.parametrize("fault", NO_ANSWER)
async def test_a_question_without_an_answer_is_asked_again(
    client: StoraClient, stora: SandboxStora, fault: str
) -> None:
    arm(stora, fault, times=2)
    assert (await client.list_units(PERSON)).count == 4
    assert waits(stora) == pytest.approx([0.4, 0.8])


@pytest.mark.parametrize("fault", NO_ANSWER)
async def test_a_question_that_is_never_answered_is_given_up_after_three_times(
    client: StoraClient, stora: SandboxStora, fault: str
) -> None:
    arm(stora, fault, times=3)
    with pytest.raises(StoraDown):
        await client.list_units(SWEEP)
    assert len(stora.received) == 3
    assert stora.faults.armed() == []


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client, _: client.list_units(PERSON), id="units"),
        pytest.param(lambda client, unit_id: client.show_unit(unit_id, PERSON), id="a unit"),
        pytest.param(lambda client, _: client.list_sites(PERSON), id="sites"),
        pytest.param(lambda client, _: client.list_unit_types(PERSON), id="unit types"),
    ],
)
async def test_every_question_is_asked_again_when_its_answer_is_cut_off(
    client: StoraClient, stora: SandboxStora, world: World, ask: Callable[[StoraClient, str], Awaitable[object]]
) -> None:
    stora.faults.truncated()
    await ask(client, next(iter(world.units)))
    assert [received.route for received in stora.received] == [stora.received[0].route] * 2


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, [0.2, 0.4]), (1.0, [0.6, 1.2])], ids=["least", "most"])
async def test_who_failed_together_is_spread_out(
    client: StoraClient, stora: SandboxStora, drawn: float, expected: list[float]
) -> None:
    stora.faults.drop_before(times=2)
    await replace(client, random=lambda: drawn).list_units(PERSON)
    assert waits(stora) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("status", "problem"), [(401, StoraLogin), (403, StoraLogin), (409, Refused), (422, Refused)], ids=str
)
async def test_what_stora_refuses_is_not_asked_again(
    client: StoraClient, stora: SandboxStora, status: int, problem: type[Problem]
) -> None:
    stora.faults.status(status)
    with pytest.raises(problem) as refused:
        await client.list_units(PERSON)
    assert getattr(refused.value, "status", None) == status
    assert len(stora.received) == 1


async def test_a_refused_parameter_comes_back_in_stora_s_words_with_its_request_id(
    client: StoraClient, stora: SandboxStora
) -> None:
    with pytest.raises(Refused) as refused:
        await client.list_units(PERSON, status=["haunted"])
    assert (refused.value.status, refused.value.code) == (422, "invalid_url_param")
    assert "haunted" in refused.value.message
    assert len(refused.value.request_id or "") == 36
    assert len(stora.received) == 1


async def test_a_unit_that_is_gone_is_not_found_and_not_asked_for_again(
    client: StoraClient, stora: SandboxStora
) -> None:
    with pytest.raises(NotFound) as gone:
        await client.show_unit("unit_0000000000000000", PERSON)
    assert gone.value.request_id
    assert len(stora.received) == 1


# 429


async def test_a_429_is_obeyed_until_its_reset_and_then_asked_again(client: StoraClient, stora: SandboxStora) -> None:
    stora.faults.status(429, reset_in=4.0)
    assert (await client.list_units(PERSON)).count == 4
    assert waits(stora) == pytest.approx([4.6])


async def test_who_cannot_wait_for_the_reset_is_told_when_and_a_sweep_waits(
    client: StoraClient, stora: SandboxStora
) -> None:
    stora.faults.status(429, reset_in=20.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    sweep = asyncio.create_task(client.list_units(SWEEP))
    await asyncio.sleep(0.1)
    for _ in range(2):
        with pytest.raises(StoraBusy) as busy:
            await client.list_units(PERSON)
        assert busy.value.seconds == pytest.approx(20.0)
    assert loop.time() - began == pytest.approx(0.1)
    assert len(stora.received) == 1
    assert (await sweep).count == 4
    assert waits(stora) == pytest.approx([20.6])


async def test_a_429_that_a_person_gets_and_cannot_wait_out_is_told_at_once(
    client: StoraClient, stora: SandboxStora
) -> None:
    stora.faults.status(429, reset_in=20.0)
    with pytest.raises(StoraBusy) as busy:
        await client.list_units(PERSON)
    assert busy.value.seconds == pytest.approx(20.1)
    assert len(stora.received) == 1


async def test_a_stora_that_says_429_for_ever_is_left_alone_after_three_times(
    client: StoraClient, stora: SandboxStora
) -> None:
    stora.faults.status(429, reset_in=30.0, times=None)
    with pytest.raises(StoraBusy):
        await client.list_units(SWEEP)
    assert waits(stora) == pytest.approx([30.6, 31.6])


async def test_a_used_up_budget_is_told_at_once_instead_of_leaving_a_person_hanging(
    dial: Dial, exchange: Exchange, stora: SandboxStora
) -> None:
    client = dial(replace(exchange, budget=Budget(10, 10)), StaticToken(SecretStr(stora.token)))
    for _ in range(9):
        await client.list_units(PERSON)
    await asyncio.sleep(40)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoraBusy) as busy:
        await client.list_units(PERSON)
    assert loop.time() == began
    assert busy.value.seconds == pytest.approx(20.05)
    await asyncio.sleep(busy.value.seconds)
    assert (await client.list_units(PERSON)).count == 4


# Time


async def test_an_answer_in_drops_is_given_up_at_each_attempt(client: StoraClient, http: httpx.AsyncClient) -> None:
    attempts = 0

    async def drip(request: web.Request) -> web.StreamResponse:
        nonlocal attempts
        attempts += 1
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(3)

    dripping = web.Application()
    dripping.router.add_get("/{path:.*}", drip)
    loop = asyncio.get_running_loop()
    async with serve(dripping) as base_url:
        http.base_url = base_url
        began = loop.time()
        with pytest.raises(StoraDown, match="TimeoutError"):
            await client.list_sites(SWEEP)
        assert loop.time() - began == pytest.approx(10 + 0.4 + 10 + 0.8 + 10)
    assert attempts == 3


async def test_a_person_hears_after_15_seconds_that_there_is_no_answer(
    client: StoraClient, stora: SandboxStora
) -> None:
    stora.faults.hold(times=None)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoraDown):
        await client.list_units(PERSON)
    assert loop.time() - began == pytest.approx(15)
    assert len(stora.received) == 2


async def test_a_probe_does_not_wait_for_longer_than_it_says(client: StoraClient, stora: SandboxStora) -> None:
    stora.faults.hold(times=None)
    impatient = replace(PROBE, altogether=4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoraDown):
        await ask_of_token(SignedIn(client.exchange, client.login), impatient)
    assert loop.time() - began == pytest.approx(4)


async def test_a_person_is_not_kept_waiting_for_an_attempt_that_could_not_be_answered_in_time(
    client: StoraClient, stora: SandboxStora
) -> None:
    stora.faults.drop_before()
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoraDown):
        await client.list_units(replace(PERSON, altogether=0.3))
    assert loop.time() == began
    assert len(stora.received) == 1


async def test_a_question_that_nobody_waits_for_any_more_gives_its_slot_back(
    dial: Dial, exchange: Exchange, stora: SandboxStora
) -> None:
    budget = Budget(1, 60)
    client = dial(replace(exchange, budget=budget), StaticToken(SecretStr(stora.token)))
    stora.faults.hold()
    asking = asyncio.create_task(client.list_units(PERSON))
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await client.list_units(PERSON)
    assert waits(stora) == pytest.approx([0.1 + 1.05])
    assert budget.remaining == 58


# The budget, as Stora counts


async def test_stora_never_has_to_refuse_a_crowd_of_askers(
    dial: Dial, exchange: Exchange, http: httpx.AsyncClient, world: World, now: Callable[[], float]
) -> None:
    counting = SandboxStora(world, now=now)
    client = dial(replace(exchange, budget=Budget(10, 60)), StaticToken(SecretStr(counting.token)))
    counting.faults.slow(2.5, times=10)
    asked = [Patience(priority, for_room=None, altogether=None) for priority in Priority for _ in range(30)]
    async with serve(counting.application()) as base_url:
        http.base_url = base_url
        await asyncio.gather(*(client.list_units(patience) for patience in asked))
    assert {received.status for received in counting.received} == {200}
    assert len(counting.received) == 90
    assert counting.peak(1.0) <= 10
    assert counting.peak(60.0) <= 60


@pytest.mark.usefixtures("real_time")
async def test_thirty_at_once_in_real_time_get_their_answers_without_a_single_429(
    dial: Dial, exchange: Exchange, http: httpx.AsyncClient, world: World
) -> None:
    counting = SandboxStora(world)
    client = dial(replace(exchange, budget=Budget(10, 60)), StaticToken(SecretStr(counting.token)))
    async with serve(counting.application()) as base_url:
        http.base_url = base_url
        pages = await asyncio.gather(*(client.list_units(PERSON) for _ in range(30)))
    assert [page.count for page in pages] == [4] * 30
    assert [received.status for received in counting.received] == [200] * 30
    assert counting.peak(1.0) == 9  # the tenth is kept for writes
