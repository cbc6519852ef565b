"""A query and a picture of the inventory → the units that match, in order, a page at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rapidfuzz import fuzz, process

from bot.core.intents import UnitsQuery
from bot.core.inventory import Inventory, Price, Row, Unit, bare, one_case, unpadded
from bot.core.names import LONGEST_TYPED
from bot.core.resolve import units_called

ALIKE = 80
"""Out of 100: how like a reference `q=` must be. `q=A12` finds A-12 and A-012, not B-12."""

TIMES_A_YEAR = {"daily": 364, "weekly": 52, "every_4_weeks": 13, "four_weekly": 13, "monthly": 12, "yearly": 1}
"""Billing periods in a year, to compare prices. `weekly` and `monthly` are documented; the others are the Backoffice's
words. A period that is not here sorts last rather than wrong."""

QUERIES_REMEMBERED, UNITS_REMEMBERED = 256, 200_000
"""How many answers one picture remembers, and how many units in them; past either, all are forgotten at once."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of an answer."""

    query: UnitsQuery
    """As asked, its page moved into the pages there are."""
    rows: tuple[Row, ...]
    total: int
    pages: int
    as_of: datetime
    """Nothing shown is older than this."""

    def only(self, reference: str) -> Row | None:
        """The one row that there is, if its unit is called so: whoever types a reference wants its card."""
        called = [bare(row.unit.reference_id) for row in self.rows]
        return self.rows[0] if reference and self.pages == 1 and called == [bare(reference)] else None


def search_units(query: UnitsQuery, inventory: Inventory, page_size: int) -> Found:
    """Answer a query from the directory's picture."""
    units = matching(query, inventory)
    size = query.page_size(page_size)
    pages = max(1, -(-len(units) // size))
    page = min(query.page, pages)
    shown = units[(page - 1) * size : page * size]
    return Found(
        query=query.model_copy(update={"page": page}),
        rows=tuple(inventory.row(unit) for unit in shown),
        total=len(units),
        pages=pages,
        as_of=inventory.seen_at(shown),
    )


def matching(query: UnitsQuery, inventory: Inventory) -> tuple[Unit, ...]:
    """Every unit that matches, in the order asked for."""
    question = query.model_copy(update={"page": 1, "limit": None, "share": False})
    known = inventory.memory.get(question)
    if known is None:
        known = _in_order(query, _selected(query, inventory), inventory)
        remembered = sum(map(len, inventory.memory.values()))
        if len(inventory.memory) >= QUERIES_REMEMBERED or remembered + len(known) > UNITS_REMEMBERED:
            inventory.memory.clear()
        inventory.memory[question] = known
    return known


def _selected(query: UnitsQuery, inventory: Inventory) -> list[Unit]:
    units: Iterable[Unit] = units_called(query.reference, inventory) if query.reference else inventory.units
    if query.site_ids:
        sites = frozenset(query.site_ids)
        units = [unit for unit in units if unit.site_id in sites]
    if query.statuses:
        statuses = frozenset(query.statuses)
        units = [unit for unit in units if unit.status in statuses]
    if query.unit_type_ids:
        unit_types = frozenset(query.unit_type_ids)
        units = [unit for unit in units if unit.unit_type_id in unit_types]
    if query.created_after:
        after = query.created_after
        units = [unit for unit in units if unit.created_at >= after]
    if query.created_before:
        before = query.created_before
        units = [unit for unit in units if unit.created_at < before]
    if query.q:
        units = _called_alike(query.q, units, inventory)
    return list(units)


def _called_alike(typed: str, units: Iterable[Unit], inventory: Inventory) -> list[Unit]:
    part = bare(typed)[:LONGEST_TYPED]
    if not part:  # only signs, such as `-` or `#`: then they are what is looked for
        signs = one_case(typed)
        return [unit for unit in units if signs in one_case(unit.reference_id)]
    references = list(inventory.by_bare_reference)
    alike = {reference for reference in references if part in reference}
    alike.update(hit[0] for hit in process.extract(part, references, scorer=fuzz.ratio, score_cutoff=ALIKE, limit=None))
    ids = {unit.id for reference in alike for unit in inventory.called(reference)}
    # `A-1` finds, too; whoever types the zeros of `A-01` means …, not A-12.
    whole = unpadded(typed)
    without_zeros = zip(inventory.units, inventory.unpadded_references, strict=True)
    ids.update(unit.id for unit, reference in without_zeros if part in reference or reference == whole)
    return [unit for unit in units if unit.id in ids]


def _in_order(query: UnitsQuery, units: Sequence[Unit], inventory: Inventory) -> tuple[Unit, ...]:
    if query.sort == "reference":  # the picture's own order
        return tuple(units)
    if query.sort == "price":
        dear = float("inf")
        yearly = {unit_type.id: yearly_price(unit_type.prices) for unit_type in inventory.unit_types.values()}
        return tuple(sorted(units, key=lambda unit: yearly.get(unit.unit_type_id, dear)))
    return tuple(sorted(units, key=lambda unit: unit.created_at, reverse=query.sort == "newest"))


def yearly_price(prices: Iterable[Price]) -> float:
    """The lowest price for a year, in minor units; infinite where none is known."""
    return min(
        (price.amount * TIMES_A_YEAR[price.billing_period] for price in prices if price.billing_period in TIMES_A_YEAR),
        default=float("inf"),
    )
