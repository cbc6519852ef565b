"""The morning digest in words."""

from collections.abc import Sequence

from bot.core.digest import Digest, SiteCounts, Waiting
from bot.render.announcements import mend_for
from bot.render.blocks import Block, Message, context, escape, header, link, moment, section, whole_lines
from bot.render.reserve import day as in_words
from bot.render.units import LONGEST_LINK, STATUS_WORDS

MOST_SITES = 20
"""Sites that are told about one by one; the message holds no more, and nobody reads more."""
MOST_NOT_SENT = 5
COUNTED = ("available", "reserved", "occupied", "overlock")


def render_digest(digest: Digest) -> Message:
    """One channel's morning: what is free, who comes, and who has no unit yet."""
    title = f"Good morning: {digest.day:%A} {digest.day.day} {digest.day:%B}"
    told = [site_in_words(site) for site in digest.sites[:MOST_SITES]]
    if len(digest.sites) > MOST_SITES:
        rest = digest.sites[MOST_SITES:]
        free = sum(site.statuses.get("available", 0) for site in rest)
        told.append(f"and {len(rest)} more sites, with {free} units available; `/unitbot sites` shows each")
    waiting = [waiting_in_words(each) for each in digest.waiting]
    if waiting:
        total = sum(site.waiting for site in digest.sites)
        waiting = [f"*Waiting for a unit*, the soonest of {total}:", *waiting]
    notes = [f"As of {moment(digest.as_of)}"]
    if digest.silent_since:
        notes.append(f":warning: Stora has not answered since {moment(digest.silent_since)}.")
    if not digest.complete:
        notes.append(":warning: Not all tenancies have been read yet: there may be more move-ins.")
    notes += [
        f":warning: {each.count} not sent to {place(each.channel_id)} (`{escape(each.error, 80)}`): "
        f"{mend_for(each.error)}."
        for each in digest.not_sent[:MOST_NOT_SENT]
    ]
    blocks: list[Block] = [header(title), *map(section, told)]
    blocks += [section("\n".join(waiting))] if waiting else []
    blocks += map(context, notes)
    return Message(whole_lines([title, *notes[1:], *told, *waiting, notes[0]]), tuple(blocks), in_channel=True)


def site_in_words(site: SiteCounts) -> str:
    """A site's units by status, and its move-ins; what is nought is left out, but for what is available."""
    counts = [
        f"{symbol} {site.statuses.get(status, 0)} {word.lower()}"
        for status, (symbol, word) in STATUS_WORDS.items()
        if status in COUNTED and (site.statuses.get(status) or status == "available")
    ]
    lines = [f"*{escape(site.name, 80) or site.site_id}*", " · ".join(counts)]
    without = f" ({site.of_them_waiting} without a unit)" if site.of_them_waiting else ""
    said = [
        f"{site.move_ins_today} today{without}" if site.move_ins_today else "",
        f"{site.move_ins_soon} in the next 7 days" if site.move_ins_soon else "",
    ]
    moving = " · ".join(filter(None, said))
    facts = [
        f"Move-ins: {moving}" if moving else "",
        f"{_tenancies(site.waiting)} for a unit" if site.waiting else "",
        f"{site.reserved_yesterday} reserved here yesterday" if site.reserved_yesterday else "",
    ]
    lines.append(" · ".join(filter(None, facts)))
    return "\n".join(filter(None, lines))


def waiting_in_words(waiting: Waiting, *, name_shown: bool = True) -> str:
    """One tenancy that waits: from when, whose, where, and its page."""
    customer = escape(waiting.customer, 80) if name_shown else ""
    page = link(waiting.backoffice_url, "Open in Backoffice") if waiting.backoffice_url else ""
    parts: Sequence[str] = [
        in_words(waiting.starts_at) if waiting.starts_at else "No date",
        f"*{customer}*" if customer else f"`{waiting.tenancy_id}`",
        escape(waiting.site_name, 60),
        page if len(page) <= LONGEST_LINK else "",
    ]
    return "• " + " · ".join(filter(None, parts))


def place(channel_id: str) -> str:
    """Where something could not be sent: a channel, a person, or Stora's notes."""
    if not channel_id:
        return "Stora's notes"
    return f"<@{channel_id}>" if channel_id.startswith(("U", "W")) else f"<#{channel_id}>"


def _tenancies(count: int) -> str:
    return "1 tenancy waits" if count == 1 else f"{count} tenancies wait"
