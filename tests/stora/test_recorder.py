"""What Stora shows and says is written down soon, much of it at once, and whoever must know it waits until it is."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from bot.core.heard import Heard
from bot.core.kept import Changes, Seen
from bot.core.problems import DatabaseUnusable
from bot.stora.keeper import Follower
from bot.stora.recorder import AT_ONCE, Recorder
from tests.core.conftest import a_unit
from tests.stora.notebook import Notebook


def an_event(number: int, status: str = "reserved") -> Heard:
    return Heard(f"evt_{number}", "unit.updated", units=(a_unit(f"A-{number}", status=status),))


def kept(notebook: Notebook) -> list[str]:
    return [str(getattr(one.thing, "reference_id", "")) for one, _ in notebook.pages.rows.values()]


@pytest.mark.usefixtures("recorder")
async def test_what_was_seen_is_written_down_in_the_background(
    recorder: Recorder, notebook: Notebook, moment: Callable[[], datetime]
) -> None:
    recorder.note([Seen(a_unit("A-1"), moment()), Seen(a_unit("A-2"), moment())])
    assert kept(notebook) == []
    await asyncio.sleep(0.01)
    assert kept(notebook) == ["A-1", "A-2"]


async def test_what_was_heard_is_recorded_and_followed_before_anybody_is_told_so(
    recorder: Recorder, follower: Follower, notebook: Notebook
) -> None:
    followed: list[Changes] = []

    async def follow(changes: Changes) -> None:
        followed.append(changes)

    follower.tell(follow)
    assert await recorder.hear(an_event(1))
    assert kept(notebook) == ["A-1"]
    assert [one.thing.id for one in followed[-1].seen] == [an_event(1).units[0].id]


async def test_an_event_that_comes_again_is_not_new(recorder: Recorder) -> None:
    assert await recorder.hear(an_event(1))
    assert not await recorder.hear(an_event(1))


async def test_of_the_same_event_twice_at_once_one_is_new(recorder: Recorder) -> None:
    heard = await asyncio.gather(*(recorder.hear(an_event(number % 3)) for number in range(9)))
    assert heard == [True] * 3 + [False] * 6


@dataclass
class Counting(Notebook):
    """Counts the transactions, each of which takes a while."""

    events_in_each: list[int] = field(default_factory=list)

    @override
    async def keep(self, seen: Sequence[Seen], heard: Sequence[Heard] = ()) -> frozenset[str]:
        self.events_in_each.append(len(heard))
        await asyncio.sleep(1)
        return await super().keep(seen, heard)


async def test_a_storm_takes_few_transactions(moment: Callable[[], datetime]) -> None:
    counting = Counting(moment)
    recorder = Recorder(Follower(counting))
    writing = asyncio.create_task(recorder.run())
    assert all(await asyncio.gather(*(recorder.hear(an_event(number)) for number in range(2 * AT_ONCE + 50))))
    assert counting.events_in_each == [AT_ONCE, AT_ONCE, 50]
    writing.cancel()


async def test_what_cannot_be_recorded_is_said_and_the_next_is(recorder: Recorder, notebook: Notebook) -> None:
    notebook.torn = True
    recorder.note([Seen(a_unit("A-9"), notebook.now())])
    with capture_logs() as logs, pytest.raises(DatabaseUnusable):
        await recorder.hear(an_event(1))
    assert [(line["event"], line["seen"], line["heard"]) for line in logs] == [("not written down", 1, 1)]
    notebook.torn = False
    assert await recorder.hear(an_event(1)), "Stora says it again"
    assert kept(notebook) == ["A-1"], "the next sweep finds the other"


async def test_whoever_does_not_wait_any_more_is_not_in_the_way(recorder: Recorder, notebook: Notebook) -> None:
    impatient = asyncio.create_task(recorder.hear(an_event(1)))
    await asyncio.sleep(0)
    impatient.cancel()
    with suppress(asyncio.CancelledError):
        await impatient
    assert await recorder.hear(an_event(2))
    assert kept(notebook) == ["A-2"], "it is not answered, and so Stora says it again"


@pytest.mark.parametrize("torn", [False, True], ids=["recorded", "not recorded"])
async def test_whoever_leaves_while_it_is_being_recorded_is_not_in_the_way(
    moment: Callable[[], datetime], *, torn: bool
) -> None:
    counting = Counting(moment, torn=torn)
    recorder = Recorder(Follower(counting))
    writing = asyncio.create_task(recorder.run())
    impatient = asyncio.create_task(recorder.hear(an_event(1)))
    await asyncio.sleep(0.5)
    impatient.cancel()
    await asyncio.sleep(1)
    counting.torn = False
    assert await recorder.hear(an_event(1)) is torn
    writing.cancel()
