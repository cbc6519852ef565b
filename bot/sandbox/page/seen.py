"""What one person sees, as JSON: the whole picture, a change of it, and what was said earlier."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.controls import values
from bot.sandbox.slack.journal import Change
from bot.sandbox.slack.nouns import Channel, Json, Message, View
from bot.sandbox.slack.workspace import Workspace

AT_ONCE = 50
"""Messages of one channel in one answer; a page asks for the earlier ones."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What the visitor finds in the workspace besides people and messages.

    ``manifest`` is the app's; ``visitors`` says by user id what each person who can be played may do; ``hints`` are
    commands worth a try.
    """

    manifest: Mapping[str, Any]
    visitors: Mapping[str, str]
    hints: tuple[str, ...] = ()

    @property
    def subscriptions(self) -> list[str]:
        """The events that the app asked for."""
        return list(self.manifest["settings"].get("event_subscriptions", {}).get("bot_events", ()))

    def as_json(self) -> Json:
        """The app as its users know it."""
        features = self.manifest["features"]
        home = features["app_home"]
        return {
            "name": self.manifest["display_information"]["name"],
            "description": self.manifest["display_information"]["description"],
            "color": self.manifest["display_information"]["background_color"],
            "home": home["home_tab_enabled"],
            "read_only": home["messages_tab_read_only_enabled"],
            "commands": features["slash_commands"],
            "shortcuts": features["shortcuts"],
        }


@dataclass(slots=True)
class Seen:
    """The eyes of everyone in a workspace; remembers up to where each has read."""

    workspace: Workspace
    installed: Installed
    _read: dict[tuple[str, str], str] = field(default_factory=dict)

    def whole(self, user: str, page: str, now: float) -> Json:
        """Everything in front of this person on this page; ``now`` is in seconds since the epoch."""
        channels = [each for each in self.workspace.channels.values() if user in each.members and not each.is_archived]
        modal, home = self.workspace.modal(user, page), self.workspace.homes.get(user)
        return {
            "now": now,
            "me": user,
            "team": self.workspace.team_name,
            "app": {"user": self.workspace.bot_user_id, **self.installed.as_json()},
            "visitors": [{"id": each, "may": may} for each, may in self.installed.visitors.items()],
            "hints": self.installed.hints,
            "people": {
                person.id: {"name": person.name, "real_name": person.real_name, "is_bot": person.is_bot}
                for person in self.workspace.people.values()
            },
            "groups": {group.id: group.handle for group in self.workspace.groups.values()},
            "channels": [self._channel(user, channel) for channel in channels],
            "messages": {channel.id: self.part(user, channel.id) for channel in channels},
            "modal": modal and _view(modal),
            "home": home and _view(home),
        }

    def part(self, user: str, channel: str, before: str = "") -> Json:
        """The newest messages before this one (all, without it), oldest first; and how many are earlier still.

        Replies in threads come along with the page that their time falls into.
        """
        found = [each for each in self.workspace.visible_to(user, channel) if not before or each.ts < before]
        return {
            "messages": [self._message(user, each) for each in found[-AT_ONCE:]],
            "earlier": max(0, len(found) - AT_ONCE),
        }

    def change(self, user: str, page: str, change: Change) -> tuple[str, Json] | None:
        """A change as this person sees it on this page: the event's name and data; None when it is out of sight."""
        if change.message is not None:
            message = change.message
            if user not in self.workspace.channel(message.channel).members or message.ephemeral_to not in (None, user):
                return None
            return "message", self._message(user, message) | self._unread(user, message.channel)
        if change.view is not None:
            if change.view.user != user:
                return None
            if change.view.type == "home":
                return "home", _view(change.view)
            if change.view.client != page:
                return None
            modal = self.workspace.modal(user, page)
            return "modal", {"modal": modal and _view(modal)}
        return "traffic", {}

    def read(self, user: str, channel: str) -> Json:
        """This person has seen all of the channel."""
        visible = self.workspace.visible_to(user, channel)
        self._read[user, channel] = visible[-1].ts if visible else ""
        return self._unread(user, channel)

    def _channel(self, user: str, channel: Channel) -> Json:
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "topic": channel.topic,
            "shared": channel.is_ext_shared,
            "members": len(channel.members),
            **self._unread(user, channel.id),
        }

    def _unread(self, user: str, channel: str) -> Json:
        since = self._read.get((user, channel), "")
        new = [m for m in self.workspace.visible_to(user, channel) if m.ts > since and m.user != user]
        direct = self.workspace.channel(channel).kind == "im"
        mentions = sum(direct or f"<@{user}>" in message.text for message in new)
        return {"unread": len(new), "mentions": mentions}

    def _message(self, user: str, message: Message) -> Json:
        files = [self.workspace.files[each] for each in message.files]
        return {
            "channel": message.channel,
            "ts": message.ts,
            "user": message.user,
            "text": message.text,
            "blocks": [_for(user, block) for block in message.blocks],
            "values": values(message),
            "ephemeral": message.ephemeral_to is not None,
            "thread_ts": message.thread_ts,
            "deleted": message.deleted,
            "files": [{"id": each.id, "name": each.name, "length": each.length} for each in files],
        }


def _view(view: View) -> Json:
    titles = {name: (view.source.get(name) or {}).get("text") for name in ("title", "submit", "close")}
    return {"id": view.id, "blocks": view.blocks, "values": values(view), "errors": view.errors, **titles}


def _for(user: str, block: Json) -> Json:
    """The block without the buttons that are for others."""
    if "elements" not in block:
        return block
    seen = [each for each in block["elements"] if user in each.get("visible_to_user_ids", (user,))]
    return {**block, "elements": seen}


def tokens(workspace: Workspace, typed: str) -> str:
    """What somebody typed as a message, as Slack keeps it: escaped, with names of people and channels as tokens."""
    people = {person.name: person.id for person in workspace.people.values()}
    channels = {channel.name: channel.id for channel in workspace.channels.values() if channel.kind != "im"}

    def token(found: re.Match[str]) -> str:
        mark, name = found.groups()
        known = people if mark == "@" else channels
        return f"<{mark}{known[name]}>" if name in known else found.group()

    escaped = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<!\S)([@#])([\w-]+)", token, escaped)
