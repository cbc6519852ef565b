"""The fresh copy: read as a whole, kept fresh, corrected by what is learnt of single units."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.inventory import UNKNOWN_STATUS, Inventory
from bot.core.kept import Seen
from bot.core.problems import NotFound, StoraBusy, StoraDown, StoraLogin
from bot.sandbox.loopback import serve
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from bot.stora.client import StoraClient
from bot.stora.directory import MANY, TOO_OLD_AT_LEAST, Directory
from bot.stora.exchange import Exchange
from bot.stora.keeper import Follower
from bot.stora.recorder import Recorder
from tests.stora.notebook import Notebook

REFRESH = 900
AVAILABLE = UnitsQuery(statuses=("available",))


@pytest.fixture
def directory(client: StoraClient, follower: Follower, recorder: Recorder, moment: Callable[[], datetime]) -> Directory:
    """A directory that has read nothing yet."""
    return Directory(client, follower, recorder, REFRESH, moment)


@pytest.fixture
async def read(directory: Directory, stora: SandboxStora) -> Directory:
    """The same a second after its first sweep."""
    await directory.sweep()
    stora.received.clear()
    await asyncio.sleep(1)
    return directory


@pytest.fixture
def crowded(world: World) -> World:
    """250 more units at Camden, B-001 to B-250, all younger than the others: with them three pages."""
    camden = world.unit_named("A-001", "Camden")
    youngest = datetime(2026, 2, 25, tzinfo=UTC)
    for number in range(1, 251):
        at = youngest + timedelta(minutes=number)
        world.add_unit(camden["site"]["id"], camden["unit_type"]["id"], f"B-{number:03d}", at)
    return world


def pictured(inventory: Inventory | None) -> dict[str, str]:
    """Unit id → status."""
    assert inventory is not None
    return {unit.id: unit.status for unit in inventory.units}


def owned(world: World) -> dict[str, str]:
    return {unit["id"]: unit["status"] for unit in world.units.values()}


def pages_asked(stora: SandboxStora) -> list[str]:
    return [received.query["page"] for received in stora.received if received.route == "/units"]


async def until(condition: Callable[[], bool]) -> None:
    """Let everybody else work until this is so."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("this never becomes so")


async def paused_at(stora: SandboxStora, page: int) -> asyncio.Event:
    """Let a sweep go on until it waits for this page of units; it goes on when the event is set."""
    held = stora.faults.hold(route="/units")
    for number in range(1, page + 1):
        await until(lambda: str(number) in pages_asked(stora))  # noqa: B023 - awaited at once
        if number < page:
            following = stora.faults.hold(route="/units")
            held.set()
            held = following
    return held


# The picture


async def test_before_the_first_reading_there_is_no_picture(directory: Directory) -> None:
    assert (directory.inventory, directory.names, directory.fresh, directory.silent_since) == (None,) * 4


async def test_a_sweep_reads_all_there_is(
    directory: Directory, stora: SandboxStora, crowded: World, moment: Callable[[], datetime]
) -> None:
    began = moment()
    picture = await directory.sweep()
    assert picture is directory.inventory is directory.fresh
    assert pictured(picture) == owned(crowded)
    assert {site.name for site in picture.sites.values()} == {"Camden", "Bristol"}
    assert set(picture.unit_types) == set(crowded.unit_types)
    assert picture.read_at == began
    assert [(received.route, received.query) for received in stora.received] == [
        ("/sites", {"page": "1", "limit": "100"}),
        ("/unit_types", {"page": "1", "limit": "100"}),
        *(
            ("/units", {"page": page, "limit": "100", "sort_by": "created_at", "sort_direction": "ASC"})
            for page in ("1", "2", "3")
        ),
    ]


async def test_a_picture_is_as_old_as_the_beginning_of_its_reading(
    directory: Directory, stora: SandboxStora, moment: Callable[[], datetime]
) -> None:
    stora.faults.slow(8.0, route="/units")
    began = moment()
    picture = await directory.sweep()
    assert moment() - began >= timedelta(seconds=8)
    assert picture.read_at == began


