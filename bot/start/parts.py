"""What handlers and jobs are made of: everything that there is once in a bot."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.deliver import Deliver
from bot.slack.groups import UserGroups
from bot.slack.outcomes import Outcomes
from bot.slack.people import People
from bot.start.stora import Stora
from bot.stora.keeper import Follower
from bot.store.approvals import Approvals
from bot.store.audit import Audit
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from bot.store.shown import Shown


@dataclass(frozen=True, slots=True)
class Clients:
    """Slack's Web API for three kinds of callers; all share one session."""

    impatient: AsyncWebClient
    """Somebody's three seconds are running."""
    patient: AsyncWebClient
    """Waits where Slack asks for it."""
    single_shot: AsyncWebClient
    """Retries nothing: a job counts, and tries again later."""


def single_shot(client: AsyncWebClient) -> AsyncWebClient:
    """The client, which from now on retries nothing."""
    client.retry_handlers.clear()
    return client


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers and jobs are made of."""

    settings: Settings
    now: Callable[[], datetime]
    engine: AsyncEngine
    follower: Follower
    stora: Stora
    channels: Channels
    clients: Clients
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


def parts_of(  # noqa: PLR0913 - what there is before it
    *,
    settings: Settings,
    now: Callable[[], datetime],
    engine: AsyncEngine,
    follower: Follower,
    stora: Stora,
    metrics: Metrics,
    stora_health: StoraHealth,
    channels: Channels,
    clients: Clients,
    deliver: Deliver,
) -> Parts:
    """Make the rest from what the bot has been joined to."""
    groups = UserGroups(clients.impatient, groups_in(settings.roles))
    people = People(clients.impatient, None, groups)
    reservations, something_owed, turns, socket = Reservations(engine), asyncio.Event(), Turns(), SocketHealth()
    return Parts(
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


def new_id() -> str:
    """An id that nothing else has."""
    return str(uuid.uuid4())
