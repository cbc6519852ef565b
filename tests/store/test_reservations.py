"""Decisions: one claim, one end, and everything about it in one transaction."""

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.core.reservations import AuditEntry
from bot.store.reservations import Reservations
from tests.store.conftest import (
    DONE,
    LEASE,
    NOW,
    PROPOSAL,
    REFUSED,
    SECOND,
    a_proposal,
    a_release,
    asked,
    begun,
    claimed,
    proposed,
    record,
)


async def test_a_proposal_comes_back_as_it_was(reservations: Reservations) -> None:
    await proposed(reservations)
    decision = await reservations.get("d1")
    assert decision is not None
    assert decision.proposal == PROPOSAL
    assert (decision.state, decision.outcome, decision.attempts) == ("proposed", None, 0)
    assert (decision.confirmed_by, decision.confirmed_at, decision.settled_at) == (None, None, None)


async def test_what_may_be_absent_comes_back_absent(reservations: Reservations) -> None:
    await proposed(reservations, a_proposal(starts_at=None, backoffice_url=None))
    decision = await reservations.get("d1")
    assert decision is not None
    assert (decision.proposal.starts_at, decision.proposal.backoffice_url) == (None, None)


async def test_moments_come_back_in_utc_wherever_they_were_taken(reservations: Reservations) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-5)))
    await proposed(reservations, a_proposal(starts_at=there))
    decision = await reservations.get("d1")
    assert decision is not None
    assert decision.proposal.starts_at is not None
    assert decision.proposal.starts_at.isoformat() == "2026-03-02T09:30:15.123456+00:00"


async def test_a_name_that_no_database_takes_is_mended_and_not_refused(reservations: Reservations) -> None:
    await proposed(reservations, a_proposal(customer="A\0nn \ud800 Lee 😀"))
    decision = await reservations.get("d1")
    assert decision is not None
    assert decision.proposal.customer == "A\ufffdnn ? Lee 😀"


async def test_an_unknown_id_is_nobodys(reservations: Reservations) -> None:
    assert await reservations.get("d1") is None
    assert await reservations.begin("d1", "U", NOW, LEASE, channel_id=None, response_url=None, rule="") is None
    assert await reservations.cancel("d1", "U", NOW) is None
    assert not await reservations.settle("d1", DONE, NOW, [])


async def test_two_decisions_never_share_a_key(reservations: Reservations, engine: AsyncEngine) -> None:
    await proposed(reservations)
    with pytest.raises(DatabaseUnusable) as caught:
        await proposed(reservations, replace(PROPOSAL, id="d2"))
    assert "Ångström" not in str(caught.value)
    assert await reservations.get("d2") is None
    assert len(await record(engine)) == 1, "the line about the second must not stay either"


async def test_a_release_never_shares_a_key_either(reservations: Reservations, engine: AsyncEngine) -> None:
    await proposed(reservations)
    release = replace(a_release("d1", 1), idempotency_key=PROPOSAL.idempotency_key)
    with pytest.raises(DatabaseUnusable, match="Idempotency-Key"):
        await reservations.begin_new(release, "U", NOW, LEASE, channel_id=None, response_url=None, rule="")
    assert await reservations.get(release.id) is None
    assert len(await record(engine)) == 1


async def test_beginning_claims_and_says_so_in_the_record(reservations: Reservations, engine: AsyncEngine) -> None:
    await proposed(reservations)
    decision, ours = await begun(reservations)
    assert ours
    assert decision.state == "claimed"
    assert (decision.confirmed_by, decision.confirmed_at) == ("U_CLICKS", NOW)
    assert (decision.channel_id, decision.response_url) == ("C1", "https://hooks.example/1")
    assert decision == await reservations.get("d1")
    assert await record(engine) == [
        asked(PROPOSAL),
        AuditEntry(
            at=NOW,
            who="U_CLICKS",
            action="reserve",
            result="confirmed",
            unit_id="unit_1",
            unit_reference="A-012",
            site_id="site_1",
            tenancy_id="ten_1",
            rule="front desk",
            idempotency_key="key-d1",
        ),
    ]


async def test_a_second_click_by_anyone_gets_the_first_ones_decision(
    reservations: Reservations, elsewhere: Reservations, engine: AsyncEngine
) -> None:
    await claimed(reservations)
    decision, ours = await begun(elsewhere, by="U_OTHER", at=NOW + SECOND)
    assert not ours
    assert (decision.state, decision.confirmed_by, decision.confirmed_at) == ("claimed", "U_CLICKS", NOW)
    assert [entry.result for entry in await record(engine)] == ["asked", "confirmed"]


