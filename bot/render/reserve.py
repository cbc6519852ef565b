"""Reserving in words: the modal, the card, and what became of the decision."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.intents import Form, Release, Wish
from bot.core.inventory import Inventory, Row
from bot.core.reservations import TRY_AGAIN, Decision, Outcome, Proposal
from bot.core.reserve import Doubts, Wanted
from bot.core.tenancies import Tenancies, Tenancy
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
    header,
    moment,
    section,
)
from bot.render.help import RESERVE_EXAMPLES
from bot.render.units import RESERVE, backoffice_button, prices_in_words, status_words
from bot.render.views import Choice, modal, picker

CONFIRM, CANCEL = "reserve_confirm", "reserve_cancel"
RELEASE = "unit_release"

MODAL = "reserve"
"""callback_id of the modal."""
SHORTCUT = "reserve_shortcut"
SITE_INPUT, UNIT_INPUT, TENANCY_INPUT = "reserve_site", "reserve_unit", "reserve_tenancy"
PICK_SITE, PICK_UNIT, PICK_TENANCY = "pick_site", "pick_unit", "pick_tenancy"
THE_CUSTOMER_IS_TOLD = "The customer is told and may get access on the move-in date."
LONGEST_TYPED = 100
"""Characters of what was typed that the modal remembers, to look for it: all it remembers must fit 3,000."""


def render_form(
    form: Form, inventory: Inventory, *, row: Row | None, tenancy: Tenancy | None, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The modal, filled with what is known."""
    site = inventory.sites.get(form.site_id)
    blocks: list[Block] = [context(note) for note in notes]
    blocks += [
        picker(
            "Site",
            SITE_INPUT,
            PICK_SITE,
            placeholder="All sites",
            chosen=Choice(site.id, site.name) if site else None,
            optional=True,
            tells_at_once=True,
        ),
        picker(
            "Unit",
            UNIT_INPUT,
            PICK_UNIT,
            placeholder="Type a reference, such as A-012",
            chosen=unit_choice(row) if row else None,
        ),
        picker(
            "Customer",
            TENANCY_INPUT,
            PICK_TENANCY,
            placeholder="Type a name or an e-mail address",
            chosen=tenancy_choice(tenancy, inventory) if tenancy else None,
        ),
    ]
    remembered = form.model_copy(
        update={
            "typed_unit": form.typed_unit[:LONGEST_TYPED],
            "typed_customer": form.typed_customer[:LONGEST_TYPED],
        }
    )
    return modal("Reserve a unit", MODAL, blocks, submit="Continue", private_metadata=remembered.model_dump_json())


def unit_choice(row: Row) -> Choice:
    """A unit in a menu."""
    where = row.site.name if row.site else ""
    named = clean(row.unit.reference_id) or row.unit.id
    parts = (named, where, type_in_words(row))
    return Choice(row.unit.id, " · ".join(part for part in parts if part), price_in_words(row))


def type_in_words(row: Row) -> str:
    """What kind of unit it is, as plain text."""
    parts = (row.unit_type.name, row.unit_type.size_description) if row.unit_type else ()
    return ", ".join(part for part in parts if part)


def price_in_words(row: Row) -> str:
    """What it costs, as plain text; empty where that is not known."""
    return prices_in_words(row.unit_type.prices) if row.unit_type else ""


def tenancy_choice(tenancy: Tenancy, inventory: Inventory) -> Choice:
    """A tenancy in a menu: whose it is, where, from when, and whether it still waits for a unit."""
    site = inventory.sites.get(tenancy.site_id)
    where = f" · {site.name}" if site else ""
    state = "waits for a unit" if tenancy.waits else "has a unit"
    starts = f"moves in {day(tenancy.starts_at)}, " if tenancy.starts_at else ""
    return Choice(tenancy.id, f"{clean(tenancy.customer) or tenancy.id}{where}", f"{starts}{state}")


