"""A list is read page by page while it changes under our feet, by one process at a time, from where it was cut off."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from typing_extensions import override

from bot.core.inventory import Unit
from bot.core.kept import LEASE, Reading, Thing
from bot.core.problems import DatabaseUnusable, StoraDown
from bot.stora.keeper import Follower
from bot.stora.sweeps import Sweep, left_of
from bot.stora.wire import Page
from tests.core.conftest import a_unit
from tests.stora.conftest import START, VirtualLoop
from tests.stora.notebook import Notebook, Pages

LIMIT = 3
MINUTES = timedelta(minutes=15)


class Killed(Exception):
    """The process is no more."""


@dataclass
class Shop:
    """A Stora of a few units, the oldest first; before a page is shown, something may happen."""

    units: list[Unit] = field(default_factory=list)
    events: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """What happens before the page asked for as the n-th."""
    counts: bool = True
    asked: list[int] = field(default_factory=list)
    seconds: float = 0.0
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.clock = asyncio.get_running_loop().time

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock())

    def add(self) -> None:
        self.units.append(a_unit(f"A-{next(self._numbers)}", updated=START))

    def happens(self, event: str) -> None:
        what, _, where = event.partition(" ")
        index = int(where or 0) % len(self.units) if self.units else None
        match what:
            case "add":
                self.add()
            case "remove" if index is not None:
                del self.units[index]
            case "change" if index is not None:
                known = self.units[index]
                self.units[index] = replace(known, status=f"{known.status}+", updated_at=self.now())
            case "fail":
                raise StoraDown("no answer")
            case "kill":
                raise Killed
            case _:
                pass  # there is nothing left to remove or change

    async def page(self, number: int) -> Page[Unit]:
        await asyncio.sleep(self.seconds)
        self.asked.append(number)
        for event in self.events.get(len(self.asked), ()):
            self.happens(event)
        shown = self.units[LIMIT * (number - 1) : LIMIT * number]
        more = LIMIT * number < len(self.units)
        return Page(tuple(shown), len(self.units) if self.counts else None, number + 1 if more else None)


async def nothing(_reading: Reading) -> None:
    """Nothing must be read before."""


def sweep_of(shop: Shop, notebook: Notebook, **changes: object) -> Sweep[Unit]:
    made = Sweep("units", shop.page, nothing, Follower(notebook), shop.now)
    return replace(made, **changes)  # type: ignore[arg-type]


async def asked(shop: Shop, notebook: Notebook) -> int:
    """Ask for all that is wanted, as the job does; how many questions that took."""
    questions = 0
    while wanted := await notebook.to_ask(shop.now(), 5):
        for one in wanted:
            questions += 1
            found = [unit for unit in shop.units if unit.id == one.id]
            await notebook.asked(one, shop.now(), found or None)
    return questions


def pictured(notebook: Notebook) -> dict[str, str]:
    known = [one.thing for one, _ in notebook.pages.rows.values() if not one.gone]
    return {thing.id: thing.status for thing in known if isinstance(thing, Unit)}


def owned(shop: Shop) -> dict[str, str]:
    return {unit.id: unit.status for unit in shop.units}


def in_virtual_time(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(told())


# Stora changes while we read


EVENTS = st.one_of(
    st.just("add"),
    *(st.integers(0, 20).map(f"{what} {{}}".format) for what in ("remove", "change")),
    st.sampled_from(["fail", "kill"]),
)
DAYS = st.dictionaries(st.integers(1, 12), st.lists(EVENTS, min_size=1, max_size=4), max_size=6)


@settings(max_examples=150, deadline=None)
@given(first=st.integers(0, 20), known=st.booleans(), counts=st.booleans(), events=DAYS)
@example(first=7, known=True, counts=False, events={2: ["remove 0"]})
@example(first=7, known=False, counts=True, events={3: ["remove 0", "kill"]})
@example(first=6, known=False, counts=True, events={2: ["remove 0", "remove 0", "remove 0"]})
def test_whatever_happens_during_a_sweep_two_sweeps_and_the_questions_show_what_there_is(
    *,
    first: int,
    known: bool,
    counts: bool,
    events: dict[int, list[str]],
) -> None:
    async def story() -> None:
        shop = Shop(counts=counts)
        pages = Pages()
        for _ in range(first):
            shop.add()
        if known:
            await sweep_of(shop, Notebook(shop.now, pages)).run(shop.now())
            shop.asked.clear()
        await asyncio.sleep(1)
        before = {unit.id for unit in shop.units}
        shop.events = events
        notebook = await swept_somehow(shop, pages)
        await asked(shop, notebook)
        if known:
            assert before & set(owned(shop)) <= set(pictured(notebook)), "nobody loses what was there all the time"
        shop.events = {}
        await asyncio.sleep(900)
        await sweep_of(shop, notebook).run(shop.now())
        await asked(shop, notebook)
        assert pictured(notebook) == owned(shop)

    in_virtual_time(story)


async def swept_somehow(shop: Shop, pages: Pages) -> Notebook:
    """Sweep until one ends: tried again after a failure, and by another process after a kill."""
    since = shop.now()
    for process in range(99):
        notebook = Notebook(shop.now, pages, f"process {process}")
        sweep = sweep_of(shop, notebook)
        while True:
            try:
                await sweep.run(since - timedelta(seconds=1))
            except StoraDown:
                await asyncio.sleep(2)
            except Killed:
                break
            else:
                return notebook
    raise AssertionError("it never ends")


@pytest.mark.parametrize("page", range(1, 5))
@pytest.mark.parametrize("end", ["fail", "kill"])
async def test_a_sweep_that_is_cut_off_at_any_page_goes_on_one_page_back(end: str, page: int) -> None:
    shop = Shop(events={page: [end]})
    for _ in range(10):
        shop.add()
    notebook = await swept_somehow(shop, Pages())
    assert pictured(notebook) == owned(shop)
    assert shop.asked == [*range(1, page + 1), *range(max(1, page - 1), 5)]


async def test_a_unit_that_slips_to_an_earlier_page_is_met_one_page_back() -> None:
    shop = Shop(events={3: ["remove 0"]})
    for _ in range(10):
        shop.add()
    notebook = Notebook(shop.now)
    await sweep_of(shop, notebook).run(shop.now())
    assert shop.asked == [1, 2, 3, 2, 3]
    assert set(owned(shop)) < set(pictured(notebook)), "nobody has missed the one that was removed yet"


async def test_where_stora_does_not_count_what_slipped_away_is_asked_for() -> None:
    shop = Shop(counts=False)
    for _ in range(10):
        shop.add()
    notebook = Notebook(shop.now)
    await sweep_of(shop, notebook).run(shop.now())
    await asyncio.sleep(900)
    shop.asked.clear()
    shop.events = {3: ["remove 0"]}
    await sweep_of(shop, notebook).run(shop.now())
    assert shop.asked == [1, 2, 3]
    assert await asked(shop, notebook) == 1
    assert set(owned(shop)) < set(pictured(notebook))


async def test_a_whole_page_removed_looks_like_the_page_before_it_and_is_no_fault() -> None:
    shop = Shop(events={2: ["remove 0"] * 3})
    for _ in range(9):
        shop.add()
    await sweep_of(shop, Notebook(shop.now)).run(shop.now())
    assert shop.asked == [1, 2, 1, 2]


async def test_a_list_that_shows_the_same_page_for_ever_is_no_answer() -> None:
    async def page(_number: int) -> Page[Unit]:
        return Page((a_unit("A-1"),), 9, 2)

    notebook = Notebook(lambda: START)
    with pytest.raises(StoraDown, match="same page"):
        await sweep_of(Shop(), notebook, ask=page).run(START)


async def test_what_cannot_be_read_is_counted_in_the_log() -> None:
    async def page(number: int) -> Page[Unit]:
        return Page((), 3, number + 1, left_out=1) if number < 3 else Page((a_unit("A-1"),), 3, None)

    with capture_logs() as logs:
        await sweep_of(Shop(), Notebook(lambda: START), ask=page).run(START)
    warned, read = logs
    assert (warned["log_level"], warned["things"], warned["count"]) == ("warning", "units", 2)
    assert (read["event"], read["pages"], read["whole"], read["unseen"]) == ("units read", 3, True, 0)


async def test_a_clock_that_steps_back_while_we_read_makes_nobody_look_missing() -> None:
    shop = Shop()
    for _ in range(6):
        shop.add()
    notebook = Notebook(shop.now)
    await sweep_of(shop, notebook).run(shop.now())
    await asyncio.sleep(900)

    def back() -> datetime:
        return shop.now() - timedelta(hours=2) if shop.asked else shop.now()

    shop.asked.clear()
    await replace(sweep_of(shop, notebook), now=back).run(shop.now())
    assert await asked(shop, notebook) == 0


# Several processes


def two(shop: Shop) -> tuple[Notebook, Notebook]:
    pages = Pages()
    return Notebook(shop.now, pages, "one"), Notebook(shop.now, pages, "other")


async def test_another_s_reading_is_waited_for_instead_of_reading_too() -> None:
    shop = Shop(seconds=20)
    for _ in range(9):
        shop.add()
    one, other = two(shop)
    since = shop.now() - timedelta(seconds=1)
    reading = asyncio.create_task(sweep_of(shop, one).run(since))
    await asyncio.sleep(1)
    follower = Follower(other)
    await replace(sweep_of(shop, other), follower=follower).run(since)
    await reading
    assert shop.asked == [1, 2, 3]
    assert follower.readings["units"].read_at == since + timedelta(seconds=1)


async def test_a_reading_stays_ours_however_long_stora_takes() -> None:
    shop = Shop(seconds=10 * LEASE.total_seconds())
    shop.add()
    one, other = two(shop)
    reading = asyncio.create_task(sweep_of(shop, one).run(shop.now()))
    for _ in range(9):
        await asyncio.sleep(LEASE.total_seconds())
        now = shop.now()
        assert await other.begin("units", now, unless_since=now, whole_since=now) is None
    await reading


async def test_a_database_that_is_away_while_we_wait_for_stora_does_not_end_the_reading() -> None:
    shop = Shop(seconds=60)
    shop.add()
    notebook = Notebook(shop.now)
    reading = asyncio.create_task(sweep_of(shop, notebook).run(shop.now()))
    await asyncio.sleep(1)
    notebook.torn = True
    await asyncio.sleep(50)
    notebook.torn = False
    await reading
    assert pictured(notebook) == owned(shop)


async def test_a_database_that_is_away_when_a_page_comes_is_said() -> None:
    shop = Shop(seconds=60)
    shop.add()
    notebook = Notebook(shop.now)
    reading = asyncio.create_task(sweep_of(shop, notebook).run(shop.now()))
    await asyncio.sleep(1)
    notebook.torn = True
    with pytest.raises(DatabaseUnusable):
        await reading


@dataclass
class Frozen(Notebook):
    """Its process stops, for as long as it says, before it writes down the second page."""

    seconds: float = 0.0
    written: int = 0

    @override
    async def page_read(self, reading: Reading, things: Sequence[Thing], at: datetime, next_page: int) -> Reading:
        self.written += 1
        if self.written == 2:
            self.stopped = True
            await asyncio.sleep(self.seconds)
            self.stopped = False
        return await super().page_read(reading, things, at, next_page)

    stopped: bool = False

    @override
    async def extend(self, reading: Reading, at: datetime) -> None:
        if not self.stopped:
            await super().extend(reading, at)


@pytest.mark.parametrize("seconds", [40, 400], ids=["the other still reads", "the other has done"])
async def test_a_process_that_was_frozen_leaves_the_reading_to_the_one_that_took_over(seconds: float) -> None:
    shop = Shop(seconds=10)
    for _ in range(9):
        shop.add()
    _, other = two(shop)
    frozen = Frozen(shop.now, other.pages, "frozen", seconds=seconds)
    since = shop.now() - timedelta(seconds=1)
    stopped = asyncio.create_task(sweep_of(shop, frozen).run(since))
    await asyncio.sleep(1)
    await sweep_of(shop, other).run(since)
    await stopped
    assert shop.asked == [1, 2, 1, 2, 3]
    assert pictured(other) == owned(shop)


@pytest.mark.parametrize(
    ("passed", "left"), [(0, 900), (1, 899), (900, 0), (9000, 0), (-5, 900)], ids=["now", "soon", "due", "late", "back"]
)
def test_how_long_until_it_is_time(passed: float, left: float) -> None:
    assert left_of(900, START, START + timedelta(seconds=passed)) == left
