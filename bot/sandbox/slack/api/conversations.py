"""Which conversations there are and who is in them: ``conversations.*``."""

from bot.sandbox.slack import arguments as given
from bot.sandbox.slack.methods import METHODS
from bot.sandbox.slack.nouns import Channel, Json, Kind
from bot.sandbox.slack.state import Refused, State

_TYPES: dict[str, Kind] = {"public_channel": "public", "private_channel": "private", "im": "im"}


def info(state: State, arguments: Json) -> Json:
    """One conversation that the bot can see."""
    channel = _seen(state, "conversations.info", arguments["channel"])
    shown = as_json(state, channel)
    if given.flag(arguments, "include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"ok": True, "channel": shown}


def members(state: State, arguments: Json) -> Json:
    """The ids of everybody in a conversation, in pages."""
    channel = _seen(state, "conversations.members", arguments["channel"])
    page, metadata = given.page(arguments, sorted(channel.members), 100)
    return {"ok": True, "members": page, "response_metadata": metadata}


def listing(state: State, arguments: Json) -> Json:
    """The conversations of the asked types, in pages; private ones only where the bot is."""
    kinds: set[Kind] = set()
    for name in str(arguments.get("types") or "public_channel").split(","):
        if name not in _TYPES:
            raise Refused("invalid_types")
        kinds.add(_TYPES[name])
        _allowed(state, "conversations.list", _TYPES[name])
    found = [each for each in state.workspace.channels.values() if each.kind in kinds and _visible(state, each)]
    if given.flag(arguments, "exclude_archived"):
        found = [each for each in found if not each.is_archived]
    page, metadata = given.page(arguments, found, 100)
    return {"ok": True, "channels": [as_json(state, each) for each in page], "response_metadata": metadata}


def open_direct(state: State, arguments: Json) -> Json:
    """The direct messages with one person."""
    user = str(arguments["users"])
    if "," in user:
        raise Refused("method_not_supported_for_channel_type")
    person = state.workspace.people.get(user)
    if person is None:
        raise Refused("user_not_found")
    if person.is_bot:
        raise Refused("cannot_dm_bot")
    if person.deleted:
        raise Refused("user_disabled")
    channel = state.workspace.direct_message(user)
    shown = as_json(state, channel) if given.flag(arguments, "return_im") else {"id": channel.id}
    return {"ok": True, "channel": shown}


def as_json(state: State, channel: Channel) -> Json:
    """A conversation as Slack shows it."""
    if channel.kind == "im":
        (user,) = channel.members - {state.workspace.bot_user_id}
        return {"id": channel.id, "is_im": True, "user": user, "is_archived": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": False,
        "is_im": False,
        "is_private": channel.kind == "private",
        "is_archived": channel.is_archived,
        "is_member": state.workspace.bot_user_id in channel.members,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "context_team_id": state.workspace.team_id,
        "topic": {"value": channel.topic},
        "purpose": {"value": ""},
    }


def _seen(state: State, method: str, channel: str) -> Channel:
    found = state.workspace.channels.get(channel)
    if found is None or not _visible(state, found):
        # Without any of its scopes the call is refused before the channel is looked for.
        if not any(scope in state.scopes for scope in METHODS[method].by_kind.values()):
            _missing(state, ",".join(METHODS[method].by_kind.values()))
        raise Refused("channel_not_found")
    _allowed(state, method, found.kind)
    return found


def _visible(state: State, channel: Channel) -> bool:
    return channel.kind == "public" or state.workspace.bot_user_id in channel.members


def _allowed(state: State, method: str, kind: Kind) -> None:
    scope = METHODS[method].by_kind[kind]
    if scope not in state.scopes:
        _missing(state, scope)


def _missing(state: State, needed: str) -> None:
    raise Refused("missing_scope", needed=needed, provided=",".join(sorted(state.scopes)))
