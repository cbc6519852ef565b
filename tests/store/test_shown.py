"""What stands in channels is drawn again when a unit in it changes: once for several changes, and by one process."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.inventory import Unit
from bot.core.kept import Seen
from bot.core.telling import Channels
from bot.store.kept import Kept
from bot.store.shown import Shared, Shown
from tests.store.conftest import LEASE, NOW, SECOND

SETTLED = 2 * SECOND


@pytest.fixture
def shown(engine: AsyncEngine) -> Shown:
    return Shown(engine)


@pytest.fixture
def kept(engine: AsyncEngine) -> Kept:
    return Kept(engine, Channels(None, {}), "one", lambda: NOW)


def a_unit(unit_id: str, second: int) -> Unit:
    return Unit(unit_id, "A-1", f"status {second}", "site_1", "type_1", NOW, NOW + second * SECOND)


async def changes(kept: Kept, second: int, *unit_ids: str) -> None:
    await kept.keep([Seen(a_unit(unit_id, second), NOW + second * SECOND) for unit_id in unit_ids])


async def claimed(shown: Shown, second: float, limit: int = 10) -> Sequence[Shared]:
    return await shown.claim(NOW + second * SECOND, SETTLED, LEASE, limit)


async def test_a_message_is_drawn_again_once_for_several_changes(shown: Shown, kept: Kept) -> None:
    await changes(kept, 0, "u1", "u2", "u3")
    await shown.remember("C1", "1.0", "{}", ["u1", "u2"], NOW)
    await shown.remember("C1", "2.0", '{"page":2}', ["u3"], NOW)
    assert await claimed(shown, 100) == []
    await changes(kept, 1, "u1")
    await changes(kept, 2, "u2")
    assert await claimed(shown, 2.9) == []
    [due] = await claimed(shown, 3)
    assert (due.channel_id, due.ts, due.query) == ("C1", "1.0", "{}")
    assert await claimed(shown, 4) == []
    await shown.drawn(due.id, ["u1"])
    assert await claimed(shown, 5) == []
    await changes(kept, 6, "u2")
    assert await claimed(shown, 100) == []  # it no longer shows that one


async def test_a_change_while_it_is_drawn_is_drawn_afterwards(shown: Shown, kept: Kept) -> None:
    await changes(kept, 0, "u1")
    await shown.remember("C1", "1.0", "{}", ["u1"], NOW)
    await changes(kept, 1, "u1")
    [due] = await claimed(shown, 3)
    await changes(kept, 4, "u1")
    await shown.drawn(due.id, ["u1"])
    assert [one.id for one in await claimed(shown, 6)] == [due.id]


async def test_what_was_claimed_by_one_who_died_is_drawn_by_another(shown: Shown, kept: Kept) -> None:
    await changes(kept, 0, "u1")
    await shown.remember("C1", "1.0", "{}", ["u1"], NOW)
    await changes(kept, 1, "u1")
    [due] = await claimed(shown, 3)
    assert await claimed(shown, 3 + LEASE.total_seconds() - 1) == []
    assert await claimed(shown, 3 + LEASE.total_seconds()) == [due]


async def test_what_slack_did_not_take_comes_again(shown: Shown, kept: Kept) -> None:
    await changes(kept, 0, "u1")
    await shown.remember("C1", "1.0", "{}", ["u1"], NOW)
    await changes(kept, 1, "u1")
    [due] = await claimed(shown, 3)
    await shown.later(due.id, NOW + 3 * SECOND)
    assert await claimed(shown, 4) == []
    assert await claimed(shown, 5) == [due]


async def test_whoever_turns_the_page_decides_what_it_shows(shown: Shown, kept: Kept) -> None:
    await changes(kept, 0, "u1", "u2")
    await shown.remember("C1", "1.0", "{}", ["u1"], NOW)
    await shown.turned("C1", "1.0", '{"page":2}', ["u2"])
    await shown.turned("C1", "of somebody else", "{}", ["u1"])
    await changes(kept, 1, "u1")
    assert await claimed(shown, 100) == []
    await changes(kept, 2, "u2")
    assert [one.query for one in await claimed(shown, 100)] == ['{"page":2}']


async def test_what_is_gone_is_forgotten(shown: Shown, kept: Kept) -> None:
    await changes(kept, 0, "u1")
    await shown.remember("C1", "1.0", "{}", ["u1"], NOW)
    await shown.remember("C1", "2.0", "{}", ["u1"], NOW)
    await changes(kept, 1, "u1")
    first, second = await claimed(shown, 3)
    await shown.forget(first.id)
    await shown.drawn(second.id, ["u1"])
    await changes(kept, 5, "u1")
    assert [one.id for one in await claimed(shown, 100)] == [second.id]


async def test_each_message_goes_to_one_of_two_processes(shown: Shown, kept: Kept, other_engine: AsyncEngine) -> None:
    await changes(kept, 0, "u1")
    for number in range(4):
        await shown.remember("C1", f"{number}.0", "{}", ["u1"], NOW)
    await changes(kept, 1, "u1")
    ours, theirs = await claimed(shown, 3, limit=2), await claimed(Shown(other_engine), 3)
    assert len(ours) == len(theirs) == 2
    assert {one.ts for one in [*ours, *theirs]} == {"0.0", "1.0", "2.0", "3.0"}