def choose_note(wanted: Wanted, tenancies: Tenancies) -> list[str]:
    """What the modal says first: why it opened, and how fresh its pickers are."""
    notes = []
    if wanted.typed_unit:
        what = _count(len(wanted.units), "No unit is called", "One unit may be called", "units are called")
        notes.append(f"{what} `{_typed(wanted.typed_unit)}`. Choose one.")
    if wanted.typed_customer:
        what = _count(len(wanted.tenancies), "No current tenancy matches", "One tenancy matches", "tenancies match")
        notes.append(f"{what} `{_typed(wanted.typed_customer)}`. Choose one.")
    known = f"Customers as of {moment(tenancies.read_at)}."
    if not tenancies.complete:
        known += " Older tenancies are still being read; `/reserve` with an exact id works always."
    return [*notes, known]


def render_reserve_help() -> Message:
    """`/reserve help`."""
    intro = "Reserves a unit for a customer's tenancy. You confirm on a card before anything happens."
    examples = "\n".join(f"`{example}`" for example in RESERVE_EXAMPLES)
    words = (
        "The unit is a reference or an id; the customer is a name, an e-mail address or a tenancy's id. Where "
        "something is missing, or several fit, a dialog asks. `site=` says which of several units with one reference "
        "is meant."
    )
    parts = [intro, f"*Examples*\n{examples}", words]
    return Message("\n\n".join(parts), (header("/reserve"), *(section(part) for part in parts)))


def render_card(proposal: Proposal, warnings: Sequence[str]) -> Message:
    """The confirmation card: what will happen, what is worth a pause, and the two ways on."""
    small = f"Asked by <@{proposal.asked_by}>. {THE_CUSTOMER_IS_TOLD}"
    buttons = [
        button("Confirm reservation", CONFIRM, proposal.id, style="primary"),
        button("Cancel", CANCEL, proposal.id),
    ]
    return card(proposal, warnings, small, buttons, "Press Confirm reservation or Cancel.")


def card(
    proposal: Proposal, warnings: Sequence[str], small: str, buttons: Sequence[Mapping[str, Any]], hint: str
) -> Message:
    """What is proposed, what is worth a pause, and what can be pressed; ``hint`` says that to those who hear it."""
    title = f"Reserve {clean(proposal.unit_reference) or proposal.unit_id}?"
    lines = [unit_named(proposal), *details(proposal)]
    notes = [f":warning: {warning}" for warning in warnings]
    blocks = [
        header(title),
        section("\n".join(lines)),
        *(section(note) for note in notes),
        context(small),
        actions(buttons),
    ]
    said = [escape(title, 200), *lines, *notes, small, hint]
    return Message("\n".join(said), tuple(blocks))


def render_working(proposal: Proposal) -> Message:
    """While Stora is asked: no buttons, so that nobody presses twice."""
    doing = "Reserving" if proposal.action == "reserve" else "Releasing"
    said = f":hourglass_flowing_sand: {doing} {unit_named(proposal)}{for_whom(proposal)}…"
    return Message(said, (section(said),))


def render_outcome(
    decision: Decision, outcome: Outcome, others: Sequence[Row] = (), *, release: Release | None = None
) -> Message:
    """What became of a confirmed decision.

    Args:
        decision: With who confirmed it and when.
        outcome: How it ended.
        others: Units to take instead, after a refusal.
        release: What a `Release` button does, for a person who may press it after a reservation.
    """
    match outcome.state:
        case "done":
            return _done(decision, release)
        case "refused":
            return _refused(decision, outcome, others)
        case _:
            return _unknown(decision, outcome)


def render_in_progress(decision: Decision) -> Message:
    """To whoever presses again meanwhile."""
    since = f" since {moment(decision.confirmed_at)}" if decision.confirmed_at else ""
    what = "reservation" if decision.proposal.action == "reserve" else "release"
    said = f"{_who(decision)} confirmed this {what} already; Stora is being asked{since}."
    return Message(said, (section(said),))


def render_cancelled(decision: Decision) -> Message:
    """The card after `Cancel`."""
    said = f"Cancelled: {unit_named(decision.proposal)} was not reserved. Nothing was sent to Stora."
    return Message(said, (section(said),))


