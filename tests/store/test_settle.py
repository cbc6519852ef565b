"""How a decision ends: once, for good, and together with what is owed for it."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Outcome
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from tests.store.conftest import (
    DONE,
    LEASE,
    NOW,
    REFUSED,
    SECOND,
    UNKNOWN,
    a_proposal,
    claimed,
    owed,
    proposed,
    record,
)


@pytest.mark.parametrize("outcome", [DONE, REFUSED, UNKNOWN], ids=lambda outcome: outcome.state)
async def test_an_end_is_recorded_with_what_is_owed(
    reservations: Reservations, engine: AsyncEngine, outcome: Outcome
) -> None:
    await claimed(reservations)
    assert await reservations.settle("d1", outcome, NOW + SECOND, [owed("a"), owed("b", "C2")])
    decision = await reservations.get("d1")
    assert decision is not None
    assert (decision.state, decision.outcome, decision.settled_at) == (outcome.state, outcome, NOW + SECOND)
    due = await Outbox(engine).claim(NOW + SECOND, LEASE, 10)
    assert [one.owed for one in due] == [owed("a"), owed("b", "C2")]
    last = (await record(engine))[-1]
    assert (last.at, last.who, last.action, last.result) == (NOW + SECOND, "U_CLICKS", "reserve", outcome.state)
    assert (last.unit_reference, last.idempotency_key, last.rule) == ("A-012", "key-d1", "front desk")
    assert last.request_id == (outcome.request_id or "")
    assert (
        last.detail
        == {
            "done": "",
            "refused": "unit_unavailable: The unit is not available.",
            "unknown": "No answer came.",
        }[outcome.state]
    )


@pytest.mark.parametrize("first", [DONE, REFUSED], ids=lambda outcome: outcome.state)
@pytest.mark.parametrize("second", [DONE, REFUSED, UNKNOWN], ids=lambda outcome: outcome.state)
async def test_an_end_is_for_good(
    reservations: Reservations, engine: AsyncEngine, first: Outcome, second: Outcome
) -> None:
    await claimed(reservations)
    assert await reservations.settle("d1", first, NOW, [owed("a")])
    assert not await reservations.settle("d1", second, NOW + SECOND, [owed("b")])
    decision = await reservations.get("d1")
    assert decision is not None
    assert (decision.outcome, decision.settled_at) == (first, NOW)
    assert await Outbox(engine).pending() == 1
    assert len(await record(engine)) == 3


async def test_of_twenty_ends_at_once_in_two_processes_one_counts(
    reservations: Reservations, elsewhere: Reservations, engine: AsyncEngine
) -> None:
    await claimed(reservations)
    counted = await asyncio.gather(
        *((reservations, elsewhere)[number % 2].settle("d1", DONE, NOW, [owed("a")]) for number in range(20))
    )
    assert sum(counted) == 1
    assert await Outbox(engine).pending() == 1
    assert [entry.result for entry in await record(engine)] == ["asked", "confirmed", "done"]


@pytest.mark.parametrize("found_out", [DONE, REFUSED], ids=lambda outcome: outcome.state)
async def test_an_unknown_outcome_is_found_out_later(
    reservations: Reservations, engine: AsyncEngine, found_out: Outcome
) -> None:
    await claimed(reservations)
    assert await reservations.settle("d1", UNKNOWN, NOW, [], next_try=NOW + SECOND)
    assert await reservations.settle("d1", UNKNOWN, NOW + SECOND, [], next_try=NOW + 2 * SECOND)
    assert await reservations.settle("d1", found_out, NOW + 2 * SECOND, [owed("a")])
    assert await Outbox(engine).pending() == 1
    results = [entry.result for entry in await record(engine)]
    assert results == ["asked", "confirmed", "unknown", found_out.state], "asking again is no news"


async def test_what_was_never_confirmed_has_no_end(reservations: Reservations, engine: AsyncEngine) -> None:
    await proposed(reservations)
    assert not await reservations.settle("d1", DONE, NOW, [owed("a")])
    assert await Outbox(engine).pending() == 0


async def test_the_same_thing_is_owed_once(reservations: Reservations, engine: AsyncEngine) -> None:
    for decision_id in ("d1", "d2"):
        await claimed(reservations, a_proposal(decision_id))
        assert await reservations.settle(decision_id, DONE, NOW, [owed("same"), owed("same")])
    assert await Outbox(engine).pending() == 1


async def test_an_end_that_cannot_be_recorded_in_full_is_not_recorded(
    reservations: Reservations, engine: AsyncEngine
) -> None:
    await claimed(reservations)
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE outbox"))
    with pytest.raises(DatabaseUnusable):
        await reservations.settle("d1", DONE, NOW, [owed("a")])
    decision = await reservations.get("d1")
    assert decision is not None
    assert (decision.state, decision.outcome) == ("claimed", None)
    assert [entry.result for entry in await record(engine)] == ["asked", "confirmed"]
