from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from bot.sandbox.stora.demo import demo_world, references
from bot.sandbox.stora.demo_people import HOSTILE_CONTACTS, HOSTILE_REFERENCES, HOSTILE_UNIT_TYPE
from bot.sandbox.stora.timestamps import read_stamp, stamp
from bot.sandbox.stora.world import World

NOW = datetime(2026, 3, 2, 9, 30, 15, 500, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo() -> World:
    return demo_world(NOW)


def test_the_same_arguments_make_the_same_world(demo: World) -> None:
    again = demo_world(NOW)
    for kind in ("site", "unit_type", "unit", "contact", "tenancy", "unit_allocation"):
        assert again.collection(kind) == demo.collection(kind)
        assert list(again.collection(kind)) == list(demo.collection(kind))
    assert demo_world(NOW, seed=2).units.keys() != demo.units.keys()


def test_statuses_have_realistic_shares_and_both_spellings_of_overlocked(demo: World) -> None:
    statuses = Counter(unit["status"] for unit in demo.units.values())
    assert statuses.total() == 600
    assert 100 <= statuses["available"] <= 120
    assert statuses["occupied"] > 380
    assert statuses["overlock"] == statuses["overlocked"] == 9
    assert min(statuses[status] for status in ("reserved", "repossessed", "unavailable")) >= 5


def test_every_unit_in_use_leads_to_a_customer_and_no_other_unit_does(demo: World) -> None:
    for unit in demo.units.values():
        assert (unit["status"] in {"available", "unavailable"}) == (demo.contact_of(unit) is None)
    for allocation in demo.unit_allocations.values():
        unit, tenancy = demo.units[allocation["unit"]["id"]], demo.tenancies[allocation["tenancy"]["id"]]
        assert unit["unit_allocation"] == {"id": allocation["id"]}
        assert {"id": allocation["id"]} in tenancy["unit_allocations"]
        assert tenancy["site"] == unit["site"]
        assert (allocation["granted_access_at"] is None) == (unit["status"] == "reserved")
        assert (tenancy["starts_at"] > stamp(NOW)) == (unit["status"] == "reserved")
    assert any(len(tenancy["unit_allocations"]) > 1 for tenancy in demo.tenancies.values())


def test_nothing_happens_after_now_or_before_it_was_created(demo: World) -> None:
    for kind in ("site", "unit_type", "unit", "contact", "tenancy", "unit_allocation"):
        for resource in demo.collection(kind).values():
            assert resource["created_at"] <= resource["updated_at"] <= stamp(NOW), resource


def test_forty_tenancies_wait_for_a_unit_from_today_to_three_weeks_ahead(demo: World) -> None:
    waiting = [each for each in demo.tenancies.values() if not each["unit_allocations"] and each["ends_at"] is None]
    starts = [read_stamp(each["starts_at"]).date() - NOW.date() for each in waiting]
    assert len(waiting) == 40
    assert (min(starts), max(starts)) == (timedelta(0), timedelta(days=21))
    assert {each["site"]["id"] for each in waiting} == demo.sites.keys()
    assert max(Counter((each["contact"]["id"], each["site"]["id"]) for each in waiting).values()) == 2


def test_some_tenancies_ended_and_some_of_their_units_were_not_deallocated(demo: World) -> None:
    ended = [each for each in demo.tenancies.values() if each["ends_at"] is not None]
    assert all(each["starts_at"] < each["ends_at"] < stamp(NOW) for each in ended)
    assert Counter(bool(each["unit_allocations"]) for each in ended) == {False: 15, True: 3}


def test_hostile_names_are_where_people_see_them(demo: World) -> None:
    available = [unit["reference_id"] for unit in demo.units.values() if unit["status"] == "available"]
    assert set(HOSTILE_REFERENCES) <= set(available)
    waiting = [demo.contacts[each["contact"]["id"]] for each in demo.tenancies.values() if not each["unit_allocations"]]
    assert set(HOSTILE_CONTACTS) <= {(contact["full_name"], contact["email"]) for contact in waiting}
    assert HOSTILE_UNIT_TYPE in {unit_type["name"] for unit_type in demo.unit_types.values()}
    assert {contact["email"].rpartition("@")[2] for contact in demo.contacts.values()} == {"example.com", "example.org"}
    assert max(len(contact["full_name"] or "") for contact in demo.contacts.values()) == 300
    emails = Counter(contact["email"] for contact in demo.contacts.values())
    assert set(emails.values()) == {1}


def test_prices_differ_in_their_periods_and_one_type_has_none(demo: World) -> None:
    periods = Counter(
        tuple(price["billing_period"] for price in unit_type["prices"]) for unit_type in demo.unit_types.values()
    )
    assert periods == {("weekly", "monthly"): 9, ("weekly",): 1, ("monthly",): 1, (): 1}


def test_hours_are_set_all_day_or_closed(demo: World) -> None:
    kinds = {hours["status"] for site in demo.sites.values() for hours in site["access_hours"].values()}
    assert kinds == {"set_hours", "twenty_four_hours", "closed"}
    assert [site["name"] for site in demo.sites.values()] == [
        "Camden",
        "Hackney Wick",
        "Bristol Harbourside",
        "King's Cross",
    ]


def test_without_hostile_names_all_else_is_the_same(demo: World) -> None:
    friendly = demo_world(NOW, hostile=False)
    said = " ".join(
        str(name)
        for each in (*friendly.units.values(), *friendly.unit_types.values(), *friendly.contacts.values())
        for name in (each.get("reference_id"), each.get("name"), each.get("full_name"))
    )
    assert not set("<>*`\u202e") & set(said)
    assert demo.units.keys() == friendly.units.keys()
    assert [each["status"] for each in demo.units.values()] == [each["status"] for each in friendly.units.values()]


def test_references_repeat_across_sites_but_not_within_one(demo: World) -> None:
    pairs = Counter((unit["site"]["id"], unit["reference_id"]) for unit in demo.units.values())
    assert set(pairs.values()) == {1}
    assert Counter(unit["reference_id"] for unit in demo.units.values())["A-010"] == 4
    assert demo.unit_named("A-012", "Camden")["status"] == "available"


def test_a_few_units_carry_a_backoffice_link_and_most_do_not(demo: World) -> None:
    linked = [unit for unit in demo.units.values() if "_links" in unit]
    assert len(linked) == 5
    for unit in linked:
        assert unit["_links"]["bo:view_unit"]["href"] == f"/sites/{unit['site']['id']}/units/{unit['id']}"


def test_rows_go_on_after_z() -> None:
    names = list(islice(references(), 26 * 120 + 1))
    assert (names[0], names[119], names[120], names[-2], names[-1]) == ("A-001", "A-120", "B-001", "Z-120", "AA-001")


@pytest.mark.parametrize("units", [0, 1, 7, 5000])
def test_a_world_of_any_size_can_be_built(units: int) -> None:
    world = demo_world(NOW, units=units)
    assert len(world.units) == units
    assert len(world.sites) == 4
