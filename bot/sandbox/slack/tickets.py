"""What Slack hands out and takes back: trigger ids, response URLs, socket and upload tickets; ids and timestamps."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5

Origin: TypeAlias = Literal["command", "action", "view"]
"""What a response URL came from; only one of an action can change a message."""


@dataclass(slots=True)
class Trigger:
    """A trigger_id: whose act it came from, in which client, and until when it opens a modal."""

    user: str
    expires: float
    in_modal: bool = False
    client: str = ""
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """A response URL: where it posts, for whom, what it may replace, and how often it was used."""

    origin: Origin
    user: str
    channel: str
    expires: float
    message_ts: str | None = None
    used: int = 0


@dataclass(slots=True)
class Tickets:
    """All that is handed out. Ids count up, so that two runs with one clock are alike.

    ``now`` gives seconds since the epoch.
    """

    now: Callable[[], float]
    triggers: dict[str, Trigger] = field(default_factory=dict)
    responses: dict[str, ResponseUrl] = field(default_factory=dict)
    sockets: set[str] = field(default_factory=set)
    uploads: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _last: int = 0

    def id(self, prefix: str) -> str:
        """A new id, e.g. ``V0000000001``."""
        return f"{prefix}{next(self._numbers):010d}"

    def ts(self) -> str:
        """A message timestamp such as ``1763750000.000100``: greater than every one before."""
        self._last = max(int(self.now() * 10_000), self._last + 1)
        return f"{self._last // 10_000}.{self._last % 10_000 * 100:06d}"

    def trigger(self, user: str, *, in_modal: bool = False, client: str = "") -> str:
        """A trigger_id for 3 seconds and one use."""
        key = f"{self.id('')}.trigger"
        self.triggers[key] = Trigger(user, self.now() + TRIGGER_SECONDS, in_modal, client)
        return key

    def take_trigger(self, key: str) -> Trigger | str:
        """Use a trigger_id; answers Slack's error name when it cannot be used."""
        trigger = self.triggers.get(key)
        if trigger is None:
            return "invalid_trigger_id"
        if trigger.used:
            return "exchanged_trigger_id"
        if self.now() > trigger.expires:
            return "expired_trigger_id"
        trigger.used = True
        return trigger

    def response(self, origin: Origin, user: str, channel: str, message_ts: str | None = None) -> str:
        """The last path segment of a response URL for 30 minutes and 5 uses."""
        key = self.id("R")
        self.responses[key] = ResponseUrl(origin, user, channel, self.now() + RESPONSE_SECONDS, message_ts)
        return key

    def take_response(self, key: str) -> ResponseUrl | str:
        """Use a response URL once; answers Slack's error name when it cannot be used."""
        response = self.responses.get(key)
        if response is None:
            return "no_service"
        if self.now() > response.expires:
            return "expired_url"
        if response.used >= RESPONSE_USES:
            return "used_url"
        response.used += 1
        return response

    def socket(self) -> str:
        """A ticket that opens one WebSocket."""
        ticket = self.id("ticket")
        self.sockets.add(ticket)
        return ticket

    def upload(self, file: str) -> str:
        """The last path segment of an upload URL for this file, for one use."""
        ticket = self.id("U")
        self.uploads[ticket] = file
        return ticket
