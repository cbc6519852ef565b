"""What Slack does with an acknowledgement: a message, options, errors in a modal, another modal, or nothing."""

from typing import Any

from bot.sandbox.slack import modals, posting
from bot.sandbox.slack.block_kit import check_message, check_options
from bot.sandbox.slack.controls import controls
from bot.sandbox.slack.nouns import Json, View
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.state import Refused, State

_INVALID = "invalid_response"
_RESPONSE_TYPES = (None, "ephemeral", "in_channel")


def of_command(state: State, reaction: Reaction, payload: Json) -> None:
    """An answer to a slash command becomes a message; with ``in_channel`` everyone sees the command too."""
    if not reaction.ok or reaction.body is None:
        return
    said: Any = {"text": reaction.body} if isinstance(reaction.body, str) else reaction.body
    problems = check_message(said) if isinstance(said, dict) else [f"{said!r} is not a message"]
    if not problems and said.get("response_type") not in _RESPONSE_TYPES:
        problems = [f"response_type: {said['response_type']!r} is neither ephemeral nor in_channel"]
    if state.journal.violated(f"answer to {payload['command']}", problems):
        reaction.error = _INVALID
        return
    everyone = said.get("response_type") == "in_channel"
    channel, user = payload["channel_id"], payload["user_id"]
    if everyone:
        posting.add(state, channel, text=f"{payload['command']} {payload['text']}".strip(), user=user)
    posting.add(
        state,
        channel,
        text=said["text"],
        blocks=said.get("blocks"),
        ephemeral_to=None if everyone else user,
    )


def of_nothing(state: State, reaction: Reaction) -> None:
    """Clicks, shortcuts, closings and events take no answer: one that comes is noted as a violation."""
    if reaction.ok and reaction.body is not None:
        kind = str(reaction.payload["type"])
        state.journal.violated(f"answer to {kind}", [f"Slack takes no body here, got {reaction.body!r}"])


def of_suggestion(state: State, reaction: Reaction, offered: list[Json]) -> None:
    """The options that an external select now offers; ``offered`` remembers them."""
    if not reaction.ok:
        return
    body = reaction.body
    problems = check_options(body) if isinstance(body, dict) else [f"{body!r} where options belong"]
    if state.journal.violated("answer to block_suggestion", problems):
        reaction.error = _INVALID
        return
    groups = body.get("option_groups", ())
    reaction.options = [*body.get("options", ()), *(option for group in groups for option in group["options"])]
    offered.extend(reaction.options)


def of_submission(state: State, reaction: Reaction, view: View) -> None:
    """A submitted modal closes, shows errors, changes, or gets another one on top."""
    if not reaction.ok:
        return
    where = "answer to view_submission"
    body = {} if reaction.body is None else reaction.body
    action = body.get("response_action") if isinstance(body, dict) else "not an object"
    try:
        match action:
            case None if reaction.body is None:
                modals.close(state, view)
            case "clear":
                modals.clear(state, view.user, view.client)
            case "errors":
                reaction.errors = view.errors = _errors(body, view)
            case "update":
                modals.update(state, view, modals.checked(state, where, body.get("view"), "modal"))
            case "push":
                modals.push(state, view.user, modals.checked(state, where, body.get("view"), "modal"), view.client)
            case _:
                raise Refused(f"{reaction.body!r} is not an answer that Slack knows")  # noqa: TRY301 -- as the others
    except Refused as refused:
        reaction.error = _INVALID
        if "response_metadata" not in refused.answer:
            state.journal.violated(where, [str(refused)])


def _errors(body: Json, view: View) -> dict[str, str]:
    """The errors by block_id, each under an input of this modal."""
    inputs = {control.key[0] for control in controls(view) if control.block["type"] == "input"}
    errors = body.get("errors")
    if not isinstance(errors, dict) or not errors:
        raise Refused("response_action errors without errors")
    for block_id, error in errors.items():
        if block_id not in inputs:
            raise Refused(f"an error for {block_id!r}, which is not an input; there are {', '.join(sorted(inputs))}")
        if not isinstance(error, str) or not error.strip():
            raise Refused(f"an empty error for {block_id!r}")
    return dict(errors)
