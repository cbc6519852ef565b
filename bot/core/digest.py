"""What everybody should know in the morning, and when it is to be told."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict, Field

from bot.core.inventory import Inventory
from bot.core.telling import Channels
from bot.core.tenancies import Tenancies, Tenancy

GRACE = timedelta(hours=2)
"""How late a digest may still be sent; who reads it later has looked already."""
SOON = timedelta(days=7)
"""How far ahead move-ins are counted."""
MOST_WAITING = 5
"""Tenancies without a unit that are named."""


def digest_due(now: datetime, at: time, zone: tzinfo) -> date | None:
    """The day whose digest is due at ``now``, if any is: from its moment until ``GRACE`` later.

    Every day that the calendar of ``zone`` has is due at exactly one moment. A time that the clocks jump over is due
    as long after the jump as it lies inside; of a time that comes twice, the first counts.
    """
    # Today first: where a whole day is left out at the date line, it would be due together with the next one.
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        if timedelta(0) <= now - digest_moment(day, at, zone) < GRACE:
            return day
    return None


def day_before(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Where the day before begins and ends."""
    return digest_moment(day - timedelta(days=1), time(), zone), digest_moment(day, time(), zone)


def digest_moment(day: date, at: time, zone: tzinfo) -> datetime:
    """The moment at which the digest of a day is due."""
    return datetime.combine(day, at, zone).astimezone(UTC)


class SiteCounts(BaseModel):
    """One site in numbers."""

    model_config = ConfigDict(frozen=True)

    site_id: str
    name: str
    statuses: Mapping[str, int]
    """Status → units."""
    move_ins_today: int = 0
    of_them_waiting: int = 0
    """Of today's move-ins: those without a unit."""
    move_ins_soon: int = 0
    waiting: int = 0
    """Tenancies without a unit, whenever they begin."""
    reserved_yesterday: int = 0


class Waiting(BaseModel):
    """A tenancy that waits for a unit."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tenancy_id: str
    customer: str = Field(repr=False)
    site_name: str
    starts_at: datetime | None
    """The move-in, as a day at midnight."""
    backoffice_url: str | None
    site_id: str = ""
    """Empty in a digest that an earlier version has written down."""


class NotSent(BaseModel):
    """A channel that announcements could not be sent to."""

    model_config = ConfigDict(frozen=True)

    channel_id: str
    error: str
    count: int


class Digest(BaseModel):
    """What one channel is told."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    day: date
    due_at: datetime
    as_of: datetime
    sites: tuple[SiteCounts, ...]
    waiting: tuple[Waiting, ...]
    """The soonest few."""
    not_sent: tuple[NotSent, ...] = ()
    silent_since: datetime | None = None
    """Stora has not answered since."""
    complete: bool = True
    """Whether all tenancies have been read."""


def move_in(starts_at: datetime, zone: tzinfo) -> date:
    """The day that a move-in is meant for.

    Stora takes a day for midnight: mostly of the operator's zone, as ``2026-06-04T23:00:00Z`` for 5 June in London, but
    what was entered as a mere day comes as ``00:00:00Z``, which west of Greenwich is the evening before.
    """
    at = starts_at.astimezone(UTC)
    return at.date() if at.time() == time() else at.astimezone(zone).date()


def count_sites(
    inventory: Inventory, tenancies: Tenancies, today: date, reserved_yesterday: Mapping[str, int], zone: tzinfo
) -> list[SiteCounts]:
    """Every site in numbers, by name; ``reserved_yesterday`` is by site, ``today`` a day of ``zone``."""
    statuses: dict[str, dict[str, int]] = {site_id: {} for site_id in inventory.sites}
    for unit in inventory.units:
        of_site = statuses.get(unit.site_id)
        if of_site is not None:
            of_site[unit.status] = of_site.get(unit.status, 0) + 1
    there: dict[str, list[Tenancy]] = {site_id: [] for site_id in inventory.sites}
    for tenancy in tenancies.in_order:
        there.get(tenancy.site_id, []).append(tenancy)
    found = []
    for site in sorted(inventory.sites.values(), key=lambda site: (site.name.casefold(), site.id)):
        at_site = there[site.id]
        days = [(tenancy, move_in(tenancy.starts_at, zone)) for tenancy in at_site if tenancy.starts_at]
        starting = [tenancy for tenancy, day in days if day == today]
        soon = [tenancy for tenancy, day in days if today < day <= today + SOON]
        counts = SiteCounts(
            site_id=site.id,
            name=site.name,
            statuses=statuses[site.id],
            move_ins_today=len(starting),
            of_them_waiting=sum(tenancy.waits for tenancy in starting),
            move_ins_soon=len(soon),
            waiting=sum(tenancy.waits for tenancy in at_site),
            reserved_yesterday=reserved_yesterday.get(site.id, 0),
        )
        found.append(counts)
    return found


def soonest(
    inventory: Inventory, tenancies: Tenancies, site_ids: Iterable[str], most: int, zone: tzinfo
) -> tuple[Waiting, ...]:
    """The tenancies at these sites that wait for a unit, soonest move-in first; the days are those of ``zone``."""
    wanted, found = set(site_ids), list[Waiting]()
    for tenancy in tenancies.in_order:  # those that wait come first
        if not tenancy.waits or len(found) == most:
            break
        if tenancy.site_id in wanted:
            site = inventory.sites.get(tenancy.site_id)
            starts_at = tenancy.starts_at and datetime.combine(move_in(tenancy.starts_at, zone), time(), UTC)
            waiting = Waiting(
                tenancy_id=tenancy.id,
                customer=tenancy.customer,
                site_name=site.name if site else "",
                starts_at=starts_at,
                site_id=tenancy.site_id,
                backoffice_url=tenancy.backoffice_url,
            )
            found.append(waiting)
    return tuple(found)


def by_channel(sites: Iterable[SiteCounts], channels: Channels) -> Mapping[str, Sequence[SiteCounts]]:
    """Which channel is told of which sites; nobody is told of a site without a channel."""
    found: dict[str, list[SiteCounts]] = {}
    for site in sites:
        channel_id = channels.of(site.site_id)
        if channel_id:
            found.setdefault(channel_id, []).append(site)
    return found
