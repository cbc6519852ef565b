"""Metrics: the names that a dashboard is built on, and labels that stay few whatever people type."""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.core.inventory import Inventory
from bot.core.problems import DatabaseUnusable, InventoryNotRead
from bot.metrics import LONGEST_SCRAPE, SECONDS, Metrics, Scrape
from bot.slack.failures import Net
from bot.slack.inflight import InFlight

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("https://public-api.stora.co", "2025-09")


def page(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/2025-09/units", "/units"),
        ("/2025-09/units/unit_1", "/units/{id}"),
        ("/2025-09/units/unit_1/reserve", "/units/{id}/reserve"),
        ("/2025-09/units/a/b/c", "other"),
        ("/oauth2/token", "/oauth2/token"),
        ("/oauth2/token/info", "/oauth2/token/info"),
        ("/oauth2/somewhere", "other"),
        ("/2024-01/units", "other"),
    ],
)
def test_a_route_is_a_template(metrics: Metrics, path: str, route: str) -> None:
    assert metrics.route(path) == route
    behind_a_gateway = Metrics("http://gateway.example/stora", "2025-09")
    assert behind_a_gateway.route("/stora" + path) == route


def test_a_thousand_ids_make_one_label(metrics: Metrics) -> None:
    for number in range(1000):
        url = f"https://public-api.stora.co/2025-09/units/unit_{number:016x}"
        metrics.heard(httpx.Request("GET", url), 200)
        metrics.heard(httpx.Request("POST", f"{url}/reserve"), None)
    lines = [line for line in page(metrics).splitlines() if line.startswith("unitbot_stora_requests_total{")]
    assert lines == [
        'unitbot_stora_requests_total{method="GET",route="/units/{id}",status="200"} 1000.0',
        'unitbot_stora_requests_total{method="POST",route="/units/{id}/reserve",status="none"} 1000.0',
    ]


def test_what_is_counted_is_on_the_page(metrics: Metrics) -> None:
    metrics.answered("/units", "ok", 0.02)
    metrics.answered("/units", "NoMatch", 2.9)
    metrics.reserved("done")
    text = page(metrics)
    assert 'unitbot_commands_total{command="/units",outcome="NoMatch"} 1.0' in text
    assert 'unitbot_answer_seconds_bucket{le="0.025"} 1.0' in text
    assert 'unitbot_answer_seconds_bucket{le="3.0"} 2.0' in text
    assert 'unitbot_reservations_total{outcome="done"} 1.0' in text
    assert 'unitbot_reservations_total{outcome="refused"} 0.0' in text
    assert "_created" not in text


def test_a_bucket_ends_where_the_promise_does() -> None:
    assert {1.0, 2.0, 3.0} <= set(SECONDS)
    assert list(SECONDS) == sorted(SECONDS)


class Told:
    """What a scrape reads: a budget, a directory and an outbox in one."""

    def __init__(self, inventory: Inventory | None, owed: int | Exception) -> None:
        self.remaining = 42
        self.inventory = inventory
        self._owed = owed

    async def pending(self) -> int:
        if isinstance(self._owed, Exception):
            raise self._owed
        return self._owed


async def scraped(metrics: Metrics, told: Any) -> dict[str, float]:
    scrape = Scrape(metrics, told, told, told, lambda: NOW)
    response = await scrape.answer(make_mocked_request("GET", "/metrics"))
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert isinstance(response.body, bytes)
    families = text_string_to_metric_families(response.body.decode())
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


async def test_gauges_are_read_at_the_scrape(metrics: Metrics) -> None:
    read = Inventory.of((), (), (), NOW - timedelta(seconds=90))
    values = await scraped(metrics, Told(read, 3))
    assert values["unitbot_stora_budget_remaining"] == 42
    assert values["unitbot_directory_units"] == 0
    assert values["unitbot_directory_age_seconds"] == 90
    assert values["unitbot_outbox_pending"] == 3


async def test_what_is_not_known_is_no_zero(metrics: Metrics) -> None:
    values = await scraped(metrics, Told(None, DatabaseUnusable("It is gone.")))
    assert values["unitbot_directory_age_seconds"] == float("inf")
    assert repr(values["unitbot_outbox_pending"]) == "nan"
    assert values["unitbot_stora_budget_remaining"] == 42


def test_a_scrape_ends_before_prometheus_gives_up() -> None:
    assert LONGEST_SCRAPE < 10


def test_two_bots_in_one_process_count_apart(metrics: Metrics) -> None:
    metrics.reserved("done")
    other = Metrics("https://public-api.stora.co", "2025-09")
    assert re.search(r'reservations_total\{outcome="done"\} 0\.0', page(other))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "ok"),
        (InventoryNotRead(), "InventoryNotRead"),
        (ZeroDivisionError(), "crashed"),
        (asyncio.CancelledError(), "cancelled"),
    ],
    ids=repr,
)
async def test_each_request_is_counted_once_with_how_it_ended(error: BaseException | None, outcome: str) -> None:
    counted: list[tuple[str, str]] = []
    nobody: Any = None  # a picker's net delivers nothing
    net = Net(nobody, InFlight(), lambda command, outcome, _seconds: counted.append((command, outcome)))

    async def suggest_units(_slack: AsyncArgs) -> list[dict[str, Any]]:
        if error:
            raise error
        return []

    class Args:
        """What Bolt gives a picker's listener."""

        body: ClassVar[dict[str, Any]] = {"user": {"id": "U0FIONA"}, "value": "Jane Doe"}

        async def ack(self, options: list[dict[str, Any]]) -> None:
            assert options == []

    args: Any = Args()
    with suppress(asyncio.CancelledError):
        await net.suggested(suggest_units)(args)
    assert counted == [("suggest_units", outcome)]


def test_events_are_counted_by_the_types_that_the_bot_knows(metrics: Metrics) -> None:
    metrics.webhook("unit.updated", "new")
    for number in range(100):
        metrics.webhook(f"tenant.{number}", "new")
    metrics.webhook("", "401")
    counted = [line for line in page(metrics).splitlines() if line.startswith("unitbot_webhooks_total{")]
    assert counted == [
        'unitbot_webhooks_total{outcome="new",type="unit.updated"} 1.0',
        'unitbot_webhooks_total{outcome="new",type="other"} 100.0',
        'unitbot_webhooks_total{outcome="401",type="other"} 1.0',
    ]
