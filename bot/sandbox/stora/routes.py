"""What an endpoint is, and which one a request means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from bot.sandbox.stora.calls import Handler

VERSION = "2025-09"
"""The first segment of every path but OAuth's."""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. ``template`` leaves the version out; without a ``scope`` any valid token will do.

    A ``bare`` endpoint has no version in its path and no ``meta`` in its answer; an ``open`` one asks for no token.
    """

    method: str
    template: str
    handler: Handler
    scope: str | None
    bare: bool = False
    open: bool = False

    def match(self, method: str, raw_path: str) -> tuple[str, ...] | None:
        """Return the ids in the path, or None when this endpoint is not meant."""
        path = self.template if self.bare else f"/{VERSION}{self.template}"
        pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(path))
        found = re.fullmatch(pattern, raw_path) if method == self.method else None
        return None if found is None else tuple(unquote(each) for each in found.groups())


def find_route(routes: Sequence[Route], method: str, raw_path: str) -> tuple[Route, tuple[str, ...]] | None:
    """Return the first endpoint that is meant and the ids in the path; None when there is none."""
    for route in routes:
        if (found := route.match(method, raw_path)) is not None:
            return route, found
    return None
