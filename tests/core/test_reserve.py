"""`/reserve UNIT TENANCY`: which unit and which tenancy are meant, and what is worth a pause."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.intents import Help
from bot.core.inventory import Inventory, Unit
from bot.core.parse import LONGEST_COMMAND, MOST_VALUES
from bot.core.problems import (
    Ambiguous,
    BadValue,
    GivenTwice,
    NoMatch,
    TooLong,
    TooManyValues,
    UnbalancedQuotes,
    UnknownArgument,
    UsageProblem,
)
from bot.core.reserve import (
    MOST_ALTERNATIVES,
    RESERVE_ARGUMENTS,
    Doubts,
    ReserveRequest,
    Wanted,
    alternatives,
    available_units,
    doubts_about,
    parse_reserve,
    resolve_reserve,
)
from bot.core.tenancies import Tenancies
from tests.core.conftest import (
    BRISTOL,
    CAMDEN,
    DRIVE_UP,
    HACKNEY,
    KINGS,
    LOCKER,
    NOW,
    SMALL,
    a_book,
    a_picture,
    a_tenancy,
    a_unit,
)
from tests.core.test_parse import typed_texts

JANE = a_tenancy("Jane Doe", "jane@example.com", CAMDEN, tenancy_id="ten_jane")
OTHER_JANE = a_tenancy("Jane Doe", "j.doe@example.org", HACKNEY, tenancy_id="ten_other_jane")
ANN = a_tenancy("Ann O’Brien", "ann@example.net", HACKNEY, tenancy_id="ten_ann", allocations=("allocation_1",))
BOB = a_tenancy("B Smith", "", KINGS, tenancy_id="ten_bob")
MONKEYS = a_tenancy("12 Monkeys Ltd", "12@monkeys.example", BRISTOL, tenancy_id="ten_monkeys")
BOOK = a_book(JANE, OTHER_JANE, ANN, BOB, MONKEYS)

AT_CAMDEN, AT_HACKNEY = f"unit_{CAMDEN}_A-012", f"unit_{HACKNEY}_A-012"
E_6 = "unit_0123456789abcdef"


def asked(**what: Any) -> ReserveRequest:
    return ReserveRequest(**what)


UNDERSTOOD = {
    "": asked(),
    "A-012": asked(words=("A-012",)),
    "A-012 Jane Doe": asked(words=("A-012", "Jane", "Doe")),
    "A-012, Jane Doe": asked(words=("A-012", "Jane", "Doe")),
    "A-012 “Jane Doe”": asked(words=("A-012", "Jane Doe")),
    "A–012 jane@example.com site=Camden": asked(words=("A-012", "jane@example.com"), sites=("Camden",)),
    "A-012 Jane Doe, site=Camden": asked(words=("A-012", "Jane", "Doe"), sites=("Camden",)),
    "SITE=Camden,Hackney A-012": asked(words=("A-012",), sites=("Camden", "Hackney")),
    'unit=A-012 tenancy="Jane Doe"': asked(unit="A-012", tenancy="Jane Doe"),
    "unit=A-012, tenancy=ten_x": asked(unit="A-012", tenancy="ten_x"),
    'tenancy="Doe, Jane"': asked(tenancy="Doe, Jane"),
    "O’Brien &amp; Sons": asked(words=("O'Brien", "&", "Sons")),
    "help me": asked(words=("help", "me")),
    '"" ,': asked(),
}


@pytest.mark.parametrize(("text", "request_"), UNDERSTOOD.items(), ids=UNDERSTOOD)
def test_what_is_typed_is_understood(text: str, request_: ReserveRequest) -> None:
    assert parse_reserve(text) == request_


@pytest.mark.parametrize("text", ["help", "HELP", " ? ", "-h", "--help", "—help", "–h"])
def test_help_is_help(text: str) -> None:
    assert parse_reserve(text) == Help()


@pytest.mark.parametrize(
    ("text", "problem", "expected"),
    [
        ("A-012 tenant=Jane", UnknownArgument, {"name": "tenant", "suggestions": ("tenancy", "unit", "site")}),
        ("status=any", UnknownArgument, {"name": "status"}),
        ("🦄=x", UnknownArgument, {"suggestions": RESERVE_ARGUMENTS}),
        ("unit=A-1,A-2", GivenTwice, {"argument": "unit"}),
        ("unit=A-1 Unit=A-1", GivenTwice, {"argument": "unit"}),
        ("tenancy=Jane,John", GivenTwice, {"argument": "tenancy"}),
        *((f"{name}=", BadValue, {"argument": name, "typed": ""}) for name in RESERVE_ARGUMENTS),
        ('A-012 "Jane', UnbalancedQuotes, {}),
        ("site=" + ",".join("x" * 21), TooManyValues, {"argument": "site", "limit": MOST_VALUES}),
        ("x" * (LONGEST_COMMAND + 1), TooLong, {"length": LONGEST_COMMAND + 1}),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_cannot_be_understood_is_told_apart(
    text: str, problem: type[UsageProblem], expected: dict[str, object]
) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_reserve(text)
    assert type(caught.value) is problem
    assert {name: getattr(caught.value, name) for name in expected} == expected


@settings(max_examples=300, deadline=None)
@given(
    typed_texts
    | st.lists(st.sampled_from([*(f"{name}=" for name in RESERVE_ARGUMENTS), "A-1", " ", ",", '"'])).map("".join)
)
@example("unit=" * 100)
@example("'\"" * 4000)
def test_no_text_raises_anything_but_a_usage_problem(text: str) -> None:
    try:
        request = parse_reserve(text)
    except UsageProblem:
        return
    request.model_dump_json()  # whatever was typed can be written down: no lone surrogate is left


def test_what_was_typed_is_in_no_repr() -> None:
    assert "Jane" not in repr(parse_reserve('"Jane A" unit=Jane tenancy=Jane'))
    assert "Jane" not in repr(Wanted(typed_unit="Jane", typed_customer="Jane", tenancies=(JANE,)))


def wanted(text: str, inventory: Inventory, tenancies: Tenancies = BOOK) -> Wanted:
    request = parse_reserve(text)
    assert isinstance(request, ReserveRequest)
    return resolve_reserve(request, inventory, tenancies)


def described(found: Wanted) -> dict[str, object]:
    """What is not empty, with ids for units and tenancies."""
    fields = {name: getattr(found, name) for name in Wanted.__slots__}
    fields["units"] = {unit.id for unit in found.units}
    fields["tenancies"] = {tenancy.id for tenancy in found.tenancies}
    return {name: value for name, value in fields.items() if value}


BOTH_JANES = {"ten_jane", "ten_other_jane"}
BOTH_UNITS = {AT_CAMDEN, AT_HACKNEY}
SETTLED: dict[str, tuple[str, str, str]] = {
    # text: unit, tenancy, site
    "A-012 jane@example.com site=Camden": (AT_CAMDEN, "ten_jane", CAMDEN),
    "a012 J.DOE@example.org site=Hackney": (AT_HACKNEY, "ten_other_jane", HACKNEY),
    "A-2 jane@example.com": (f"unit_{CAMDEN}_A-2", "ten_jane", CAMDEN),
    "A-2 o'brien": (f"unit_{CAMDEN}_A-2", "ten_ann", CAMDEN),
    "A-2, ann obrien": (f"unit_{CAMDEN}_A-2", "ten_ann", CAMDEN),
    "A-2 ten_jane": (f"unit_{CAMDEN}_A-2", "ten_jane", CAMDEN),
    "ten_jane A-2": (f"unit_{CAMDEN}_A-2", "ten_jane", CAMDEN),
    "ten_jane a 2": (f"unit_{CAMDEN}_A-2", "ten_jane", CAMDEN),
    "A-012 Jane Doe site=Camden": (AT_CAMDEN, "ten_jane", CAMDEN),
    "A-012 Jane site=Hackney": (AT_HACKNEY, "ten_other_jane", HACKNEY),
    "D 1 Ann": (f"unit_{BRISTOL}_D_1", "ten_ann", BRISTOL),
    "d 1 ten_ann": (f"unit_{BRISTOL}_D_1", "ten_ann", BRISTOL),
    f"{E_6} ten_bob": (E_6, "ten_bob", KINGS),
    f"ten_bob {E_6}": (E_6, "ten_bob", KINGS),
    f"{E_6} B Smith": (E_6, "ten_bob", KINGS),
    f"unit={E_6} tenancy=ten_bob": (E_6, "ten_bob", KINGS),
    'unit="D 1" tenancy="Ann O\'Brien"': (f"unit_{BRISTOL}_D_1", "ten_ann", BRISTOL),
    "tenancy=ten_bob E-6": (E_6, "ten_bob", KINGS),
    "unit=E-6 Smith": (E_6, "ten_bob", KINGS),
    "B-001 ten_jane": (f"unit_{CAMDEN}_B-001", "ten_jane", CAMDEN),  # not available: a warning, no obstacle
    # ids of what is newer than what we know are looked up
    "unit_new ten_new": ("unit_new", "ten_new", ""),
    "ten_new A-2": (f"unit_{CAMDEN}_A-2", "ten_new", CAMDEN),
    "unit_new Ann": ("unit_new", "ten_ann", HACKNEY),
    "Ann unit_new": ("unit_new", "ten_ann", HACKNEY),
}


@pytest.mark.parametrize(("text", "settled"), SETTLED.items(), ids=SETTLED)
def test_a_unit_and_a_tenancy_that_are_plainly_meant_are_settled(
    operator: Inventory, text: str, settled: tuple[str, str, str]
) -> None:
    found = wanted(text, operator)
    assert (found.unit_id, found.tenancy_id, found.site_id) == settled
    assert found.settled
    assert set(described(found)) <= {"unit_id", "tenancy_id", "site_id"}


OPEN: dict[str, dict[str, object]] = {
    "": {},
    "site=Camden": {"site_id": CAMDEN},
    "site=Camden,Hackney": {},
    # only a unit
    "A-2": {"unit_id": f"unit_{CAMDEN}_A-2", "site_id": CAMDEN},
    "d 1": {"unit_id": f"unit_{BRISTOL}_D_1", "site_id": BRISTOL},
    E_6: {"unit_id": E_6, "site_id": KINGS},
    "A-012": {"typed_unit": "A-012", "units": BOTH_UNITS},
    "A-012 site=Camden": {"unit_id": AT_CAMDEN, "site_id": CAMDEN},
    "A-012 site=Bristol": {"typed_unit": "A-012", "site_id": BRISTOL},
    "Z-9": {"typed_unit": "Z-9"},
    "Z-9 site=Camden": {"typed_unit": "Z-9", "site_id": CAMDEN},
    "unit_new": {"unit_id": "unit_new"},
    f"{E_6} site=Camden": {"typed_unit": E_6, "site_id": CAMDEN},  # the id and the site contradict each other
    # only a customer
    "ten_ann": {"tenancy_id": "ten_ann", "site_id": HACKNEY},
    "ann@example.net": {"tenancy_id": "ten_ann", "site_id": HACKNEY},
    "Ann O’Brien": {"tenancy_id": "ten_ann", "site_id": HACKNEY},
    "tenancy=ann": {"tenancy_id": "ten_ann", "site_id": HACKNEY},
    "Jane Doe": {"typed_customer": "Jane Doe", "tenancies": BOTH_JANES},
    "Jane Doe site=Hackney": {"tenancy_id": "ten_other_jane", "site_id": HACKNEY},
    "Ann site=Camden": {"tenancy_id": "ten_ann", "site_id": CAMDEN},  # what was typed, not where the tenancy is
    "ten_new": {"tenancy_id": "ten_new"},
    # several customers, or several units
    "A-012 Jane Doe": {
        "typed_unit": "A-012",
        "typed_customer": "Jane Doe",
        "units": BOTH_UNITS,
        "tenancies": BOTH_JANES,
    },
    # that a customer's tenancy is at one of the sites is a hint, not what was typed
    "A-012 jane@example.com": {"tenancy_id": "ten_jane", "typed_unit": "A-012", "units": BOTH_UNITS},
    "ten_jane a 012": {"tenancy_id": "ten_jane", "typed_unit": "a 012", "units": BOTH_UNITS},
    "C-7 Jane Doe": {
        "unit_id": f"unit_{HACKNEY}_C-7",
        "site_id": HACKNEY,
        "typed_customer": "Jane Doe",
        "tenancies": BOTH_JANES,
    },
    f"Jane Doe {AT_CAMDEN}": {
        "unit_id": AT_CAMDEN,
        "site_id": CAMDEN,
        "typed_customer": "Jane Doe",
        "tenancies": BOTH_JANES,
    },
    "E-6 Jane Doe": {
        "unit_id": E_6,
        "site_id": KINGS,
        "typed_customer": "Jane Doe",
        "tenancies": BOTH_JANES,
    },
    "A-012 B Smith": {"tenancy_id": "ten_bob", "typed_unit": "A-012", "units": BOTH_UNITS},
    "A-012 ten_new": {"tenancy_id": "ten_new", "typed_unit": "A-012", "units": BOTH_UNITS},
    # nobody, or nothing
    "A-2 Nobody": {"unit_id": f"unit_{CAMDEN}_A-2", "site_id": CAMDEN, "typed_customer": "Nobody"},
    "A-2 jane@other.example": {
        "unit_id": f"unit_{CAMDEN}_A-2",
        "site_id": CAMDEN,
        "typed_customer": "jane@other.example",
    },
    "Z-9 Ann": {"typed_unit": "Z-9", "tenancy_id": "ten_ann", "site_id": HACKNEY},
    "No Body": {"typed_unit": "No", "typed_customer": "Body"},
    "tenancy=ten_ann Z 9": {"tenancy_id": "ten_ann", "typed_unit": "Z 9", "site_id": HACKNEY},
    # words that are left over are asked about, not dropped
    f"{E_6} ten_bob Ann": {"unit_id": E_6, "site_id": KINGS, "typed_customer": "ten_bob Ann"},
    f"{E_6} unit_new ten_bob": {"unit_id": E_6, "site_id": KINGS, "typed_customer": "ten_bob unit_new"},
    "tenancy=Ann A-2 Smith": {"unit_id": f"unit_{CAMDEN}_A-2", "site_id": CAMDEN, "typed_customer": "Ann Smith"},
    "unit=A-2 A-10 Ann": {"unit_id": f"unit_{CAMDEN}_A-2", "site_id": CAMDEN, "typed_customer": "A-10 Ann"},
}


@pytest.mark.parametrize(("text", "still_open"), OPEN.items(), ids=OPEN)
def test_what_is_missing_or_ambiguous_is_left_to_be_chosen(
    operator: Inventory, text: str, still_open: dict[str, object]
) -> None:
    found = wanted(text, operator)
    assert not found.settled
    assert described(found) == still_open


@pytest.mark.parametrize(
    ("text", "problem"), [("A-2 site=Leeds", NoMatch), ("A-2 site=c", Ambiguous)], ids=["no site", "several"]
)
def test_a_site_that_is_none_or_several_is_said_at_once(
    operator: Inventory, text: str, problem: type[UsageProblem]
) -> None:
    with pytest.raises(problem):
        wanted(text, operator)


LETTERED = a_picture([a_unit("12", KINGS), a_unit("12B", KINGS), a_unit("Unit 12 B 7", KINGS), a_unit("Rose", KINGS)])
ROSE = a_tenancy("Rose Miller", site_id=KINGS, tenancy_id="ten_rose")
MILLER = a_tenancy("Ben Miller", site_id=KINGS, tenancy_id="ten_miller")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # B Smith's 12 or Smith's 12B: the customer is sure, the unit is not
        ("12 B Smith", {"tenancy_id": "ten_bob", "typed_unit": "12", "units": {"12", "12B"}}),
        ("12B Smith", {"tenancy_id": "ten_bob", "unit_id": "12B"}),
        ("12 Smith", {"tenancy_id": "ten_bob", "unit_id": "12"}),
        ('12 "B Smith"', {"tenancy_id": "ten_bob", "unit_id": "12"}),
        # only 12B, or 12 for somebody with a B
        (
            "12 B",
            {
                "typed_unit": "12", "units": {"12", "12B"},
                "typed_customer": "B", "tenancies": {"ten_bob", "ten_miller"},
            },
        ),
        ("12 B Nobody", {"unit_id": "12B", "typed_customer": "Nobody"}),
        ("unit 12 b 7 Smith", {"tenancy_id": "ten_bob", "unit_id": "Unit 12 B 7"}),
        # the unit Rose for Miller, or only the customer Rose Miller
        (
            "Rose Miller",
            {
                "typed_unit": "Rose", "units": {"Rose"},
                "typed_customer": "Miller", "tenancies": {"ten_rose", "ten_miller"},
            },
        ),
        ("12 Monkeys", {"typed_unit": "12", "units": {"12"}, "tenancy_id": "ten_monkeys"}),
        ("Rose", {"unit_id": "Rose"}),
        ("12", {"unit_id": "12"}),
    ],
)  # fmt: skip
def test_words_that_can_be_read_in_two_ways_are_not_taken_in_one(text: str, expected: dict[str, object]) -> None:
    found = described(wanted(text, LETTERED, a_book(BOB, MONKEYS, ROSE, MILLER)))
    found.pop("site_id", None)
    names = {unit.id: unit.reference_id for unit in LETTERED.units}
    if "unit_id" in found:
        found["unit_id"] = names[str(found["unit_id"])]
    if "units" in found:
        assert isinstance(found["units"], set)
        found["units"] = {names[unit] for unit in found["units"]}
    assert found == expected


def test_a_customer_who_may_not_have_been_typed_is_not_taken() -> None:
    found = wanted("12 B", LETTERED, a_book(BOB))
    assert not found.tenancy_id
    assert (found.typed_customer, found.tenancies) == ("B", (BOB,))


def test_while_the_tenancies_are_being_read_only_an_id_is_sure(operator: Inventory) -> None:
    reading = a_book(JANE, ANN, complete=False)
    for text in ("A-012 Ann", "A-012 ann@example.net"):
        found = described(wanted(text, operator, reading))
        assert found["tenancies"] == {"ten_ann"}
    assert wanted("A-2 ten_ann", operator, reading).settled


def test_a_reference_that_looks_like_an_id_is_a_reference_where_there_is_one() -> None:
    inventory = a_picture(
        [a_unit("unit_12", unit_id="u1"), a_unit("unit_7", unit_id="u2"), a_unit("unit_7", KINGS, unit_id="u3")]
    )
    assert wanted("unit_12", inventory).unit_id == "u1"
    assert described(wanted("unit_7", inventory))["units"] == {"u2", "u3"}
    assert wanted("unit_99", inventory).unit_id == "unit_99"


def test_an_id_is_known_as_one_whatever_it_looks_like() -> None:
    inventory = a_picture([a_unit("A-1", unit_id="B7F3"), a_unit("A-2", unit_id="C001")])
    book = a_book(a_tenancy("Jane Doe", tenancy_id="T-9"), a_tenancy("Ann", tenancy_id="T-8"))
    for text in ("T-9 B7F3", "B7F3 T-9", "Jane B7F3", "A-1 T-9", "T-9 A-1"):
        found = wanted(text, inventory, book)
        assert (found.unit_id, found.tenancy_id) == ("B7F3", "T-9")


references = st.sampled_from(["A-1", "A1", "A 1", "A-2", "12", "12B", "12 B", "Rose", "#", "é-1"])
spoken = st.sampled_from(
    ["A-1", "a1", "A", "1", "12", "B", "12B", "Rose", "Miller", "Jane", "Doe", "jane@example.com", "J", "Smith", "é-1",
     "unit_0", "unit_x", "ten_0", "ten_x", "unit=A-1", "unit=unit_1", "tenancy=ten_1", "tenancy=Jane", "site=Camden",
     "site=Hackney,Camden", '"Jane Doe"', ",", "#"]
)  # fmt: skip
people = st.sampled_from(
    [
        ("Jane Doe", "jane@example.com"),
        ("Jane Doe", ""),
        ("B Smith", ""),
        ("Rose Miller", "12@rose.example"),
        ("A 1", ""),
    ]
)
places = st.sampled_from([CAMDEN, HACKNEY])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(spoken, max_size=5).map(" ".join),
    st.lists(st.tuples(references, places), max_size=6),
    st.lists(st.tuples(people, places), max_size=5),
    st.booleans(),
)
def test_whatever_is_taken_is_no_longer_taken_once_there_are_two_of_it(
    text: str,
    named: list[tuple[str, str]],
    customers: list[tuple[tuple[str, str], str]],
    complete: bool,  # noqa: FBT001 - hypothesis fills it in
) -> None:
    units = [a_unit(reference, site, unit_id=f"unit_{at}") for at, (reference, site) in enumerate(named)]
    tenancies = [a_tenancy(*customer, site, tenancy_id=f"ten_{at}") for at, (customer, site) in enumerate(customers)]
    inventory, book = a_picture(units), a_book(*tenancies, complete=complete)
    try:
        found = wanted(text, inventory, book)
    except UsageProblem:
        return
    assert not (found.unit_id and (found.typed_unit or found.units))
    assert not (found.tenancy_id and (found.typed_customer or found.tenancies))
    assert found.settled == bool(found.unit_id and found.tenancy_id)
    unit = inventory.unit(found.unit_id)
    if unit and unit.id not in text:
        twins = a_picture([*units, dataclasses.replace(unit, id="unit_twin")])
        again = wanted(text, twins, book)
        assert not again.unit_id
        assert {unit.id, "unit_twin"} <= {each.id for each in again.units}
    tenancy = book.by_id.get(found.tenancy_id)
    if tenancy and tenancy.id not in text:
        assert complete
        again = wanted(text, inventory, a_book(*tenancies, dataclasses.replace(tenancy, id="ten_twin")))
        assert not again.tenancy_id
        assert {tenancy.id, "ten_twin"} <= {each.id for each in again.tenancies}


A_2 = a_unit("A-2", unit_type_id=LOCKER)
HAS = dataclasses.replace(a_unit("B-9", status="occupied"), allocation_id="allocation_1")
HAS_TOO = dataclasses.replace(a_unit("B-8", status="occupied", unit_type_id=DRIVE_UP), allocation_id="allocation_2")
SAME = dataclasses.replace(a_unit("A-3", status="occupied", unit_type_id=LOCKER), allocation_id="allocation_3")
HELD = a_picture([A_2, HAS, HAS_TOO, SAME])


@pytest.mark.parametrize(
    ("unit", "tenancy", "doubts"),
    [
        (A_2, JANE, Doubts()),
        (a_unit("A-2", status="reserved"), JANE, Doubts(not_available=True)),
        (a_unit("A-2", status="unknown"), JANE, Doubts(not_available=True)),
        (A_2, OTHER_JANE, Doubts(other_site=HACKNEY)),
        (A_2, a_tenancy("X", site_id=""), Doubts()),
        (A_2, a_tenancy("X", ends=NOW + timedelta(days=1)), Doubts()),
        (A_2, a_tenancy("X", ends=NOW), Doubts(ended_at=NOW)),
        (A_2, a_tenancy("X", allocations=("allocation_1",)), Doubts(has_units=(HAS,), other_types=(SMALL,))),
        (A_2, a_tenancy("X", allocations=("allocation_3",)), Doubts(has_units=(SAME,))),
        (
            A_2,
            a_tenancy("X", allocations=("allocation_2", "allocation_1")),
            Doubts(has_units=(HAS_TOO, HAS), other_types=tuple(sorted((SMALL, DRIVE_UP)))),
        ),
        # one of the same type among them is reason enough not to wonder
        (A_2, a_tenancy("X", allocations=("allocation_1", "allocation_3")), Doubts(has_units=(HAS, SAME))),
        (A_2, a_tenancy("X", allocations=("allocation_unknown",)), Doubts(has_units=(None,))),
        (
            HAS,
            a_tenancy("X", allocations=("allocation_1", "allocation_2")),
            Doubts(not_available=True, has_units=(HAS, HAS_TOO), other_types=(DRIVE_UP,)),
        ),
        # the very unit: that it has it already is worth a word, its type is not
        (HAS, a_tenancy("X", allocations=("allocation_1",)), Doubts(not_available=True, has_units=(HAS,))),
    ],
    ids=[
        "none", "reserved", "changed", "other site", "no site", "ends later", "ended", "other type", "same type",
        "two other types", "one of the same type", "unknown unit", "this unit and another type", "this unit",
    ],
)  # fmt: skip
def test_what_is_unusual_is_worth_a_pause(unit: Unit, tenancy: Any, doubts: Doubts) -> None:
    assert doubts_about(unit, tenancy, HELD, NOW) == doubts


def test_alternatives_are_other_available_units_of_the_same_type_and_site() -> None:
    inventory = a_picture(
        [
            a_unit("A-1", status="reserved"),
            *(a_unit(f"A-{number}") for number in (10, 2, 3, 4)),
            a_unit("A-5", status="occupied"),
            a_unit("A-0", HACKNEY),
            a_unit("A-6", unit_type_id=LOCKER),
        ]
    )
    found = alternatives(f"unit_{CAMDEN}_A-1", inventory)
    assert [row.unit.reference_id for row in found] == ["A-2", "A-3", "A-4"]
    assert len(found) == MOST_ALTERNATIVES
    assert found[0] == inventory.row(found[0].unit)
    assert [row.unit.reference_id for row in alternatives(f"unit_{CAMDEN}_A-2", inventory)] == ["A-3", "A-4", "A-10"]
    assert alternatives(f"unit_{CAMDEN}_A-6", inventory) == []
    assert alternatives("unit_gone", inventory) == []


@pytest.mark.parametrize(
    ("typed", "site", "most", "references"),
    [
        ("", "", 100, ["A-2", "A-10", "A-012", "A-012", "D 1", "E-6"]),
        ("", CAMDEN, 100, ["A-2", "A-10", "A-012"]),
        ("", "", 2, ["A-2", "A-10"]),
        ("a-0", "", 100, ["A-012", "A-012"]),
        ("012", HACKNEY, 100, ["A-012"]),
        ("d1", "", 100, ["D 1"]),
        ("-", "", 100, ["A-2", "A-10", "A-012", "A-012", "D 1", "E-6"]),
        ("B-001", "", 100, []),
        ("zzz", "", 100, []),
    ],
)
def test_the_unit_picker_offers_what_is_available_in_the_order_people_count_in(
    operator: Inventory, typed: str, site: str, most: int, references: list[str]
) -> None:
    found = available_units(typed, operator, site, most)
    assert [row.unit.reference_id for row in found] == references
    assert all(row.unit.status == "available" for row in found)
