"""Build everything once and join it together."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import structlog
from aiohttp.typedefs import Handler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.carry_out import CarryOut
from bot.core.access import groups_in
from bot.core.telling import Channels
from bot.health import (
    DatabaseHealth,
    DirectoryHealth,
    Readiness,
    SlackHealth,
    SocketHealth,
    StoraHealth,
    Turns,
    settings_read,
)
from bot.jobs.ask import Ask
from bot.jobs.digest import Digests, SendDigest
from bot.jobs.follow import Follow
from bot.jobs.outbox import Send
from bot.jobs.redraw import Redraw
from bot.jobs.requests import Requests
from bot.jobs.settle import Settle
from bot.jobs.tidy import Tidy
from bot.metrics import Metrics, Scrape
from bot.settings import Settings
from bot.slack.approvals import Approving
from bot.slack.confirm import Confirm
from bot.slack.deliver import Deliver
from bot.slack.failures import Net, keep_running
from bot.slack.groups import UserGroups
from bot.slack.home import HomeTab
from bot.slack.inflight import InFlight
from bot.slack.outcomes import Outcomes
from bot.slack.people import Home, People
from bot.slack.reserve import Reserve
from bot.slack.routes import Stories, register
from bot.slack.shares import Shares
from bot.slack.socket import connected
from bot.slack.unitbot import Unitbot
from bot.slack.units import Units
from bot.start.memory import memory
from bot.start.slack import bolt, slack_client, slack_session, tried
from bot.start.stora import Stora, joined_to_stora
from bot.start.work import DRAIN_SECONDS, in_background, listening
from bot.stora.directory import Directory
from bot.stora.endpoints import PATH
from bot.stora.keeper import Follower
from bot.stora.receiver import Receiver
from bot.stora.tenancies import TenancyBook
from bot.store.approvals import Approvals
from bot.store.audit import Audit
from bot.store.kept import Kept
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from bot.store.shown import Shown

log = structlog.get_logger(__name__)

SLOWEST_OUTBOX, SLOWEST_SETTLE = 30.0, 180.0
"""Seconds in which these jobs get something done even when everything is slow: they look every second, but settling
waits for Stora."""

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot at work."""

    url: str
    """Where its HTTP listener is."""
    directory: Directory
    tenancies: TenancyBook


@asynccontextmanager
async def running(settings: Settings, now: Callable[[], datetime] | None = None) -> AsyncIterator[Bot]:
    """Run the bot inside the block; at its end nothing new is taken, and what is in flight is finished.

    Args:
        settings: What the environment provides.
        now: The bot's clock; the machine's without it.

    Raises:
        CannotStart: with the reason.
    """
    now = now or _now
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(memory(settings, now))
        metrics, stora_health = Metrics(settings.stora_api_url, settings.stora_api_version), StoraHealth()
        channels = Channels(
            settings.notify_channel, settings.notify_site_channels, settings.stora_write_notes, settings.notify_on
        )
        follower = Follower(Kept(engine, channels, _new_id(), now))
        stora = await stack.enter_async_context(joined_to_stora(settings, engine, follower, metrics, stora_health, now))
        session = await stack.enter_async_context(slack_session())
        patient = slack_client(settings, session)
        patient.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        who = await tried("SLACK_BOT_TOKEN", "the bot token of the installed app", patient.auth_test)
        in_flight = InFlight()
        built = _built(
            settings=settings,
            now=now,
            engine=engine,
            follower=follower,
            stora=stora,
            metrics=metrics,
            stora_health=stora_health,
            channels=channels,
            clients=_Clients(slack_client(settings, session), patient, _single_shot(slack_client(settings, session))),
            deliver=Deliver(patient, session),
            home=Home(who["team_id"], who.get("enterprise_id")),
        )
        app = bolt(settings, session, who)
        register(app, Net(built.deliver, in_flight, metrics.answered), _stories(built))

        await follower.catch_up()
        for job in _jobs(built):
            await stack.enter_async_context(in_background(keep_running(job, crashed=built.turns.crashed), in_flight))
        pages: Mapping[str, Handler] = {
            "/readyz": built.ready.answer,
            "/metrics": Scrape(metrics, stora.budget, stora.directory, built.outbox, now).answer,
        }
        url = await stack.enter_async_context(
            listening(settings, app, pages, _webhooks(settings, stora, metrics), in_flight)
        )
        if settings.slack_app_token is not None:
            app_token = settings.slack_app_token.get_secret_value()
            await tried(
                "SLACK_APP_TOKEN",
                "an app-level token with the scope connections:write",
                lambda: patient.apps_connections_open(app_token=app_token),
            )
            socket = await stack.enter_async_context(connected(app, patient, app_token, in_flight, DRAIN_SECONDS))
            built.socket.client = socket.client
        log.info("running", url=url, socket_mode=settings.socket_mode)
        yield Bot(url, stora.directory, stora.tenancies)


