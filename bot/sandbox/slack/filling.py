"""From what a person types or picks to the state of an element; refuses what Slack's own form refuses."""

import re
from typing import Any

from bot.sandbox.slack.controls import MANY, STATE_KEYS, Control
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.state import Impossible
from bot.sandbox.slack.workspace import Workspace

_FORMS = {
    "email_text_input": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "url_text_input": (r"https?://\S+", "an address"),
    "datepicker": (r"\d{4}-\d\d-\d\d", "a date such as 2026-11-21"),
    "timepicker": (r"\d\d:\d\d", "a time such as 08:30"),
}


def filled(control: Control, wanted: Any, offered: list[Json], workspace: Workspace) -> Json:
    """The element's state after a person entered ``wanted``; None empties it.

    An option is named by its value or by what it reads, several by a list. ``offered`` are the options that the app
    has suggested so far. Raises ``Impossible`` for what Slack's form would not take.
    """
    key = STATE_KEYS[control.type][0]
    if control.type in MANY:
        chosen = [_one(control, each, offered, workspace) for each in wanted or []]
        most = control.element.get("max_selected_items", len(chosen))
        if len(chosen) > most:
            raise Impossible(f"{control.label!r} takes at most {most}, not {len(chosen)}")
        return {"type": control.type, key: chosen}
    return {"type": control.type, key: None if wanted is None else _one(control, wanted, offered, workspace)}


def _one(control: Control, wanted: Any, offered: list[Json], workspace: Workspace) -> Any:
    kind = STATE_KEYS[control.type][0].removesuffix("s")
    match kind:
        case "selected_option":
            return _option(control, wanted, offered)
        case "selected_user":
            return workspace.person(wanted).id
        case "selected_conversation" | "selected_channel":
            return workspace.channel(wanted).id
        case "selected_date_time":
            return int(wanted)
        case _:
            return _text(control, str(wanted))


def _option(control: Control, wanted: Any, offered: list[Json]) -> Json:
    choices = offered if "external" in control.type else control.options
    first = [control.element[key] for key in ("initial_option",) if key in control.element]
    for option in (*choices, *first, *control.element.get("initial_options", ())):
        if wanted in (option, option["value"], option["text"]["text"]):
            return dict(option)
    known = ", ".join(option["text"]["text"] for option in choices) or "nothing (suggest() first)"
    raise Impossible(f"{control.label!r} does not offer {wanted!r}; it offers {known}")


def _text(control: Control, wanted: str) -> str:
    element = control.element
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if wanted and not least <= len(wanted) <= most:
        raise Impossible(f"{control.label!r} takes {least} to {most} characters, not {len(wanted)}")
    if control.type == "number_input":
        _number(control, wanted)
    pattern, what = _FORMS.get(control.type, (r"(?s).*", ""))
    if not re.fullmatch(pattern, wanted):
        raise Impossible(f"{control.label!r} takes {what}, not {wanted!r}")
    return wanted


def _number(control: Control, wanted: str) -> None:
    element = control.element
    pattern = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    least, most = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
    if not re.fullmatch(pattern, wanted) or not least <= float(wanted) <= most:
        raise Impossible(f"{control.label!r} takes a number from {least:g} to {most:g}, not {wanted!r}")
