"""When the morning digest is due, whatever the clocks do, and what is counted in it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.digest import (
    GRACE,
    by_channel,
    count_sites,
    day_before,
    digest_due,
    digest_moment,
    move_in,
    soonest,
)
from bot.core.inventory import Inventory
from bot.core.telling import Channels
from tests.core.conftest import BRISTOL, CAMDEN, HACKNEY, KINGS, NOW, a_book, a_tenancy

ZONES = (
    "Europe/London",
    "Etc/UTC",
    "America/New_York",
    "America/Sao_Paulo",  # skipped midnight itself
    "America/Nuuk",  # skips the last hour of a day
    "Africa/Casablanca",  # changes around Ramadan
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # has no 30 December 2011
    "Pacific/Kwajalein",  # has no 21 August 1993
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
times = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))
moments = st.datetimes(datetime(1993, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone follows
near_changes = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2018, 11, 4, 3, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
        datetime(1993, 8, 21, 12, tzinfo=UTC),
    ]
)
SECOND = timedelta(seconds=1)


def lived(zone: ZoneInfo, start: datetime, hours: int) -> set[date]:
    """The dates that a calendar on the wall shows, one after the other."""
    return {(start + timedelta(minutes=5 * step)).astimezone(zone).date() for step in range(hours * 12)}


def looks(start: datetime, hours: int) -> Iterator[datetime]:
    return (start + timedelta(minutes=5 * step) for step in range(hours * 12))


@given(zone=zones, at=times, around=moments | near_changes)
@settings(max_examples=150, deadline=None)
def test_every_day_that_is_lived_is_due_once_and_no_other_day_ever(zone: ZoneInfo, at: time, around: datetime) -> None:
    start = around - timedelta(hours=60)
    due = [digest_due(now, at, zone) for now in looks(start, 120)]
    changes = [day for day, before in zip(due, [None, *due], strict=False) if day is not None and day != before]
    assert len(changes) == len(set(changes))
    within = lived(zone, start + timedelta(hours=26), 120 - 52)
    assert within <= set(changes) | {None}
    assert set(changes) <= lived(zone, start - timedelta(hours=30), 180)


@given(zone=zones, at=times, around=moments | near_changes)
@settings(max_examples=300, deadline=None)
def test_it_is_due_from_its_moment_until_the_grace_is_over(zone: ZoneInfo, at: time, around: datetime) -> None:
    day = around.astimezone(zone).date()
    moment = digest_moment(day, at, zone)
    assert digest_due(moment - SECOND, at, zone) != day
    assert digest_due(moment, at, zone) == day
    assert digest_due(moment + GRACE, at, zone) != day
    shown = moment.astimezone(zone)
    if shown.replace(tzinfo=None) == datetime.combine(day, at):
        assert shown.fold == 0, "of a time that comes twice, the first"
    else:
        assert shown.replace(tzinfo=None) > datetime.combine(day, at), "jumped over, never early"


@given(zone=zones, at=times, moment=moments | near_changes)
@settings(max_examples=200, deadline=None)
def test_whatever_is_due_began_lately(zone: ZoneInfo, at: time, moment: datetime) -> None:
    day = digest_due(moment, at, zone)
    assert day is None or timedelta(0) <= moment - digest_moment(day, at, zone) < GRACE


NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
HALF_PAST_TWO = time(2, 30)


@pytest.mark.parametrize(
    ("zone", "at", "moment", "day"),
    [
        (LONDON, time(8, 30), "2026-11-21T08:30:00+00:00", "2026-11-21"),
        (LONDON, time(8, 30), "2026-07-21T07:30:00+00:00", "2026-07-21"),
        (LONDON, time(8, 30), "2026-11-21T08:29:59+00:00", None),
        (LONDON, time(8, 30), "2026-11-21T10:29:59+00:00", "2026-11-21"),
        (LONDON, time(8, 30), "2026-11-21T10:30:00+00:00", None),
        (LONDON, time(23, 0), "2026-11-22T00:10:00+00:00", "2026-11-21"),
        (NEW_YORK, HALF_PAST_TWO, "2026-03-08T07:30:00+00:00", "2026-03-08"),
        (NEW_YORK, HALF_PAST_TWO, "2026-03-08T07:29:00+00:00", None),
        (NEW_YORK, time(1, 30), "2026-11-01T05:30:00+00:00", "2026-11-01"),
        (NEW_YORK, time(1, 30), "2026-11-01T07:30:00+00:00", None),
        (ZoneInfo("Pacific/Apia"), time(8, 30), "2011-12-29T18:30:00+00:00", "2011-12-29"),
        (ZoneInfo("Pacific/Apia"), time(8, 30), "2011-12-30T18:30:00+00:00", "2011-12-31"),
        (ZoneInfo("America/Nuuk"), time(23, 30), "2024-03-31T01:30:00+00:00", "2024-03-30"),
    ],
    ids=[
        *("on time", "in summer", "a second early", "late", "too late", "after midnight"),
        *("a time that does not exist", "before that", "the first of two", "not again at the second"),
        *("before the day that was left out", "after it", "the last hour of a day, left out"),
    ],
)
def test_it_is_due_at_its_local_time(zone: ZoneInfo, at: time, moment: str, day: str | None) -> None:
    assert digest_due(datetime.fromisoformat(moment), at, zone) == (date.fromisoformat(day) if day else None)


def test_the_day_before_is_as_long_as_the_clocks_made_it() -> None:
    began, ended = day_before(date(2026, 3, 30), LONDON)
    assert (began, ended) == (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC))


TODAY = NOW.date()


def test_each_site_is_counted_with_its_move_ins(operator: Inventory) -> None:
    book = a_book(
        a_tenancy("Ann", starts=NOW),
        a_tenancy("Bob", starts=NOW.replace(hour=0), allocations=("alloc_1",)),
        a_tenancy("Cyd", starts=NOW + timedelta(days=1)),
        a_tenancy("Dee", starts=NOW + timedelta(days=7)),
        a_tenancy("Eve", starts=NOW + timedelta(days=8)),
        a_tenancy("Fay", starts=None),
        a_tenancy("Gil", site_id=HACKNEY, starts=NOW),
        a_tenancy("Hal", site_id="site_gone", starts=NOW),
    )
    counted = {site.site_id: site for site in count_sites(operator, book, TODAY, {CAMDEN: 3, "site_gone": 1}, UTC)}
    assert [site.name for site in counted.values()] == ["Bristol Harbourside", "Camden", "Hackney Wick", "King's Cross"]
    camden = counted[CAMDEN]
    assert camden.statuses == {"available": 3, "occupied": 1, "overlock": 1}
    assert (camden.move_ins_today, camden.of_them_waiting, camden.move_ins_soon) == (2, 1, 2)
    assert (camden.waiting, camden.reserved_yesterday) == (5, 3)
    assert (counted[HACKNEY].move_ins_today, counted[HACKNEY].waiting, counted[HACKNEY].reserved_yesterday) == (1, 1, 0)
    assert counted[KINGS].statuses == {"repossessed": 1, "available": 1}


@pytest.mark.parametrize(
    ("starts_at", "zone", "day"),
    [
        ("2026-06-04T23:00:00+00:00", "Europe/London", "2026-06-05"),
        ("2026-06-05T00:00:00+01:00", "Europe/London", "2026-06-05"),
        ("2026-06-05T00:00:00+00:00", "Europe/London", "2026-06-05"),
        ("2026-06-05T00:00:00+00:00", "America/New_York", "2026-06-05"),
        ("2026-06-05T04:00:00+00:00", "America/New_York", "2026-06-05"),
        ("2026-06-05T03:59:00+00:00", "America/New_York", "2026-06-04"),
        ("2026-06-04T23:00:00+00:00", "Etc/UTC", "2026-06-04"),
    ],
    ids=["midnight in summer", "with its offset", "a mere day", "west of it", "midnight there", "before it", "utc"],
)
def test_a_move_in_is_on_the_day_that_was_meant(starts_at: str, zone: str, day: str) -> None:
    assert move_in(datetime.fromisoformat(starts_at), ZoneInfo(zone)) == date.fromisoformat(day)


def test_todays_move_ins_are_those_of_the_operators_day(operator: Inventory) -> None:
    book = a_book(
        a_tenancy("Ann", starts=datetime(2026, 6, 4, 23, tzinfo=UTC)),
        a_tenancy("Bob", starts=datetime(2026, 6, 5, tzinfo=UTC)),
        a_tenancy("Cyd", starts=datetime(2026, 6, 5, 23, tzinfo=UTC)),
    )
    counted = {site.site_id: site for site in count_sites(operator, book, date(2026, 6, 5), {}, LONDON)}
    assert (counted[CAMDEN].move_ins_today, counted[CAMDEN].move_ins_soon) == (2, 1)
    days = [each.starts_at for each in soonest(operator, book, [CAMDEN], 3, LONDON)]
    assert days == [datetime(2026, 6, day, tzinfo=UTC) for day in (5, 5, 6)]


def test_a_unit_of_a_site_that_is_gone_is_counted_nowhere(operator: Inventory) -> None:
    elsewhere = Inventory.of([], [], operator.units, NOW)
    assert count_sites(elsewhere, a_book(), TODAY, {}, UTC) == []


def test_the_soonest_that_wait_are_named_first(operator: Inventory) -> None:
    book = a_book(
        a_tenancy("Ann", starts=NOW + timedelta(days=3)),
        a_tenancy("Bob", starts=NOW - timedelta(days=1)),
        a_tenancy("Cyd", starts=NOW, allocations=("alloc_1",)),
        a_tenancy("Dee", starts=NOW, site_id=BRISTOL),
        a_tenancy("Eve", starts=NOW + timedelta(days=1)),
        a_tenancy("Fay", starts=NOW, site_id="site_gone"),
    )
    names = [each.customer for each in soonest(operator, book, [CAMDEN], 10, UTC)]
    assert names == ["Bob", "Eve", "Ann"]
    assert [each.customer for each in soonest(operator, book, [CAMDEN], 2, UTC)] == ["Bob", "Eve"]
    [gone] = soonest(operator, book, ["site_gone"], 1, UTC)
    assert (gone.customer, gone.site_name, gone.site_id) == ("Fay", "", "site_gone")
    [there] = soonest(operator, book, [BRISTOL], 1, UTC)
    assert there.site_name == "Bristol Harbourside"


def test_every_channel_is_told_of_its_own_sites(operator: Inventory) -> None:
    sites = count_sites(operator, a_book(), TODAY, {}, UTC)
    told = by_channel(sites, Channels("C0ALL", {CAMDEN: "C0CAMDEN", HACKNEY: "C0CAMDEN"}))
    assert {channel: [site.site_id for site in each] for channel, each in told.items()} == {
        "C0ALL": [BRISTOL, KINGS],
        "C0CAMDEN": [CAMDEN, HACKNEY],
    }
    assert list(by_channel(sites, Channels(None, {CAMDEN: "C0CAMDEN"}))) == ["C0CAMDEN"]


def test_no_customer_stands_in_a_repr(operator: Inventory) -> None:
    [waiting] = soonest(operator, a_book(a_tenancy("Ann Secret")), [CAMDEN], 1, UTC)
    assert "Secret" not in repr(waiting)
