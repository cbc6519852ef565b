"""Modals and their inputs, with Slack's limits on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.render.blocks import Block, plain

TITLE = 24
"""Characters of a modal's title and of its buttons."""
OPTION = 75
LABEL = 2_000
PLACEHOLDER = 150
MOST_OPTIONS = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu."""

    value: str
    """At most 150 characters: an id."""
    label: str = field(repr=False)  # may name a customer, and a repr may end in a log
    description: str = ""


def modal(
    title: str, callback_id: str, blocks: Sequence[Block], *, submit: str, private_metadata: str
) -> dict[str, Any]:
    """A dialog that is filled in and sent off."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, TITLE),
        "submit": plain(submit, TITLE),
        "close": plain("Cancel", TITLE),
        "private_metadata": private_metadata,
        "blocks": list(blocks),
    }


def picker(  # noqa: PLR0913 - what a person sees of an input, each by its name
    label: str,
    block_id: str,
    action_id: str,
    *,
    placeholder: str,
    chosen: Choice | None = None,
    optional: bool = False,
    tells_at_once: bool = False,
) -> Block:
    """A searchable menu whose options we are asked for while somebody types."""
    element: dict[str, Any] = {
        "type": "external_select",
        "action_id": action_id,
        "min_query_length": 0,
        "placeholder": plain(placeholder, PLACEHOLDER),
    }
    if chosen:
        element["initial_option"] = option(chosen)
    block: dict[str, Any] = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, LABEL),
        "optional": optional,
        "element": element,
    }
    return {**block, "dispatch_action": True} if tells_at_once else block


def options(choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """The answer to what somebody types into a picker."""
    return [option(choice) for choice in choices[:MOST_OPTIONS]]


def option(choice: Choice) -> dict[str, Any]:
    """One entry."""
    entry: dict[str, Any] = {"text": plain(choice.label, OPTION), "value": choice.value}
    return {**entry, "description": plain(choice.description, OPTION)} if choice.description else entry
