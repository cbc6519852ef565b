"""Each channel hears its digest once a day, whatever restarts, clocks and other processes do."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.core.digest import GRACE, Digest
from bot.core.reservations import Outcome
from bot.core.telling import Channels
from bot.core.tenancies import Tenancies
from bot.jobs.digest import PATIENCE, Digests, SendDigest
from bot.jobs.outbox import Send
from bot.sandbox.slack.server import SandboxSlack
from bot.store.outbox import Due
from tests.jobs.office import (
    CAMDENS,
    EVERYBODYS,
    SECOND,
    START,
    Office,
    an_office,
    at_work,
    locked_for_a_while,
)
from tests.jobs.test_settle import until

LONDON = ZoneInfo("Europe/London")
DUE = time(9, 0)
"""Half an hour before the clock's beginning."""


def digests(office: Office, at: time = DUE, zone: str = "Europe/London") -> Digests:
    """The job, as a process that has just started has it."""
    return Digests(
        office.directory,
        office.tenancies,
        office.reservations,
        office.outbox,
        office.channels,
        at,
        ZoneInfo(zone),
        office.something_owed,
        office.clock,
        every=0.01,
    )


async def owed(office: Office) -> list[Due]:
    return await office.outbox.claim(office.clock(), timedelta(seconds=30), 100)


async def keys(office: Office) -> list[str]:
    return [due.owed.key for due in await owed(office)]


async def test_what_is_due_is_owed_once_however_often_anybody_looks(office: Office) -> None:
    one, other = digests(office), digests(office)
    for _ in range(3):
        await asyncio.gather(one.look(), other.look())
    [due] = await owed(office)
    assert (due.owed.key, due.owed.kind, due.owed.channel_id) == (f"digest:2026-03-02:{CAMDENS}", "digest", CAMDENS)
    assert office.something_owed.is_set()
    digest = Digest.model_validate_json(due.owed.payload)
    assert (digest.day, digest.due_at) == (START.date(), datetime(2026, 3, 2, 9, tzinfo=UTC))
    [camden] = digest.sites
    assert (camden.name, camden.statuses, camden.waiting, camden.move_ins_soon) == ("Camden", {"available": 8}, 8, 8)
    assert len(digest.waiting) == 5
    assert digest.complete


async def test_a_restart_owes_it_no_second_time_even_after_it_was_sent(office: Office) -> None:
    await digests(office).look()
    [due] = await owed(office)
    await office.outbox.sent(due.id, office.clock(), "1.5")
    office.clock.pass_by(timedelta(hours=1))
    await digests(office).look()
    assert await office.outbox.pending() == 0


async def test_every_day_has_its_own_through_summer_time_and_back(office: Office) -> None:
    office.clock.at = datetime(2026, 3, 27, tzinfo=UTC)
    job = digests(office, time(1, 30))
    seen = {}
    for _ in range(5 * 48):
        office.clock.pass_by(timedelta(minutes=30))
        await job.look()
        for due in await owed(office):
            assert due.owed.key not in seen
            seen[due.owed.key] = f"{office.clock():%d %H:%M}"
            await office.outbox.sent(due.id, office.clock(), "1")
    assert {key.split(":")[1]: at for key, at in seen.items()} == {
        "2026-03-27": "27 01:30",
        "2026-03-28": "28 01:30",
        "2026-03-29": "29 01:30",  # 01:30 does not exist; this is 02:30 on the wall
        "2026-03-30": "30 00:30",
        "2026-03-31": "31 00:30",
    }


async def test_a_clock_that_steps_back_repeats_nothing(office: Office) -> None:
    job = digests(office)
    await job.look()
    office.clock.pass_by(timedelta(days=1))
    await job.look()
    office.clock.pass_by(timedelta(days=-1))
    await job.look()
    await digests(office).look()
    office.clock.pass_by(timedelta(days=1))
    assert await keys(office) == [f"digest:2026-03-0{day}:{CAMDENS}" for day in (2, 3)]


@pytest.mark.parametrize(
    ("later", "told"), [(GRACE - timedelta(minutes=31), True), (GRACE - timedelta(minutes=30), False)]
)
async def test_a_bot_that_was_down_tells_it_late_but_not_too_late(office: Office, later: timedelta, told: bool) -> None:  # noqa: FBT001
    office.clock.pass_by(later)
    await digests(office).look()
    assert bool(await owed(office)) == told