async def test_nobody_sees_half_of_the_first_sweep(directory: Directory, stora: SandboxStora, crowded: World) -> None:
    sweep = asyncio.create_task(directory.sweep())
    held = await paused_at(stora, 3)
    assert directory.inventory is directory.fresh is None
    assert directory.unit(crowded.unit_named("A-002")["id"]), "a card may be drawn from it"
    held.set()
    assert pictured(await sweep) == owned(crowded)


async def test_each_page_of_a_later_sweep_shows_at_once(read: Directory, stora: SandboxStora, crowded: World) -> None:
    old = read.inventory
    assert old
    sweep = asyncio.create_task(read.sweep())
    held = await paused_at(stora, 3)
    assert len(pictured(read.inventory)) == 200
    assert read.inventory
    assert read.inventory.read_at == old.read_at, "not all of it has been seen again"
    held.set()
    new = await sweep
    assert read.inventory is new
    assert pictured(new) == owned(crowded)
    assert new.read_at > old.read_at


async def cut_off(directory: Directory, stora: SandboxStora, page: int) -> None:
    """Let a sweep fail at this page."""
    sweep = asyncio.create_task(directory.sweep())
    if page == 1:
        stora.faults.status(500, route="/units", times=3)
    else:
        held = await paused_at(stora, page - 1)
        stora.faults.status(500, route="/units", times=3)
        held.set()
    with pytest.raises(StoraDown):
        await sweep
    assert pages_asked(stora)[-3:] == [str(page)] * 3
    stora.received.clear()


@pytest.mark.parametrize(("page", "resumed"), [(1, "1 2 3"), (2, "1 2 3"), (3, "2 3")], ids=str)
async def test_a_page_that_fails_leaves_what_was_read_before_it_and_the_next_sweep_goes_on_there(
    read: Directory, stora: SandboxStora, crowded: World, page: int, resumed: str
) -> None:
    await cut_off(read, stora, page)
    assert len(pictured(read.inventory)) == max(4, 100 * (page - 1))
    assert pictured(await read.sweep()) == owned(crowded)
    assert pages_asked(stora) == resumed.split(), "one page back: what was removed has moved the rest to earlier pages"


async def test_a_first_sweep_that_is_cut_off_goes_on_without_reading_the_names_again(
    directory: Directory, stora: SandboxStora, crowded: World
) -> None:
    await cut_off(directory, stora, 3)
    assert directory.inventory is None
    assert pictured(await directory.sweep()) == owned(crowded)
    assert [received.route for received in stora.received] == ["/units"] * 2


async def test_after_a_restart_everything_is_there_without_a_question(
    read: Directory, client: StoraClient, notebook: Notebook, stora: SandboxStora, moment: Callable[[], datetime]
) -> None:
    again = Follower(notebook)
    restarted = Directory(client, again, Recorder(again), REFRESH, moment)
    await again.catch_up()
    assert restarted.inventory
    assert read.inventory
    assert restarted.inventory.units == read.inventory.units
    assert restarted.inventory.sites == (await restarted.known_names()).sites == read.inventory.sites
    assert restarted.fresh
    assert restarted.fresh.read_at == read.inventory.read_at
    assert stora.received == []


async def test_sweeps_at_the_same_time_are_one_reading(directory: Directory, stora: SandboxStora) -> None:
    pictures = await asyncio.gather(*(directory.sweep() for _ in range(5)))
    assert len(stora.received) == 3
    assert all(picture is pictures[0] for picture in pictures)


async def test_a_sweep_goes_on_for_the_others_when_the_one_who_began_it_leaves(
    directory: Directory, stora: SandboxStora
) -> None:
    first, second = (asyncio.create_task(directory.sweep()) for _ in range(2))
    held = await paused_at(stora, 1)
    first.cancel()
    held.set()
    assert await second is directory.inventory


async def test_units_that_cannot_be_read_are_left_out_and_their_number_is_logged(
    directory: Directory, world: World
) -> None:
    for things in (world.units, world.sites, world.unit_types):
        next(iter(things.values()))["id"] = "no id/"
    with capture_logs() as lines:
        picture = await directory.sweep()
    assert (len(picture.units), len(picture.sites), len(picture.unit_types)) == (3, 1, 1)
    warned = [(line["things"], line["count"]) for line in lines if line["log_level"] == "warning"]
    assert warned == [("sites", 1), ("unit types", 1), ("units", 1)]


