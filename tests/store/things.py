"""What Stora shows in the tests of the directory: one site, one unit type, and units and tenancies by number."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.core.inventory import Site, Unit, UnitType
from bot.core.kept import Changes, Reading
from bot.core.tenancies import Tenancy
from bot.stora.keeper import Keeper
from tests.store.conftest import NOW

HOUR, DAY, NEVER = timedelta(hours=1), timedelta(days=1), timedelta(days=10_000)
CAMDEN, HACKNEY = Site("site_1", "Camden"), Site("site_2", "Hackney")
LOCKER = UnitType("type_1", "Locker")


class Clock:
    """It stands still unless somebody sets it."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **time: float) -> datetime:
        """Let this time go by; the moment that it is then."""
        self.at += timedelta(**time)
        return self.at


def a_unit(number: int, status: str = "available", updated: datetime = NOW - DAY, **changes: str) -> Unit:
    fields = {
        "id": f"unit_{number}",
        "reference_id": f"A-{number:03}",
        "site_id": CAMDEN.id,
        "unit_type_id": LOCKER.id,
        "backoffice_url": f"https://bo.example/units/unit_{number}",
        **changes,
    }
    return Unit(status=status, created_at=NOW - 9 * DAY, updated_at=updated, **fields)


def a_tenancy(number: int, *, ends_at: datetime | None = None, updated: datetime = NOW - DAY) -> Tenancy:
    return Tenancy(
        id=f"ten_{number}",
        contact_id=f"con_{number}",
        customer="Zoë Ångström",
        email="zoe@example.com",
        site_id=CAMDEN.id,
        starts_at=None,
        ends_at=ends_at,
        allocations=(),
        created_at=NOW - 9 * DAY,
        updated_at=updated,
    )


async def begun(keeper: Keeper, at: datetime, name: str = "units", *, whole_every: timedelta = timedelta()) -> Reading:
    """A reading that nothing keeps from beginning."""
    reading = await keeper.begin(name, at, unless_since=at, whole_since=at - whole_every)
    assert reading is not None
    return reading


async def swept(keeper: Keeper, clock: Callable[[], datetime], *pages: list[Unit]) -> int:
    """A whole sweep; how many units it did not see again."""
    reading = await begun(keeper, clock())
    for number, page in enumerate(pages, start=1):
        reading = await keeper.page_read(reading, page, clock(), number + 1)
    return await keeper.ended(reading, clock())


async def asking(keeper: Keeper, at: datetime, limit: int) -> list[tuple[str, str]]:
    """Kind and id of what is claimed to be asked for."""
    return [(one.kind, one.id) for one in await keeper.to_ask(at, limit)]


def shown(changes: Changes) -> dict[str, str]:
    """Unit id → status, or `gone`."""
    units = [one for one in changes.seen if isinstance(one.thing, Unit)]
    return {one.thing.id: "gone" if one.gone else one.thing.status for one in units if isinstance(one.thing, Unit)}
