"""Which of two looks at the same thing is the later one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.inventory import Site, UnitType
from bot.core.kept import Seen, Thing, Verdict, compared, completed, kind_of, latest, shown
from tests.core.conftest import NOW, SITES, UNIT_TYPES, a_tenancy, a_unit

SECOND = timedelta(seconds=1)


def look(updated: int, asked: int, status: str = "available", *, gone: bool = False) -> Seen:
    """A look at one unit, changed and asked for at these seconds."""
    return Seen(a_unit("A-1", status=status, updated=NOW + updated * SECOND), NOW + asked * SECOND, gone)


@pytest.mark.parametrize(
    ("thing", "kind"),
    [(SITES[0], "site"), (UNIT_TYPES[0], "unit_type"), (a_unit("A-1"), "unit"), (a_tenancy("Jane"), "tenancy")],
    ids=str,
)
def test_everything_has_its_kind(thing: Thing, kind: str) -> None:
    assert kind_of(thing) == kind


@pytest.mark.parametrize(
    ("known", "seen", "verdict"),
    [
        (None, look(0, 1), "changed"),
        (look(0, 1), look(0, 2), "same"),
        (look(0, 1), look(0, 1), "same"),
        (look(0, 1), look(1, 2, "reserved"), "changed"),
        (look(0, 2), look(1, 1, "reserved"), "changed"),
        (look(0, 1), look(1, 2), "changed"),
        (look(1, 1), look(0, 2, "reserved"), "older"),
        (look(0, 2), look(0, 1, "reserved"), "older"),
        (look(0, 1), look(0, 2, "reserved"), "changed"),
        (look(0, 1), look(0, 2, gone=True), "changed"),
        (look(1, 1), look(0, 2, gone=True), "changed"),
        (look(0, 2), look(1, 1, gone=True), "older"),
        (look(0, 1, gone=True), look(0, 2), "changed"),
        (look(0, 2, gone=True), look(1, 1), "older"),
        (look(0, 1, gone=True), look(0, 2, gone=True), "same"),
        (look(0, 2, gone=True), look(0, 1, gone=True), "older"),
    ],
)
def test_which_of_two_looks_counts(known: Seen | None, seen: Seen, verdict: Verdict) -> None:
    assert compared(known, seen) == verdict


def test_a_site_has_no_date_so_the_later_look_counts() -> None:
    camden = Seen(Site("site_1", "Camden"), NOW)
    renamed = Seen(Site("site_1", "Camden Town"), NOW + SECOND)
    assert (compared(camden, renamed), compared(renamed, camden)) == ("changed", "older")
    assert compared(camden, replace(camden, at=NOW + SECOND)) == "same"
    assert Seen(UnitType("type_1", "Locker"), NOW).updated_at == NOW


seconds = st.integers(0, 3)
looks = st.builds(look, seconds, seconds, st.sampled_from(["available", "reserved"]), gone=st.booleans())


@given(looks, looks)
def test_two_looks_are_not_both_older(one: Seen, another: Seen) -> None:
    assert "older" not in (compared(one, another), compared(another, one)) or compared(one, another) != compared(
        another, one
    )


@given(st.lists(looks, max_size=6, unique_by=lambda one: one.at), st.randoms(use_true_random=False))
def test_of_many_looks_the_same_one_counts_in_whatever_order_they_come(seen: list[Seen], chance: object) -> None:
    shuffled = list(seen)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert latest(seen) == latest(shuffled)
    for one in latest(seen).values():
        assert one in seen


@given(st.lists(looks, min_size=1, max_size=6))
def test_of_many_looks_none_is_later_than_the_one_that_counts(seen: list[Seen]) -> None:
    (counts,) = latest(seen).values()
    if not any(one.gone for one in seen):
        assert counts.updated_at == max(one.updated_at for one in seen)
    else:
        assert not (counts.gone and any(one.at > counts.at and not one.gone for one in seen))


def test_what_is_seen_of_different_things_is_kept_apart() -> None:
    seen = [look(0, 1), Seen(a_unit("A-2"), NOW), Seen(SITES[0], NOW)]
    assert list(latest(seen).values()) == sorted(seen, key=lambda one: one.at)


def test_a_webhook_that_does_not_name_the_backoffice_leaves_its_address_known() -> None:
    known = Seen(replace(a_unit("A-1"), backoffice_url="https://bo.example/1"), NOW)
    bare = look(1, 1, "reserved")
    assert completed(known, bare).thing == replace(bare.thing, backoffice_url="https://bo.example/1")  # type: ignore[arg-type]
    elsewhere = Seen(replace(a_unit("A-1"), backoffice_url="https://bo.example/2"), NOW)
    assert completed(known, elsewhere) is elsewhere
    assert completed(None, bare) is bare
    site = Seen(SITES[0], NOW)
    assert completed(site, site) is site
    assert completed(known, site) is site


@pytest.mark.parametrize(
    ("thing", "gone"),
    [
        (a_unit("A-1"), False),
        (a_tenancy("Jane"), False),
        (a_tenancy("Jane", ends=NOW + SECOND), False),
        (a_tenancy("Jane", ends=NOW), True),
    ],
    ids=["unit", "tenancy", "ends soon", "ended"],
)
def test_a_tenancy_that_has_ended_is_as_good_as_gone(thing: Thing, *, gone: bool) -> None:
    assert shown(thing, NOW) == Seen(thing, NOW, gone)