# What is learnt while a sweep is under way


async def test_what_was_learnt_during_a_sweep_survives_it(
    read: Directory, stora: SandboxStora, crowded: World, moment: Callable[[], datetime]
) -> None:
    unit_id = crowded.unit_named("A-002")["id"]
    sweep = asyncio.create_task(read.sweep())
    held = await paused_at(stora, 2)  # the first page, with A-002 available, has been read
    crowded.set_status(unit_id, "unavailable", moment() + timedelta(seconds=1))
    await asyncio.sleep(1)
    asked_at = moment()
    await read.ask_unit(unit_id)
    held.set()
    picture = await sweep
    assert pictured(picture) == {**owned(crowded), unit_id: "unavailable"}
    assert picture.asked_again[unit_id] == asked_at
    await asyncio.sleep(1)
    assert (await read.sweep()).asked_again == {}


async def test_a_unit_that_vanished_during_a_sweep_does_not_come_back_with_it(
    read: Directory, stora: SandboxStora, crowded: World, moment: Callable[[], datetime]
) -> None:
    unit_id = crowded.unit_named("A-002")["id"]
    sweep = asyncio.create_task(read.sweep())
    held = await paused_at(stora, 2)
    crowded.remove_unit(unit_id, moment())
    with pytest.raises(NotFound):
        await read.ask_unit(unit_id)
    held.set()
    picture = await sweep
    assert picture.unit(unit_id) is None
    assert len(picture.units) >= 252


async def test_a_unit_that_stora_lists_again_later_comes_back(read: Directory, world: World) -> None:
    unit_id, unit = next(iter(world.units.items()))
    del world.units[unit_id]
    with pytest.raises(NotFound):
        await read.ask_unit(unit_id)
    world.units[unit_id] = unit
    assert pictured(await read.sweep()) == owned(world)


