"""The picture of what Stora has: its order, and how it follows what Stora says."""

import dataclasses
import random
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.inventory import Inventory, Row, Site, Unit, bare, natural_key
from tests.core.conftest import CAMDEN, HACKNEY, NOW, SITES, a_picture, a_unit

REFERENCES = st.text(max_size=12) | st.from_regex(r"[A-Ca-c]{0,2}[- ]?[0-9]{0,4}[a-b]?", fullmatch=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A-2", "A-10"),
        ("A-9", "A-010"),
        ("a-2", "A-10"),
        ("A-10", "B-2"),
        ("A-2-10", "A-10-2"),
        ("9", "10"),
        ("9", "A"),
        ("", "A-1"),
        ("A", "A1"),
        ("A-1", "A-1b"),
        ("9" * 5000, "1" + "0" * 5000),
        ("A-²", "A-٣"),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_references_are_in_the_order_people_count_in(before: str, after: str) -> None:
    assert natural_key(before) < natural_key(after)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=5).filter(lambda text: not text[-1:].isdigit()), st.integers(0), st.integers(0))
def test_numbers_are_ordered_as_numbers_wherever_they_stand(text: str, one: int, other: int) -> None:
    assert (natural_key(f"{text}{one}z") < natural_key(f"{text}{other}z")) == (one < other)


@settings(max_examples=200, deadline=None)
@given(REFERENCES, REFERENCES, REFERENCES)
@example("1", "A", "-")
def test_any_three_references_have_one_order(first: str, second: str, third: str) -> None:
    one, two, three = natural_key(first), natural_key(second), natural_key(third)
    assert (one < two) + (one == two) + (one > two) == 1
    if one <= two <= three:
        assert one <= three


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(REFERENCES, st.sampled_from([*(site.id for site in SITES), "", "gone"])), max_size=15),
    st.randoms(use_true_random=False),
)
def test_a_picture_has_one_order_however_its_units_arrive(named: list[tuple[str, str]], chance: random.Random) -> None:
    units = [a_unit(reference, site, unit_id=f"u{number}") for number, (reference, site) in enumerate(named)]
    shuffled = list(units)
    chance.shuffle(shuffled)
    assert a_picture(shuffled).units == a_picture(units).units
    keys = [natural_key(unit.reference_id) for unit in a_picture(units).units]
    assert keys == sorted(keys)


def test_one_reference_at_several_sites_follows_the_names_of_the_sites() -> None:
    ids = ["site_kings", "site_unknown", HACKNEY, CAMDEN]
    picture = a_picture([a_unit("A-1", site_id) for site_id in ids])
    assert [unit.site_id for unit in picture.units] == ["site_unknown", CAMDEN, HACKNEY, "site_kings"]


@pytest.mark.parametrize(
    ("reference_id", "letters"),
    [
        ("A-012", "a012"),
        (" a 012 ", "a012"),
        ("A–012", "a012"),
        ("Straße 7", "strasse7"),
        ("🚚-!", ""),
        ("Ä/1", "\u00e41"),
        ("A\u0308/1", "\u00e41"),
        ("Ａ－０１２", "a012"),
        ("a\u200b012", "a012"),
    ],
)
def test_people_need_not_type_what_is_neither_letter_nor_digit(reference_id: str, letters: str) -> None:
    assert bare(reference_id) == letters


def test_units_are_found_by_id_and_by_bare_reference(operator: Inventory) -> None:
    unit = operator.unit("unit_0123456789abcdef")
    assert unit is not None
    assert unit.reference_id == "E-6"
    assert operator.unit("unit_none") is None
    assert [unit.site_id for unit in operator.called("a012")] == [CAMDEN, HACKNEY]


def test_a_unit_is_found_by_its_allocation() -> None:
    taken = dataclasses.replace(a_unit("A-1", status="reserved"), allocation_id="allocation_1")
    assert dict(a_picture([taken, a_unit("A-2")]).by_allocation) == {"allocation_1": taken}


def test_a_row_names_the_site_and_type_or_says_that_they_are_unknown(operator: Inventory) -> None:
    [bristol] = operator.called("d1")
    assert operator.row(bristol) == Row(bristol, operator.sites["site_bristol"], None)
    stray = a_unit("Z", "site_gone")
    assert operator.row(stray).site is None


@pytest.mark.parametrize("turned", [False, True], ids=["older first", "newer first"])
def test_of_two_readings_of_a_unit_the_newer_counts(turned: bool) -> None:  # noqa: FBT001 - a table's column
    older = a_unit("A-1", status="available", updated=NOW - timedelta(hours=2))
    newer = a_unit("A-1", status="reserved", updated=NOW - timedelta(hours=1))
    picture = a_picture([newer, older] if turned else [older, newer])
    assert picture.units == (newer,)


def test_of_two_readings_of_one_moment_the_later_counts() -> None:
    first, second = a_unit("A-1", status="available"), a_unit("A-1", status="reserved")
    assert a_picture([first, second]).units == (second,)
    assert a_picture([second, first]).units == (first,)


LATER = NOW + timedelta(minutes=5)


def changed(status: str, *, reference_id: str = "A-2", days: int = 0) -> Unit:
    return a_unit(reference_id, status=status, unit_id=f"unit_{CAMDEN}_A-2", updated=NOW - timedelta(days=days))


def test_what_stora_says_of_a_unit_replaces_what_was_known(operator: Inventory) -> None:
    after = operator.succeeded([changed("reserved")], LATER)
    assert after.unit(f"unit_{CAMDEN}_A-2") == changed("reserved")
    assert [unit.id for unit in after.units] == [unit.id for unit in operator.units]
    before = operator.unit(f"unit_{CAMDEN}_A-2")
    assert before is not None
    assert before.status == "available"  # the picture that others may still hold is as it was


