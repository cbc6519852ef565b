"""A bot from its start to its end: joined to its memory and its neighbours, listening, with its jobs at work."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from aiohttp.typedefs import Handler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from bot.core.telling import Channels
from bot.health import StoraHealth
from bot.manifest import SLACK_PATH
from bot.metrics import Metrics, Scrape
from bot.settings import Settings
from bot.slack.deliver import Deliver
from bot.slack.failures import Net, keep_running
from bot.slack.inflight import InFlight
from bot.slack.people import Home
from bot.slack.routes import register
from bot.slack.server import SlackEvents
from bot.slack.socket import connected
from bot.start.jobs import jobs_of
from bot.start.memory import memory
from bot.start.parts import Clients, new_id, parts_of, single_shot
from bot.start.slack import bolt, slack_client, slack_session, tried
from bot.start.stora import Stora, joined_to_stora
from bot.start.stories import stories
from bot.start.work import DRAIN_SECONDS, in_background, listening
from bot.stora.directory import Directory
from bot.stora.endpoints import PATH
from bot.stora.keeper import Follower
from bot.stora.receiver import Receiver
from bot.stora.tenancies import TenancyBook
from bot.store.kept import Kept

log = structlog.get_logger(__name__)


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
        follower = Follower(Kept(engine, channels, new_id(), now))
        stora = await stack.enter_async_context(joined_to_stora(settings, engine, follower, metrics, stora_health, now))
        session = await stack.enter_async_context(slack_session())
        patient = slack_client(settings, session)
        patient.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        parts = parts_of(
            settings=settings,
            now=now,
            engine=engine,
            follower=follower,
            stora=stora,
            metrics=metrics,
            stora_health=stora_health,
            channels=channels,
            clients=Clients(slack_client(settings, session), patient, single_shot(slack_client(settings, session))),
            deliver=Deliver(patient, session),
        )
        in_flight = InFlight()
        pages: Mapping[str, Handler] = {
            "/readyz": parts.ready.answer,
            "/metrics": Scrape(metrics, stora.budget, stora.directory, parts.outbox, now).answer,
        }
        posts, slack_events = dict(_webhooks(settings, stora, metrics)), SlackEvents(settings.slack_signing_secret)
        if not settings.socket_mode:
            posts[SLACK_PATH] = slack_events.answer
        listener = await stack.enter_async_context(listening(settings, pages, posts, in_flight))
        who = await tried("SLACK_BOT_TOKEN", "the bot token of the installed app", patient.auth_test)
        parts.people.home = Home(who["team_id"], who.get("enterprise_id"))
        app = bolt(settings, session, who)
        register(app, Net(parts.deliver, in_flight, metrics.answered), stories(parts))

        await follower.catch_up()
        for job in jobs_of(parts):
            await stack.enter_async_context(in_background(keep_running(job, crashed=parts.turns.crashed), in_flight))
        stack.push_async_callback(listener.close)  # the jobs go on until all that was asked is answered
        slack_events.app.set_result(app)
        if settings.slack_app_token is not None:
            app_token = settings.slack_app_token.get_secret_value()
            await tried(
                "SLACK_APP_TOKEN",
                "an app-level token with the scope connections:write",
                lambda: patient.apps_connections_open(app_token=app_token),
            )
            socket = await stack.enter_async_context(connected(app, patient, app_token, in_flight, DRAIN_SECONDS))
            parts.socket.client = socket.client
        log.info("running", url=listener.url, socket_mode=settings.socket_mode)
        yield Bot(listener.url, stora.directory, stora.tenancies)


def _webhooks(settings: Settings, stora: Stora, metrics: Metrics) -> Mapping[str, Handler]:
    """Where Stora's events come in, if we know by what secret they are signed."""
    if settings.stora_webhook_secret is None:
        return {}
    secret, hear = settings.stora_webhook_secret, stora.recorder.hear
    receiver = Receiver(secret, settings.backoffice_unit_path, hear, counted=metrics.webhook)
    return {PATH: receiver.answer}


def _now() -> datetime:
    return datetime.now(UTC)
