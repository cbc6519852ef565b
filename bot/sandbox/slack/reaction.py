"""What a person's act led to: how the app acknowledged it, and what appeared or changed since."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from bot.sandbox.slack.journal import Change, Journal
from bot.sandbox.slack.nouns import Json, Message, View

_T = TypeVar("_T")

Envelope: TypeAlias = Literal["slash_commands", "interactive", "events_api"]
"""How Socket Mode names the three sorts of delivery."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery to the app, ready for HTTP (``body``, ``headers``) and for Socket Mode (``envelope``)."""

    kind: Envelope
    payload: Json
    body: bytes
    headers: Mapping[str, str]
    envelope: Json


@dataclass(slots=True)
class Reaction:
    """The result of an act.

    ``status`` is the HTTP status (200 for an acknowledged envelope; None when nothing came back, or when nothing had
    to be sent). ``seconds`` is the time to the acknowledgement by the stand-in's clock. ``body`` is the decoded
    acknowledgement: an object, a string, or None when it was empty. ``timed_out``: not within 3 seconds.
    ``undelivered``: no connection to the app. ``error`` is what Slack then shows to the person
    (``operation_timeout``, ``dispatch_failed``, ``invalid_response``), None when all went well.
    ``confirm`` is the dialog that the person had to agree to. ``options`` is what a suggestion request brought,
    ``errors`` what a submission was told, by block_id.
    """

    journal: Journal = field(repr=False)
    parcel: Parcel | None = field(default=None, repr=False)
    status: int | None = None
    seconds: float = 0.0
    body: Any = None
    timed_out: bool = False
    undelivered: bool = False
    error: str | None = None
    confirm: Json | None = None
    options: list[Json] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    since: int = 0

    @property
    def ok(self) -> bool:
        """Whether the app acknowledged in time and Slack took the answer."""
        return self.status == 200 and self.error is None  # noqa: PLR2004 -- the one status that Slack takes

    @property
    def payload(self) -> Json:
        """What was sent; empty when nothing was."""
        return self.parcel.payload if self.parcel else {}

    @property
    def response_url(self) -> str:
        """The response URL that the act carried; empty without one."""
        return str(self.payload.get("response_url", ""))

    @property
    def trigger_id(self) -> str:
        """The trigger_id that the act carried; empty without one."""
        return str(self.payload.get("trigger_id", ""))

    @property
    def changes(self) -> list[Change]:
        """Everything that has happened since the act began: others' doings too."""
        return self.journal.changes[self.since :]

    @property
    def messages(self) -> list[Message]:
        """The messages that appeared or changed since, each once, those that were deleted again left out."""
        seen = [each.message for each in self.changes if each.message is not None and not each.message.deleted]
        return _each_once(seen)

    @property
    def views(self) -> list[View]:
        """The modals and Home tabs that opened or changed since and are still there, each once."""
        seen = [each.view for each in self.changes if each.view is not None and each.view.open]
        return _each_once(seen)


def _each_once(items: list[_T]) -> list[_T]:
    return list({id(item): item for item in items}.values())
