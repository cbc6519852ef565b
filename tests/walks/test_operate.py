"""What whoever is on call sees: readiness, metrics, one line for each request, `/unitbot status`, and the image."""

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.core.problems import Problem
from bot.demo import Demo
from bot.slack.socket import PING_INTERVAL
from bot.start.work import DRAIN_SECONDS
from tests.log_search import Watch
from tests.walks.conftest import Town, a_stora, locked
from tests.walks.test_reserve import Pair, announcements, card_of, confirmed, says
from tests.walks.test_reserve_database import address
from tests.walks.test_units import DESK, FIONA, answer, everything

OMAR = "U0OMAR"
ROOT = Path(__file__).parent.parent.parent


async def got(at_work: Demo, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(at_work.bot.url + path)


async def ready(at_work: Demo) -> tuple[int, dict[str, str]]:
    """The status of `/readyz`, and what it says of each part that fails."""
    response = await got(at_work, "/readyz")
    body: dict[str, dict[str, str]] = response.json()
    assert all(part.keys() == {"status", "detail"} for part in body.values())
    assert {"settings", "database", "slack", "stora", "directory"} <= body.keys()
    return response.status_code, {name: part["detail"] for name, part in body.items() if part["status"] == "failing"}


async def ready_again(at_work: Demo, seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while (await ready(at_work))[0] != 200:
            await asyncio.sleep(0.2)


async def swept(at_work: Demo) -> None:
    """Stora is asked, whatever comes of it."""
    with contextlib.suppress(Problem):
        await at_work.bot.directory.sweep()


async def test_whoever_has_everything_is_ready_and_says_what_it_has(both_ways: Demo) -> None:
    assert await ready(both_ways) == (200, {})
    body = (await got(both_ways, "/readyz")).json()
    assert "80 units as of 20" in body["directory"]["detail"]


async def test_a_probe_costs_stora_nothing_and_slack_next_to_nothing(town: Town) -> None:
    at_work = await town()
    asked = len(at_work.slack.calls)
    for _ in range(50):
        assert (await ready(at_work))[0] == 200
    assert at_work.stora.received == []
    assert len(at_work.slack.calls) == asked + 1


async def test_until_the_inventory_is_there_nobody_is_ready(town: Town) -> None:
    stora = a_stora()
    held = stora.faults.hold(method="GET", times=None)
    at_work = await town(swept=False, stora=stora)
    status, failing = await ready(at_work)
    assert (status, set(failing)) == (503, {"directory", "stora"})
    assert failing["directory"].startswith("not read yet")
    assert failing["stora"] == "says nothing for 2 s"
    held.set()
    stora.faults.clear()
    await ready_again(at_work)


async def test_a_stora_that_is_down_is_noticed_and_so_is_its_return(town: Town) -> None:
    at_work = await town()
    at_work.stora.faults.down = True
    await swept(at_work)
    status, failing = await ready(at_work)
    assert (status, failing["stora"]) == (503, "does not answer")
    at_work.stora.faults.clear()
    await swept(at_work)
    assert await ready(at_work) == (200, {})


async def test_a_token_that_was_withdrawn_is_noticed(town: Town) -> None:
    at_work = await town()
    at_work.stora.revoke_tokens()
    await swept(at_work)
    status, failing = await ready(at_work)
    assert (status, failing["stora"]) == (503, "does not accept our token or client (HTTP 401)")


@pytest.mark.parametrize("reason", ["token_revoked", "account_inactive"])
async def test_a_slack_that_does_not_know_us_any_more_is_noticed_and_so_is_its_return(town: Town, reason: str) -> None:
    at_work = await town()
    at_work.slack.faults.error(reason, "auth.test", times=None)
    assert await ready(at_work) == (503, {"slack": f"auth.test: {reason}"})
    at_work.slack.faults.clear()
    await ready_again(at_work)


async def test_a_database_that_others_hold_is_noticed_and_so_is_its_return(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "unitbot.db"
    at_work = await town(database_url=address(file))
    async with locked(file):
        status, failing = await ready(at_work)
    assert (status, set(failing)) == (503, {"database"})
    await ready_again(at_work)


async def test_a_connection_that_is_gone_is_noticed_and_so_is_its_return(town: Town) -> None:
    at_work = await town(socket_mode=True)
    await ready_again(at_work)
    at_work.slack.drop_sockets()
    async with asyncio.timeout(5):
        while (await ready(at_work))[1] != {"socket_mode": "not connected just now"}:
            await asyncio.sleep(0.1)
    await ready_again(at_work, seconds=2 * PING_INTERVAL)


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


async def test_every_metric_of_the_contract_is_there_after_one_command(both_ways: Demo) -> None:
    await both_ways.slack.command(FIONA, DESK, "/units site=Camden")
    found: dict[str, list[dict[str, str]]] = {}
    for name, labels, _ in samples((await got(both_ways, "/metrics")).text):
        found.setdefault(name, []).append(labels)
    assert found["unitbot_commands_total"] == [{"command": "/units", "outcome": "ok"}]
    assert found["unitbot_stora_requests_total"][0].keys() == {"method", "route", "status"}
    assert found["unitbot_reservations_total"][0].keys() == {"outcome"}
    assert {
        "unitbot_answer_seconds_bucket",
        "unitbot_answer_seconds_count",
        "unitbot_stora_budget_remaining",
        "unitbot_directory_units",
        "unitbot_directory_age_seconds",
        "unitbot_outbox_pending",
    } <= found.keys()
    assert all(name.startswith("unitbot_") for name in found)


async def test_whatever_people_type_and_press_makes_no_new_label(town: Town) -> None:
    at_work = await town()
    units = list(at_work.stora.world.units)[:40]
    for number, unit_id in enumerate(units):
        await at_work.slack.command(FIONA, DESK, f"/units {unit_id}")
        await at_work.slack.command(FIONA, DESK, f"/units q={number}-nonsense-{unit_id}")
        await at_work.slack.command(FIONA, DESK, f"/unitbot topic-{number}")
        await swept_one(at_work, unit_id)
    labels = [labels for _, labels, _ in samples((await got(at_work, "/metrics")).text)]
    assert {each["command"] for each in labels if "command" in each} == {"/units", "/unitbot"}
    assert {each["outcome"] for each in labels if "command" in each} <= {"ok", "NoMatch"}
    routes = {each["route"] for each in labels if "route" in each}
    assert "/units/{id}" in routes
    assert not [value for each in labels for value in each.values() if re.search("unit_[0-9a-f]|nonsense|topic", value)]


async def swept_one(at_work: Demo, unit_id: str) -> None:
    await at_work.bot.directory.ask_unit(unit_id)


async def test_a_reservation_is_counted_once_with_what_became_of_it(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    await at_work.slack.until(lambda: announcements(at_work))
    told = {
        labels["outcome"]: value
        for name, labels, value in samples((await got(at_work, "/metrics")).text)
        if name == "unitbot_reservations_total"
    }
    assert told == {"done": 1, "refused": 0, "unknown": 0}
    assert 'command="confirm",outcome="ok"' in (await got(at_work, "/metrics")).text


async def test_the_owed_are_counted_while_slack_does_not_take_them(town: Town) -> None:
    at_work = await town()
    at_work.slack.faults.rate_limit("chat.postMessage", seconds=30, times=None)
    card = await card_of(at_work, Pair(at_work).by_ids)
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    pending = [value for name, _, value in samples((await got(at_work, "/metrics")).text) if "outbox" in name]
    assert pending == [1]


class Lines:
    """What the bot logs, line by line."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def write(self, text: str) -> int:
        self.entries.append(json.loads(text))
        return len(text)

    async def requests(self, count: int) -> list[dict[str, Any]]:
        """The lines of so many requests, each of which is written when all is done."""
        async with asyncio.timeout(8):
            while len(lines := [entry for entry in self.entries if entry["event"] == "request"]) < count:
                await asyncio.sleep(0.01)
        return lines


@pytest.fixture
def lines(logs: Watch) -> Iterator[Lines]:
    kept = Lines()
    earlier = logs.handler.setStream(kept)  # type: ignore[attr-defined]
    yield kept
    logs.handler.setStream(earlier)  # type: ignore[attr-defined]


async def test_each_request_is_one_line_with_what_came_of_it_and_without_what_was_typed(
    both_ways: Demo, lines: Lines
) -> None:
    await both_ways.slack.command(FIONA, DESK, "/units site=Camden status=available")
    refused = answer(await both_ways.slack.command(FIONA, DESK, "/units site=Atlantis"))
    [first, second] = await lines.requests(2)
    assert (first["command"], first["outcome"], first["user"]) == ("/units", "ok", FIONA)
    assert 0 <= first["seconds"] < 3
    assert second["outcome"] == "NoMatch"
    assert second["reference"] != first["reference"]
    assert "Atlantis" in everything(refused)
    assert "Atlantis" not in json.dumps(lines.entries)


async def test_the_line_of_a_failure_carries_the_reference_that_the_person_sees(town: Town, lines: Lines) -> None:
    stora = a_stora()
    stora.faults.down = True
    at_work = await town(swept=False, stora=stora)
    failed = await at_work.slack.command(FIONA, DESK, "/units limit=3")
    [line] = await lines.requests(1)
    assert (line["command"], line["outcome"]) == ("/units", "StoraDown")
    assert "StoraDown(cause=" in line["problem"]
    await at_work.slack.until(lambda: failed.messages)
    assert line["reference"] in everything(failed.messages[-1])


async def test_status_shows_the_health_to_those_who_run_the_bot_and_to_nobody_else(town: Town) -> None:
    at_work = await town()
    at_work.slack.faults.error("token_revoked", "auth.test", times=None)
    for_fiona = everything(answer(await at_work.slack.command(FIONA, DESK, "/unitbot status")))
    assert "token_revoked" not in for_fiona
    assert "Stora's limit" in for_fiona
    for_omar = everything(answer(await at_work.slack.command(OMAR, DESK, "/unitbot status")))
    assert ":warning: slack: auth.test: token_revoked" in for_omar
    assert "✅ database: sqlite can be written to" in for_omar


def dockerfile() -> list[str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_runs_as_somebody_without_rights_and_keeps_its_memory_in_a_volume() -> None:
    lines = dockerfile()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    [user] = [line for line in last_stage if line.startswith("USER ")]
    assert user not in {"USER root", "USER 0"}
    assert "VOLUME /data" in last_stage
    assert last_stage.index(user) < last_stage.index('ENTRYPOINT ["unitbot"]')
    assert not [line for line in last_stage[last_stage.index(user) :] if line.startswith(("RUN", "COPY", "ADD"))]


def test_the_readme_shows_replicas_that_stop_in_peace_and_write_nowhere() -> None:
    [compose] = re.findall(r"```yaml\n# compose\.yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    bot = yaml.safe_load(compose)["services"]["unitbot"]
    assert (bot["deploy"]["replicas"], bot["read_only"]) == (3, True)
    assert bot["environment"]["DATABASE_URL"].startswith("postgresql+asyncpg://")
    assert int(bot["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS + 2


async def health_check(port: str) -> int | None:
    [line] = [line for line in dockerfile() if line.startswith("HEALTHCHECK ")]
    command = json.loads(line[line.index("CMD ") + 4 :])
    assert command[0] == "python"
    running = await asyncio.create_subprocess_exec(
        sys.executable, *command[1:], env={"PORT": port}, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(20):
        return await running.wait()


async def test_the_images_health_check_tells_a_living_bot_from_a_dead_one(town: Town) -> None:
    at_work = await town()
    port = at_work.bot.url.rpartition(":")[2]
    assert await health_check(port) == 0
    at_work.stora.faults.down = True  # not ready, perhaps, but alive: a restart would mend nothing
    assert await health_check(port) == 0
    assert await health_check("9") == 1
