"""What a failure may say of itself in the log."""

import pytest

from bot.core.problems import (
    Ambiguous,
    BadValue,
    InventoryNotRead,
    NoMatch,
    NotFound,
    Problem,
    Refused,
    StoraLogin,
    UnknownArgument,
)


@pytest.mark.parametrize(
    "problem",
    [
        UnknownArgument("Jane"),
        BadValue("site", "Jane"),
        NoMatch("word", "Jane"),
        Ambiguous("site", "Jane"),
        NotFound("Jane is gone"),
        StoraLogin(403, "Jane may not"),
        Refused(422, "conflict", "Jane owes rent", ("Jane",), "req_1"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_neither_what_was_typed_nor_what_stora_said_is_in_the_log(problem: Problem) -> None:
    for shown in (str(problem), repr(problem), f"{problem}"):
        assert "Jane" not in shown
        assert type(problem).__name__ in shown


def test_what_support_asks_for_is() -> None:
    assert "req_1" in str(Refused(422, "conflict", "x", (), "req_1"))
    assert str(InventoryNotRead()) == "InventoryNotRead()"
