"""Whether a part of the bot is usable, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of one part. ``detail`` is for whoever runs the bot: no secret, no customer."""

    status: Literal["ok", "failing"]
    detail: str


Health = Mapping[str, Part]
"""Each part by its name."""


UNSEEN: Health = MappingProxyType({})
"""For those who do not run the bot."""


def ok(detail: str) -> Part:
    """Usable."""
    return Part("ok", detail)


def failing(detail: str) -> Part:
    """Not usable, and why."""
    return Part("failing", detail)