@asynccontextmanager
async def sorting_held_up() -> AsyncIterator[Callable[[], bool]]:
    """Threads do nothing inside the block; yields whether something waits for one."""
    go = threading.Event()
    executor = ThreadPoolExecutor(max_workers=1)
    executor.submit(go.wait)
    asyncio.get_running_loop().set_default_executor(executor)
    try:
        yield lambda: executor._work_queue.qsize() > 0
    finally:
        go.set()


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
async def test_what_is_learnt_while_the_first_sweep_is_sorted_survives_it_too(
    directory: Directory,
    world: World,
    moment: Callable[[], datetime],
    gone: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with sorting_held_up() as waiting:
        sweep = asyncio.create_task(directory.sweep())
        await until(waiting)
        await learnt(directory, world, moment, gone=gone)
    assert pictured(await sweep) == pictured(directory.inventory) == owned(world)


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
async def test_what_is_learnt_while_much_that_another_process_read_is_sorted_survives_it_too(  # noqa: PLR0913, PLR0917
    read: Directory,
    follower: Follower,
    notebook: Notebook,
    world: World,
    moment: Callable[[], datetime],
    gone: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert read.inventory
    one = read.inventory.units[0]
    many = [replace(one, id=f"unit_{number}", reference_id=f"C-{number}") for number in range(MANY + 1)]
    async with sorting_held_up() as waiting:
        await notebook.keep([Seen(unit, moment()) for unit in many])
        following = asyncio.create_task(follower.catch_up())
        await until(waiting)
        await learnt(read, world, moment, gone=gone)
    await following
    assert pictured(read.inventory) == {**owned(world), **{unit.id: "available" for unit in many}}
    assert read.inventory.units[-1].reference_id == f"C-{MANY}"


async def learnt(directory: Directory, world: World, moment: Callable[[], datetime], *, gone: bool) -> None:
    """Ask about a unit that has changed, or gone."""
    unit_id = world.unit_named("A-002")["id"]
    if gone:
        world.remove_unit(unit_id, moment())
        with pytest.raises(NotFound):
            await directory.ask_unit(unit_id)
    else:
        world.set_status(unit_id, "unavailable", moment() + timedelta(seconds=1))
        await directory.ask_unit(unit_id)


# Freshness


async def test_a_picture_is_fresh_for_two_periods_and_then_still_there(read: Directory) -> None:
    await asyncio.sleep(2 * REFRESH - 1)
    assert read.fresh is read.inventory is not None
    await asyncio.sleep(1)
    assert read.fresh is None
    assert read.inventory is not None
    await read.sweep()
    assert read.fresh is read.inventory


async def test_a_period_too_short_for_the_budget_does_not_make_the_picture_too_old(
    client: StoraClient, follower: Follower, recorder: Recorder, moment: Callable[[], datetime]
) -> None:
    directory = Directory(client, follower, recorder, 1, moment)
    await directory.sweep()
    await asyncio.sleep(TOO_OLD_AT_LEAST - 1)
    assert directory.fresh is directory.inventory is not None
    await asyncio.sleep(2)
    assert directory.fresh is None


async def test_a_short_period_is_kept_to_once_sweeps_fail(
    client: StoraClient, follower: Follower, recorder: Recorder, moment: Callable[[], datetime], stora: SandboxStora
) -> None:
    directory = Directory(client, follower, recorder, 1, moment)
    await directory.sweep()
    stora.faults.status(403, method="GET", route="/units", times=None)
    sweeping = asyncio.create_task(directory.keep_fresh())
    await asyncio.sleep(3)
    assert directory.silent_since is not None
    assert directory.fresh is None
    sweeping.cancel()


async def test_a_picture_that_took_long_to_read_stays_fresh_for_so_much_longer(
    directory: Directory, stora: SandboxStora
) -> None:
    stora.faults.slow(5, method="GET", route="/units")
    await directory.sweep()
    await asyncio.sleep(2 * REFRESH - 1)
    assert directory.fresh is directory.inventory
    await asyncio.sleep(7)
    assert directory.fresh is None


@asynccontextmanager
async def kept_fresh(directory: Directory) -> AsyncIterator[None]:
    keeping = asyncio.create_task(directory.keep_fresh())
    try:
        yield
        assert not keeping.done()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_the_inventory_is_read_at_once_and_then_every_period(directory: Directory, stora: SandboxStora) -> None:
    async with kept_fresh(directory):
        await asyncio.sleep(2 * REFRESH + 10)
    began = [received.at for received in stora.received if received.route == "/sites"]
    assert [later - earlier for earlier, later in pairwise(began)] == pytest.approx([REFRESH] * 2)
    assert len(stora.received) == 9


def pauses(attempts: list[Received]) -> list[float]:
    """Seconds of quiet between one sweep's last attempt and the next sweep's first."""
    return [later.at - earlier.at for earlier, later in pairwise(attempts)][2::3]


async def test_after_a_failure_it_is_read_sooner_and_then_less_often(
    directory: Directory, stora: SandboxStora, moment: Callable[[], datetime]
) -> None:
    stora.faults.drop_before(times=21)
    began, silent_since = moment(), []
    with capture_logs() as lines:
        async with kept_fresh(directory):
            for seconds in (1.5, 98.5, 200):
                await asyncio.sleep(seconds)
                silent_since.append(directory.silent_since)
    assert silent_since == [began + timedelta(seconds=1.2), began + timedelta(seconds=1.2), None]
    assert directory.fresh
    assert len(stora.received) == 24
    assert pauses(stora.received[:22]) == pytest.approx([2, 4, 8, 16, 32, 60, 60])
    assert [line["again_in"] for line in lines if line["event"] == "sweep failed"] == [2, 4, 8, 16, 32, 60, 60]


async def test_after_a_success_the_next_failure_is_again_followed_up_soon(read: Directory, stora: SandboxStora) -> None:
    stora.faults.drop_before(times=6)
    async with kept_fresh(read):
        await asyncio.sleep(REFRESH + 100)
        assert read.silent_since is None
        stora.received.clear()
        stora.faults.drop_before(times=6)
        await asyncio.sleep(REFRESH)
    assert pauses(stora.received) == pytest.approx([2, 4])


async def test_a_failure_is_followed_up_within_the_period_however_short(
    client: StoraClient,
    follower: Follower,
    recorder: Recorder,
    stora: SandboxStora,
    moment: Callable[[], datetime],
) -> None:
    stora.faults.drop_before(times=None)
    async with kept_fresh(Directory(client, follower, recorder, 5, moment)):
        await asyncio.sleep(24)
    assert pauses(stora.received) == pytest.approx([2, 4, 5, 5])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(401, "StoraLogin"), (403, "StoraLogin"), (422, "Refused"), (429, "StoraBusy")],
    ids=str,
)
async def test_nothing_that_stora_says_ends_the_sweeping(
    directory: Directory, stora: SandboxStora, fault: int, kind: str
) -> None:
    stora.faults.status(fault, times=3)
    with capture_logs() as lines:
        async with kept_fresh(directory):
            await asyncio.sleep(REFRESH)
            assert directory.fresh
            assert directory.silent_since is None
    failures = [line["problem"] for line in lines if line["event"] == "sweep failed"]
    assert failures
    assert all(problem.startswith(kind) for problem in failures)
    assert stora.token not in str(lines)


