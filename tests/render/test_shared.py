"""What everybody in a channel sees, drawn anew from what its buttons carry."""

import pytest

from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.inventory import Inventory
from bot.core.parse import pack_button
from bot.core.problems import StaleButton
from bot.render.shared import drawn_for_all
from tests.core.conftest import CAMDEN, a_picture, a_unit


@pytest.fixture
def inventory() -> Inventory:
    return a_picture([a_unit(f"A-{number}", CAMDEN, unit_id=f"u{number}") for number in range(1, 6)])


def test_a_list_shows_the_page_it_is_turned_to(inventory: Inventory) -> None:
    message, unit_ids = drawn_for_all(pack_button(UnitsQuery(page=2, share=True)), inventory, 2)
    assert unit_ids == ("u3", "u4")
    assert "A-3" in message.text
    assert "A-1" not in message.text


def test_a_card_shows_its_unit_and_nothing_that_only_some_may_press(inventory: Inventory) -> None:
    message, unit_ids = drawn_for_all(pack_button(ShowUnit(unit_id="u2", share=True)), inventory, 2)
    assert unit_ids == ("u2",)
    assert "A-2" in message.text
    assert "reserve_unit" not in str(message.blocks)


@pytest.mark.parametrize("query", ['{"unit_id":"gone"}', "", "{]", '{"unknown": 1}'])
def test_what_cannot_be_drawn_says_so(inventory: Inventory, query: str) -> None:
    with pytest.raises(StaleButton):
        drawn_for_all(query, inventory, 2)
