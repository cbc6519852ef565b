"""A confirmed decision reaches its end once, whatever Stora, the database or the clock do meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.carry_out import FIRST_LOOK, LAST_LOOK, LEASE, LOOKS_ENOUGH, SENT_AGAIN_FOR
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Decision, Happening, Outcome
from bot.store.reservations import Reservations
from tests.jobs.office import (
    CAMDENS,
    DEALLOCATE,
    EVERYBODYS,
    FIONA,
    IMPATIENT,
    OMAR,
    RESERVE,
    SECOND,
    TENANCY,
    UNIT,
    Office,
    an_office,
)

NOT_IN_TIME = Outcome("refused", code="not_in_time")
ALL_LOST = 3
LONG_AFTER = SENT_AGAIN_FOR + SECOND


@pytest.fixture
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path, patience=getattr(request, "param", 5.0)) as office:
        yield office


locked_for_a_while = pytest.mark.parametrize("office", [IMPATIENT], indirect=True, ids=["impatient"])


async def owed(office: Office) -> list[tuple[str, str, str]]:
    """Key, kind and channel of all that has come to be owed since the last time."""
    due = await office.outbox.claim(office.clock(), LEASE, 100)
    for one in due:
        await office.outbox.sent(one.id, office.clock(), "")
    return [(one.owed.key, one.owed.kind, one.owed.channel_id) for one in due]


def done(office: Office) -> Outcome:
    """Reserved, with the allocation by which Stora has the first unit as somebody's."""
    return Outcome("done", allocation_id=office.world.units[office.unit_ids[0]]["unit_allocation"]["id"])


async def died_while_sending(office: Office, *, lost: str = "drop_after") -> Decision:
    """A decision whose process died after its request left; now it is somebody else's to find out."""
    await office.confirmed(office.proposal())
    if lost == "drop_after":
        office.world.reserve(office.unit_ids[0], office.tenancy_ids[0], office.clock())
    office.clock.pass_by(LEASE)
    return await office.taken_over()


async def reserved(office: Office) -> None:
    """Unit 0 is tenancy 0's, through the bot, and everybody knows."""
    assert await office.carry_out.send(await office.confirmed(office.proposal())) == done(office)
    await owed(office)
    office.stora.received.clear()
    office.clock.pass_by(SECOND)


# Sent


async def test_what_took_effect_is_recorded_with_what_is_owed_for_it(office: Office) -> None:
    decision = await office.confirmed(office.proposal())
    office.clock.pass_by(SECOND)
    assert await office.carry_out.send(decision) == done(office)
    assert office.allocations() == [office.unit_ids[0]]
    settled = await office.decision()
    assert (settled.state, settled.settled_at, settled.confirmed_by) == ("done", office.clock(), OMAR)
    assert await office.record() == [
        (FIONA, "reserve", "asked"),
        (OMAR, "reserve", "confirmed"),
        (OMAR, "reserve", "done"),
    ]
    (due,) = await office.outbox.claim(office.clock(), LEASE, 10)
    assert (due.owed.key, due.owed.kind, due.owed.channel_id) == ("d0:announcement", "announcement", CAMDENS)
    happening = Happening.model_validate_json(due.owed.payload)
    assert (happening.what, happening.unit_reference, happening.customer) == ("reserved", "A-001", "Jane Doe the 0th")
    assert (happening.by, happening.at) == (OMAR, office.clock())
    assert office.something_owed.is_set()


async def test_the_pictures_that_people_look_at_change_at_once(office: Office) -> None:
    await reserved(office)
    assert office.directory.inventory is not None
    unit = office.directory.inventory.unit(office.unit_ids[0])
    assert unit is not None
    assert unit.status == "reserved"
    tenancy = office.tenancies.known.by_id[office.tenancy_ids[0]]
    assert tenancy.allocations == (unit.allocation_id,)
    decision = await office.confirmed(office.proposal(0, "release"))
    assert await office.carry_out.send(decision) == Outcome("done")
    released = office.directory.inventory.unit(office.unit_ids[0])
    assert released is not None
    assert released.status == "available"
    assert office.tenancies.known.by_id[office.tenancy_ids[0]].allocations == ()


