"""The budget against every server that could be counting, on a clock that leaps from event to event."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.problems import DatabaseUnusable, StoraBusy
from bot.core.windows import MARGIN, Priority, Windows, kept_from
from bot.stora.budget import LOOK_EVERY, Alone, Budget

WRITE, PERSON, SWEEP = Priority.WRITE, Priority.PERSON, Priority.SWEEP
EPS = 1e-6
"""Seconds that rounding may make of nothing."""
AT_ONCE = pytest.approx(0.0, abs=EPS)
WINDOWS = (1.0, 60.0)
TICK = 0.04
"""Seconds between two ticks of a server's coarse clock; our margin is more."""


@dataclass
class Call:
    """One call as it is asked for, and what became of it; all times in seconds from the start."""

    at: float
    priority: Priority = WRITE
    takes: float = 0.0
    patience: float | None = None
    leaves_after: float | None = None
    """The asker is cancelled so long after asking."""
    departed: float | None = field(default=None, compare=False)
    answered: float = field(default=0.0, compare=False)
    refused: tuple[float, float] | None = field(default=None, compare=False)
    """When, and for how long."""


async def play(budget: Budget, calls: Sequence[Call]) -> list[Call]:
    """Make the calls when they are due; returns those that left, by departure."""
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def make(call: Call) -> None:
        try:
            async with budget.call(call.priority, call.patience):
                call.departed = loop.time() - start
                try:
                    await asyncio.sleep(call.takes)
                finally:
                    call.answered = loop.time() - start
        except StoraBusy as busy:
            call.refused = loop.time() - start, busy.seconds

    async def ask(call: Call) -> None:
        await asyncio.sleep(call.at)
        with suppress(TimeoutError):
            async with asyncio.timeout(call.leaves_after):
                await make(call)

    await asyncio.gather(*(ask(call) for call in calls))
    return sorted((call for call in calls if call.departed is not None), key=departure)


def departure(call: Call) -> float:
    assert call.departed is not None
    return call.departed


def fullest(calls: Sequence[Call], seconds: float) -> int:
    """The most calls that a server may count in one window, when each arrives at the worst moment it could."""
    return max(
        (
            sum(call.answered >= opening.answered and departure(call) < opening.answered + seconds for call in calls)
            for opening in calls
        ),
        default=0,
    )


def counted(calls: Sequence[Call], now: float, seconds: float) -> int:
    """The calls that may still count at ``now`` at the server, in a window of so many seconds."""
    return sum(departure(call) <= now and now + EPS < call.answered + seconds + MARGIN for call in calls)


# Twentieths of a second, so that calls, answers and openings of windows often fall on one moment.
moments = st.integers(0, 1400).map(lambda twentieths: twentieths / 20)
bursts = st.one_of(st.sampled_from([0.0, 1.05, 60.0]), moments)
priorities = st.sampled_from(list(Priority))
limits = st.tuples(st.integers(1, 8), st.integers(1, 24))
takes = st.one_of(st.just(0.0), st.integers(0, 60).map(lambda twentieths: twentieths / 20), st.just(10.0))
patient_calls = st.builds(Call, at=bursts, priority=priorities, takes=takes)
any_calls = st.builds(
    Call,
    at=bursts,
    priority=priorities,
    takes=takes,
    patience=st.one_of(st.none(), st.sampled_from([0.0, 1.05, 5.0, 60.05]), moments),
    leaves_after=st.one_of(st.none(), st.sampled_from([0.0, 1.05]), moments),
)


@settings(deadline=None, max_examples=300)
@given(limits=limits, calls=st.lists(any_calls, max_size=50))
async def test_no_window_is_ever_fuller_than_its_limit_whenever_the_calls_arrive_at_the_server(
    limits: tuple[int, int], calls: list[Call]
) -> None:
    left = await play(Budget(*limits), calls)
    for limit, seconds in zip(limits, WINDOWS, strict=True):
        assert fullest(left, seconds + TICK) <= limit


