"""What every memory of the directory promises, the database and the notebook that other tests use in its place."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.heard import Heard
from bot.core.kept import LEASE, Overtaken, Read, Seen, Wanted
from bot.core.telling import Channels
from bot.stora.keeper import Keeper
from bot.store.kept import AGAIN, ASKING, RESUMED_FOR, Kept
from tests.stora.notebook import Notebook, Pages
from tests.store.conftest import NOW, SECOND
from tests.store.things import (
    CAMDEN,
    DAY,
    HOUR,
    LOCKER,
    NEVER,
    Clock,
    a_tenancy,
    a_unit,
    asking,
    begun,
    shown,
    swept,
)

Process = Callable[[str], Keeper]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["notebook", "sqlite", "postgresql"])
def process(request: pytest.FixtureRequest, clock: Clock) -> Process:
    """The memory, as the process of this name has it open."""
    if request.param == "notebook":
        pages = Pages()
        return lambda name: Notebook(clock, pages, name)
    engine: AsyncEngine = request.getfixturevalue("engine")
    return lambda name: Kept(engine, Channels(None, {}), name, clock)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """Of the database that ``process`` is about."""
    kind = request.node.callspec.params["process"]
    if kind == "sqlite":
        return f"sqlite+aiosqlite:///{request.getfixturevalue('tmp_path') / 'unitbot.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def keeper(process: Process) -> Keeper:
    return process("one")


@pytest.fixture
def other(process: Process) -> Keeper:
    return process("other")


def seen(number: int, status: str = "available", at: datetime = NOW, *, updated: datetime = NOW - DAY) -> Seen:
    return Seen(a_unit(number, status, updated), at)


async def now_shown(keeper: Keeper) -> dict[str, str]:
    return shown(await keeper.since(0))


# What has changed


async def test_at_first_nothing_is_kept(keeper: Keeper) -> None:
    changes = await keeper.since(0)
    assert (list(changes.seen), changes.readings) == ([], {})


async def test_what_is_kept_comes_back_as_it_was_to_every_process(keeper: Keeper, other: Keeper) -> None:
    things = [Seen(CAMDEN, NOW), Seen(LOCKER, NOW), seen(1), Seen(a_tenancy(1), NOW)]
    await keeper.keep(things)
    changes = await other.since(0)
    assert sorted(changes.seen, key=lambda one: one.thing.id) == sorted(things, key=lambda one: one.thing.id)


async def test_since_a_version_there_is_only_what_is_new(keeper: Keeper, other: Keeper) -> None:
    await keeper.keep([seen(1), seen(2)])
    version = (await other.since(0)).version
    assert list((await other.since(version)).seen) == []
    await keeper.keep([seen(2, "reserved", NOW + SECOND, updated=NOW), seen(1, at=NOW + SECOND)])
    changes = await other.since(version)
    assert shown(changes) == {"unit_2": "reserved"}
    assert changes.version > version


SEEN = seen(1, updated=NOW)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (seen(1, "reserved", NOW + SECOND, updated=NOW + SECOND), "reserved"),
        (seen(1, "reserved", NOW - SECOND, updated=NOW + SECOND), "reserved"),
        (seen(1, "reserved", NOW + SECOND, updated=NOW), "reserved"),
        (seen(1, "reserved", NOW, updated=NOW), "reserved"),
        (seen(1, "reserved", NOW + SECOND, updated=NOW - SECOND), "available"),
        (seen(1, "reserved", NOW - SECOND, updated=NOW), "available"),
    ],
    ids=["newer", "newer but asked sooner", "same second", "same moment", "older but asked later", "asked sooner"],
)
async def test_answers_come_in_any_order_and_stora_s_own_date_decides(
    keeper: Keeper, later: Seen, expected: str
) -> None:
    await keeper.keep([SEEN])
    await keeper.keep([later])
    assert await now_shown(keeper) == {"unit_1": expected}


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "reversed"])
async def test_of_several_looks_at_once_the_latest_counts(keeper: Keeper, order: int) -> None:
    looks = [
        seen(1, "occupied", NOW + SECOND, updated=NOW),
        seen(1, "reserved", NOW + 2 * SECOND, updated=NOW + SECOND),
        seen(1, "available", NOW + 3 * SECOND, updated=NOW - SECOND),
    ]
    await keeper.keep(looks[::order])
    assert await now_shown(keeper) == {"unit_1": "reserved"}


async def test_what_a_later_look_does_not_say_stays_known(keeper: Keeper) -> None:
    await keeper.keep([seen(1)])
    await keeper.keep([Seen(a_unit(1, "reserved", NOW, backoffice_url=None), NOW)])  # type: ignore[arg-type]
    (one,) = (await keeper.since(0)).seen
    assert one.thing == a_unit(1, "reserved", NOW)


# Gone


async def test_what_is_gone_is_told_as_a_change_and_to_nobody_who_did_not_know_it(
    keeper: Keeper, other: Keeper
) -> None:
    await keeper.keep([seen(1), seen(2)])
    version = (await other.since(0)).version
    await keeper.keep([Seen(a_unit(1), NOW + SECOND, gone=True)])
    assert shown(await other.since(version)) == {"unit_1": "gone"}
    assert await now_shown(keeper) == {"unit_2": "available"}


async def test_what_was_never_there_cannot_go(keeper: Keeper) -> None:
    version = (await keeper.since(0)).version
    await keeper.keep([Seen(a_unit(1), NOW, gone=True)])
    assert list((await keeper.since(version)).seen) == []


async def test_a_removal_counts_whatever_was_known_of_the_unit(keeper: Keeper) -> None:
    await keeper.keep([seen(1, "reserved", updated=NOW)])
    await keeper.keep([Seen(a_unit(1), NOW + SECOND, gone=True)])
    assert await now_shown(keeper) == {}


async def test_an_answer_from_before_the_removal_brings_nothing_back_and_one_from_after_it_does(
    keeper: Keeper,
) -> None:
    await keeper.keep([seen(1)])
    await keeper.keep([Seen(a_unit(1), NOW + 2 * SECOND, gone=True)])
    version = (await keeper.since(0)).version
    await keeper.keep([seen(1, at=NOW + SECOND)])
    assert await now_shown(keeper) == {}
    await keeper.keep([seen(1, at=NOW + 3 * SECOND)])
    assert shown(await keeper.since(version)) == {"unit_1": "available"}


async def test_a_removal_seen_from_before_what_is_known_changes_nothing(keeper: Keeper) -> None:
    await keeper.keep([seen(1, at=NOW + SECOND)])
    await keeper.keep([Seen(a_unit(1), NOW, gone=True)])
    assert await now_shown(keeper) == {"unit_1": "available"}


async def test_gone_twice_is_one_change(keeper: Keeper) -> None:
    await keeper.keep([seen(1)])
    await keeper.keep([Seen(a_unit(1), NOW + SECOND, gone=True)])
    await keeper.keep([seen(2)])
    version = (await keeper.since(0)).version
    await keeper.keep([Seen(a_unit(1), NOW + 2 * SECOND, gone=True)])
    assert list((await keeper.since(version)).seen) == []


# Events


async def test_an_event_is_new_once_whoever_hears_it(keeper: Keeper, other: Keeper) -> None:
    event = Heard("evt_1", "unit.updated", units=(a_unit(1, "reserved"),), unit_types=(LOCKER,))
    assert await keeper.keep([], [event, event]) == {"evt_1"}
    assert await other.keep([], [event, Heard("evt_2", "order.created")]) == {"evt_2"}
    assert await now_shown(other) == {"unit_1": "reserved"}
    assert LOCKER in [one.thing for one in (await other.since(0)).seen]


async def test_events_in_any_order_leave_what_happened_last(keeper: Keeper) -> None:
    late = Heard("evt_2", "unit.updated", units=(a_unit(1, "occupied", NOW + SECOND),))
    early = Heard("evt_1", "unit.updated", units=(a_unit(1, "reserved", NOW),))
    await keeper.keep([], [late])
    await keeper.keep([], [early])
    assert await now_shown(keeper) == {"unit_1": "occupied"}


async def test_a_late_event_does_not_bring_a_unit_back_but_has_it_asked_for(keeper: Keeper, clock: Clock) -> None:
    await keeper.keep([seen(1)])
    await keeper.keep([Seen(a_unit(1), clock.passes(seconds=1), gone=True)])
    event = Heard("evt_1", "unit.updated", units=(a_unit(1, "reserved", NOW), a_unit(2)))
    clock.passes(seconds=1)
    await keeper.keep([], [event])
    assert await now_shown(keeper) == {"unit_2": "available"}
    assert await asking(keeper, clock(), 5) == [("unit", "unit_1")]


# What is to be asked for


WANTING = [
    Heard("evt_1", "order.created", to_ask=(("tenancies", ""),)),
    Heard("evt_2", "subscription.started", to_ask=(("tenancy", "ten_2"),)),
    Heard("evt_3", "contact.created", to_ask=(("tenancies", ""),)),
]


async def test_what_many_events_want_is_asked_for_once_and_by_one_process(
    keeper: Keeper, other: Keeper, clock: Clock
) -> None:
    assert await asking(keeper, clock(), 5) == []
    await keeper.keep([], WANTING)
    assert sorted(await asking(keeper, clock(), 5)) == [("tenancies", ""), ("tenancy", "ten_2")]
    assert await asking(other, clock(), 5) == []


async def test_what_has_waited_longest_is_asked_for_first(keeper: Keeper, clock: Clock) -> None:
    for event in reversed(WANTING):
        await keeper.keep([], [event])
        clock.passes(seconds=1)
    assert await asking(keeper, clock(), 1) == [("tenancy", "ten_2")]
    assert await asking(keeper, clock(), 1) == [("tenancies", "")]


async def test_a_question_without_an_answer_is_anybody_s_after_a_while(
    keeper: Keeper, other: Keeper, clock: Clock
) -> None:
    await keeper.keep([], WANTING[1:2])
    claimed = await keeper.to_ask(clock(), 5)
    assert await asking(other, NOW + ASKING - SECOND, 5) == []
    assert await other.to_ask(NOW + ASKING, 5) == claimed


async def test_an_answer_is_kept_and_asked_for_no_more(keeper: Keeper, other: Keeper, clock: Clock) -> None:
    await keeper.keep([], [Heard("evt_1", "unit.updated", to_ask=(("unit", "unit_1"), ("unit", "unit_2")))])
    await keeper.asked(Wanted(NOW, "unit", "unit_1"), clock.passes(seconds=1), [a_unit(1, "reserved")])
    assert await now_shown(other) == {"unit_1": "reserved"}
    assert await asking(keeper, clock(), 5) == [("unit", "unit_2")]


async def test_no_such_thing_is_an_answer_too(keeper: Keeper, other: Keeper, clock: Clock) -> None:
    await keeper.keep([seen(1)], [Heard("evt_1", "", to_ask=(("unit", "unit_1"), ("unit", "unit_2")))])
    version = (await other.since(0)).version
    await keeper.asked(Wanted(NOW, "unit", "unit_1"), clock.passes(seconds=1), None)
    await keeper.asked(Wanted(NOW, "unit", "unit_2"), clock(), None)
    assert shown(await other.since(version)) == {"unit_1": "gone"}
    assert await asking(keeper, NOW + NEVER, 5) == []


async def test_what_is_wanted_again_meanwhile_is_asked_for_again_a_little_later(keeper: Keeper, clock: Clock) -> None:
    await keeper.keep([], WANTING[:1])
    left_at = clock.passes(seconds=1)
    [claimed] = await keeper.to_ask(left_at, 5)
    clock.passes(seconds=1)
    await keeper.keep([], WANTING[2:])
    clock.passes(seconds=1)
    await keeper.asked(claimed, left_at, [a_tenancy(1)])
    assert await asking(keeper, clock() + AGAIN - SECOND, 5) == []
    assert await asking(keeper, clock() + AGAIN, 5) == [("tenancies", "")]


@pytest.mark.parametrize("back", [DAY, 50 * SECOND], ids=["far", "a little"])
async def test_after_the_clock_has_stepped_back_an_answer_is_an_answer(
    keeper: Keeper, clock: Clock, back: timedelta
) -> None:
    await keeper.keep([], WANTING[:1])
    clock.at -= back
    [claimed] = await keeper.to_ask(clock(), 5)
    await keeper.asked(claimed, clock(), [a_tenancy(1)])
    assert await asking(keeper, NOW + NEVER, 5) == []


async def test_what_is_wanted_again_after_the_clock_has_stepped_back_is_asked_for_again(
    keeper: Keeper, clock: Clock
) -> None:
    await keeper.keep([], WANTING[:1])
    [claimed] = await keeper.to_ask(clock(), 5)
    clock.at -= DAY
    await keeper.keep([], WANTING[2:])
    await keeper.asked(claimed, NOW, [a_tenancy(1)])
    assert await asking(keeper, clock() + AGAIN, 5) == [("tenancies", "")]


async def test_a_clock_that_steps_back_keeps_no_question_for_ever(keeper: Keeper, clock: Clock) -> None:
    await keeper.keep([], WANTING[1:2])
    claimed = await keeper.to_ask(clock(), 5)
    assert await keeper.to_ask(NOW - DAY, 5) == claimed


# Sweeps


async def test_the_first_reading_is_a_whole_one(keeper: Keeper) -> None:
    reading = await keeper.begin("units", NOW, unless_since=NOW - HOUR, whole_since=NOW - NEVER)
    assert reading
    assert (reading.started_at, reading.page, reading.whole, reading.resumed) == (NOW, 1, True, False)


async def test_a_reading_that_has_ended_is_known_to_all(keeper: Keeper, other: Keeper, clock: Clock) -> None:
    reading = await begun(keeper, clock())
    reading = await keeper.page_read(reading, [a_unit(1)], clock(), 2)
    assert (await other.since(0)).readings == {}
    assert shown(await other.since(0)) == {"unit_1": "available"}
    await keeper.ended(reading, clock.passes(seconds=30))
    assert (await other.since(0)).readings == {"units": Read(NOW, NOW, timedelta(seconds=30))}


async def test_nothing_is_read_again_before_it_is_due(keeper: Keeper, other: Keeper, clock: Clock) -> None:
    await swept(keeper, clock, [a_unit(1)])
    at = NOW + HOUR
    for one in (keeper, other):
        assert await one.begin("units", at, unless_since=NOW - SECOND, whole_since=at) is None
    assert await other.begin("units", at, unless_since=NOW, whole_since=at)


async def test_one_process_reads_at_a_time(keeper: Keeper, other: Keeper, clock: Clock) -> None:
    reading = await begun(keeper, clock())
    at = clock.passes(seconds=29)
    assert await other.begin("units", at, unless_since=at, whole_since=at) is None
    assert await other.begin("tenancies", at, unless_since=at, whole_since=at)
    await keeper.extend(reading, at)
    at = clock.passes(seconds=29)
    assert await other.begin("units", at, unless_since=at, whole_since=at) is None
    await keeper.page_read(reading, [], at, 2)
    at = clock.passes(seconds=29)
    assert await other.begin("units", at, unless_since=at, whole_since=at) is None


@pytest.mark.parametrize(("pages", "resumed"), [(0, 1), (1, 1), (2, 2), (5, 5)])
async def test_what_was_cut_off_goes_on_one_page_back_in_another_process(
    keeper: Keeper, other: Keeper, clock: Clock, pages: int, resumed: int
) -> None:
    reading = await begun(keeper, clock())
    for page in range(1, pages + 1):
        reading = await keeper.page_read(reading, [a_unit(page)], clock(), page + 1)
    at = clock.passes(seconds=LEASE.total_seconds())
    taken = await begun(other, at)
    assert (taken.started_at, taken.page, taken.whole, taken.resumed) == (NOW, resumed, True, True)
    assert len(await now_shown(other)) == pages


async def test_what_failed_here_goes_on_here_at_once(keeper: Keeper, clock: Clock) -> None:
    reading = await begun(keeper, clock())
    await keeper.page_read(reading, [a_unit(1)], clock(), 2)
    again = await begun(keeper, clock.passes(seconds=2))
    assert (again.started_at, again.page, again.resumed) == (NOW, 1, True)


@pytest.mark.parametrize("passed", [RESUMED_FOR, -HOUR], ids=["long ago", "in the future"])
async def test_what_was_cut_off_too_long_ago_begins_anew(
    keeper: Keeper, other: Keeper, clock: Clock, passed: timedelta
) -> None:
    await keeper.page_read(await begun(keeper, clock()), [a_unit(1)], clock(), 2)
    clock.at += passed
    reading = await begun(other, clock())
    assert (reading.started_at, reading.page, reading.resumed) == (clock(), 1, False)


async def test_whoever_was_overtaken_keeps_nothing_and_ends_nothing(
    keeper: Keeper, other: Keeper, clock: Clock
) -> None:
    frozen = await keeper.page_read(await begun(keeper, clock()), [a_unit(1)], clock(), 2)
    taken = await begun(other, clock.passes(seconds=30))
    with pytest.raises(Overtaken):
        await keeper.page_read(frozen, [a_unit(2)], clock(), 3)
    with pytest.raises(Overtaken):
        await keeper.ended(frozen, clock())
    await keeper.extend(frozen, clock() + DAY)
    assert await now_shown(other) == {"unit_1": "available"}
    await other.page_read(taken, [a_unit(3)], clock(), 2)
    await other.ended(taken, clock())
    with pytest.raises(Overtaken):
        await keeper.page_read(frozen, [a_unit(2)], clock(), 3)
    with pytest.raises(Overtaken):
        await keeper.ended(frozen, clock())
    await keeper.extend(frozen, clock())
    assert await now_shown(keeper) == {"unit_1": "available", "unit_3": "available"}


@pytest.mark.parametrize(
    ("passed", "whole"), [(HOUR, False), (12 * HOUR, True), (-HOUR, True)], ids=["soon", "due", "clock back"]
)
async def test_how_often_all_of_it_is_read(keeper: Keeper, clock: Clock, passed: timedelta, *, whole: bool) -> None:
    await keeper.ended(await begun(keeper, clock(), "tenancies", whole_every=12 * HOUR), clock())
    clock.at += passed
    reading = await begun(keeper, clock(), "tenancies", whole_every=12 * HOUR)
    assert reading.whole is whole
    await keeper.ended(reading, clock())
    read = (await keeper.since(0)).readings["tenancies"]
    assert (read.read_at, read.whole_at) == (clock(), clock() if whole else NOW)


async def test_what_a_whole_sweep_does_not_see_is_asked_for(keeper: Keeper, clock: Clock) -> None:
    assert await swept(keeper, clock, [a_unit(1), a_unit(2)], [a_unit(3), a_unit(4)]) == 0
    await keeper.keep([Seen(a_unit(4), clock.passes(seconds=1), gone=True), Seen(a_tenancy(1), clock())])
    clock.passes(minutes=15)
    assert await swept(keeper, clock, [a_unit(2)]) == 2
    assert await now_shown(keeper) == {f"unit_{number}": "available" for number in (1, 2, 3)}
    assert sorted(await asking(keeper, clock(), 5)) == [("unit", "unit_1"), ("unit", "unit_3")]


async def test_what_was_seen_elsewhere_meanwhile_need_not_be_asked_for(keeper: Keeper, clock: Clock) -> None:
    await swept(keeper, clock, [a_unit(1), a_unit(2), a_unit(3)])
    reading = await begun(keeper, clock.passes(minutes=15))
    await keeper.page_read(reading, [a_unit(1)], clock(), 2)
    clock.passes(seconds=1)
    await keeper.keep([Seen(a_unit(2), clock())], [Heard("evt_1", "unit.updated", units=(a_unit(3),))])
    assert await keeper.ended(reading, clock()) == 0


async def test_what_a_sweep_sees_need_not_be_asked_for_any_more(keeper: Keeper, clock: Clock) -> None:
    """Stora may show an empty list for once: that must not cost a question for every unit."""
    await swept(keeper, clock, [a_unit(1), a_unit(2)])
    clock.passes(minutes=15)
    assert await swept(keeper, clock) == 2
    reading = await begun(keeper, clock.passes(minutes=15))
    reading = await keeper.page_read(reading, [a_unit(1)], clock(), 2)
    clock.passes(seconds=1)
    await keeper.keep([], [Heard("evt_1", "", to_ask=(("unit", "unit_3"),))])
    await keeper.page_read(reading, [a_unit(3)], clock(), 3)
    assert await keeper.ended(reading, clock()) == 1
    assert sorted(await asking(keeper, clock(), 5)) == [("unit", "unit_2"), ("unit", "unit_3")], "wanted since"


async def test_a_sweep_that_is_not_whole_misses_nothing(keeper: Keeper, clock: Clock) -> None:
    reading = await begun(keeper, clock(), "tenancies", whole_every=12 * HOUR)
    await keeper.page_read(reading, [a_tenancy(1), a_tenancy(2)], clock(), 2)
    await keeper.ended(reading, clock())
    reading = await begun(keeper, clock.passes(hours=1), "tenancies", whole_every=12 * HOUR)
    await keeper.page_read(reading, [a_tenancy(2)], clock(), 2)
    assert await keeper.ended(reading, clock()) == 0


async def test_a_tenancy_that_has_ended_goes_and_is_neither_kept_nor_asked_for(keeper: Keeper, clock: Clock) -> None:
    reading = await begun(keeper, clock(), "tenancies")
    await keeper.page_read(reading, [a_tenancy(1, ends_at=NOW + HOUR), a_tenancy(2, ends_at=NOW)], clock(), 2)
    await keeper.ended(reading, clock())
    changes = await keeper.since(0)
    assert [one.thing.id for one in changes.seen] == ["ten_1"]
    reading = await begun(keeper, clock.passes(hours=1), "tenancies")
    await keeper.page_read(reading, [a_tenancy(1, ends_at=NOW + HOUR), a_tenancy(2, ends_at=NOW)], clock(), 2)
    assert await keeper.ended(reading, clock()) == 0
    assert [(one.thing.id, one.gone) for one in (await keeper.since(changes.version)).seen] == [("ten_1", True)]
    assert list((await keeper.since(0)).seen) == []
    clock.passes(hours=12)
    assert await keeper.ended(await begun(keeper, clock(), "tenancies"), clock()) == 0
