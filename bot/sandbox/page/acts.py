"""What a person does on the page, carried out in the Slack stand-in: each act from its JSON to the answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.sandbox.page.seen import Seen, tokens
from bot.sandbox.slack import modals, posting
from bot.sandbox.slack.nouns import Json, Message, View
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible

Act: TypeAlias = Callable[[str, Json], Awaitable[Json]]
"""From who acts, and what the page says about it, to the answer."""


@dataclass(frozen=True, slots=True)
class Acts:
    """Every act raises ``Impossible`` for what this person cannot do, ``KeyError`` for what does not exist."""

    slack: SandboxSlack
    seen: Seen

    def by_name(self) -> Mapping[str, Act]:
        """Every act that a page may ask for."""
        return {
            "command": self._command,
            "say": self._say,
            "press": self._press,
            "choose": self._choose,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "home": self._home,
            "read": self._read,
        }

    async def _command(self, user: str, said: Json) -> Json:
        return _answer(await self.slack.command(user, said["channel"], said["text"]))

    async def _say(self, user: str, said: Json) -> Json:
        """Write a message; the bot hears of it only when it is mentioned and asked for such events."""
        state = self.slack.state
        channel = state.workspace.channel(said["channel"])
        if user not in channel.members or channel.is_archived:
            raise Impossible(f"{user} cannot write in {channel.id}")
        text = tokens(state.workspace, said["text"])
        message = posting.add(state, channel.id, text=text, user=user, thread_ts=said.get("thread_ts"))
        bot = state.workspace.bot_user_id
        if f"<@{bot}>" in text and bot in channel.members and "app_mention" in self.seen.installed.subscriptions:
            fields = {"user": user, "text": text, "ts": message.ts, "channel": channel.id}
            return _answer(await self.slack.event("app_mention", **fields))
        return {"ok": True}

    async def _press(self, user: str, said: Json) -> Json:
        shown = self._shown(said)
        return _answer(await self.slack.click(user, shown, block_id=said["block_id"], action_id=said["action_id"]))

    async def _choose(self, user: str, said: Json) -> Json:
        shown, action_id, block_id = self._shown(said), said["action_id"], said["block_id"]
        return _answer(await self.slack.choose(user, shown, action_id, said["value"], block_id=block_id))

    async def _suggest(self, user: str, said: Json) -> Json:
        return _answer(await self.slack.suggest(user, self._shown(said), said["action_id"], said["typed"]))

    async def _submit(self, user: str, said: Json) -> Json:
        return _answer(await self.slack.submit(user, self._view(said), said["values"]))

    async def _close(self, user: str, said: Json) -> Json:
        return _answer(await self.slack.close(user, self._view(said)))

    async def _shortcut(self, user: str, said: Json) -> Json:
        return _answer(await self.slack.shortcut(user, said["callback_id"]))

    async def _home(self, user: str, said: Json) -> Json:
        """Open the app's Home; the bot hears of it when it asked for such events."""
        if "app_home_opened" not in self.seen.installed.subscriptions:
            return {"ok": True}
        return _answer(await self.slack.open_home(user, said["tab"]))

    async def _read(self, user: str, said: Json) -> Json:
        return self.seen.read(user, said["channel"])

    def _shown(self, said: Json) -> Message | View:
        if "view" in said:
            return self._view(said)
        message = self.slack.workspace.message(said["channel"], said["ts"])
        if message is None:
            raise Impossible("there is no such message")
        return message

    def _view(self, said: Json) -> View:
        view = modals.find(self.slack.state, said["view"])
        if view is None:
            raise Impossible("this window is closed already")
        return view


def plain(said: object, *, form: bool = False) -> Json:
    """What a page says of an act: strings by name. ``value`` may be null, and so may those in a form's ``values``.

    Raises ``TypeError`` for anything else, and ``ValueError`` for what is no text, such as half a surrogate pair.
    """
    if not isinstance(said, dict):
        raise TypeError(f"{said!r} is not an object")
    for name, each in said.items():
        if name == "values" and not form:
            plain(each, form=True)
        elif isinstance(each, str):
            each.encode()
        elif each is not None or not (form or name == "value"):
            raise TypeError(f"{name} is not a string")
    return said


def _answer(reaction: Reaction) -> dict[str, Any]:
    return {
        "ok": reaction.error is None,
        "error": reaction.error,
        "errors": reaction.errors,
        "options": reaction.options,
    }