@dataclass(frozen=True, slots=True)
class _Clients:
    """Slack's Web API for three kinds of callers; all share one session."""

    impatient: AsyncWebClient
    """Somebody's three seconds are running."""
    patient: AsyncWebClient
    """Waits where Slack asks for it."""
    single_shot: AsyncWebClient
    """Retries nothing: a job counts, and tries again later."""


def _single_shot(client: AsyncWebClient) -> AsyncWebClient:
    client.retry_handlers.clear()
    return client


@dataclass(frozen=True, slots=True)
class _Built:
    """What handlers and jobs are made of."""

    settings: Settings
    now: Callable[[], datetime]
    engine: AsyncEngine
    follower: Follower
    stora: Stora
    channels: Channels
    clients: _Clients
    deliver: Deliver
    people: People
    groups: UserGroups
    reservations: Reservations
    outbox: Outbox
    audit: Audit
    approvals: Approvals
    shown: Shown
    carry_out: CarryOut
    outcomes: Outcomes
    something_owed: asyncio.Event
    turns: Turns
    socket: SocketHealth
    ready: Readiness


def _built(  # noqa: PLR0913 - what there is before it
    *,
    settings: Settings,
    now: Callable[[], datetime],
    engine: AsyncEngine,
    follower: Follower,
    stora: Stora,
    metrics: Metrics,
    stora_health: StoraHealth,
    channels: Channels,
    clients: _Clients,
    deliver: Deliver,
    home: Home,
) -> _Built:
    groups = UserGroups(clients.impatient, groups_in(settings.roles))
    people = People(clients.impatient, home, groups)
    reservations, something_owed, turns, socket = Reservations(engine), asyncio.Event(), Turns(), SocketHealth()
    return _Built(
        settings=settings,
        now=now,
        engine=engine,
        follower=follower,
        stora=stora,
        channels=channels,
        clients=clients,
        deliver=deliver,
        people=people,
        groups=groups,
        reservations=reservations,
        outbox=Outbox(engine),
        audit=Audit(engine),
        approvals=Approvals(engine),
        shown=Shown(engine),
        carry_out=CarryOut(
            stora.writes,
            stora.directory,
            stora.tenancies,
            reservations,
            channels,
            now,
            something_owed,
            counted=metrics.reserved,
        ),
        outcomes=Outcomes(stora.directory, people, settings.roles),
        something_owed=something_owed,
        turns=turns,
        socket=socket,
        ready=Readiness(
            settings=settings_read,
            database=DatabaseHealth(engine),
            slack=SlackHealth(clients.impatient),
            stora=stora_health,
            directory=DirectoryHealth(stora.directory),
            jobs=turns,
            **({"socket_mode": socket} if settings.socket_mode else {}),
        ),
    )


