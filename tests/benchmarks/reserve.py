"""How soon does a confirmed reservation leave for Stora, and what is left of it after lost answers and kills?

    python -m tests.benchmarks.reserve [--decisions 200] [--kills 5] [--seed 1]

The real `unitbot run` is a process of its own; Slack and Stora are stand-ins in this one, without limits. First figure:
the time from the click to the POST at Stora, less the time to the acknowledgement, idle and while `/units` floods from
a third process. Second: decisions confirmed while a fifth of Stora's answers is lost and the bot is killed and started
again. Ends with 1 if a promise is broken: a reservation too many or too few, an announcement that is missing, or more
repeated ones than there were kills.
"""

import argparse
import asyncio
import copy
import json
import logging
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from bot.sandbox.loopback import serve
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.shapes import Resource
from tests.benchmarks.processes import BotProcess, environment
from tests.benchmarks.units import ask
from tests.walks.conftest import a_slack

PERSON, CHANNEL, ANNOUNCED = "U0FIONA", "C0FRONT", "C0RESERVE"
RESERVE = "/units/{unit_id}/reserve"
CONFIRM = "Confirm reservation"
FLOOD = 16
"""Connections from which `/units` is asked without a pause."""
PEOPLE = 8
"""Decisions under way at once while the bot is killed."""
LOST = 0.2
"""The share of Stora's answers that do not arrive."""
SOON = 3.0
"""Seconds after which a person whose card has not changed presses again."""
PATIENCE = 20.0
"""Seconds after which a card without buttons that says nothing final is left behind."""
ALTOGETHER = 175.0
"""Seconds after which something is wrong."""


def announced_unit(message: Message) -> str:
    """Which unit a message is about: its link to the Backoffice says so."""
    found = re.search(r"unit_[0-9a-z]+", json.dumps(message.blocks))
    return found[0] if found else ""


@dataclass
class Business:
    """Both stand-ins, customers who wait for a unit each, and the bot between them."""

    slack: SandboxSlack
    stora: SandboxStora
    environment: dict[str, str]
    folder: str
    waiting: list[tuple[Resource, Resource]]
    acted: Counter[str] = field(default_factory=Counter)
    """Unit → how often Stora has reserved it."""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    lives: int = 0
    process: BotProcess | None = None
    complaints: Counter[str] = field(default_factory=Counter)
    """What the bot logged as a warning or worse → how often."""

    def __post_init__(self) -> None:
        def reserved(event: str, unit: Resource) -> None:
            if event == "unit.updated" and unit["status"] == "reserved":
                self.acted[str(unit["id"])] += 1

        self.stora.world.on_change.append(reserved)

    async def start(self) -> None:
        """Start the bot, on the database that there is."""
        self.lives += 1
        self.process = BotProcess(self.environment, self.folder, self._heard)
        await self.process.start()
        self.slack.request_url = self.process.url + "/slack/events"
        if self.lives > 1:  # what it knows has survived
            self.up.set()
        await self.up.wait()

    def _heard(self, entry: Mapping[str, Any]) -> None:
        if entry["event"] == "units read":
            self.up.set()
        if entry["level"] not in {"debug", "info"}:
            self.complaints[entry["event"]] += 1

    async def kill(self) -> None:
        """SIGKILL: whatever the bot was about to do remains undone."""
        assert self.process is not None
        self.up.clear()
        await self.process.kill()

    async def card(self, unit: Resource, tenancy: Resource) -> Message:
        """`/reserve` until the card is there."""
        while True:
            await self.up.wait()
            reaction = await self.slack.command(PERSON, CHANNEL, f"/reserve {unit['id']} {tenancy['id']}")
            if reaction.ok:
                with suppress(TimeoutError):
                    cards: list[Message] = await self.slack.until(
                        lambda reaction=reaction: [each for each in reaction.messages if tenancy["id"] in each.text]  # type: ignore[misc]
                    )
                    return cards[0]

    @property
    def posts(self) -> list[tuple[str, float]]:
        """Unit and moment of each reservation that has arrived at Stora."""
        return [(each.path.split("/")[-2], each.at) for each in self.stora.received if each.route == RESERVE]

    @property
    def announcements(self) -> Counter[str]:
        """Unit → how often the channel has heard of it."""
        said = self.slack.workspace.messages.get(ANNOUNCED, [])
        return Counter(announced_unit(each) for each in said if each.user == self.slack.workspace.bot_user_id)


