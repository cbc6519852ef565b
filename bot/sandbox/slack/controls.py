"""What people can press, choose and fill in: finding it in blocks, and its state as Slack reports it."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bot.sandbox.slack.nouns import Json, Message, View

STATE_KEYS: Mapping[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "checkboxes": ("selected_options", "initial_options"),
    "radio_buttons": ("selected_option", "initial_option"),
}
"""Element type → where its state stands in ``state.values``, and the key of its first state."""

MANY = frozenset(kind for kind, (key, _) in STATE_KEYS.items() if key.endswith("s"))
"""Element types of which several things can be chosen."""


@dataclass(frozen=True, slots=True)
class Control:
    """An interactive element in its block."""

    block: Json
    element: Json

    @property
    def key(self) -> tuple[str, str]:
        """Its block_id and action_id."""
        return self.block["block_id"], self.element["action_id"]

    @property
    def type(self) -> str:
        """The element's type, e.g. ``button``."""
        return str(self.element["type"])

    @property
    def label(self) -> str:
        """What a person reads: a button's text, an input's label, a menu's placeholder."""
        written = self.block.get("label") or self.element.get("text") or self.element.get("placeholder") or {}
        return str(written.get("text", ""))

    @property
    def waits_for_submit(self) -> bool:
        """Whether it is an input whose value only goes out with the whole modal."""
        return self.block["type"] == "input" and not self.block.get("dispatch_action")

    @property
    def options(self) -> list[Json]:
        """The options that the element itself offers."""
        groups = self.element.get("option_groups", ())
        return [*self.element.get("options", ()), *(each for group in groups for each in group["options"])]


class Button(NamedTuple):
    """A button that somebody can see in a message."""

    label: str
    action_id: str
    value: str | None
    url: str | None


def controls(shown: Message | View) -> Iterator[Control]:
    """Every interactive element, in the order in which it is seen."""
    for block in shown.blocks:
        for element in (*block.get("elements", ()), block.get("accessory"), block.get("element")):
            if isinstance(element, dict) and "action_id" in element:
                yield Control(block, element)


def buttons(shown: Message | View) -> list[Button]:
    """Every button, in the order in which it is seen."""
    return [
        Button(control.label, control.element["action_id"], control.element.get("value"), control.element.get("url"))
        for control in controls(shown)
        if control.type == "button"
    ]


def first_state(control: Control) -> Json:
    """The state of an element that nobody has touched."""
    key, initial = STATE_KEYS[control.type]
    return {
        "type": control.type,
        key: copy.deepcopy(control.element.get(initial, [] if control.type in MANY else None)),
    }


def values(shown: Message | View) -> Json:
    """``state.values`` as Slack reports it: block_id → action_id → state, of everything that has a state."""
    found: dict[str, Json] = {}
    for control in controls(shown):
        if control.type in STATE_KEYS:
            block_id, action_id = control.key
            found.setdefault(block_id, {})[action_id] = shown.entered.get(control.key) or first_state(control)
    return found


def is_empty(state: Json) -> bool:
    """Whether nothing was entered or chosen."""
    return all(value in (None, "", []) for key, value in state.items() if key != "type")
