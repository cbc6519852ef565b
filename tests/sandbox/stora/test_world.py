from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.stora.refusals import Refusal
from bot.sandbox.stora.timestamps import moment, read_stamp, stamp
from bot.sandbox.stora.world import World


def test_each_change_of_a_unit_is_told_after_it_happened(
    world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    told: list[tuple[str, str]] = []
    world.on_change.append(lambda event_type, unit: told.append((event_type, unit["status"])))
    world.reserve(unit_id, tenancies[0], at)
    world.grant_access(unit_id, tenancies[0], at)
    world.set_status(unit_id, "overlock", at)
    world.remove_overlock(world.tenancies[tenancies[0]]["contact"]["id"], at)
    world.release(unit_id, at)
    assert [status for _, status in told] == ["reserved", "occupied", "overlock", "occupied", "available"]
    assert {event_type for event_type, _ in told} == {"unit.updated"}


def test_units_come_and_go(world: World, at: datetime, unit_id: str, tenancies: list[str]) -> None:
    told: list[tuple[str, Any]] = []
    world.on_change.append(lambda event_type, unit: told.append((event_type, unit["reference_id"])))
    old = world.units[unit_id]
    new = world.add_unit(old["site"]["id"], old["unit_type"]["id"], "A-004", at, status="unavailable")
    assert (world.units[new["id"]]["status"], new["unit_allocation"]) == ("unavailable", None)
    world.reserve(unit_id, tenancies[0], at)
    world.remove_unit(unit_id, at)
    assert unit_id not in world.units
    assert world.unit_allocations == {}
    assert world.tenancies[tenancies[0]]["unit_allocations"] == []
    assert told == [("unit.created", "A-004"), ("unit.updated", "A-001"), ("unit.deleted", "A-001")]


@pytest.mark.parametrize("status", ["available", "unavailable"])
def test_a_colleague_who_takes_a_unit_back_ends_its_allocation(
    world: World, at: datetime, unit_id: str, tenancies: list[str], status: str
) -> None:
    world.grant_access(unit_id, tenancies[0], at)
    later = at + timedelta(minutes=1)
    unit = world.set_status(unit_id, status, later)
    assert (unit["status"], unit["unit_allocation"], unit["updated_at"]) == (status, None, stamp(later))
    assert world.tenancies[tenancies[0]]["unit_allocations"] == []


def test_a_reserved_unit_that_becomes_occupied_has_granted_access(
    world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    world.reserve(unit_id, tenancies[0], at)
    unit = world.set_status(unit_id, "occupied", at + timedelta(days=1))
    allocation = world.unit_allocations[unit["unit_allocation"]["id"]]
    assert allocation["granted_access_at"] == "2026-03-03T09:00:00Z"
    world.set_status(unit_id, "overlocked", at + timedelta(days=2))
    world.set_status(unit_id, "occupied", at + timedelta(days=3))
    assert allocation["granted_access_at"] == "2026-03-03T09:00:00Z"


@pytest.mark.parametrize("status", ["reserved", "occupied", "broken"])
def test_a_unit_never_shows_a_status_that_its_allocation_denies(
    world: World, at: datetime, unit_id: str, status: str
) -> None:
    with pytest.raises(ValueError, match=status):
        world.set_status(unit_id, status, at)
    site, unit_type = (world.units[unit_id][field]["id"] for field in ("site", "unit_type"))
    with pytest.raises(ValueError, match=status):
        world.add_unit(site, unit_type, "A-009", at, status=status)


def test_who_has_a_unit_is_found_over_its_tenancy(
    world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    assert world.contact_of(world.units[unit_id]) is None
    world.reserve(unit_id, tenancies[1], at)
    contact = world.contact_of(world.units[unit_id])
    assert contact is not None
    assert contact["full_name"] == "Omar Khan"


def test_a_reference_is_looked_up_at_one_site(world: World) -> None:
    assert world.unit_named("A-001", "Bristol")["site"]["id"] == list(world.sites)[1]
    assert world.unit_named("A-003")["reference_id"] == "A-003"
    with pytest.raises(LookupError, match="A-003"):
        world.unit_named("A-003", "Bristol")


def test_nothing_is_added_to_what_does_not_exist(world: World, at: datetime, unit_id: str) -> None:
    with pytest.raises(Refusal, match="No site"):
        world.add_unit_type("site_ffff", "Room", None, at)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="No unit type"):
        world.add_unit(world.units[unit_id]["site"]["id"], "utype_ffff", "A-009", at)
    with pytest.raises(Refusal, match="No contact"):
        world.add_tenancy("con_ffff", world.units[unit_id]["site"]["id"], at, at)


def test_a_moment_without_a_time_zone_is_refused(at: datetime) -> None:
    assert read_stamp(stamp(at)) == moment(at.timestamp()) == at
    naive = at.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        stamp(naive)
    with pytest.raises(ValueError, match="time zone"):
        read_stamp(naive.isoformat())
