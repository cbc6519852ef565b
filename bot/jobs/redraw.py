"""Keep lists and cards in channels true: whoever sees `Reserve` beside a unit can believe it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.problems import DatabaseUnusable, StaleButton
from bot.render.shared import drawn_for_all
from bot.slack.trouble import OUTAGES, TROUBLE, seconds_to_wait, what_slack_said
from bot.stora.directory import Directory
from bot.stora.keeper import Follower
from bot.store.shown import Shared, Shown

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks at the database."""
SETTLED = timedelta(seconds=2)
"""How long a message waits for further changes: a sweep, and people, often change several units at once."""
APART = 1.2
"""Seconds between two updates: Slack takes 50 a minute (Tier 3)."""
LEASE = timedelta(seconds=30)
AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Redraw:
    """The job. Its Slack client retries nothing by itself."""

    client: AsyncWebClient
    shown: Shown
    directory: Directory
    follower: Follower
    page_size: int
    now: Callable[[], datetime]
    every: float = EVERY
    apart: float = APART
    settled: timedelta = SETTLED

    async def run(self) -> None:
        """Until cancelled: draw again what is no longer true."""
        while True:
            try:
                for one in await self.shown.claim(self.now(), self.settled, LEASE, AT_ONCE):
                    await self._redraw(one)
            except DatabaseUnusable as problem:
                log.warning("messages not kept true", reason=problem.reason)
            await asyncio.sleep(self.every)

    async def _redraw(self, one: Shared) -> None:
        await self.follower.catch_up()  # another process may have noticed the change
        began, inventory = time.monotonic(), self.directory.inventory
        if inventory is None:
            await self.shown.later(one.id, self.now())
            return
        try:
            message, unit_ids = drawn_for_all(one.query, inventory, self.page_size)
        except StaleButton:  # of another version, or of a unit that is gone
            await self.shown.forget(one.id)
            return
        try:
            await self.client.chat_update(
                channel=one.channel_id,
                ts=one.ts,
                text=message.text,
                blocks=[dict(block) for block in message.blocks],
            )
        except TROUBLE as trouble:
            reason = what_slack_said(trouble)
            if reason.islower() and reason not in OUTAGES and not seconds_to_wait(trouble):
                log.info("message left as it is", reason=reason)
                await self.shown.forget(one.id)
                return
            log.info("message not drawn again yet", reason=reason)
            await self.shown.later(one.id, self.now())
            await asyncio.sleep(seconds_to_wait(trouble) or self.apart)
        else:
            await self.shown.drawn(one.id, unit_ids)
            await asyncio.sleep(max(0.0, self.apart - (time.monotonic() - began)))
