"""Stora's rate limit: how many requests are admitted in any sliding window, and how many arrived."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Window:
    """At most ``limit`` admitted requests in any ``seconds`` that end now."""

    limit: int
    seconds: float
    _admitted: deque[float] = field(default_factory=deque)

    def is_full(self, now: float) -> bool:
        """Return whether a request that arrives now must be refused."""
        while self._admitted and self._admitted[0] <= now - self.seconds:
            self._admitted.popleft()
        return len(self._admitted) >= self.limit

    def admit(self, now: float) -> None:
        """Count a request that is answered."""
        self._admitted.append(now)

    def left(self, now: float) -> int:
        """Return how many requests that arrive now would be admitted."""
        return 0 if self.is_full(now) else self.limit - len(self._admitted)

    def reset(self) -> int:
        """Return the epoch second, rounded up, from which the oldest counted request counts no more."""
        return ceil(self._admitted[0] + self.seconds)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a request is answered, and the two documented headers that go with the answer."""

    admitted: bool
    headers: dict[str, str]


class RateLimit:
    """A second's and a minute's window together; only admitted requests count."""

    def __init__(self, per_second: int | None, per_minute: int | None) -> None:
        """Build the windows; None leaves one out, and without both no header is sent."""
        pairs = ((per_second, 1.0), (per_minute, 60.0))
        self._windows = [Window(limit, seconds) for limit, seconds in pairs if limit is not None]

    def admit(self, now: float) -> Admission:
        """Count a request that arrives at ``now`` (epoch seconds) unless a window is full.

        A refusal names the full window that opens last; an answer names the longest window.
        """
        full = [window for window in self._windows if window.is_full(now)]
        if full:
            return Admission(admitted=False, headers=_headers(max(full, key=Window.reset)))
        for window in self._windows:
            window.admit(now)
        return Admission(admitted=True, headers=_headers(self._windows[-1]) if self._windows else {})

    def left(self, now: float) -> int | None:
        """Return how many more requests the longest window admits; None without any."""
        return self._windows[-1].left(now) if self._windows else None

    def use_up(self, now: float) -> None:
        """Count so many requests that the longest window is full."""
        for window in self._windows[-1:]:
            while not window.is_full(now):
                window.admit(now)


def peak(arrivals: Iterable[float], seconds: float) -> int:
    """Return the largest number of arrivals (epoch seconds) that lie less than ``seconds`` apart."""
    most, recent = 0, deque[float]()
    for at in sorted(arrivals):
        recent.append(at)
        while recent[0] <= at - seconds:
            recent.popleft()
        most = max(most, len(recent))
    return most


def _headers(window: Window) -> dict[str, str]:
    return {"RateLimit-Limit": str(window.limit), "RateLimit-Reset": str(window.reset())}
