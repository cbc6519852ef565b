"""Asking for approval in words: nothing that anybody is called breaks a message, pings or links."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.approvals import NEVER_POSTED, Answer, Request
from bot.core.reservations import Decision, Outcome, State
from bot.render.approvals import (
    APPROVE,
    ASK,
    DECLINE,
    render_answer,
    render_asking_card,
    render_request,
    render_too_late,
)
from bot.render.blocks import Message
from bot.render.reserve import CANCEL
from bot.sandbox.slack.block_kit import check_message
from tests.render.conftest import NOW, elements, labels, links, names, payload, shown
from tests.render.test_reserve import PROPOSAL, moments, outcomes, proposals, slow

OMAR, NADIA = "U0OMAR", "U0NADIA"
WARNING = "The tenancy already has *B-7*."
REQUEST = Request(
    Decision(PROPOSAL, "proposed"), NOW, "C0APPROVE", "https://hooks.slack.test/1", warnings=(WARNING,), ts="1.5"
)
REFUSED = Outcome("refused", "The unit is not available <now>.", "conflict", "req_1")


def a_request(state: State, answer: Answer | None = None, reason: str = "", outcome: Outcome | None = None) -> Request:
    by = OMAR if state in {"claimed", "done", "refused", "unknown"} else None
    decision = Decision(PROPOSAL, state, confirmed_by=by, confirmed_at=NOW, settled_at=NOW, outcome=outcome)
    return dataclasses.replace(
        REQUEST, decision=decision, answer=answer, answered_by=OMAR if answer else None, reason=reason
    )


def everything(message: Message) -> list[str]:
    return [message.text, shown(message)]


def test_the_card_says_why_it_cannot_be_confirmed_and_whom_to_ask() -> None:
    card = render_asking_card(PROPOSAL, [WARNING], "This needs the permission `reserve`.")
    assert [(each["text"]["text"], each["action_id"], each["value"]) for each in elements(card)] == [
        ("Ask for approval", ASK, "decision_1"),
        ("Cancel", CANCEL, "decision_1"),
    ]
    for text in everything(card):
        for part in ("A-012", "Jane Doe", "£18.50 a week", WARNING, "permission `reserve`"):
            assert part in text
    assert not card.in_channel
    assert "Press Ask for approval" in card.text


def test_the_request_says_all_that_the_card_says_and_who_asks() -> None:
    request = render_request(REQUEST)
    assert request.in_channel
    approve, decline, page = elements(request)
    assert (approve["action_id"], approve["style"], approve["value"]) == (APPROVE, "primary", "decision_1")
    assert approve["confirm"]["confirm"]["text"] == "Approve"
    assert "A-012 will be reserved for Jane Doe" in approve["confirm"]["text"]["text"]
    assert (decline["action_id"], decline["value"]) == (DECLINE, "decision_1")
    assert page["text"]["text"] == "Open in Backoffice"
    for text in everything(request):
        for part in ("A-012", "Camden", "Small room", "Jane Doe", "ten_jane", WARNING, f"<@{NADIA}>", "24 hours"):
            assert part in text


def test_the_asker_waits_and_can_take_it_back() -> None:
    card = render_answer(REQUEST)
    assert labels(card) == ["Cancel"]
    assert "waiting for an answer" in card.text
    assert "<#C0APPROVE>" in card.text


@pytest.mark.parametrize(
    ("status", "said"), [("overlock", "shows this unit as *Overlocked* now"), ("gone", "no such unit any more")]
)
def test_while_it_waits_everybody_sees_that_the_unit_is_taken(status: str, said: str) -> None:
    request = dataclasses.replace(REQUEST, unit_status=status)
    for message, pressed in ((render_request(request), ["Approve", "Decline"]), (render_answer(request), ["Cancel"])):
        for text in everything(message):
            assert f":warning: No longer available: Stora {'has' if status == 'gone' else 'shows'}" in text
            assert said in text
        assert labels(message)[: len(pressed)] == pressed
    assert WARNING in render_request(request).text


@pytest.mark.parametrize("status", ["available", ""], ids=["free", "not known"])
def test_a_unit_that_nobody_is_known_to_have_is_not_called_taken(status: str) -> None:
    request = dataclasses.replace(REQUEST, unit_status=status)
    assert "No longer available" not in render_request(request).text + render_answer(request).text


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (a_request("claimed", "approved"), f"Approved by <@{OMAR}>: reserving *A-012* for *Jane Doe*…"),
        (a_request("done", "approved"), f"Approved by <@{OMAR}>: *A-012* is reserved for *Jane Doe*"),
        (
            a_request("refused", "approved", outcome=REFUSED),
            "Stora refused: “The unit is not available &lt;now&gt;.”",
        ),
        (a_request("unknown", "approved"), "it is not known whether *A-012* was reserved"),
        (a_request("done"), f"Confirmed by <@{OMAR}>: *A-012* is reserved"),
        (a_request("cancelled"), f"Cancelled by <@{NADIA}>"),
        (a_request("cancelled", "declined"), f"Declined by <@{OMAR}>: *A-012* was not reserved for *Jane Doe*."),
        (a_request("cancelled", "expired"), "Nobody answered within 24 hours"),
        (a_request("cancelled", "expired", "gone"), "no such unit any more"),
        (a_request("cancelled", "expired", "overlock"), "shows this unit as *Overlocked* now"),
        (a_request("cancelled", "expired", NEVER_POSTED), "did not let Unitbot ask in <#C0APPROVE>"),
    ],
    ids=[
        *("under way", "done", "refused", "unknown", "confirmed past it", "cancelled", "declined"),
        *("too old", "no unit", "taken", "never posted"),
    ],
)
def test_what_became_of_it_is_said_alike_to_everybody(request_: Request, said: str) -> None:
    channel, asker, late = render_request(request_), render_answer(request_), render_too_late(request_)
    assert (channel.text, channel.blocks) == (asker.text, asker.blocks)
    assert (channel.in_channel, asker.in_channel) == (True, False)
    for message in (channel, asker):
        assert labels(message) == ["Open in Backoffice"]
        for text in everything(message):
            assert said in text
            assert f"Asked by <@{NADIA}>" in text
    assert said in late.text
    assert labels(late) == []


def test_a_refusal_comes_with_what_storas_support_asks_for() -> None:
    assert "Stora's request id: `req_1`" in render_request(a_request("refused", "approved", outcome=REFUSED)).text


def test_an_unknown_outcome_is_never_called_a_failure() -> None:
    message = render_request(a_request("unknown", "approved", outcome=Outcome("unknown", "secret words", "lost")))
    assert "was not reserved" not in message.text
    assert "Please do not try again" in message.text


requests = st.builds(
    Request,
    decision=st.builds(
        Decision,
        proposals.map(lambda proposal: dataclasses.replace(proposal, action="reserve")),
        st.sampled_from(["proposed", "cancelled", "claimed", "done", "refused", "unknown"]),
        st.just(OMAR),
        st.none() | moments,
        st.none() | moments,
        st.none() | outcomes,
    ),
    asked_at=moments,
    channel_id=st.just("C0APPROVE"),
    response_url=st.none(),
    warnings=st.lists(st.sampled_from([WARNING, f"*{'x' * 300}*"]), max_size=6).map(tuple),
    answer=st.sampled_from([None, "approved", "declined", "expired"]),
    answered_by=st.just(OMAR),
    answered_at=st.none() | moments,
    reason=st.sampled_from(["", "gone", "reserved", NEVER_POSTED]) | names,
    unit_status=st.sampled_from(["", "available", "gone", "reserved"]) | names,
)


@slow
@given(requests)
def test_no_name_breaks_what_is_said_of_a_request(request_: Request) -> None:
    over = dataclasses.replace(request_, decision=dataclasses.replace(request_.decision, state="done"))
    for message in (
        render_request(request_),
        render_answer(request_),
        render_too_late(over),
        render_asking_card(request_.decision.proposal, request_.warnings, "Not allowed."),
    ):
        assert check_message(payload(message)) == []
        assert set(links(message)) <= {f"<@{OMAR}>", f"<@{NADIA}>", "<#C0APPROVE>"}