async def test_a_tenancy_keeps_its_other_units(office: Office) -> None:
    await reserved(office)
    second = replace(office.proposal(1, tenancy_id=office.tenancy_ids[0]), id="d1")
    await office.carry_out.send(await office.confirmed(second))
    both = office.tenancies.known.by_id[office.tenancy_ids[0]].allocations
    assert len(set(both)) == 2
    await office.carry_out.send(await office.confirmed(office.proposal(0, "release")))
    assert office.tenancies.known.by_id[office.tenancy_ids[0]].allocations == both[1:]


async def test_a_decision_about_what_nobody_has_looked_at_yet_is_carried_out_all_the_same(office: Office) -> None:
    office.directory.inventory = None
    site_id = office.world.units[office.unit_ids[0]]["site"]["id"]
    contact_id = next(iter(office.world.contacts))
    tenancy = office.world.add_tenancy(contact_id, site_id, office.clock(), office.clock())
    decision = await office.confirmed(office.proposal(tenancy_id=tenancy["id"]))
    assert await office.carry_out.send(decision) == done(office)
    assert tenancy["unit_allocations"]
    assert tenancy["id"] not in office.tenancies.known.by_id


async def test_outcome_and_what_is_owed_are_recorded_together_or_not_at_all(office: Office) -> None:
    decision = await office.confirmed(office.proposal())
    office.spoilt("outbox")
    with pytest.raises(DatabaseUnusable):
        await office.carry_out.send(decision)
    assert (await office.decision()).state == "claimed"
    assert [result for _, _, result in await office.record()] == ["asked", "confirmed"]
    assert not office.something_owed.is_set()
    office.mended()
    office.clock.pass_by(LEASE)
    assert await office.carry_out.find_out(await office.taken_over()) == done(office)
    assert await owed(office) == [("d0:announcement", "announcement", CAMDENS)]


async def test_without_a_channel_nothing_is_owed(tmp_path: Path) -> None:
    async with an_office(tmp_path, channel=False) as office:
        await office.carry_out.send(await office.confirmed(office.proposal()))
        assert await owed(office) == []
        assert not office.something_owed.is_set()


async def test_a_note_is_owed_where_notes_are_wanted(tmp_path: Path) -> None:
    async with an_office(tmp_path, notes=True) as office:
        office.channels = replace(office.channels, by_site={})
        await office.carrying_out().send(await office.confirmed(office.proposal()))
        assert await owed(office) == [("d0:announcement", "announcement", EVERYBODYS), ("d0:note", "note", "")]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, "invalid_token", "The access token is unknown or was revoked."),
        (403, "forbidden", "The access token does not allow this."),
        (409, "conflict", "The unit was changed by somebody else in the meantime."),
        (422, "invalid_content", "Stora does not accept this content."),
        (429, "busy", "40"),
    ],
)
async def test_a_refusal_is_recorded_in_stora_s_words_and_nothing_is_owed(
    office: Office, status: int, code: str, said: str
) -> None:
    office.stora.faults.status(status, route=RESERVE, reset_in=40)
    outcome = await office.carry_out.send(await office.confirmed(office.proposal()))
    assert (outcome.state, outcome.code, outcome.said) == ("refused", code, said)
    assert bool(outcome.request_id) == (status != 429)
    assert (await office.decision()).outcome == outcome
    assert await owed(office) == []
    assert (await office.record())[-1] == (OMAR, "reserve", "refused")
    assert len(office.posts()) == 1


