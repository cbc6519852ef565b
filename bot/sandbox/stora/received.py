"""The record of one request, for tests that count and for the demo's side panel."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Received:
    """One request in the order of arrival.

    Attributes:
        method: In upper case.
        path: As sent, with the version, without the query.
        route: The template, e.g. `/units/{unit_id}/reserve`, without the version; empty for an unknown endpoint.
        query: The parameters; the last value of a repeated one.
        headers: By any spelling of their names. Not in the `repr`, because they hold the token.
        at: When it arrived, epoch seconds.
        body: The parsed JSON; None when there is none or it is not JSON.
        status: What was answered; None while nothing is, and for ever when the connection was closed instead.
        replayed: Whether the answer came from an `Idempotency-Key`.
        left: How many more requests the minute's limit admits now; None without a limit.
    """

    method: str
    path: str
    route: str
    query: dict[str, str]
    headers: Mapping[str, str] = field(repr=False)
    at: float
    body: Any = None
    status: int | None = None
    replayed: bool = False
    left: int | None = None


def parsed(raw: bytes) -> Any:
    """Return the JSON in a body, or None when there is none."""
    try:
        return json.loads(raw)
    except ValueError:
        return None
