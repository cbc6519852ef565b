"""What happened outside the bot is owed to the channel once, whoever noticed it; our own doing is not told again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.changes import What
from bot.core.heard import Heard
from bot.core.inventory import Unit
from bot.core.kept import LEASE, Seen, Wanted
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Happening, Outcome, Owed, Summary
from bot.core.telling import SEPARATELY, SHOWN, Channels, owed
from bot.store.directory import AT_ONCE, turn
from bot.store.inserts import insert_unless_there
from bot.store.kept import REMEMBERED, RESUMED_FOR, Kept, orphaned
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from bot.store.schema import outbox, to_ask, webhook_events
from bot.store.transactions import writing
from tests.store.conftest import DONE, NOW, REFUSED, SECOND, UNKNOWN, a_proposal, claimed, proposed
from tests.store.things import CAMDEN, DAY, HACKNEY, HOUR, LOCKER, Clock, a_unit, asking, begun, shown, swept

CAMDENS, EVERYBODYS = "C1", "C2"
ALL: frozenset[What] = frozenset({"reserved", "released", "occupied", "overlocked", "available"})
CHANNELS = Channels(EVERYBODYS, {CAMDEN.id: CAMDENS}, hears={"*": ALL})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(engine: AsyncEngine, clock: Clock) -> Kept:
    return Kept(engine, CHANNELS, "one", clock)


@pytest.fixture
def other(other_engine: AsyncEngine, clock: Clock) -> Kept:
    return Kept(other_engine, CHANNELS, "other", clock)


@pytest.fixture
async def known(kept: Kept, clock: Clock) -> Kept:
    """Ten units are known, all of them available; and a second has passed."""
    await kept.keep([Seen(CAMDEN, NOW), Seen(LOCKER, NOW)])
    await swept(kept, clock, [a_unit(number) for number in range(10)])
    clock.passes(seconds=1)
    return kept


@dataclass(frozen=True)
class Told:
    """What is owed to a channel."""

    key: str
    kind: str
    channel_id: str
    payload: str
    held_by: str | None

    @property
    def happening(self) -> Happening:
        return Happening.model_validate_json(self.payload)

    @property
    def summary(self) -> Summary:
        return Summary.model_validate_json(self.payload)

    @property
    def brief(self) -> str:
        return f"{self.happening.unit_reference} {self.happening.what}"


async def all_told(engine: AsyncEngine) -> list[Told]:
    columns = (outbox.c.key, outbox.c.kind, outbox.c.channel_id, outbox.c.payload, outbox.c.held_by)
    async with engine.connect() as connection:
        rows = (await connection.execute(select(*columns).order_by(outbox.c.id))).all()
    return [Told(*row) for row in rows]


async def told(engine: AsyncEngine) -> list[Told]:
    """What may be sent by now."""
    return [one for one in await all_told(engine) if one.held_by is None]


async def briefly(engine: AsyncEngine) -> list[str]:
    return [one.brief for one in await told(engine)]


def changed(number: int, status: str, at: datetime = NOW) -> Unit:
    return a_unit(number, status, at, allocation_id=f"alloc_{number}" if status != "available" else "")


def event(number: int, status: str, at: datetime = NOW) -> Heard:
    return Heard(f"evt_{number}_{status}", "unit.updated", units=(changed(number, status, at),))


# Once, whoever noticed it


async def test_what_was_reserved_outside_the_bot_is_owed_to_the_channel_of_its_site(
    known: Kept, engine: AsyncEngine, clock: Clock
) -> None:
    await known.keep([], [event(1, "reserved")])
    (one,) = await told(engine)
    assert (one.kind, one.channel_id) == ("happening", CAMDENS)
    assert one.happening == Happening(
        what="reserved",
        unit_id="unit_1",
        unit_reference="A-001",
        site_id=CAMDEN.id,
        site_name="Camden",
        unit_type="Locker",
        tenancy_id="",
        customer="",
        starts_at=None,
        by="",
        at=clock(),
        backoffice_url="https://bo.example/units/unit_1",
    )


async def test_a_unit_of_a_site_that_nobody_has_read_is_told_without_its_name(kept: Kept, engine: AsyncEngine) -> None:
    units = [a_unit(1, status, at, site_id=HACKNEY.id) for status, at in (("available", NOW - DAY), ("reserved", NOW))]
    for unit in units:
        await kept.keep([Seen(unit, NOW)])
    (one,) = await told(engine)
    assert (one.channel_id, one.happening.site_name, one.happening.unit_type) == (EVERYBODYS, "", "")


async def test_the_first_load_tells_nothing(kept: Kept, engine: AsyncEngine, clock: Clock) -> None:
    await swept(kept, clock, [changed(1, "reserved"), changed(2, "occupied")], [changed(3, "overlock")])
    await kept.keep([Seen(changed(4, "reserved"), NOW)], [event(5, "reserved")])
    assert await all_told(engine) == []


@pytest.mark.parametrize("passed", [30 * SECOND, 20 * DAY], ids=["resumed", "begun anew"])
async def test_a_first_load_that_was_cut_off_tells_nothing_either(
    kept: Kept, engine: AsyncEngine, clock: Clock, passed: timedelta
) -> None:
    await kept.page_read(await begun(kept, clock()), [a_unit(number) for number in range(9)], clock(), 2)
    clock.at += passed
    await swept(kept, clock, [changed(number, "reserved", clock()) for number in range(9)])
    assert await all_told(engine) == []
    clock.passes(minutes=15)
    await swept(kept, clock, [changed(number, "occupied", clock()) for number in range(1)])
    assert await briefly(engine) == ["A-000 occupied"]


@pytest.mark.parametrize("order", list(permutations(["event", "sweep", "question"])), ids=" ".join)
async def test_one_change_is_told_once_by_whatever_it_is_noticed_and_in_whatever_order(
    known: Kept, other: Kept, engine: AsyncEngine, clock: Clock, order: Sequence[str]
) -> None:
    unit = changed(1, "reserved")
    for process, noticed in zip((known, other, known), order, strict=True):
        clock.passes(seconds=1)
        match noticed:
            case "event":
                await process.keep([], [event(1, "reserved")])
            case "sweep":
                await swept(process, clock, [unit if number == 1 else a_unit(number) for number in range(10)])
            case _:
                await process.keep([Seen(unit, clock())])
    assert await briefly(engine) == ["A-001 reserved"]


async def test_events_that_come_in_the_wrong_order_tell_what_is_so_now(known: Kept, engine: AsyncEngine) -> None:
    await known.keep([], [event(1, "occupied", NOW + SECOND)])
    await known.keep([], [event(1, "reserved", NOW)])
    assert await briefly(engine) == ["A-001 occupied"]


async def test_one_thing_after_the_other_is_told_one_by_one(known: Kept, engine: AsyncEngine, clock: Clock) -> None:
    for status in ("reserved", "available", "reserved"):
        at = clock.passes(seconds=1)
        await known.keep([], [Heard(f"evt_{at}", "unit.updated", units=(changed(1, status, at),))])
    assert await briefly(engine) == ["A-001 reserved", "A-001 released", "A-001 reserved"]


async def test_a_unit_that_goes_or_comes_back_is_no_news(known: Kept, engine: AsyncEngine, clock: Clock) -> None:
    await known.asked(Wanted(NOW, "unit", "unit_1"), clock.passes(seconds=1), None)
    await known.asked(Wanted(NOW, "unit", "unit_1"), clock.passes(seconds=1), [changed(1, "reserved")])
    assert await all_told(engine) == []


@pytest.mark.parametrize(
    "channels",
    [Channels(None, {}), Channels(CAMDENS, {}, hears={CAMDENS: frozenset({"released"})})],
    ids=["no channel", "not wanted there"],
)
async def test_what_nobody_wants_to_hear_is_not_owed(
    known: Kept, engine: AsyncEngine, clock: Clock, channels: Channels
) -> None:
    assert known
    await Kept(engine, channels, "one", clock).keep([], [event(1, "reserved")])
    assert await all_told(engine) == []


async def test_an_event_is_recorded_with_what_is_owed_for_it_or_not_at_all(
    known: Kept, engine: AsyncEngine, other_engine: AsyncEngine
) -> None:
    async with other_engine.begin() as connection:
        await connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    with pytest.raises(DatabaseUnusable):
        await known.keep([], [event(1, "reserved")])
    async with other_engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO outbox"))
    assert shown(await known.since(0))["unit_1"] == "available"
    assert await known.keep([], [event(1, "reserved")]) == {"evt_1_reserved"}
    assert await briefly(engine) == ["A-001 reserved"]


async def test_events_are_forgotten_after_a_week(kept: Kept, engine: AsyncEngine, clock: Clock) -> None:
    await kept.keep([], [event(1, "reserved")])
    clock.at += REMEMBERED
    await kept.keep([], [event(2, "reserved")])
    clock.passes(seconds=1)
    await kept.keep([], [event(3, "reserved")])
    async with engine.connect() as connection:
        ids = (await connection.execute(select(webhook_events.c.id).order_by(webhook_events.c.id))).scalars().all()
    assert ids == ["evt_2_reserved", "evt_3_reserved"]


# Held until the sweep has ended


async def test_what_a_sweep_notices_is_told_when_it_has_ended(known: Kept, engine: AsyncEngine, clock: Clock) -> None:
    reading = await begun(known, clock())
    reading = await known.page_read(reading, [changed(1, "reserved")], clock(), 2)
    assert await told(engine) == []
    assert await Outbox(engine).claim(clock(), LEASE, 10) == []
    await known.keep([], [event(2, "reserved")])
    assert await briefly(engine) == ["A-002 reserved"], "which has nothing to do with the sweep"
    await known.ended(reading, clock())
    assert sorted(await briefly(engine)) == ["A-001 reserved", "A-002 reserved"]


PAGES = [[changed(0, "reserved"), a_unit(1)], [changed(2, "reserved"), a_unit(3)], [changed(4, "occupied")]]


@pytest.mark.parametrize("killed_after", [0, 1, 2, 3])
async def test_a_sweep_that_is_killed_at_any_page_tells_everything_once(
    known: Kept, other: Kept, engine: AsyncEngine, clock: Clock, killed_after: int
) -> None:
    reading = await begun(known, clock())
    for number, page in enumerate(PAGES[:killed_after], start=1):
        reading = await known.page_read(reading, page, clock(), number + 1)
    taken = await begun(other, clock.passes(seconds=30))
    assert await told(engine) == []
    for number in range(taken.page, len(PAGES) + 1):
        taken = await other.page_read(taken, PAGES[number - 1], clock(), number + 1)
    await other.ended(taken, clock())
    assert sorted(await briefly(engine)) == ["A-000 reserved", "A-002 reserved", "A-004 occupied"]
    assert all(one.held_by is None for one in await all_told(engine))


async def test_what_a_sweep_noticed_that_nobody_resumed_is_told_when_the_next_one_begins(
    known: Kept, engine: AsyncEngine, clock: Clock
) -> None:
    """A page that Stora can never show must not keep what the pages before it say from being told."""
    await known.page_read(await begun(known, clock()), PAGES[0], clock(), 2)
    clock.at += RESUMED_FOR - SECOND
    assert (await begun(known, clock())).resumed
    assert await told(engine) == []
    clock.passes(seconds=1)
    reading = await begun(known, clock())
    assert await briefly(engine) == ["A-000 reserved"]
    for number, page in enumerate(PAGES, start=1):
        reading = await known.page_read(reading, page, clock(), number + 1)
    await known.ended(reading, clock())
    assert sorted(await briefly(engine)) == ["A-000 reserved", "A-002 reserved", "A-004 occupied"]


async def test_it_is_told_even_where_the_next_one_is_not_due_yet(
    known: Kept, engine: AsyncEngine, clock: Clock
) -> None:
    await known.page_read(await begun(known, clock()), PAGES[0], clock(), 2)
    at = clock.passes(hours=2)
    assert await known.begin("units", at, unless_since=NOW - HOUR, whole_since=at) is None
    assert await briefly(engine) == ["A-000 reserved"]


# Much at once


async def test_a_sweep_that_finds_two_hundred_changes_sends_one_summary(
    kept: Kept, engine: AsyncEngine, clock: Clock
) -> None:
    await swept(kept, clock, [a_unit(number) for number in range(200)])
    clock.passes(minutes=15)
    page_of = [[changed(number, "reserved") for number in range(start, start + 100)] for start in (0, 100)]
    await swept(kept, clock, *page_of)
    (one,) = await told(engine)
    assert (one.kind, one.channel_id, one.summary.counts) == ("summary", CAMDENS, {"reserved": 200})
    assert [each.unit_reference for each in one.summary.shown] == [f"A-{number:03}" for number in range(SHOWN)]


@pytest.mark.parametrize(("changes", "messages"), [(SEPARATELY, SEPARATELY), (SEPARATELY + 1, 1)])
async def test_a_few_are_told_one_by_one(known: Kept, engine: AsyncEngine, changes: int, messages: int) -> None:
    await known.keep([], [event(number, "reserved") for number in range(changes)])
    assert len(await told(engine)) == messages


async def test_every_channel_has_its_own_summary(kept: Kept, engine: AsyncEngine) -> None:
    units = [a_unit(number, site_id=HACKNEY.id if number % 2 else CAMDEN.id) for number in range(13)]
    await kept.keep([Seen(unit, NOW) for unit in units])
    now = [a_unit(number, "reserved", NOW, site_id=unit.site_id) for number, unit in enumerate(units)]
    await kept.keep([Seen(unit, NOW + SECOND) for unit in now[:11]])
    kinds = Counter((one.kind, one.channel_id) for one in await told(engine))
    assert kinds == {("happening", EVERYBODYS): 5, ("summary", CAMDENS): 1}
    await kept.keep([Seen(unit, NOW + SECOND) for unit in now[11:]])
    summaries = {one.channel_id: one.summary for one in await told(engine) if one.kind == "summary"}
    assert {channel: summary.counts for channel, summary in summaries.items()} == {
        CAMDENS: {"reserved": 6},
        EVERYBODYS: {"reserved": 6},
    }
    assert {each.site_id for each in summaries[EVERYBODYS].shown} == {HACKNEY.id}


async def test_a_summary_that_nobody_has_sent_yet_takes_in_what_comes_after_it(
    known: Kept, engine: AsyncEngine, clock: Clock
) -> None:
    await known.keep([], [event(number, "reserved") for number in range(7)])
    clock.passes(seconds=1)
    await known.keep([], [event(number, "available", NOW + SECOND) for number in range(3)])
    assert [one.kind for one in await told(engine)] == ["summary", "happening", "happening", "happening"]
    await known.keep([], [event(number, "available", NOW + SECOND) for number in range(3, 6)])
    (one,) = await told(engine)
    assert one.summary.counts == {"reserved": 7, "released": 6}
    for number in range(6):
        await known.keep([], [Heard(f"evt_{number}", "", units=(changed(number, "occupied", NOW + 2 * SECOND),))])
    (one,) = [one for one in await told(engine) if one.kind == "summary"]
    assert one.summary.counts == {"reserved": 7, "released": 6, "occupied": 5}
    assert len(await told(engine)) == 2


async def test_what_is_being_sent_is_not_told_in_a_summary_too(known: Kept, engine: AsyncEngine, clock: Clock) -> None:
    await known.keep([], [event(number, "reserved") for number in range(3)])
    sending = await Outbox(engine).claim(clock(), LEASE, 2)
    await known.keep([], [event(number, "reserved") for number in range(3, 9)])
    kinds = [(one.kind, one.key in {due.owed.key for due in sending}) for one in await told(engine)]
    assert kinds == [("happening", True), ("happening", True), ("summary", False)]
    assert (await told(engine))[-1].summary.counts == {"reserved": 7}


async def test_announcements_of_our_own_are_never_summed_up(
    known: Kept, engine: AsyncEngine, reservations: Reservations
) -> None:
    await claimed(reservations)
    await reservations.settle("d1", DONE, NOW, [Owed("d1:announcement", "announcement", CAMDENS, "{}")])
    await known.keep([], [event(number, "reserved") for number in range(8)])
    assert [one.kind for one in await told(engine)] == ["announcement", "summary"]


async def test_more_than_a_statement_can_ask_for_is_kept_at_once(kept: Kept, engine: AsyncEngine) -> None:
    many = range(2 * AT_ONCE + 1)
    await kept.keep([Seen(a_unit(number), NOW) for number in many])
    await kept.keep([Seen(a_unit(number), NOW + SECOND) for number in many])
    await kept.keep([Seen(changed(number, "reserved"), NOW + 2 * SECOND) for number in many])
    assert Counter(shown(await kept.since(0)).values()) == {"reserved": len(many)}
    (one,) = await told(engine)
    assert one.summary.counts == {"reserved": len(many)}


# Our own doing


OURS = changed(1, "reserved")


async def settled(
    reservations: Reservations, outcome: Outcome, at: datetime, *, seen: Sequence[Unit] = (), decision_id: str = "d1"
) -> None:
    announced = owed(a_proposal(decision_id), "U_CLICKS", at, CHANNELS) if outcome.state == "done" else []
    assert await reservations.settle(decision_id, outcome, at, announced, seen=[Seen(unit, at) for unit in seen])


@pytest.mark.parametrize("noticed", ["event", "sweep", "both"])
async def test_our_own_reservation_noticed_before_the_answer_is_told_once(  # noqa: PLR0913, PLR0917
    known: Kept, other: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock, noticed: str
) -> None:
    await claimed(reservations)
    if noticed != "sweep":
        await other.keep([], [event(1, "reserved")])
    if noticed != "event":
        await swept(known, clock, [OURS, *(a_unit(number) for number in range(2, 10)), a_unit(0)])
    assert await told(engine) == []
    await settled(reservations, DONE, clock.passes(seconds=1), seen=[OURS])
    assert [one.key for one in await all_told(engine)] == ["d1:announcement"]


@pytest.mark.parametrize("noticed", ["event", "sweep"])
async def test_our_own_reservation_noticed_after_the_answer_is_told_once(  # noqa: PLR0913, PLR0917
    known: Kept, other: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock, noticed: str
) -> None:
    await claimed(reservations)
    await settled(reservations, DONE, clock.passes(seconds=1), seen=[OURS])
    clock.passes(seconds=1)
    if noticed == "event":
        await other.keep([], [event(1, "reserved")])
    else:
        await swept(other, clock, [OURS])
    assert [one.key for one in await all_told(engine)] == ["d1:announcement"]
    assert shown(await known.since(0))["unit_1"] == "reserved"


async def test_our_own_reservation_noticed_while_its_outcome_is_unknown_is_told_once(
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock
) -> None:
    await claimed(reservations)
    await settled(reservations, UNKNOWN, clock.passes(seconds=1))
    await swept(known, clock, [OURS])
    assert await told(engine) == []
    await settled(reservations, DONE, clock.passes(seconds=3), seen=[OURS])
    assert [one.key for one in await all_told(engine)] == ["d1:announcement"]


@pytest.mark.parametrize("lost", [False, True], ids=["two at once", "one's answer was lost"])
@pytest.mark.parametrize("winner", ["d1", "d2"])
@pytest.mark.parametrize("first", ["d1", "d2"])
async def test_of_two_decisions_for_one_unit_the_one_that_took_effect_tells(  # noqa: PLR0913, PLR0917
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock, first: str, winner: str, *, lost: bool
) -> None:
    await claimed(reservations, a_proposal("d1"))
    if lost:
        await settled(reservations, UNKNOWN, clock())
    await claimed(reservations, a_proposal("d2", tenancy_id="ten_2"))
    await known.keep([], [event(1, "reserved")])
    for decision_id in ("d1", "d2") if first == "d1" else ("d2", "d1"):
        assert await told(engine) == [] or first == winner
        at = clock.passes(seconds=1)
        if decision_id == winner:
            await settled(reservations, DONE, at, seen=[OURS], decision_id=decision_id)
        else:
            await settled(reservations, REFUSED, at, decision_id=decision_id)
    await swept(known, clock, [OURS])
    assert [one.key for one in await all_told(engine)] == [f"{winner}:announcement"]


async def test_what_two_decisions_did_not_do_is_told_once_both_are_known_to_have_failed(
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock
) -> None:
    for decision_id in ("d1", "d2"):
        await claimed(reservations, a_proposal(decision_id))
    await known.keep([], [event(1, "reserved")])
    await settled(reservations, REFUSED, clock.passes(seconds=1), decision_id="d2")
    assert await told(engine) == []
    await settled(reservations, REFUSED, clock.passes(seconds=1), decision_id="d1")
    assert await briefly(engine) == ["A-001 reserved"]


async def test_what_two_processes_find_out_at_once_not_to_be_theirs_is_told(
    known: Kept, engine: AsyncEngine, reservations: Reservations, elsewhere: Reservations, clock: Clock
) -> None:
    for decision_id in ("d1", "d2"):
        await claimed(reservations, a_proposal(decision_id))
    await known.keep([], [event(1, "reserved")])
    at = clock.passes(seconds=1)
    await asyncio.gather(
        settled(reservations, REFUSED, at, decision_id="d1"), settled(elsewhere, REFUSED, at, decision_id="d2")
    )
    assert await briefly(engine) == ["A-001 reserved"]


async def test_what_somebody_else_reserved_while_we_tried_is_told_once_we_know(
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock
) -> None:
    await claimed(reservations)
    await known.keep([], [event(1, "reserved")])
    assert await told(engine) == []
    await settled(reservations, REFUSED, clock.passes(seconds=1))
    assert await briefly(engine) == ["A-001 reserved"]
    await swept(known, clock, [OURS])
    assert await briefly(engine) == ["A-001 reserved"]


async def test_what_somebody_else_reserved_and_is_noticed_after_our_refusal_is_told(
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock
) -> None:
    await claimed(reservations)
    await settled(reservations, REFUSED, clock.passes(seconds=1))
    await known.keep([], [event(1, "reserved")])
    assert await briefly(engine) == ["A-001 reserved"]


async def test_our_own_release_is_told_once(
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock
) -> None:
    await known.keep([], [event(1, "reserved")])
    sent = [one.key for one in await told(engine)]
    await claimed(reservations, a_proposal(action="release"))
    await known.keep([], [event(1, "available", clock.passes(seconds=1))])
    await settled(reservations, DONE, clock(), seen=[changed(1, "available", clock())])
    assert [one.key for one in await all_told(engine)] == [*sent, "d1:announcement"]


@pytest.mark.parametrize("state", ["proposed", "cancelled", "another unit's", "a release"])
async def test_a_decision_that_cannot_have_done_it_holds_nothing_back(
    known: Kept, engine: AsyncEngine, reservations: Reservations, state: str
) -> None:
    match state:
        case "another unit's":
            await claimed(reservations, a_proposal(unit_id="unit_2"))
        case "a release":
            await claimed(reservations, a_proposal(action="release"))
        case _:
            await proposed(reservations)
    if state == "cancelled":
        await reservations.cancel("d1", "U_ASKS", NOW)
    await known.keep([], [event(1, "reserved")])
    assert await briefly(engine) == ["A-001 reserved"]


async def test_much_that_was_not_our_doing_after_all_is_told_in_one_message(
    known: Kept, engine: AsyncEngine, reservations: Reservations, clock: Clock
) -> None:
    await claimed(reservations)
    await known.keep([], [event(number, "reserved") for number in range(1, 1 + SEPARATELY)])
    await known.keep([], [event(number, "reserved") for number in range(6, 8)])
    assert [one.kind for one in await told(engine)] == ["summary"]
    await known.keep([], [event(number, "occupied") for number in (0, 8, 9)])
    await settled(reservations, REFUSED, clock.passes(seconds=1))
    counts = Counter(one.kind for one in await told(engine))
    assert counts == {"summary": 1, "happening": 4}


# Several processes


async def test_at_the_start_of_the_only_process_nothing_is_anybody_else_s(
    engine: AsyncEngine, kept: Kept, other: Kept, clock: Clock
) -> None:
    await kept.page_read(await begun(kept, clock()), [a_unit(1)], clock(), 2)
    await kept.keep([], [Heard("evt_1", "", to_ask=(("unit", "unit_1"),))])
    await kept.to_ask(clock(), 5)
    assert await other.begin("units", clock(), unless_since=NOW, whole_since=NOW) is None
    await orphaned(engine, clock())
    assert (await begun(other, clock())).resumed
    assert await asking(other, clock(), 5) == [("unit", "unit_1")]


async def test_processes_that_begin_at_once_read_once(kept: Kept, other: Kept, clock: Clock) -> None:
    async def beginning(one: Kept) -> bool:
        return await one.begin("units", clock(), unless_since=NOW, whole_since=NOW) is not None

    began = await asyncio.gather(*(beginning(one) for one in (kept, other) * 3))
    # Whoever has it may begin it again.
    assert sorted([any(began[::2]), any(began[1::2])]) == [False, True]


async def test_processes_that_notice_at_once_owe_once_and_never_wait_for_each_other_for_ever(
    known: Kept, other: Kept, engine: AsyncEngine
) -> None:
    assert known
    events = [
        Heard(f"evt_{number}", "", units=(changed(number, "reserved"),), to_ask=(("tenancy", f"ten_{number}"),))
        for number in range(4)
    ]
    new = await asyncio.gather(
        *(one.keep([], order) for one in (known, other) for order in (events, events[::-1], events[1:], events[2::-1]))
    )
    assert sorted(id_ for ids in new for id_ in ids) == [one.event_id for one in events]
    assert sorted(await briefly(engine)) == [f"A-00{number} reserved" for number in range(4)]


async def test_a_sweep_that_ends_and_events_that_want_the_same_never_wait_for_each_other_for_ever(
    known: Kept, other: Kept, other_engine: AsyncEngine, clock: Clock
) -> None:
    """On SQLite there is one writer at a time anyway."""
    await known.keep([], [Heard("evt", "", to_ask=(("unit", "unit_1"),))])
    clock.passes(minutes=15)
    reading = await known.page_read(await begun(known, clock()), [a_unit(1)], clock(), 2)
    async with writing(other_engine) as connection:
        # What a batch of webhooks does that wants first the one and then the other.
        await turn(connection)
        wanting = update(to_ask).values(wanted_at=clock())
        await connection.execute(wanting.where(to_ask.c.id == "unit_1"))
        ending = asyncio.create_task(known.ended(reading, clock()))
        await asyncio.sleep(0.3)
        rows = [{"kind": "unit", "id": f"unit_{number}", "wanted_at": clock()} for number in range(5, 10)]
        await connection.execute(insert_unless_there(connection, to_ask), rows)
    assert await ending == 9
    wanted = {f"unit_{number}" for number in range(10)}
    assert {id_ for _, id_ in await asking(other, clock() + DAY, 20)} == wanted


async def test_whoever_follows_misses_nothing_that_several_write_at_once(kept: Kept, other: Kept) -> None:
    """A version that is seen before a smaller one would hide what has the smaller one, for ever."""
    writing = True

    async def follow() -> dict[str, str]:
        found: dict[str, str] = {}
        version = 0
        while True:
            last = not writing
            changes = await other.since(version)
            assert changes.version >= version
            version = changes.version
            found |= shown(changes)
            if last:
                return found

    async def write(one: Kept, start: int) -> None:
        for number in range(start, start + 20):
            await one.keep([Seen(a_unit(number), NOW), Seen(a_unit(number + 1000), NOW)])

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(one, start) for start, one in enumerate([kept, other] * 3)), return_exceptions=False)
    writing = False
    assert await following == shown(await kept.since(0))
