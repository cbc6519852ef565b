"""A decision about a unit: what is proposed on a card, how far it has come, and how it ended."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.core.changes import What

Action = Literal["reserve", "release"]

State = Literal["proposed", "cancelled", "claimed", "done", "refused", "unknown"]
"""`proposed`: a card with buttons. `cancelled`: its asker thought better of it. `claimed`: confirmed, and on its way to
Stora. `done` and `refused`: Stora's answer, for good. `unknown`: no answer came; it is being found out."""

SETTLED: tuple[State, ...] = ("done", "refused")


TRY_AGAIN = {"busy", "not_sent"}
"""Codes of refusals that time alone mends."""
NOT_OF_THE_UNIT = {*TRY_AGAIN, "invalid_token", "forbidden"}
"""Codes of refusals for which another unit would be no help."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one card is about: one decision with one `Idempotency-Key`. Names are as they were when it was drawn."""

    id: str
    """What the card's buttons carry."""
    action: Action
    idempotency_key: str
    unit_id: str
    unit_reference: str
    site_id: str
    site_name: str
    unit_type: str
    price: str
    """In words, with its billing period."""
    tenancy_id: str
    customer: str = field(repr=False)  # as all that may name a customer: a repr may end in a log
    starts_at: datetime | None
    """The tenancy's move-in date."""
    asked_by: str
    """Slack user id."""
    asked_at: datetime
    backoffice_url: str | None = None
    takes_back: str | None = None
    """Of a release: the unit allocation that Stora made for the reservation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, as far as is known."""

    state: Literal["done", "refused", "unknown"]
    said: str = field(default="", repr=False)
    """Why not: Stora's own words, or ours if Stora was never asked."""
    code: str = ""
    request_id: str | None = None
    allocation_id: str | None = None
    """Of a reservation that is done: the unit allocation that Stora made for it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A proposal and what became of it."""

    proposal: Proposal
    state: State
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    settled_at: datetime | None = None
    outcome: Outcome | None = None
    channel_id: str | None = None
    """Where the card is."""
    response_url: str | None = None
    """The way to the card: for 30 minutes after the last click."""
    attempts: int = 0
    """How often it has been taken up since it was confirmed."""


class Happening(BaseModel):
    """What colleagues are told of."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    what: What
    unit_id: str
    unit_reference: str
    site_id: str
    site_name: str
    unit_type: str
    tenancy_id: str
    customer: str = Field(repr=False)
    starts_at: datetime | None
    by: str
    """Slack user id; empty for what happened outside the bot: in the Backoffice, on the storefront, by itself."""
    at: datetime
    backoffice_url: str | None
    asked_by: str = ""
    """Slack user id of whoever asked for it, where that is somebody else."""


class Summary(BaseModel):
    """Many happenings in one message."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    counts: dict[What, int]
    shown: tuple[Happening, ...]
    """The first few."""


@dataclass(frozen=True, slots=True)
class Owed:
    """Something that must still be done for a decision that has taken effect."""

    key: str
    """Unique: the same thing is owed once, however often it is noticed."""
    kind: Literal["announcement", "happening", "summary", "note", "request", "answer", "digest"]
    channel_id: str
    """Of a message, for a direct one the person's id; empty for a note in Stora."""
    payload: str = field(repr=False)
    """As JSON: a ``Happening``, which for `happening` is one outside the bot; of `summary` a ``Summary``, of `request`
    and `answer` a ``News``, of `digest` a ``Digest``."""


Result = Literal[
    "asked",
    "denied",
    "asked for approval",
    "approved",
    "declined",
    "expired",
    "confirmed",
    "done",
    "refused",
    "unknown",
    "cancelled",
]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the record: every attempt, refusal, failure and outcome."""

    at: datetime
    who: str
    """Slack user id."""
    action: str
    """`reserve`, `release`, `cancel`, …: what was attempted."""
    result: Result
    unit_id: str = ""
    unit_reference: str = ""
    site_id: str = ""
    tenancy_id: str = ""
    rule: str = ""
    """Which role, or which lack of one, decided."""
    idempotency_key: str = ""
    request_id: str = ""
    detail: str = field(default="", repr=False)