@asynccontextmanager
async def business(decisions: int) -> AsyncIterator[Business]:
    """A bot at work between new stand-ins; whatever it sent, Slack must have found nothing wrong with it."""
    now = datetime.now(UTC)
    world = demo_world(now, units=500)
    site_id = next(iter(world.sites))
    type_id = next(each["id"] for each in world.unit_types.values() if each["site"]["id"] == site_id)
    waiting = []
    for number in range(decisions):
        contact = world.add_contact(f"Customer {number:05d}", f"customer.{number:05d}@example.com", now)
        tenancy = world.add_tenancy(contact["id"], site_id, now + timedelta(days=3), now)
        waiting.append((world.add_unit(site_id, type_id, f"Z-{number:05d}", now), tenancy))
    slack, stora = a_slack(), SandboxStora(world, per_second=None, per_minute=None)
    with tempfile.TemporaryDirectory() as folder:
        async with slack.serving() as slack_url, serve(stora.application()) as stora_url:
            settings = environment(
                slack,
                stora,
                (slack_url, stora_url),
                f"sqlite+aiosqlite:///{folder}/unitbot.db",
                ROLES=json.dumps([{"name": "desk", "can": ["reserve"], "groups": ["S0FRONT"]}]),
                NOTIFY_CHANNEL=ANNOUNCED,
            )
            made = Business(slack, stora, settings, folder, waiting)
            await made.start()
            try:
                yield made
            finally:
                await made.kill()
    assert slack.problems == [], slack.problems


@dataclass(frozen=True)
class Times:
    """Seconds from each click to its acknowledgement and to its POST at Stora."""

    acknowledged: Sequence[float]
    posted: Sequence[float]

    @property
    def over(self) -> list[float]:
        """What the POST took longer than the acknowledgement."""
        return [later - sooner for sooner, later in zip(self.acknowledged, self.posted, strict=True)]


async def measured(at: Business, waiting: Sequence[tuple[Resource, Resource]]) -> Times:
    """Confirm one decision after the other."""
    acknowledged, posted = [], []
    for unit, tenancy in waiting:
        card = await at.card(unit, tenancy)
        start = time.time()  # the stand-in's clock
        reaction = await at.slack.click(PERSON, card, label=CONFIRM)
        acknowledged.append(time.time() - start)
        assert reaction.ok
        await at.slack.until(lambda card=card: "is reserved for" in card.text, seconds=PATIENCE)  # type: ignore[misc]
        [moment] = [moment for unit_id, moment in at.posts if unit_id == unit["id"]]
        posted.append(moment - start)
    return Times(acknowledged, posted)


@asynccontextmanager
async def flooded(url: str) -> AsyncIterator[list[int]]:
    """`/units` from another process inside the block; afterwards the list holds how many were answered."""
    flood = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.reserve",
        "--flood",
        url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert flood.stdin is not None
    assert flood.stdout is not None
    answered: list[int] = []
    try:
        await flood.stdout.readline()  # it has begun
        yield answered
    finally:
        flood.stdin.close()
        answered.append(int(await flood.stdout.readline()))
        await flood.wait()


async def flood(url: str) -> None:
    """The other process: keep so many connections busy until standard input is closed."""
    answered = 0

    async def keep_asking(http: aiohttp.ClientSession) -> None:
        nonlocal answered
        while True:
            await ask(http, url)
            answered += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=FLOOD)) as http:
        await ask(http, url)
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        asking = asyncio.gather(*(keep_asking(http) for _ in range(FLOOD)))
        await asyncio.to_thread(sys.stdin.read)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
    sys.stdout.write(f"{answered}\n")


async def measure_times(decisions: int) -> None:
    """Print the first figure."""
    async with business(2 * decisions) as at:
        idle = await measured(at, at.waiting[:decisions])
        start = time.perf_counter()
        async with flooded(str(at.slack.request_url)) as answered:
            busy = await measured(at, at.waiting[decisions:])
        rate = answered[0] / (time.perf_counter() - start)
    print(f"{decisions} clicks in turn, idle and while /units is asked {rate:.0f} times a second")
    print(f"{'milliseconds':34}{'idle':>10}{'flooded':>10}{'wanted':>10}")
    for name, part, wanted in (
        ("click to acknowledgement", "acknowledged", ""),
        ("click to POST at Stora", "posted", ""),
        ("POST after acknowledgement", "over", "<= 30"),
    ):
        for figure, nth in (("p50", 49), ("p99", 98)):
            ms = [
                statistics.quantiles(getattr(each, part), n=100, method="inclusive")[nth] * 1e3 for each in (idle, busy)
            ]
            print(f"{f'{name}, {figure}':34}{ms[0]:10.1f}{ms[1]:10.1f}{wanted if figure == 'p50' else '':>10}")


@dataclass
class Loss:
    """What goes wrong on purpose, the same for the same seed."""

    random: random.Random
    lost: int = 0

    def arm(self, at: Business) -> None:
        """Before each decision: as many lost answers as make a fifth of all in the long run."""
        while self.random.random() < LOST:
            self.lost += 1
            way = self.random.choice([at.stora.faults.drop_after, at.stora.faults.drop_before])
            way(method="POST", route=RESERVE)


