"""Block elements: which exist, where each may stand, and which keys each has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.sandbox.slack.block_kit.element_keys import KEYS
from bot.sandbox.slack.block_kit.report import Report, Surface

Place: TypeAlias = Literal["section", "actions", "input"]
"""The block in which an interactive element stands."""

_EVERYWHERE: frozenset[Surface] = frozenset({"message", "modal", "home"})
_ANY_PLACE: frozenset[Place] = frozenset({"section", "actions", "input"})


@dataclass(frozen=True, slots=True)
class Element:
    """One sort of interactive element: keys that it must and may have, blocks and surfaces that take it."""

    required: frozenset[str]
    optional: frozenset[str]
    places: frozenset[Place] = _ANY_PLACE
    surfaces: frozenset[Surface] = _EVERYWHERE


def _element(
    required: str,
    optional: str,
    places: frozenset[Place] = _ANY_PLACE,
    surfaces: frozenset[Surface] = _EVERYWHERE,
) -> Element:
    return Element(frozenset({"type", "action_id", *required.split()}), frozenset(optional.split()), places, surfaces)


_PICK = "confirm focus_on_load"
_SELECT = f"placeholder {_PICK}"
_MULTI = f"{_SELECT} max_selected_items"
_INPUT = "initial_value placeholder focus_on_load dispatch_action_config"
_PRESSED: frozenset[Place] = frozenset({"section", "actions"})
_NOT_IN_ACTIONS: frozenset[Place] = frozenset({"section", "input"})
_NOT_IN_SECTION: frozenset[Place] = frozenset({"actions", "input"})
_ONLY_INPUT: frozenset[Place] = frozenset({"input"})
_MODAL: frozenset[Surface] = frozenset({"modal"})

ELEMENTS: Mapping[str, Element] = {
    "button": _element(
        "text", "url value style confirm accessibility_label agent_prompt visible_to_user_ids", _PRESSED
    ),
    "overflow": _element("options", "confirm", _PRESSED),
    "static_select": _element("", f"options option_groups initial_option {_SELECT}"),
    "external_select": _element("", f"min_query_length initial_option {_SELECT}"),
    "users_select": _element("", f"initial_user {_SELECT}"),
    "conversations_select": _element(
        "", f"initial_conversation default_to_current_conversation response_url_enabled filter {_SELECT}"
    ),
    "channels_select": _element("", f"initial_channel response_url_enabled {_SELECT}"),
    "multi_static_select": _element("", f"options option_groups initial_options {_MULTI}", _NOT_IN_ACTIONS),
    "multi_external_select": _element("", f"min_query_length initial_options {_MULTI}", _NOT_IN_ACTIONS),
    "multi_users_select": _element("", f"initial_users {_MULTI}", _NOT_IN_ACTIONS),
    "multi_conversations_select": _element(
        "", f"initial_conversations default_to_current_conversation filter {_MULTI}", _NOT_IN_ACTIONS
    ),
    "multi_channels_select": _element("", f"initial_channels {_MULTI}", _NOT_IN_ACTIONS),
    "datepicker": _element("", f"initial_date {_SELECT}"),
    "timepicker": _element("", f"initial_time timezone {_SELECT}"),
    "datetimepicker": _element(
        "", f"initial_date_time {_PICK}", _NOT_IN_SECTION, frozenset[Surface]({"message", "modal"})
    ),
    "checkboxes": _element("options", f"initial_options {_PICK}"),
    "radio_buttons": _element("options", f"initial_option {_PICK}"),
    "plain_text_input": _element("", f"multiline min_length max_length {_INPUT}", _ONLY_INPUT),
    "email_text_input": _element("", _INPUT, _ONLY_INPUT, _MODAL),
    "url_text_input": _element("", _INPUT, _ONLY_INPUT, _MODAL),
    "number_input": _element("is_decimal_allowed", f"min_value max_value {_INPUT}", _ONLY_INPUT, _MODAL),
}


def element(report: Report, path: str, value: Any, place: Place) -> str:
    """Check one interactive element in this place; answers its action_id, empty when it has none."""
    kind = value.get("type") if isinstance(value, dict) else None
    known = ELEMENTS.get(kind) if isinstance(kind, str) else None
    if known is None:
        report.say(path, f"{kind!r} is not an element that can stand in {place}")
        return ""
    if place not in known.places:
        report.say(path, f"a {kind} cannot stand in {place}")
    if report.surface not in known.surfaces:
        report.say(path, f"a {kind} cannot be shown in a {report.surface}")
    found = report.shape(path, value, known.required, known.optional)
    for key, each in found.items():
        if key in KEYS and (key in known.required or key in known.optional):
            KEYS[key](report, f"{path}.{key}", each, found)
    _between_keys(report, path, found)
    return str(found.get("action_id", ""))


def _between_keys(report: Report, path: str, found: dict[str, Any]) -> None:
    """Check what two keys of one element say to each other."""
    if "static_select" in found["type"] and ("options" in found) == ("option_groups" in found):
        report.say(path, "exactly one of options and option_groups belongs here")
    for low, high in (("min_length", "max_length"), ("min_value", "max_value")):
        if low in found and high in found and _number(found[low]) > _number(found[high]):
            report.say(f"{path}.{low}", f"more than {high}")
    if found.get("focus_on_load"):
        report.focused += 1
        if report.surface == "message":
            report.say(f"{path}.focus_on_load", "only a view has a focus")
    if found.get("response_url_enabled") and report.surface != "modal":
        report.say(f"{path}.response_url_enabled", "only a modal's submission carries a response_url")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):  # not a number: its own check has said so
        return 0.0
