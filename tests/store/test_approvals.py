"""A request is asked once and answered once, whoever is faster, and what is owed for it is owed with it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.approvals import GOOD_FOR, News, Request
from bot.core.kept import Seen
from bot.core.reservations import Outcome, Owed
from bot.core.telling import Channels
from bot.store.approvals import Approvals
from bot.store.kept import Kept
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from tests.store.conftest import (
    DONE,
    LEASE,
    NOW,
    PROPOSAL,
    REFUSED,
    SECOND,
    UNKNOWN,
    a_proposal,
    begun,
    proposed,
    record,
)
from tests.store.things import CAMDEN, LOCKER, Clock, a_unit

CHANNEL, ASKER = "C0APPROVE", PROPOSAL.asked_by
WARNINGS = ("The tenancy ended on *Mon* 2 Mar.", "Zoë’s “other” unit")


@pytest.fixture
def approvals(engine: AsyncEngine) -> Approvals:
    return Approvals(engine)


@pytest.fixture
def theirs(other_engine: AsyncEngine) -> Approvals:
    """The same requests, as another process sees them."""
    return Approvals(other_engine)


async def asked(approvals: Approvals, decision_id: str = "d1", **changes: object) -> bool:
    chosen = {"channel_id": CHANNEL, "response_url": "https://hooks.example/1", "warnings": WARNINGS, "rule": "no role"}
    return await approvals.ask(decision_id, NOW + SECOND, **{**chosen, **changes})  # type: ignore[arg-type]


async def request(approvals: Approvals, decision_id: str = "d1") -> Request:
    found = await approvals.get(decision_id)
    assert found is not None
    return found


async def owed(engine: AsyncEngine) -> list[Owed]:
    return [due.owed for due in await Outbox(engine).claim(NOW + timedelta(minutes=5), LEASE, 100)]


async def keys(engine: AsyncEngine) -> list[tuple[str, str, str]]:
    return [(one.key, one.kind, one.channel_id) for one in await owed(engine)]


async def test_what_is_asked_is_kept_with_its_message_owed(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    assert await approvals.get("d1") is None
    assert await asked(approvals)
    kept = await request(approvals)
    assert (kept.decision.proposal, kept.decision.state, kept.waits) == (PROPOSAL, "proposed", True)
    assert (kept.asked_at, kept.channel_id, kept.response_url) == (NOW + SECOND, CHANNEL, "https://hooks.example/1")
    assert (kept.warnings, kept.answer, kept.answered_by, kept.ts, kept.posted) == (WARNINGS, None, None, "", "owed")
    [one] = await owed(engine)
    assert (one.key, one.kind, one.channel_id) == ("d1:request", "request", CHANNEL)
    assert News.model_validate_json(one.payload) == News(decision_id="d1", about="asked")
    last = (await record(engine))[-1]
    assert (last.who, last.action, last.result, last.rule) == (ASKER, "reserve", "asked for approval", "no role")


async def test_of_many_who_ask_at_once_in_two_processes_one_asks(
    reservations: Reservations, approvals: Approvals, theirs: Approvals, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    counted = await asyncio.gather(*(asked((approvals, theirs)[number % 2]) for number in range(10)))
    assert sum(counted) == 1
    assert len(await owed(engine)) == 1
    assert [entry.result for entry in await record(engine)] == ["asked", "asked for approval"]


async def test_what_is_no_longer_proposed_is_not_asked_for(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine
) -> None:
    assert not await asked(approvals, "nobody's")
    await proposed(reservations)
    await reservations.cancel("d1", ASKER, NOW)
    assert not await asked(approvals)
    assert await approvals.get("d1") is None
    assert await owed(engine) == []


async def test_approved_it_is_claimed_as_if_it_were_confirmed(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    await asked(approvals)
    approved, ours = await approvals.approve("d1", "U_BOSS", NOW + 2 * SECOND, LEASE, "role boss")
    assert ours
    decision = approved.decision
    assert (decision.state, decision.confirmed_by, decision.confirmed_at) == ("claimed", "U_BOSS", NOW + 2 * SECOND)
    assert (decision.response_url, decision.channel_id) == (None, None)
    assert (approved.answer, approved.answered_by, approved.answered_at) == ("approved", "U_BOSS", NOW + 2 * SECOND)
    assert await reservations.get("d1") == decision
    last = (await record(engine))[-1]
    assert (last.who, last.result, last.rule, last.idempotency_key) == ("U_BOSS", "approved", "role boss", "key-d1")
    assert await keys(engine) == [
        ("d1:request", "request", CHANNEL),
        ("d1:request:claimed", "request", CHANNEL),
        ("d1:answer:claimed", "answer", ASKER),
    ]
    taken = await reservations.take_over(NOW + 2 * SECOND + LEASE, LEASE, 10)
    assert [each.proposal.id for each in taken] == ["d1"], "and found out by others, should its process die"


Answering = Callable[[Approvals], Awaitable[tuple[Request, bool]]]
ANSWERS: dict[str, Answering] = {
    "approved": lambda approvals: approvals.approve("d1", "U_BOSS", NOW, LEASE, "role boss"),
    "declined": lambda approvals: approvals.decline("d1", "U_BOSS", NOW, "role boss"),
    "expired": lambda approvals: approvals.expire("d1", NOW, "occupied"),
}


@pytest.mark.parametrize("answer", ["declined", "expired"])
async def test_a_no_ends_it_and_is_told(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine, answer: str
) -> None:
    await proposed(reservations)
    await asked(approvals)
    ended, ours = await ANSWERS[answer](approvals)
    assert ours
    assert (ended.answer, ended.decision.state, ended.decision.outcome) == (answer, "cancelled", None)
    assert ended.answered_by == ("U_BOSS" if answer == "declined" else None)
    assert ended.reason == ("" if answer == "declined" else "occupied")
    last = (await record(engine))[-1]
    assert (last.result, last.who) == (answer, "U_BOSS" if answer == "declined" else ASKER)
    assert (last.rule, last.detail) == (("role boss", "") if answer == "declined" else ("", "occupied"))
    assert [key for key, _, _ in await keys(engine)] == ["d1:request", f"d1:request:{answer}", f"d1:answer:{answer}"]
    assert not (await begun(reservations))[1], "nobody can confirm it any more"


@pytest.mark.parametrize("first", ANSWERS)
@pytest.mark.parametrize("second", ANSWERS)
async def test_the_first_answer_counts(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine, first: str, second: str
) -> None:
    await proposed(reservations)
    await asked(approvals)
    answered, ours = await ANSWERS[first](approvals)
    lines, due = len(await record(engine)), await Outbox(engine).pending()
    late, too_late = await ANSWERS[second](approvals)
    assert (ours, too_late) == (True, False)
    assert late == answered
    assert (len(await record(engine)), await Outbox(engine).pending()) == (lines, due)


async def test_of_all_answers_at_once_in_two_processes_one_counts(
    reservations: Reservations, approvals: Approvals, theirs: Approvals, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    await asked(approvals)
    answers = list(ANSWERS.values())
    counted = await asyncio.gather(*(answers[number % 3]((approvals, theirs)[number % 2]) for number in range(12)))
    assert sum(ours for _, ours in counted) == 1
    assert len({each.answer for each, _ in counted}) == 1
    assert len(await record(engine)) == 3
    assert await Outbox(engine).pending() == 3


@pytest.mark.parametrize("outcome", [DONE, REFUSED, UNKNOWN], ids=lambda outcome: outcome.state)
async def test_how_it_ended_is_told_in_the_same_transaction(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine, outcome: Outcome
) -> None:
    await proposed(reservations)
    await asked(approvals)
    await ANSWERS["approved"](approvals)
    assert await reservations.settle("d1", outcome, NOW, [])
    assert (await request(approvals)).decision.outcome == outcome
    assert [key for key, _, _ in await keys(engine)][-2:] == [
        f"d1:request:{outcome.state}",
        f"d1:answer:{outcome.state}",
    ]


async def test_what_is_cancelled_or_confirmed_past_the_request_corrects_its_message(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine
) -> None:
    for decision_id in ("d1", "d2"):
        await proposed(reservations, a_proposal(decision_id))
        await asked(approvals, decision_id)
    await reservations.cancel("d1", ASKER, NOW)
    await begun(reservations, "d2")
    due = [key for key, _, _ in await keys(engine)]
    assert due[2:] == ["d1:request:cancelled", "d2:request:claimed", "d2:answer:claimed"]
    assert not (await request(approvals)).waits
    late, ours = await ANSWERS["approved"](approvals)
    assert (late.answer, ours) == (None, False)


async def test_without_a_request_nothing_is_owed(reservations: Reservations, engine: AsyncEngine) -> None:
    await proposed(reservations)
    await begun(reservations)
    assert await reservations.settle("d1", DONE, NOW, [])
    assert await owed(engine) == []


async def test_the_message_in_slack_is_known_by_its_name(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    await asked(approvals)
    [due] = await Outbox(engine).claim(NOW + SECOND, LEASE, 1)
    await Outbox(engine).sent(due.id, NOW, "171.5")
    posted = await request(approvals)
    assert (posted.posted, posted.ts) == ("sent", "171.5")


async def test_those_that_wait_come_oldest_first_and_old_ones_can_be_ended(
    reservations: Reservations, approvals: Approvals
) -> None:
    for number in range(4):
        await proposed(reservations, a_proposal(f"d{number}", site_id=f"site_{number}"))
        assert await approvals.ask(
            f"d{number}", NOW - number * SECOND, channel_id=CHANNEL, response_url=None, warnings=(), rule=""
        )
    await approvals.decline("d1", "U_BOSS", NOW, "")

    async def ids(found: Awaitable[list[Request]]) -> list[str]:
        return [each.decision.proposal.id for each in await found]

    assert await ids(approvals.waiting(10, None)) == ["d3", "d2", "d0"]
    assert await ids(approvals.waiting(2, None)) == ["d3", "d2"]
    assert await ids(approvals.waiting(1, {"site_0", "site_9"})) == ["d0"]
    assert await ids(approvals.waiting(10, frozenset())) == []
    assert await ids(approvals.old(NOW + GOOD_FOR - 2 * SECOND)) == ["d3", "d2"]
    assert await ids(approvals.old(NOW)) == []


async def test_what_cannot_be_owed_is_not_asked(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    with pytest.raises(Exception, match="DatabaseUnusable"):
        await asked(approvals)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO audit"))
    assert await approvals.get("d1") is None
    assert await owed(engine) == []


# What others ask of decisions


async def test_somebody_sees_what_they_confirmed_or_others_for_them(reservations: Reservations) -> None:
    for number in range(5):
        await proposed(reservations, a_proposal(f"d{number}"))
    await proposed(reservations, replace(a_proposal("other"), asked_by="U_OTHER"))
    for number in (2, 0, 3):
        await begun(reservations, f"d{number}", by="U_CLICKS", at=NOW + number * SECOND)
    await begun(reservations, "other", by=ASKER, at=NOW + SECOND)
    ids = [decision.proposal.id for decision in await reservations.latest_of(ASKER, 10)]
    assert ids == ["d3", "d2", "other", "d0"]
    assert [each.proposal.id for each in await reservations.latest_of("U_CLICKS", 2)] == ["d3", "d2"]
    assert await reservations.latest_of("U_NOBODY", 2) == []


async def test_reservations_are_counted_by_site_and_day(reservations: Reservations) -> None:
    ended = {
        "before": ("site_1", NOW - SECOND, DONE),
        "first": ("site_1", NOW, DONE),
        "second": ("site_1", NOW + SECOND, DONE),
        "elsewhere": ("site_2", NOW + SECOND, DONE),
        "refused": ("site_1", NOW + SECOND, REFUSED),
        "after": ("site_1", NOW + 2 * SECOND, DONE),
        "release": ("site_1", NOW + SECOND, DONE),
    }
    for decision_id, (site_id, at, outcome) in ended.items():
        action = "release" if decision_id == "release" else "reserve"
        await proposed(reservations, a_proposal(decision_id, site_id=site_id, action=action))
        await begun(reservations, decision_id)
        assert await reservations.settle(decision_id, outcome, at, [])
    assert await reservations.reserved_by_site(NOW, NOW + 2 * SECOND) == {"site_1": 2, "site_2": 1}


async def test_what_many_processes_owe_is_owed_once(engine: AsyncEngine, other_engine: AsyncEngine) -> None:
    digest = Owed("digest:2026-11-21:C1", "digest", "C1", "{}")
    await asyncio.gather(*(Outbox((engine, other_engine)[number % 2]).owe([digest], NOW) for number in range(8)))
    [due] = await Outbox(engine).claim(NOW, LEASE, 10)
    assert due.owed == digest
    await Outbox(engine).sent(due.id, NOW, "1.5")
    await Outbox(engine).owe([digest], NOW)
    assert await Outbox(engine).pending() == 0, "nor again once it was sent"


@pytest.fixture
async def directory(engine: AsyncEngine) -> Kept:
    """The unit of the proposal is known, and free."""
    kept = Kept(engine, Channels(None, {}), "me", Clock())
    await kept.keep([Seen(CAMDEN, NOW), Seen(LOCKER, NOW), Seen(a_unit(1), NOW)])
    return kept


async def test_when_its_unit_changes_what_waits_is_drawn_again(
    reservations: Reservations, approvals: Approvals, engine: AsyncEngine, directory: Kept
) -> None:
    for number in (1, 2, 3):
        await proposed(reservations, a_proposal(f"d{number}", unit_id="unit_1" if number < 3 else "unit_3"))
        await asked(approvals, f"d{number}")
    await approvals.decline("d2", "U_CLICKS", NOW + SECOND, "")
    assert ((await request(approvals)).unit_status, (await request(approvals)).is_free) == ("available", True)
    assert ((await request(approvals, "d3")).unit_status, (await request(approvals, "d3")).is_free) == ("", True)
    await owed(engine)
    for seconds, status in ((2, "reserved"), (3, "available"), (4, "reserved")):
        at = NOW + seconds * SECOND
        await directory.keep([Seen(a_unit(1, status, updated=at), at)])
        kept = await request(approvals)
        assert (kept.unit_status, kept.is_free) == (status, status == "available")
    found = await owed(engine)
    assert [(one.kind, one.channel_id) for one in found] == [("request", CHANNEL), ("answer", ASKER)] * 3
    assert {News.model_validate_json(one.payload) for one in found} == {News(decision_id="d1", about="changed")}


async def test_of_a_unit_that_is_gone_it_is_said_so(
    reservations: Reservations, approvals: Approvals, directory: Kept
) -> None:
    await proposed(reservations)
    await asked(approvals)
    await directory.keep([Seen(a_unit(1), NOW + SECOND, gone=True)])
    assert ((await request(approvals)).unit_status, (await request(approvals)).is_free) == ("gone", False)


async def test_a_unit_without_a_status_is_not_taken_for_a_free_one(
    reservations: Reservations, approvals: Approvals, directory: Kept
) -> None:
    await proposed(reservations)
    await asked(approvals)
    at = NOW + SECOND
    await directory.keep([Seen(a_unit(1, "", updated=at), at)])
    assert not (await request(approvals)).is_free
