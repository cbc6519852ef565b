"""Blocks: which exist, on which surface, with which keys and limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.block_kit import objects
from bot.sandbox.slack.block_kit.elements import element
from bot.sandbox.slack.block_kit.report import Report, Surface
from bot.sandbox.slack.block_kit.rich_text import rich_text
from bot.sandbox.slack.block_kit.table import table
from bot.sandbox.slack.block_kit.text import pings, text_object

_EVERYWHERE: frozenset[Surface] = frozenset({"message", "modal", "home"})
_MARKDOWN = 12_000
_MOST_BLOCKS: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}


def blocks(report: Report, path: str, value: Any, fewest: int = 1) -> None:
    """Check a payload's list of blocks."""
    for at, each in enumerate(report.items(path, value, fewest, _MOST_BLOCKS[report.surface], "blocks")):
        _block(report, f"{path}[{at}]", each)
    report.at_most(path, report.markdown, _MARKDOWN, "characters of markdown")
    report.at_most(path, report.cells, 10_000, "characters in table cells")
    report.at_most(path, report.tables, 1, "tables")
    report.at_most(path, report.focused, 1, "elements with focus_on_load")


def _block(report: Report, path: str, value: Any) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    known = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if known is None:
        report.say(path, f"{kind!r} is not a block that this check knows")
        return
    if report.surface not in known.surfaces:
        report.say(path, f"a {kind} cannot be shown in a {report.surface}")
    found = report.shape(path, value, ("type", *known.required), ("block_id", *known.optional))
    if "block_id" in found:
        identity = report.identity(f"{path}.block_id", found["block_id"])
        if identity in report.block_ids:
            report.say(f"{path}.block_id", f"{identity!r} is used twice")
        report.block_ids.add(identity)
    known.check(report, path, found)


def _section(report: Report, path: str, found: dict[str, Any]) -> None:
    if "text" not in found and "fields" not in found:
        report.say(path, "text or fields is missing")
    if "text" in found:
        text_object(report, f"{path}.text", found["text"])
    if "fields" in found:
        for at, each in enumerate(report.items(f"{path}.fields", found["fields"], 1, 10, "fields")):
            text_object(report, f"{path}.fields[{at}]", each, 2000)
    if "expand" in found:
        report.truth(f"{path}.expand", found["expand"])
    accessory = found.get("accessory")
    if isinstance(accessory, dict) and accessory.get("type") == "image":
        _image_element(report, f"{path}.accessory", accessory)
    elif "accessory" in found:
        element(report, f"{path}.accessory", accessory, "section")


def _actions(report: Report, path: str, found: dict[str, Any]) -> None:
    seen: set[str] = set()
    for at, each in enumerate(report.items(f"{path}.elements", found.get("elements", []), 1, 25)):
        action_id = element(report, f"{path}.elements[{at}]", each, "actions")
        if action_id and action_id in seen:
            report.say(f"{path}.elements[{at}].action_id", f"{action_id!r} is used twice in this block")
        seen.add(action_id)


def _context(report: Report, path: str, found: dict[str, Any]) -> None:
    for at, each in enumerate(report.items(f"{path}.elements", found.get("elements", []), 1, 10)):
        here = f"{path}.elements[{at}]"
        if isinstance(each, dict) and each.get("type") == "image":
            _image_element(report, here, each)
        else:
            text_object(report, here, each)


def _image_element(report: Report, path: str, value: dict[str, Any]) -> None:
    found = report.shape(path, value, ("type", "alt_text"), ("image_url", "slack_file"))
    objects.picture(report, path, found)


def _header(report: Report, path: str, found: dict[str, Any]) -> None:
    if "text" in found:
        text_object(report, f"{path}.text", found["text"], 150, plain=True)
    if "level" in found:
        report.whole(f"{path}.level", found["level"], 1, 4)


def _image(report: Report, path: str, found: dict[str, Any]) -> None:
    objects.picture(report, path, found)
    if "title" in found:
        text_object(report, f"{path}.title", found["title"], 2000, plain=True)


def _input(report: Report, path: str, found: dict[str, Any]) -> None:
    for key in ("label", "hint"):
        if key in found:
            text_object(report, f"{path}.{key}", found[key], 2000, plain=True)
    for key in ("optional", "dispatch_action"):
        if key in found:
            report.truth(f"{path}.{key}", found[key])
    if "element" in found:
        element(report, f"{path}.element", found["element"], "input")


def _markdown(report: Report, path: str, found: dict[str, Any]) -> None:
    text = report.string(f"{path}.text", found.get("text", "?"), _MARKDOWN)
    report.markdown += len(text)
    report.characters += len(text)
    pings(report, f"{path}.text", text)


def _rich_text(report: Report, path: str, found: dict[str, Any]) -> None:
    rich_text(report, path, found.get("elements", []))


def _nothing_more(_report: Report, _path: str, _found: dict[str, Any]) -> None:
    """A divider has nothing inside."""


@dataclass(frozen=True, slots=True)
class _Block:
    check: Callable[[Report, str, dict[str, Any]], None]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    surfaces: frozenset[Surface] = _EVERYWHERE


_BLOCKS: Mapping[str, _Block] = {
    "actions": _Block(_actions, ("elements",)),
    "context": _Block(_context, ("elements",)),
    "divider": _Block(_nothing_more),
    "header": _Block(_header, ("text",), ("level",)),
    "image": _Block(_image, ("alt_text",), ("image_url", "slack_file", "title")),
    "input": _Block(_input, ("label", "element"), ("hint", "optional", "dispatch_action")),
    "markdown": _Block(_markdown, ("text",), (), frozenset[Surface]({"message"})),
    "rich_text": _Block(_rich_text, ("elements",)),
    "section": _Block(_section, (), ("text", "fields", "accessory", "expand")),
    "table": _Block(table, ("rows",), ("column_settings",), frozenset[Surface]({"message", "home"})),
}
