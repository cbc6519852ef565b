import asyncio
import gc

import pytest

from bot.coalesce import Coalesced


class Work:
    """Work that waits until it is let go, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        begun = self.begun
        await self.go.wait()
        return begun


async def asked(once: Coalesced, key: str, work: Work, times: int = 1) -> list["asyncio.Task[int]"]:
    tasks = [asyncio.create_task(once(key, work)) for _ in range(times)]
    await asyncio.sleep(0)
    return tasks


async def test_work_is_begun_once_for_all_who_ask_while_it_runs() -> None:
    once, work = Coalesced(), Work()
    tasks = await asked(once, "sweep", work, times=10)
    work.go.set()
    assert await asyncio.gather(*tasks) == [1] * 10
    assert work.begun == 1


async def test_work_of_another_key_runs_beside_it() -> None:
    once, sweep, names = Coalesced(), Work(), Work()
    waiting = await asked(once, "sweep", sweep)
    names.go.set()
    assert await once("names", names) == 1
    assert not waiting[0].done()
    sweep.go.set()
    assert await waiting[0] == 1


async def test_who_asks_after_the_end_gets_work_done_anew() -> None:
    once, work = Coalesced(), Work()
    work.go.set()
    assert [await once("sweep", work), await once("sweep", work)] == [1, 2]


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered() -> None:
    once, attempts = Coalesced(), 0

    async def fails_at_first() -> str:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0)
        if attempts == 1:
            raise LookupError("no answer")
        return "an answer"

    results = await asyncio.gather(*(once("unit", fails_at_first) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert await once("unit", fails_at_first) == "an answer"
    assert attempts == 2


async def test_the_work_goes_on_for_the_others_when_the_one_who_began_it_is_cancelled() -> None:
    once, work = Coalesced(), Work()
    first, second = await asked(once, "sweep", work, times=2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go.set()
    assert await second == 1


async def test_work_that_everybody_left_still_ends_and_makes_room_for_the_next() -> None:
    once, work = Coalesced(), Work()
    (only,) = await asked(once, "sweep", work)
    only.cancel()
    await asyncio.gather(only, return_exceptions=True)
    (late,) = await asked(once, "sweep", work)
    work.go.set()
    assert await late == 1
    assert await once("sweep", work) == 2


@pytest.mark.parametrize("failure", [LookupError("no answer"), asyncio.CancelledError()], ids=["failed", "cancelled"])
async def test_a_failure_that_nobody_waits_for_any_more_is_not_reported_as_lost(failure: BaseException) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    once, go = Coalesced(), asyncio.Event()

    async def fails() -> None:
        await go.wait()
        raise failure

    waiting = asyncio.create_task(once("sweep", fails))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    del waiting  # its own end remembers what it waited for
    go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert reported == []


async def test_nothing_is_kept_of_work_that_has_ended() -> None:
    once, work = Coalesced(), Work()
    work.go.set()
    await asyncio.gather(*(once(number, work) for number in range(100)))
    assert once._running == {}
