"""Slack misbehaving on request: rate limits, outages, lost answers, slowness, refusals."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

EVERYTHING = "*"
RESPONSE_URL = "response_url"
UPLOAD = "upload"

Way: TypeAlias = Literal["rate_limit", "status", "error", "drop_before", "drop_after", "slow", "hold"]
"""How a request goes wrong."""


@dataclass(slots=True)
class Fault:
    """One armed fault; ``on`` is a method name, ``response_url``, ``upload`` or ``*``; ``times`` None is for ever."""

    way: Way
    on: str
    times: int | None
    seconds: float = 0.0
    code: int = 200
    name: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let a held request go on, and all that follow."""
        self.released.set()


@dataclass(slots=True)
class Faults:
    """A queue of faults: each request takes the first one that is meant for it."""

    armed: list[Fault] = field(default_factory=list)
    _holding: list[Fault] = field(default_factory=list)

    def rate_limit(self, on: str = EVERYTHING, *, seconds: int = 30, times: int | None = 1) -> Fault:
        """Answer 429 ``ratelimited`` with ``Retry-After: seconds``; nothing happens."""
        return self._arm(Fault("rate_limit", on, times, seconds=seconds))

    def status(self, code: int, on: str = EVERYTHING, *, times: int | None = 1) -> Fault:
        """Answer this HTTP status with a page that is not JSON; nothing happens."""
        return self._arm(Fault("status", on, times, code=code))

    def error(self, name: str, on: str = EVERYTHING, *, times: int | None = 1) -> Fault:
        """Answer ``{"ok": false, "error": name}``; nothing happens."""
        return self._arm(Fault("error", on, times, name=name))

    def drop_before(self, on: str = EVERYTHING, *, times: int | None = 1) -> Fault:
        """Close the connection without an answer; nothing happens."""
        return self._arm(Fault("drop_before", on, times))

    def drop_after(self, on: str = EVERYTHING, *, times: int | None = 1) -> Fault:
        """Do what was asked, then close the connection without an answer: the caller cannot know."""
        return self._arm(Fault("drop_after", on, times))

    def slow(self, seconds: float, on: str = EVERYTHING, *, times: int | None = 1) -> Fault:
        """Wait this many real seconds, then do what was asked."""
        return self._arm(Fault("slow", on, times, seconds=seconds))

    def hold(self, on: str = EVERYTHING, *, times: int | None = 1) -> Fault:
        """Wait until ``release()`` is called on the answer, then do what was asked; ``reached`` tells of the wait."""
        return self._arm(Fault("hold", on, times))

    def clear(self) -> None:
        """Disarm everything and let every held request go on."""
        for fault in self._holding:
            fault.release()
        self._holding.clear()
        self.armed.clear()

    def take(self, target: str) -> Fault | None:
        """The fault that this request meets, if any; it is used up once."""
        for fault in self.armed:
            if fault.on in {target, EVERYTHING}:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.armed.remove(fault)
                if fault.way == "hold":
                    self._holding.append(fault)
                return fault
        return None

    def _arm(self, fault: Fault) -> Fault:
        self.armed.append(fault)
        return fault
