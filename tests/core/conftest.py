"""An operator to ask about, small enough to be counted by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.inventory import Inventory, Price, Site, Unit, UnitType
from bot.core.tenancies import Tenancies, Tenancy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

CAMDEN, HACKNEY, BRISTOL, KINGS = "site_camden", "site_hackney", "site_bristol", "site_kings"
SITES = (
    Site(CAMDEN, "Camden"),
    Site(HACKNEY, "Hackney Wick"),
    Site(BRISTOL, "Bristol Harbourside"),
    Site(KINGS, "King's Cross"),
)

LOCKER, SMALL, SMALL_HACKNEY, DRIVE_UP = "type_locker", "type_small", "type_small_hackney", "type_drive_up"
UNIT_TYPES = (
    UnitType(LOCKER, "Locker", "10 sq ft", (Price("weekly", 900, "£9.00"), Price("monthly", 3600, "£36.00")), CAMDEN),
    UnitType(SMALL, "Small room", "25 sq ft", (Price("weekly", 1850, "£18.50"),), CAMDEN),
    UnitType(SMALL_HACKNEY, "Small room", "25 sq ft", (Price("monthly", 6400, "£64.00"),), HACKNEY),
    UnitType(DRIVE_UP, "Large drive up unit", "150 sq ft", (), KINGS),
)


def a_unit(  # noqa: PLR0913 - each is one thing that a test may care about
    reference_id: str,
    site_id: str = CAMDEN,
    status: str = "available",
    *,
    unit_type_id: str = SMALL,
    unit_id: str = "",
    created: datetime = NOW - timedelta(days=30),
    updated: datetime = NOW - timedelta(days=1),
) -> Unit:
    return Unit(
        id=unit_id or f"unit_{site_id}_{reference_id}".replace(" ", "_"),
        reference_id=reference_id,
        status=status,
        site_id=site_id,
        unit_type_id=unit_type_id,
        created_at=created,
        updated_at=updated,
    )


def a_tenancy(
    customer: str,
    email: str = "",
    site_id: str = CAMDEN,
    *,
    tenancy_id: str = "",
    allocations: tuple[str, ...] = (),
    **dates: datetime | None,
) -> Tenancy:
    return Tenancy(
        id=tenancy_id or f"ten_{customer.casefold()}",
        contact_id="contact_1",
        customer=customer,
        email=email,
        site_id=site_id,
        starts_at=dates.get("starts", NOW + timedelta(days=7)),
        ends_at=dates.get("ends"),
        allocations=allocations,
        created_at=dates.get("created") or NOW - timedelta(days=10),
        updated_at=NOW,
    )


def a_book(*tenancies: Tenancy, complete: bool = True) -> Tenancies:
    return Tenancies({tenancy.id: tenancy for tenancy in tenancies}, NOW, complete)


def a_picture(
    units: Iterable[Unit], sites: Iterable[Site] = SITES, unit_types: Iterable[UnitType] = UNIT_TYPES
) -> Inventory:
    return Inventory.of(sites, unit_types, units, NOW)


@pytest.fixture
def operator() -> Inventory:
    """Ten units at four sites: `A-012` is at two of them, and the plain number `25` is a unit and a size."""
    return a_picture(
        [
            a_unit("A-2", unit_type_id=LOCKER, created=NOW - timedelta(days=3)),
            a_unit("A-10", unit_type_id=LOCKER, created=NOW - timedelta(days=2)),
            a_unit("A-012"),
            a_unit("B-001", status="occupied"),
            a_unit("25", status="overlock"),
            a_unit("A-012", HACKNEY, unit_type_id=SMALL_HACKNEY),
            a_unit("C-7", HACKNEY, "reserved", unit_type_id=SMALL_HACKNEY),
            a_unit("D 1", BRISTOL, unit_type_id="type_gone"),
            a_unit("E-5", KINGS, "repossessed", unit_type_id=DRIVE_UP),
            a_unit("E-6", KINGS, unit_type_id=DRIVE_UP, unit_id="unit_0123456789abcdef"),
        ]
    )