def _done(decision: Decision, release: Release | None) -> Message:
    proposal = decision.proposal
    done = "is reserved" if proposal.action == "reserve" else "is released"
    title = f":white_check_mark: {unit_named(proposal)} {done}{for_whom(proposal)}"
    lines = [title, *details(proposal)]
    small = f"Confirmed by {_who(decision)}"
    small += f", {moment(decision.settled_at)}" if decision.settled_at else ""
    buttons = backoffice_button(proposal.backoffice_url)
    if release:
        buttons.append(release_button(release, proposal))
    blocks = [section("\n".join(lines)), context(small), *([actions(buttons)] if buttons else [])]
    return Message("\n".join([*lines, small]), tuple(blocks))


def release_button(wish: Release, reserved: Proposal) -> Mapping[str, Any]:
    """`Release`, which asks once more."""
    asks = confirm(
        "Release this unit?",
        f"{clip(clean(reserved.unit_reference) or reserved.unit_id, 80)} will be taken back from "
        f"{clip(clean(reserved.customer) or reserved.tenancy_id, 80)}, "
        "and Stora will show it as available.",
        "Release",
    )
    return button("Release", RELEASE, wish.model_dump_json(), style="danger", asks=asks)


def _refused(decision: Decision, outcome: Outcome, others: Sequence[Row]) -> Message:
    proposal = decision.proposal
    done = "was not reserved" if proposal.action == "reserve" else "was not released"
    said = [f":no_entry: {unit_named(proposal)} {done}{for_whom(proposal)}."]
    said.append(why_refused(outcome))
    blocks: list[Block] = [section("\n".join(said))]
    if outcome.request_id:
        said.append(f"Stora's request id: `{escape(outcome.request_id, 100)}`")
        blocks.append(context(said[-1]))
    if others:
        again = outcome.code in TRY_AGAIN
        said.append("It can be tried again:" if again else "Still available there, of the same type:")
        blocks.append(section(said[-1]))
        for row in others:
            line = _other(row)
            wish = Wish(unit_id=row.unit.id, tenancy_id=proposal.tenancy_id).model_dump_json()
            spoken = f"Reserve {row.unit.reference_id}"
            blocks.append(section(line, button("Reserve", RESERVE, wish, spoken=spoken)))
            said.append(line)
    return Message("\n".join(said), tuple(blocks))


def _other(row: Row) -> str:
    parts = [f"*{escape(row.unit.reference_id, 60) or row.unit.id}*"]
    if row.unit_type:
        parts += [escape(row.unit_type.name, 80), escape(prices_in_words(row.unit_type.prices), 80)]
    return " · ".join(part for part in parts if part)


def _unknown(decision: Decision, outcome: Outcome) -> Message:
    proposal = decision.proposal
    done = "reserved" if proposal.action == "reserve" else "released"
    said = (
        f":grey_question: It is not known whether {unit_named(proposal)} was {done}"
        f"{for_whom(proposal)}: {why_unknown(outcome)}"
    )
    small = ["Unitbot is finding out and will tell you. Please do not try again until then."]
    if outcome.request_id:
        small.append(f"Stora's request id: `{escape(outcome.request_id, 100)}`")
    return Message("\n".join([said, *small]), (section(said), *map(context, small)))


def unit_named(proposal: Proposal) -> str:
    """The unit as it is called."""
    return f"*{escape(proposal.unit_reference, 80) or proposal.unit_id}*"


def _who(decision: Decision) -> str:
    return f"<@{decision.confirmed_by}>" if decision.confirmed_by else "Somebody"


def for_whom(proposal: Proposal) -> str:
    """The customer, behind the rest of a sentence."""
    way = "for" if proposal.action == "reserve" else "from"
    customer = escape(proposal.customer, 120)
    return f" {way} *{customer}*" if customer else ""


def details(proposal: Proposal) -> list[str]:
    """What it is and where, its price, whose tenancy, and from when."""
    what = " · ".join(part for part in (escape(proposal.unit_type, 150), escape(proposal.site_name, 80)) if part)
    customer = escape(proposal.customer, 120)
    whose = f"*{customer}* (tenancy `{proposal.tenancy_id}`)" if customer else f"Tenancy `{proposal.tenancy_id}`"
    starts = f"Moves in {day(proposal.starts_at)}" if proposal.starts_at and proposal.action == "reserve" else ""
    return [line for line in (what, escape(proposal.price, 200), whose, starts) if line]


