"""People type commands, pick shortcuts, open the Home tab and mention the bot; other events reach it too."""

from typing import Any

from bot.sandbox.slack import acks, modals, payloads, posting
from bot.sandbox.slack.delivery import Courier
from bot.sandbox.slack.methods import EVENT_SCOPES
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.state import Impossible


async def command(courier: Courier, user: str, channel: str, typed: str, *, escape: bool) -> Reaction:
    """Type a slash command; see ``SandboxSlack.command``."""
    state = courier.state
    _commands(courier)
    person, place = state.workspace.person(user), state.workspace.channel(channel)
    if not typed.startswith("/"):
        raise Impossible(f"{typed!r} is not a slash command")
    if user not in place.members:
        raise Impossible(f"{user} is not in {channel} and cannot type there")
    if place.is_archived:
        raise Impossible(f"{channel} is archived: nobody can type there")
    payload = payloads.command(state, person, channel, typed, escape=escape)
    reaction = await courier.deliver(courier.parcel("slash_commands", payload, accepts=True))
    acks.of_command(state, reaction, payload)
    return reaction


async def shortcut(courier: Courier, user: str, callback_id: str) -> Reaction:
    """Pick a global shortcut; see ``SandboxSlack.shortcut``."""
    _commands(courier)
    payload = payloads.shortcut(courier.state, courier.state.workspace.person(user), callback_id)
    reaction = await courier.deliver(courier.parcel("interactive", payload))
    acks.of_nothing(courier.state, reaction)
    return reaction


async def open_home(courier: Courier, user: str, tab: str) -> Reaction:
    """Open the app's Home; see ``SandboxSlack.open_home``."""
    state = courier.state
    channel = state.workspace.direct_message(state.workspace.person(user).id).id
    fields: Json = {"user": user, "channel": channel, "tab": tab}
    home = state.workspace.homes.get(user)
    if home is not None and tab == "home":
        fields["view"] = modals.as_json(state, home)
    return await event(courier, "app_home_opened", fields)


async def mention(courier: Courier, user: str, channel: str, text: str) -> Reaction:
    """Write a message that mentions the bot; see ``SandboxSlack.mention``."""
    state = courier.state
    place, bot = state.workspace.channel(channel), state.workspace.bot_user_id
    if user not in place.members or place.is_archived:
        raise Impossible(f"{user} cannot write in {channel}")
    if bot not in place.members:
        raise Impossible(f"the bot is not in {channel}: Slack would offer to invite it, and send no event")
    since = len(state.journal.changes)
    message = posting.add(state, channel, text=f"<@{bot}> {text}", user=user)
    fields = {"user": user, "text": message.text, "ts": message.ts, "channel": channel, "team": state.workspace.team_id}
    reaction = await event(courier, "app_mention", fields)
    reaction.since = since
    return reaction


async def event(courier: Courier, kind: str, fields: Json) -> Reaction:
    """Deliver any event; see ``SandboxSlack.event``."""
    state = courier.state
    needed = EVENT_SCOPES.get(f"message.{fields['channel_type']}" if "channel_type" in fields else kind)
    if needed is not None and needed not in state.scopes:
        raise Impossible(f"Slack sends no {kind} to an app without the scope {needed}")
    what: dict[str, Any] = {"type": kind, "event_ts": state.tickets.ts(), **fields}
    reaction = await courier.deliver(courier.parcel("events_api", payloads.event(state, what)))
    acks.of_nothing(state, reaction)
    return reaction


def _commands(courier: Courier) -> None:
    if "commands" not in courier.state.scopes:
        raise Impossible("an app without the scope commands has neither slash commands nor shortcuts")
