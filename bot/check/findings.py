"""What was found, in one line each."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Verdict = Literal["ok", "warn", "FAIL"]

SKEW_SHOWS, SKEW_BREAKS = 60.0, 300.0
"""Seconds that clocks may differ before it is worth a word, and before signatures count as stale."""


NETWORK = "is the network, or HTTPS_PROXY, in order?"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    verdict: Verdict
    what: str
    found: str
    mend: str = ""

    @property
    def line(self) -> str:
        """For a terminal; what a neighbour said may hold line breaks and other control characters."""
        text = f"{self.what}: {self.found}" + (f" → {self.mend}" if self.mend else "")
        return f"{self.verdict:<4}  {' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())}"


def ok(what: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding("ok", what, found)


def warn(what: str, found: str, mend: str = "") -> Finding:
    """The bot works, with less than it could."""
    return Finding("warn", what, found, mend)


def fail(what: str, found: str, mend: str) -> Finding:
    """The bot will not work, or not all of it."""
    return Finding("FAIL", what, found, mend)


def clock(neighbour: str, date: str | None, sent: datetime, received: datetime) -> Finding:
    """Our clock against a neighbour's, by the `Date` of an answer to what was asked between these two moments."""
    what, mend = f"clock against {neighbour}", "let the machine keep its time by NTP"
    try:
        theirs = parsedate_to_datetime(date or "")
        skew = (sent + (received - sent) / 2 - theirs).total_seconds()
    except (ValueError, TypeError):
        return warn(what, "its answer carries no date")
    found = f"{abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) > SKEW_BREAKS:
        return fail(what, f"{found}, so that signatures count as stale", mend)
    return warn(what, found, mend) if abs(skew) > SKEW_SHOWS else ok(what, found)