async def test_a_database_that_is_away_is_not_a_silent_stora(
    read: Directory, notebook: Notebook, stora: SandboxStora
) -> None:
    notebook.torn = True
    with capture_logs() as lines:
        async with kept_fresh(read):
            await asyncio.sleep(REFRESH + 1)
    assert "sweep failed" in {line["event"] for line in lines}
    assert read.silent_since is None
    assert stora.received == []


# Names


async def test_names_are_read_once_for_all_who_ask_and_are_there_before_the_units(
    directory: Directory, stora: SandboxStora
) -> None:
    names = await asyncio.gather(*(directory.known_names() for _ in range(5)))
    assert {site.name for site in names[0].sites.values()} == {"Camden", "Bristol"}
    assert len(names[0].unit_types) == 2
    assert names[0].units == ()
    assert all(known is names[0] for known in names)
    assert directory.names
    assert directory.names.sites == names[0].sites
    assert [received.route for received in stora.received] == ["/sites", "/unit_types"]
    assert directory.inventory is None


async def test_names_that_a_sweep_has_read_are_not_asked_for_again(directory: Directory, stora: SandboxStora) -> None:
    sweep = asyncio.create_task(directory.sweep())
    held = await paused_at(stora, 1)
    assert (await directory.known_names()).sites
    held.set()
    picture = await sweep
    assert await directory.known_names() is picture
    assert [received.route for received in stora.received] == ["/sites", "/unit_types", "/units"]


async def test_names_that_cannot_be_read_say_why(directory: Directory, stora: SandboxStora) -> None:
    stora.revoke_tokens()
    with pytest.raises(StoraLogin):
        await directory.known_names()
    assert directory.names is None


async def test_names_that_another_process_has_read_are_followed(
    read: Directory, follower: Follower, notebook: Notebook, moment: Callable[[], datetime]
) -> None:
    assert read.inventory
    camden, bristol = sorted(read.inventory.sites.values(), key=lambda site: site.name == "Bristol")
    gone = next(each for each in read.inventory.unit_types.values() if "Bristol" in each.name)
    changed = replace(camden, name="Zamden")
    await notebook.keep([Seen(changed, moment()), Seen(gone, moment(), gone=True)])
    await follower.catch_up()
    for picture in (read.inventory, read.names):
        assert picture
        assert picture.sites == {camden.id: changed, bristol.id: bristol}
        assert gone.id not in picture.unit_types
    assert [read.inventory.sites[unit.site_id].name for unit in read.inventory.units[:2]] == ["Bristol", "Zamden"]


async def test_names_that_stora_no_longer_lists_go_with_the_next_sweep(
    read: Directory, notebook: Notebook, world: World
) -> None:
    site_id, type_id = next(iter(world.sites)), next(iter(world.unit_types))
    del world.sites[site_id], world.unit_types[type_id]
    picture = await read.sweep()
    assert site_id not in picture.sites
    assert type_id not in picture.unit_types
    assert len(picture.units) == 4
    assert {key[1] for key, (one, _) in notebook.pages.rows.items() if one.gone} == {site_id, type_id}