@settings(deadline=None, max_examples=300)
@given(limits=limits, calls=st.lists(patient_calls, max_size=50))
async def test_everybody_leaves_in_the_end_the_more_important_and_then_the_longer_waiting_first(
    limits: tuple[int, int], calls: list[Call]
) -> None:
    left = await play(Budget(*limits), calls)
    assert len(left) == len(calls)
    for ahead in calls:
        for behind in left:
            more_important = (ahead.priority, ahead.at) < (behind.priority, behind.at)
            overtaken = ahead.at + EPS < departure(behind) < departure(ahead) - EPS
            assert not (more_important and overtaken)


@settings(deadline=None, max_examples=300)
@given(limits=limits, calls=st.lists(patient_calls, max_size=50))
async def test_nobody_leaves_into_what_is_kept_for_others_and_nobody_waits_while_there_is_room(
    limits: tuple[int, int], calls: list[Call]
) -> None:
    left = await play(Budget(*limits), calls)
    for number, call in enumerate(left):
        for limit, seconds in zip(limits, WINDOWS, strict=True):
            # Calls of one moment are admitted in an order that only those of one priority show.
            before = [
                other
                for other in left[:number]
                if departure(other) < departure(call) - EPS or other.priority == call.priority
            ]
            assert counted(before, departure(call), seconds) < limit - kept_from(call.priority, limit)
        just_before = departure(call) - 1_000 * EPS
        if call.at < just_before:
            assert any(
                counted(left, just_before, seconds) >= limit - kept_from(call.priority, limit)
                for limit, seconds in zip(limits, WINDOWS, strict=True)
            )


@settings(deadline=None, max_examples=300)
@given(limits=limits, calls=st.lists(any_calls, min_size=1, max_size=40))
async def test_waiting_is_bounded_and_neither_refusal_nor_cancellation_loses_a_slot(
    limits: tuple[int, int], calls: list[Call]
) -> None:
    per_second, per_minute = limits
    budget = Budget(per_second, per_minute)
    await play(budget, calls)
    for call in calls:
        if call.patience is not None and call.departed is not None:
            assert call.departed <= call.at + call.patience + EPS
        if call.patience is not None and call.refused is not None:
            moment, seconds = call.refused
            assert moment <= call.at + call.patience + EPS
            assert 0 < seconds <= 60.0 + MARGIN + EPS
    await asyncio.sleep(60.0 + 2 * MARGIN)
    assert budget.remaining == per_minute
    burst = [Call(at=0.0) for _ in range(min(per_second, per_minute))]
    assert [departure(call) for call in await play(budget, burst)] == [AT_ONCE] * len(burst)


async def test_a_burst_leaves_in_steps_of_the_limit() -> None:
    left = await play(Budget(10, 60), [Call(at=0.0) for _ in range(25)])
    assert [departure(call) for call in left] == pytest.approx([0.0] * 10 + [1.05] * 10 + [2.1] * 5)


async def test_the_minute_binds_when_the_seconds_do_not() -> None:
    left = await play(Budget(10, 12), [Call(at=0.0) for _ in range(14)])
    assert [departure(call) for call in left] == pytest.approx([0.0] * 10 + [1.05] * 2 + [60.05] * 2)


async def test_a_call_counts_until_a_second_after_its_answer_for_who_knows_when_it_arrived() -> None:
    left = await play(Budget(1, 60), [Call(at=0.0, takes=5.0), Call(at=0.1)])
    assert [departure(call) for call in left] == pytest.approx([0.0, 6.05])


@pytest.mark.parametrize(("priority", "left_in_the_minute"), [(PERSON, 54), (SWEEP, 30)], ids=["people", "sweeps"])
async def test_a_crowd_that_uses_up_its_share_of_the_minute_leaves_room_for_writes(
    priority: Priority, left_in_the_minute: int
) -> None:
    budget = Budget(10, 60)
    crowd = [Call(at=0.0, priority=priority) for _ in range(70)]
    write = Call(at=30.0)
    left = await play(budget, [*crowd, write])
    assert sum(departure(call) < 60.0 for call in left) == left_in_the_minute + 1
    assert write.departed == pytest.approx(30.0)


