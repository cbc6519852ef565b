"""How many calls may leave for Stora, and when: its two windows, and who must leave room for whom."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

MARGIN = 0.05
"""Seconds added to each window, for clocks that tick in steps and timers that fire early."""
SECOND, MINUTE = 1.0, 60.0


class Priority(IntEnum):
    """Who goes first when calls are scarce."""

    WRITE = 0
    PERSON = 1
    SWEEP = 2


def kept_from(priority: Priority, limit: int) -> int:
    """How many calls of a window this kind of call must leave for more important ones.

    People leave a tenth to writes; sweeps leave half to everybody. At least one call is always left for the least.
    """
    if priority is Priority.WRITE:
        return 0
    kept = max(1, limit // 10) if priority is Priority.PERSON else -(-limit // 2)
    return min(limit - 1, kept)


@dataclass(slots=True)
class Window:
    """Calls in the last so many seconds, as the server may have counted them.

    We know when a call left and when its answer came, not when it arrived between the two. A call therefore counts
    from its departure until ``seconds`` after its answer: whatever the network did, no window at the server is fuller.
    """

    limit: int
    seconds: float
    in_flight: int = 0
    answered: deque[float] = field(default_factory=deque)
    """When, oldest first."""

    def used(self, now: float) -> int:
        """Calls that count at ``now``."""
        while self.answered and self.answered[0] + self.seconds + MARGIN <= now:
            self.answered.popleft()
        return self.in_flight + len(self.answered)

    def opens_at(self, now: float, keep: int) -> float:
        """The earliest time at which more than ``keep`` calls are left, if no further call is made."""
        too_many = self.used(now) - (self.limit - keep) + 1
        if too_many <= 0:
            return now
        if too_many <= len(self.answered):
            return self.answered[too_many - 1] + self.seconds + MARGIN
        return now + self.seconds + MARGIN


class Windows:
    """The second and the minute together, and what a 429 asked for. All times are of one clock, whichever it is."""

    def __init__(self, per_second: int, per_minute: int) -> None:
        self._both = (Window(per_second, SECOND), Window(per_minute, MINUTE))
        self._held_until = 0.0

    @property
    def per_minute(self) -> int:
        """Calls that a minute holds."""
        return self._both[1].limit

    def remaining(self, now: float) -> int:
        """Calls left in this minute."""
        return max(0, self.per_minute - self._both[1].used(now))

    def opens_at(self, now: float, priority: Priority, ahead: int = 0) -> float:
        """The earliest time at which such a call may leave, behind so many that wait already; ``now`` if it may now."""
        opens = [
            window.opens_at(now, min(window.limit - 1, kept_from(priority, window.limit) + ahead))
            for window in self._both
        ]
        return max(*opens, self._held_until)

    def leave(self) -> None:
        """A call leaves."""
        for window in self._both:
            window.in_flight += 1

    def withdraw(self) -> None:
        """One that had been let go does not leave."""
        for window in self._both:
            window.in_flight -= 1

    def answer(self, now: float) -> None:
        """The answer to one of them is there. No room comes of this: it still counts."""
        for window in self._both:
            window.in_flight -= 1
            window.answered.append(now)

    def hold(self, until: float) -> None:
        """Stora answered 429: nothing leaves until then."""
        self._held_until = max(self._held_until, until)

    def recount(self, answered: Iterable[float], in_flight: int = 0) -> None:
        """What counts is this, as somebody knows who sees more than we do."""
        moments = sorted(answered)
        for window in self._both:
            window.in_flight = in_flight
            window.answered = deque(moments)