# Straight from Stora


async def test_while_it_is_loading_a_query_is_one_filtered_call(
    directory: Directory, stora: SandboxStora, world: World, moment: Callable[[], datetime]
) -> None:
    await directory.known_names()
    stora.received.clear()
    camden = world.unit_named("A-002")
    query = UnitsQuery(
        site_ids=(camden["site"]["id"],),
        unit_type_ids=(camden["unit_type"]["id"],),
        statuses=("available", "reserved"),
        q="A-0",
        created_after=datetime(2026, 2, 21, 9, 0, tzinfo=UTC),
        created_before=datetime(2026, 2, 23, 9, 0, tzinfo=UTC),
        sort="oldest",
        limit=1,
    )
    found = await directory.ask_units(query, page_size=10)
    (received,) = stora.received
    assert received.query == {
        "page": "1",
        "limit": "1",
        "sort_by": "created_at",
        "sort_direction": "ASC",
        "site_id": camden["site"]["id"],
        "unit_type_id": camden["unit_type"]["id"],
        "status": "available,reserved",
        "created_after": "2026-02-21T09:00:00Z",
        "created_before": "2026-02-23T09:00:00Z",
        "search": "A-0",
    }
    (row,) = found.rows
    assert (row.unit.reference_id, row.site and row.site.name) == ("A-002", "Camden")
    assert row.unit_type
    assert row.unit_type.name == "Small room in Camden"
    assert (found.query, found.total, found.pages, found.as_of) == (query, 2, 2, moment())


@pytest.mark.parametrize("sort", ["reference", "newest", "price"])
async def test_a_query_straight_from_stora_comes_newest_first_unless_the_oldest_are_wanted(
    directory: Directory, stora: SandboxStora, sort: Any
) -> None:
    found = await directory.ask_units(UnitsQuery(sort=sort), page_size=3)
    assert [row.unit.reference_id for row in found.rows] == ["A-003", "A-002", "A-001"]
    assert [received.route for received in stora.received] == ["/sites", "/unit_types", "/units"]
    assert stora.received[-1].query["sort_direction"] == "DESC"


async def test_pages_straight_from_stora_are_stora_s_own_and_show_every_unit_once(
    directory: Directory, world: World
) -> None:
    shown: list[str] = []
    for page in (1, 2):
        found = await directory.ask_units(UnitsQuery(page=page, limit=3), page_size=10)
        assert (found.total, found.pages) == (4, 2)
        shown += [row.unit.id for row in found.rows]
    assert sorted(shown) == sorted(world.units)


async def test_a_page_behind_the_last_is_empty(directory: Directory) -> None:
    found = await directory.ask_units(UnitsQuery(page=9, limit=3), page_size=10)
    assert (found.rows, found.total) == ((), 4)


async def test_a_whole_reference_is_searched_for(directory: Directory, stora: SandboxStora) -> None:
    found = await directory.ask_units(UnitsQuery(reference="A-003"), page_size=10)
    assert [row.unit.reference_id for row in found.rows] == ["A-003"]
    assert stora.received[-1].query["search"] == "A-003"


async def test_the_same_query_at_the_same_time_is_one_call_and_another_is_another(
    directory: Directory, stora: SandboxStora
) -> None:
    await directory.known_names()
    stora.received.clear()
    queries = [AVAILABLE, AVAILABLE, UnitsQuery()]
    first, second, other = await asyncio.gather(*(directory.ask_units(query, page_size=10) for query in queries))
    assert first is second is not other
    assert len(stora.received) == 2


@pytest.mark.parametrize(
    ("page", "items", "total", "pages"),
    [(1, 3, 3, 2), (2, 3, 6, 3), (2, 1, 4, 2), (1, 0, 0, 1), (3, 0, 6, 3)],
    ids=["full", "full again", "the last", "nothing", "behind the last"],
)
async def test_without_a_count_the_total_is_what_has_been_seen(  # noqa: PLR0913, PLR0917 - the columns of a table
    directory: Directory, http: httpx.AsyncClient, page: int, items: int, total: int, pages: int
) -> None:
    await directory.known_names()

    async def without_meta(_request: web.Request) -> web.Response:
        return web.json_response({"units": [{"id": f"unit_{number}"} for number in range(items)]})

    application = web.Application()
    application.router.add_get("/2025-09/units", without_meta)
    async with serve(application) as base_url:
        http.base_url = base_url
        found = await directory.ask_units(UnitsQuery(page=page, limit=3), page_size=10)
    assert (len(found.rows), found.total, found.pages) == (items, total, pages)
    assert all(row.site is None and row.unit_type is None for row in found.rows)


