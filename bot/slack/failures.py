"""Any exception → one clear reply with a reference, and the whole story in the log."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.core.problems import Problem
from bot.render.problems import render_crash, render_problem
from bot.slack.deliver import Deliver, Reply
from bot.slack.inflight import InFlight

log = structlog.get_logger(__name__)

PATIENCE = 2.0
"""Seconds after which a request is acknowledged whatever its handler still waits for. Slack gives three."""

Handler = Callable[[AsyncArgs, Reply], Awaitable[None]]
Suggester = Callable[[AsyncArgs], Awaitable[Sequence[dict[str, Any]]]]
Listener = Callable[[AsyncArgs], Awaitable[None]]


async def keep_running(job: Callable[[], Awaitable[None]], again_after: float = 5.0) -> None:
    """Run a job that never ends; should a bug end it, the log has the story and the job starts anew."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("job crashed", again_in=again_after)
        await asyncio.sleep(again_after)


class Net:
    """What stands between every handler and Bolt.

    Bolt must never see an exception: one that is raised within its 10 ms polling of `ack()` makes it forget the
    acknowledgement, and Slack gets a 404 after three seconds (tests/slack/test_bolt_traps.py).
    """

    def __init__(self, deliver: Deliver, in_flight: InFlight) -> None:
        self._deliver = deliver
        self._in_flight = in_flight

    def explained(self, handler: Handler) -> Listener:
        """The listener that Bolt is given in place of ``handler``."""

        async def listener(args: AsyncArgs) -> None:  # Bolt injects by this very name
            reference = secrets.token_hex(4)
            reply = Reply(args, self._deliver)
            in_time = asyncio.get_running_loop().call_later(PATIENCE, lambda: asyncio.ensure_future(reply.later()))
            with self._in_flight.working(), structlog.contextvars.bound_contextvars(reference=reference):
                try:
                    try:
                        await handler(args, reply)
                    except Problem as problem:
                        log.info("explained", problem=repr(problem))
                        command = args.body.get("command", "/units")
                        await reply.send(render_problem(problem, reference, command))
                except Exception:
                    log.exception("crashed")
                    await reply.send(reply.if_it_fails or render_crash(reference))
                finally:
                    in_time.cancel()

        return listener

    def suggested(self, suggester: Suggester) -> Listener:
        """The listener for a picker: whatever goes wrong, there is nothing to choose from, and in time."""

        async def listener(args: AsyncArgs) -> None:
            with self._in_flight.working():
                found: Sequence[dict[str, Any]] = ()
                try:
                    async with asyncio.timeout(PATIENCE):
                        found = await suggester(args)
                except (Problem, TimeoutError) as problem:
                    log.info("nothing suggested", problem=type(problem).__name__)
                except Exception:
                    log.exception("crashed")
                await args.ack(options=list(found))

        return listener