async def test_it_comes_on_time_and_not_before(office: Office) -> None:
    office.clock.at = datetime(2026, 3, 2, 8, 59, 59, tzinfo=UTC)
    job = digests(office)
    await job.look()
    assert await owed(office) == []
    office.clock.pass_by(SECOND)
    await job.look()
    assert len(await owed(office)) == 1


async def test_without_an_inventory_it_waits_for_one(office: Office) -> None:
    known, office.directory.inventory = office.directory.inventory, None
    job = digests(office)
    await job.look()
    assert await owed(office) == []
    office.directory.inventory = known
    await job.look()
    assert len(await owed(office)) == 1


async def test_until_all_tenancies_are_read_it_waits_but_not_for_ever(office: Office) -> None:
    office.clock.at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    office.tenancies.known = Tenancies(office.tenancies.known.by_id, office.clock(), complete=False)
    job = digests(office)
    office.clock.pass_by(PATIENCE - SECOND)
    await job.look()
    assert await owed(office) == []
    office.clock.pass_by(SECOND)
    await job.look()
    [due] = await owed(office)
    assert not Digest.model_validate_json(due.owed.payload).complete


async def test_what_was_reserved_yesterday_and_could_not_be_sent_is_told(office: Office) -> None:
    yesterday = START - timedelta(days=1)
    for number, at in enumerate((yesterday, yesterday, START, START - timedelta(days=2))):
        office.clock.at = at
        proposal = office.proposal(number)
        await office.confirmed(proposal)
        assert await office.reservations.settle(proposal.id, Outcome("done"), at, [])
    office.clock.at = START
    other = replace(digests(office), channels=Channels(EVERYBODYS, {}))
    await other.look()
    [due] = await owed(office)
    await office.outbox.give_up(due, office.clock(), "is_archived")
    await digests(office).look()
    [due] = await owed(office)
    digest = Digest.model_validate_json(due.owed.payload)
    assert digest.sites[0].reserved_yesterday == 2
    assert [(each.channel_id, each.error, each.count) for each in digest.not_sent] == [(EVERYBODYS, "is_archived", 1)]


def sending(office: Office, slack: SandboxSlack) -> Send:
    client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])
    return Send(
        client,
        office.writes,
        office.outbox,
        office.something_owed,
        office.clock,
        every=0.01,
        ways={"digest": SendDigest(client, office.clock).send},
    )


def told(slack: SandboxSlack) -> list[str]:
    return [each.text for each in slack.workspace.messages.get(CAMDENS, []) if "Good morning" in each.text]


async def test_two_processes_tell_it_once(office: Office, slack: SandboxSlack, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(an_office(tmp_path))
        both = (office, other)
        await stack.enter_async_context(at_work(*map(digests, both), *(sending(each, slack) for each in both)))
        await slack.until(lambda: told(slack))
        await asyncio.sleep(0.2)
    assert len(told(slack)) == 1
    assert "Monday 2 March" in told(slack)[0]


@pytest.mark.parametrize(
    ("later", "sent"), [(GRACE - timedelta(minutes=31), True), (GRACE - timedelta(minutes=30), False)]
)
async def test_one_that_was_owed_before_a_long_outage_is_sent_late_but_not_too_late(
    office: Office,
    slack: SandboxSlack,
    later: timedelta,
    sent: bool,  # noqa: FBT001
) -> None:
    await digests(office).look()
    office.clock.pass_by(later)
    async with at_work(sending(office, slack)):

        async def nothing_owed() -> bool:
            return not await office.outbox.pending()

        await until(nothing_owed)
    assert bool(told(slack)) == sent
    given_up = await office.outbox.given_up(START)
    assert [each.error for each in given_up] == ([] if sent else ["too late"])


@locked_for_a_while
async def test_a_database_that_is_locked_for_a_while_delays_it(office: Office) -> None:
    with capture_logs() as logs:
        async with at_work(digests(office)):
            async with office.locked():
                await asyncio.sleep(0.3)
            assert "digest not owed" in [entry["event"] for entry in logs]

            async def is_owed() -> bool:
                return await office.outbox.pending() == 1

            await until(is_owed)
