"""What happens by the clock, until the bot ends."""

from collections.abc import Awaitable, Callable
from datetime import time
from zoneinfo import ZoneInfo

from bot.jobs.ask import Ask
from bot.jobs.digest import Digests, SendDigest
from bot.jobs.follow import Follow
from bot.jobs.outbox import Send
from bot.jobs.redraw import Redraw
from bot.jobs.requests import Requests
from bot.jobs.settle import Settle
from bot.jobs.tidy import Tidy
from bot.start.parts import Parts

SLOWEST_OUTBOX, SLOWEST_SETTLE = 30.0, 180.0
"""Seconds in which these jobs get something done even when everything is slow: they look every second, but settling
waits for Stora."""

Job = Callable[[], Awaitable[None]]


def jobs_of(parts: Parts) -> list[Job]:
    """What happens by the clock, until the bot ends."""
    stora, now, single_shot = parts.stora, parts.now, parts.clients.single_shot
    requests = Requests(single_shot, parts.deliver, parts.approvals, parts.something_owed, now)
    jobs: list[Job] = [
        Settle(
            parts.reservations,
            parts.carry_out,
            parts.outcomes,
            parts.deliver,
            now,
            turned=parts.turns.of("settle", SLOWEST_SETTLE),
        ).run,
        Send(
            single_shot,
            stora.writes,
            parts.outbox,
            parts.something_owed,
            now,
            name_of=parts.people.name_of,
            turned=parts.turns.of("outbox", SLOWEST_OUTBOX),
            ways={"request": requests.draw, "answer": requests.answer, "digest": SendDigest(single_shot, now).send},
            giving_up={"request": requests.never_posted},
        ).run,
        requests.run,
        stora.recorder.run,
        Redraw(single_shot, parts.shown, stora.directory, parts.follower, parts.settings.page_size, now).run,
        stora.budget.watch,
        stora.directory.keep_fresh,
        stora.tenancies.keep_fresh,
        Ask(stora.client, parts.follower, now).run,
        Tidy(parts.engine, now).run,
    ]
    if parts.settings.digest_time is not None and parts.settings.digest_timezone is not None:
        at, zone = time.fromisoformat(parts.settings.digest_time), ZoneInfo(parts.settings.digest_timezone)
        digests = Digests(
            stora.directory,
            stora.tenancies,
            parts.reservations,
            parts.outbox,
            parts.channels,
            at,
            zone,
            parts.something_owed,
            now,
        )
        jobs.append(digests.run)
    if parts.engine.dialect.name == "postgresql":  # on SQLite there is nobody to follow
        jobs.append(Follow(parts.engine, parts.follower).run)
    return jobs
