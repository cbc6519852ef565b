"""How much slower is `/units` than a bare Bolt handler that says the same constant sentence?

    python -m tests.benchmarks.units [--commands 1000] [--units 5000]

Prints a table: both servers run as processes of their own, take turns in one run, and answer signed requests over
loopback. Ratios can be compared between machines; single times cannot.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier

from bot.demo import demo
from bot.manifest import SLACK_PATH
from bot.sandbox.loopback import serve
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from bot.slack.server import SlackEvents, application
from bot.telemetry import configure_logs

SECRET = "sandbox-signing-secret"
TEXT = "site=Camden status=available"
ROUNDS = 5
CONNECTIONS = 32


def signed(text: str) -> tuple[bytes, dict[str, str]]:
    """A slash command as Slack sends it."""
    fields = {
        "command": "/units",
        "text": text,
        "team_id": "T0HARBOUR",
        "channel_id": "C0FRONT",
        "user_id": "U0FIONA",
        "api_app_id": "A0UNITBOT",
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/nowhere",
    }
    body = urlencode(fields).encode()
    now = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=now, body=body)
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": str(signature),
    }


async def ask(http: aiohttp.ClientSession, url: str) -> bytes:
    """Send one command and read its whole acknowledgement."""
    body, headers = signed(TEXT)
    async with http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 200, answer.status
        return await answer.read()


async def seconds_each(http: aiohttp.ClientSession, url: str, commands: int) -> list[float]:
    """One command after the other."""
    times = []
    for _ in range(commands):
        start = time.perf_counter()
        await ask(http, url)
        times.append(time.perf_counter() - start)
    return times


async def per_second(http: aiohttp.ClientSession, url: str, commands: int) -> float:
    """Commands answered in a second, with so many connections kept busy."""

    async def keep_busy() -> None:
        for _ in range(commands // CONNECTIONS):
            await ask(http, url)

    start = time.perf_counter()
    await asyncio.gather(*(keep_busy() for _ in range(CONNECTIONS)))
    return commands // CONNECTIONS * CONNECTIONS / (time.perf_counter() - start)


async def serve_the_bot(units: int) -> None:
    """Server process: the real bot between its stand-ins; counts Stora's requests when asked to."""
    stora = SandboxStora(demo_world(datetime.now(UTC), units=units), per_second=None, per_minute=None)
    settings: dict[str, Any] = {"stora_requests_per_second": 1000, "stora_requests_per_minute": 10_000}
    async with demo(stora=stora, **settings) as at_work:
        await at_work.bot.directory.sweep()
        await _print_and_wait(f"{at_work.bot.url}/slack/events", lambda: len(stora.received))


async def serve_bare_bolt(size: int) -> None:
    """Server process: Bolt acknowledging a constant message of ``size`` bytes."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0HARBOUR", bot_token="xoxb-bare", bot_user_id="U0BOT")

    app = AsyncApp(signing_secret="", request_verification_enabled=False, authorize=authorize)
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2000}}
    message = {"text": "constant", "blocks": [block]}
    padding = size - len(json.dumps(message))
    message = {"text": "constant" + "x" * max(0, padding), "blocks": [block]}

    @app.command("/units")
    async def units(ack: Callable[[object], Awaitable[object]]) -> None:
        await ack(message)

    door = SlackEvents(SecretStr(SECRET))
    door.app.set_result(app)
    async with serve(application({}, {SLACK_PATH: door.answer})) as url:
        await _print_and_wait(url + SLACK_PATH, lambda: 0)


async def _print_and_wait(url: str, count: Callable[[], int]) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    while await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(f"{count()}\n")
        sys.stdout.flush()


@asynccontextmanager
async def server(*arguments: str) -> AsyncIterator[tuple[str, Callable[[], Awaitable[int]]]]:
    """Start a server process; yields its URL and a way to ask how many requests Stora got."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.units",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def requests_to_stora() -> int:
        stdin.write(b"?\n")
        return int(await stdout.readline())

    try:
        yield (await stdout.readline()).decode().strip(), requests_to_stora
    finally:
        stdin.close()
        await process.wait()


async def measure(commands: int, units: int) -> None:
    """Run both servers, in turns, and print the table."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as http, server("--serve-bot", str(units)) as (bot, stora):
        size = len(await ask(http, bot))
        async with server("--serve-bare", str(size)) as (bare, _):
            assert abs(len(await ask(http, bare)) - size) < 100
            before = await stora()
            times: dict[str, list[float]] = {bot: [], bare: []}
            rates: dict[str, list[float]] = {bot: [], bare: []}
            for _ in range(ROUNDS):
                for url in (bare, bot):
                    times[url] += await seconds_each(http, url, commands // ROUNDS)
                    rates[url].append(await per_second(http, url, commands // ROUNDS))
            asked = await stora() - before
    print(f"{size} bytes answered; {commands} commands in turn, {CONNECTIONS} connections for the rate")
    print_table(times, rates, bot, bare)
    print(f"{'calls to Stora':28}{'':12}{asked:12}{'':10}{'0':>10}")


def print_table(times: dict[str, list[float]], rates: dict[str, list[float]], bot: str, bare: str) -> None:
    """Both servers' figures beside each other."""

    def p50(values: Sequence[float]) -> float:
        return statistics.median(values)

    def p99(values: Sequence[float]) -> float:
        return statistics.quantiles(values, n=100)[98]

    print(f"{'':28}{'bare Bolt':>12}{'/units':>12}{'ratio':>10}{'wanted':>10}")
    for name, figure, wanted in (("p50, ms", p50, "<= 1.25"), ("p99, ms", p99, "")):
        ours, theirs = figure(times[bot]) * 1e3, figure(times[bare]) * 1e3
        print(f"{name:28}{theirs:12.2f}{ours:12.2f}{ours / theirs:10.2f}{wanted:>10}")
    ours, theirs = p50(rates[bot]), p50(rates[bare])
    print(f"{'commands a second':28}{theirs:12.0f}{ours:12.0f}{ours / theirs:10.2f}{'>= 0.50':>10}")


def main() -> None:
    """Measure, or be one of the two servers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", type=int, default=1000)
    parser.add_argument("--units", type=int, default=5000)
    parser.add_argument("--serve-bot", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve-bare", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    configure_logs("error", "json")
    if given.serve_bot is not None:
        asyncio.run(serve_the_bot(given.serve_bot))
    elif given.serve_bare is not None:
        asyncio.run(serve_bare_bolt(given.serve_bare))
    else:
        asyncio.run(measure(given.commands, given.units))


if __name__ == "__main__":
    main()
