"""Reserving while the database is locked, and starting on one that cannot be used."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from structlog.testing import capture_logs

from bot.demo import Demo
from bot.sandbox.loopback import serve
from bot.sandbox.slack.nouns import Message
from bot.store.database import opened
from tests.walks.conftest import Town, a_slack, a_stora, locked
from tests.walks.test_http import process, settings
from tests.walks.test_reserve import RESERVE_ROUTE, Pair, announcements, card_of, confirmed, posts, says
from tests.walks.test_reserve_kills import eventually
from tests.walks.test_units import DESK, FIONA, answer, labels, rows

GIVEN_UP = 13.0
"""Seconds: five for one's turn to write, five for the lock, and some for a busy machine."""


def address(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "unitbot.db"


def kept(file: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


async def time_passes(file: Path, table: Literal["decisions", "outbox"]) -> None:
    """Whoever worked on something has had time enough; what they hold is anybody's now."""
    async with locked(file) as other:
        assert other.execute(f"UPDATE {table} SET lease_until = '2026-01-01 00:00:00.000000'").rowcount  # noqa: S608 - one of two


def told(at_work: Demo, channel: str = DESK) -> list[Message]:
    seen = at_work.slack.workspace.messages.get(channel, [])
    return [each for each in seen if each.user == "U0UNITBOT" and each.ephemeral_to in {None, FIONA}]


async def test_a_lock_at_the_click_keeps_everything_from_stora_and_pressing_again_works(town: Town, file: Path) -> None:
    at_work = await town(database_url=address(file))
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    before = len(told(at_work))
    at_work.stora.received.clear()
    async with locked(file):
        await confirmed(at_work, card)  # acknowledged within Slack's three seconds
        # Looking needs no memory: a list, a unit's card, and a click in the list go on as ever.
        listed = await at_work.slack.command(FIONA, DESK, "/units site=Camden limit=3")
        page = answer(listed)
        assert rows(page)
        seen = await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}")
        assert pair.unit["reference_id"] in answer(seen).text
        assert max(listed.seconds, seen.seconds) < 1
        await at_work.slack.click(FIONA, page, label="Next")
        await says(at_work, page, "page 2 of", seconds=1)
        await at_work.slack.until(
            lambda: [each for each in told(at_work)[before:] if "nothing was sent" in each.text], seconds=GIVEN_UP
        )
    assert posts(at_work) == []
    assert at_work.stora.received == []
    assert labels(card) == ["Confirm reservation", "Cancel"]
    assert kept(file, "SELECT state, confirmed_by FROM decisions") == [("proposed", None)]
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    await at_work.slack.until(lambda: announcements(at_work))
    assert len(posts(at_work)) == len(announcements(at_work)) == 1
    results = kept(file, "SELECT result FROM audit ORDER BY id")
    assert results == [("asked",), ("confirmed",), ("done",)]


async def test_a_lock_at_the_record_leaves_the_outcome_unknown_until_it_has_gone(town: Town, file: Path) -> None:
    at_work = await town(database_url=address(file))
    pair, late, rival = Pair(at_work), Pair(at_work, nth=1), Pair(at_work, nth=2)
    card, too_late = await card_of(at_work, pair.by_ids), await card_of(at_work, late.by_ids)
    thinking = at_work.stora.faults.hold(method="POST", route=RESERVE_ROUTE, times=2)
    await confirmed(at_work, card)
    await confirmed(at_work, too_late)
    at_work.stora.world.reserve(late.unit["id"], rival.tenancy["id"], datetime.now(UTC))
    await eventually(lambda: len(posts(at_work)) == 2)
    async with locked(file):
        thinking.set()
        for each in (card, too_late):
            await says(at_work, each, "not known", seconds=GIVEN_UP)
            assert "was not reserved" not in each.text
            assert labels(each) == []
        assert announcements(at_work) == []
    assert at_work.stora.world.units[pair.unit["id"]]["status"] == "reserved"
    assert kept(file, "SELECT DISTINCT state FROM decisions") == [("claimed",)]
    await time_passes(file, "decisions")
    await says(at_work, card, "is reserved for", seconds=8)
    await says(at_work, too_late, "was not reserved", seconds=8)
    assert "is not available: it is reserved" in too_late.text  # Stora's own words
    direct = at_work.slack.workspace.direct_message(FIONA).id
    await at_work.slack.until(lambda: len(told(at_work, direct)) == 2 and announcements(at_work))
    assert sorted("is reserved for" in each.text for each in told(at_work, direct)) == [False, True]
    await asyncio.sleep(0.2)
    ours = [each for each in announcements(at_work) if "By <@" in each.text]  # the rival's is not by anybody in Slack
    assert [pair.unit["reference_id"] in each.text for each in ours] == [True]
    assert len({each.headers["Idempotency-Key"] for each in posts(at_work)}) == 2
    assert [each.path for each in posts(at_work)].count(posts(at_work)[0].path) == 1  # Stora was asked what it shows
    results = kept(file, "SELECT result FROM audit WHERE result NOT IN ('asked', 'confirmed') ORDER BY result")
    assert results == [("done",), ("refused",)]


async def test_an_announcement_that_cannot_be_recorded_is_not_repeated(town: Town, file: Path) -> None:
    at_work = await town(database_url=address(file))
    card = await card_of(at_work, Pair(at_work).by_ids)
    arriving = at_work.slack.faults.hold("chat.postMessage")
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    await arriving.reached.wait()
    with capture_logs() as logs:
        async with locked(file):
            arriving.release()
            await eventually(lambda: [each for each in logs if each["event"].startswith("outbox not")], GIVEN_UP)
        assert kept(file, "SELECT state FROM outbox") == [("owed",)]
    assert len(announcements(at_work)) == 1
    await time_passes(file, "outbox")
    await eventually(lambda: kept(file, "SELECT state FROM outbox") == [("sent",)])
    assert len(announcements(at_work)) == 1


async def test_a_lock_that_goes_in_time_is_not_noticed(town: Town, file: Path) -> None:
    at_work = await town(database_url=address(file))
    card = await card_of(at_work, Pair(at_work).by_ids)
    async with locked(file):
        pressed = await confirmed(at_work, card)
        await asyncio.sleep(0.2)
        assert pressed.messages == []
        assert posts(at_work) == []
    await says(at_work, card, "is reserved for")
    await at_work.slack.until(lambda: announcements(at_work))
    assert len(posts(at_work)) == len(announcements(at_work)) == 1


async def spoilt(file: Path, how: str) -> str:
    """A database that cannot be used. Whoever runs the tests may be root, whom no permission stops."""
    match how:
        case "in no folder":
            return address(file.parent / "nowhere" / file.name)
        case "a folder":
            return address(file.parent)
        case "of something else":
            content = b"Dear diary, " * 1000
        case _:
            async with opened(address(file)):
                pass
            content = file.read_bytes()  # noqa: ASYNC240 - nobody waits
            # https://www.sqlite.org/fileformat.html: of a version for writing that is unknown, it is for reading only.
            content = content[:18] + b"\x03" + content[19:]
    file.write_bytes(content)  # noqa: ASYNC240 - the same
    return address(file)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("in no folder", "No such file or directory"),
        ("a folder", "cannot be opened"),
        ("of something else", "not a SQLite database"),
        ("read-only", "may not be written to"),
    ],
)
async def test_a_database_that_cannot_be_used_ends_the_start_with_the_reason(file: Path, how: str, why: str) -> None:
    slack, stora = a_slack(), a_stora()
    url = await spoilt(file, how)
    async with (
        slack.serving(),
        serve(stora.application()) as stora_url,
        process(**settings(slack, stora_url, DATABASE_URL=url)) as bot,
    ):
        async with asyncio.timeout(15):
            _, complaint = await bot.communicate()
        assert bot.returncode == 1
    last = complaint.decode().splitlines()[-1]
    assert last.startswith("DATABASE_URL: ")
    assert why in last
    assert str(file.parent) in last
    assert "Traceback" not in complaint.decode()
    assert stora.received == []
