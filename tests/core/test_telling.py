"""Who must be told of what, once a decision has taken effect."""

import dataclasses
from datetime import timedelta

import pytest

from bot.core.reservations import Action, AuditEntry, Decision, Happening, Outcome, Owed, Proposal
from bot.core.telling import Channels, happened, owed
from tests.core.conftest import CAMDEN, HACKNEY, NOW

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
    same = set(Happening.model_fields) - {"what", "by", "at"}
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