def day(at: datetime) -> str:
    """A date, as people here write it."""
    return f"{at:%a} {at.day} {at:%b %Y}"


NONE_CHOSEN = "Choose one."
"""Beside an input that holds nothing."""


def unit_gone(row: Row) -> str:
    """Beside the unit's input: it was taken meanwhile. Plain text."""
    named = clean(row.unit.reference_id) or row.unit.id
    return clip(f"{clip(named, 80)} is no longer available: {status_words(row.unit.status)[1]}.", 150)


def unit_elsewhere(row: Row) -> str:
    """Beside the unit's input: another site was chosen after it. Plain text."""
    named = clean(row.unit.reference_id) or row.unit.id
    where = f" at {clip(clean(row.site.name), 40)}" if row.site else " at another site"
    return clip(f"{clip(named, 60)} is{where}: choose a unit of the site above.", 150)


def warnings_in_words(row: Row, doubts: Doubts, inventory: Inventory, not_asked: datetime | None) -> list[str]:
    """What is worth a pause, a sentence each.

    Args:
        row: The unit.
        doubts: What is unusual about this reservation.
        inventory: Names sites and types.
        not_asked: The moment of what is last known, where Stora could not be asked.
    """
    said = []
    if doubts.not_available:
        said.append(f"Stora shows this unit as *{status_words(row.unit.status)[1]}*, not as available.")
    if doubts.other_site:
        site = inventory.sites.get(doubts.other_site)
        named = escape(site.name, 80) if site else ""
        said.append(f"The tenancy is at another site: *{named or doubts.other_site}*.")
    if doubts.ended_at:
        said.append(f"The tenancy ended on {day(doubts.ended_at)}.")
    if doubts.has_units:
        known = [f"*{escape(unit.reference_id, 60) or unit.id}*" for unit in doubts.has_units[:5] if unit]
        said.append(f"The tenancy already has {', '.join(known) or 'a unit'}.")
    if doubts.other_types:
        types = [inventory.unit_types.get(type_id) for type_id in doubts.other_types[:3]]
        named = ", ".join(f"*{name}*" for unit_type in types if unit_type and (name := escape(unit_type.name, 80)))
        said.append(f"What it has is of another type{f': {named}' if named else ''}.")
    if not_asked:
        said.append(f"Stora could not be asked just now; this is as of {moment(not_asked)}.")
    return said


def why_unknown(outcome: Outcome) -> str:
    """Why nobody knows what became of it."""
    return "Stora's answer does not say." if outcome.request_id else "Stora did not answer."


def why_refused(outcome: Outcome) -> str:
    """Why it was not to be: Stora's own words, or ours where Stora said nothing.

    The codes are ours, but Stora's may read the same: what Stora said is never left out.
    """
    match outcome.code:
        case "busy" if outcome.said.isdecimal():
            return f"Stora's limit of requests is used up, so it was not taken. Try again in {outcome.said} s."
        case "invalid_token":
            said = f": “{escape(outcome.said, 400)}”" if outcome.said else "."
            return f"Stora does not accept Unitbot's access token{said} Whoever runs Unitbot must renew it."
        case "not_sent" if not outcome.said:
            return "Stora does not answer just now, so nothing was sent. Try again in a minute."
        case "not_ours" if not outcome.said:
            return "Stora no longer shows it with this tenancy, so nothing was sent."
        case "moved_in" if not outcome.said:
            return "Stora no longer shows it as reserved: the customer may have moved in. So nothing was sent."
        case "not_in_time" if not outcome.said:
            return "Stora did not take it in time, and nothing is on its way any more. Ask again if it is still wanted."
        case _:
            return (
                f"Stora refused: “{escape(outcome.said, 1_500)}”" if outcome.said else "Stora refused without a word."
            )


def _count(number: int, none: str, one: str, several: str) -> str:
    return none if number == 0 else one if number == 1 else f"{number} {several}"


def _typed(text: str) -> str:
    return escape(text.replace("`", "'"), 80)
