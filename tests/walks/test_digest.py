"""The morning digest: in the right channels, at the right time, and once."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo import Demo, demo
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.server import SandboxSlack
from tests.walks.conftest import Town, a_slack, a_stora
from tests.walks.test_units import labels

EVERYBODYS, CAMDENS = "C0RESERVE", "C0APPROVE"


def due(minutes_ago: float) -> dict[str, Any]:
    """Settings by which the digest was due so long ago."""
    then = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {"digest_time": f"{then:%H:%M}", "digest_timezone": "Etc/UTC"}


def digests(slack: SandboxSlack, channel: str = EVERYBODYS) -> list[Message]:
    return [each for each in slack.workspace.messages.get(channel, []) if "Good morning" in each.text]


async def test_it_is_told_what_the_desk_needs_in_the_morning(town: Town) -> None:
    stora = a_stora()
    world, now = stora.world, datetime.now(UTC) - timedelta(minutes=5)  # the day of the digest, also at midnight
    camden = next(each for each in world.sites.values() if each["name"] == "Camden")
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    contact = world.add_contact("Aaron <!channel> Early", "aaron@example.com", now)
    tenancy = world.add_tenancy(contact["id"], camden["id"], midnight, now)
    at_work = await town(stora=stora, **due(5))
    [digest] = await at_work.slack.until(lambda: digests(at_work.slack), seconds=6)
    free = sum(each["status"] == "available" and each["site"]["id"] == camden["id"] for each in world.units.values())
    assert f"*Camden*\n🟢 {free} available" in digest.text
    shown = str(digest.blocks)
    for site in world.sites.values():
        assert f"*{site['name']}*" in shown
    today = re.search(r"\*Camden\*.*?Move-ins: (\d+) today \((\d+) without a unit\)", digest.text, re.DOTALL)
    assert today
    starting = [
        each
        for each in world.tenancies.values()
        if each["site"]["id"] == camden["id"] and str(each["starts_at"]).startswith(f"{now:%Y-%m-%d}")
    ]
    assert int(today[1]) == len(starting)
    assert "Waiting for a unit" in shown
    assert "Aaron &lt;!channel&gt; Early" in shown or tenancy["id"] not in {
        each.id for each in at_work.bot.tenancies.known.in_order[:5]
    }
    assert f"/tenancies/{at_work.bot.tenancies.known.in_order[0].id}|Open in Backoffice>" in shown
    assert labels(digest) == []
    await asyncio.sleep(2.5)
    assert len(digests(at_work.slack)) == 1


async def test_a_site_with_a_channel_of_its_own_is_told_about_there(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    at_work = await town(stora=stora, notify_site_channels={camden: CAMDENS}, **due(0))
    await at_work.slack.until(lambda: digests(at_work.slack) and digests(at_work.slack, CAMDENS), seconds=6)
    assert "*Camden*" not in digests(at_work.slack)[0].text
    assert "*Hackney Wick*" in digests(at_work.slack)[0].text
    assert "*Camden*" in digests(at_work.slack, CAMDENS)[0].text
    assert "*Hackney Wick*" not in digests(at_work.slack, CAMDENS)[0].text


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({}, id="no time"),
        pytest.param({**due(121)}, id="two hours too late"),
        pytest.param({**due(-30)}, id="not yet"),
        pytest.param({**due(5), "notify_channel": None}, id="no channel"),
    ],
)
async def test_otherwise_nobody_is_told(town: Town, chosen: dict[str, Any]) -> None:
    at_work = await town(**chosen)
    await asyncio.sleep(2.5)
    assert [digests(at_work.slack, channel) for channel in (EVERYBODYS, CAMDENS)] == [[], []]


async def started(at_work: Demo) -> None:
    await asyncio.gather(at_work.bot.directory.sweep(), at_work.bot.tenancies.refresh())


async def test_a_restart_does_not_repeat_it(tmp_path: Path) -> None:
    slack, stora = a_slack(), a_stora()
    database = f"sqlite+aiosqlite:///{tmp_path}/kept.db"
    for _ in range(2):
        async with demo(slack=slack, stora=stora, database_url=database, **due(10)) as at_work:
            await started(at_work)
            await slack.until(lambda: digests(slack), seconds=6)
            await asyncio.sleep(2)
    assert len(digests(slack)) == 1
    assert slack.problems == []


async def test_a_bot_that_was_down_at_the_time_tells_within_two_hours(town: Town) -> None:
    at_work = await town(**due(110))
    await at_work.slack.until(lambda: digests(at_work.slack), seconds=6)


async def test_what_slack_does_not_take_for_now_is_sent_later(town: Town) -> None:
    slack = a_slack()
    slack.faults.rate_limit("chat.postMessage", seconds=1)
    at_work = await town(slack=slack, **due(1))
    await at_work.slack.until(lambda: digests(at_work.slack), seconds=8)
    await asyncio.sleep(1.5)
    assert len(digests(at_work.slack)) == 1
