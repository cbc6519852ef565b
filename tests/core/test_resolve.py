"""The names in a request → the ids in a query."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.intents import ShowUnit, UnitsQuery, UnitsRequest
from bot.core.inventory import Inventory, Site, UnitType
from bot.core.parse import (
    BUTTON_VALUE_LIMIT,
    LARGEST_PAGE,
    SORTS,
    UNITS_ARGUMENTS,
    pack_button,
    parse_button,
    parse_units,
)
from bot.core.problems import Ambiguous, NoMatch, SeveralUnits, TooLarge, UsageProblem
from bot.core.resolve import resolve_units, units_called
from tests.core.conftest import (
    BRISTOL,
    CAMDEN,
    DRIVE_UP,
    HACKNEY,
    KINGS,
    LOCKER,
    NOW,
    SITES,
    SMALL,
    SMALL_HACKNEY,
    UNIT_TYPES,
    a_picture,
    a_unit,
)


def meant(text: str, inventory: Inventory, *, complete: bool = True) -> UnitsQuery | ShowUnit:
    request = parse_units(text)
    assert isinstance(request, UnitsRequest)
    return resolve_units(request, inventory, complete=complete)


def free(**query: Any) -> UnitsQuery:
    return UnitsQuery(**{"statuses": ("available",), **query})


def anyhow(**query: Any) -> UnitsQuery:
    return UnitsQuery(**query)


BOTH_SMALL = (SMALL, SMALL_HACKNEY)

MEANT = {
    "": free(),
    "any": anyhow(),
    "reserved": free(statuses=("reserved",)),
    "site=Camden": free(site_ids=(CAMDEN,)),
    "site=camden": free(site_ids=(CAMDEN,)),
    "site=amd": free(site_ids=(CAMDEN,)),
    f"site={KINGS}": free(site_ids=(KINGS,)),
    "site=,Camden,ck": free(site_ids=(CAMDEN, HACKNEY)),
    "site=Camden,Hackney": free(site_ids=(CAMDEN, HACKNEY)),
    "site=Camden,camden site=Cam": free(site_ids=(CAMDEN,)),
    "site=King's Cross": free(site_ids=(KINGS,)),
    'site="King’s Cross"': free(site_ids=(KINGS,)),
    "type=Locker": free(unit_type_ids=(LOCKER,)),
    f"type={LOCKER}": free(unit_type_ids=(LOCKER,)),
    "type=small": free(unit_type_ids=BOTH_SMALL),
    "type=25": free(unit_type_ids=BOTH_SMALL),
    'type="25 sq ft"': free(unit_type_ids=BOTH_SMALL),
    "site=Camden type=25": free(site_ids=(CAMDEN,), unit_type_ids=(SMALL,)),
    "type=25 site=Camden": free(site_ids=(CAMDEN,), unit_type_ids=(SMALL,)),
    "type=Locker,drive": free(unit_type_ids=(LOCKER, DRIVE_UP)),
    "q=A-1": free(q="A-1"),
    "created_after=2026-01-01": free(created_after=datetime(2026, 1, 1, tzinfo=UTC)),
    "created_before=2026-01-01": free(created_before=datetime(2026, 1, 1, tzinfo=UTC)),
    "sort=price limit=50 page=3 share": free(sort="price", limit=50, page=3, share=True),
    "Camden": free(site_ids=(CAMDEN,)),
    "Camden reserved": free(site_ids=(CAMDEN,), statuses=("reserved",)),
    "Camden, Hackney": free(site_ids=(CAMDEN, HACKNEY)),
    "hackney wick": free(site_ids=(HACKNEY,)),
    "Hackney Wick Bristol Harbourside": free(site_ids=(HACKNEY, BRISTOL)),
    "King's Cross": free(site_ids=(KINGS,)),
    "King’s Cross any": anyhow(site_ids=(KINGS,)),
    "kings cross": free(site_ids=(KINGS,)),
    "kings": free(site_ids=(KINGS,)),
    "site=kings": free(site_ids=(KINGS,)),
    "site=Kings-Cross": free(site_ids=(KINGS,)),
    "site=hackney-wick": free(site_ids=(HACKNEY,)),
    "site=Camden, status=any": anyhow(site_ids=(CAMDEN,)),
    "size=25": free(unit_type_ids=BOTH_SMALL),
    "type=drive-up": free(unit_type_ids=(DRIVE_UP,)),
    "drive-up": free(unit_type_ids=(DRIVE_UP,)),
    "harbour": free(site_ids=(BRISTOL,)),
    "Locker": free(unit_type_ids=(LOCKER,)),
    "small room Camden": free(site_ids=(CAMDEN,), unit_type_ids=(SMALL,)),
    "Camden small room": free(site_ids=(CAMDEN,), unit_type_ids=(SMALL,)),
    "small camden": free(site_ids=(CAMDEN,), unit_type_ids=(SMALL,)),
    "large drive up unit": free(unit_type_ids=(DRIVE_UP,)),
    "25 sq ft": free(unit_type_ids=BOTH_SMALL),
    "150": free(unit_type_ids=(DRIVE_UP,)),
    "A-012": anyhow(reference="A-012"),
    "a012": anyhow(reference="a012"),
    "A 012": anyhow(reference="A 012"),
    "A-012 available": free(reference="A-012"),
    "A-012 Camden": ShowUnit(unit_id="unit_site_camden_A-012"),
    "Camden A-012": ShowUnit(unit_id="unit_site_camden_A-012"),
    "site=camden a012": ShowUnit(unit_id="unit_site_camden_A-012"),
    "a 012 hackney wick": ShowUnit(unit_id="unit_site_hackney_A-012"),
    "B-001": ShowUnit(unit_id="unit_site_camden_B-001"),
    "B-001 occupied": ShowUnit(unit_id="unit_site_camden_B-001"),
    "B-001 available": free(reference="B-001"),
    "B-001 share": ShowUnit(unit_id="unit_site_camden_B-001", share=True),
    "d1": ShowUnit(unit_id="unit_site_bristol_D_1"),
    "D 1 bristol": ShowUnit(unit_id="unit_site_bristol_D_1"),
    "25": ShowUnit(unit_id="unit_site_camden_25"),
    "unit_0123456789abcdef": ShowUnit(unit_id="unit_0123456789abcdef"),
    "unit_0123456789abcdef share": ShowUnit(unit_id="unit_0123456789abcdef", share=True),
}


@pytest.mark.parametrize(("text", "intent"), MEANT.items(), ids=MEANT)
def test_names_and_bare_words_find_what_they_mean(
    operator: Inventory, text: str, intent: UnitsQuery | ShowUnit
) -> None:
    assert meant(text, operator) == intent
    assert not isinstance(intent, ShowUnit) or operator.unit(intent.unit_id)


@pytest.mark.parametrize("argument", ["site", "status", "type", "sort"])
def test_what_only_narrows_the_list_never_shows_a_card(operator: Inventory, argument: str) -> None:
    values = {"site": "Camden", "status": "any", "type": "Locker", "sort": "price"}
    assert isinstance(meant(f"{argument}={values[argument]}", operator), UnitsQuery)


@pytest.mark.parametrize(
    ("text", "kind", "typed", "suggested"),
    [
        ("site=Camdne", "site", "Camdne", "Camden"),
        ("site=kins", "site", "kins", "King's Cross"),
        ("site=Hakcney", "site", "Hakcney", "Hackney Wick"),
        ("site=harborside", "site", "harborside", "Bristol Harbourside"),
        ("site=🦄", "site", "🦄", "Camden"),
        ("type=Loker", "unit type", "Loker", "Locker"),
        ("type=smallroom", "unit type", "smallroom", "Small room"),
        ("type=🦄", "unit type", "🦄", "Locker"),
        ("Camdne", "word", "Camdne", "Camden"),
        ("Kinks Cross", "word", "Kinks", "King's Cross"),
        ("Lockr", "word", "Lockr", "Locker"),
        ("A-O12", "word", "A-O12", "A-012"),
        ("A-0112", "word", "A-0112", "A-012"),
        ("A-5", "word", "A-5", "A-2"),
        ("D-33", "word", "D-33", "D 1"),
        ("A-9999999999999999999999", "word", "A-9999999999999999999999", "Camden"),
        ("unit_ffffffffffffffff", "word", "unit_ffffffffffffffff", "Camden"),
        ("Camden avialable", "word", "avialable", "available"),
        ("Camden C-7", "word", "C-7", "Hackney Wick"),
        ("zzz", "word", "zzz", "Camden"),
        ("🦄", "word", "🦄", "Camden"),
        ("!!!", "word", "!!!", "Camden"),
        ("available in Camden", "word", "in", "King's Cross"),
    ],
)
def test_what_nobody_is_called_suggests_who_is(
    operator: Inventory, text: str, kind: str, typed: str, suggested: str
) -> None:
    with pytest.raises(NoMatch) as caught:
        meant(text, operator)
    assert (caught.value.kind, caught.value.typed) == (kind, typed)
    assert typed not in caught.value.suggestions
    assert suggested in caught.value.suggestions


@pytest.mark.parametrize(
    ("text", "kind", "typed", "candidates"),
    [
        ("site=c", "site", "c", ("Camden", "Hackney Wick", "King's Cross")),
        ("type=l", "unit type", "l", ("Locker", "Small room", "Large drive up unit")),
        ("type=ft", "unit type", "ft", ("10 sq ft", "25 sq ft", "150 sq ft")),
        ("e", "site", "e", ("Camden", "Hackney Wick", "Bristol Harbourside")),
        ("sq", "unit type", "sq", ("10 sq ft", "25 sq ft", "150 sq ft")),
    ],
)
def test_a_part_of_several_names_shows_them_to_choose_from(
    operator: Inventory, text: str, kind: str, typed: str, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(Ambiguous) as caught:
        meant(text, operator)
    assert (caught.value.kind, caught.value.typed, caught.value.candidates) == (kind, typed, candidates)


def test_a_second_reference_is_more_likely_a_mistake_than_a_wish(operator: Inventory) -> None:
    with pytest.raises(SeveralUnits) as caught:
        meant("A-2, A-10", operator)
    assert caught.value.references == ("A-2", "A-10")
    assert "A-2" not in repr(caught.value)


def test_a_whole_name_counts_before_a_part_of_another() -> None:
    sites = (*SITES, Site("site_camden_lock", "Camden Lock"), Site("site_depot", "Depot 12"), Site("croft", "Loft St"))
    inventory = a_picture([a_unit("12"), a_unit("A-1")], sites)
    assert meant("Camden", inventory) == free(site_ids=(CAMDEN,))
    assert meant("site=Camden", inventory) == free(site_ids=(CAMDEN,))
    assert meant("camden lock", inventory) == free(site_ids=("site_camden_lock",))
    assert meant("12", inventory) == ShowUnit(unit_id="unit_site_camden_12")
    assert meant("depot 12", inventory) == free(site_ids=("site_depot",))
    assert meant("Locker", a_picture([], (Site("site_locker", "Locker Lane"),))) == free(unit_type_ids=(LOCKER,))


@pytest.mark.parametrize("word", ["in", "at", "of", "on", "to", "den"])
def test_a_short_word_between_names_is_no_part_of_a_name(word: str) -> None:
    towns = ("Inverness", "Atherton", "Offley", "Onslow", "Tottenham", "Camden")
    inventory = a_picture([], [Site(f"site_{number}", town) for number, town in enumerate(towns)])
    with pytest.raises(UsageProblem):
        meant(f"available {word} Camden", inventory)
    assert isinstance(meant("available Tot Inv", inventory), UnitsQuery)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("King’s Cross", "King's Cross"),
        ("King’s Cross", "king’s"),
        ("Drive‑up – North", "drive-up - north"),
        ("Camden\xa0 Lock", "Camden Lock"),
        ("\u200fHaifa\u200f", "Haifa"),
        ("Fish & Chips", "Fish &amp; Chips"),
        ("Fish &amp; Chips", "Fish &amp;amp; Chips"),
        ("The 'Old' Mill", "The 'Old' Mill"),
        ("STRASSE", "straße"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("Cafe\u0301", "CAFE"),
        ("Zürich", "zurich"),
        ("Ｄｅｐｏｔ １２", "depot 12"),
        ("St. Pancras", "st pancras"),
        ("O'Hara & Sons", "ohara sons"),
        ("दिल्ली", "दिल्ली"),
        ("🚚", "🚚"),
    ],
    ids=ascii,
)
def test_a_name_is_found_however_stora_and_the_phone_write_it(name: str, typed: str) -> None:
    inventory = a_picture([], [Site("site_it", name), Site("site_other", "Other")], [])
    assert meant(f'site="{typed}"', inventory) == free(site_ids=("site_it",))
    unit_types = a_picture([], (), [UnitType("type_it", name), UnitType("type_other", "Other")])
    assert meant(f'type="{typed}"', unit_types) == free(unit_type_ids=("type_it",))


def test_a_name_that_several_things_have_means_all_of_them() -> None:
    inventory = a_picture([], [Site("one", "Camden"), Site("two", "camden"), Site("three", "Other")])
    assert meant("site=Camden", inventory) == free(site_ids=("one", "two"))
    assert meant("site=cam", inventory) == free(site_ids=("one", "two"))
    assert meant("camd", inventory) == free(site_ids=("one", "two"))


SIZED = (
    UnitType("locker", "25 sq ft locker", "25 sq ft"),
    UnitType("garage", "Garage", "250 sq ft"),
    UnitType("archive", "Archive 25", "30 sq ft"),
)


@pytest.mark.parametrize(
    ("unit_types", "typed", "ids"),
    [
        (SIZED[:1], "25", ("locker",)),
        (SIZED[:1], "25 s", ("locker",)),
        (SIZED[:2], "25", ("locker",)),
        (SIZED[:2], "250", ("garage",)),
        (SIZED[:2], "250 sq", ("garage",)),
        (SIZED, "locker", ("locker",)),
        ((SIZED[0], UnitType("small", "Small room", "25 sq ft")), "25", ("locker", "small")),
        ((SIZED[0], UnitType("other", "25 sq ft locker", "2 sq m")), "25", ("locker", "other")),
    ],
)
def test_the_name_and_the_size_of_one_unit_type_are_not_two_of_them(
    unit_types: Sequence[UnitType], typed: str, ids: tuple[str, ...]
) -> None:
    inventory = a_picture([], (), unit_types)
    assert meant(f'type="{typed}"', inventory) == free(unit_type_ids=ids)
    assert meant(typed, inventory) == free(unit_type_ids=ids)


def test_each_of_several_unit_types_is_named_once() -> None:
    inventory = a_picture([], (), SIZED)
    for text in ("type=25", "25"):
        with pytest.raises(Ambiguous) as caught:
            meant(text, inventory)
        assert caught.value.candidates == ("25 sq ft locker", "Archive 25")


def test_a_number_is_no_part_of_a_longer_one_but_a_word_is() -> None:
    assert meant("type=5", a_picture([], [], [UnitType("t", "Box", "5 m²"), UnitType("u", "Crate", "2.5 m²")])) == free(
        unit_type_ids=("t",)
    )
    with pytest.raises(Ambiguous):
        meant("type=5", a_picture([], [], [UnitType("u", "Crate", "2.5 m²"), UnitType("v", "Hall", "15 m²")]))
    with pytest.raises(Ambiguous):
        meant("type=1", a_picture([], [], [UnitType("u", "Crate", "10 sq ft"), UnitType("v", "Hall", "1,000 sq ft")]))
    names = ("Depot 12", "Depot 120", "Pier 7", "Dock 7", "Camden Lock", "Locker Lane", "North+", "++")
    inventory = a_picture([], [Site(name, name) for name in names], [])
    assert meant("site=12", inventory) == free(site_ids=("Depot 12",))
    assert meant("site=120", inventory) == free(site_ids=("Depot 120",))
    for typed, candidates in {
        "7": ("Pier 7", "Dock 7"),
        "lock": ("Camden Lock", "Locker Lane"),
        "+": ("North+", "++"),
    }.items():
        with pytest.raises(Ambiguous) as caught:
            meant(f"site={typed}", inventory)
        assert caught.value.candidates == candidates


def test_a_site_without_a_visible_name_still_has_its_id() -> None:
    inventory = a_picture([], [Site("site_it", "\u200b"), Site("site_empty", "")], [])
    assert meant("site=site_it,site_empty", inventory) == free(site_ids=("site_it", "site_empty"))
    with pytest.raises(NoMatch):
        meant("site=x", inventory)


def test_a_unit_type_of_another_site_is_not_offered_and_one_of_no_site_is(operator: Inventory) -> None:
    with pytest.raises(NoMatch):
        meant("site=Hackney type=Locker", operator)
    everywhere = a_picture([], unit_types=[*UNIT_TYPES, UnitType("type_any", "Parking")])
    assert meant("site=Hackney type=Parking", everywhere) == free(site_ids=(HACKNEY,), unit_type_ids=("type_any",))


def test_a_name_written_exactly_counts_before_one_with_other_accents_or_signs() -> None:
    inventory = a_picture([], [Site("plain", "Cafe"), Site("accent", "Café"), Site("plus", "C+"), Site("c", "C")], [])
    assert meant("site=café", inventory) == free(site_ids=("accent",))
    assert meant("site=CAFE", inventory) == free(site_ids=("plain",))
    assert meant("site=c", inventory) == free(site_ids=("c",))
    assert meant("site=C+", inventory) == free(site_ids=("plus",))
    assert meant("site=C-", inventory) == free(site_ids=("plus", "c"))


def test_signs_alone_are_a_part_only_of_names_that_have_them() -> None:
    inventory = a_picture([], [Site("a", "North+"), Site("b", "South"), Site("c", "!!!"), Site("d", "🚚 East")], [])
    assert meant("site=+", inventory) == free(site_ids=("a",))
    assert meant("site=!!!", inventory) == free(site_ids=("c",))
    assert meant("site=🚚", inventory) == free(site_ids=("d",))
    for typed in ("???", "+!"):
        with pytest.raises(NoMatch):
            meant(f"site={typed}", inventory)


def test_a_reference_is_found_whichever_way_its_accents_are_encoded() -> None:
    inventory = a_picture([a_unit("É-1", unit_id="composed"), a_unit("o\u0308-2", unit_id="decomposed")])
    for typed in ("é-1", "e\u0301-1", "E\u03011"):
        assert meant(typed, inventory) == ShowUnit(unit_id="composed")
    for typed in ("ö-2", "O\u03082"):
        assert meant(typed, inventory) == ShowUnit(unit_id="decomposed")


def test_an_unknown_word_is_answered_at_once_however_many_units_there_are() -> None:
    # 50,000 units used to cost 30 ms; the bound leaves room for a busy machine, and none for that.
    units = [a_unit(f"{chr(65 + number % 26)}-{number}", unit_id=f"u{number}") for number in range(50_000)]
    inventory = a_picture(units)
    for typed in ("zzzz-9999", "A-O12", "\\" * 900, "qq " * 20):
        took = []
        for _ in range(5):
            start = time.perf_counter()
            with pytest.raises(UsageProblem):
                meant(typed, inventory)
            took.append(time.perf_counter() - start)
        assert min(took) < 0.015


@pytest.mark.parametrize(("site", "suggested"), [("", True), ("site=Camden", True), ("site=Hackney", False)])
def test_only_references_of_the_sites_asked_for_are_suggested(
    operator: Inventory,
    site: str,
    suggested: bool,  # noqa: FBT001 - a table's column
) -> None:
    with pytest.raises(NoMatch) as caught:
        meant(f"{site} B-O01", operator)
    assert ("B-001" in caught.value.suggestions) == suggested


def test_a_reference_written_exactly_counts_before_one_that_is_only_alike() -> None:
    inventory = a_picture([a_unit("A1", unit_id="u1"), a_unit("A-1", unit_id="u2"), a_unit("#", unit_id="u3")])
    assert [unit.id for unit in units_called("A1", inventory)] == ["u1"]
    assert [unit.id for unit in units_called("a-1", inventory)] == ["u2"]
    assert {unit.id for unit in units_called("A 1", inventory)} == {"u1", "u2"}
    assert [unit.id for unit in units_called("#", inventory)] == ["u3"]
    assert units_called("-", inventory) == ()


class TestWhileTheInventoryIsBeingRead:
    """Sites and types are known, units are not: Stora is to look for a word that is no name."""

    @pytest.mark.parametrize(
        ("text", "intent"),
        [
            ("A-012", anyhow(q="A-012")),
            ("A-012 Camden", anyhow(q="A-012", site_ids=(CAMDEN,))),
            ("A-012 available", free(q="A-012")),
            ("25 sq ft", free(unit_type_ids=BOTH_SMALL)),
            ("unit_0123456789abcdef", ShowUnit(unit_id="unit_0123456789abcdef")),
            ("unit_of-measure", ShowUnit(unit_id="unit_of-measure")),
            ("unit.of.measure", anyhow(q="unit.of.measure")),
            ("Camden", free(site_ids=(CAMDEN,))),
        ],
    )
    def test_a_word_that_is_no_name_is_looked_for(self, text: str, intent: UnitsQuery | ShowUnit) -> None:
        assert meant(text, a_picture([]), complete=False) == intent

    def test_two_of_them_are_still_a_mistake(self) -> None:
        with pytest.raises(SeveralUnits):
            meant("A-012 A-013", a_picture([]), complete=False)
        with pytest.raises(NoMatch) as caught:
            meant("Londn A-012", a_picture([], [Site("london", "London")], []), complete=False)
        assert (caught.value.typed, caught.value.suggestions) == ("Londn", ("London",))

    def test_a_word_that_no_button_could_carry_is_refused(self) -> None:
        with pytest.raises(TooLarge):
            meant("\\" * 999, a_picture([]), complete=False)


def test_more_names_than_a_button_could_carry_are_refused() -> None:
    sites = [Site(f"site_{number:059d}", "Camden") for number in range(40)]
    with pytest.raises(TooLarge):
        meant("site=Camden", a_picture([], sites))
    assert isinstance(meant("site=Camden", a_picture([], sites[:25])), UnitsQuery)


hostile_names = st.text(max_size=40) | st.sampled_from(
    ["A-1\\\\", '"', "<!channel>", "King’s Cross", "12", "\u200f", "&"]
)
inventories = st.builds(
    lambda sites, unit_types, references, ids: Inventory.of(
        [Site(f"{ids}{number}", name) for number, name in enumerate(sites)],
        [UnitType(f"t{ids}{number}", name, name[::-1], site_id=f"{ids}0") for number, name in enumerate(unit_types)],
        [a_unit(name, f"{ids}{number % 2}", unit_id=f"u{number}") for number, name in enumerate(references)],
        NOW,
    ),
    st.lists(hostile_names, max_size=6),
    st.lists(hostile_names, max_size=6),
    st.lists(hostile_names, max_size=8),
    st.sampled_from(["s", "site_" + "x" * 58]),
)


@st.composite
def commands(draw: st.DrawFn) -> tuple[Inventory, str]:
    """An inventory, and a command about what is in it."""
    inventory = draw(inventories)
    known = [
        *(site.name for site in inventory.sites.values()),
        *(unit_type.name for unit_type in inventory.unit_types.values()),
        *(unit.reference_id for unit in inventory.units),
        *inventory.sites,
        *SORTS,
        "any",
        "A-1" + "\\" * 950,
        "1000000",
        "2026-01-01",
    ]
    value = st.sampled_from(known).map(lambda name: name.replace('"', "")) | hostile_names
    quoted = st.lists(value.map('"{}"'.format), min_size=1, max_size=6).map(",".join)
    part = st.builds("{}{}".format, st.sampled_from(["", *(f"{name}=" for name in UNITS_ARGUMENTS)]), quoted)
    return inventory, " ".join(draw(st.lists(part, max_size=5)))


TWINS = a_picture([a_unit("A-1"), a_unit("A-1", HACKNEY)])


@settings(max_examples=300, deadline=None)
@given(commands(), st.booleans())
@example((TWINS, "A-1" + "\\" * 960), True)  # noqa: FBT003 - hypothesis passes it on
@example((TWINS, "A-1" + "\\" * 970), True)  # noqa: FBT003
@example((TWINS, "A-1" + "\\" * 990), False)  # noqa: FBT003
def test_every_query_that_is_accepted_fits_a_button_on_every_page_and_comes_back(
    command: tuple[Inventory, str],
    complete: bool,  # noqa: FBT001 - hypothesis fills it in
) -> None:
    inventory, text = command
    try:
        intent = meant(text, inventory, complete=complete)
    except UsageProblem:
        return
    match intent:
        case UnitsQuery():
            for page in (1, 2, intent.page + 1, LARGEST_PAGE):
                turned = intent.model_copy(update={"page": page})
                assert len(pack_button(turned)) <= BUTTON_VALUE_LIMIT
                assert parse_button(UnitsQuery, pack_button(turned)) == turned
        case ShowUnit():
            assert parse_button(ShowUnit, pack_button(intent)) == intent
            assert inventory.unit(intent.unit_id) or re.match("unit_", intent.unit_id)


def test_a_query_is_refused_when_only_its_millionth_page_would_not_fit() -> None:
    lengths = []
    for length in range(900, 990):
        try:
            intent = meant("A-1" + "\\" * length, TWINS)
        except TooLarge:
            continue
        lengths.append(len(pack_button(intent)))
    assert max(lengths) <= BUTTON_VALUE_LIMIT - len(f',"page":{LARGEST_PAGE}')
    assert max(lengths) > BUTTON_VALUE_LIMIT - len(f',"page":{LARGEST_PAGE}') - 3
