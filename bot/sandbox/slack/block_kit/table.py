"""The table block: rows, cells and column settings."""

from typing import Any

from bot.sandbox.slack.block_kit.report import Report
from bot.sandbox.slack.block_kit.rich_text import rich_text
from bot.sandbox.slack.block_kit.text import TEXT

_ROWS = 100
_COLUMNS = 20


def table(report: Report, path: str, found: dict[str, Any]) -> None:
    """Check a table; the characters of its cells count for the whole message."""
    report.tables += 1
    widths: set[int] = set()
    for at, row in enumerate(report.items(f"{path}.rows", found.get("rows", []), 1, _ROWS, "rows")):
        cells = report.items(f"{path}.rows[{at}]", row, 1, _COLUMNS, "cells")
        widths.add(len(cells))
        for column, cell in enumerate(cells):
            report.cells += _cell(report, f"{path}.rows[{at}][{column}]", cell)
    if len(widths) > 1:
        report.say(f"{path}.rows", "rows of different lengths")
    if "column_settings" in found:
        _settings(report, f"{path}.column_settings", found["column_settings"])


def _cell(report: Report, path: str, cell: Any) -> int:
    kind = cell.get("type") if isinstance(cell, dict) else None
    match kind:
        case "raw_text":
            found = report.shape(path, cell, ("type", "text"))
        case "raw_number":
            found = report.shape(path, cell, ("type", "value", "text"))
            if not isinstance(found.get("value"), int | float) or isinstance(found.get("value"), bool):
                report.say(f"{path}.value", "not a number")
        case "rich_text":
            return rich_text(report, path, report.shape(path, cell, ("type", "elements")).get("elements", []))
        case _:
            report.say(path, f"{kind!r} is not a table cell")
            return 0
    text = report.string(path, found.get("text", "?"), TEXT)
    report.characters += len(text)
    return len(text)


def _settings(report: Report, path: str, value: Any) -> None:
    for at, each in enumerate(report.items(path, value, 0, _COLUMNS)):
        if each is None:  # Slack: null skips a column
            continue
        here = f"{path}[{at}]"
        found = report.shape(here, each, (), ("align", "is_wrapped"))
        if "align" in found:
            report.one_of(f"{here}.align", found["align"], ("left", "center", "right"))
        if "is_wrapped" in found:
            report.truth(f"{here}.is_wrapped", found["is_wrapped"])
