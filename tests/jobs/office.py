"""The bot without its Slack handlers: a real store on SQLite, a directory, and Stora behind real HTTP."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.carry_out import CarryOut
from bot.core.reservations import Action, Decision, Proposal
from bot.core.telling import Channels
from bot.sandbox.loopback import serve
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.shapes import DAYS, OPEN_ALL_DAY, Place, Room
from bot.sandbox.stora.world import World
from bot.stora.budget import Budget
from bot.stora.client import StoraClient
from bot.stora.directory import Directory
from bot.stora.exchange import Exchange
from bot.stora.keeper import Follower
from bot.stora.login import StaticToken
from bot.stora.recorder import Recorder
from bot.stora.signed_in import SignedIn
from bot.stora.tenancies import TenancyBook
from bot.stora.writes import StoraWrites
from bot.store.audit import Audit
from bot.store.database import opened
from bot.store.kept import Kept
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FIONA, OMAR = "U0FIONA", "U0OMAR"
CAMDENS, EVERYBODYS = "C0RESERVE", "C0APPROVE"
"""Channels of the demo's workspace that the bot is in."""
RESERVE, DEALLOCATE = "/units/{unit_id}/reserve", "/units/{unit_id}/deallocate"
UNIT, TENANCY = "/units/{unit_id}", "/tenancies/{tenancy_id}"
AT_ONCE = -0.5
"""The draw with which whatever is sent again is sent again without a pause."""
UNITS = 8
IMPATIENT = 0.05
"""Seconds, where the database is locked on purpose."""
locked_for_a_while = pytest.mark.parametrize("office", [IMPATIENT], indirect=True, ids=["impatient"])


class Job(Protocol):
    """What runs until it is cancelled."""

    async def run(self) -> None: ...


@asynccontextmanager
async def at_work(*jobs: Job) -> AsyncIterator[None]:
    """The jobs run inside the block, and are then stopped as a shutdown stops them."""
    tasks = [asyncio.ensure_future(job.run()) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)


