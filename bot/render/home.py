"""The App Home tab: what somebody may do, what is free, who waits, and what was reserved for or by them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.core.access import PERMISSIONS, Rights
from bot.core.approvals import Request
from bot.core.digest import SiteCounts, Waiting
from bot.core.reservations import Decision
from bot.render.blocks import (
    SECTION,
    Block,
    actions,
    button,
    context,
    escape,
    header,
    moment,
    section,
    whole_lines,
)
from bot.render.digest import site_in_words, waiting_in_words
from bot.render.reserve import for_whom, unit_named
from bot.render.units import backoffice_button

HOME_RESERVE, HOME_REFRESH = "home_reserve", "home_refresh"
MOST_SITES = 40
"""Of the 100 blocks that a Home tab holds."""
MOST_REQUESTS = 10

ENDED = {
    "claimed": ":hourglass_flowing_sand: being reserved",
    "unknown": ":grey_question: not known yet",
    "done": ":white_check_mark: reserved",
    "refused": ":no_entry: refused",
}
RELEASED = {**ENDED, "claimed": ":hourglass_flowing_sand: being released", "done": ":unlock: released"}


@dataclass(frozen=True, slots=True)
class Home:
    """What one person's tab shows."""

    rights: Rights
    sites: Sequence[SiteCounts]
    waiting: Sequence[Waiting]
    """The soonest few."""
    recent: Sequence[Decision] = ()
    requests: Sequence[Request] = field(default=())
    """Those that this person may answer."""
    as_of: datetime | None = None
    """``None``: the inventory has not been read yet."""
    silent_since: datetime | None = None
    remembers: bool = True
    """Whether the database could be asked."""


def render_home(home: Home) -> dict[str, Any]:
    """The whole tab."""
    rights = home.rights
    buttons = [button("Refresh", HOME_REFRESH, "refresh")]
    if rights.may_start_reserving():
        buttons.insert(0, button("Reserve a unit", HOME_RESERVE, "reserve", style="primary"))
    blocks: list[Block] = [header("Unitbot"), section(_may(rights)), actions(buttons)]
    if home.requests:
        blocks += [header("Waiting for approval"), *map(_request, home.requests[:MOST_REQUESTS])]
    if home.waiting:
        lines = [waiting_in_words(each, name_shown=rights.may("reserve", each.site_id)) for each in home.waiting]
        total = sum(site.waiting for site in home.sites)
        blocks += [header(f"Waiting for a unit: {total}"), section(whole_lines(lines, SECTION))]
    blocks.append(header("Units"))
    blocks += [section(site_in_words(site)) for site in home.sites[:MOST_SITES]]
    if len(home.sites) > MOST_SITES:
        blocks.append(section(f"and {len(home.sites) - MOST_SITES} more sites; `/unitbot sites` shows each"))
    if home.recent:
        blocks += [header("Your last reservations"), *map(_decision, home.recent)]
    blocks += map(context, _notes(home))
    return {"type": "home", "blocks": blocks}


def render_not_at_home(why: str) -> dict[str, Any]:
    """The tab of somebody who may not look; ``why`` is in mrkdwn."""
    return {"type": "home", "blocks": [header("Unitbot"), section(why)]}


def _may(rights: Rights) -> str:
    may = [f"`{permission}`" for permission in PERMISSIONS if rights.may(permission)]
    said = f"You may look, and {', '.join(may)}." if may else "You may look: `/units` finds units."
    if rights.approvals and not rights.may("reserve"):
        said += " For a reservation you can ask for approval."
    return f"{said} `/unitbot whoami` says why."


def _request(request: Request) -> Block:
    proposal = request.decision.proposal
    where = escape(proposal.site_name, 80)
    line = f"{unit_named(proposal)}{f' at {where}' if where else ''}{for_whom(proposal)}"
    said = f"{line}\nAsked by <@{proposal.asked_by}>, {moment(request.asked_at)}, in <#{request.channel_id}>"
    return section(said, *backoffice_button(proposal.backoffice_url))


def _decision(decision: Decision) -> Block:
    proposal = decision.proposal
    ended = (ENDED if proposal.action == "reserve" else RELEASED)[decision.state]
    who = f"by <@{decision.confirmed_by}>" if decision.confirmed_by else ""
    at = moment(decision.confirmed_at) if decision.confirmed_at else ""
    line = f"{unit_named(proposal)} · {ended}{for_whom(proposal)}\n{', '.join(filter(None, (who, at)))}"
    return section(line, *backoffice_button(proposal.backoffice_url))


def _notes(home: Home) -> list[str]:
    if home.as_of is None:
        notes = ["The inventory is being read for the first time; press Refresh in a minute."]
    else:
        notes = [f"As of {moment(home.as_of)}"]
    if home.silent_since:
        notes.append(f":warning: Stora has not answered since {moment(home.silent_since)}.")
    if not home.remembers:
        notes.append(":warning: Unitbot's own memory does not answer: requests and reservations are not shown.")
    return notes
