"""Stora, as the settings describe the way there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.windows import Windows
from bot.health import StoraHealth
from bot.metrics import Metrics
from bot.proxy import proxy_for
from bot.settings import Settings
from bot.stora.budget import Alone, Budget, Ledger
from bot.stora.client import StoraClient
from bot.stora.directory import Directory
from bot.stora.exchange import PROBE, Exchange, Heard, nobody_listens
from bot.stora.keeper import Follower
from bot.stora.login import ClientCredentials, Login, StaticToken
from bot.stora.recorder import Recorder
from bot.stora.signed_in import SignedIn
from bot.stora.tenancies import TenancyBook
from bot.stora.token import ask_of_token
from bot.stora.writes import StoraWrites
from bot.store.calls import SharedCalls
from bot.store.departures import departures


@dataclass(frozen=True, slots=True)
class Stora:
    """Everything that speaks with Stora, or remembers what it said."""

    client: StoraClient
    budget: Budget
    directory: Directory
    tenancies: TenancyBook
    recorder: Recorder
    writes: StoraWrites


@asynccontextmanager
async def stora_exchange(
    settings: Settings, heard: Heard = nobody_listens, ledger: Callable[[Windows], Ledger] = Alone
) -> AsyncIterator[Exchange]:
    """The way to Stora that the settings describe, inside its budget, which ``ledger`` keeps."""
    base_url = settings.stora_api_url
    async with httpx.AsyncClient(
        base_url=base_url,
        timeout=settings.stora_timeout_seconds,
        proxy=proxy_for(base_url),
        trust_env=False,
        headers={"Accept": "application/json", "User-Agent": "unitbot"},
    ) as http:
        budget = Budget(settings.stora_requests_per_second, settings.stora_requests_per_minute, ledger)
        try:
            yield Exchange(http, budget, settings.stora_timeout_seconds, heard)
        finally:
            await budget.settled()


@asynccontextmanager
async def _ledger(settings: Settings, engine: AsyncEngine) -> AsyncIterator[Callable[[Windows], Ledger]]:
    """Where calls to Stora are counted: for all replicas on PostgreSQL together, else here."""
    if engine.dialect.name == "postgresql":
        yield lambda windows: SharedCalls(engine, windows, settings.stora_timeout_seconds)
        return
    at_once = min(settings.stora_requests_per_second, settings.stora_requests_per_minute)
    async with departures(engine, at_once) as record:
        now = asyncio.get_running_loop().time()
        earlier, held_until = [now - age for age in record.ages], now + record.held
        yield lambda windows: Alone(windows, record.note, record.hold, earlier=earlier, held_until=held_until)


def stora_client(settings: Settings, exchange: Exchange, login: Login) -> StoraClient:
    """What asks Stora its questions."""
    return StoraClient(
        exchange=exchange,
        login=login,
        version=settings.stora_api_version,
        search_parameter=settings.stora_search_parameter,
        backoffice_unit_path=settings.backoffice_unit_path,
        backoffice_tenancy_path=settings.backoffice_tenancy_path,
    )


def stora_writes(settings: Settings, exchange: Exchange, login: Login) -> StoraWrites:
    """What changes something at Stora."""
    return StoraWrites(SignedIn(exchange, login), settings.stora_api_version, settings.backoffice_unit_path)


@asynccontextmanager
async def joined_to_stora(  # noqa: PLR0913, PLR0917 - what it is made of
    settings: Settings,
    engine: AsyncEngine,
    follower: Follower,
    metrics: Metrics,
    health: StoraHealth,
    now: Callable[[], datetime],
) -> AsyncIterator[Stora]:
    """Everything that speaks with Stora, for as long as the block lasts."""

    def heard(request: httpx.Request, status: int | None) -> None:
        metrics.heard(request, status)
        health.heard(request, status)

    async with _ledger(settings, engine) as ledger, stora_exchange(settings, heard, ledger) as exchange:
        login = stora_login(settings, exchange)
        client = stora_client(settings, exchange, login)
        signed_in = SignedIn(exchange, login)
        health.ask = lambda: ask_of_token(signed_in, PROBE)
        recorder = Recorder(follower)
        yield Stora(
            client=client,
            budget=exchange.budget,
            recorder=recorder,
            directory=Directory(client, follower, recorder, settings.directory_refresh_seconds, now),
            tenancies=TenancyBook(client, follower, recorder, settings.directory_refresh_seconds, now),
            writes=stora_writes(settings, exchange, login),
        )


def stora_login(settings: Settings, exchange: Exchange, *, also: Iterable[str] = ()) -> Login:
    """Who we are to Stora; client credentials ask for the scopes ``also`` beyond those that the bot needs."""
    if settings.stora_api_token is not None:
        return StaticToken(settings.stora_api_token)
    assert settings.stora_client_id is not None  # noqa: S101 - the settings hold one or the other
    assert settings.stora_client_secret is not None  # noqa: S101
    return ClientCredentials(
        exchange, settings.stora_client_id, settings.stora_client_secret, notes=settings.stora_write_notes, also=also
    )
