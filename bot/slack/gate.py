"""The way past the settings' roles: whom none of them lets through is refused, and the record says so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from bot.core.access import Actor, Permission, Verdict, allow
from bot.core.reservations import AuditEntry, Proposal
from bot.store.audit import Audit


class Subject(NamedTuple):
    """What somebody wants to act on; empty where it is not known."""

    unit_id: str = ""
    unit_reference: str = ""
    site_id: str = ""
    tenancy_id: str = ""

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        """What a card is about."""
        return cls(proposal.unit_id, proposal.unit_reference, proposal.site_id, proposal.tenancy_id)


NONE = Subject()
"""For what is not about a unit or a customer."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Opens by a verdict of ``bot.core.access``, before anything is done."""

    audit: Audit
    now: Callable[[], datetime]

    async def admit(self, actor: Actor, verdict: Verdict, action: Permission, subject: Subject = NONE) -> Verdict:
        """Return the verdict if a role allows it; otherwise write the refusal down.

        Raises:
            NotAllowed: to whoever no role allows it.
            DatabaseUnusable: when the refusal could not be written down.
        """
        if not verdict.allowed:
            await self.audit.record(
                AuditEntry(
                    at=self.now(),
                    who=actor.user_id,
                    action=action,
                    result="denied",
                    unit_id=subject.unit_id,
                    unit_reference=subject.unit_reference,
                    site_id=subject.site_id,
                    tenancy_id=subject.tenancy_id,
                    rule=verdict.rule,
                )
            )
        return allow(verdict)
