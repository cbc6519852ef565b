"""Messages appear, change and vanish, and everyone who listens is told."""

import copy
from collections.abc import Iterable
from typing import Any

from bot.sandbox.slack.journal import Change
from bot.sandbox.slack.nouns import Json, Message
from bot.sandbox.slack.state import State


def add(  # noqa: PLR0913 -- one for each thing that makes a message what it is
    state: State,
    channel: str,
    *,
    text: str,
    blocks: list[Json] | None = None,
    user: str | None = None,
    ephemeral_to: str | None = None,
    thread_ts: str | None = None,
    metadata: Json | None = None,
    files: list[str] | None = None,
) -> Message:
    """A new message, of the bot unless ``user`` says otherwise."""
    message = Message(
        ts=state.tickets.ts(),
        channel=channel,
        user=user or state.workspace.bot_user_id,
        text=text,
        blocks=named(state, blocks or []),
        ephemeral_to=ephemeral_to,
        thread_ts=thread_ts,
        metadata=metadata,
        files=files or [],
    )
    state.workspace.say(message)
    state.journal.note(Change("message_added", message=message))
    return message


def update(state: State, message: Message, *, text: str, blocks: list[Json] | None, metadata: Any = None) -> None:
    """Other words in the same message; without blocks the old ones go away, as in Slack."""
    message.text = text
    message.blocks = named(state, blocks or [])
    message.metadata = metadata or message.metadata
    message.edited += 1
    state.journal.note(Change("message_updated", message=message))


def delete(state: State, message: Message) -> None:
    """Nobody sees the message any more."""
    message.deleted = True
    state.journal.note(Change("message_deleted", message=message))


def named(state: State, blocks: list[Json], before: Iterable[Json] = ()) -> list[Json]:
    """The blocks as Slack keeps them: each with a block_id, which is the old one of what was there ``before``."""
    old = list(before)
    return [
        copy.deepcopy(block) | {"block_id": block.get("block_id") or _kept(block, old) or state.tickets.id("b")}
        for block in blocks
    ]


def _kept(block: Json, old: list[Json]) -> str | None:
    """The id of the first of the old blocks that is the same but for the id; it is taken out."""
    same = next((each for each in old if each | {"block_id": None} == block | {"block_id": None}), None)
    if same is None:
        return None
    old.remove(same)
    return str(same["block_id"])


def as_json(state: State, message: Message) -> Json:
    """The message as Slack's API and payloads show it."""
    workspace = state.workspace
    app = {"bot_id": workspace.bot_id, "app_id": workspace.app_id} if message.user == workspace.bot_user_id else {}
    shown: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": workspace.team_id,
        **app,
    }
    if message.blocks:
        shown["blocks"] = copy.deepcopy(message.blocks)
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.edited:
        shown["edited"] = {"user": message.user, "ts": message.ts}
    if message.metadata:
        shown["metadata"] = message.metadata
    if message.files:
        shown["files"] = [{"id": file} for file in message.files]
    return shown