async def test_of_twenty_clicks_at_once_in_two_processes_one_claims(
    reservations: Reservations, elsewhere: Reservations, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    answers = await asyncio.gather(
        *(begun((reservations, elsewhere)[number % 2], by=f"U{number}") for number in range(20))
    )
    winners = [decision.confirmed_by for decision, ours in answers if ours]
    assert len(winners) == 1
    assert {decision.confirmed_by for decision, _ in answers} == set(winners)
    assert [entry.result for entry in await record(engine)] == ["asked", "confirmed"]


async def test_a_claim_that_cannot_be_recorded_in_full_is_not_made(
    reservations: Reservations, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE audit"))
    with pytest.raises(DatabaseUnusable):
        await begun(reservations)
    decision = await reservations.get("d1")
    assert decision is not None
    assert (decision.state, decision.confirmed_by) == ("proposed", None)


async def test_a_release_is_claimed_without_having_been_proposed(
    reservations: Reservations, engine: AsyncEngine
) -> None:
    release = a_release("d1", 1)
    decision, ours = await reservations.begin_new(
        release, "U", NOW, LEASE, channel_id="C", response_url="https://hooks.example/2", rule="desk"
    )
    assert ours
    assert decision.proposal == release
    assert (decision.state, decision.confirmed_by, decision.channel_id) == ("claimed", "U", "C")
    assert [(entry.action, entry.result, entry.rule) for entry in await record(engine)] == [
        ("release", "confirmed", "desk")
    ]


async def test_of_twenty_releases_at_once_in_two_processes_one_claims(
    reservations: Reservations, elsewhere: Reservations, engine: AsyncEngine
) -> None:
    answers = await asyncio.gather(
        *(
            (reservations, elsewhere)[number % 2].begin_new(
                a_release("d1", 1), f"U{number}", NOW, LEASE, channel_id=None, response_url=None, rule=""
            )
            for number in range(20)
        )
    )
    winners = [decision.confirmed_by for decision, ours in answers if ours]
    assert len(winners) == 1
    assert {decision.confirmed_by for decision, _ in answers} == set(winners)
    assert [entry.result for entry in await record(engine)] == ["confirmed"]


async def test_a_cancelled_decision_cannot_be_begun(reservations: Reservations, engine: AsyncEngine) -> None:
    await proposed(reservations)
    cancelled = await reservations.cancel("d1", "U_ASKS", NOW + SECOND)
    assert cancelled is not None
    assert (cancelled.state, cancelled.settled_at, cancelled.outcome) == ("cancelled", NOW + SECOND, None)
    decision, ours = await begun(reservations)
    assert not ours
    assert decision == cancelled
    lines = [(entry.who, entry.action, entry.result) for entry in await record(engine)]
    assert lines == [("U_ASKS", "reserve", "asked"), ("U_ASKS", "cancel", "cancelled")]


async def test_a_claimed_decision_cannot_be_cancelled(reservations: Reservations, engine: AsyncEngine) -> None:
    await claimed(reservations)
    decision = await reservations.cancel("d1", "U_ASKS", NOW)
    assert decision is not None
    assert decision.state == "claimed"
    assert [entry.result for entry in await record(engine)] == ["asked", "confirmed"]


async def test_the_newest_reservation_of_a_unit_is_known_until_it_is_released(reservations: Reservations) -> None:
    await claimed(reservations)
    assert await reservations.reserved_here("unit_1") is None, "it has not taken effect yet"
    await reservations.settle("d1", DONE, NOW, [])
    here = await reservations.reserved_here("unit_1")
    assert here is not None
    assert here.proposal.id == "d1"
    assert await reservations.reserved_here("unit_2") is None

    await claimed(reservations, a_release("d1", 1))
    await reservations.settle("d1-release-1", REFUSED, NOW, [])
    assert await reservations.reserved_here("unit_1") == here, "a refused release releases nothing"

    await claimed(reservations, a_release("d1", 2))
    await reservations.settle("d1-release-2", DONE, NOW, [])
    assert await reservations.reserved_here("unit_1") is None


async def test_the_newest_reservation_is_the_one_settled_last_also_when_the_clock_stepped_back(
    reservations: Reservations,
) -> None:
    for decision_id in ("d1", "d2", "d3"):
        await claimed(reservations, a_proposal(decision_id))
    await reservations.settle("d3", DONE, NOW + timedelta(hours=2), [])
    await reservations.settle("d1", DONE, NOW + timedelta(hours=1), [])
    await reservations.settle("d2", REFUSED, NOW, [])
    here = await reservations.reserved_here("unit_1")
    assert here is not None
    assert here.proposal.id == "d1"


async def test_refused_releases_are_counted_for_their_own_reservation(reservations: Reservations) -> None:
    for decision_id in ("d1", "d1-release", "D1"):
        await claimed(reservations, a_proposal(decision_id))
    assert await reservations.releases_refused("d1") == 0
    ends = {"d1-release-1": REFUSED, "d1-release-2": REFUSED, "d1-release-3": DONE, "D1-release-1": REFUSED}
    for release_id, outcome in ends.items():
        await claimed(reservations, a_proposal(release_id, action="release"))
        await reservations.settle(release_id, outcome, NOW, [])
    await claimed(reservations, a_release("d1", 4))
    assert await reservations.releases_refused("d1") == 2


async def test_every_state_is_counted(reservations: Reservations) -> None:
    for decision_id in ("d1", "d2", "d3"):
        await proposed(reservations, a_proposal(decision_id))
    await begun(reservations, "d1")
    assert await reservations.counts() == {
        "proposed": 2,
        "cancelled": 0,
        "claimed": 1,
        "done": 0,
        "refused": 0,
        "unknown": 0,
    }


async def test_a_caller_who_gives_up_leaves_the_database_to_the_others(
    reservations: Reservations, engine: AsyncEngine
) -> None:
    await proposed(reservations)
    for turns in range(1, 12):
        task = asyncio.ensure_future(begun(reservations, by=f"U{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    decision, _ = await begun(reservations, by="U_LAST")
    assert decision.state == "claimed"
    results = [entry.result for entry in await record(engine)]
    assert results == ["asked", "confirmed"], "whoever it was, the claim and its line belong together"
