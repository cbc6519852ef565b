"""What happened, in order: calls, changes that people see, violations; and who wants to be told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from bot.sandbox.slack.nouns import Json, Message, View

What: TypeAlias = Literal[
    "message_added",
    "message_updated",
    "message_deleted",
    "view_opened",
    "view_updated",
    "view_closed",
    "home_published",
    "api_call",
]
"""What sort of change a notice is about."""


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the Web API: its decoded arguments (``blocks``, ``view``, ``metadata`` and ``files`` parsed).

    ``at`` is in seconds since the epoch. ``answer`` is what Slack said, ``status`` its HTTP status; both are None
    when the connection was closed instead.
    """

    method: str
    arguments: Json
    token: str
    at: float
    status: int | None
    answer: Json | None

    @property
    def ok(self) -> bool:
        """Whether the bot was told that it worked."""
        return self.answer is not None and self.answer.get("ok") is True


@dataclass(frozen=True, slots=True)
class Change:
    """A notice: what changed, and the message, view or call as it is (messages and views go on changing)."""

    what: What
    message: Message | None = None
    view: View | None = None
    call: ApiCall | None = None


@dataclass(slots=True)
class Journal:
    """Everything that happened since the start."""

    calls: list[ApiCall] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _listeners: list[asyncio.Queue[Change]] = field(default_factory=list)

    def note(self, change: Change) -> None:
        """Keep a change and tell everyone who listens."""
        self.changes.append(change)
        for queue in self._listeners:
            queue.put_nowait(change)

    def call(self, call: ApiCall) -> None:
        """Keep a call of the Web API and tell everyone who listens."""
        self.calls.append(call)
        self.note(Change("api_call", call=call))

    def violated(self, where: str, problems: list[str]) -> list[str]:
        """Keep violations, each with where it was seen; answers them unchanged."""
        self.problems.extend(f"{where}: {problem}" for problem in problems)
        return problems

    def subscribe(self) -> asyncio.Queue[Change]:
        """A queue that gets every change from now on."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._listeners.append(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Any]) -> None:
        """Stop telling this queue; nothing happens when it is not known."""
        self._listeners = [each for each in self._listeners if each is not queue]
