"""Customers, ways to cards and messages are forgotten once nobody needs them; what still guards something stays."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.kept import Seen
from bot.core.telling import Channels
from bot.store.approvals import Approvals
from bot.store.directory import take_in
from bot.store.kept import Kept
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from bot.store.schema import directory, outbox
from bot.store.shown import Shown
from bot.store.tidy import GONE_FOR, LOOKED_AT, SENT_FOR, WAY_TO_A_CARD, tidy
from bot.store.transactions import writing
from tests.store.conftest import DONE, LEASE, NOW, SECOND, UNKNOWN, a_proposal, claimed, owed, proposed, record
from tests.store.things import DAY, Clock, a_tenancy, a_unit, begun, swept

NOBODY = Channels(None, {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(engine: AsyncEngine, clock: Clock) -> Kept:
    return Kept(engine, NOBODY, "one", clock)


async def rows(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set((await connection.execute(select(directory.c.id))).scalars())


async def keys(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(outbox.c.key).order_by(outbox.c.key))).scalars())


# What is gone at Stora


async def test_a_customer_who_has_left_is_forgotten_after_a_week(engine: AsyncEngine, kept: Kept) -> None:
    await kept.keep([Seen(a_tenancy(1), NOW), Seen(a_tenancy(2), NOW), Seen(a_unit(1), NOW), Seen(a_unit(2), NOW)])
    await kept.keep([Seen(thing, NOW + SECOND, gone=True) for thing in (a_tenancy(1), a_unit(1))])
    await tidy(engine, NOW + SECOND + GONE_FOR)
    assert await rows(engine) == {"ten_1", "ten_2", "unit_1", "unit_2"}
    await tidy(engine, NOW + 2 * SECOND + GONE_FOR)
    assert await rows(engine) == {"ten_2", "unit_2"}


async def test_the_week_passes_also_while_stora_still_lists_a_tenancy_that_has_ended(
    engine: AsyncEngine, kept: Kept, clock: Clock
) -> None:
    for _ in range(2 * (GONE_FOR.days + 2)):
        reading = await begun(kept, clock(), "tenancies")
        await kept.page_read(reading, [a_tenancy(1, ends_at=NOW + DAY), a_tenancy(2)], clock(), 2)
        await kept.ended(reading, clock())
        clock.passes(hours=12)
        await tidy(engine, clock())
    assert await rows(engine) == {"ten_2"}


async def test_what_comes_back_after_it_was_forgotten_is_there_again(
    engine: AsyncEngine, kept: Kept, clock: Clock
) -> None:
    await swept(kept, clock, [a_unit(1)])
    await kept.keep([Seen(a_unit(1), clock.passes(seconds=1), gone=True)])
    version = (await kept.since(0)).version
    clock.at += GONE_FOR + SECOND
    await tidy(engine, clock())
    await swept(kept, clock, [a_unit(1)])
    assert [one.thing.id for one in (await kept.since(version)).seen] == ["unit_1"]


# What was owed


async def test_what_was_sent_or_given_up_is_forgotten_after_a_month_and_what_is_owed_is_not(
    engine: AsyncEngine,
) -> None:
    box = Outbox(engine)
    await box.owe([owed(key) for key in ("given up", "owed", "sent", "sent later")], NOW)
    due = {one.owed.key: one for one in await box.claim(NOW, LEASE, 9)}
    await box.sent(due["sent"].id, NOW, "1.0")
    await box.sent(due["sent later"].id, NOW + 2 * SECOND, "2.0")
    await box.give_up(due["given up"], NOW, "is_archived")
    await tidy(engine, NOW + SENT_FOR)
    assert await keys(engine) == ["given up", "owed", "sent", "sent later"]
    await tidy(engine, NOW + SENT_FOR + SECOND)
    assert await keys(engine) == ["owed", "sent later"]


async def test_a_request_can_still_be_read_after_its_message_was_sent_long_ago(engine: AsyncEngine) -> None:
    reservations, approvals, box = Reservations(engine), Approvals(engine), Outbox(engine)
    await proposed(reservations)
    assert await approvals.ask("d1", NOW, channel_id="C1", response_url=None, warnings=(), rule="")
    [due] = await box.claim(NOW, LEASE, 9)
    await box.sent(due.id, NOW, "1.0")
    await tidy(engine, NOW + SENT_FOR + DAY)
    request = await approvals.get("d1")
    assert request is not None
    assert request.ts == "1.0"


# Ways to cards


async def test_the_way_to_a_card_is_forgotten_after_a_day(engine: AsyncEngine, reservations: Reservations) -> None:
    for decision_id, outcome in (("d1", DONE), ("d2", UNKNOWN)):
        await claimed(reservations, a_proposal(decision_id))
        assert await reservations.settle(decision_id, outcome, NOW + SECOND, [])
    before, lines = [await reservations.get(each) for each in ("d1", "d2")], await record(engine)
    await tidy(engine, NOW + WAY_TO_A_CARD)
    assert [await reservations.get(each) for each in ("d1", "d2")] == before
    await tidy(engine, NOW + WAY_TO_A_CARD + SECOND)
    done, unknown = [await reservations.get(each) for each in ("d1", "d2")]
    assert done is not None
    assert (done.response_url, done.state, done.proposal.customer) == (None, "done", "Zoë Ångström")
    assert unknown == before[1], "which is still under way"
    assert await record(engine) == lines


async def test_so_is_the_way_to_the_card_of_whoever_asked_for_approval(engine: AsyncEngine) -> None:
    approvals = Approvals(engine)
    await proposed(Reservations(engine))
    await approvals.ask("d1", NOW, channel_id="C1", response_url="https://hooks.example/2", warnings=(), rule="")
    for at, expected in ((NOW + WAY_TO_A_CARD, "https://hooks.example/2"), (NOW + WAY_TO_A_CARD + SECOND, None)):
        await tidy(engine, at)
        request = await approvals.get("d1")
        assert request is not None
        assert request.response_url == expected


# Messages in channels


async def test_messages_that_nobody_looks_at_any_more_are_not_drawn_again(engine: AsyncEngine, kept: Kept) -> None:
    shown = Shown(engine)
    await kept.keep([Seen(a_unit(1), NOW)])
    for number in range(2):
        await shown.remember("C1", f"{number}.0", "{}", ["unit_1"], NOW + number * SECOND)
    await tidy(engine, NOW + LOOKED_AT + SECOND)
    await kept.keep([Seen(a_unit(1, "reserved", NOW), NOW + DAY)])
    assert [one.ts for one in await shown.claim(NOW + 2 * DAY, SECOND, LEASE, 9)] == ["1.0"]


# Others at work


async def test_tidying_and_others_at_work_never_wait_for_each_other_for_ever(
    engine: AsyncEngine, other_engine: AsyncEngine, kept: Kept
) -> None:
    """On SQLite there is one writer at a time anyway."""
    shown = Shown(engine)
    units = [a_unit(number) for number in range(2)]
    await kept.keep([Seen(unit, NOW) for unit in units])
    for unit in units:
        await shown.remember("C1", unit.id, "{}", [unit.id], NOW)
    at = NOW + LOOKED_AT + DAY
    async with writing(other_engine) as connection:
        await take_in(connection, [_reserved(1, at)], NOBODY)
        tidying = asyncio.create_task(tidy(engine, at))
        remembering = asyncio.create_task(shown.remember("C1", "3.0", "{}", [], at))
        await asyncio.sleep(0.3)
        await take_in(connection, [_reserved(0, at)], NOBODY)
    await asyncio.gather(tidying, remembering)
    assert await shown.claim(at + DAY, SECOND, LEASE, 9) == []


def _reserved(number: int, at: datetime) -> Seen:
    return Seen(a_unit(number, "reserved", at), at)
