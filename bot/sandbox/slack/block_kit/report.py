"""What a check has found so far, and the sums that run over a whole payload."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Surface: TypeAlias = Literal["message", "modal", "home"]
"""Where the blocks shall be shown; some blocks and elements exist only on some."""

_ID_LENGTH = 255


@dataclass(slots=True)
class Report:
    """The violations of one payload, each as ``path: what is wrong``, and its running totals.

    ``characters`` sums all text in blocks, ``markdown`` that of markdown blocks and ``cells`` that of table cells.
    """

    surface: Surface
    problems: list[str] = field(default_factory=list)
    characters: int = 0
    markdown: int = 0
    cells: int = 0
    tables: int = 0
    focused: int = 0
    block_ids: set[str] = field(default_factory=set)

    def say(self, path: str, problem: str) -> None:
        """Note one violation."""
        self.problems.append(f"{path}: {problem}")

    def at_most(self, path: str, length: int, limit: int, unit: str = "characters") -> None:
        """Note a violation when there is more than Slack takes."""
        if length > limit:
            self.say(path, f"{length:,} {unit}, at most {limit:,}")

    def shape(self, path: str, value: Any, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
        """``value`` when it is an object; notes what it lacks and what Slack does not know, and is empty otherwise."""
        if not isinstance(value, dict):
            self.say(path, f"{_kind(value)} where an object belongs")
            return {}
        for key in required:
            if key not in value:
                self.say(path, f"{key!r} is missing")
        for key in value:
            if key not in required and key not in optional:
                self.say(path, f"Slack does not know the key {key!r} here")
        return value

    def items(self, path: str, value: Any, fewest: int, most: int, unit: str = "elements") -> list[Any]:
        """``value`` when it is a list, noting when it is too short or too long; empty otherwise."""
        if not isinstance(value, list):
            self.say(path, f"{_kind(value)} where a list belongs")
            return []
        if len(value) < fewest:
            self.say(path, f"{len(value)} {unit}, at least {fewest}")
        self.at_most(path, len(value), most, unit)
        return value

    def string(self, path: str, value: Any, most: int, fewest: int = 1) -> str:
        """``value`` when it is a string, noting when it is blank or too long; empty otherwise."""
        if not isinstance(value, str):
            self.say(path, f"{_kind(value)} where a string belongs")
            return ""
        if len(value) < fewest or (fewest and not value.strip()):
            self.say(path, "empty text")
        self.at_most(path, len(value), most)
        return value

    def whole(self, path: str, value: Any, least: int, most: int) -> None:
        """Note anything but a whole number in this range."""
        if isinstance(value, bool) or not isinstance(value, int):
            self.say(path, f"{_kind(value)} where a whole number belongs")
        elif not least <= value <= most:
            self.say(path, f"{value} is not within {least} and {most}")

    def truth(self, path: str, value: Any) -> None:
        """Note anything but true and false."""
        if not isinstance(value, bool):
            self.say(path, f"{_kind(value)} where true or false belongs")

    def one_of(self, path: str, value: Any, choices: Collection[str]) -> None:
        """Note a value that is not among these."""
        if value not in choices:
            self.say(path, f"{value!r} is not one of {', '.join(sorted(choices))}")

    def identity(self, path: str, value: Any) -> str:
        """A block_id, action_id, callback_id or external_id: 1 to 255 characters."""
        return self.string(path, value, _ID_LENGTH)

    def web_address(self, path: str, value: Any, most: int = 3000) -> None:
        """Note anything but an http(s) address that people can follow."""
        address = self.string(path, value, most)
        if address and not address.startswith(("https://", "http://")):
            self.say(path, "an address has to start with http:// or https://")
        if any(char.isspace() for char in address):
            self.say(path, "an address cannot hold white space")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
