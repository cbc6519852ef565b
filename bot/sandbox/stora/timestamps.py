"""Stora's notation for a moment: ISO 8601 in UTC, to the second, with a `Z`."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """Write an aware moment as Stora does, e.g. `2025-02-22T14:41:00Z`; raises ``ValueError`` for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(epoch: float) -> datetime:
    """Return the aware moment of an epoch in seconds."""
    return datetime.fromtimestamp(epoch, UTC)


def read_stamp(text: str) -> datetime:
    """Read an ISO 8601 date-time that carries a time zone; raises ``ValueError`` for everything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(UTC)
