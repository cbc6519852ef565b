"""Who must be told of what, once a decision has taken effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.core.reservations import Happening, Owed, Proposal


@dataclass(frozen=True, slots=True)
class Channels:
    """Where announcements go."""

    default: str | None
    by_site: Mapping[str, str]
    notes: bool = False
    """Whether a note is left on the unit in Stora too."""

    def of(self, site_id: str) -> str | None:
        """The channel of a site; ``None``: nobody is told."""
        return self.by_site.get(site_id, self.default)


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
    )


def owed(proposal: Proposal, by: str, at: datetime, channels: Channels) -> list[Owed]:
    """What is owed for it: an announcement where there is a channel, a note in Stora where that is wanted."""
    payload = happened(proposal, by, at).model_dump_json()
    channel_id = channels.of(proposal.site_id)
    found = [Owed(f"{proposal.id}:announcement", "announcement", channel_id, payload)] if channel_id else []
    if channels.notes:
        found.append(Owed(f"{proposal.id}:note", "note", "", payload))
    return found
