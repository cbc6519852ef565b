"""Who must be told of what, once a decision has taken effect."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.core.changes import What
from bot.core.inventory import Row
from bot.core.reservations import Happening, Owed, Proposal, Summary

ANNOUNCED: frozenset[What] = frozenset({"reserved", "released"})
"""What a channel hears of unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Channels:
    """Where announcements go."""

    default: str | None
    by_site: Mapping[str, str]
    notes: bool = False
    """Whether a note is left on the unit in Stora too."""
    hears: Mapping[str, frozenset[What]] = field(default_factory=dict)
    """Channel → what it hears of; `*` stands for every channel that is not named."""

    def of(self, site_id: str) -> str | None:
        """The channel of a site; ``None``: nobody is told."""
        return self.by_site.get(site_id, self.default)

    def hearing(self, what: What, site_id: str) -> str | None:
        """The channel that hears of this at a site; ``None``: nobody does."""
        channel_id = self.of(site_id)
        return channel_id if what in self.hears.get(channel_id or "", self.hears.get("*", ANNOUNCED)) else None


def happened(proposal: Proposal, by: str, at: datetime) -> Happening:
    """What colleagues hear of a decision that has taken effect."""
    what: Literal["reserved", "released"] = "reserved" if proposal.action == "reserve" else "released"
    return Happening(
        what=what,
        unit_id=proposal.unit_id,
        unit_reference=proposal.unit_reference,
        site_id=proposal.site_id,
        site_name=proposal.site_name,
        unit_type=proposal.unit_type,
        tenancy_id=proposal.tenancy_id,
        customer=proposal.customer,
        starts_at=proposal.starts_at,
        by=by,
        at=at,
        backoffice_url=proposal.backoffice_url,
        asked_by=proposal.asked_by if proposal.asked_by != by else "",
    )


def owed(proposal: Proposal, by: str, at: datetime, channels: Channels) -> list[Owed]:
    """What is owed for it: an announcement where there is a channel, a note in Stora where that is wanted."""
    happening = happened(proposal, by, at)
    payload = happening.model_dump_json()
    channel_id = channels.hearing(happening.what, proposal.site_id)
    found = [Owed(f"{proposal.id}:announcement", "announcement", channel_id, payload)] if channel_id else []
    if channels.notes:
        found.append(Owed(f"{proposal.id}:note", "note", "", payload))
    return found


SEPARATELY = 5
"""Happenings that wait for one channel; where more wait, they become one message."""
SHOWN = 10
"""Happenings that a summary names."""


def together(happenings: Sequence[Happening], before: Sequence[Summary] = ()) -> Summary:
    """One message in place of many, and of summaries that were not sent yet."""
    counts: Counter[What] = Counter(happening.what for happening in happenings)
    for summary in before:
        counts.update(summary.counts)
    shown = [*(happening for summary in before for happening in summary.shown), *happenings]
    return Summary(counts=dict(counts), shown=tuple(shown[:SHOWN]))


def noticed(what: What, row: Row, at: datetime, channels: Channels) -> Owed | None:
    """What is owed for something outside the bot, whoever noticed it; ``None`` if nobody wants to hear of it."""
    unit = row.unit
    channel_id = channels.hearing(what, unit.site_id)
    if channel_id is None:
        return None
    happening = Happening(
        what=what,
        unit_id=unit.id,
        unit_reference=unit.reference_id,
        site_id=unit.site_id,
        site_name=row.site.name if row.site else "",
        unit_type=row.unit_type.name if row.unit_type else "",
        tenancy_id="",
        customer="",
        starts_at=None,
        by="",
        at=at,
        backoffice_url=unit.backoffice_url,
    )
    # A change has the same date in a webhook and in a list.
    key = f"{unit.id}:{what}:{unit.updated_at.isoformat()}"
    return Owed(key, "happening", channel_id, happening.model_dump_json())
