"""Build everything once and join it together."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.carry_out import CarryOut
from bot.core.access import groups_in
from bot.core.problems import DatabaseUnusable
from bot.core.telling import Channels
from bot.jobs.outbox import Send
from bot.jobs.settle import Settle
from bot.proxy import proxy_for
from bot.settings import Settings
from bot.slack.confirm import Confirm
from bot.slack.deliver import Deliver
from bot.slack.failures import Net, keep_running
from bot.slack.groups import UserGroups
from bot.slack.inflight import InFlight
from bot.slack.outcomes import Outcomes
from bot.slack.people import Home, People
from bot.slack.reserve import Reserve
from bot.slack.routes import Stories, register
from bot.slack.server import application
from bot.slack.socket import connected
from bot.slack.trouble import TROUBLE, what_slack_said
from bot.slack.unitbot import Unitbot
from bot.slack.units import Units
from bot.stora.budget import Budget
from bot.stora.client import StoraClient
from bot.stora.directory import Directory
from bot.stora.exchange import Exchange
from bot.stora.login import ClientCredentials, Login, StaticToken
from bot.stora.signed_in import SignedIn
from bot.stora.tenancies import TenancyBook
from bot.stora.writes import StoraWrites
from bot.store.audit import Audit
from bot.store.database import opened
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 8.0
"""How long a shutdown waits for what is in flight, all of it together; ten seconds later the process must be gone."""
LONGEST_REQUEST = 3.0
"""Seconds until a request of Slack's has been acknowledged, whatever its handler does afterwards."""
SLACK_TIMEOUT = 5.0
"""Seconds for one call to Slack."""
START_ATTEMPTS = 5
OUTAGES = {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
"""Slack's words for its own trouble."""


class CannotStart(Exception):
    """The bot cannot start; the text says why and what to mend, for whoever started it."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot at work."""

    url: str
    """Where its HTTP listener is."""
    directory: Directory
    tenancies: TenancyBook


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Bot]:
    """Run the bot inside the block; at its end nothing new is taken, and what is in flight is finished.

    Raises:
        CannotStart: with the reason.
    """
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(_memory(settings))
        reservations, outbox, audit = Reservations(engine), Outbox(engine), Audit(engine)
        stora = await stack.enter_async_context(_stora(settings))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLACK_TIMEOUT), trust_env=False)
        )
        impatient = _slack_client(settings, session)
        patient = _slack_client(settings, session)
        patient.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        single_shot = _slack_client(settings, session)
        single_shot.retry_handlers.clear()  # an announcement is sent again by the outbox, which counts

        who = await _tried("SLACK_BOT_TOKEN", "the bot token of the installed app", patient.auth_test)
        in_flight, something_owed = InFlight(), asyncio.Event()
        deliver = Deliver(patient, session)
        groups = UserGroups(impatient, groups_in(settings.roles))
        people = People(impatient, Home(who["team_id"], who.get("enterprise_id")), groups)
        channels = Channels(settings.notify_channel, settings.notify_site_channels, settings.stora_write_notes)
        carry_out = CarryOut(
            stora.writes, stora.directory, stora.tenancies, reservations, channels, _now, something_owed
        )
        outcomes = Outcomes(stora.directory, people, settings.roles)
        stories = Stories(
            units=Units(people, stora.directory, settings.page_size, settings.roles, reservations),
            reserve=Reserve(
                impatient, people, settings.roles, stora.directory, stora.tenancies, reservations, audit, _now, _new_id
            ),
            confirm=Confirm(people, settings.roles, reservations, audit, carry_out, outcomes, _now, _new_id),
            unitbot=Unitbot(
                patient,
                people,
                settings.roles,
                stora.directory,
                stora.tenancies,
                stora.budget,
                reservations,
                outbox,
                audit,
                _now,
            ),
            groups=groups,
        )
        app = _bolt(settings, session, who)
        register(app, Net(deliver, in_flight), stories)

        jobs = (
            Settle(reservations, carry_out, outcomes, deliver, _now).run,
            Send(single_shot, stora.writes, outbox, something_owed, _now, name_of=people.name_of).run,
            stora.directory.keep_fresh,
            lambda: stora.tenancies.keep_fresh(settings.directory_refresh_seconds),
        )
        for job in jobs:
            await stack.enter_async_context(_in_background(keep_running(job), in_flight))
        url = await stack.enter_async_context(_listening(settings, app, in_flight))
        if settings.slack_app_token is not None:
            app_token = settings.slack_app_token.get_secret_value()
            await _tried(
                "SLACK_APP_TOKEN",
                "an app-level token with the scope connections:write",
                lambda: patient.apps_connections_open(app_token=app_token),
            )
            await stack.enter_async_context(connected(app, patient, app_token, in_flight, DRAIN_SECONDS))
        log.info("running", url=url, socket_mode=settings.socket_mode)
        yield Bot(url, stora.directory, stora.tenancies)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


@asynccontextmanager
async def _in_background(job: Coroutine[Any, Any, None], in_flight: InFlight) -> AsyncIterator[None]:
    task = asyncio.create_task(job)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=max(0.1, in_flight.left(DRAIN_SECONDS)))


