"""How Stora's resources are read, and where they lead."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.core.inventory import Price, Site, Unit, UnitType
from bot.core.tenancies import Tenancy
from bot.stora.resources import read_site, read_unit_type, reading_tenancies, reading_units
from bot.stora.wire import Page, read_one, read_page
from tests.stora.test_wire import BO, REQUEST_ID, SF, UNIT, answer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unit(path: str = "/units/{id}", curies: object = (BO, SF), **changes: Any) -> Unit:
    resource = {name: value for name, value in {**UNIT, **changes}.items() if value is not ...}
    body = {"unit": resource, "meta": {"request_id": REQUEST_ID, "curies": curies}}
    return read_one(answer(body), "unit", reading_units(path))


def test_a_unit_is_read_in_stora_s_own_names() -> None:
    assert unit() == Unit(
        id="unit_0ac5f6d7a6b2d1f3",
        reference_id="A-012",
        status="available",
        site_id="site_14b419f1096013f1",
        unit_type_id="utype_5d1b7c0f9ce00123",
        created_at=datetime(2025, 2, 22, 14, 41, tzinfo=UTC),
        updated_at=datetime(2025, 3, 1, 8, 0, 30, tzinfo=UTC),
        backoffice_url="https://app.stora.test/units/unit_0ac5f6d7a6b2d1f3",
    )


def test_an_expanded_unit_and_unknown_fields_are_read_alike() -> None:
    expanded: dict[str, Any] = {
        "site": {"id": "site_14b419f1096013f1", "name": "Camden"},
        "unit_type": {"id": "utype_5d1b7c0f9ce00123", "prices": []},
        "added_tomorrow": {"deep": ["er"]},
    }
    assert unit(**expanded) == unit()


@pytest.mark.parametrize(
    ("allocation", "allocation_id"),
    [({"id": "alloc_1"}, "alloc_1"), ({"id": "alloc_1", "tenancy": {"id": "ten_1"}}, "alloc_1"), (None, ""), (..., "")],
    ids=["a stub", "expanded", "null", "missing"],
)
def test_a_unit_has_the_id_of_its_allocation_while_somebody_has_it(allocation: object, allocation_id: str) -> None:
    assert unit(unit_allocation=allocation).allocation_id == allocation_id


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("overlock", "overlock"),
        ("overlocked", "overlock"),
        ("reserved", "reserved"),
        ("added_tomorrow", "added_tomorrow"),
        ("", ""),
        (None, ""),
        (..., ""),
    ],
    ids=str,
)
def test_a_status_is_kept_as_it_is_but_overlocked_has_one_spelling(said: object, status: str) -> None:
    assert unit(status=said).status == status


@pytest.mark.parametrize("nothing", [None, ...], ids=["null", "missing"])
def test_a_unit_of_which_only_the_id_is_known_is_still_a_unit(nothing: object) -> None:
    changes = dict.fromkeys((name for name in UNIT if name != "id"), nothing)
    assert unit(path="", **changes) == Unit(
        id="unit_0ac5f6d7a6b2d1f3",
        reference_id="unit_0ac5f6d7a6b2d1f3",
        status="",
        site_id="",
        unit_type_id="",
        created_at=EPOCH,
        updated_at=EPOCH,
        backoffice_url=None,
    )


@pytest.mark.parametrize("site", [{}, {"id": None}, [], "site_14b419f1096013f1"], ids=["no id", "null", "list", "text"])
def test_a_reference_to_a_site_that_cannot_be_read_costs_only_the_site(site: object) -> None:
    assert (unit(site=site).site_id, unit(site=site).reference_id) == ("", "A-012")


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2025-02-22T14:41:00Z", datetime(2025, 2, 22, 14, 41, tzinfo=UTC)),
        ("2025-02-22T15:41:00+01:00", datetime(2025, 2, 22, 15, 41, tzinfo=timezone(timedelta(hours=1)))),
        ("2025-02-22T14:41:00.250Z", datetime(2025, 2, 22, 14, 41, 0, 250_000, tzinfo=UTC)),
        ("2025-02-22T14:41:00", datetime(2025, 2, 22, 14, 41, tzinfo=UTC)),
        (None, EPOCH),
    ],
    ids=str,
)
def test_a_moment_without_a_zone_is_utc_and_none_is_as_old_as_can_be(said: object, moment: datetime) -> None:
    read = unit(created_at=said, updated_at=said)
    assert (read.created_at, read.updated_at) == (moment, moment)
    assert read.updated_at.tzinfo is not None


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"id": "site_1", "name": "Camden", "phone": "020"}, Site("site_1", "Camden")),
        ({"id": "site_1", "name": None}, Site("site_1", "site_1")),
        ({"id": "site_1", "name": ""}, Site("site_1", "site_1")),
        ({"id": "site_1"}, Site("site_1", "site_1")),
    ],
    ids=["whole", "name null", "name empty", "name missing"],
)
def test_a_site_without_a_name_is_called_by_its_id(resource: object, expected: Site) -> None:
    assert read_one(answer({"site": resource}), "site", read_site) == expected


WEEKLY = {"billing_period": "weekly", "price": {"amount": 1500, "currency": "GBP", "formatted": "£15.00"}}
MONTHLY = {"billing_period": "monthly", "price": {"amount": 6000, "currency": "GBP", "formatted": "£60.00"}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"prices": [WEEKLY, MONTHLY]},
            {"prices": (Price("weekly", 1500, "£15.00"), Price("monthly", 6000, "£60.00"))},
            id="two prices",
        ),
        pytest.param({"prices": []}, {"prices": ()}, id="no price"),
        pytest.param({"prices": None}, {"prices": ()}, id="prices null"),
        pytest.param({}, {"prices": ()}, id="prices missing"),
        pytest.param({"prices": "15 pounds"}, {"prices": ()}, id="prices are garbage"),
        pytest.param(
            {
                "prices": [
                    None,
                    {"billing_period": "weekly"},
                    {"billing_period": "weekly", "price": None},
                    {"price": WEEKLY["price"]},
                    {"billing_period": "weekly", "price": {"amount": 15.5}},
                    MONTHLY,
                ]
            },
            {"prices": (Price("monthly", 6000, "£60.00"),)},
            id="prices that cannot be read",
        ),
        pytest.param(
            {"prices": [{"billing_period": "weekly", "price": {"amount": 1500, "formatted": None}}]},
            {"prices": (Price("weekly", 1500, "15.00"),)},
            id="a price without its text",
        ),
        pytest.param({"size_description": None, "site": None}, {"size_description": "", "site_id": ""}, id="nulls"),
        pytest.param({"name": None}, {"name": "utype_1"}, id="name null"),
    ],
)
def test_a_unit_type_keeps_every_price_that_can_be_read(
    changes: Mapping[str, object], expected: Mapping[str, Any]
) -> None:
    resource = {"id": "utype_1", "name": "Locker", "size_description": "10 sq ft", "site": {"id": "site_1"}, **changes}
    whole: dict[str, Any] = {"name": "Locker", "size_description": "10 sq ft", "prices": (), "site_id": "site_1"}
    found = read_one(answer({"unit_type": resource}), "unit_type", read_unit_type)
    assert found == UnitType(id="utype_1", **{**whole, **expected})


TENANCY = {
    "id": "ten_1",
    "contact": {"id": "con_1", "full_name": "Jane Doe", "email": "jane@example.com"},
    "site": {"id": "site_1"},
    "starts_at": "2026-03-09T00:00:00Z",
    "ends_at": None,
    "unit_allocations": [{"id": "alloc_1"}, {"id": "alloc_2"}],
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T10:00:00Z",
}


def tenancies(**changes: object) -> Page[Tenancy]:
    resource = {name: value for name, value in {**TENANCY, **changes}.items() if value is not ...}
    read = reading_tenancies("/tenancies/{id}")
    return read_page(answer({"tenancies": [resource]}), "tenancies", read, page=1, limit=100)


def test_a_tenancy_is_read_with_its_customer_and_what_it_has() -> None:
    assert tenancies().items == (
        Tenancy(
            id="ten_1",
            contact_id="con_1",
            customer="Jane Doe",
            email="jane@example.com",
            site_id="site_1",
            starts_at=datetime(2026, 3, 9, tzinfo=UTC),
            ends_at=None,
            allocations=("alloc_1", "alloc_2"),
            created_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            updated_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize(
    ("contact", "customer", "email"),
    [
        ({"id": "con_1", "full_name": None, "email": "jane@example.com"}, "jane@example.com", "jane@example.com"),
        ({"id": "con_1", "full_name": "", "email": None}, "con_1", ""),
        ({"id": "con_1"}, "con_1", ""),
    ],
    ids=["no name", "neither", "a stub"],
)
def test_a_customer_without_a_name_is_called_by_what_there_is(
    contact: Mapping[str, object], customer: str, email: str
) -> None:
    (tenancy,) = tenancies(contact=contact).items
    assert (tenancy.customer, tenancy.email) == (customer, email)


@pytest.mark.parametrize("nothing", [None, ...], ids=["null", "missing"])
def test_a_tenancy_of_which_only_the_customer_is_known_is_still_a_tenancy(nothing: object) -> None:
    (tenancy,) = tenancies(**dict.fromkeys((name for name in TENANCY if name not in {"id", "contact"}), nothing)).items
    assert (tenancy.site_id, tenancy.starts_at, tenancy.ends_at, tenancy.allocations) == ("", None, None, ())
    assert (tenancy.created_at, tenancy.updated_at) == (EPOCH, EPOCH)


@pytest.mark.parametrize("nothing", [None, ...], ids=["null", "missing"])
def test_a_tenancy_of_which_only_the_id_is_known_is_still_a_tenancy(nothing: object) -> None:
    (tenancy,) = tenancies(**dict.fromkeys((name for name in TENANCY if name != "id"), nothing)).items
    assert (tenancy.id, tenancy.contact_id, tenancy.customer, tenancy.email) == ("ten_1", "", "", "")
    assert (tenancy.name, tenancy.waits) == ("", True)


@pytest.mark.parametrize("contact", [{}, "con_1", {"id": "../con"}], ids=repr)
def test_a_tenancy_whose_customer_cannot_be_read_is_left_out_and_counted(contact: object) -> None:
    assert (tenancies(contact=contact).items, tenancies(contact=contact).left_out) == ((), 1)


def test_a_tenancy_that_may_have_a_unit_we_cannot_read_is_left_out_rather_than_shown_as_waiting() -> None:
    assert tenancies(unit_allocations=[{"id": None}]).left_out == 1


@pytest.mark.parametrize(
    ("path", "links", "url"),
    [
        pytest.param("/tenancies/{id}", None, "https://app.stora.test/tenancies/ten_1", id="the path of the settings"),
        pytest.param("", None, None, id="switched off"),
        pytest.param("", {"bo:view": {"href": "/t/1?a=b"}}, "https://app.stora.test/t/1?a=b", id="a link of its own"),
        pytest.param("/tenancies/{id}", {"bo:view": 7}, "https://app.stora.test/tenancies/ten_1", id="no link at all"),
    ],
)
def test_a_tenancy_leads_to_its_page_in_the_backoffice(path: str, links: object, url: str | None) -> None:
    body = {"tenancy": {**TENANCY, "_links": links}, "meta": {"curies": [BO, SF]}}
    assert read_one(answer(body), "tenancy", reading_tenancies(path)).backoffice_url == url


# The Backoffice

SETTINGS_URL = "https://app.stora.test/units/unit_0ac5f6d7a6b2d1f3"


@pytest.mark.parametrize(
    ("links", "url"),
    [
        pytest.param({"bo:view_unit": {"href": "/u/7?tab=a&b=c", "title": "View"}}, "/u/7?tab=a&b=c", id="its own"),
        pytest.param({"sf:new_order": {"href": "/order"}, "bo:edit": {"href": "/u/7/edit"}}, "/u/7/edit", id="several"),
        pytest.param({"bo:view": {"href": "//evil.example/"}}, "//evil.example/", id="still behind the host"),
        pytest.param({"sf:new_order": {"href": "/order"}}, None, id="of the storefront only"),
        pytest.param({}, None, id="none"),
        pytest.param(None, None, id="null"),
        pytest.param(..., None, id="missing"),
        pytest.param([], None, id="a list"),
        pytest.param({"bo:view": None}, None, id="its own is null"),
        pytest.param({"bo:view": {"title": "View"}}, None, id="its own leads nowhere"),
        pytest.param({"bo:view": {"href": None}}, None, id="its own leads to null"),
        pytest.param({"bo:view": {"href": ""}}, None, id="its own is empty"),
        pytest.param({"bo:view": {"href": "@evil.example/"}}, None, id="another host behind an @"),
        pytest.param({"bo:view": {"href": ".evil.example/"}}, None, id="another host behind a dot"),
        pytest.param({"bo:view": {"href": "https://evil.example/"}}, None, id="a whole address"),
        pytest.param({"bo:view": {"href": "javascript:alert(1)"}}, None, id="a script"),
        pytest.param({"bo:view": {"href": "/a b"}}, None, id="a space"),
        pytest.param({"bo:view": {"href": "/a|b"}}, None, id="a pipe"),
        pytest.param({"bo:view": {"href": "/a>b"}}, None, id="a bracket"),
        pytest.param({"bo:view": {"href": '/a"b'}}, None, id="a quotation mark"),
        pytest.param({"bo:view": {"href": "/a\nb"}}, None, id="a new line"),
        pytest.param({"bo:view": {"href": "/a\u202eb"}}, None, id="another reading direction"),
        pytest.param({"bo:a": {"href": "/a b"}, "bo:b": {"href": "/b"}}, "/b", id="the second is good"),
    ],
)
def test_a_unit_s_own_link_into_the_backoffice_wins_and_a_bad_one_gives_way_to_the_settings(
    links: object, url: str | None
) -> None:
    expected = SETTINGS_URL if url is None else f"https://app.stora.test{url}"
    assert unit(_links=links).backoffice_url == expected


@pytest.mark.parametrize(
    ("curies", "url"),
    [
        pytest.param([BO, SF], SETTINGS_URL, id="documented"),
        pytest.param([SF, BO], SETTINGS_URL, id="in another order"),
        pytest.param([None, {"name": "bo"}, {"href": "https://x{rel}"}, "bo", BO], SETTINGS_URL, id="among garbage"),
        pytest.param([{"name": "bo", "href": "http://127.0.0.1:8080{rel}"}], "http://127.0.0.1:8080", id="a test host"),
        pytest.param([SF], None, id="of the storefront only"),
        pytest.param([], None, id="none"),
        pytest.param(None, None, id="null"),
        pytest.param("bo", None, id="garbage"),
        pytest.param([{"name": "bo", "href": "https://app.stora.test"}], None, id="no place for the path"),
        pytest.param([{"name": "bo", "href": "javascript:alert(1)//{rel}"}], None, id="a script"),
        pytest.param([{"name": "bo", "href": "ftp://app.stora.test{rel}"}], None, id="another scheme"),
        pytest.param([{"name": "bo", "href": "https://app stora.test{rel}"}], None, id="a space"),
        pytest.param([{"name": "bo", "href": "https://app.stora.test{rel}|click>"}], None, id="a forged label"),
    ],
)
def test_the_backoffice_is_where_the_answer_s_own_curie_says_or_nowhere(curies: object, url: str | None) -> None:
    expected = None if url is None else SETTINGS_URL.replace("https://app.stora.test", url.partition("/units")[0])
    assert unit(curies=curies).backoffice_url == expected


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/units/{id}", SETTINGS_URL),
        ("/o/acme/units/{id}?from={id}", f"https://app.stora.test/o/acme/units/{UNIT['id']}?from={UNIT['id']}"),
        ("", None),
    ],
    ids=["default", "another", "turned off"],
)
def test_the_path_from_the_settings_gets_the_unit_s_id_and_an_empty_one_turns_the_button_off(
    path: str, url: str | None
) -> None:
    assert unit(path=path).backoffice_url == url


def test_a_unit_s_own_link_is_shown_even_where_the_settings_turn_theirs_off() -> None:
    own = {"bo:view_unit": {"href": "/own"}}
    assert unit(path="", _links=own).backoffice_url == "https://app.stora.test/own"
