"""Owe the morning digest once it is due, and send it while somebody still wants it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.digest import (
    GRACE,
    MOST_WAITING,
    Digest,
    NotSent,
    by_channel,
    count_sites,
    day_before,
    digest_due,
    digest_moment,
    soonest,
)
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Owed
from bot.core.telling import Channels
from bot.jobs.outbox import TooLate
from bot.render.digest import render_digest
from bot.slack.deliver import post
from bot.stora.directory import Directory
from bot.stora.tenancies import TenancyBook
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks at the clock."""
PATIENCE = timedelta(minutes=30)
"""How long a digest waits for all tenancies to be read, when the bot has just started."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The job. The database knows what was owed: each day and channel has one key."""

    directory: Directory
    tenancies: TenancyBook
    reservations: Reservations
    outbox: Outbox
    channels: Channels
    at: time
    zone: tzinfo
    something_owed: asyncio.Event
    now: Callable[[], datetime]
    every: float = EVERY
    owed: set[date] = field(default_factory=set)
    """Days that need not be looked into again."""

    async def run(self) -> None:
        """Until cancelled: owe what is due."""
        while True:
            try:
                await self.look()
            except DatabaseUnusable as problem:
                log.warning("digest not owed", reason=problem.reason)
            await asyncio.sleep(self.every)

    async def look(self) -> None:
        """Owe each channel's digest if one is due, and there is something to tell."""
        now = self.now()
        day = digest_due(now, self.at, self.zone)
        inventory, tenancies = self.directory.inventory, self.tenancies.known
        if day is None or day in self.owed or inventory is None:
            return
        if not tenancies.complete and digest_due(now - PATIENCE, self.at, self.zone) != day:
            return
        yesterday = day_before(day, self.zone)
        reserved = await self.reservations.reserved_by_site(*yesterday)
        sites = count_sites(inventory, tenancies, day, reserved, self.zone)
        not_sent = await self.outbox.given_up(now - timedelta(days=1))
        owed = []
        for channel_id, told in by_channel(sites, self.channels).items():
            digest = Digest(
                day=day,
                due_at=digest_moment(day, self.at, self.zone),
                as_of=inventory.read_at,
                sites=tuple(told),
                waiting=soonest(inventory, tenancies, [site.site_id for site in told], MOST_WAITING, self.zone),
                not_sent=tuple(
                    NotSent(channel_id=each.channel_id, error=each.error, count=each.count) for each in not_sent
                ),
                silent_since=self.directory.silent_since,
                complete=tenancies.complete,
            )
            owed.append(Owed(f"digest:{day}:{channel_id}", "digest", channel_id, digest.model_dump_json()))
        await self.outbox.owe(owed, now)
        self.owed.add(day)
        self.something_owed.set()


@dataclass(frozen=True, slots=True)
class SendDigest:
    """How the outbox sends it."""

    client: AsyncWebClient
    now: Callable[[], datetime]

    async def send(self, owed: Owed) -> str:
        """Post it, unless it is too late for a good morning."""
        digest = Digest.model_validate_json(owed.payload)
        if self.now() - digest.due_at >= GRACE:
            raise TooLate
        return await post(self.client, owed.channel_id, render_digest(digest))
