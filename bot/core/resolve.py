"""The names in a request → the ids in a query, or a usage problem that teaches the right name."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process

from bot.core.intents import ShowUnit, UnitsQuery, UnitsRequest
from bot.core.inventory import STATUSES, Inventory, Unit, UnitType, bare, one_case
from bot.core.names import LONGEST_TYPED, folded, nearest
from bot.core.parse import LARGEST_PAGE, pack_button, plain
from bot.core.problems import Ambiguous, NoMatch, SeveralUnits

LONGEST_NAME = 4
"""Bare words that may form one name: `King's Cross`, `Large drive up unit`."""
MOST_ALIKE = 50
"""References that are compared more closely with an unknown word, once they are the ones most like it."""
HARDLY_ALIKE = 30
"""Out of 100: `A-5` and `A-012`. Below, a reference has nothing to do with the word."""
SHORTEST_PART = 3
"""Letters of a bare word that may stand for a whole name: in `available in Camden`, `in` is not King's Cross."""


def resolve_units(request: UnitsRequest, inventory: Inventory, *, complete: bool) -> UnitsQuery | ShowUnit:
    """Find what the request's names mean.

    Args:
        request: What was typed.
        inventory: Sites and unit types, and where ``complete`` all units too.
        complete: Whether a unit that ``inventory`` lacks does not exist. Otherwise a word that is no name is
            taken for a unit's reference, which Stora is to look for.

    Raises:
        UsageProblem: a name matches nothing, or several things.
    """
    sites, all_unit_types = SiteNames(inventory), _UnitTypes(inventory, ())

    def something_else(typed: str) -> Sequence[str]:
        return all_unit_types.exactly(typed) or _reference(typed, inventory, ())

    site_ids = [found for typed in request.sites for found in sites.find(typed)]
    words, references = list(request.words), list[str]()
    type_words: list[str] = []
    while words:
        # Sites first: they decide which unit types there are to choose from. But a whole name of something else is
        # no part of a site's name: `12` is the unit 12, not the site Depot 12.
        site = _longest_name(words, sites.exactly)
        other = None if site else _longest_name(words, something_else)
        site = site or (None if other else _longest_name(words, sites.part))
        taken = (site or other or (1, ()))[0]
        if site:
            site_ids += site[1]
        else:
            type_words += words[:taken]
        words = words[taken:]
    unit_types = _UnitTypes(inventory, site_ids)
    unit_type_ids = [found for typed in request.unit_types for found in unit_types.find(typed)]
    while type_words:
        reference = _longest_name(type_words, lambda word: _reference(word, inventory, site_ids))
        unit_type = _longest_name(type_words, unit_types.exactly)
        if reference and unit_type and unit_type[0] > reference[0]:
            reference = None  # `25 sq ft` is a size even where a unit is called 25
        taken, found = reference or unit_type or _longest_name(type_words, unit_types.part) or (0, ())
        if reference:
            references.append(" ".join(type_words[:taken]))
        elif taken:
            unit_type_ids += found
        elif complete:
            raise _unknown_word(type_words[0], sites, unit_types, _references_like(type_words[0], inventory, site_ids))
        else:
            references.append(type_words[0])
            taken = 1
        type_words = type_words[taken:]
    if len(references) > 1:
        # While units are not known, a word without a number is more likely a misspelt name.
        misspelt = [word for word in references if not complete and not any(map(str.isdecimal, word))]
        raise _unknown_word(misspelt[0], sites, unit_types, ()) if misspelt else SeveralUnits(tuple(references))
    query = UnitsQuery(
        site_ids=tuple(dict.fromkeys(site_ids)),
        unit_type_ids=tuple(dict.fromkeys(unit_type_ids)),
        statuses=_statuses(request, by_reference=bool(references)),
        q=request.q,
        created_after=request.created_after,
        created_before=request.created_before,
        sort=request.sort,
        limit=request.limit,
        page=request.page,
        share=request.share,
    )
    intent = _by_reference(references[0], query, inventory, complete=complete) if references else query
    if isinstance(intent, UnitsQuery):
        # A query that no button could carry is refused here, not when its second page is wanted.
        pack_button(intent.model_copy(update={"page": LARGEST_PAGE}))
    return intent


def _statuses(request: UnitsRequest, *, by_reference: bool) -> tuple[str, ...]:
    if request.statuses is not None:
        return request.statuses
    # Whoever names one unit wants to see it whatever its status; whoever looks around wants what is free.
    return () if by_reference else ("available",)


def _by_reference(reference: str, query: UnitsQuery, inventory: Inventory, *, complete: bool) -> UnitsQuery | ShowUnit:
    if inventory.unit(reference) or (not complete and re.fullmatch(r"unit_[0-9A-Za-z_-]{1,59}", reference)):
        return ShowUnit(unit_id=reference, share=query.share)
    if not complete:
        return query.model_copy(update={"q": reference})
    at_sites = [
        unit for unit in units_called(reference, inventory) if not query.site_ids or unit.site_id in query.site_ids
    ]
    if len(at_sites) == 1 and (not query.statuses or at_sites[0].status in query.statuses):
        return ShowUnit(unit_id=at_sites[0].id, share=query.share)
    return query.model_copy(update={"reference": reference})


def units_called(reference: str, inventory: Inventory) -> tuple[Unit, ...]:
    """The units with this reference: written exactly so if any is, else without regard to case and punctuation."""
    letters = bare(reference)
    loosely = inventory.called(letters)
    exactly = tuple(unit for unit in loosely if one_case(unit.reference_id) == one_case(reference))
    return exactly or (loosely if letters else ())


