"""`Refresh`: what one call must ask, and what its answer proves."""

from typing import Any

import pytest

from bot.core.intents import UnitsQuery
from bot.core.inventory import UNKNOWN_STATUS, Inventory
from bot.core.refresh import left_their_status, to_ask_again
from bot.core.search import matching, search_units
from tests.core.conftest import CAMDEN, HACKNEY, LOCKER, NOW, SMALL, SMALL_HACKNEY, a_picture, a_unit


def asked(operator: Inventory, largest: int, **query: Any) -> UnitsQuery:
    question = UnitsQuery(**query)
    shown = [row.unit for row in search_units(question, operator, 3).rows]
    return to_ask_again(question, shown, operator, largest)


def test_where_the_whole_answer_fits_one_call_its_own_filter_is_asked(operator: Inventory) -> None:
    filters = {"site_ids": (CAMDEN,), "statuses": ("available",), "created_before": NOW}
    question = asked(operator, 100, **filters, sort="price", page=2, limit=2)
    assert question == UnitsQuery(**filters, sort="newest", page=1, limit=100)


@pytest.mark.parametrize(("largest", "narrowed"), [(11, False), (10, True)], ids=["room to spare", "just full"])
def test_where_it_does_not_the_sites_and_types_of_what_is_shown_are_asked(
    operator: Inventory,
    largest: int,
    narrowed: bool,  # noqa: FBT001 - a table's column
) -> None:
    question = asked(operator, largest)
    assert question.site_ids == ((CAMDEN,) if narrowed else ())
    assert question.unit_type_ids == ((LOCKER, SMALL) if narrowed else ())


def test_a_search_for_a_reference_asks_for_what_it_has_found(operator: Inventory) -> None:
    # Stora's own search may find other units than ours, so its answer would prove nothing.
    for query in ({"q": "A-01"}, {"reference": "A-012"}):
        question = asked(operator, 100, **query, statuses=("available",))
        assert question == UnitsQuery(
            site_ids=(CAMDEN, HACKNEY),
            unit_type_ids=(SMALL, SMALL_HACKNEY),
            statuses=("available",),
            sort="newest",
            limit=100,
        )


def test_where_nothing_is_shown_the_filter_itself_is_asked(operator: Inventory) -> None:
    question = asked(operator, 1, q="zzz", statuses=("unavailable",))
    assert question == UnitsQuery(statuses=("unavailable",), sort="newest", limit=1)


def test_a_unit_without_site_or_type_narrows_nothing() -> None:
    inventory = a_picture([a_unit("A-1", "", unit_type_id=""), a_unit("A-2", "", unit_type_id="")])
    question = asked(inventory, 1)
    assert question.site_ids == question.unit_type_ids == ()


def test_what_is_asked_holds_everything_that_is_shown(operator: Inventory) -> None:
    for query in (UnitsQuery(), UnitsQuery(q="a"), UnitsQuery(sort="newest"), UnitsQuery(reference="A-012")):
        shown = [row.unit for row in search_units(query, operator, 3).rows]
        for largest in (1, 5, 100):
            assert set(shown) <= set(matching(to_ask_again(query, shown, operator, largest), operator))


def test_a_unit_that_a_whole_answer_lacks_has_left_the_status_we_knew(operator: Inventory) -> None:
    question = asked(operator, 100, site_ids=(CAMDEN,), statuses=("available",))
    two, ten, twelve = matching(question.model_copy(update={"sort": "reference"}), operator)
    [left] = left_their_status(question, [two, twelve], operator)
    assert (left.id, left.status, left.updated_at) == (ten.id, UNKNOWN_STATUS, ten.updated_at)
    after = operator.succeeded([two, twelve, left], NOW)
    assert [unit.id for unit in matching(question, after)] == [two.id, twelve.id]


def test_an_answer_that_holds_everything_proves_that_nothing_has_left(operator: Inventory) -> None:
    question = asked(operator, 100, statuses=("available",))
    assert left_their_status(question, matching(question, operator), operator) == []
