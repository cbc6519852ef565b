"""What is owed goes out once, to one process at a time, however often it fails."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.reservations import Outcome, Owed
from bot.store.outbox import Due, GivenUp, Outbox
from bot.store.reservations import Reservations
from tests.store.conftest import LEASE, NOW, SECOND, a_proposal, claimed, owed

HOUR = timedelta(hours=1)


@pytest.fixture
def outbox(engine: AsyncEngine) -> Outbox:
    return Outbox(engine)


async def owe(reservations: Reservations, *all_owed: Owed) -> None:
    await claimed(reservations)
    assert await reservations.settle("d1", Outcome("done"), NOW, all_owed)


def keys(due: list[Due]) -> list[str]:
    return [one.owed.key for one in due]


async def test_what_is_owed_comes_oldest_first(reservations: Reservations, outbox: Outbox) -> None:
    note = Owed(key="z", kind="note", channel_id="", payload="{}")
    await owe(reservations, note, owed("a"), owed("b", "C2"))
    first, second = await outbox.claim(NOW, LEASE, 2)
    assert (first.owed, second.owed) == (note, owed("a"))
    assert first.attempts == second.attempts == 1
    assert keys(await outbox.claim(NOW, LEASE, 2)) == ["b"]
    assert await outbox.claim(NOW, LEASE, 2) == []


async def test_what_is_sent_is_owed_no_more(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a"))
    [due] = await outbox.claim(NOW, LEASE, 1)
    assert await outbox.pending() == 1
    await outbox.sent(due.id, NOW, "1700000000.000100")
    assert await outbox.pending() == 0
    assert await outbox.next_due() is None
    assert await outbox.claim(NOW + HOUR, LEASE, 1) == []
    assert await outbox.given_up(NOW - HOUR) == []


async def test_what_failed_for_now_comes_again_at_its_time(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a"))
    [due] = await outbox.claim(NOW, LEASE, 1)
    await outbox.later(due, NOW + 2 * SECOND, "ratelimited")
    assert await outbox.pending() == 1
    assert await outbox.claim(NOW + SECOND, LEASE, 1) == []
    [again] = await outbox.claim(NOW + 2 * SECOND, LEASE, 1)
    assert (again.id, again.owed, again.attempts) == (due.id, due.owed, 2)


async def test_a_channel_that_must_wait_holds_up_no_other(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a", "C1"), owed("b", "C2"), owed("c", "C1"), owed("d", "C3"))
    assert keys(await outbox.claim(NOW, LEASE, 10, not_channels={"C1", "C3"})) == ["b"]
    assert keys(await outbox.claim(NOW, LEASE, 10)) == ["a", "c", "d"]


async def test_what_a_dead_process_was_sending_is_anybodys_after_its_lease(
    reservations: Reservations, outbox: Outbox
) -> None:
    await owe(reservations, owed("a"))
    await outbox.claim(NOW, LEASE, 1)
    assert await outbox.claim(NOW + LEASE - SECOND, LEASE, 1) == []
    [again] = await outbox.claim(NOW + LEASE, LEASE, 1)
    assert again.attempts == 2


async def test_the_only_process_sends_at_once_what_the_one_before_was_sending(
    reservations: Reservations, outbox: Outbox
) -> None:
    await owe(reservations, owed("a"), owed("b"), owed("c"))
    sent, put_off = await outbox.claim(NOW, LEASE, 2)
    await outbox.sent(sent.id, NOW, "1.1")
    await outbox.later(put_off, NOW + HOUR, "down")
    [dying] = await outbox.claim(NOW, LEASE, 2)
    await outbox.orphaned(NOW + SECOND)
    assert keys(await outbox.claim(NOW + SECOND, LEASE, 10)) == [dying.owed.key]


async def test_two_processes_never_have_the_same_one(
    reservations: Reservations, outbox: Outbox, other_engine: AsyncEngine
) -> None:
    await owe(reservations, *(owed(f"k{number}") for number in range(12)))
    elsewhere = Outbox(other_engine)
    batches = await asyncio.gather(*((outbox, elsewhere)[number % 2].claim(NOW, LEASE, 3) for number in range(8)))
    # Whoever looked while others held all that was left found nothing; the next look finds the rest.
    batches.append(await outbox.claim(NOW, LEASE, 12))
    found = [key for batch in batches for key in keys(batch)]
    assert sorted(found) == sorted(f"k{number}" for number in range(12))


@pytest.mark.parametrize("stepped_back", [2 * LEASE, timedelta(days=1)], ids=["two leases", "a day"])
async def test_a_clock_that_stepped_back_strands_nothing_that_was_being_sent(
    reservations: Reservations, outbox: Outbox, stepped_back: timedelta
) -> None:
    await owe(reservations, owed("a"))
    # An hour later, so that only the lease is in the way and not the time from which it was due.
    await outbox.claim(NOW + HOUR + stepped_back, LEASE, 1)
    assert keys(await outbox.claim(NOW + HOUR, LEASE, 1)) == ["a"]


async def test_a_clock_that_stepped_back_strands_nothing_that_was_put_off(
    reservations: Reservations, outbox: Outbox
) -> None:
    await owe(reservations, owed("a"))
    [due] = await outbox.claim(NOW, LEASE, 1)
    await outbox.later(due, NOW + HOUR, "down")
    assert await outbox.claim(NOW, LEASE, 1) == [], "an hour is the furthest that may be meant"
    assert keys(await outbox.claim(NOW - SECOND, LEASE, 1)) == ["a"]


async def test_a_clock_slightly_behind_takes_nothing_from_the_one_who_sends_it(
    reservations: Reservations, outbox: Outbox
) -> None:
    await owe(reservations, owed("a"))
    await outbox.claim(NOW + HOUR, LEASE, 1)
    assert await outbox.claim(NOW + HOUR - SECOND, LEASE, 1) == []


async def test_what_has_ended_stays_ended(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a"), owed("b"))
    sent, given_up = await outbox.claim(NOW, LEASE, 2)
    await outbox.sent(sent.id, NOW, "1.1")
    await outbox.give_up(given_up, NOW, "is_archived")
    await outbox.later(sent, NOW, "late")
    await outbox.give_up(sent, NOW, "late")
    await outbox.later(given_up, NOW, "late")
    await outbox.sent(given_up.id, NOW, "1.2")
    assert await outbox.pending() == 0
    assert await outbox.given_up(NOW) == [GivenUp("C1", "is_archived", NOW, 1)]


@pytest.mark.parametrize("late", ["later", "give up"])
async def test_who_comes_back_after_the_lease_takes_nothing_from_the_one_who_sends_it_now(
    reservations: Reservations, outbox: Outbox, late: str
) -> None:
    await owe(reservations, owed("a"))
    [frozen] = await outbox.claim(NOW, LEASE, 1)
    [sending] = await outbox.claim(NOW + LEASE, LEASE, 1)
    after = NOW + LEASE + SECOND
    await (outbox.later(frozen, after, "late") if late == "later" else outbox.give_up(frozen, after, "late"))
    assert await outbox.claim(after, LEASE, 1) == []
    await outbox.later(sending, after, "ratelimited")
    assert keys(await outbox.claim(after, LEASE, 1)) == ["a"]


async def test_what_the_one_before_has_sent_after_all_is_sent(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a"))
    [slow] = await outbox.claim(NOW, LEASE, 1)
    await outbox.claim(NOW + LEASE, LEASE, 1)
    await outbox.sent(slow.id, NOW + LEASE, "1.1")
    assert await outbox.pending() == 0


async def test_it_is_remembered_since_when_slack_refuses_it(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a"))
    moments = []
    for at, refused_at in (
        (NOW, None),
        (NOW + SECOND, NOW + SECOND),
        (NOW + 2 * SECOND, NOW + 2 * SECOND),
        (NOW + 3 * SECOND, None),
    ):
        [due] = await outbox.claim(at, LEASE, 1)
        moments.append(due.refused_since)
        await outbox.later(due, at, "why", refused_at=refused_at)
    assert moments == [None, None, NOW + SECOND, NOW + SECOND]


async def test_what_was_given_up_is_told_by_channel(reservations: Reservations, outbox: Outbox) -> None:
    await owe(reservations, owed("a", "C1"), owed("b", "C2"), owed("c", "C1"), owed("d", "C1"), owed("e", "C3"))
    a, b, c, d, e = await outbox.claim(NOW, LEASE, 10)
    await outbox.give_up(a, NOW + 3 * SECOND, "not_in_channel")
    await outbox.give_up(b, NOW + 4 * SECOND, "is_archived")
    await outbox.give_up(c, NOW + 2 * SECOND, "channel_not_found")
    await outbox.give_up(d, NOW - SECOND, "long ago")
    await outbox.sent(e.id, NOW, "1.1")
    assert await outbox.given_up(NOW) == [
        GivenUp("C2", "is_archived", NOW + 4 * SECOND, 1),
        GivenUp("C1", "not_in_channel", NOW + 3 * SECOND, 2),
    ]
    assert await outbox.pending() == 0


async def test_the_next_due_is_the_earliest_that_can_be_taken_up(reservations: Reservations, outbox: Outbox) -> None:
    assert await outbox.next_due() is None
    await owe(reservations, owed("a"), owed("b"))
    assert await outbox.next_due() == NOW
    a, b = await outbox.claim(NOW, LEASE, 2)
    assert await outbox.next_due() == NOW + LEASE
    await outbox.later(a, NOW + HOUR, "down")
    assert await outbox.next_due() == NOW + LEASE
    await outbox.later(b, NOW + 5 * SECOND, "ratelimited")
    assert await outbox.next_due() == NOW + 5 * SECOND
    await outbox.orphaned(NOW - SECOND)
    assert await outbox.next_due() == NOW + 5 * SECOND


async def test_a_lease_that_ended_before_it_was_due_does_not_bring_it_forward(
    reservations: Reservations, outbox: Outbox
) -> None:
    await owe(reservations, owed("a"))
    [due] = await outbox.claim(NOW - 2 * HOUR, timedelta(seconds=1), 1)
    assert due.owed.key == "a", "a time too far off is not believed"
    assert await outbox.next_due() == NOW


async def test_one_decision_owes_its_own(reservations: Reservations, outbox: Outbox) -> None:
    for number in (1, 2):
        await claimed(reservations, a_proposal(f"d{number}"))
        await reservations.settle(f"d{number}", Outcome("done"), NOW, [owed(f"d{number}-announcement")])
    assert keys(await outbox.claim(NOW, LEASE, 10)) == ["d1-announcement", "d2-announcement"]
