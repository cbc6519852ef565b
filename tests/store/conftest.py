"""A fresh database for every test, of both kinds, and what to keep in it."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.reservations import AuditEntry, Decision, Outcome, Owed, Proposal
from bot.store.audit import Audit
from bot.store.database import opened
from bot.store.reservations import Reservations
from tests.conftest import emptied

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
SHORT = 0.1
"""Patience, in seconds, of those who are to lose it."""

PROPOSAL = Proposal(
    id="d1",
    action="reserve",
    idempotency_key="key-d1",
    unit_id="unit_1",
    unit_reference="A-012",
    site_id="site_1",
    site_name="Camden",
    unit_type="Locker",
    price="£20.00 a month",
    tenancy_id="ten_1",
    customer="Zoë Ångström",
    starts_at=NOW + timedelta(days=3),
    asked_by="U_ASKS",
    asked_at=NOW,
    backoffice_url="https://bo.example/units/unit_1",
)


DONE = Outcome("done", request_id="req_1")
REFUSED = Outcome("refused", "The unit is not available.", "unit_unavailable", "req_2")
UNKNOWN = Outcome("unknown", "No answer came.")


def a_proposal(decision_id: str = "d1", **changes: object) -> Proposal:
    return replace(PROPOSAL, id=decision_id, idempotency_key=f"key-{decision_id}", **changes)  # type: ignore[arg-type]


def a_release(reservation_id: str, number: int) -> Proposal:
    return a_proposal(f"{reservation_id}-release-{number}", action="release")


def asked(proposal: Proposal) -> AuditEntry:
    return AuditEntry(
        at=NOW,
        who=proposal.asked_by,
        action=proposal.action,
        result="asked",
        unit_id=proposal.unit_id,
        unit_reference=proposal.unit_reference,
        site_id=proposal.site_id,
        tenancy_id=proposal.tenancy_id,
        rule="role desk",
        idempotency_key=proposal.idempotency_key,
    )


def owed(key: str, channel_id: str = "C1") -> Owed:
    return Owed(key=key, kind="announcement", channel_id=channel_id, payload='{"customer": "Zoë"}')


async def proposed(reservations: Reservations, proposal: Proposal = PROPOSAL) -> None:
    await reservations.propose(proposal, "role desk")


async def begun(
    reservations: Reservations, decision_id: str = "d1", *, by: str = "U_CLICKS", at: datetime = NOW
) -> tuple[Decision, bool]:
    answer = await reservations.begin(
        decision_id, by, at, LEASE, channel_id="C1", response_url="https://hooks.example/1", rule="front desk"
    )
    assert answer is not None
    return answer


async def claimed(reservations: Reservations, proposal: Proposal = PROPOSAL, *, at: datetime = NOW) -> None:
    await proposed(reservations, proposal)
    assert (await begun(reservations, proposal.id, at=at))[1]


async def record(engine: AsyncEngine) -> list[AuditEntry]:
    return [entry for _, entry in reversed(await Audit(engine).newest(100))]


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}"
    host = request.getfixturevalue("postgres")
    await emptied(host)
    return f"postgresql+asyncpg://postgres@/postgres?host={host}"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as engine:
        yield engine


@pytest.fixture
async def other_engine(engine: AsyncEngine, url: str) -> AsyncIterator[AsyncEngine]:
    """The same database, as another process has it open."""
    assert engine.url.database
    async with opened(url) as other:
        yield other


@pytest.fixture
def reservations(engine: AsyncEngine) -> Reservations:
    return Reservations(engine)


@pytest.fixture
def elsewhere(other_engine: AsyncEngine) -> Reservations:
    """The same decisions, as another process sees them."""
    return Reservations(other_engine)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "unitbot.db"


@pytest.fixture
async def postgres_url(postgres: str) -> str:
    await emptied(postgres)
    return f"postgresql+asyncpg://postgres@/postgres?host={postgres}"


@contextmanager
def written_by_another(file: Path) -> Iterator[sqlite3.Connection]:
    """Another process is in the middle of writing."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO theirs VALUES (1)")
        yield other
