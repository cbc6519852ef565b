"""Traps of Bolt's that shape our code, each pinned: when one of these fails, Bolt has changed and so may we."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bot.core.problems import StaleButton
from bot.slack.deliver import Deliver, Reply
from bot.slack.failures import PATIENCE, Net
from bot.slack.inflight import InFlight

SECRET = "signing-secret"


async def authorize() -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="U1")


def an_app() -> AsyncApp:
    return AsyncApp(signing_secret=SECRET, authorize=authorize)


def command() -> AsyncBoltRequest:
    import time  # noqa: PLC0415

    body = urlencode({"command": "/units", "text": "", "user_id": "U1", "team_id": "T1"})
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    return AsyncBoltRequest(
        body=body,
        headers={
            "content-type": ["application/x-www-form-urlencoded"],
            "x-slack-request-timestamp": [timestamp],
            "x-slack-signature": [str(signature)],
        },
    )


def net() -> Net:
    return Net(Deliver(None, None), InFlight())  # type: ignore[arg-type]  # commands are answered in their ack


async def test_b1_a_lazy_listener_fails_unseen_so_we_have_none() -> None:
    seen: list[Exception] = []
    app = an_app()

    async def acknowledge(ack: Callable[[], Awaitable[BoltResponse]]) -> None:
        await ack()

    async def crash() -> None:
        raise ValueError

    async def on_error(error: Exception) -> None:
        seen.append(error)

    app.command("/units")(ack=acknowledge, lazy=[crash])
    app.error(on_error)
    assert (await app.async_dispatch(command())).status == 200
    await asyncio.sleep(0.05)
    assert seen == []

    from bot.slack import routes  # noqa: PLC0415

    assert "lazy" not in inspect.getsource(routes)


async def test_b2_bolt_forgets_an_acknowledgement_when_the_listener_raises_at_once() -> None:
    app = an_app()

    @app.command("/units")
    async def raises(ack: Callable[[], Awaitable[BoltResponse]]) -> None:
        await ack()
        raise ValueError

    assert (await app.async_dispatch(command())).status == 404


@pytest.mark.parametrize("error", [ValueError(), StaleButton()], ids=["a bug", "a problem"])
@pytest.mark.parametrize("acknowledged", [True, False])
async def test_b2_so_our_net_lets_no_exception_through(error: Exception, *, acknowledged: bool) -> None:
    app = an_app()

    async def handler(_slack: AsyncArgs, reply: Reply) -> None:
        if acknowledged:
            await reply.later()
        raise error

    app.command("/units")(net().explained(handler))
    answer = await app.async_dispatch(command())
    assert answer.status == 200
    assert ("Reference" in answer.body) is not acknowledged  # otherwise it went to the response_url


async def test_b3_a_misspelt_argument_is_none_so_handlers_take_the_one_that_is_typed() -> None:
    given: dict[str, Any] = {}
    app = an_app()

    @app.command("/units")
    async def misspelt(ack: Callable[[], Awaitable[BoltResponse]], comand: Any) -> None:
        given["comand"] = comand
        await ack()

    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    await app.async_dispatch(command())
    assert given == {"comand": None}

    async def handler(slack: AsyncArgs, reply: Reply) -> None:
        given["args"] = slack
        await reply.later()

    app = an_app()
    app.command("/units")(net().explained(handler))
    await app.async_dispatch(command())
    assert isinstance(given["args"], AsyncArgs)


async def test_b4_a_bound_method_of_a_frozen_dataclass_is_a_listener() -> None:
    @dataclass(frozen=True, slots=True)
    class Units:
        word: str

        async def command(self, slack: AsyncArgs, _reply: Reply) -> None:
            await slack.ack(self.word)

    app = an_app()
    app.command("/units")(net().explained(Units("from a field").command))
    assert "from a field" in (await app.async_dispatch(command())).body


async def test_b5_a_signed_request_runs_the_whole_chain_without_any_network() -> None:
    app = an_app()

    @app.command("/units")
    async def units(ack: Callable[[str], Awaitable[BoltResponse]]) -> None:
        await ack("all of it")

    answer = await app.async_dispatch(command())
    assert (answer.status, "all of it" in answer.body) == (200, True)


async def test_b6_bolts_own_loggers_copy_the_level_of_the_logger_they_are_given() -> None:
    """Otherwise they take the root's, and a request with a bad signature is logged with its body at INFO.

    That ours are quiet is walked in tests/walks/test_http.py.
    """
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    quiet = logging.getLogger("quiet")
    quiet.setLevel(logging.WARNING)
    try:
        AsyncApp(signing_secret=SECRET, authorize=authorize)
        assert logging.getLogger("slack_bolt.RequestVerification").level == logging.INFO
        AsyncApp(signing_secret=SECRET, authorize=authorize, logger=quiet)
        assert logging.getLogger("slack_bolt.RequestVerification").level == logging.WARNING
    finally:
        root.setLevel(level)


async def test_a_handler_that_waits_is_acknowledged_in_time_and_finishes() -> None:
    finished = asyncio.Event()
    app = an_app()

    async def handler(_slack: AsyncArgs, _reply: Reply) -> None:
        await asyncio.sleep(PATIENCE + 0.2)
        finished.set()

    app.command("/units")(net().explained(handler))
    started = asyncio.get_running_loop().time()
    answer = await app.async_dispatch(command())
    assert (answer.status, answer.body) == (200, "")
    assert asyncio.get_running_loop().time() - started < 3
    await asyncio.wait_for(finished.wait(), 1)


async def test_work_that_does_not_end_is_not_waited_for_for_ever() -> None:
    in_flight = InFlight()
    assert await in_flight.finished(0)
    hangs = asyncio.Event()

    async def work() -> None:
        with in_flight.working():
            await hangs.wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    assert not await in_flight.finished(0.01)
    hangs.set()
    assert await in_flight.finished(1)
    await task


async def test_everything_that_waits_at_a_shutdown_shares_one_deadline() -> None:
    in_flight, hangs = InFlight(), asyncio.Event()

    async def work() -> None:
        with in_flight.working():
            await hangs.wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    started = asyncio.get_running_loop().time()
    assert [await in_flight.finished(0.1) for _ in range(3)] == [False] * 3
    assert asyncio.get_running_loop().time() - started < 0.25
    assert in_flight.left(0.1) == 0
    hangs.set()
    await task