@dataclass
class Person:
    """Somebody who decides, and what the kills did to the cards in front of them."""

    at: Business
    loss: Loss
    pressed_again: int = 0
    """Cards that a kill had left as they were, with their buttons."""
    left_behind: int = 0
    """Cards without buttons that never told the end."""

    async def decide(self, unit: Resource, tenancy: Resource) -> None:
        """From the command to the card that says so."""
        card = await self.at.card(unit, tenancy)
        screen = copy.deepcopy(card)  # whose button is still there
        self.loss.arm(self.at)
        while True:
            await self.at.up.wait()
            life = self.at.lives
            if not (await self.at.slack.click(PERSON, screen, label=CONFIRM)).ok:
                continue
            if await self._shown(card, PATIENCE, life):
                return
            if CONFIRM not in str(card.blocks):
                if await self._shown(card, PATIENCE):
                    return
                self.left_behind += 1
            elif await self._shown(card, SOON):
                return
            else:
                self.pressed_again += 1

    async def _shown(self, card: Message, seconds: float, life: int | None = None) -> bool:
        """Whether the card tells the end in time, or before the bot has another life than this."""
        with suppress(TimeoutError):
            await self.at.slack.until(
                lambda: "is reserved for" in card.text or life not in {None, self.at.lives}, seconds=seconds
            )
        return "is reserved for" in card.text


async def kill_now_and_then(at: Business, decisions: int, kills: int, dice: random.Random) -> None:
    """In the midst of so many decisions, evenly spread, and each time at another moment of what goes on."""
    for number in range(1, kills + 1):
        wanted = decisions * number // (kills + 1)
        while len({unit_id for unit_id, _ in at.posts}) < max(1, wanted):
            await at.stora.arrived(len(at.stora.received) + 1)
        await asyncio.sleep(dice.uniform(0, 0.05))
        await at.kill()
        await at.start()


async def endure(decisions: int, kills: int, seed: int) -> bool:
    """Print the second figure; whether every promise was kept."""
    dice = random.Random(seed)
    loss = Loss(random.Random(seed))
    start = time.perf_counter()
    async with business(decisions) as at:
        todo = iter(at.waiting)
        people = [Person(at, loss) for _ in range(PEOPLE)]

        async def at_work(person: Person) -> None:
            for unit, tenancy in todo:
                await person.decide(unit, tenancy)

        async with asyncio.TaskGroup() as group:
            group.create_task(kill_now_and_then(at, decisions, kills, dice))
            for person in people:
                group.create_task(at_work(person))
        with suppress(TimeoutError):
            await at.slack.until(lambda: len(at.announcements) == decisions, seconds=PATIENCE)
        await asyncio.sleep(2)  # in which nothing more may come
        reserved, announced = at.acted, at.announcements
        wanted = {str(unit["id"]) for unit, _ in at.waiting}
        held = {unit["id"] for unit, tenancy in at.waiting if unit["unit_allocation"] in tenancy["unit_allocations"]}
        sent = len(at.posts)
        complaints = at.complaints
    doubles = sum(reserved.values()) - len(reserved)
    repeated = sum(announced.values()) - len(announced)
    rows: list[tuple[str, Any, Any, bool]] = [
        ("reservations at Stora", len(held), decisions, held == wanted),
        ("reserved twice", doubles, 0, doubles == 0),
        ("announcements, distinct", len(announced), decisions, set(announced) == wanted),
        ("announcements, repeated", repeated, f"<= {kills}", repeated <= kills),
    ]
    seconds = time.perf_counter() - start
    print(f"\n{decisions} decisions, {loss.lost} of {sent} answers lost, {kills} kills; {seconds:.0f} s")
    print(f"{'':34}{'':10}{'found':>10}{'wanted':>10}")
    for name, found, limit, kept in rows:
        print(f"{name:34}{'' if kept else 'BROKEN':10}{found:10}{limit:>10}")
    left_behind, again = sum(each.left_behind for each in people), sum(each.pressed_again for each in people)
    print(f"{'cards left without an end':34}{'':10}{left_behind:10}{0:>10}")
    print(f"{'cards left with their buttons':34}{'':10}{again:10}")
    for event, often in sorted(complaints.items()):
        print(f"  logged {often} times: {event}")
    return all(kept for _, _, _, kept in rows)


async def main_in_time(decisions: int, kills: int, seed: int) -> bool:
    """Both figures; whether every promise was kept."""
    async with asyncio.timeout(ALTOGETHER):
        await measure_times(decisions)
        return await endure(decisions, kills, seed)


def main() -> None:
    """Measure, or be the flood."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--decisions", type=int, default=200)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flood", help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a kill cuts requests to the stand-ins, too
    if given.flood is not None:
        asyncio.run(flood(given.flood))
    elif not asyncio.run(main_in_time(given.decisions, given.kills, given.seed)):
        sys.exit(1)


if __name__ == "__main__":
    main()
