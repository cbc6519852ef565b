"""Any exception → one clear reply with a reference, and the whole story in the log."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.core.problems import Problem
from bot.render.problems import render_crash, render_problem
from bot.slack.deliver import Deliver, Reply, person_in
from bot.slack.inflight import InFlight

log = structlog.get_logger(__name__)

PATIENCE = 2.0
"""Seconds after which a request is acknowledged whatever its handler still waits for. Slack gives three."""

Handler = Callable[[AsyncArgs, Reply], Awaitable[None]]
Suggester = Callable[[AsyncArgs], Awaitable[Sequence[dict[str, Any]]]]
Listener = Callable[[AsyncArgs], Awaitable[None]]
Counted = Callable[[str, str, float], None]
"""Told of each request: what was asked for, how that ended, and how many seconds it took."""


def nobody_counts(command: str, outcome: str, seconds: float) -> None:
    """Keep nothing of it."""


@dataclass(slots=True)
class _Request:
    """What is worth knowing of one request: neither what was typed nor for whom."""

    outcome: str = "ok"
    problem: str | None = None

    def ended_in(self, problem: Problem | TimeoutError) -> None:
        self.outcome = type(problem).__name__
        self.problem = repr(problem)


async def keep_running(
    job: Callable[[], Awaitable[None]], again_after: float = 5.0, crashed: Callable[[str], None] = lambda _: None
) -> None:
    """Run a job that never ends; should a bug end it, the log has the story and the job starts anew.

    ``crashed`` is told of each such end, by the job's name.
    """
    while True:
        try:
            await job()
        except Exception:
            name = getattr(job, "__qualname__", "a job")
            log.exception("job crashed", job=name, again_in=again_after)
            crashed(name)
        await asyncio.sleep(again_after)


class Net:
    """What stands between every handler and Bolt.

    Bolt must never see an exception: one that is raised within its 10 ms polling of `ack()` makes it forget the
    acknowledgement, and Slack gets a 404 after three seconds (tests/slack/test_bolt_traps.py).
    """

    def __init__(self, deliver: Deliver, in_flight: InFlight, counted: Counted = nobody_counts) -> None:
        self._deliver = deliver
        self._in_flight = in_flight
        self._counted = counted

    def explained(self, handler: Handler) -> Listener:
        """The listener that Bolt is given in place of ``handler``."""

        async def listener(args: AsyncArgs) -> None:  # Bolt injects by this very name
            reference = secrets.token_hex(4)
            reply = Reply(args, self._deliver)
            in_time = asyncio.get_running_loop().call_later(PATIENCE, lambda: asyncio.ensure_future(reply.later()))
            with self._in_flight.working(), self._noted(reference, handler, args.body) as request:
                try:
                    try:
                        await handler(args, reply)
                    except Problem as problem:
                        request.ended_in(problem)
                        command = args.body.get("command", "/units")
                        await reply.send(render_problem(problem, reference, command))
                except Exception:
                    request.outcome = "crashed"
                    log.exception("crashed")
                    await reply.send(reply.if_it_fails or render_crash(reference))
                finally:
                    in_time.cancel()

        return listener

    def suggested(self, suggester: Suggester) -> Listener:
        """The listener for a picker: whatever goes wrong, there is nothing to choose from, and in time."""

        async def listener(args: AsyncArgs) -> None:
            with self._in_flight.working(), self._noted(secrets.token_hex(4), suggester, args.body) as request:
                found: Sequence[dict[str, Any]] = ()
                try:
                    async with asyncio.timeout(PATIENCE):
                        found = await suggester(args)
                except (Problem, TimeoutError) as problem:
                    request.ended_in(problem)
                except Exception:
                    request.outcome = "crashed"
                    log.exception("crashed")
                await args.ack(options=list(found))

        return listener

    @contextmanager
    def _noted(self, reference: str, handler: Callable[..., Any], body: Any) -> Iterator[_Request]:
        """One line in the log for the whole request, and one count; every line inside carries the same reference."""
        loop = asyncio.get_running_loop()
        # A command by its own name, which Bolt has matched; all else by what we call it, never by what Slack sent.
        command = body.get("command") or getattr(handler, "__name__", "other")
        user = person_in(body) or None
        request, began = _Request(), loop.time()
        with structlog.contextvars.bound_contextvars(reference=reference):
            try:
                yield request
            except asyncio.CancelledError:
                request.outcome = "cancelled"
                raise
            finally:
                seconds = loop.time() - began
                self._counted(command, request.outcome, seconds)
                problem = {"problem": request.problem} if request.problem else {}
                log.info(
                    "request",
                    command=command,
                    outcome=request.outcome,
                    seconds=round(seconds, 3),
                    user=user,
                    **problem,
                )