async def test_a_unit_is_asked_for_with_its_site_and_type_while_it_is_loading(
    directory: Directory, stora: SandboxStora, world: World, moment: Callable[[], datetime]
) -> None:
    unit = world.unit_named("A-001", "Bristol")
    row, as_of = await directory.ask_unit(unit["id"])
    assert (row.unit.id, as_of) == (unit["id"], moment())
    assert row.site
    assert row.site.name == "Bristol"
    assert [received.route for received in stora.received] == ["/units/{unit_id}", "/sites", "/unit_types"]
    assert directory.inventory is None
    with pytest.raises(NotFound):
        await directory.ask_unit("unit_0000000000000000")


async def test_what_is_asked_of_one_unit_joins_the_picture(
    read: Directory, stora: SandboxStora, world: World, moment: Callable[[], datetime]
) -> None:
    camden = world.unit_named("A-001", "Camden")
    new = world.add_unit(camden["site"]["id"], camden["unit_type"]["id"], "A-000", moment())
    await asyncio.sleep(5)
    row, as_of = await read.ask_unit(new["id"])
    picture = read.inventory
    assert picture
    assert picture.unit(new["id"]) == row.unit
    assert picture.seen_at([row.unit]) == as_of == moment()
    assert [unit.reference_id for unit in picture.units] == ["A-000", "A-001", "A-001", "A-002", "A-003"]
    assert len(stora.received) == 1


