"""What colleagues read in the channel, and what is noted in Stora."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.reservations import Happening
from bot.core.telling import SHOWN, together
from bot.render.announcements import mend_for, note_in_words, render_announcement, render_happening, render_summary
from bot.render.units import OPEN_BACKOFFICE
from bot.sandbox.slack.block_kit import check_message
from tests.render.conftest import NOW, addresses, elements, labels, links, names, payload, shown

PAGE = "https://app.stora.test/units/unit_1?tab=a&from=slack"


def a_happening(**but: Any) -> Happening:
    known: dict[str, Any] = {
        "what": "reserved",
        "unit_id": "unit_1",
        "unit_reference": "A-012",
        "site_id": "site_1",
        "site_name": "Camden",
        "unit_type": "Small room, 25 sq ft",
        "tenancy_id": "ten_jane",
        "customer": "Jane Doe",
        "starts_at": NOW + timedelta(days=7),
        "by": "U0FIONA",
        "at": NOW,
        "backoffice_url": PAGE,
    }
    return Happening(**{**known, **but})


@pytest.mark.parametrize(("what", "said"), [("reserved", "is reserved for"), ("released", "is released from")])
def test_an_announcement_says_who_did_what_where_for_whom_and_from_when(what: str, said: str) -> None:
    message = render_announcement(a_happening(what=what))
    assert message.in_channel
    for text in (message.text, shown(message)):
        assert f"*A-012* at Camden {said} *Jane Doe*" in text
        assert "Small room, 25 sq ft" in text
        assert "Sat 28 Nov 2026" in text
        assert "<@U0FIONA>" in text
        assert "<!date^1795262400^" in text
    assert check_message(payload(message)) == []


def test_whoever_asked_for_it_is_named_beside_whoever_approved_it() -> None:
    message = render_announcement(a_happening(asked_by="U0NADIA"))
    assert "By <@U0FIONA>, asked for by <@U0NADIA>, " in message.text
    assert "asked for" not in render_announcement(a_happening()).text


def test_only_what_is_still_to_come_is_said_to_be() -> None:
    assert "moves in Sat 28 Nov" in render_announcement(a_happening()).text
    assert "moves in" not in render_announcement(a_happening(what="released")).text


def test_an_announcement_leads_to_the_backoffice() -> None:
    message = render_announcement(a_happening())
    [button] = elements(message)
    assert (button["text"]["text"], button["action_id"], button["url"]) == ("Open in Backoffice", OPEN_BACKOFFICE, PAGE)


@pytest.mark.parametrize("url", [None, "", "https://app.stora.test/" + "x" * 3000], ids=["none", "empty", "too long"])
def test_without_a_usable_address_there_is_no_button(url: str | None) -> None:
    message = render_announcement(a_happening(backoffice_url=url))
    assert labels(message) == []
    assert check_message(payload(message)) == []


def test_what_is_not_known_is_left_out_and_what_cannot_be_printed_has_an_id() -> None:
    bare = a_happening(
        unit_reference="\u200f", site_name=" ", unit_type="", customer="\u202e", starts_at=None, backoffice_url=None
    )
    lines = render_announcement(bare).text.split("\n")
    assert len(lines) == 2
    assert "*unit_1* is reserved for *tenancy ten_jane*" in lines[0]
    assert render_announcement(a_happening(unit_type="")).text.split("\n")[1] == "moves in Sat 28 Nov 2026"


@pytest.mark.parametrize(("what", "said"), [("reserved", "Reserved"), ("released", "Released")])
def test_the_note_in_stora_names_the_person_and_the_tenancy(what: str, said: str) -> None:
    note = note_in_words(a_happening(what=what), "Fiona Smith")
    assert note.startswith(said)
    assert "Fiona Smith (U0FIONA)" in note
    assert "ten_jane" in note
    assert "Jane" not in note


def test_a_person_whose_name_slack_does_not_tell_is_named_once() -> None:
    assert note_in_words(a_happening(), "U0FIONA").count("U0FIONA") == 1


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("not_in_channel", "/invite"),
        ("channel_not_found", "/invite"),
        ("is_archived", "unarchive"),
        ("missing_scope", "manifest"),
        ("msg_too_long", "reason"),
    ],
)
def test_an_operator_is_told_how_a_channel_that_slack_refuses_is_mended(reason: str, said: str) -> None:
    assert said in mend_for(reason)


def utf8(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


texts = names.map(utf8)
happenings = st.builds(
    Happening,
    what=st.sampled_from(["reserved", "released"]),
    unit_id=st.just("unit_1"),
    unit_reference=texts,
    site_id=st.just("site_1"),
    site_name=texts,
    unit_type=texts,
    tenancy_id=st.just("ten_1"),
    customer=texts,
    starts_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    by=st.just("U0FIONA"),
    at=st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001 - `timezones` adds it
    backoffice_url=addresses,
)


@settings(max_examples=200, deadline=None)
@given(happenings)
def test_nothing_that_stora_writes_makes_an_announcement_that_slack_would_refuse(happening: Happening) -> None:
    message = render_announcement(happening)
    assert check_message(payload(message)) == []
    assert set(links(message)) == {"<@U0FIONA>"}
    assert set(labels(message)) <= {"Open in Backoffice"}


@pytest.mark.parametrize("count", [6, SHOWN, SHOWN + 1, 200])
def test_many_changes_are_counted_and_the_first_few_named(count: int) -> None:
    happenings = [
        a_happening(
            what="reserved" if number % 2 else "overlocked", unit_reference=f"A-{number:03}", by="", customer=""
        )
        for number in range(count)
    ]
    message = render_summary(together(happenings))
    assert f"*{count} changes outside Slack:*" in message.text
    assert f"{count // 2} reserved" in message.text
    assert message.text.count("• :") == min(count, SHOWN)
    assert (f"and {count - SHOWN} more" in message.text) == (count > SHOWN)
    assert check_message(payload(message)) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("reserved", "is reserved"),
        ("occupied", "is occupied"),
        ("released", "is available again: it was released"),
        ("overlocked", "is overlocked"),
        ("available", "can be let again"),
    ],
)
def test_what_happened_elsewhere_is_told_without_a_person(what: str, said: str) -> None:
    message = render_happening(a_happening(what=what, by="", customer="", tenancy_id=""))
    assert f"*A-012* at Camden {said}" in message.text
    assert "Not through Slack" in message.text
    assert "<@" not in message.text
    assert check_message(payload(message)) == []
