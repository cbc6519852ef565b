"""A small operator behind a served stand-in, a clock that only tests move, and a client with the right token."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ssl import PROTOCOL_TLS_CLIENT, SSLContext

import httpx
import pytest

from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.shapes import DAYS, OPEN_ALL_DAY, Place, Room
from bot.sandbox.stora.world import World

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def at() -> datetime:
    return START


@pytest.fixture
def clock() -> list[float]:
    """One number, the epoch second that it is now."""
    return [START.timestamp()]


@pytest.fixture
def world() -> World:
    """Camden with A-001 to A-003 and Bristol with another A-001; Jane waits at both, Omar at Camden."""
    world = World()
    jane = world.add_contact("Jane Doe", "jane@example.com", START, phone_number="07700 900123")
    omar = world.add_contact("Omar Khan", "omar@example.org", START + timedelta(hours=1))
    place = Place("1 High Street", "London", "NW1 8QR", "020 7946 0112", dict.fromkeys(DAYS, OPEN_ALL_DAY))
    for name, references in (("Camden", ("A-001", "A-002", "A-003")), ("Bristol", ("A-001",))):
        site = world.add_site(name, place, START)
        room = Room("25 sq ft", 8, 5, 5, {"weekly": 1850, "monthly": 123456})
        unit_type = world.add_unit_type(site["id"], "Small room", room, START)
        for days, reference in enumerate(references):
            world.add_unit(site["id"], unit_type["id"], reference, START + timedelta(days=days))
        for contact in (jane, omar) if name == "Camden" else (jane,):
            world.add_tenancy(contact["id"], site["id"], START + timedelta(days=7), START)
    return world


@pytest.fixture
def unit_id(world: World) -> str:
    """Return Camden's A-001."""
    return str(world.unit_named("A-001", "Camden")["id"])


@pytest.fixture
def tenancies(world: World) -> list[str]:
    """Return Jane's tenancy at Camden, Omar's at Camden, and Jane's at Bristol."""
    return list(world.tenancies)


@pytest.fixture
def stora(world: World, clock: list[float]) -> SandboxStora:
    return SandboxStora(world, now=lambda: clock[0], per_second=None, per_minute=None)


@pytest.fixture
async def client(stora: SandboxStora) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stora.token}"}
    # Without a context of its own the client reads all certificates of the machine, which takes longer than a test.
    nothing_is_encrypted = SSLContext(PROTOCOL_TLS_CLIENT)
    async with (
        serve(stora.application()) as base_url,
        httpx.AsyncClient(base_url=f"{base_url}/2025-09", headers=headers, verify=nothing_is_encrypted) as client,
    ):
        yield client
