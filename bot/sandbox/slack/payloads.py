"""The payloads of a person's acts, field by field as Slack sends them."""

import re

from bot.sandbox.slack import controls, modals, posting
from bot.sandbox.slack.nouns import Json, Message, Person, View
from bot.sandbox.slack.state import State
from bot.sandbox.slack.tickets import Origin

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105 -- Slack's deprecated field; nobody may rely on it


def command(state: State, user: Person, channel: str, typed: str, *, escape: bool) -> Json:
    """A slash command as its form fields; ``typed`` starts with the slash."""
    workspace = state.workspace
    name, _, text = typed.partition(" ")
    fields: Json = {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_domain,
        "channel_id": channel,
        "channel_name": _channel_name(state, channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": _escaped(state, text.strip(), links=escape),
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": _response_url(state, "command", user.id, channel),
        "trigger_id": state.tickets.trigger(user.id, client=state.client),
    }
    if workspace.enterprise_id:
        fields["enterprise_id"] = workspace.enterprise_id
    return fields


def shortcut(state: State, user: Person, callback_id: str) -> Json:
    """A global shortcut; it belongs to no channel and so has no response_url."""
    payload = _interaction(state, "shortcut", user)
    return payload | {
        "callback_id": callback_id,
        "action_ts": state.tickets.ts(),
        "trigger_id": state.tickets.trigger(user.id, client=state.client),
    }


def message_action(state: State, user: Person, message: Message, action: Json) -> Json:
    """A press or choice in a message; Slack sends no copy of an ephemeral one."""
    payload = _interaction(state, "block_actions", user)
    ephemeral = message.ephemeral_to is not None
    payload |= {
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": ephemeral,
        },
        "channel": {"id": message.channel, "name": _channel_name(state, message.channel)},
        "state": {"values": controls.values(message)},
        "response_url": _response_url(state, "action", user.id, message.channel, message.ts),
        "trigger_id": state.tickets.trigger(user.id, client=state.client),
        "actions": [action | {"action_ts": state.tickets.ts()}],
    }
    return payload if ephemeral else payload | {"message": posting.as_json(state, message)}


def view_action(state: State, user: Person, view: View, action: Json) -> Json:
    """A press or choice in a modal or Home tab."""
    return _interaction(state, "block_actions", user) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": state.tickets.trigger(user.id, in_modal=view.type == "modal", client=state.client),
        "view": modals.as_json(state, view),
        "actions": [action | {"action_ts": state.tickets.ts()}],
    }


def suggestion(state: State, user: Person, shown: Message | View, control: controls.Control, typed: str) -> Json:
    """A request for the options of an external select."""
    block_id, action_id = control.key
    payload = _interaction(state, "block_suggestion", user)
    payload |= {"action_id": action_id, "block_id": block_id, "value": typed}
    if isinstance(shown, View):
        container = {"type": "view", "view_id": shown.id}
        return payload | {"container": container, "view": modals.as_json(state, shown)}
    ephemeral = shown.ephemeral_to is not None
    place = {"message_ts": shown.ts, "channel_id": shown.channel, "is_ephemeral": ephemeral}
    payload |= {
        "container": {"type": "message", **place},
        "channel": {"id": shown.channel, "name": _channel_name(state, shown.channel)},
    }
    return payload if ephemeral else payload | {"message": posting.as_json(state, shown)}


def submission(state: State, user: Person, view: View) -> Json:
    """A modal that is sent off, with a response URL for each select that asked for one."""
    urls = []
    for control in controls.controls(view):
        if control.element.get("response_url_enabled"):
            block_id, action_id = control.key
            (channel,) = [value for key, value in view.entered[control.key].items() if key != "type"]
            url = _response_url(state, "view", user.id, channel)
            urls.append({"block_id": block_id, "action_id": action_id, "channel_id": channel, "response_url": url})
    return _interaction(state, "view_submission", user) | {
        "trigger_id": state.tickets.trigger(user.id, in_modal=True, client=state.client),
        "view": modals.as_json(state, view),
        "response_urls": urls,
    }


def closing(state: State, user: Person, view: View, *, cleared: bool) -> Json:
    """A modal that is closed; ``cleared`` when the whole stack was."""
    return _interaction(state, "view_closed", user) | {"view": modals.as_json(state, view), "is_cleared": cleared}


def event(state: State, event: Json) -> Json:
    """An Events API delivery around one event."""
    workspace = state.workspace
    channel = workspace.channels.get(str(event.get("channel")))
    authorization = {
        "enterprise_id": workspace.enterprise_id,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": state.tickets.id("Ev"),
        "event_time": int(state.now()),
        "authorizations": [authorization],
        "is_ext_shared_channel": channel is not None and channel.is_ext_shared,
    }


def _interaction(state: State, kind: str, user: Person) -> Json:
    workspace = state.workspace
    enterprise = {"id": workspace.enterprise_id, "name": workspace.team_name} if workspace.enterprise_id else None
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "team": {"id": workspace.team_id, "domain": workspace.team_domain},
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "enterprise": enterprise,
        "is_enterprise_install": False,
    }


def _response_url(state: State, origin: Origin, user: str, channel: str, message_ts: str | None = None) -> str:
    return state.address(f"/response/{state.tickets.response(origin, user, channel, message_ts)}")


def _channel_name(state: State, channel: str) -> str:
    found = state.workspace.channel(channel)
    return "privategroup" if found.kind == "private" else found.name


def _escaped(state: State, text: str, *, links: bool) -> str:
    """What people typed as Slack sends it; with ``should_escape`` also names, addresses and e-mails as tokens."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not links:
        return escaped
    people = {person.name: person.id for person in state.workspace.people.values()}
    named = {channel.name: channel for channel in state.workspace.channels.values() if channel.kind != "im"}

    def token(found: re.Match[str]) -> str:
        word = found.group()
        if word.startswith("@"):
            return f"<@{people[word[1:]]}|{word[1:]}>" if word[1:] in people else word
        if word.startswith("#"):
            channel = named.get(word[1:])
            return f"<#{channel.id}|{channel.name if channel.kind == 'public' else ''}>" if channel else word
        return f"<{word}>" if word.startswith("http") else f"<mailto:{word}|{word}>"

    return re.sub(r"https?://\S+|[^\s@,;=]+@[^\s@,;]+\.\w+|(?<!\S)[@#][\w.-]+", token, escaped)