async def test_writes_overtake_people_and_people_overtake_sweeps() -> None:
    budget = Budget(2, 1000)
    first = [Call(at=0.0), Call(at=0.0)]
    queue = [Call(at=0.1, priority=SWEEP), Call(at=0.2, priority=PERSON), Call(at=0.3)]
    left = await play(budget, [*first, *queue])
    assert [call.priority for call in left[2:]] == [WRITE, PERSON, SWEEP]
    assert queue[2].departed == pytest.approx(1.05)


async def test_who_cannot_wait_so_long_is_told_at_once_for_how_long() -> None:
    budget = Budget(10, 5)
    await play(budget, [Call(at=0.0) for _ in range(5)])
    asked = Call(at=20.0, priority=PERSON, patience=5.0)
    await play(budget, [asked])
    assert asked.refused == pytest.approx((20.0, 40.05))
    again = Call(at=40.05, priority=PERSON, patience=0.01)
    await play(budget, [again])
    assert again.departed == pytest.approx(40.05)


async def test_the_time_that_is_told_includes_those_who_wait_already() -> None:
    budget = Budget(100, 10)  # nine of ten are for people
    first = [Call(at=0.0, priority=PERSON) for _ in range(8)] + [Call(at=10.0, priority=PERSON)]
    waiting = [Call(at=20.0 + number, priority=PERSON, patience=45.0) for number in range(8)]
    late = Call(at=30.0, priority=PERSON, patience=35.0)
    await play(budget, [*first, *waiting, late])
    assert [call.departed for call in waiting] == pytest.approx([60.05] * 8)
    assert late.refused == pytest.approx((30.0, 40.05))


async def test_those_who_wait_but_will_be_overtaken_do_not_count_in_the_time_that_is_told() -> None:
    budget = Budget(100, 10)
    first = [Call(at=0.0, priority=PERSON) for _ in range(8)] + [Call(at=10.0, priority=PERSON)]
    sweeps = [Call(at=15.0, priority=SWEEP) for _ in range(20)]
    person = Call(at=20.0, priority=PERSON, patience=41.0)
    await play(budget, [*first, *sweeps, person])
    assert person.departed == pytest.approx(60.05)


async def test_behind_a_call_in_flight_the_wait_is_told_as_a_whole_window_at_least() -> None:
    budget = Budget(1, 60)
    asked = Call(at=1.0, priority=PERSON, patience=1.0)
    await play(budget, [Call(at=0.0, takes=30.0), asked])
    assert asked.refused == pytest.approx((1.0, 1.05))


async def test_however_many_wait_there_is_one_timer() -> None:
    loop = asyncio.get_running_loop()
    budget = Budget(1, 60)
    counts: list[int] = []

    def count() -> None:
        counts.append(len([timer for timer in vars(loop)["_scheduled"] if not timer.cancelled()]))

    loop.call_later(3.5, count)
    await play(budget, [Call(at=0.0) for _ in range(20)])
    assert counts == [1]


async def test_who_is_overtaken_is_told_as_soon_as_it_is_certain() -> None:
    budget = Budget(2, 1000)
    person = Call(at=0.1, priority=PERSON, patience=1.5)
    await play(budget, [Call(at=0.0), Call(at=0.0), person, Call(at=0.5), Call(at=0.5)])
    assert person.departed is None
    assert person.refused == pytest.approx((1.05, 1.05))


async def test_who_is_held_back_for_longer_than_patience_lasts_is_told_at_once() -> None:
    budget = Budget(1, 60)
    person = Call(at=0.1, priority=PERSON, patience=5.0)
    asyncio.get_running_loop().call_later(0.2, budget.block, 20.0)
    await play(budget, [Call(at=0.0), person])
    assert person.refused == pytest.approx((0.2, 20.0))


async def test_patience_that_ends_together_with_the_wait_is_answered_with_one_of_the_two() -> None:
    budget = Budget(1, 60)
    person = Call(at=0.0, priority=PERSON, patience=1.0 + MARGIN + 1e-10)
    await play(budget, [Call(at=0.0), person])
    assert person.departed == pytest.approx(1.05) or person.refused == pytest.approx((1.05, 1.0))