class Clock:
    """The wall clock; it stands still unless somebody sets it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, time: timedelta) -> None:
        self.at += time


@dataclass
class Office:
    """One process of the bot, and what it talks to."""

    clock: Clock
    world: World
    stora: SandboxStora
    budget: Budget
    file: Path
    engine: AsyncEngine
    channels: Channels
    client: StoraClient
    follower: Follower
    recorder: Recorder
    directory: Directory
    tenancies: TenancyBook
    writes: StoraWrites

    def __post_init__(self) -> None:
        self.something_owed = asyncio.Event()
        self.reservations = Reservations(self.engine)
        self.outbox = Outbox(self.engine)
        self.audit = Audit(self.engine)
        self.carry_out = self.carrying_out()

    def carrying_out(self, lease: timedelta = timedelta(seconds=15)) -> CarryOut:
        return CarryOut(
            self.writes,
            self.directory,
            self.tenancies,
            self.reservations,
            self.channels,
            self.clock,
            self.something_owed,
            lease,
        )

    @property
    def unit_ids(self) -> list[str]:
        return list(self.world.units)

    @property
    def tenancy_ids(self) -> list[str]:
        return list(self.world.tenancies)

    def proposal(
        self, number: int = 0, action: Action = "reserve", *, unit_id: str = "", tenancy_id: str = ""
    ) -> Proposal:
        """Decision `d0` is about the first unit and the first tenancy, and so on; `release` takes the same back."""
        unit = self.world.units[unit_id or self.unit_ids[number]]
        tenancy = self.world.tenancies[tenancy_id or self.tenancy_ids[number]]
        contact = self.world.contacts[tenancy["contact"]["id"]]
        decision_id = f"d{number}" if action == "reserve" else f"d{number}-release-0"
        return Proposal(
            id=decision_id,
            action=action,
            idempotency_key=f"key-{decision_id}",
            unit_id=unit["id"],
            unit_reference=unit["reference_id"],
            site_id=unit["site"]["id"],
            site_name="Camden",
            unit_type="Small room",
            price="£74.00 a month",
            tenancy_id=tenancy["id"],
            customer=contact["full_name"],
            starts_at=START + timedelta(days=3),
            asked_by=FIONA,
            asked_at=self.clock(),
            backoffice_url=f"https://app.stora.test/units/{unit['id']}",
        )

    def another(self) -> int:
        """The number of a new unit and a new tenancy."""
        unit, tenancy = self.world.units[self.unit_ids[0]], self.world.tenancies[self.tenancy_ids[0]]
        number = len(self.unit_ids)
        self.world.add_unit(unit["site"]["id"], unit["unit_type"]["id"], f"A-{number + 1:03}", START)
        self.world.add_tenancy(tenancy["contact"]["id"], unit["site"]["id"], START, START)
        return number

    async def confirmed(
        self, proposal: Proposal, *, by: str = OMAR, response_url: str | None = None, lease: timedelta | None = None
    ) -> Decision:
        """A decision that this process has just claimed."""
        await self.reservations.propose(proposal, "role desk")
        begun = await self.reservations.begin(
            proposal.id,
            by,
            self.clock(),
            lease or self.carry_out.lease,
            channel_id="C0FRONT",
            response_url=response_url,
            rule="role front desk",
        )
        assert begun is not None
        decision, ours = begun
        assert ours
        return decision

    async def taken_over(self) -> Decision:
        """The one decision that is to be found out now."""
        (decision,) = await self.reservations.take_over(self.clock(), self.carry_out.lease, 10)
        return decision

    async def decision(self, decision_id: str = "d0") -> Decision:
        found = await self.reservations.get(decision_id)
        assert found is not None
        return found

    async def record(self) -> list[tuple[str, str, str]]:
        """Who did what with which result, the oldest first."""
        lines = reversed(await self.audit.newest(100))
        return [(entry.who, entry.action, entry.result) for _, entry in lines]

    def posts(self, route: str = RESERVE) -> list[Received]:
        return [received for received in self.stora.received if received.route == route]

    def routes(self) -> list[tuple[str, str]]:
        """What Stora was asked since the last time."""
        asked = [(received.method, received.route) for received in self.stora.received]
        self.stora.received.clear()
        return asked

    def allocations(self, number: int = 0) -> list[str]:
        """Which units the tenancy really has."""
        tenancy = self.world.tenancies[self.tenancy_ids[number]]
        held = [self.world.unit_allocations[one["id"]] for one in tenancy["unit_allocations"]]
        return [str(allocation["unit"]["id"]) for allocation in held]

    def moment(self, column: str, decision_id: str = "d0") -> datetime | None:
        """What the database holds of a decision beyond what the bot is told."""
        connection = sqlite3.connect(self.file)
        try:
            ((value,),) = connection.execute(f"SELECT {column} FROM decisions WHERE id = ?", [decision_id])  # noqa: S608
        finally:
            connection.close()
        return self.moment_of(value) if value else None

    @staticmethod
    def moment_of(value: str) -> datetime:
        """A moment as SQLite keeps it."""
        return datetime.fromisoformat(value).replace(tzinfo=UTC)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """The database, as it is while another process writes and writes."""
        connection = sqlite3.connect(self.file, isolation_level=None, timeout=0)
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:  # a job of ours is at it, and goes on only while we wait
                await asyncio.sleep(0.01)
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    def spoilt(self, table: str) -> None:
        """From now on nothing can be added to this table."""
        connection = sqlite3.connect(self.file)
        connection.execute(f"CREATE TRIGGER spoilt BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'spoilt'); END")
        connection.commit()
        connection.close()

    def mended(self) -> None:
        connection = sqlite3.connect(self.file)
        connection.execute("DROP TRIGGER spoilt")
        connection.commit()
        connection.close()


def a_world() -> World:
    """Units in Camden, and for each a tenancy that waits."""
    world = World()
    place = Place("1 High Street", "London", "NW1 8QR", "020 7946 0112", dict.fromkeys(DAYS, OPEN_ALL_DAY))
    site = world.add_site("Camden", place, START)
    room = Room("25 sq ft", 8, 5, 5, {"monthly": 7400})
    unit_type = world.add_unit_type(site["id"], "Small room", room, START)
    entered = START - timedelta(days=10)
    for number in range(UNITS):
        world.add_unit(site["id"], unit_type["id"], f"A-{number + 1:03}", entered)
        contact = world.add_contact(f"Jane Doe the {number}th", f"jane{number}@example.com", entered)
        world.add_tenancy(contact["id"], site["id"], START + timedelta(days=3), entered)
    return world


@asynccontextmanager
async def an_office(
    folder: Path, *, notes: bool = False, channel: bool = True, patience: float = 5.0
) -> AsyncIterator[Office]:
    """Open it: the inventory and the tenancies have been read, and nothing has been asked of Stora since.

    Args:
        folder: Where its database is; who opens another in the same folder is another process with the same database.
        notes: Whether notes are left on units.
        channel: Whether announcements go anywhere.
        patience: Seconds that a lock of the database is waited for.
    """
    clock, world = Clock(), a_world()
    stora = SandboxStora(world, now=lambda: clock().timestamp(), per_second=None, per_minute=None)

    async def dated(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(clock().timestamp(), usegmt=True)

    application = stora.application()
    application.on_response_prepare.append(dated)
    file = folder / "unitbot.db"
    async with (
        serve(application) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=5, trust_env=False, verify=False) as http,  # noqa: S501 - no TLS
        opened(f"sqlite+aiosqlite:///{file}", patience=patience) as engine,
    ):
        budget = Budget(1_000, 10_000)
        exchange, login = Exchange(http, budget, timeout=0.3), StaticToken(SecretStr(stora.token))
        client = StoraClient(exchange, login, "2025-09", "search", "/units/{id}", lambda: AT_ONCE)
        site_id = next(iter(world.sites))
        channels = Channels(EVERYBODYS, {site_id: CAMDENS}, notes) if channel else Channels(None, {}, notes)
        follower = Follower(Kept(engine, channels, str(uuid4()), clock))
        recorder = Recorder(follower)
        office = Office(
            clock=clock,
            world=world,
            stora=stora,
            budget=budget,
            file=file,
            engine=engine,
            channels=channels,
            client=client,
            follower=follower,
            recorder=recorder,
            directory=Directory(client, follower, recorder, 900, clock),
            tenancies=TenancyBook(client, follower, recorder, 900, clock),
            writes=StoraWrites(SignedIn(exchange, login), "2025-09", "/units/{id}", lambda: AT_ONCE),
        )
        # Who is impatient on purpose is not to lose patience with our own notes.
        writing = asyncio.create_task(recorder.run() if patience >= 1 else asyncio.sleep(3600))
        await office.directory.sweep()
        await office.tenancies.refresh()
        stora.received.clear()
        yield office
        assert not writing.done()
        writing.cancel()
        await asyncio.wait([writing])