async def test_a_unit_that_is_gone_leaves_the_picture(
    read: Directory, stora: SandboxStora, world: World, moment: Callable[[], datetime]
) -> None:
    unit_id = world.unit_named("A-002")["id"]
    world.remove_unit(unit_id, moment())
    results = await asyncio.gather(*(read.ask_unit(unit_id) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [NotFound] * 3
    assert pictured(read.inventory) == owned(world)
    assert len(stora.received) == 1


# Refresh


async def test_refresh_is_one_call_that_brings_what_is_shown_up_to_date(
    read: Directory, stora: SandboxStora, world: World, moment: Callable[[], datetime]
) -> None:
    picture = read.inventory
    assert picture
    left, moved = world.unit_named("A-002"), world.unit_named("A-003")
    world.set_status(left["id"], "unavailable", moment() + timedelta(seconds=1))
    await asyncio.sleep(60)
    asked_at = moment()
    await read.refresh(AVAILABLE, page_size=10)
    (received,) = stora.received
    assert received.query == {
        "page": "1",
        "limit": "100",
        "sort_by": "created_at",
        "sort_direction": "DESC",
        "status": "available",
    }
    assert pictured(read.inventory) == {**owned(world), left["id"]: UNKNOWN_STATUS}
    assert read.inventory
    assert read.inventory.read_at == picture.read_at
    assert read.inventory.seen_at(read.inventory.units) == asked_at
    assert moved["id"] in read.inventory.asked_again


async def test_refresh_asks_by_the_query_s_own_filters(read: Directory, stora: SandboxStora, world: World) -> None:
    unit = world.unit_named("A-002")
    query = UnitsQuery(
        site_ids=(unit["site"]["id"],),
        unit_type_ids=(unit["unit_type"]["id"],),
        created_after=datetime(2026, 2, 21, 9, 0, tzinfo=UTC),
        created_before=datetime(2026, 2, 22, 9, 0, tzinfo=UTC),
        sort="oldest",
    )
    del world.units[unit["id"]]
    await read.refresh(query, page_size=10)
    assert stora.received[0].query == {
        "page": "1",
        "limit": "100",
        "sort_by": "created_at",
        "sort_direction": "DESC",
        "site_id": unit["site"]["id"],
        "unit_type_id": unit["unit_type"]["id"],
        "created_after": "2026-02-21T09:00:00Z",
        "created_before": "2026-02-22T09:00:00Z",
    }
    changed = [unit_id for unit_id, status in pictured(read.inventory).items() if status == UNKNOWN_STATUS]
    assert changed == [unit["id"]]


async def test_refresh_shows_units_that_match_since(
    read: Directory, world: World, moment: Callable[[], datetime]
) -> None:
    unit = world.unit_named("A-002")
    world.set_status(unit["id"], "unavailable", moment() + timedelta(seconds=1))
    await read.sweep()
    world.set_status(unit["id"], "available", moment() + timedelta(seconds=2))
    new = world.add_unit(unit["site"]["id"], unit["unit_type"]["id"], "A-004", moment() + timedelta(seconds=2))
    await read.refresh(AVAILABLE, page_size=10)
    assert pictured(read.inventory) == owned(world)
    assert read.inventory
    assert read.inventory.unit(new["id"])


async def test_refresh_of_more_than_one_answer_holds_accuses_no_unit_of_having_left(
    directory: Directory, stora: SandboxStora, crowded: World, moment: Callable[[], datetime]
) -> None:
    await directory.sweep()
    stora.received.clear()
    camden = crowded.unit_named("A-002")
    crowded.set_status(camden["id"], "unavailable", moment() + timedelta(seconds=1))
    await directory.refresh(AVAILABLE.model_copy(update={"page": 3}), page_size=10)
    (received,) = stora.received
    asked = ("page", "limit", "status", "site_id", "unit_type_id")
    expected = ["1", "100", "available", camden["site"]["id"], camden["unit_type"]["id"]]
    assert [received.query[name] for name in asked] == expected
    assert UNKNOWN_STATUS not in pictured(directory.inventory).values()


async def test_refresh_with_a_unit_that_cannot_be_read_accuses_no_unit_of_having_left(
    read: Directory, world: World
) -> None:
    world.unit_named("A-002")["id"] = "no id/"
    await read.refresh(AVAILABLE, page_size=10)
    assert set(pictured(read.inventory).values()) == {"available"}


async def test_the_same_refresh_at_the_same_time_is_one_call(read: Directory, stora: SandboxStora) -> None:
    await asyncio.gather(*(read.refresh(AVAILABLE, page_size=10) for _ in range(5)))
    assert len(stora.received) == 1


async def test_refresh_of_a_card_is_one_call_for_that_unit(
    read: Directory, stora: SandboxStora, world: World, moment: Callable[[], datetime]
) -> None:
    unit_id = world.unit_named("A-002")["id"]
    world.set_status(unit_id, "unavailable", moment() + timedelta(seconds=1))
    await read.refresh(ShowUnit(unit_id=unit_id), page_size=10)
    assert [received.path for received in stora.received] == [f"/2025-09/units/{unit_id}"]
    assert pictured(read.inventory) == owned(world)


async def test_refresh_of_a_card_of_a_unit_that_is_gone_says_so(
    read: Directory, world: World, moment: Callable[[], datetime]
) -> None:
    unit_id = world.unit_named("A-002")["id"]
    world.remove_unit(unit_id, moment())
    with pytest.raises(NotFound):
        await read.refresh(ShowUnit(unit_id=unit_id), page_size=10)
    assert read.inventory
    assert read.inventory.unit(unit_id) is None


async def test_a_refresh_that_fails_leaves_the_picture_as_it_was(
    read: Directory, exchange: Exchange, stora: SandboxStora
) -> None:
    old = read.inventory
    stora.faults.down = True
    with pytest.raises(StoraDown):
        await read.refresh(AVAILABLE, page_size=10)
    stora.faults.down = False
    exchange.budget.block(60)
    with pytest.raises(StoraBusy):
        await read.refresh(AVAILABLE, page_size=10)
    assert read.inventory is old


async def test_before_the_first_reading_a_refresh_has_nothing_to_renew(
    directory: Directory, stora: SandboxStora
) -> None:
    await directory.refresh(AVAILABLE, page_size=10)
    assert stora.received == []
