"""What colleagues read in the channel, and what is noted in Stora."""

from bot.core.reservations import Happening
from bot.render.blocks import Message, actions, context, escape, moment, section
from bot.render.reserve import day
from bot.render.units import backoffice_button


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
    small = f"By <@{happening.by}>, {moment(happening.at)}"
    text = "\n".join(line for line in lines if line)
    buttons = backoffice_button(happening.backoffice_url)
    blocks = (section(text), context(small), *([actions(buttons)] if buttons else []))
    return Message(f"{text}\n{small}", blocks, in_channel=True)


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