async def test_what_stora_says_twice_is_shown_once(office: Office) -> None:
    tenancy = office.world.tenancies[office.tenancy_ids[0]]
    tenancy["ends_at"] = "2026-01-31T00:00:00Z"
    outcome = await office.carry_out.send(await office.confirmed(office.proposal()))
    assert outcome.said == "The tenancy ended on 2026-01-31."


async def test_a_unit_that_is_gone_is_refused(office: Office) -> None:
    decision = await office.confirmed(office.proposal())
    office.world.remove_unit(office.unit_ids[0], office.clock())
    outcome = await office.carry_out.send(decision)
    assert (outcome.state, outcome.code) == ("refused", "resource_not_found")
    assert outcome.said
    assert outcome.request_id


async def test_a_budget_without_room_refuses_with_nothing_sent(office: Office) -> None:
    office.budget.block(40)
    outcome = await office.carry_out.send(await office.confirmed(office.proposal()))
    assert (outcome.state, outcome.code, outcome.said) == ("refused", "busy", "40")
    assert office.stora.received == []


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "truncated", "empty", "garbage"])
async def test_without_an_answer_the_outcome_is_unknown_and_to_be_found_out_in_three_seconds(
    office: Office, fault: str
) -> None:
    getattr(office.stora.faults, fault)(route=RESERVE, times=ALL_LOST)
    outcome = await office.carry_out.send(await office.confirmed(office.proposal()))
    assert (outcome.state, outcome.said) == ("unknown", "")
    assert {received.headers["Idempotency-Key"] for received in office.posts()} == {"key-d0"}
    assert len(office.posts()) == ALL_LOST
    assert await owed(office) == []
    assert (await office.record())[-1] == (OMAR, "reserve", "unknown")
    office.clock.pass_by(FIRST_LOOK - SECOND)
    assert await office.reservations.take_over(office.clock(), LEASE, 10) == []
    office.clock.pass_by(SECOND)
    assert await office.carry_out.find_out(await office.taken_over()) == done(office)
    assert office.allocations() == [office.unit_ids[0]]
    assert await owed(office) == [("d0:announcement", "announcement", CAMDENS)]


async def test_a_server_error_leaves_the_outcome_unknown_with_its_request_id(office: Office) -> None:
    office.stora.faults.status(500, acts=True, route=RESERVE)
    outcome = await office.carry_out.send(await office.confirmed(office.proposal()))
    assert (outcome.state, outcome.code) == ("unknown", "HTTP 500")
    assert outcome.request_id


async def test_a_decision_that_slept_too_long_is_not_sent(office: Office) -> None:
    """A frozen process wakes up when somebody else may have found out that it was not sent in time."""
    decision = await office.confirmed(office.proposal())
    office.clock.pass_by(LONG_AFTER)
    assert (await office.carry_out.send(decision)).state == "unknown"
    assert office.stora.received == []


async def test_a_decision_that_does_not_say_when_it_was_confirmed_is_not_sent(office: Office) -> None:
    decision = replace(await office.confirmed(office.proposal()), confirmed_at=None, confirmed_by=None)
    assert (await office.carry_out.send(decision)).state == "unknown"
    assert office.stora.received == []


# Releases


async def test_a_release_is_carried_out_and_told(office: Office) -> None:
    await reserved(office)
    outcome = await office.carry_out.send(await office.confirmed(office.proposal(0, "release")))
    assert outcome == Outcome("done")
    assert office.allocations() == []
    (received,) = office.posts(DEALLOCATE)
    assert received.headers["Idempotency-Key"] == "key-d0-release-0"
    (due,) = await office.outbox.claim(office.clock(), LEASE, 10)
    assert due.owed.key == "d0-release-0:announcement"
    assert Happening.model_validate_json(due.owed.payload).what == "released"


async def test_a_release_takes_back_what_stora_gave_whatever_the_tenancy_says(office: Office) -> None:
    given = await office.carry_out.send(await office.confirmed(office.proposal()))
    office.stora.faults.status(403, route=TENANCY)
    release = replace(office.proposal(0, "release"), takes_back=given.allocation_id)
    assert await office.carry_out.send(await office.confirmed(release)) == Outcome("done")
    assert len(office.posts(DEALLOCATE)) == 1


