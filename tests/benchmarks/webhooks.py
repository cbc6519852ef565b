"""Does the bot answer a storm of webhooks in time, and do people see what the last of them said?

    python -m tests.benchmarks.webhooks [--events 5000] [--units 1000] [--connections 32] [--database URL]

Sends signed events about units as fast as they are answered, for a minute at most: some twice, some with an older word
after a newer one. Prints how many were answered a second and how long an answer took. The bot is a real process. Ends
with 1 if an event was not answered with 200, or if a unit does not show its last status.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.loopback import serve
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.timestamps import stamp
from bot.sandbox.stora.webhooks import event, sign
from tests.benchmarks.processes import BotProcess, environment
from tests.walks.conftest import a_slack
from tests.walks.test_units import DESK, FIONA, answer

SECRET = "bench-secret"
LONGEST = 60.0
STATUSES = ("available", "reserved", "occupied", "unavailable")
SHOWN = 40
"""Units whose last status is looked up afterwards."""


def storm(stora: SandboxStora, events: int, luck: random.Random) -> tuple[list[bytes], dict[str, str]]:
    """The bodies, and the status that each unit has in the end."""
    world, start = stora.world, datetime.now(UTC) + timedelta(minutes=1)
    units = list(world.units.values())
    bodies: list[bytes] = []
    last: dict[str, str] = {}

    def told(unit: dict[str, Any], status: str, number: int) -> bytes:
        changed = unit | {"status": status, "updated_at": stamp(start + timedelta(seconds=number))}
        payload = event(world, "unit.updated", changed, event_id=f"evt_{number}_{status}", at=start)
        return json.dumps(payload).encode()

    for number in itertools.count():
        unit, status = luck.choice(units), luck.choice(STATUSES)
        bodies.append(told(unit, status, number))
        last[unit["id"]] = status
        if number % 10 == 0:
            bodies.append(bodies[-1])  # the same event again
        if number % 10 == 5:
            bodies.append(told(unit, "repossessed", number - 5_000_000))  # an older word, late
        if len(bodies) >= events:
            return bodies[:events], last
    raise AssertionError


async def sent(url: str, bodies: Iterator[bytes], until: float, statuses: Counter[int], took: list[float]) -> None:
    """One connection's share."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        for body in bodies:
            if time.monotonic() > until:
                return
            headers = {"Content-Type": "application/json", "X-Stora-Signature": sign(SECRET, body, int(time.time()))}
            started = time.monotonic()
            async with http.post(f"{url}/stora/webhooks", data=body, headers=headers) as answered:
                statuses[answered.status] += 1
            took.append(time.monotonic() - started)


async def measure(events: int, units: int, connections: int, database: str | None) -> bool:
    """Send the storm, print the figures; whether all is well."""
    slack = a_slack()
    stora = SandboxStora(demo_world(datetime.now(UTC), units=units), per_second=None, per_minute=None)
    bodies, last = storm(stora, events, random.Random(4))
    with tempfile.TemporaryDirectory() as folder:
        async with slack.serving() as slack_url, serve(stora.application()) as stora_url:
            url = database or f"sqlite+aiosqlite:///{Path(folder, 'unitbot.db')}"
            settings = environment(slack, stora, (slack_url, stora_url), url, STORA_WEBHOOK_SECRET=SECRET)
            bot = BotProcess(settings, folder)
            await bot.start()
            try:
                await known(bot.url)
                statuses, took = Counter[int](), list[float]()
                share, until = iter(bodies), time.monotonic() + LONGEST
                started = time.monotonic()
                await asyncio.gather(*(sent(bot.url, share, until, statuses, took) for _ in range(connections)))
                seconds = time.monotonic() - started
                slack.request_url = f"{bot.url}/slack/events"
                wrong = 0
                for unit_id, status in list(last.items())[:SHOWN]:
                    card = answer(await slack.command(FIONA, DESK, f"/units {unit_id}")).text
                    wrong += status not in card.lower()
            finally:
                await bot.kill()
    percentiles = statistics.quantiles(took, n=100)
    kind = "SQLite" if database is None else "PostgreSQL"
    print(f"{len(took)} of {events} events over {connections} connections on {kind}, in {seconds:.1f} s")
    print(f"{'answered a second':28}{len(took) / seconds:10.0f}")
    print(f"{'p50, ms':28}{1e3 * percentiles[49]:10.1f}")
    print(f"{'p99, ms':28}{1e3 * percentiles[98]:10.1f}")
    print(f"{'answers':28}{dict(statuses)!s:>10}")
    print(f"{'units that show otherwise':28}{wrong:10} of {min(SHOWN, len(last))}")
    return statuses == {200: events} and wrong == 0


async def known(url: str) -> None:
    """Wait until the bot has read the units."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(30):
        while True:
            async with http.get(f"{url}/readyz") as ready:
                if (await ready.json())["directory"]["status"] == "ok":
                    return
            await asyncio.sleep(0.1)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--database", help="an empty PostgreSQL, postgresql+asyncpg://…; without it SQLite")
    given = parser.parse_args()
    sys.exit(not asyncio.run(measure(given.events, given.units, given.connections, given.database)))


if __name__ == "__main__":
    main()
