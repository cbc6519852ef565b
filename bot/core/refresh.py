"""`Refresh`: what one call to Stora must ask to renew what is shown, and what its answer proves."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.core.intents import UnitsQuery
from bot.core.inventory import UNKNOWN_STATUS, Inventory, Unit
from bot.core.search import matching


def to_ask_again(query: UnitsQuery, shown: Sequence[Unit], inventory: Inventory, largest: int) -> UnitsQuery:
    """The narrowest filter whose answer holds what is shown, so that one call of ``largest`` units may cover it.

    The query's own filter when its answer fits one call, since then units that newly match are seen too; else the
    sites and types of the units shown.
    """
    filters = query.model_copy(update={"q": "", "reference": "", "sort": "newest", "page": 1, "limit": largest})
    if not shown or (not query.q and not query.reference and len(matching(filters, inventory)) < largest):
        return filters
    return filters.model_copy(
        update={
            "site_ids": tuple(sorted({unit.site_id for unit in shown if unit.site_id})),
            "unit_type_ids": tuple(sorted({unit.unit_type_id for unit in shown if unit.unit_type_id})),
        }
    )


def left_their_status(asked: UnitsQuery, answered: Iterable[Unit], inventory: Inventory) -> list[Unit]:
    """The units that a whole answer should have held and did not: they have changed, Stora did not say to what."""
    held = {unit.id for unit in answered}
    return [replace(unit, status=UNKNOWN_STATUS) for unit in matching(asked, inventory) if unit.id not in held]
