"""What colleagues read in the channel, and what is noted in Stora."""

from bot.core.reservations import Happening, Owed, Summary
from bot.render.blocks import Message, actions, context, escape, moment, section, whole_lines
from bot.render.reserve import day
from bot.render.units import backoffice_button


def render_owed(owed: Owed) -> Message:
    """The message that a channel is owed.

    Raises:
        ValidationError: another version of the bot has written down what it is about.
    """
    match owed.kind:
        case "summary":
            return render_summary(Summary.model_validate_json(owed.payload))
        case "happening":
            return render_happening(Happening.model_validate_json(owed.payload))
        case _:
            return render_announcement(Happening.model_validate_json(owed.payload))


def render_announcement(happening: Happening) -> Message:
    """One reservation or release: which unit, for whom, from when, and by whom."""
    reserved = happening.what == "reserved"
    symbol, what = (":lock:", "reserved for") if reserved else (":unlock:", "released from")
    unit = escape(happening.unit_reference, 80) or happening.unit_id
    site = escape(happening.site_name, 80)
    customer = escape(happening.customer, 120) or f"tenancy {happening.tenancy_id}"
    lines = [f"{symbol} *{unit}*{f' at {site}' if site else ''} is {what} *{customer}*"]
    details = [escape(happening.unit_type, 150)]
    if happening.starts_at:
        details.append(f"{'moves in' if reserved else 'move-in was'} {day(happening.starts_at)}")
    lines.append(" · ".join(detail for detail in details if detail))
    asked = f", asked for by <@{happening.asked_by}>" if happening.asked_by else ""
    small = f"By <@{happening.by}>{asked}, {moment(happening.at)}"
    text = "\n".join(line for line in lines if line)
    buttons = backoffice_button(happening.backoffice_url)
    blocks = (section(text), context(small), *([actions(buttons)] if buttons else []))
    return Message(f"{text}\n{small}", blocks, in_channel=True)


HAPPENED = {
    "reserved": (":lock:", "is reserved"),
    "occupied": (":key:", "is occupied"),
    "released": (":unlock:", "is available again: it was released"),
    "overlocked": (":no_entry:", "is overlocked"),
    "available": (":white_check_mark:", "can be let again"),
}
COUNTED = {
    "reserved": "reserved",
    "occupied": "occupied",
    "released": "released",
    "overlocked": "overlocked",
    "available": "can be let again",
}


def render_happening(happening: Happening) -> Message:
    """Something that happened outside the bot: in the Backoffice, on the storefront, by one of Stora's automations."""
    details = [escape(happening.unit_type, 150), f"Not through Slack · seen {moment(happening.at)}"]
    text = _in_a_line(happening)
    small = " · ".join(detail for detail in details if detail)
    buttons = backoffice_button(happening.backoffice_url)
    blocks = (section(text), context(small), *([actions(buttons)] if buttons else []))
    return Message(f"{text}\n{small}", blocks, in_channel=True)


def render_summary(summary: Summary) -> Message:
    """Many happenings at once: how many of each, and the first few."""
    counts = ", ".join(f"{count} {COUNTED[what]}" for what, count in summary.counts.items())
    total = sum(summary.counts.values())
    lines = [f":card_index_dividers: *{total} changes outside Slack:* {counts}"]
    lines += [f"• {_in_a_line(happening)}" for happening in summary.shown]
    if total > len(summary.shown):
        lines.append(f"• and {total - len(summary.shown)} more: `/units status=any` shows how things stand")
    text = whole_lines(lines)
    return Message(text, (section(text),), in_channel=True)


def _in_a_line(happening: Happening) -> str:
    symbol, what = HAPPENED[happening.what]
    unit = escape(happening.unit_reference, 80) or happening.unit_id
    site = escape(happening.site_name, 80)
    return f"{symbol} *{unit}*{f' at {site}' if site else ''} {what}"


def note_in_words(happening: Happening, name: str) -> str:
    """The note on the unit in Stora: its own record names our token, not the person."""
    what = "Reserved" if happening.what == "reserved" else "Released"
    who = f"{name} ({happening.by})" if name != happening.by else name
    return f"{what} in Slack by {who} through Unitbot, for tenancy {happening.tenancy_id}."


def mend_for(reason: str) -> str:
    """What an operator can do about a channel that Slack refuses."""
    match reason:
        case "not_in_channel" | "channel_not_found":
            return "type /invite @unitbot in the channel, and check its id in the settings"
        case "is_archived":
            return "unarchive the channel, or name another in the settings"
        case "missing_scope":
            return "install the app again from the manifest"
        case _:
            return "see the reason"
