"""Send what is owed: announcements to channels, notes to Stora; nothing is lost, and nothing is sent by two."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.problems import DatabaseUnusable, NotFound, Problem, Refused, StoraLogin
from bot.core.reservations import Happening, Owed
from bot.render.announcements import mend_for, note_in_words, render_owed
from bot.slack.deliver import post
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
REFUSED_FOR = timedelta(hours=24)
"""How long a word of Slack's may stand in the way, whatever it is. An outage has none, and is waited for."""

PERMANENT = {
    "not_in_channel",
    "channel_not_found",
    "is_archived",
    "restricted_action",
    "restricted_action_read_only_channel",
    "missing_scope",
    "msg_too_long",
    "invalid_blocks",
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "no_text",
}
"""Slack's words for what will not mend itself; anything else is tried again."""


class NotYet(Exception):
    """What is owed must wait for something else that is; the text says for what."""


class TooLate(Exception):
    """Nobody wants to be told any more."""


Way = Callable[[Owed], Awaitable[str]]
"""Sends what is owed, and returns Slack's name of the message, empty without one. May raise what a call to Slack may,
``NotYet``, ``TooLate`` and ``DatabaseUnusable``."""


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
    turned: Callable[[], None] = lambda: None
    """Called after each look that the database answered."""
    ways: Mapping[str, Way] = field(default_factory=dict)
    """Kind of what is owed → how it is sent, beside announcements and notes."""
    held: dict[str, float] = field(default_factory=dict)
    """Channel → when, by ``clock``, Slack takes messages for it again."""
    served: set[str] = field(default_factory=set)
    """Channels that something is being sent to, each by a task of its own."""
    giving_up: Mapping[str, Callable[[Owed], Awaitable[None]]] = field(default_factory=dict)
    """Kind of what is owed → what must be done for those who wait for it, before it is given up."""
    posted: dict[int, str] = field(default_factory=dict)
    """What Slack has taken but the database has not recorded yet → the name of the message.

    One repetition is left: where the database is away from then until after the lease, another process may take the
    message up before this one can record it. Only Slack could prevent that, by a key like Stora's, which it has not.
    """

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
        self.turned()
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
                    await self.outbox.later(due, self.now() + timedelta(seconds=wait), "waits its turn")
                else:
                    await self._send(due)
        except DatabaseUnusable as problem:
            log.warning("outbox not brought up to date", reason=problem.reason)
        finally:
            self.served.discard(channel_id)
            self.something_owed.set()  # more may have come to be owed there meanwhile

    async def _send(self, due: Due) -> None:
        way = self.ways.get(due.owed.kind)
        if way:
            await self._to_its_end(self._by(way, due))
            return
        try:
            if due.owed.kind == "note":
                await self._note(due, Happening.model_validate_json(due.owed.payload))
                return
            message = render_owed(due.owed)
        except ValidationError:  # of a newer version, which may run beside us or again
            await self._later(due, "unreadable", LAST_RETRY)
            return
        await self._to_its_end(self._by(lambda owed: post(self.client, owed.channel_id, message), due))

    @staticmethod
    async def _to_its_end(sending: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(sending)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await task  # what Slack takes from us now must be recorded, or it will be sent once more
            raise

    async def _by(self, way: Way, due: Due) -> None:
        try:
            ts = await way(due.owed)
        except NotYet as waits_for:
            await self._later(due, str(waits_for))
        except TooLate:
            await self._give_up(due, "too late")
        except TROUBLE as trouble:
            reason, seconds, at = what_slack_said(trouble), seconds_to_wait(trouble), self.now()
            refused_at = at if reason.islower() and not seconds else None  # no HTTP status, no exception
            since = due.refused_since or at
            if reason in PERMANENT or (refused_at and at - since >= REFUSED_FOR):
                await self._give_up(due, reason)
                return
            if seconds:
                self.held[due.owed.channel_id] = self.clock() + seconds
            await self._later(due, reason, timedelta(seconds=seconds) if seconds else None, refused_at)
        else:
            self.posted[due.id] = ts
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

    async def _later(
        self, due: Due, reason: str, wait: timedelta | None = None, refused_at: datetime | None = None
    ) -> None:
        wait = wait or min(FIRST_RETRY * 2 ** min(due.attempts - 1, 10), LAST_RETRY)
        log.warning("not sent yet", owed=due.owed.key, reason=reason, again_in=wait.total_seconds())
        await self.outbox.later(due, self.now() + wait, reason, refused_at=refused_at)

    async def _give_up(self, due: Due, reason: str) -> None:
        log.error("given up", owed=due.owed.key, channel=due.owed.channel_id, reason=reason, mend=mend_for(reason))
        if due.owed.kind in self.giving_up:
            await self.giving_up[due.owed.kind](due.owed)
        await self.outbox.give_up(due, self.now(), reason)