@dataclass
class Elsewhere:
    """A ledger somewhere else: to ask it takes a while, and there is always room."""

    takes: Callable[[], Awaitable[None]]
    let_go: int = 0
    came_back: list[int] = field(default_factory=list)
    withdrew: list[int] = field(default_factory=list)
    looks: int = 0

    async def leave(self, priority: Priority) -> int | None:
        del priority
        await self.takes()
        self.let_go += 1
        return self.let_go

    def answered(self, number: int) -> None:
        self.came_back.append(number)

    def withdrawn(self, number: int) -> None:
        self.withdrew.append(number)

    def hold(self, seconds: float) -> None:
        raise NotImplementedError(seconds)

    async def look(self) -> None:
        self.looks += 1
        if self.looks == 2:
            raise DatabaseUnusable("for once")

    async def settled(self) -> None:
        raise NotImplementedError


async def test_each_call_is_reported_by_its_own_number() -> None:
    ledger = Elsewhere(lambda: asyncio.sleep(0.1))
    budget = Budget(10, 60, lambda _: ledger)
    await play(budget, [Call(at=0.0, takes=5.0), Call(at=0.0, takes=1.0)])
    assert (ledger.came_back, ledger.withdrew) == ([2, 1], [])


async def test_room_that_comes_in_the_very_moment_in_which_patience_ends_is_used() -> None:
    async def too_long() -> None:
        vars(asyncio.get_running_loop())["_leaping"].leapt += 2.0
        await asyncio.sleep(0)

    ledger = Elsewhere(too_long)
    person = Call(at=0.0, priority=PERSON, patience=1.0)
    await play(Budget(10, 60, lambda _: ledger), [person])
    assert person.departed == pytest.approx(2.0)
    assert ledger.came_back == [1]


async def test_a_slot_is_given_back_when_its_asker_leaves_before_it_is_granted() -> None:
    ledger = Elsewhere(lambda: asyncio.sleep(1.0))
    leaver, stayer = Call(at=0.0, leaves_after=0.5), Call(at=0.0)
    await play(Budget(10, 60, lambda _: ledger), [leaver, stayer])
    assert leaver.departed is None
    assert stayer.departed == pytest.approx(2.0)
    assert (ledger.withdrew, ledger.came_back) == ([1], [2])


async def test_a_slot_is_given_back_when_its_asker_is_cancelled_between_being_let_go_and_going() -> None:
    async def never_goes() -> None:
        async with budget.call(PERSON, None):
            raise AssertionError("cancelled before")

    async def granted_and_cancelled() -> None:
        asyncio.get_running_loop().call_soon(leaver.cancel)  # ahead of the asker's own turn

    ledger = Elsewhere(granted_and_cancelled)
    budget = Budget(10, 60, lambda _: ledger)
    leaver = asyncio.create_task(never_goes())
    await asyncio.wait([leaver])
    assert leaver.cancelled()
    assert (ledger.withdrew, ledger.came_back) == ([1], [])


async def test_a_withdrawn_call_is_room_for_the_next() -> None:
    windows = Windows(1, 60)
    alone = Alone(windows)
    assert await alone.leave(WRITE) is not None
    assert await alone.leave(WRITE) is None
    alone.withdrawn(0)
    assert await alone.leave(WRITE) is not None