async def test_a_unit_that_its_customer_has_moved_into_is_not_taken_back(office: Office) -> None:
    given = await office.carry_out.send(await office.confirmed(office.proposal()))
    office.world.grant_access(office.unit_ids[0], office.tenancy_ids[0], office.clock())
    release = replace(office.proposal(0, "release"), takes_back=given.allocation_id)
    outcome = await office.carry_out.send(await office.confirmed(release))
    assert outcome == Outcome("refused", code="moved_in")
    assert office.posts(DEALLOCATE) == []


@pytest.mark.parametrize(("age", "state"), [(LEASE, "unknown"), (LONG_AFTER, "refused")])
async def test_an_interrupted_release_is_not_sent_again_once_the_customer_has_moved_in(
    office: Office, age: timedelta, state: str
) -> None:
    await reserved(office)
    await office.confirmed(office.proposal(0, "release"))
    office.world.grant_access(office.unit_ids[0], office.tenancy_ids[0], office.clock())
    office.clock.pass_by(age)
    outcome = await office.carry_out.find_out(await office.taken_over())
    assert outcome.state == state
    assert office.posts(DEALLOCATE) == []


@pytest.mark.parametrize(("now", "happened"), [("nobody's", "released"), ("another's", "reserved")])
async def test_what_is_the_tenancy_s_no_more_is_not_taken_from_whoever_has_it_and_what_happened_is_told(
    office: Office, now: Literal["nobody's", "another's"], happened: str
) -> None:
    await reserved(office)
    office.world.release(office.unit_ids[0], office.clock())
    if now == "another's":
        office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    outcome = await office.carry_out.send(await office.confirmed(office.proposal(0, "release")))
    assert outcome == Outcome("refused", code="not_ours")
    assert office.posts(DEALLOCATE) == []
    async with asyncio.timeout(5):
        while not (told := await owed(office)):
            await asyncio.sleep(0.01)
    ((key, kind, channel_id),) = told
    assert (key.split(":")[:2], kind, channel_id) == ([office.unit_ids[0], happened], "happening", CAMDENS)


@pytest.mark.parametrize(
    ("status", "code"), [(503, "not_sent"), (401, "invalid_token"), (403, "forbidden"), (409, "conflict")]
)
async def test_a_release_of_what_cannot_be_looked_at_is_not_sent(office: Office, status: int, code: str) -> None:
    await reserved(office)
    office.stora.faults.status(status, times=None, method="GET")
    outcome = await office.carry_out.send(await office.confirmed(office.proposal(0, "release")))
    assert (outcome.state, outcome.code) == ("refused", code)
    assert office.posts(DEALLOCATE) == []


async def test_a_release_that_stora_refuses_is_shown_as_it_is(office: Office) -> None:
    await reserved(office)
    office.stora.faults.status(409, route=DEALLOCATE)
    outcome = await office.carry_out.send(await office.confirmed(office.proposal(0, "release")))
    assert (outcome.state, outcome.code) == ("refused", "conflict")
    assert "somebody else" in outcome.said
    assert office.allocations() == [office.unit_ids[0]]


# Found out


async def test_what_took_effect_is_found_done_without_another_request(office: Office) -> None:
    outcome = await office.carry_out.find_out(await died_while_sending(office))
    assert outcome == done(office)
    assert office.routes() == [("GET", UNIT), ("GET", TENANCY)]
    assert await owed(office) == [("d0:announcement", "announcement", CAMDENS)]
    assert (await office.record())[-1] == (OMAR, "reserve", "done")
    assert office.something_owed.is_set()
    assert not office.tenancies.known.by_id[office.tenancy_ids[0]].waits


