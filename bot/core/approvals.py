"""A request for approval: who asked for which reservation, how it stands, and how long it may be answered."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.core.reservations import Decision

GOOD_FOR = timedelta(hours=24)
"""How long a request may be answered: by then the customer, or the unit, may be somewhere else."""

Answer = Literal["approved", "declined", "expired"]

About = Literal["asked", "changed", "cancelled", "declined", "expired", "claimed", "done", "refused", "unknown"]
"""What has happened to a request; `changed`: to its unit."""

NEVER_POSTED = "never posted"
"""The ``reason`` of a request that Slack refused for good."""

FINAL: frozenset[About] = frozenset({"declined", "expired", "done", "refused"})
"""What the asker is told directly."""


@dataclass(frozen=True, slots=True)
class Request:
    """A decision that somebody with the permission `approve` is to take for somebody else."""

    decision: Decision
    asked_at: datetime
    channel_id: str
    """Where it was asked."""
    response_url: str | None = field(repr=False)
    """The way to the asker's card, for 30 minutes."""
    warnings: tuple[str, ...] = ()
    """What is worth a pause, as the card said it, in mrkdwn."""
    answer: Answer | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    reason: str = ""
    """Of one that expired: the status that the unit has now, `gone` without the unit, ``NEVER_POSTED``, empty for old
    age."""
    posted: Literal["owed", "sent", "given_up"] = "owed"
    """How far its message has come."""
    ts: str = ""
    """Slack's name of its message."""
    unit_status: str = ""
    """The unit's status as it is known now, `gone` without the unit; empty if nobody has seen it."""

    @property
    def waits(self) -> bool:
        """Whether nobody has answered it, and the asker still wants it."""
        return self.decision.state == "proposed"

    @property
    def is_free(self) -> bool:
        """Whether the unit can still be reserved, as far as is known."""
        return self.unit_status in {"", "available"}

    def is_old(self, at: datetime) -> bool:
        """Whether it is too late to answer it."""
        return at - self.asked_at >= GOOD_FOR


class News(BaseModel):
    """Something has happened to a request: its message and the asker's card are to be drawn as it stands."""

    model_config = ConfigDict(frozen=True)

    decision_id: str
    about: About
