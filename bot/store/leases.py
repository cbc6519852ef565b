"""Work that belongs to one process for a while, also when clocks disagree or step back."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_

FURTHEST = timedelta(hours=1)
"""Nothing is put off for longer; what seems to be was put off before the clock stepped back."""


def lease_ended(until: ColumnElement[datetime], at: datetime, lease: timedelta) -> ColumnElement[bool]:
    """Nobody works on it at ``at``: it was let go, its time is over, or that time is too far off to be believed.

    Too far is twice ``lease``: a claim from a clock that runs ahead of ours, or made while we waited for the database,
    ends after ``at + lease`` and is still somebody's. A clock that steps back delays the work by one lease at most.
    """
    return or_(until.is_(None), until <= at, until > at + 2 * lease)


def time_came(when: ColumnElement[datetime], at: datetime) -> ColumnElement[bool]:
    """It is due at ``at``: it was not put off, the time came, or that time is too far off to be believed."""
    return or_(when.is_(None), when <= at, when > at + FURTHEST)
