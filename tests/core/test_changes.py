"""The unit before and after → what colleagues would say has happened."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.changes import What, what_happened
from bot.core.inventory import STATUSES, Unit
from tests.core.conftest import NOW, a_unit


def was(status: str, allocation_id: str = "") -> Unit:
    return replace(a_unit("A-1", status=status), allocation_id=allocation_id)


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("available", "reserved", "reserved"),
        ("unavailable", "reserved", "reserved"),
        ("occupied", "reserved", "reserved"),
        ("available", "occupied", "occupied"),
        ("reserved", "occupied", "occupied"),
        ("repossessed", "occupied", "occupied"),
        ("overlock", "occupied", None),
        ("occupied", "overlock", "overlocked"),
        ("reserved", "overlock", "overlocked"),
        ("reserved", "available", "released"),
        ("occupied", "available", "released"),
        ("overlock", "available", "released"),
        ("unavailable", "available", "available"),
        ("repossessed", "available", "available"),
        ("unknown", "available", "available"),
        ("available", "unavailable", None),
        ("occupied", "repossessed", None),
        ("reserved", "something new", None),
        ("something new", "available", "available"),
    ],
)
def test_what_a_change_of_status_is_called(before: str, after: str, what: What | None) -> None:
    assert what_happened(was(before), was(after)) == what


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (was("reserved", "alloc_1"), was("reserved", "alloc_2"), "reserved"),
        (was("occupied", "alloc_1"), was("occupied", "alloc_2"), "occupied"),
        (was("overlock", "alloc_1"), was("occupied", "alloc_2"), "occupied"),
        (was("overlock", "alloc_1"), was("occupied", "alloc_1"), None),
        (was("reserved", "alloc_1"), was("reserved"), None),
        (was("reserved"), was("reserved", "alloc_1"), None),
        (was("overlock", "alloc_1"), was("overlock", "alloc_2"), None),
        (was("available"), was("available", "alloc_1"), None),
    ],
    ids=["reserved", "occupied", "unlocked", "the same", "not told", "told now", "overlocked", "nobody's"],
)
def test_another_customer_is_news_and_an_allocation_that_is_not_told_is_none(
    before: Unit, after: Unit, what: What | None
) -> None:
    assert what_happened(before, after) == what


statuses = st.sampled_from([*STATUSES, "unknown", "something new"])
allocations = st.sampled_from(["", "alloc_1", "alloc_2"])
units = st.builds(was, statuses, allocations)


@given(units)
def test_a_unit_that_is_new_to_us_is_no_news(unit: Unit) -> None:
    assert what_happened(None, unit) is None


@given(units, st.text())
def test_what_stays_as_it_was_is_no_news_whatever_else_is_said_of_it(unit: Unit, reference_id: str) -> None:
    assert what_happened(unit, replace(unit, reference_id=reference_id, updated_at=NOW)) is None


@given(units, units)
def test_what_is_said_agrees_with_how_the_unit_is_now(before: Unit, after: Unit) -> None:
    now = {"reserved": "reserved", "occupied": "occupied", "overlocked": "overlock"}
    what = what_happened(before, after)
    assert what is None or after.status == now.get(what, "available")
    assert what in {None, *get_args(What)}
