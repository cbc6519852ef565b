"""Send what is owed: announcements to channels, notes to Stora; nothing is lost, and nothing is sent by two."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.problems import DatabaseUnusable, NotFound, Problem, Refused, StoraLogin
from bot.core.reservations import Happening
from bot.render.announcements import mend_for, note_in_words, render_announcement
from bot.slack.trouble import TROUBLE, seconds_to_wait, what_slack_said
from bot.stora.writes import StoraWrites
from bot.store.outbox import Due, Outbox

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks at the database; what this process owes itself wakes it at once."""
LEASE = timedelta(seconds=30)
"""How long what was claimed is ours. Nothing is sent in its second half: another process may come to think us dead."""
AT_ONCE = 20
FIRST_RETRY, LAST_RETRY = timedelta(seconds=2), timedelta(minutes=5)
"""Until what failed is tried again; doubled each time."""

PERMANENT = {
    "not_in_channel",
    "channel_not_found",
    "is_archived",
    "restricted_action",
    "restricted_action_read_only_channel",
    "missing_scope",
    "msg_too_long",
    "invalid_blocks",
    "no_text",
}
"""Slack's words for what will not mend itself; anything else is tried again."""


async def _the_id_itself(user_id: str) -> str:
    return user_id


@dataclass(frozen=True, slots=True)
class Send:
    """The job. Its Slack client retries nothing by itself: each attempt is one of ours, and counted."""

    client: AsyncWebClient
    writes: StoraWrites
    outbox: Outbox
    something_owed: asyncio.Event
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic
    every: float = EVERY
    lease: timedelta = LEASE
    name_of: Callable[[str], Awaitable[str]] = _the_id_itself
    """Slack user id → what the Backoffice knows the person by."""
    held: dict[str, float] = field(default_factory=dict)
    """Channel → when, by ``clock``, Slack takes messages for it again."""
    served: set[str] = field(default_factory=set)
    """Channels that something is being sent to, each by a task of its own."""
    posted: dict[int, str] = field(default_factory=dict)
    """What Slack has taken but the database has not recorded yet → the name of the message."""

    async def run(self) -> None:
        """Until cancelled: send what is due."""
        async with asyncio.TaskGroup() as lanes:
            while True:
                self.something_owed.clear()
                until = self.clock() + self.lease.total_seconds() / 2
                for channel_id, lane in (await self._claimed()).items():
                    self.served.add(channel_id)
                    lanes.create_task(self._lane(channel_id, lane, until))
                with suppress(TimeoutError):
                    # Not `wait_for`: until Python 3.12 it swallows a cancellation that comes together with the event.
                    async with asyncio.timeout(self.every):
                        await self.something_owed.wait()

    async def _claimed(self) -> dict[str, list[Due]]:
        """What is due, by channel, oldest first; nothing of channels that are served just now or must wait."""
        held = {channel_id for channel_id, until in self.held.items() if until > self.clock()}
        try:
            for due_id, ts in list(self.posted.items()):
                await self._record(due_id, ts)
            due = await self.outbox.claim(self.now(), self.lease, AT_ONCE, not_channels=held | self.served)
        except DatabaseUnusable as problem:
            log.warning("outbox not looked into", reason=problem.reason)
            return {}
        lanes: dict[str, list[Due]] = {}
        for one in due:
            lanes.setdefault(one.owed.channel_id, []).append(one)
        return lanes

    async def _lane(self, channel_id: str, lane: Sequence[Due], until: float) -> None:
        """One channel's announcements in their order, or the notes; a slow channel holds up no other."""
        try:
            for due in lane:
                wait = max(0.0, self.held.get(channel_id, 0.0) - self.clock())
                if wait or self.clock() >= until:
                    await self.outbox.later(due.id, self.now() + timedelta(seconds=wait), "waits its turn")
                else:
                    await self._send(due)
        except DatabaseUnusable as problem:
            log.warning("outbox not brought up to date", reason=problem.reason)
        finally:
            self.served.discard(channel_id)
            self.something_owed.set()  # more may have come to be owed there meanwhile

    async def _send(self, due: Due) -> None:
        try:
            happening = Happening.model_validate_json(due.owed.payload)
        except ValidationError:  # of a newer version, which may run beside us or again
            await self._later(due, "unreadable", LAST_RETRY)
            return
        if due.owed.kind == "note":
            await self._note(due, happening)
            return
        announcing = asyncio.ensure_future(self._announce(due, happening))
        try:
            await asyncio.shield(announcing)
        except asyncio.CancelledError:
            await announcing  # what Slack takes from us now must be recorded, or it will be sent once more
            raise

    async def _announce(self, due: Due, happening: Happening) -> None:
        message = render_announcement(happening)
        try:
            posted = await self.client.chat_postMessage(
                channel=due.owed.channel_id,
                text=message.text,
                blocks=[dict(block) for block in message.blocks],
                unfurl_links=False,
                unfurl_media=False,
            )
        except TROUBLE as trouble:
            reason = what_slack_said(trouble)
            if reason in PERMANENT:
                await self._give_up(due, reason)
                return
            seconds = seconds_to_wait(trouble)
            if seconds:
                self.held[due.owed.channel_id] = self.clock() + seconds
            await self._later(due, reason, timedelta(seconds=seconds) if seconds else None)
        else:
            self.posted[due.id] = ts = str(posted.get("ts") or "")
            await self._record(due.id, ts)

    async def _record(self, due_id: int, ts: str) -> None:
        await self.outbox.sent(due_id, self.now(), ts)
        self.posted.pop(due_id, None)

    async def _note(self, due: Due, happening: Happening) -> None:
        content = note_in_words(happening, await self.name_of(happening.by))
        try:
            # The same key at each attempt: a note that arrived, its answer lost, is not written twice.
            await self.writes.create_note(happening.unit_id, content, due.owed.key)
        except (Refused, NotFound, StoraLogin) as refusal:
            await self._give_up(due, type(refusal).__name__)
        except Problem as problem:
            await self._later(due, type(problem).__name__)
        else:
            await self.outbox.sent(due.id, self.now(), "")

    async def _later(self, due: Due, reason: str, wait: timedelta | None = None) -> None:
        wait = wait or min(FIRST_RETRY * 2 ** min(due.attempts - 1, 10), LAST_RETRY)
        log.warning("not sent yet", owed=due.owed.key, reason=reason, again_in=wait.total_seconds())
        await self.outbox.later(due.id, self.now() + wait, reason)

    async def _give_up(self, due: Due, reason: str) -> None:
        log.error("given up", owed=due.owed.key, channel=due.owed.channel_id, reason=reason, mend=mend_for(reason))
        await self.outbox.give_up(due.id, self.now(), reason)
