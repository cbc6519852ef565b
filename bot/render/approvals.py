"""Asking for approval in words: the asker's card, the request in its channel, and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.approvals import NEVER_POSTED, Request
from bot.core.reservations import Outcome, Proposal
from bot.render.blocks import (
    Block,
    Message,
    actions,
    button,
    clean,
    clip,
    confirm,
    context,
    escape,
    moment,
    section,
)
from bot.render.reserve import (
    CANCEL,
    THE_CUSTOMER_IS_TOLD,
    card,
    details,
    for_whom,
    unit_named,
    why_refused,
    why_unknown,
)
from bot.render.units import backoffice_button, status_words

ASK, APPROVE, DECLINE = "approval_ask", "approval_approve", "approval_decline"


def render_asking_card(proposal: Proposal, warnings: Sequence[str], why_not: str) -> Message:
    """The card of somebody who may not confirm it; ``why_not`` is the refusal, in mrkdwn."""
    buttons = [
        button("Ask for approval", ASK, proposal.id, style="primary"),
        button("Cancel", CANCEL, proposal.id),
    ]
    return card(proposal, warnings, why_not, buttons, "Press Ask for approval or Cancel.")


def render_request(request: Request) -> Message:
    """The request in its channel, as it stands."""
    proposal = request.decision.proposal
    if not request.waits:
        return _over(request, in_channel=True)
    small = f"Asked by <@{proposal.asked_by}>, {moment(request.asked_at)}; good for 24 hours. {THE_CUSTOMER_IS_TOLD}"
    asks = confirm(
        "Reserve this unit?",
        f"{clip(clean(proposal.unit_reference) or proposal.unit_id, 80)} will be reserved for "
        f"{clip(clean(proposal.customer) or proposal.tenancy_id, 80)}.",
        "Approve",
        style="primary",
    )
    buttons = [
        button("Approve", APPROVE, proposal.id, style="primary", asks=asks),
        button("Decline", DECLINE, proposal.id, style="danger"),
        *backoffice_button(proposal.backoffice_url),
    ]
    # The buttons stay: the unit may be free again sooner than we know, and `Approve` asks Stora first.
    warnings = request.warnings if request.is_free else (*request.warnings, _taken(request))
    asked = card(proposal, warnings, small, buttons, "Press Approve or Decline.")
    return Message(asked.text, asked.blocks, in_channel=True)


def render_answer(request: Request) -> Message:
    """The asker's card, and what the asker is told directly."""
    proposal = request.decision.proposal
    if not request.waits:
        return _over(request, in_channel=False)
    said = f":raised_hand: Asked for approval of {unit_named(proposal)}{for_whom(proposal)}; waiting for an answer."
    small = f"Asked in <#{request.channel_id}>, {moment(request.asked_at)}. You will be told."
    said += "" if request.is_free else f"\n:warning: {_taken(request)}"
    buttons = [button("Cancel", CANCEL, proposal.id)]
    return Message(f"{said}\n{small}", (section(said), context(small), actions(buttons)))


def render_too_late(request: Request) -> Message:
    """To whoever presses a button of a request that is over."""
    said = "\n".join(standing(request))
    return Message(said, (section(said),))


def standing(request: Request) -> list[str]:
    """How a request that waits no more stands, in sentences; Stora's refusal in its own words."""
    decision, proposal = request.decision, request.decision.proposal
    unit, whose = unit_named(proposal), for_whom(proposal)
    answered = f"{'Approved' if request.answer else 'Confirmed'} by <@{decision.confirmed_by}>"
    match decision.state:
        case "claimed":
            return [f":hourglass_flowing_sand: {answered}: reserving {unit}{whose}…"]
        case "done":
            return [f":white_check_mark: {answered}: {unit} is reserved{whose}"]
        case "refused":
            why = why_refused(decision.outcome) if decision.outcome else ""
            return [f":no_entry: {answered}, but {unit} was not reserved{whose}.", why]
        case "unknown":
            said = f":grey_question: {answered}, but it is not known whether {unit} was reserved{whose}"
            why = why_unknown(decision.outcome or Outcome("unknown"))
            return [f"{said}: {why}", "Unitbot is finding out. Please do not try again until then."]
        case _:
            return _not_to_be(request, unit, whose)


def _not_to_be(request: Request, unit: str, whose: str) -> list[str]:
    if request.answer == "declined":
        return [f":no_entry: Declined by <@{request.answered_by}>: {unit} was not reserved{whose}."]
    if request.answer is None:
        asker = request.decision.proposal.asked_by
        return [f":leftwards_arrow_with_hook: Cancelled by <@{asker}>: {unit} was not reserved{whose}."]
    said = f":hourglass: No longer possible: {unit} was not reserved{whose}."
    match request.reason:
        case "":
            return [said, "Nobody answered within 24 hours. It can be asked for again."]
        case reason if reason == NEVER_POSTED:
            why = f"Slack did not let Unitbot ask in <#{request.channel_id}>: nobody has seen the request."
            return [said, why, "Tell whoever looks after Unitbot: `/unitbot status` says why."]
        case status:
            return [said, _now(status)]


def _now(status: str) -> str:
    if status == "gone":
        return "Stora has no such unit any more."
    return f"Stora shows this unit as *{status_words(status)[1]}* now."


def _taken(request: Request) -> str:
    return f"No longer available: {_now(request.unit_status)}"


def _over(request: Request, *, in_channel: bool) -> Message:
    proposal, outcome = request.decision.proposal, request.decision.outcome
    lines = [*filter(None, standing(request)), *details(proposal)]
    small = f"Asked by <@{proposal.asked_by}>, {moment(request.asked_at)}"
    at = request.decision.settled_at or request.answered_at
    small += f"; {moment(at)}" if at else ""
    notes = [small]
    if outcome and outcome.request_id:
        notes.append(f"Stora's request id: `{escape(outcome.request_id, 100)}`")
    buttons: list[Mapping[str, Any]] = backoffice_button(proposal.backoffice_url)
    blocks: list[Block] = [section("\n".join(lines)), *(context(note) for note in notes)]
    blocks += [actions(buttons)] if buttons else []
    return Message("\n".join([*lines, *notes]), tuple(blocks), in_channel=in_channel)
