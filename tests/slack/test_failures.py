"""The net under a picker: in time, and empty rather than broken."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.core.problems import InventoryNotRead
from bot.slack.failures import PATIENCE, keep_running
from tests.slack.test_bolt_traps import an_app, net

OPTION = {"text": {"type": "plain_text", "text": "A-012"}, "value": "unit_1"}


async def suggestions(suggest: Any) -> tuple[int, Any]:
    app = an_app()
    app.options("pick_unit")(net().suggested(suggest))
    payload = {
        "type": "block_suggestion",
        "action_id": "pick_unit",
        "block_id": "b",
        "value": "",
        "team": {"id": "T1"},
        "user": {"id": "U1", "team_id": "T1"},
    }
    answer = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
    return answer.status, json.loads(answer.body)


async def test_what_is_found_is_offered() -> None:
    async def suggest(_slack: AsyncArgs) -> Sequence[dict[str, Any]]:
        return [OPTION]

    assert await suggestions(suggest) == (200, {"options": [OPTION]})


@pytest.mark.parametrize("error", [InventoryNotRead(), ZeroDivisionError()], ids=["a problem", "a bug"])
async def test_whatever_goes_wrong_there_is_nothing_to_choose(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def suggest(_slack: AsyncArgs) -> Sequence[dict[str, Any]]:
        raise error

    caplog.set_level(logging.ERROR)
    assert await suggestions(suggest) == (200, {"options": []})


async def test_what_takes_too_long_is_given_up_in_time() -> None:
    async def suggest(_slack: AsyncArgs) -> Sequence[dict[str, Any]]:
        await asyncio.sleep(10)
        return [OPTION]

    started = asyncio.get_running_loop().time()
    assert await suggestions(suggest) == (200, {"options": []})
    assert asyncio.get_running_loop().time() - started < PATIENCE + 0.9


async def test_a_job_that_a_bug_ended_starts_anew(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    starts = 0
    again = asyncio.Event()

    async def job() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise ZeroDivisionError
        again.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(keep_running(job, again_after=0.01))
    await asyncio.wait_for(again.wait(), 1)
    assert starts == 2
    running.cancel()
