"""Rich text: sections, lists, quotes and preformatted text, and the literal parts inside of them."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.block_kit.report import Report
from bot.sandbox.slack.block_kit.text import TEXT

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_PARTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "text": (("text",), ("style",)),
    "link": (("url",), ("text", "style", "unsafe")),
    "emoji": (("name",), ("unicode", "skin_tone", "style")),
    "user": (("user_id",), ("style",)),
    "channel": (("channel_id",), ("style",)),
    "date": (("timestamp", "format"), ("fallback", "url", "style")),
    "color": (("value",), ("style",)),
}
_PINGS = {"broadcast": "range", "usergroup": "usergroup_id"}
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "rich_text_section": (),
    "rich_text_preformatted": ("border",),
    "rich_text_quote": ("border",),
    "rich_text_list": ("style", "indent", "offset", "border"),
}


def rich_text(report: Report, path: str, elements: Any) -> int:
    """Check the elements of a rich_text block or cell; answers how many characters they show."""
    before = report.characters
    for at, each in enumerate(report.items(f"{path}.elements", elements, 1, 100)):
        _group(report, f"{path}.elements[{at}]", each)
    return report.characters - before


def _group(report: Report, path: str, value: Any) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _GROUPS:
        report.say(path, f"{kind!r} is not a part of rich text")
        return
    found = report.shape(path, value, ("type", "elements"), _GROUPS[kind])
    if kind == "rich_text_list":
        report.one_of(f"{path}.style", found.get("style"), ("bullet", "ordered"))
    for key, most in (("indent", 8), ("offset", 10_000), ("border", 1)):
        if key in found:
            report.whole(f"{path}.{key}", found[key], 0, most)
    for at, each in enumerate(report.items(f"{path}.elements", found.get("elements", []), 1, 1000)):
        here = f"{path}.elements[{at}]"
        if kind == "rich_text_list":
            _section(report, here, each)
        else:
            _part(report, here, each)


def _section(report: Report, path: str, value: Any) -> None:
    if isinstance(value, dict) and value.get("type") == "rich_text_section":
        _group(report, path, value)
    else:
        report.say(path, "a list holds nothing but rich_text_section")


def _part(report: Report, path: str, value: Any) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in _PINGS:
        report.say(path, f"pings: {kind} {value.get(_PINGS[kind])!r}")
        return
    if not isinstance(kind, str) or kind not in _PARTS:
        report.say(path, f"{kind!r} is not a part of rich text")
        return
    required, optional = _PARTS[kind]
    found = report.shape(path, value, ("type", *required), optional)
    for key in ("text", "name", "user_id", "channel_id", "format", "fallback", "value"):
        if key in found:
            # Blank text is legal here: it is what stands between two links.
            text = report.string(f"{path}.{key}", found[key], TEXT, fewest=0)
            if not text:
                report.say(f"{path}.{key}", "empty text")
            report.characters += len(text)
    if "url" in found:
        report.web_address(f"{path}.url", found["url"])
    if "timestamp" in found:
        report.whole(f"{path}.timestamp", found["timestamp"], 0, 9_999_999_999)
    if "style" in found:
        for key, each in report.shape(f"{path}.style", found["style"], (), _STYLES).items():
            report.truth(f"{path}.style.{key}", each)
