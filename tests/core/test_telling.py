"""Who must be told of what, once a decision has taken effect."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.changes import What
from bot.core.inventory import Row
from bot.core.reservations import Action, AuditEntry, Decision, Happening, Outcome, Owed, Proposal
from bot.core.telling import SHOWN, Channels, happened, noticed, owed, together
from tests.core.conftest import CAMDEN, HACKNEY, NOW, SITES, UNIT_TYPES, a_unit

PROPOSAL = Proposal(
    id="decision_1",
    action="reserve",
    idempotency_key="key_1",
    unit_id="unit_1",
    unit_reference="A-012",
    site_id=CAMDEN,
    site_name="Camden",
    unit_type="Small room, 25 sq ft",
    price="£18.50 a week",
    tenancy_id="ten_jane",
    customer="Jane Doe",
    starts_at=NOW + timedelta(days=7),
    asked_by="U0NADIA",
    asked_at=NOW - timedelta(minutes=1),
    backoffice_url="https://app.stora.test/units/unit_1",
)
RELEASE = dataclasses.replace(PROPOSAL, id="decision_1-release-1", action="release")

DEFAULT, CAMDENS = "C0DEFAULT", "C0CAMDEN"


@pytest.mark.parametrize(
    ("channels", "site", "channel"),
    [
        (Channels(None, {}), CAMDEN, None),
        (Channels(DEFAULT, {}), CAMDEN, DEFAULT),
        (Channels(DEFAULT, {CAMDEN: CAMDENS}), CAMDEN, CAMDENS),
        (Channels(DEFAULT, {CAMDEN: CAMDENS}), HACKNEY, DEFAULT),
        (Channels(None, {CAMDEN: CAMDENS}), CAMDEN, CAMDENS),
        (Channels(None, {CAMDEN: CAMDENS}), HACKNEY, None),
        (Channels(None, {CAMDEN: CAMDENS}), "", None),
    ],
    ids=["none", "default", "own", "not of this site", "only own", "only another's", "no site"],
)
def test_a_site_has_its_own_channel_or_the_default_one_or_none(
    channels: Channels, site: str, channel: str | None
) -> None:
    assert channels.of(site) == channel


@pytest.mark.parametrize(("action", "what"), [("reserve", "reserved"), ("release", "released")])
def test_colleagues_hear_what_was_decided_by_whom_and_when(action: Action, what: str) -> None:
    proposal = dataclasses.replace(PROPOSAL, action=action)
    happening = happened(proposal, "U0FIONA", NOW)
    assert (happening.what, happening.by, happening.at) == (what, "U0FIONA", NOW)
    assert happening.asked_by == ("" if proposal.asked_by == "U0FIONA" else proposal.asked_by)
    assert happened(proposal, proposal.asked_by, NOW).asked_by == ""
    same = set(Happening.model_fields) - {"what", "by", "at", "asked_by"}
    assert len(same) == 9
    assert {name: getattr(happening, name) for name in same} == {name: getattr(proposal, name) for name in same}


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (Channels(None, {}), []),
        (Channels(DEFAULT, {}), [("decision_1:announcement", "announcement", DEFAULT)]),
        (Channels(DEFAULT, {CAMDEN: CAMDENS}), [("decision_1:announcement", "announcement", CAMDENS)]),
        (Channels(None, {}, notes=True), [("decision_1:note", "note", "")]),
        (
            Channels(DEFAULT, {}, notes=True),
            [("decision_1:announcement", "announcement", DEFAULT), ("decision_1:note", "note", "")],
        ),
    ],
    ids=["nothing", "default", "own", "note", "both"],
)
def test_an_announcement_is_owed_where_there_is_a_channel_and_a_note_where_it_is_wanted(
    channels: Channels, expected: list[tuple[str, str, str]]
) -> None:
    found = owed(PROPOSAL, "U0FIONA", NOW, channels)
    assert [(each.key, each.kind, each.channel_id) for each in found] == expected
    for each in found:
        assert Happening.model_validate_json(each.payload) == happened(PROPOSAL, "U0FIONA", NOW)


def test_the_same_thing_is_owed_once_however_often_it_is_noticed_and_a_release_is_another() -> None:
    channels = Channels(DEFAULT, {}, notes=True)
    first, again = owed(PROPOSAL, "U0FIONA", NOW, channels), owed(PROPOSAL, "U0SAM", NOW + timedelta(1), channels)
    assert [each.key for each in first] == [each.key for each in again]
    keys = [each.key for each in (*first, *owed(RELEASE, "U0FIONA", NOW, channels))]
    assert len(set(keys)) == 4


def test_no_customer_is_in_a_repr_which_may_end_in_a_log() -> None:
    outcome = Outcome("refused", "Jane Doe owes rent.", "conflict", "req_1")
    entry = AuditEntry(at=NOW, who="U0FIONA", action="reserve", result="refused", detail="Jane Doe owes rent.")
    [announcement] = owed(PROPOSAL, "U0FIONA", NOW, Channels(DEFAULT, {}))
    assert isinstance(announcement, Owed)
    for each in (PROPOSAL, Decision(PROPOSAL, "refused", outcome=outcome), entry, announcement):
        assert "Jane" not in repr(each)
    assert "Jane" not in repr(happened(PROPOSAL, "U0FIONA", NOW))
    assert "A-012" in repr(Decision(PROPOSAL, "refused", outcome=outcome))


# What was noticed


@pytest.mark.parametrize(
    ("hears", "site_id", "heard"),
    [
        ({}, CAMDEN, {"reserved", "released"}),
        ({"*": frozenset({"occupied"})}, CAMDEN, {"occupied"}),
        ({CAMDENS: frozenset({"overlocked"})}, CAMDEN, {"overlocked"}),
        ({CAMDENS: frozenset({"overlocked"})}, HACKNEY, {"reserved", "released"}),
        ({CAMDENS: frozenset({"overlocked"}), "*": frozenset()}, HACKNEY, set()),
    ],
    ids=["unless told otherwise", "all", "its own", "another's", "the rest nothing"],
)
def test_a_channel_hears_of_what_it_wants_to_hear(
    hears: Mapping[str, frozenset[What]], site_id: str, heard: set[What]
) -> None:
    channels = Channels(DEFAULT, {CAMDEN: CAMDENS}, hears=hears)
    channel = CAMDENS if site_id == CAMDEN else DEFAULT
    found = {what for what in get_args(What) if channels.hearing(what, site_id) == channel}
    assert found == heard
    assert all(channels.hearing(what, site_id) is None for what in set(get_args(What)) - heard)


def test_nobody_hears_of_a_site_without_a_channel() -> None:
    assert Channels(None, {CAMDEN: CAMDENS}).hearing("reserved", HACKNEY) is None


def test_what_was_noticed_is_owed_under_a_key_that_is_the_same_whoever_notices_it() -> None:
    unit = a_unit("A-012", status="reserved")
    channels = Channels(DEFAULT, {})
    one = noticed("reserved", Row(unit, SITES[0], UNIT_TYPES[1]), NOW, channels)
    another = noticed("reserved", Row(unit, None, None), NOW + timedelta(minutes=9), channels)
    assert one
    assert another
    assert (one.key, one.kind, one.channel_id) == (another.key, "happening", DEFAULT)
    happening = Happening.model_validate_json(one.payload)
    assert (happening.what, happening.unit_reference, happening.site_name) == ("reserved", "A-012", "Camden")
    assert (happening.unit_type, happening.by, happening.customer, happening.at) == ("Small room", "", "", NOW)
    nameless = Happening.model_validate_json(another.payload)
    assert (nameless.site_id, nameless.site_name, nameless.unit_type) == (CAMDEN, "", "")


def test_another_change_is_owed_under_another_key() -> None:
    units = [a_unit("A-1"), a_unit("A-2"), a_unit("A-1", updated=NOW)]
    owed_for = [noticed("reserved", Row(unit, None, None), NOW, Channels(DEFAULT, {})) for unit in units]
    owed_for.append(noticed("released", Row(units[0], None, None), NOW, Channels(DEFAULT, {})))
    assert len({one.key for one in owed_for if one}) == 4


def test_what_nobody_wants_to_hear_is_not_owed() -> None:
    assert noticed("occupied", Row(a_unit("A-1"), None, None), NOW, Channels(DEFAULT, {})) is None


def a_happening(number: int, what: What = "reserved") -> Happening:
    return happened(PROPOSAL, "", NOW).model_copy(update={"what": what, "unit_reference": f"A-{number}"})


whats = st.sampled_from(get_args(What))
happenings = st.lists(st.builds(a_happening, st.integers(0, 99), whats), max_size=SHOWN + 5)


@given(st.lists(happenings, max_size=4), happenings)
def test_a_summary_counts_all_and_shows_the_first_few_however_it_grew(
    earlier: list[list[Happening]], newest: list[Happening]
) -> None:
    everything = [happening for some in earlier for happening in some] + newest
    summary = together(newest, [together(some) for some in earlier])
    assert summary.counts == Counter(happening.what for happening in everything)
    assert summary.shown == tuple(everything[:SHOWN]) or any(len(some) > SHOWN for some in earlier)
    assert len(summary.shown) <= SHOWN
    grown = together((), [together(everything)])
    assert grown == together(everything)
