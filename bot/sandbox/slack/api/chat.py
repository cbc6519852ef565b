"""Messages of the bot: ``chat.*``."""

from bot.sandbox.slack import posting
from bot.sandbox.slack.block_kit import check_message
from bot.sandbox.slack.nouns import Channel, Json, Message
from bot.sandbox.slack.state import Refused, State


def post_message(state: State, arguments: Json) -> Json:
    """A message for everyone in the channel, or for one person when ``channel`` is their user id."""
    channel = writable(state, arguments["channel"])
    checked(state, "chat.postMessage", arguments)
    message = posting.add(
        state,
        channel.id,
        text=arguments["text"],
        blocks=arguments.get("blocks"),
        thread_ts=thread(state, channel, arguments),
        metadata=arguments.get("metadata"),
    )
    return {"ok": True, "channel": channel.id, "ts": message.ts, "message": posting.as_json(state, message)}


def post_ephemeral(state: State, arguments: Json) -> Json:
    """A message that one person in the channel sees."""
    channel = writable(state, arguments["channel"])
    if arguments["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    checked(state, "chat.postEphemeral", arguments)
    message = posting.add(
        state,
        channel.id,
        text=arguments["text"],
        blocks=arguments.get("blocks"),
        ephemeral_to=arguments["user"],
        thread_ts=thread(state, channel, arguments),
    )
    return {"ok": True, "message_ts": message.ts}


def update(state: State, arguments: Json) -> Json:
    """Other words in a message of the bot; text without blocks removes the old blocks."""
    message = _own(state, arguments, "cant_update_message")
    checked(state, "chat.update", arguments)
    posting.update(
        state,
        message,
        text=arguments["text"],
        blocks=arguments.get("blocks"),
        metadata=arguments.get("metadata"),
    )
    shown = posting.as_json(state, message)
    return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


def delete(state: State, arguments: Json) -> Json:
    """A message of the bot goes away."""
    message = _own(state, arguments, "cant_delete_message")
    posting.delete(state, message)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def permalink(state: State, arguments: Json) -> Json:
    """The address of a message."""
    message = _lasting(state, arguments["channel"], arguments["message_ts"])
    at = message.ts.replace(".", "")
    link = f"https://{state.workspace.team_domain}.slack.test/archives/{message.channel}/p{at}"
    return {"ok": True, "channel": message.channel, "permalink": link}


def writable(state: State, channel: str) -> Channel:
    """The channel, when the bot may write there; a public one without membership needs ``chat:write.public``."""
    workspace = state.workspace
    if channel in workspace.people:
        person = workspace.people[channel]
        if person.is_bot or person.deleted:
            raise Refused("channel_not_found")
        return workspace.direct_message(channel)
    found = workspace.channels.get(channel)
    if found is None:
        raise Refused("channel_not_found")
    if found.is_archived:
        raise Refused("is_archived")
    if workspace.bot_user_id not in found.members and not _public(state, found):
        raise Refused("not_in_channel")
    return found


def _public(state: State, channel: Channel) -> bool:
    return channel.kind == "public" and "chat:write.public" in state.scopes


def checked(state: State, method: str, arguments: Json) -> None:
    """Refuse a message that breaks Slack's rules, and note why."""
    if not arguments.get("text") and not arguments.get("blocks"):
        raise Refused("no_text")
    problems = state.journal.violated(method, check_message(arguments))
    if problems:
        error = "msg_too_long" if all(each.startswith("text: ") and "most" in each for each in problems) else None
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise Refused(error or "invalid_blocks", errors=problems, response_metadata={"messages": messages})


def thread(state: State, channel: Channel, arguments: Json) -> str | None:
    """The message that this one answers to; it has to exist."""
    parent = arguments.get("thread_ts")
    if parent is None:
        return None
    _lasting(state, channel.id, parent, "thread_not_found")
    return str(parent)


def _lasting(state: State, channel: str, ts: str, error: str = "message_not_found") -> Message:
    """A message that everyone sees; Slack keeps no ephemeral ones."""
    if channel not in state.workspace.channels:
        raise Refused("channel_not_found")
    message = state.workspace.message(channel, ts)
    if message is None or message.deleted or message.ephemeral_to is not None:
        raise Refused(error)
    return message


def _own(state: State, arguments: Json, error: str) -> Message:
    message = _lasting(state, arguments["channel"], arguments["ts"])
    if message.user != state.workspace.bot_user_id:
        raise Refused(error)
    return message
