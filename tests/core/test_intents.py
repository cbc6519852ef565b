"""What a person can ask for."""

import pytest
from pydantic import BaseModel, ValidationError

from bot.core.intents import LARGEST_MESSAGE, AuditPage, Form, Release, ShowUnit, UnitsQuery, Wish
from bot.core.parse import pack_button, parse_button
from bot.core.problems import StaleButton


@pytest.mark.parametrize(
    ("limit", "default", "size"),
    [
        (None, 10, 10),
        (None, 1, 1),
        (3, 10, 3),
        (15, 10, 15),
        (16, 10, LARGEST_MESSAGE),
        (100, 10, LARGEST_MESSAGE),
    ],
)
def test_a_message_shows_what_was_asked_for_and_never_more_than_fifteen(
    limit: int | None, default: int, size: int
) -> None:
    assert UnitsQuery(limit=limit).page_size(default) == size


def test_two_equal_questions_are_one() -> None:
    assert len({UnitsQuery(q="A-1"), UnitsQuery(q="A-1"), UnitsQuery(q="A-2")}) == 2


@pytest.mark.parametrize("wrong", ["", "a/b", "..", "unit_1?x=1", "unit 1", "unit_1\n", "x" * 65])
def test_only_an_id_can_stand_in_a_path(wrong: str) -> None:
    with pytest.raises(ValidationError):
        ShowUnit(unit_id=wrong)
    with pytest.raises(ValidationError):
        Wish(unit_id=wrong)
    with pytest.raises(ValidationError):
        Release(reservation_id=wrong)
    assert Wish(unit_id="unit_1", tenancy_id="").tenancy_id == ""
    if wrong:
        with pytest.raises(ValidationError):
            Wish(unit_id="unit_1", tenancy_id=wrong)


@pytest.mark.parametrize(
    "intent",
    [
        Wish(unit_id="unit_1"),
        Wish(unit_id="u" * 64, tenancy_id="t" * 64),
        Release(reservation_id="decision_1"),
        Release(reservation_id="decision_1", attempt=3),
        Form(),
        Form(
            site_id="site_1", typed_unit="A 1", typed_customer='"Zoë"', channel_id="C0", response_url="https://x.test/"
        ),
        AuditPage(unit="A-012", befores=(30, 20)),
    ],
    ids=repr,
)
def test_a_button_brings_back_what_it_was_given(intent: BaseModel) -> None:
    assert parse_button(type(intent), pack_button(intent)) == intent


@pytest.mark.parametrize(
    ("intent", "value"),
    [
        (Wish, None),
        (Wish, "{}"),
        (Wish, '{"unit_id":7}'),
        (Wish, '{"unit_id":"../sites"}'),
        (Wish, '{"unit_id":"u","tenancy_id":"../x"}'),
        (Release, "unit_1"),
        (Release, '{"reservation_id":"a","attempt":0}'),
        (Release, '{"reservation_id":"a","attempt":' + "9" * 400 + "}"),
        (Form, "[]"),
        (Form, '{"typed_unit":"\\ud800"}'),
        (AuditPage, '{"befores":["x"]}'),
        (AuditPage, '{"unit":"' + "x" * 201 + '"}'),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:45],
)
def test_a_forged_or_edited_value_is_a_stale_button(intent: type[BaseModel], value: str | None) -> None:
    with pytest.raises(StaleButton):
        parse_button(intent, value)


def test_what_was_typed_into_the_modal_is_in_no_repr() -> None:
    assert "Jane" not in repr(Form(typed_unit="Jane", typed_customer="Jane"))
