"""A list or a card as everybody in a channel sees it, drawn anew from what is known now."""

from pydantic import ValidationError

from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.inventory import Inventory
from bot.core.parse import parse_button
from bot.core.problems import StaleButton
from bot.core.search import search_units
from bot.render.blocks import Message
from bot.render.units import Freshness, render_unit, render_units


def drawn_for_all(query: str, inventory: Inventory, page_size: int) -> tuple[Message, tuple[str, ...]]:
    """What a message in a channel shows, and of which units.

    Args:
        query: What it shows, as its buttons carry it.
        inventory: What is known.
        page_size: Units in one message, unless the query says otherwise.

    Raises:
        StaleButton: the query is of another version, or its unit is gone.
    """
    try:
        unit = inventory.unit(ShowUnit.model_validate_json(query).unit_id)
    except ValidationError:
        found = search_units(parse_button(UnitsQuery, query), inventory, page_size)
        return render_units(found, inventory, Freshness()), tuple(row.unit.id for row in found.rows)
    if unit is None:
        raise StaleButton
    return render_unit(inventory.row(unit), inventory.seen_at([unit]), Freshness(), share=True), (unit.id,)