async def test_what_did_not_take_effect_is_sent_with_its_own_key_while_it_is_young(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.clock.at = (decision.confirmed_at or office.clock()) + SENT_AGAIN_FOR
    assert await office.carry_out.find_out(decision) == done(office)
    assert office.allocations() == [office.unit_ids[0]]
    assert [received.headers["Idempotency-Key"] for received in office.posts()] == ["key-d0"]


async def test_what_did_not_take_effect_in_time_is_not_sent_any_more(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.clock.at = (decision.confirmed_at or office.clock()) + LONG_AFTER
    assert await office.carry_out.find_out(decision) == NOT_IN_TIME
    assert office.routes() == [("GET", UNIT)]
    assert await owed(office) == []
    assert (await office.record())[-1] == (OMAR, "reserve", "refused")
    assert (await office.decision()).outcome == NOT_IN_TIME


async def test_a_request_that_stora_still_works_on_gives_one_reservation(office: Office) -> None:
    working = office.stora.faults.hold(route=RESERVE)
    decision = await office.confirmed(office.proposal())
    sending = asyncio.create_task(office.carry_out.send(decision))
    await office.stora.arrived(1)
    office.clock.pass_by(LEASE)
    finding = asyncio.create_task(office.carry_out.find_out(await office.taken_over()))
    while len(office.posts()) < 2:
        await asyncio.sleep(0.005)
    working.set()
    assert {outcome.state for outcome in await asyncio.gather(sending, finding)} == {"done"}
    assert office.allocations() == [office.unit_ids[0]]
    assert await owed(office) == [("d0:announcement", "announcement", CAMDENS)]
    assert [result for _, _, result in await office.record()].count("done") == 1


async def test_a_unit_that_somebody_else_has_is_refused_in_stora_s_words(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    outcome = await office.carry_out.find_out(decision)
    assert (outcome.state, outcome.code) == ("refused", "conflict")
    assert "A-001" in outcome.said
    assert outcome.request_id
    assert len(office.posts()) == 1


async def test_a_unit_that_somebody_else_has_is_refused_for_good_later_on(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    office.clock.pass_by(SENT_AGAIN_FOR)
    assert await office.carry_out.find_out(decision) == NOT_IN_TIME
    assert office.posts() == []


async def test_where_somebody_else_has_the_unit_even_a_full_budget_is_an_end(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    office.stora.faults.status(429, route=RESERVE, reset_in=40)
    assert (await office.carry_out.find_out(decision)).state == "refused"


@pytest.mark.parametrize("status", [401, 403, 409, 422, 429, 500, 503])
async def test_a_refusal_of_what_is_sent_again_says_nothing_of_the_first_request(office: Office, status: int) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.stora.faults.status(status, route=RESERVE, reset_in=40)
    outcome = await office.carry_out.find_out(decision)
    assert outcome.state == (await office.decision()).state == "unknown"
    assert bool(outcome.said) == (status in {409, 422})
    assert await owed(office) == []


async def test_what_stora_said_meanwhile_becomes_the_reason_when_it_is_clear_that_nothing_happened(
    office: Office,
) -> None:
    office.stora.faults.drop_before(route=RESERVE)
    office.stora.faults.status(422, route=RESERVE)
    unknown = await office.carry_out.send(await office.confirmed(office.proposal()))
    assert (unknown.state, unknown.code) == ("unknown", "invalid_content")
    office.clock.pass_by(LONG_AFTER)
    outcome = await office.carry_out.find_out(await office.taken_over())
    assert outcome == replace(unknown, state="refused")
    assert "does not accept" in outcome.said
    assert outcome.request_id


@pytest.mark.parametrize("route", [UNIT, TENANCY])
async def test_what_cannot_be_looked_up_stays_unknown_and_is_not_sent(office: Office, route: str) -> None:
    decision = await died_while_sending(office)
    office.stora.faults.status(503, route=route, times=None)
    assert (await office.carry_out.find_out(decision)).state == "unknown"
    assert office.posts() == []
    assert (await office.decision()).state == "unknown"


async def test_what_stays_unknown_is_looked_into_ever_more_rarely_but_never_given_up(office: Office) -> None:
    decision = await died_while_sending(office)
    office.stora.faults.down = True
    waits = []
    for _ in range(9):
        await office.carry_out.find_out(decision)
        next_try = office.moment("next_try") or office.clock()
        waits.append((next_try - office.clock()) / FIRST_LOOK)
        office.clock.at = next_try
        decision = await office.taken_over()
    assert waits == [2, 4, 8, 16, 32, 64, *[LAST_LOOK / FIRST_LOOK] * 3]
    office.stora.faults.down = False
    assert await office.carry_out.find_out(decision) == done(office)


@pytest.mark.parametrize("gone", ["unit", "tenancy"])
async def test_what_is_gone_from_stora_is_an_end_too(office: Office, gone: str) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    if gone == "unit":
        office.world.remove_unit(office.unit_ids[0], office.clock())
    else:
        del office.world.tenancies[office.tenancy_ids[0]]
    outcome = await office.carry_out.find_out(decision)
    assert (outcome.state, outcome.code) == ("refused", "resource_not_found")
    assert outcome.said
    assert office.posts() == []


@pytest.mark.parametrize(
    ("age", "acted", "state", "posted"),
    [
        pytest.param(LEASE, True, "done", 0, id="it took effect"),
        pytest.param(LEASE, False, "done", 1, id="it did not, and is young"),
        pytest.param(LONG_AFTER, True, "done", 0, id="it took effect long ago"),
        pytest.param(LONG_AFTER, False, "refused", 0, id="it did not, and is old"),
    ],
)
async def test_an_interrupted_release_is_found_out_likewise(
    office: Office, age: timedelta, *, acted: bool, state: str, posted: int
) -> None:
    await reserved(office)
    await office.confirmed(office.proposal(0, "release"))
    if acted:
        office.world.release(office.unit_ids[0], office.clock())
    office.clock.pass_by(age)
    outcome = await office.carry_out.find_out(await office.taken_over())
    assert outcome.state == state
    assert len(office.posts(DEALLOCATE)) == posted
    assert bool(office.allocations()) == (state == "refused")
    assert len(await owed(office)) == (1 if state == "done" else 0)


async def test_a_release_whose_answer_is_lost_does_not_take_the_unit_from_the_next_customer(office: Office) -> None:
    await reserved(office)
    office.stora.faults.drop_after(route=DEALLOCATE, times=ALL_LOST)
    await office.carry_out.send(await office.confirmed(office.proposal(0, "release")))
    office.world.reserve(office.unit_ids[0], office.tenancy_ids[1], office.clock())
    office.clock.pass_by(FIRST_LOOK)
    assert await office.carry_out.find_out(await office.taken_over()) == Outcome("done")
    assert office.allocations(1) == [office.unit_ids[0]]


# Clocks


async def test_a_clock_that_stepped_back_still_lets_a_young_decision_be_sent(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.clock.pass_by(-timedelta(days=1))
    assert await office.carry_out.find_out(decision) == done(office)


async def test_a_clock_that_stepped_back_does_not_keep_a_decision_young_for_ever(office: Office) -> None:
    decision = await died_while_sending(office, lost="drop_before")
    office.clock.pass_by(-timedelta(days=1))
    assert await office.carry_out.find_out(replace(decision, attempts=LOOKS_ENOUGH)) == NOT_IN_TIME
    assert office.posts() == []


def test_so_many_looks_take_as_long_as_a_decision_may_be_sent() -> None:
    assert sum((FIRST_LOOK * 2**look for look in range(LOOKS_ENOUGH - 1)), timedelta(0)) < SENT_AGAIN_FOR
    assert sum((FIRST_LOOK * 2**look for look in range(LOOKS_ENOUGH)), timedelta(0)) > SENT_AGAIN_FOR


# Others at the same decision


async def extended(office: Office, lease: timedelta) -> None:
    """Return when whoever works on the claim has said so at this very moment."""
    async with asyncio.timeout(5):
        while office.moment("lease_until") != office.clock() + lease:
            await asyncio.sleep(0.005)


async def test_whoever_works_on_a_claim_keeps_it(office: Office) -> None:
    lease = timedelta(seconds=0.1)
    decision = await office.confirmed(office.proposal(), lease=lease)
    working = office.stora.faults.hold(route=RESERVE)
    sending = asyncio.create_task(office.carrying_out(lease).send(decision))
    for _ in range(4):
        office.clock.pass_by(lease / 2)
        await extended(office, lease)
        assert await office.reservations.take_over(office.clock(), lease, 10) == []
    working.set()
    assert await sending == done(office)
    assert office.moment("lease_until") is not None  # it is still ours to tell


async def test_whoever_has_done_with_a_claim_lets_it_go(office: Office) -> None:
    lease = timedelta(seconds=0.03)
    office.stora.faults.drop_before(route=RESERVE, times=ALL_LOST)
    decision = await office.confirmed(office.proposal(), lease=lease)
    assert (await office.carrying_out(lease).send(decision)).state == "unknown"
    await asyncio.sleep(0.05)
    assert office.moment("lease_until") is None
    assert not [task for task in asyncio.all_tasks() if "keep" in repr(task.get_coro())]


@locked_for_a_while
async def test_a_claim_is_kept_through_a_database_that_is_locked_for_a_moment(office: Office) -> None:
    lease = timedelta(seconds=0.15)
    decision = await office.confirmed(office.proposal(), lease=lease)
    working = office.stora.faults.hold(route=RESERVE)
    sending = asyncio.create_task(office.carrying_out(lease).send(decision))
    await office.stora.arrived(1)
    async with office.locked():
        await asyncio.sleep(0.13)  # long enough for one attempt to give up
    office.clock.pass_by(lease / 2)
    await extended(office, lease)
    working.set()
    assert await sending == done(office)


@locked_for_a_while
async def test_what_cannot_be_recorded_is_found_out_by_whoever_takes_it_over(office: Office) -> None:
    decision = await office.confirmed(office.proposal())
    working = office.stora.faults.hold(route=RESERVE)
    sending = asyncio.create_task(office.carry_out.send(decision))
    await office.stora.arrived(1)
    async with office.locked():
        working.set()
        with pytest.raises(DatabaseUnusable):
            await sending
    assert (await office.decision()).state == "claimed"
    office.clock.pass_by(LEASE)
    assert await office.carry_out.find_out(await office.taken_over()) == done(office)
    assert len(office.posts()) == 1
    assert await owed(office) == [("d0:announcement", "announcement", CAMDENS)]


@locked_for_a_while
async def test_what_cannot_be_recorded_while_it_is_found_out_is_found_out_again(office: Office) -> None:
    decision = await died_while_sending(office)
    async with office.locked():
        with pytest.raises(DatabaseUnusable):
            await office.carry_out.find_out(decision)
    office.clock.pass_by(LEASE)
    assert await office.carry_out.find_out(await office.taken_over()) == done(office)
    assert await owed(office) == [("d0:announcement", "announcement", CAMDENS)]


@pytest.mark.parametrize("first", ["done", "refused"])
async def test_what_was_recorded_first_is_what_everybody_is_told(
    office: Office, first: Literal["done", "refused"]
) -> None:
    decision = await office.confirmed(office.proposal())
    on_record = Outcome(first, "By another process.", "elsewhere", "req-1")
    await Reservations(office.engine).settle("d0", on_record, office.clock(), [])
    with capture_logs() as logs:
        assert await office.carry_out.send(decision) == on_record
    (line,) = logs
    assert (line["event"], line["state"], line["on_record"]) == ("recorded before", "done", first)
    assert line["log_level"] == ("info" if first == "done" else "error"), "an operator must look into it"
    assert await owed(office) == []
    assert not office.something_owed.is_set()


async def test_an_unknown_outcome_does_not_undo_what_is_known(office: Office) -> None:
    decision = await died_while_sending(office)
    assert await office.carry_out.find_out(decision) == done(office)
    office.stora.faults.down = True
    assert await office.carry_out.find_out(decision) == done(office)


async def test_a_handler_that_is_cut_off_leaves_the_decision_to_be_taken_over(office: Office) -> None:
    decision = await office.confirmed(office.proposal())
    working = office.stora.faults.hold(route=RESERVE)
    sending = asyncio.create_task(office.carry_out.send(decision))
    await office.stora.arrived(1)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    assert sending.cancelled()
    working.set()
    office.clock.pass_by(LEASE)
    assert await office.carry_out.find_out(await office.taken_over()) == done(office)
    assert office.allocations() == [office.unit_ids[0]]


# Whatever happens


POSTED = ("drop_before", "drop_after", "truncated", "empty", "garbage", "401", "409", "422", "429", "500", "503")
LOOKED = ("drop_before", "truncated", "garbage", "401", "503")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    posted=st.lists(st.sampled_from(POSTED), max_size=6),
    looked=st.lists(st.sampled_from(LOOKED), max_size=6),
    killed=st.booleans(),
    taken=st.sampled_from(["never", "before", "between"]),
)
async def test_the_record_tells_the_truth_whatever_stora_does(
    office: Office, *, posted: list[str], looked: list[str], killed: bool, taken: str
) -> None:
    number = office.another()
    unit_id, somebody = office.unit_ids[number], office.tenancy_ids[0]
    decision = await office.confirmed(office.proposal(number))
    office.stora.faults.clear()
    for method, faults in (("POST", posted), ("GET", looked)):
        for fault in faults:
            if fault.isdecimal():
                office.stora.faults.status(int(fault), method=method, reset_in=0.0)
            else:
                getattr(office.stora.faults, fault)(method=method)
    if taken == "before":
        office.world.reserve(unit_id, somebody, office.clock())
    outcome = Outcome("unknown") if killed else await office.carry_out.send(decision)
    if taken == "between" and office.world.units[unit_id]["status"] == "available":
        office.world.reserve(unit_id, somebody, office.clock())
    for _ in range(20):
        if outcome.state == "unknown":
            office.clock.pass_by(timedelta(seconds=20))
            for due in await office.reservations.take_over(office.clock(), LEASE, 10):
                outcome = await office.carry_out.find_out(due)
    assert outcome == (await office.decision(f"d{number}")).outcome
    assert outcome.state in {"done", "refused"}
    assert office.allocations(number) == ([unit_id] if outcome.state == "done" else [])
    announced = [key for key, _, _ in await owed(office)]
    assert announced == ([f"d{number}:announcement"] if outcome.state == "done" else [])


async def test_no_log_line_names_a_customer(office: Office) -> None:
    with capture_logs() as logs:
        office.stora.faults.drop_before(route=RESERVE)
        office.stora.faults.status(409, route=RESERVE)
        unknown = await office.carry_out.send(await office.confirmed(office.proposal()))
        office.clock.pass_by(FIRST_LOOK)
        decision = await office.taken_over()
        office.stora.faults.status(503, times=3)
        await office.carry_out.find_out(decision)
        office.world.reserve(office.unit_ids[0], office.tenancy_ids[0], office.clock())
        await office.carry_out.find_out(decision)
        await office.carry_out.find_out(decision)
    assert "somebody else" in unknown.said
    assert [line["event"] for line in logs] == [
        "decision recorded",
        "outcome still unknown",
        "decision recorded",
        "decision recorded",
        "recorded before",
    ]
    assert "Jane" not in str(logs)
    assert "somebody else" not in str(logs), "Stora's words may name a customer"
