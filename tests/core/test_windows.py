"""What each kind of call leaves to the others. What the windows promise is held by tests/stora/test_budget.py."""

import pytest

from bot.core.windows import MARGIN, Priority, Windows, kept_from

WRITE, PERSON, SWEEP = Priority.WRITE, Priority.PERSON, Priority.SWEEP


@pytest.mark.parametrize(
    ("limit", "from_people", "from_sweeps"),
    [(1, 0, 0), (2, 1, 1), (3, 1, 2), (4, 1, 2), (10, 1, 5), (19, 1, 10), (20, 2, 10), (60, 6, 30), (600, 60, 300)],
)
def test_people_leave_a_tenth_and_sweeps_leave_half_but_never_all(
    limit: int, from_people: int, from_sweeps: int
) -> None:
    assert kept_from(WRITE, limit) == 0
    assert kept_from(PERSON, limit) == from_people
    assert kept_from(SWEEP, limit) == from_sweeps


def test_what_somebody_else_counted_replaces_what_we_counted() -> None:
    windows = Windows(2, 60)
    windows.leave()
    windows.leave()
    windows.recount([99.5, 60.0], in_flight=1)
    assert windows.remaining(100.0) == 57
    assert windows.opens_at(100.0, WRITE) == 99.5 + 1.0 + MARGIN


def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    windows = Windows(10, 60)
    windows.hold(30.0)
    windows.hold(20.0)
    assert windows.opens_at(10.0, WRITE) == 30.0
    assert windows.opens_at(31.0, WRITE) == 31.0
