"""A Slack message as text for a terminal: rows of one shape become a table, buttons are named."""

import html
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

from bot.sandbox.slack.nouns import Json, Message, View

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_BOLD = re.compile(r"(?<!\w)\*([^*\n]+)\*(?!\w)")


def readable(shown: Message | View) -> str:
    """All of a message or a dialog; a message's ``text`` where it has no blocks."""
    if isinstance(shown, Message) and not shown.blocks:
        return _plain(shown.text)
    parts: list[str] = []
    for kind, group in itertools.groupby(shown.blocks, key=lambda block: block["type"]):
        blocks = list(group)
        match kind:
            case "section":
                parts += _table([_cells(block) for block in blocks])
            case "header":
                parts += [f"{_one_line(block['text']['text'])}\n" for block in blocks]
            case "context":
                parts += [f"  {_plain(element['text'])}" for block in blocks for element in block["elements"]]
            case "actions":
                labels = [f"[{label}]" for block in blocks for label in _labels(block["elements"])]
                parts.append("\n" + "  ".join(labels))
            case "input":
                parts += [f"{block['label']['text']}: {_filled_in(block['element'])}" for block in blocks]
            case _:
                parts.append(f"({kind})")
    return "\n".join(parts)


def _filled_in(element: Json) -> str:
    chosen = element.get("initial_option")
    return str(chosen["text"]["text"]) if chosen else f"[{element['placeholder']['text']}]"


def _labels(elements: Iterable[Json]) -> list[str]:
    return [element["text"]["text"] for element in elements if element["type"] == "button"]


def _cells(block: Json) -> list[str]:
    cells = re.split(r" · |\n", _plain(block["text"]["text"]))
    return [*cells, *(f"[{label}]" for label in _labels([block["accessory"]]))] if "accessory" in block else cells


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of as many cells stand under each other; anything else is paragraphs."""
    if len(rows) == 1 or len({len(row) for row in rows}) > 1:
        return ["\n".join(row) for row in rows]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]  # fmt: skip


def _plain(mrkdwn: str) -> str:
    text = _DATE.sub(r"\1", mrkdwn)
    text = _LINK.sub(r"\2 \1", text)
    return html.unescape(_BOLD.sub(r"\1", text))


def _one_line(text: str) -> str:
    return f"{text}\n{'=' * _width(text)}"


def _width(text: str) -> int:
    """Columns in a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
