"""Modals and their inputs, with Slack's limits on them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.render.blocks import context
from bot.render.views import OPTION, TITLE, Choice, modal, option, options, picker
from bot.sandbox.slack.block_kit import check_options, check_view
from tests.render.conftest import names

ids = st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True)
choices = st.builds(Choice, ids, names, names)


def test_a_modal_says_what_it_is_and_how_to_leave_it() -> None:
    view = modal("Reserve a unit", "reserve", [context("x")], submit="Continue", private_metadata="{}")
    assert check_view(view) == []
    assert (view["type"], view["callback_id"], view["private_metadata"]) == ("modal", "reserve", "{}")
    assert [view[name]["text"] for name in ("title", "submit", "close")] == ["Reserve a unit", "Continue", "Cancel"]
    assert view["blocks"] == [context("x")]


def test_a_picker_asks_for_its_options_from_the_first_letter_on() -> None:
    block = picker("Unit", "unit_input", "pick_unit", placeholder="A reference", chosen=Choice("unit_1", "A-1", "£9"))
    assert (block["type"], block["block_id"], block["label"]["text"]) == ("input", "unit_input", "Unit")
    element = block["element"]
    assert (element["type"], element["action_id"], element["min_query_length"]) == ("external_select", "pick_unit", 0)
    assert element["placeholder"]["text"] == "A reference"
    assert element["initial_option"]["value"] == "unit_1"
    assert block["optional"] is False
    assert "dispatch_action" not in block


def test_a_picker_may_be_empty_left_empty_and_tell_at_once_what_was_chosen() -> None:
    block = picker("Site", "site_input", "pick_site", placeholder="All", optional=True, tells_at_once=True)
    assert "initial_option" not in block["element"]
    assert block["optional"] is True
    assert block["dispatch_action"] is True


def test_an_entry_has_a_description_where_there_is_one() -> None:
    entry = option(Choice("unit_1", "A-1", "£9.00 a week"))
    assert (entry["text"]["text"], entry["value"], entry["description"]["text"]) == ("A-1", "unit_1", "£9.00 a week")
    assert "description" not in option(Choice("unit_1", "A-1"))


def test_a_menu_shows_a_hundred_entries_in_the_order_given() -> None:
    many = [Choice(f"unit_{number}", f"A-{number}") for number in range(105)]
    assert [entry["value"] for entry in options(many)] == [choice.value for choice in many[:100]]
    assert check_options({"options": options(many)}) == []
    assert options([]) == []
    assert check_options({"options": []}) == []


def test_no_customer_is_in_a_repr_which_may_end_in_a_log() -> None:
    assert "Jane" not in repr(Choice("ten_1", "Jane Doe"))


@settings(max_examples=150, deadline=None)
@given(st.lists(choices, max_size=5, unique_by=lambda choice: choice.value))
def test_no_name_makes_an_entry_that_slack_would_refuse(found: list[Choice]) -> None:
    entries = options(found)
    assert check_options({"options": entries}) == []
    assert all(len(entry["text"]["text"]) <= OPTION for entry in entries)


@settings(max_examples=150, deadline=None)
@given(names, names, choices, st.booleans(), st.booleans())
def test_no_name_makes_a_modal_that_slack_would_refuse(
    title: str,
    label: str,
    chosen: Choice,
    optional: bool,  # noqa: FBT001 - hypothesis fills it in
    tells_at_once: bool,  # noqa: FBT001 - the same
) -> None:
    block = picker(label, "b", "a", placeholder=label, chosen=chosen, optional=optional, tells_at_once=tells_at_once)
    view = modal(title, "c", [block], submit=title, private_metadata="{}")
    assert check_view(view) == []
    assert len(view["title"]["text"]) <= TITLE


@pytest.mark.parametrize("wrong", ["long title", "two of one value"])
def test_the_check_that_all_this_stands_on_would_notice(wrong: str) -> None:
    if wrong == "long title":
        view = modal("x", "c", [], submit="x", private_metadata="")
        view["title"]["text"] = "x" * (TITLE + 1)
        assert check_view(view)
    else:
        assert check_options({"options": options([Choice("a", "A"), Choice("a", "B")])})
