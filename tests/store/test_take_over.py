"""Claims that nobody works on any more, and outcomes to be found out, go to exactly one."""

import asyncio
from datetime import timedelta

import pytest

from bot.core.reservations import Decision, Outcome
from bot.store.reservations import Reservations
from tests.store.conftest import LEASE, NOW, SECOND, a_proposal, begun, claimed, proposed

UNKNOWN = Outcome("unknown")
HOUR = timedelta(hours=1)


def ids(decisions: list[Decision]) -> list[str]:
    return [decision.proposal.id for decision in decisions]


async def test_a_claim_is_taken_over_once_when_its_lease_is_over(reservations: Reservations) -> None:
    await claimed(reservations)
    assert await reservations.take_over(NOW + LEASE - SECOND, LEASE, 10) == []
    [decision] = await reservations.take_over(NOW + LEASE, LEASE, 10)
    assert (decision.proposal.id, decision.state, decision.attempts) == ("d1", "claimed", 1)
    assert decision == await reservations.get("d1")
    assert await reservations.take_over(NOW + LEASE, LEASE, 10) == []
    [again] = await reservations.take_over(NOW + 2 * LEASE, LEASE, 10)
    assert again.attempts == 2


async def test_whoever_says_that_he_is_at_it_keeps_the_claim(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.extend("d1", NOW + 20 * SECOND, LEASE)
    assert await reservations.take_over(NOW + LEASE, LEASE, 10) == []
    assert ids(await reservations.take_over(NOW + LEASE + 20 * SECOND, LEASE, 10)) == ["d1"]


async def test_whoever_is_still_telling_how_it_ended_goes_on_alone(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.settle("d1", Outcome("done"), NOW, [])
    await reservations.extend("d1", NOW + 20 * SECOND, LEASE)
    assert await reservations.untold(NOW + LEASE, LEASE, 10) == []
    assert ids(await reservations.untold(NOW + LEASE + 20 * SECOND, LEASE, 10)) == ["d1"]
    await reservations.told("d1")
    await reservations.extend("d1", NOW + LEASE, LEASE)
    assert await reservations.untold(NOW + HOUR, LEASE, 10) == []


async def test_an_unknown_outcome_is_taken_up_at_its_time(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.settle("d1", UNKNOWN, NOW, [], next_try=NOW + 90 * SECOND)
    assert await reservations.take_over(NOW + 89 * SECOND, LEASE, 10) == []
    [decision] = await reservations.take_over(NOW + 90 * SECOND, LEASE, 10)
    assert (decision.state, decision.attempts) == ("unknown", 1)
    assert await reservations.take_over(NOW + 91 * SECOND, LEASE, 10) == []
    assert ids(await reservations.take_over(NOW + 90 * SECOND + LEASE, LEASE, 10)) == ["d1"]


async def test_an_unknown_outcome_without_a_time_is_taken_up_at_once(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.settle("d1", UNKNOWN, NOW, [])
    assert ids(await reservations.take_over(NOW, LEASE, 10)) == ["d1"]


async def test_what_has_ended_or_was_never_confirmed_is_not_taken_over(reservations: Reservations) -> None:
    for decision_id in ("done", "refused"):
        await claimed(reservations, a_proposal(decision_id))
    await reservations.settle("done", Outcome("done"), NOW, [])
    await reservations.settle("refused", Outcome("refused"), NOW, [])
    for decision_id in ("proposed", "cancelled"):
        await proposed(reservations, a_proposal(decision_id))
    await reservations.cancel("cancelled", "U", NOW)
    await reservations.extend("done", NOW, LEASE)
    assert await reservations.take_over(NOW + HOUR, LEASE, 10) == []


async def test_the_longest_waiting_come_first(reservations: Reservations) -> None:
    for decision_id, after in (("d1", 2), ("d2", 0), ("d3", 1)):
        await proposed(reservations, a_proposal(decision_id))
        await begun(reservations, decision_id, at=NOW + after * SECOND)
    later = NOW + 2 * LEASE
    assert ids(await reservations.take_over(later, LEASE, 2)) == ["d2", "d3"]
    assert ids(await reservations.take_over(later, LEASE, 2)) == ["d1"]


async def test_two_processes_take_over_different_ones(reservations: Reservations, elsewhere: Reservations) -> None:
    for number in range(12):
        await claimed(reservations, a_proposal(f"d{number}"))
    later = NOW + LEASE
    taken = await asyncio.gather(
        *((reservations, elsewhere)[number % 2].take_over(later, LEASE, 3) for number in range(8))
    )
    # Whoever looked while others held all that was left found nothing; the next look finds the rest.
    taken.append(await reservations.take_over(later, LEASE, 12))
    found = [one for batch in taken for one in ids(batch)]
    assert sorted(found) == sorted(f"d{number}" for number in range(12))
    assert all(len(batch) <= 3 for batch in taken[:8])


@pytest.mark.parametrize("stepped_back", [2 * LEASE, timedelta(days=1)], ids=["two leases", "a day"])
async def test_a_clock_that_stepped_back_strands_no_claim(reservations: Reservations, stepped_back: timedelta) -> None:
    await claimed(reservations)
    assert ids(await reservations.take_over(NOW - stepped_back, LEASE, 10)) == ["d1"]


async def test_a_claim_made_by_a_clock_slightly_ahead_is_not_taken_away(reservations: Reservations) -> None:
    await claimed(reservations)
    assert await reservations.take_over(NOW - SECOND, LEASE, 10) == []
    assert await reservations.take_over(NOW - LEASE, LEASE, 10) == []


async def test_a_clock_that_stepped_back_strands_no_unknown_outcome(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.settle("d1", UNKNOWN, NOW, [], next_try=NOW + HOUR)
    assert await reservations.take_over(NOW, LEASE, 10) == [], "an hour is the furthest that may be meant"
    assert ids(await reservations.take_over(NOW - SECOND, LEASE, 10)) == ["d1"]


async def test_the_only_process_takes_over_at_once_what_the_one_before_left(reservations: Reservations) -> None:
    await claimed(reservations, a_proposal("d1"))
    for decision_id in ("d2", "d3"):
        await claimed(reservations, a_proposal(decision_id))
    await reservations.settle("d2", UNKNOWN, NOW, [], next_try=NOW)
    await reservations.take_over(NOW, LEASE, 10)
    await reservations.settle("d3", UNKNOWN, NOW, [], next_try=NOW + 90 * SECOND)
    await proposed(reservations, a_proposal("d4"))
    await reservations.orphaned(NOW + SECOND)
    assert sorted(ids(await reservations.take_over(NOW + SECOND, LEASE, 10))) == ["d1", "d2"]


async def test_one_who_was_thought_dead_comes_back_and_counts_once(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.take_over(NOW + LEASE, LEASE, 10)
    assert await reservations.settle("d1", Outcome("done"), NOW + LEASE, [])
    assert not await reservations.settle("d1", Outcome("done"), NOW + LEASE, [])
    assert await reservations.take_over(NOW + HOUR, LEASE, 10) == []


async def test_what_ended_without_a_word_to_the_person_is_told_by_one_other(
    reservations: Reservations, elsewhere: Reservations
) -> None:
    for decision_id in ("d1", "d2", "d3"):
        await claimed(reservations, a_proposal(decision_id))
    assert await reservations.untold(NOW + LEASE, LEASE, 10) == []  # it has not ended
    await reservations.settle("d1", Outcome("done"), NOW, [])
    await reservations.settle("d2", Outcome("refused"), NOW, [])
    await reservations.settle("d3", UNKNOWN, NOW, [])
    await reservations.told("d2")
    assert await reservations.untold(NOW + LEASE - SECOND, LEASE, 10) == []  # whoever settled it has time to tell
    [untold] = await elsewhere.untold(NOW + LEASE, LEASE, 10)
    assert (untold.proposal.id, untold.outcome) == ("d1", Outcome("done"))
    assert await reservations.untold(NOW + LEASE, LEASE, 10) == []
    await elsewhere.told("d1")
    assert await reservations.untold(NOW + HOUR, LEASE, 10) == []


async def test_the_only_process_tells_at_once_what_the_one_before_did_not(reservations: Reservations) -> None:
    await claimed(reservations)
    await reservations.settle("d1", Outcome("done"), NOW, [])
    await reservations.orphaned(NOW + SECOND)
    assert ids(await reservations.untold(NOW + SECOND, LEASE, 10)) == ["d1"]
