"""`GET /metrics` for Prometheus: few names, and labels from short lists, never an id or a word that somebody typed."""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import httpx
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.core.problems import DatabaseUnusable
from bot.stora.budget import Budget
from bot.stora.directory import Directory
from bot.stora.endpoints import EVENT_TYPES
from bot.store.outbox import Outbox

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0, 25.0)
"""Buckets for answers: fine below the three seconds of the promise, coarse up to a person's patience with Stora."""
LONGEST_SCRAPE = 2.0
"""Seconds that a scrape waits for the database; Prometheus gives ten, and wants the other figures all the same."""
DEEPEST = 3
"""Parts of the longest path that the bot asks for: `/units/{id}/reserve`."""


class Metrics:
    """What is counted as it happens. A registry of its own: nothing is shared with another bot in the process."""

    def __init__(self, stora_api_url: str, stora_api_version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the page, and nobody asked for them
        self.registry = CollectorRegistry()
        self._prefix = urlsplit(stora_api_url).path.rstrip("/")
        self._version = f"/{stora_api_version}/"
        self._commands = Counter(
            "unitbot_commands_total",
            "Requests from Slack, by what was asked for and how it ended.",
            ("command", "outcome"),
            registry=self.registry,
        )
        self._answers = Histogram(
            "unitbot_answer_seconds",
            "Seconds from a request of Slack's to the end of its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._stora = Counter(
            "unitbot_stora_requests_total",
            "Requests to Stora, by route and status; the status is `none` where no answer came.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._reservations = Counter(
            "unitbot_reservations_total",
            "Confirmed reservations, by what became of them; an unknown one is counted again when it is found out.",
            ("outcome",),
            registry=self.registry,
        )
        self._webhooks = Counter(
            "unitbot_webhooks_total",
            "Stora's events: new, repeated, or refused with a status.",
            ("type", "outcome"),
            registry=self.registry,
        )
        for outcome in ("done", "refused", "unknown"):
            self._reservations.labels(outcome)  # a rate needs a zero to rise from

    def answered(self, command: str, outcome: str, seconds: float) -> None:
        """A request of Slack's has been dealt with."""
        self._commands.labels(command, outcome).inc()
        self._answers.observe(seconds)

    def heard(self, request: httpx.Request, status: int | None) -> None:
        """A request to Stora has come to its end."""
        self._stora.labels(request.method, self.route(request.url.path), "none" if status is None else status).inc()

    def reserved(self, outcome: str) -> None:
        """A confirmed reservation has come to this."""
        self._reservations.labels(outcome).inc()

    def webhook(self, type_: str, outcome: str) -> None:
        """One of Stora's events has come; of those that the bot does not know, and of what is no event, all are one."""
        self._webhooks.labels(type_ if type_ in EVENT_TYPES else "other", outcome).inc()

    def route(self, path: str) -> str:
        """The template of a path: a resource's id is always the second part behind the version."""
        path = path.removeprefix(self._prefix)
        if not path.startswith(self._version):
            return path if path in {"/oauth2/token", "/oauth2/token/info"} else "other"
        parts = path.removeprefix(self._version).split("/")
        if len(parts) > DEEPEST:
            return "other"
        return "/" + "/".join("{id}" if place == 1 else part for place, part in enumerate(parts))


class Scrape:
    """The page itself: what was counted, and what is read at this moment."""

    def __init__(
        self, metrics: Metrics, budget: Budget, directory: Directory, outbox: Outbox, now: Callable[[], datetime]
    ) -> None:
        self._directory = directory
        self._outbox = outbox
        self._now = now
        self._registry = registry = metrics.registry
        left = Gauge("unitbot_stora_budget_remaining", "Requests to Stora left in this minute.", registry=registry)
        left.set_function(lambda: budget.remaining)
        units = Gauge("unitbot_directory_units", "Units in the copy of the inventory.", registry=registry)
        units.set_function(self._units)
        age = Gauge("unitbot_directory_age_seconds", "Seconds since the inventory was read.", registry=registry)
        age.set_function(self._age)
        self._pending = Gauge("unitbot_outbox_pending", "Announcements and notes that are owed.", registry=registry)

    async def answer(self, _request: web.Request) -> web.Response:
        """Answer `GET /metrics`."""
        self._pending.set(await self._owed())
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    def _units(self) -> float:
        return len(self._directory.inventory.units) if self._directory.inventory else 0

    def _age(self) -> float:
        picture = self._directory.inventory
        return math.inf if picture is None else max(0.0, (self._now() - picture.read_at).total_seconds())

    async def _owed(self) -> float:
        try:
            async with asyncio.timeout(LONGEST_SCRAPE):
                return await self._outbox.pending()
        except (DatabaseUnusable, TimeoutError):
            return math.nan  # not known; a zero would be a lie, and no page at all would hide the other figures
