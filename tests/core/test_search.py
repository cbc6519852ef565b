"""A query and a picture → the units that match, in order, a page at a time."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core import search
from bot.core.intents import UnitsQuery
from bot.core.inventory import STATUSES, Inventory, Price, Unit, UnitType
from bot.core.parse import SORTS
from bot.core.search import TIMES_A_YEAR, matching, search_units, yearly_price
from tests.core.conftest import (
    BRISTOL,
    CAMDEN,
    DRIVE_UP,
    HACKNEY,
    LOCKER,
    NOW,
    SITES,
    SMALL,
    SMALL_HACKNEY,
    UNIT_TYPES,
    a_picture,
    a_unit,
)


def found(inventory: Inventory, **query: Any) -> list[str]:
    return [unit.reference_id for unit in matching(UnitsQuery(**query), inventory)]


def test_without_a_filter_everything_is_there_in_the_order_people_count_in(operator: Inventory) -> None:
    assert found(operator) == ["25", "A-2", "A-10", "A-012", "A-012", "B-001", "C-7", "D 1", "E-5", "E-6"]


@pytest.mark.parametrize(
    ("query", "references"),
    [
        ({"site_ids": (HACKNEY,)}, ["A-012", "C-7"]),
        ({"site_ids": (BRISTOL, HACKNEY)}, ["A-012", "C-7", "D 1"]),
        ({"site_ids": ("site_gone",)}, []),
        ({"statuses": ("overlock",)}, ["25"]),
        ({"statuses": ("overlock", "repossessed")}, ["25", "E-5"]),
        ({"statuses": ("unavailable",)}, []),
        ({"unit_type_ids": (LOCKER,)}, ["A-2", "A-10"]),
        ({"unit_type_ids": (LOCKER, DRIVE_UP)}, ["A-2", "A-10", "E-5", "E-6"]),
        ({"reference": "A-012"}, ["A-012", "A-012"]),
        ({"reference": "a012", "site_ids": (HACKNEY,)}, ["A-012"]),
        ({"reference": "A-0"}, []),
        ({"created_after": NOW - timedelta(days=3)}, ["A-2", "A-10"]),
        ({"created_after": NOW - timedelta(days=2)}, ["A-10"]),
        ({"created_before": NOW - timedelta(days=2), "unit_type_ids": (LOCKER,)}, ["A-2"]),
        ({"created_before": NOW - timedelta(days=3), "unit_type_ids": (LOCKER,)}, []),
        ({"site_ids": (CAMDEN,), "statuses": ("available",), "unit_type_ids": (SMALL,)}, ["A-012"]),
    ],
    ids=str,
)
def test_every_filter_keeps_what_it_says(operator: Inventory, query: dict[str, Any], references: list[str]) -> None:
    assert found(operator, **query) == references


@pytest.mark.parametrize(
    ("typed", "references"),
    [
        ("A-1", ["A-10", "A-012", "A-012"]),
        ("a1", ["A-10", "A-012", "A-012"]),
        ("A-0002", ["A-2"]),
        ("A-00010", ["A-10"]),
        ("D 001", ["D 1"]),
        ("A01", ["A-012", "A-012"]),
        ("A12", ["A-2", "A-012", "A-012"]),
        ("B12", []),
        ("12", ["A-012", "A-012"]),
        ("d1", ["D 1"]),
        ("-", ["A-2", "A-10", "A-012", "A-012", "B-001", "C-7", "E-5", "E-6"]),
        ("🦄", []),
        ("A-0124567", []),
    ],
)
def test_a_part_of_a_reference_is_matched_loosely(operator: Inventory, typed: str, references: list[str]) -> None:
    assert found(operator, q=typed) == references


@pytest.mark.parametrize(
    ("typed", "reference"),
    [
        ("A-1", "A-001"),
        ("A-1", "A-0012"),
        ("A-001", "A-1"),
        ("A-001", "A-0001"),
        ("A-1-2", "A-001-002"),
        ("A-0001-2", "A-1-0002"),
        ("a100", "A-00100"),
        ("Ａ－１", "A-001"),
        ("A-1", "Ａ－００１"),
        ("B-0", "B-000"),
        ("B-0000", "B-0"),
    ],
)
def test_zeros_before_a_number_need_not_be_typed_and_may_be(typed: str, reference: str) -> None:
    assert found(a_picture([a_unit(reference)]), q=typed) == [reference]


@pytest.mark.parametrize(("typed", "reference"), [("A-001", "A-1234"), ("B-00100", "B-1")])
def test_zeros_that_count_must_be_there(typed: str, reference: str) -> None:
    assert found(a_picture([a_unit(reference)]), q=typed) == []


def test_signs_find_the_references_that_hold_them() -> None:
    inventory = a_picture([a_unit("A#1"), a_unit("A-2"), a_unit("🚚")])
    assert found(inventory, q="#") == ["A#1"]
    assert found(inventory, q="🚚") == ["🚚"]


def test_newest_and_oldest_follow_the_day_of_creation(operator: Inventory) -> None:
    assert found(operator, sort="newest")[:2] == ["A-10", "A-2"]
    assert found(operator, sort="oldest")[-2:] == ["A-2", "A-10"]


def test_units_of_one_moment_stay_in_the_order_people_count_in(operator: Inventory) -> None:
    rest = ["25", "A-012", "A-012", "B-001", "C-7", "D 1", "E-5", "E-6"]
    assert found(operator, sort="newest")[2:] == rest
    assert found(operator, sort="oldest")[:-2] == rest


def test_price_compares_weeks_with_months_and_puts_what_has_none_last(operator: Inventory) -> None:
    # £9.00 a week, £64.00 a month (£14.77 a week), £18.50 a week, then no price and no type.
    assert found(operator, sort="price") == [
        *["A-2", "A-10"],
        *["A-012", "C-7"],
        *["25", "A-012", "B-001"],
        *["D 1", "E-5", "E-6"],
    ]


@pytest.mark.parametrize(
    ("cheaper", "dearer"),
    [
        (("weekly", 1000), ("weekly", 1001)),
        (("monthly", 4333), ("weekly", 1000)),
        (("weekly", 1000), ("monthly", 4334)),
        (("daily", 142), ("weekly", 1000)),
        (("every_4_weeks", 3999), ("weekly", 1000)),
        (("four_weekly", 3999), ("every_4_weeks", 4000)),
        (("yearly", 51_999), ("weekly", 1000)),
        (("weekly", 10**400), ("weekly", 10**400 + 1)),
        (("weekly", 10**400), ("lunar", 1)),
    ],
    ids=lambda price: f"{price[0]} {price[1]:.3g}" if price[1] < 10**300 else price[0] + " and more than a float holds",
)
def test_prices_of_different_periods_are_compared_by_what_a_year_costs(
    cheaper: tuple[str, int], dearer: tuple[str, int]
) -> None:
    assert yearly_price([Price(*cheaper, "")]) < yearly_price([Price(*dearer, "")])
    assert yearly_price([Price(*dearer, ""), Price(*cheaper, "")]) == yearly_price([Price(*cheaper, "")])


def test_every_period_that_is_compared_has_at_least_one_in_a_year() -> None:
    assert min(TIMES_A_YEAR.values()) == TIMES_A_YEAR["yearly"] == 1


def test_a_unit_type_that_stora_no_longer_lists_sorts_last_by_price() -> None:
    inventory = a_picture([a_unit("A-1", unit_type_id="gone"), a_unit("B-1")])
    assert found(inventory, sort="price") == ["B-1", "A-1"]


def test_a_page_says_where_it_is_and_how_much_there_is(operator: Inventory) -> None:
    page = search_units(UnitsQuery(page=2), operator, 4)
    assert [row.unit.reference_id for row in page.rows] == ["A-012", "B-001", "C-7", "D 1"]
    assert (page.total, page.pages, page.query.page, page.as_of) == (10, 3, 2, NOW)
    assert page.rows[-1].site is not None
    assert page.rows[-1].site.name == "Bristol Harbourside"


def test_a_page_behind_the_last_one_is_the_last_one(operator: Inventory) -> None:
    page = search_units(UnitsQuery(page=1_000_000), operator, 4)
    assert [row.unit.reference_id for row in page.rows] == ["E-5", "E-6"]
    assert page.query.page == page.pages == 3


def test_nothing_found_is_one_empty_page(operator: Inventory) -> None:
    page = search_units(UnitsQuery(statuses=("unavailable",), page=5), operator, 4)
    assert (page.rows, page.total, page.pages, page.query.page) == ((), 0, 1, 1)
    assert page.as_of == NOW


def test_a_page_is_as_old_as_the_oldest_unit_on_it(operator: Inventory) -> None:
    later = NOW + timedelta(minutes=5)
    first = operator.units[0]
    after = operator.succeeded([first], later)
    assert search_units(UnitsQuery(), after, 1).as_of == later
    assert search_units(UnitsQuery(), after, 2).as_of == NOW


units_of_any_kind = st.lists(
    st.builds(
        lambda reference, site, status, unit_type, day: a_unit(
            reference, site, status, unit_type_id=unit_type, created=NOW - timedelta(days=day)
        ),
        st.from_regex(r"[A-C]{0,1}-?[0-9]{0,3}", fullmatch=True),
        st.sampled_from([*(site.id for site in SITES), "gone"]),
        st.sampled_from([*STATUSES, "auction"]),
        st.sampled_from([*(unit_type.id for unit_type in UNIT_TYPES), "gone"]),
        st.integers(0, 5),
    ),
    max_size=60,
).map(
    lambda units: [
        a_unit(
            unit.reference_id,
            unit.site_id,
            unit.status,
            unit_type_id=unit.unit_type_id,
            created=unit.created_at,
            unit_id=f"u{number}",
        )
        for number, unit in enumerate(units)
    ]
)

some_days = st.none() | st.integers(0, 5).map(lambda day: NOW - timedelta(days=day))
any_query = st.builds(
    UnitsQuery,
    site_ids=st.lists(st.sampled_from([site.id for site in SITES]), max_size=2).map(tuple),
    unit_type_ids=st.lists(st.sampled_from([LOCKER, SMALL, SMALL_HACKNEY, DRIVE_UP]), max_size=2).map(tuple),
    statuses=st.lists(st.sampled_from(STATUSES), max_size=3).map(tuple),
    q=st.sampled_from(["", "1", "A", "a-1", "-"]),
    created_after=some_days,
    created_before=some_days,
    sort=st.sampled_from(SORTS),
    limit=st.none() | st.integers(1, 100),
)


@settings(max_examples=150, deadline=None)
@given(units_of_any_kind, any_query, st.integers(1, 15))
def test_paging_shows_every_unit_exactly_once_whatever_the_page_size_and_sort(
    units: list[Unit], query: UnitsQuery, page_size: int
) -> None:
    inventory = a_picture(units)
    first = search_units(query, inventory, page_size)
    turned = [
        search_units(query.model_copy(update={"page": number}), inventory, page_size)
        for number in range(1, first.pages + 1)
    ]
    shown = [row.unit for page in turned for row in page.rows]
    assert shown == list(matching(query, inventory))
    assert len({unit.id for unit in shown}) == len(shown) == first.total
    size = min(query.limit or page_size, 15)
    assert all(len(page.rows) == size for page in turned[:-1])
    assert [page.query.page for page in turned] == list(range(1, first.pages + 1))


Holds = Callable[[UnitsQuery, Unit], bool]
RULES: dict[str, Holds] = {
    "site_ids": lambda query, unit: unit.site_id in query.site_ids,
    "unit_type_ids": lambda query, unit: unit.unit_type_id in query.unit_type_ids,
    "statuses": lambda query, unit: unit.status in query.statuses,
    "created_after": lambda query, unit: unit.created_at >= (query.created_after or NOW),
    "created_before": lambda query, unit: unit.created_at < (query.created_before or NOW),
}


@settings(max_examples=150, deadline=None)
@given(units_of_any_kind, any_query)
def test_the_answer_is_everything_that_every_filter_keeps_and_nothing_else(
    units: list[Unit], query: UnitsQuery
) -> None:
    query = query.model_copy(update={"q": ""})
    asked = [holds for name, holds in RULES.items() if getattr(query, name)]
    expected = {unit.id for unit in units if all(holds(query, unit) for holds in asked)}
    assert {unit.id for unit in matching(query, a_picture(units))} == expected


@settings(max_examples=100, deadline=None)
@given(units_of_any_kind, any_query)
def test_a_sort_changes_the_order_and_not_what_is_found(units: list[Unit], query: UnitsQuery) -> None:
    inventory = a_picture(units)
    answers = [matching(query.model_copy(update={"sort": sort}), inventory) for sort in SORTS]
    assert all(set(answer) == set(answers[0]) for answer in answers)
    moments = sorted(unit.created_at for unit in answers[0])
    assert [unit.created_at for unit in answers[SORTS.index("newest")]] == moments[::-1]
    assert [unit.created_at for unit in answers[SORTS.index("oldest")]] == moments
    yearly = {unit_type.id: yearly_price(unit_type.prices) for unit_type in UNIT_TYPES}
    prices = [yearly.get(unit.unit_type_id, float("inf")) for unit in answers[SORTS.index("price")]]
    assert prices == sorted(prices)


def test_a_part_is_found_at_once_however_many_units_there_are() -> None:
    # 100,000 units cost 20 ms, and the keys of a new picture half a second; the bounds leave room for a busy machine.
    inventory = a_picture(
        [a_unit(f"{chr(65 + number % 26)}-{number:06}", unit_id=f"u{number}") for number in range(100_000)]
    )
    start = time.perf_counter()
    assert found(inventory, q="A-1")[0] == "A-000104"
    assert time.perf_counter() - start < 2
    took = []
    for typed in ("A-2", "B-000053", "zz"):
        start = time.perf_counter()
        found(inventory, q=typed)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1


def test_a_question_is_worked_out_once_for_each_picture(operator: Inventory) -> None:
    first = matching(UnitsQuery(q="a"), operator)
    assert matching(UnitsQuery(q="a", page=7, limit=3, share=True), operator) is first
    assert matching(UnitsQuery(q="a", sort="newest"), operator) is not first
    after = operator.without(first[0].id)
    assert matching(UnitsQuery(q="a"), after) == first[1:]


@pytest.mark.parametrize(
    ("references", "typed", "is_it"),
    [
        (["A-012"], "a012", True),
        (["A-012"], "A-01", False),
        (["A-012", "A-012"], "A-012", False),
        ([], "A-012", False),
        (["#"], "", False),
        (["A-1", *["B-1"] * 10], "A-1", False),
    ],
)
def test_the_only_unit_found_is_the_one_that_was_typed_or_none_is(
    references: list[str], typed: str, *, is_it: bool
) -> None:
    inventory = a_picture([a_unit(each, unit_id=f"u{number}") for number, each in enumerate(references)])
    only = search_units(UnitsQuery(limit=5), inventory, 5).only(typed)
    assert (only is not None) == is_it


def test_a_picture_does_not_remember_more_questions_than_it_should(operator: Inventory) -> None:
    for number in range(search.QUERIES_REMEMBERED + 1):
        matching(UnitsQuery(q=f"A-{number}"), operator)
        assert len(operator.memory) <= search.QUERIES_REMEMBERED
    assert len(operator.memory) == 1


def test_nor_does_it_hold_more_units_than_it_should_however_large_the_answers() -> None:
    size = 9_000
    inventory = a_picture([a_unit(f"A-{number}", unit_id=f"u{number}") for number in range(size)])
    most = search.UNITS_REMEMBERED // size
    held = []
    for number in range(most + 1):
        assert len(matching(UnitsQuery(created_after=NOW - timedelta(days=100 + number)), inventory)) == size
        held.append(sum(map(len, inventory.memory.values())))
    assert held[most - 1] == most * size
    assert held[most] == size
    assert max(held) <= search.UNITS_REMEMBERED


def test_a_unit_type_with_prices_in_two_periods_counts_with_the_cheaper_one() -> None:
    both = UnitType("both", "Both", prices=(Price("weekly", 2000, ""), Price("monthly", 3600, "")))
    only = UnitType("only", "Only", prices=(Price("weekly", 1000, ""),))
    inventory = a_picture([a_unit("A", unit_type_id="only"), a_unit("B", unit_type_id="both")], unit_types=[both, only])
    assert found(inventory, sort="price") == ["B", "A"]