async def test_a_ledger_that_fails_lets_nobody_go_and_is_asked_again_by_the_next() -> None:
    failing = True

    async def fails() -> None:
        await asyncio.sleep(0.1)
        if failing:
            raise DatabaseUnusable("away")

    budget = Budget(10, 60, lambda _: Elsewhere(fails))
    leaver = Call(at=0.0, leaves_after=0.05)
    outcomes = await asyncio.gather(
        play(budget, [leaver]),
        *(play(budget, [Call(at=0.0, priority=priority)]) for priority in Priority),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [list, *[DatabaseUnusable] * 3]
    failing = False
    after = Call(at=0.0)
    await play(budget, [after])
    assert after.departed == pytest.approx(0.1)


async def test_who_asks_while_the_last_one_is_let_go_is_let_go_too() -> None:
    budget = Budget(10, 60)
    left: list[int] = []

    async def call(number: int) -> None:
        async with budget.call(WRITE, None):
            left.append(number)
            if number:
                following.append(asyncio.ensure_future(call(number - 1)))

    following = [asyncio.ensure_future(call(5))]
    async with asyncio.timeout(1):
        while following:
            await following.pop()
    assert left == [5, 4, 3, 2, 1, 0]


async def test_a_process_that_has_the_budget_for_itself_begins_with_what_the_one_before_it_did() -> None:
    now = asyncio.get_running_loop().time()
    told: list[float] = []
    budget = Budget(
        3, 60, lambda windows: Alone(windows, lambda: told.append(1), earlier=[now, now - 30.0, now, now + 0.5])
    )
    assert budget.remaining == 56
    left = await play(budget, [Call(at=0.0) for _ in range(2)])
    assert [departure(call) for call in left] == pytest.approx([1.05] * 2)
    assert len(told) == 2


async def test_a_process_that_has_the_budget_for_itself_waits_for_as_long_as_the_one_before_it_was_to() -> None:
    now = asyncio.get_running_loop().time()
    told: list[float] = []
    budget = Budget(3, 60, lambda windows: Alone(windows, held=told.append, held_until=now + 5.0))
    [left] = await play(budget, [Call(at=0.0)])
    assert departure(left) == pytest.approx(5.0)
    budget.block(7.0)
    assert told == [7.0]


async def test_what_others_use_is_looked_at_again_and_again() -> None:
    ledger = Elsewhere(lambda: asyncio.sleep(0))
    budget = Budget(10, 60, lambda _: ledger)
    with suppress(TimeoutError):
        async with asyncio.timeout(4.5 * LOOK_EVERY):
            await budget.watch()
    assert ledger.looks == 5


async def test_alone_there_is_nothing_to_look_at() -> None:
    budget = Budget(10, 60)
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_EVERY / 2):
            await budget.watch()
    await budget.settled()
    assert budget.remaining == 60


async def test_those_behind_a_waiter_who_leaves_move_up() -> None:
    budget = Budget(1, 60)
    leaver, stayer = Call(at=0.1, leaves_after=0.2), Call(at=0.2, priority=SWEEP)
    await play(budget, [Call(at=0.0), leaver, stayer])
    assert leaver.departed is None
    assert stayer.departed == pytest.approx(1.05)


async def test_a_429_holds_everybody_back_until_it_is_over() -> None:
    budget = Budget(10, 60)
    budget.block(30.0)
    budget.block(2.0)
    asked = [Call(at=0.0, priority=priority) for priority in Priority]
    impatient = Call(at=10.0, priority=PERSON, patience=5.0)
    await play(budget, [*asked, impatient])
    assert [call.departed for call in asked] == pytest.approx([30.0] * 3)
    assert impatient.refused == pytest.approx((10.0, 20.0))


async def test_a_429_holds_back_those_who_wait_already() -> None:
    budget = Budget(1, 60)
    asyncio.get_running_loop().call_later(0.5, budget.block, 20.0)
    waiting = Call(at=0.1)
    await play(budget, [Call(at=0.0), waiting])
    assert waiting.departed == pytest.approx(20.5)


async def test_what_remains_of_the_minute_counts_calls_in_flight_and_recovers() -> None:
    budget = Budget(10, 12)
    async with budget.call(WRITE, None), budget.call(SWEEP, None):
        assert budget.remaining == 10
    assert budget.remaining == 10
    await asyncio.sleep(60.0 + MARGIN)
    assert budget.remaining == budget.per_minute == 12


async def test_a_call_that_fails_gives_its_slot_back_like_any_other() -> None:
    budget = Budget(1, 60)
    with pytest.raises(ZeroDivisionError):
        async with budget.call(WRITE, None):
            raise ZeroDivisionError
    after = Call(at=0.0)
    await play(budget, [after])
    assert after.departed == pytest.approx(1.05)