def test_an_answer_older_than_what_is_known_changes_nothing_but_when_it_was_asked(operator: Inventory) -> None:
    after = operator.succeeded([changed("reserved", days=2)], LATER)
    assert after.units == operator.units
    assert after.seen_at([changed("reserved")]) == LATER


def test_a_unit_new_to_us_joins_in_its_place(operator: Inventory) -> None:
    after = operator.succeeded([a_unit("A-3"), a_unit("A-3")], LATER)
    assert [unit.reference_id for unit in after.units][:5] == ["25", "A-2", "A-3", "A-10", "A-012"]
    assert len(after.units) == len(operator.units) + 1
    assert after.seen_at([a_unit("A-3")]) == LATER
    assert after.seen_at(after.units) == NOW


def test_a_unit_that_was_renamed_moves_to_its_new_place(operator: Inventory) -> None:
    after = operator.succeeded([changed("available", reference_id="Z-9")], LATER)
    assert after.units[-1].reference_id == "Z-9"
    assert "a2" not in after.by_bare_reference
    assert len(after.units) == len(operator.units)


def test_a_unit_that_was_moved_to_another_site_follows_that_sites_name() -> None:
    camden, hackney = a_unit("A-1", CAMDEN, unit_id="u1"), a_unit("A-1", HACKNEY, unit_id="u2")
    after = a_picture([camden, hackney]).succeeded([a_unit("A-1", "site_kings", unit_id="u1")], LATER)
    assert [unit.id for unit in after.units] == ["u2", "u1"]


def test_a_unit_that_stora_no_longer_has_is_gone(operator: Inventory) -> None:
    after = operator.without(f"unit_{CAMDEN}_A-2")
    assert after.unit(f"unit_{CAMDEN}_A-2") is None
    assert len(after.units) == len(operator.units) - 1
    assert after.without("unit_none").units == after.units


def test_an_answer_is_as_old_as_the_oldest_thing_in_it(operator: Inventory) -> None:
    two, ten = operator.called("a2")[0], operator.called("a10")[0]
    after = operator.succeeded([two], LATER).succeeded([ten], LATER + timedelta(minutes=1))
    assert after.seen_at([two]) == LATER
    assert after.seen_at([two, ten]) == LATER
    assert after.seen_at([two, after.units[0]]) == NOW
    assert after.seen_at([]) == NOW


def test_a_reading_that_has_ended_is_newer_than_what_was_asked_before_it(operator: Inventory) -> None:
    asked = operator.succeeded([changed("reserved")], LATER)
    read = asked.followed((), read_at=LATER + timedelta(minutes=1))
    assert read.seen_at(read.units) == LATER + timedelta(minutes=1)
    still = asked.followed((), read_at=LATER - timedelta(minutes=1))
    assert dict(still.asked_again) == {changed("reserved").id: LATER}


def test_of_two_looks_within_one_second_of_storas_the_later_counts_however_late_the_other_is_heard_of(
    operator: Inventory,
) -> None:
    reserved, released = changed("reserved"), changed("available")
    after = operator.succeeded([released], LATER + timedelta(milliseconds=3)).succeeded([reserved], LATER)
    assert after.unit(released.id) == released
    assert dict(after.asked_again) == {released.id: LATER + timedelta(milliseconds=3)}
    assert after.followed([(reserved, LATER + timedelta(milliseconds=4))]).unit(reserved.id) == reserved
    read = after.followed((), read_at=LATER + timedelta(seconds=9))
    assert read.succeeded([reserved], LATER + timedelta(seconds=8)).unit(released.id) == released


def test_new_names_of_sites_put_units_in_their_order(operator: Inventory) -> None:
    camden, hackney = a_unit("A-1", CAMDEN, unit_id="u1"), a_unit("A-1", HACKNEY, unit_id="u2")
    before = a_picture([camden, hackney])
    after = before.named([Site(CAMDEN, "Zoo"), Site(HACKNEY, "Attic")], operator.unit_types.values())
    assert [unit.id for unit in after.units] == ["u2", "u1"]


STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["A-1", "A-2", "A-10"]), st.integers(0, 3))),
        st.sets(st.sampled_from("abcdef"), max_size=2),
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_following_changes_ends_in_the_same_picture_as_reading_everything_anew(
    steps: list[tuple[list[tuple[str, str, int]], set[str]]],
) -> None:
    picture, known = a_picture([]), dict[str, Unit]()
    for seen, gone in steps:
        units = [
            a_unit(reference, unit_id=unit_id, updated=NOW + timedelta(seconds=age)) for unit_id, reference, age in seen
        ]
        # Worked out, so that it may be handed on.
        picture.position, picture.by_bare_reference, picture.unpadded_references  # noqa: B018
        left = gone - {unit.id for unit in units}  # a unit is there or it is not
        picture = picture.followed([(unit, LATER) for unit in units], left)
        known = {unit_id: unit for unit_id, unit in known.items() if unit_id not in left}
        for unit in units:
            if unit.id not in known or known[unit.id].updated_at <= unit.updated_at:
                known[unit.id] = unit
        anew = a_picture(known.values())
        assert picture.units == anew.units
        assert picture.position == anew.position
        assert picture.by_bare_reference == anew.by_bare_reference
        assert picture.unpadded_references == anew.unpadded_references


def test_two_pictures_of_the_same_units_are_two(operator: Inventory) -> None:
    again = Inventory.of(operator.sites.values(), operator.unit_types.values(), operator.units, NOW)
    assert again.units == operator.units
    assert again != operator


def test_no_picture_can_be_changed(operator: Inventory) -> None:
    with pytest.raises(TypeError):
        operator.sites["site_new"] = Site("site_new", "New")  # type: ignore[index]
