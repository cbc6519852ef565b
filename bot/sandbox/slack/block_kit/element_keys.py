"""What each key of a block element may hold."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bot.sandbox.slack.block_kit import objects
from bot.sandbox.slack.block_kit.report import Report
from bot.sandbox.slack.block_kit.text import text_object

_BUTTON_TEXT = 75
_PLACEHOLDER = 150
_LONGEST_INPUT = 3000
_MARKUP_OPTIONS = ("checkboxes", "radio_buttons")
_MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}

Check: TypeAlias = Callable[[Report, str, Any, dict[str, Any]], None]
"""Checks one value: the report, its path, the value, and the element that it is in."""


def _text(most: int) -> Check:
    return lambda report, path, value, _element: text_object(report, path, value, most, plain=True)


def _string(most: int, fewest: int = 1) -> Check:
    return lambda report, path, value, _element: _discard(report.string(path, value, most, fewest))


def _discard(_value: object) -> None:
    """A check answers nothing: what it found is in the report."""


def _whole(least: int, most: int) -> Check:
    return lambda report, path, value, _element: report.whole(path, value, least, most)


def _truth(report: Report, path: str, value: Any, _element: dict[str, Any]) -> None:
    report.truth(path, value)


def _matching(pattern: str, example: str) -> Check:
    def check(report: Report, path: str, value: Any, _element: dict[str, Any]) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            report.say(path, f"{value!r} is not of the form {example}")

    return check


def _several(pattern: str, example: str, most: int = 100) -> Check:
    one = _matching(pattern, example)

    def check(report: Report, path: str, value: Any, element: dict[str, Any]) -> None:
        for at, each in enumerate(report.items(path, value, 1, most)):
            one(report, f"{path}[{at}]", each, element)

    return check


def _options(report: Report, path: str, value: Any, element: dict[str, Any]) -> None:
    kind = str(element.get("type"))
    most = _MOST_OPTIONS.get(kind, objects.MOST_OPTIONS)
    objects.options(report, path, value, most, markup=kind in _MARKUP_OPTIONS, url=kind == "overflow")


def _offered(element: dict[str, Any]) -> list[Any] | None:
    """Every option that the element itself offers; None when the app suggests them."""
    if "external" in str(element.get("type")):
        return None
    groups = [group for group in _list(element.get("option_groups")) if isinstance(group, dict)]
    grouped = [option for group in groups for option in _list(group.get("options"))]
    return [*_list(element.get("options")), *grouped]


def _list(value: Any) -> list[Any]:
    """``value``, or nothing where its own check finds that it is no list."""
    return value if isinstance(value, list) else []


def _initial_option(report: Report, path: str, value: Any, element: dict[str, Any]) -> None:
    offered = _offered(element)
    if offered is None:
        objects.option(report, path, value)
    elif value not in offered:
        report.say(path, "not exactly one of the options")


def _initial_options(report: Report, path: str, value: Any, element: dict[str, Any]) -> None:
    for at, each in enumerate(report.items(path, value, 1, objects.MOST_OPTIONS)):
        _initial_option(report, f"{path}[{at}]", each, element)


def _date_time(report: Report, path: str, value: Any, _element: dict[str, Any]) -> None:
    report.whole(path, value, 1_000_000_000, 9_999_999_999)


def _web_address(report: Report, path: str, value: Any, _element: dict[str, Any]) -> None:
    report.web_address(path, value)


def _plain(check: Callable[[Report, str, Any], None]) -> Check:
    return lambda report, path, value, _element: check(report, path, value)


def _action_id(report: Report, path: str, value: Any, _element: dict[str, Any]) -> None:
    report.identity(path, value)


def _agent_prompt(report: Report, path: str, value: Any, element: dict[str, Any]) -> None:
    report.string(path, value, 4000)
    if "url" in element:
        report.say(path, "a button has either agent_prompt or url")


_USER, _CONVERSATION, _CHANNEL = r"[UW][A-Z0-9]+", r"[CDGUW][A-Z0-9]+", r"[CG][A-Z0-9]+"
_NUMBER = r"-?\d+(?:\.\d+)?"

KEYS: Mapping[str, Check] = {
    "action_id": _action_id,
    "accessibility_label": _string(_BUTTON_TEXT),
    "agent_prompt": _agent_prompt,
    "confirm": _plain(objects.confirm),
    "default_to_current_conversation": _truth,
    "dispatch_action_config": _plain(objects.dispatch_action_config),
    "filter": _plain(objects.conversation_filter),
    "focus_on_load": _truth,
    "initial_channel": _matching(_CHANNEL, "C012ABC"),
    "initial_channels": _several(_CHANNEL, "C012ABC"),
    "initial_conversation": _matching(_CONVERSATION, "C012ABC"),
    "initial_conversations": _several(_CONVERSATION, "C012ABC"),
    "initial_date": _matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "2026-11-21"),
    "initial_date_time": _date_time,
    "initial_option": _initial_option,
    "initial_options": _initial_options,
    "initial_time": _matching(r"([01]\d|2[0-3]):[0-5]\d", "08:30"),
    "initial_user": _matching(_USER, "U012ABC"),
    "initial_users": _several(_USER, "U012ABC"),
    "initial_value": _string(_LONGEST_INPUT),
    "is_decimal_allowed": _truth,
    "max_length": _whole(1, _LONGEST_INPUT),
    "max_selected_items": _whole(1, 100),
    "max_value": _matching(_NUMBER, "10 (as a string)"),
    "min_length": _whole(0, _LONGEST_INPUT),
    "min_query_length": _whole(0, 1000),
    "min_value": _matching(_NUMBER, "0 (as a string)"),
    "multiline": _truth,
    "option_groups": _plain(objects.option_groups),
    "options": _options,
    "placeholder": _text(_PLACEHOLDER),
    "response_url_enabled": _truth,
    "style": _plain(objects.style),
    "text": _text(_BUTTON_TEXT),
    "timezone": _string(255),
    "url": _web_address,
    "value": _string(2000),
    "visible_to_user_ids": _several(_USER, "U012ABC", 10),
}