def _stories(built: _Built) -> Stories:
    """The handlers, one for each story."""
    settings, stora, people, now = built.settings, built.stora, built.people, built.now
    roles, approvals_on = settings.roles, settings.approvals_channel is not None
    return Stories(
        units=Units(
            people,
            stora.directory,
            settings.page_size,
            roles,
            built.reservations,
            Shares(built.shown, stora.directory, settings.page_size, now),
            approvals_on,
        ),
        reserve=Reserve(
            built.clients.impatient,
            people,
            roles,
            stora.directory,
            stora.tenancies,
            built.reservations,
            built.audit,
            now,
            _new_id,
            approvals_on,
        ),
        confirm=Confirm(
            people,
            roles,
            built.reservations,
            built.approvals,
            built.audit,
            built.carry_out,
            built.outcomes,
            now,
            _new_id,
        ),
        unitbot=Unitbot(
            built.clients.patient,
            people,
            roles,
            stora.directory,
            stora.tenancies,
            stora.budget,
            built.reservations,
            built.outbox,
            built.audit,
            now,
            built.ready.look,
            approvals_on,
        ),
        groups=built.groups,
        approving=Approving(
            people,
            roles,
            stora.directory,
            stora.tenancies,
            built.reservations,
            built.approvals,
            built.audit,
            built.carry_out,
            built.something_owed,
            now,
            settings.approvals_channel,
        ),
        home=HomeTab(
            built.clients.impatient,
            people,
            roles,
            stora.directory,
            stora.tenancies,
            built.reservations,
            built.approvals,
            now,
            approvals_on,
            ZoneInfo(settings.digest_timezone) if settings.digest_timezone else UTC,
        ),
    )


def _jobs(built: _Built) -> list[Job]:
    """What happens by the clock, until the bot ends."""
    stora, now, single_shot = built.stora, built.now, built.clients.single_shot
    requests = Requests(single_shot, built.deliver, built.approvals, built.something_owed, now)
    jobs: list[Job] = [
        Settle(
            built.reservations,
            built.carry_out,
            built.outcomes,
            built.deliver,
            now,
            turned=built.turns.of("settle", SLOWEST_SETTLE),
        ).run,
        Send(
            single_shot,
            stora.writes,
            built.outbox,
            built.something_owed,
            now,
            name_of=built.people.name_of,
            turned=built.turns.of("outbox", SLOWEST_OUTBOX),
            ways={"request": requests.draw, "answer": requests.answer, "digest": SendDigest(single_shot, now).send},
            giving_up={"request": requests.never_posted},
        ).run,
        requests.run,
        stora.recorder.run,
        Redraw(single_shot, built.shown, stora.directory, built.follower, built.settings.page_size, now).run,
        stora.budget.watch,
        stora.directory.keep_fresh,
        stora.tenancies.keep_fresh,
        Ask(stora.client, built.follower, now).run,
        Tidy(built.engine, now).run,
    ]
    if built.settings.digest_time is not None and built.settings.digest_timezone is not None:
        at, zone = time.fromisoformat(built.settings.digest_time), ZoneInfo(built.settings.digest_timezone)
        digests = Digests(
            stora.directory,
            stora.tenancies,
            built.reservations,
            built.outbox,
            built.channels,
            at,
            zone,
            built.something_owed,
            now,
        )
        jobs.append(digests.run)
    if built.engine.dialect.name == "postgresql":  # on SQLite there is nobody to follow
        jobs.append(Follow(built.engine, built.follower).run)
    return jobs


def _webhooks(settings: Settings, stora: Stora, metrics: Metrics) -> Mapping[str, Handler]:
    """Where Stora's events come in, if we know by what secret they are signed."""
    if settings.stora_webhook_secret is None:
        return {}
    secret, hear = settings.stora_webhook_secret, stora.recorder.hear
    receiver = Receiver(secret, settings.backoffice_unit_path, hear, counted=metrics.webhook)
    return {PATH: receiver.answer}


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())