@asynccontextmanager
async def _memory(settings: Settings) -> AsyncIterator[AsyncEngine]:
    try:
        async with opened(settings.database_url) as engine:
            if engine.dialect.name == "sqlite":  # one process at a time: whatever is claimed is nobody's now
                await Reservations(engine).orphaned(_now())
                await Outbox(engine).orphaned(_now())
            yield engine
    except DatabaseUnusable as problem:
        raise CannotStart(f"DATABASE_URL: {problem.reason}") from None


@dataclass(frozen=True, slots=True)
class _Stora:
    budget: Budget
    directory: Directory
    tenancies: TenancyBook
    writes: StoraWrites


@asynccontextmanager
async def _stora(settings: Settings) -> AsyncIterator[_Stora]:
    base_url = settings.stora_api_url
    async with httpx.AsyncClient(
        base_url=base_url,
        timeout=settings.stora_timeout_seconds,
        proxy=proxy_for(base_url),
        trust_env=False,
        headers={"Accept": "application/json", "User-Agent": "unitbot"},
    ) as http:
        budget = Budget(settings.stora_requests_per_second, settings.stora_requests_per_minute)
        exchange = Exchange(http, budget, settings.stora_timeout_seconds)
        login = _login(settings, exchange)
        client = StoraClient(
            exchange=exchange,
            login=login,
            version=settings.stora_api_version,
            search_parameter=settings.stora_search_parameter,
            backoffice_unit_path=settings.backoffice_unit_path,
        )
        yield _Stora(
            budget=budget,
            directory=Directory(client, settings.directory_refresh_seconds, _now),
            tenancies=TenancyBook(client, _now),
            writes=StoraWrites(SignedIn(exchange, login), settings.stora_api_version, settings.backoffice_unit_path),
        )


def _login(settings: Settings, exchange: Exchange) -> Login:
    if settings.stora_api_token is not None:
        return StaticToken(settings.stora_api_token)
    assert settings.stora_client_id is not None  # noqa: S101 - the settings hold one or the other
    assert settings.stora_client_secret is not None  # noqa: S101
    return ClientCredentials(
        exchange, settings.stora_client_id, settings.stora_client_secret, notes=settings.stora_write_notes
    )


def _slack_client(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """A client on the one shared session: without it every call opens a connection of its own."""
    base_url = settings.slack_api_url + "/"
    client = AsyncWebClient(
        settings.slack_bot_token.get_secret_value(),
        base_url=base_url,
        session=session,
        retry_handlers=[AsyncConnectionErrorRetryHandler()],
    )
    client.proxy = proxy_for(base_url)  # the constructor has taken the environment's, even for loopback
    return client


async def _tried(setting: str, expected: str, call: Callable[[], Awaitable[AsyncSlackResponse]]) -> AsyncSlackResponse:
    """Call Slack with a token for the first time: a refusal ends the start, an outage is waited for a while."""
    for attempt in range(START_ATTEMPTS):
        try:
            return await call()
        except TROUBLE as trouble:
            reason = what_slack_said(trouble)
            # A word of Slack's own is about the token, unless it is about Slack's own trouble.
            if isinstance(trouble, SlackApiError) and reason.islower() and reason not in OUTAGES:
                raise CannotStart(f"{setting}: Slack does not accept it ({reason}); expected {expected}") from None
            log.warning("Slack does not answer", reason=reason)
        await asyncio.sleep(2**attempt / 4)
    raise CannotStart("SLACK_API_URL: Slack does not answer; is the network, or the proxy, in order?")


def _bolt(settings: Settings, session: aiohttp.ClientSession, who: AsyncSlackResponse) -> AsyncApp:
    known = AuthorizeResult.from_auth_test_response(
        auth_test_response=who, bot_token=settings.slack_bot_token.get_secret_value()
    )

    async def authorize() -> AuthorizeResult:
        """The same for every request: without this, Bolt asks Slack inside the three seconds."""
        return known

    secret = settings.slack_signing_secret
    return AsyncApp(
        name="unitbot",
        # Without it, Bolt's own loggers take the root's level, and log the body of whatever has a bad signature.
        logger=logging.getLogger("slack_bolt"),
        client=AsyncWebClient(session=session),  # without the token, which Bolt would warn that it ignores
        # Given so, Bolt keeps to our token even where SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are in the environment.
        authorize=authorize,
        signing_secret=secret.get_secret_value() if secret else "",
        request_verification_enabled=not settings.socket_mode,
    )


@asynccontextmanager
async def _listening(settings: Settings, app: AsyncApp, in_flight: InFlight) -> AsyncIterator[str]:
    runner = web.AppRunner(
        application(None if settings.socket_mode else app), access_log=None, shutdown_timeout=LONGEST_REQUEST
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise CannotStart(f"PORT: cannot listen on {settings.host}:{settings.port} ({error.strerror})") from None
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        in_flight.left(DRAIN_SECONDS)  # from now on
        await runner.cleanup()
        if not await in_flight.finished(DRAIN_SECONDS):
            log.warning("stopped with work unfinished")