def _reference(word: str, inventory: Inventory, site_ids: Sequence[str]) -> Sequence[str]:
    if inventory.unit(word):
        return (word,)
    called = units_called(word, inventory)
    return [unit.id for unit in called if not site_ids or unit.site_id in site_ids]


Find = Callable[[str], Sequence[str]]


def _longest_name(words: Sequence[str], find: Find) -> tuple[int, Sequence[str]] | None:
    """How many of the first words form a name, and what it means."""
    for count in range(min(LONGEST_NAME, len(words)), 0, -1):
        found = find(" ".join(words[:count]))
        if found:
            return count, found
    return None


def _unknown_word(
    word: str, sites: "SiteNames", unit_types: "_UnitTypes", references: Sequence[str]
) -> NoMatch | Ambiguous:
    for names in (sites, unit_types):
        candidates = names.several(word)
        if candidates:
            return Ambiguous(names.kind, word, candidates)
    # Only a word with a number in it may be meant for a reference that is hardly like it.
    anything = (any(map(str.isdecimal, word)) and references) or sites.names
    known = [*sites.names, *unit_types.names, *STATUSES, *references]
    return NoMatch("word", word, nearest(word, known) or tuple(anything[:3]))


def _references_like(word: str, inventory: Inventory, site_ids: Sequence[str]) -> list[str]:
    """References that may have been meant by a word that is none, the most alike first.

    Whole words only, for there may be 50,000.
    """
    found = process.extract(
        bare(word)[:LONGEST_TYPED],
        list(inventory.by_bare_reference),
        scorer=fuzz.ratio,
        score_cutoff=HARDLY_ALIKE,
        limit=MOST_ALIKE,
    )
    alike = [unit for letters, _score, _index in found for unit in inventory.called(letters)]
    return [unit.reference_id for unit in alike if not site_ids or unit.site_id in site_ids]


@lru_cache(maxsize=16_384)
def _written(name: str) -> str:
    """A name as it is written, whoever writes it: the Backoffice, too, has curly quotes and long dashes."""
    return one_case(plain(name))


class _Names:
    """Things of one kind that people call by name; several may share one name."""

    kind: Literal["site", "unit type"]

    def __init__(self, named: Sequence[tuple[str, str]]) -> None:
        self._ids = {thing_id for _, thing_id in named}
        self._named = [(name, _written(name), folded(name)) for name, _ in named if _written(name)]
        self._as_written: dict[str, list[str]] = {}
        self._by_letters: dict[str, list[str]] = {}
        for name, thing_id in named:
            self._as_written.setdefault(_written(name), []).append(thing_id)
            self._by_letters.setdefault(folded(name), []).append(thing_id)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _, _ in self._named))

    def exactly(self, typed: str) -> Sequence[str]:
        """The ids of what is called so: by id, as it is written if anything is, else without accents and signs."""
        if typed in self._ids:
            return [typed]
        written, letters = _written(typed), folded(typed)
        exactly = self._as_written.get(written, ()) if written else ()
        return exactly or (self._by_letters.get(letters, ()) if letters else ())

    def several(self, typed: str) -> tuple[str, ...]:
        """The names to choose from where what was typed is a part of several things' names; one for each thing."""
        names = self._holding(typed)
        if self._as_one(names):
            return ()
        things: dict[frozenset[str], str] = {}
        for name in names:
            things.setdefault(frozenset(self.exactly(name)), name)
        return tuple(things.values())

    def part(self, typed: str) -> Sequence[str]:
        """The ids of the one thing in whose name a word begins like this, or which has this number."""
        if len(bare(typed)) < SHORTEST_PART and not typed.isdecimal():
            return ()
        begins = f" {folded(typed)}"
        return self._as_one([name for name in self._holding(typed) if begins in f" {folded(name)}"])

    def find(self, typed: str) -> Sequence[str]:
        """The ids meant.

        Raises:
            NoMatch, Ambiguous: with the names to choose from.
        """
        found = self.exactly(typed) or self._as_one(self._holding(typed))
        if found:
            return found
        candidates = self.several(typed)
        if candidates:
            raise Ambiguous(self.kind, typed, candidates)
        raise NoMatch(self.kind, typed, nearest(typed, self.names) or tuple(self.names[:3]))

    def _holding(self, typed: str) -> list[str]:
        """The names that what was typed is a part of; a number is no part of a longer one, if it is found whole."""
        signs, letters = _written(typed), folded(typed)
        names = {
            name: known for name, written, known in self._named if (letters in known if letters else signs in written)
        }
        if not letters.isdecimal():
            return list(names)
        whole = re.compile(rf"(?<![\d.,]){letters}(?![.,]?\d)")  # the 5 of 2.5 m² is no 5
        return [name for name in names if whole.search(_written(name))] or list(names)

    def _as_one(self, names: Sequence[str]) -> Sequence[str]:
        """The ids of what has all these names: a unit type has a name and a size, and several may share the size."""
        each = [self.exactly(name) for name in names]
        together = set().union(*each)
        return next((ids for ids in each if together.issubset(ids)), ())


class SiteNames(_Names):
    """The sites by name."""

    kind = "site"

    def __init__(self, inventory: Inventory) -> None:
        super().__init__([(site.name, site.id) for site in inventory.sites.values()])


class _UnitTypes(_Names):
    kind = "unit type"

    def __init__(self, inventory: Inventory, site_ids: Sequence[str]) -> None:
        def offered(unit_type: UnitType) -> bool:
            return not site_ids or not unit_type.site_id or unit_type.site_id in site_ids

        at_sites = [unit_type for unit_type in inventory.unit_types.values() if offered(unit_type)]
        names = [(unit_type.name, unit_type.id) for unit_type in at_sites]
        sizes = [(unit_type.size_description, unit_type.id) for unit_type in at_sites]
        super().__init__(names + sizes)
