"""Slack's own rate limits: so many calls a minute for each method, one message a second for each channel."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

_MINUTE = 60.0
_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}


@dataclass(slots=True)
class Tiers:
    """Counts calls in sliding windows. ``now`` gives seconds."""

    now: Callable[[], float]
    _calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def wait(self, method: str, tier: int | None, channel: str) -> int:
        """Seconds for ``Retry-After``, or 0 when the call is let through (and counted).

        ``tier`` None is the special limit of chat.postMessage when a channel is given, and no limit without.
        """
        if tier is None:
            return self._count(f"{method} {channel}", 1, 1.0) if channel else 0
        return self._count(method, _PER_MINUTE[tier], _MINUTE)

    def _count(self, key: str, most: int, window: float) -> int:
        times, now = self._calls[key], self.now()
        while times and times[0] <= now - window:
            times.popleft()
        if len(times) >= most:
            return max(1, math.ceil(times[0] + window - now))
        times.append(now)
        return 0
