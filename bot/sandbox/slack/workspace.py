"""The workspace itself: who is there, what was said where, which views are open; and the one of the demo."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from bot.sandbox.slack.nouns import Channel, File, Message, Person, UserGroup, View

_MODAL_STACK = 3

_T = TypeVar("_T")


@dataclass(slots=True)
class Workspace:
    """One team with one installed app; tests and the demo change it directly, the stand-in through Slack's API.

    ``modals`` maps a person to the open modals, in each client the visible one last; ``homes`` to the published Home.
    ``enterprise_id`` is None for a workspace outside an Enterprise organisation.
    """

    team_id: str
    team_name: str
    team_domain: str
    app_id: str
    bot_id: str
    bot_user_id: str
    enterprise_id: str | None = None
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[str, list[Message]] = field(default_factory=dict)
    modals: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def person(self, user: str) -> Person:
        """The person with this id; ``KeyError`` says who exists."""
        return _found(self.people, user, "person")

    def channel(self, channel: str) -> Channel:
        """The conversation with this id; ``KeyError`` says which exist."""
        return _found(self.channels, channel, "channel")

    def group(self, group: str) -> UserGroup:
        """The user group with this id; ``KeyError`` says which exist."""
        return _found(self.groups, group, "user group")

    def add_person(self, person: Person) -> Person:
        """Let somebody join, with a direct-message conversation with the bot."""
        self.people[person.id] = person
        if not person.is_bot:
            self.direct_message(person.id)
        return person

    def add_channel(self, channel: Channel) -> Channel:
        """Add a conversation; it is empty."""
        self.channels[channel.id] = channel
        return channel

    def direct_message(self, user: str) -> Channel:
        """The conversation between the bot and this person, made when there is none."""
        channel = f"D0{user[2:]}"
        if channel not in self.channels:
            self.add_channel(Channel(channel, "directmessage", kind="im", members={user, self.bot_user_id}))
        return self.channels[channel]

    def say(self, message: Message) -> Message:
        """Put a message into its channel as it is; nobody is told."""
        self.messages.setdefault(message.channel, []).append(message)
        return message

    def message(self, channel: str, ts: str) -> Message | None:
        """The message with this id, deleted ones too; None when there is none."""
        return next((each for each in self.messages.get(channel, ()) if each.ts == ts), None)

    def visible_to(self, user: str, channel: str) -> list[Message]:
        """What this person sees in this channel, oldest first; nothing when the person is not in it."""
        if user not in self.channel(channel).members:
            return []
        seen = (None, user)
        return [m for m in self.messages.get(channel, ()) if not m.deleted and m.ephemeral_to in seen]

    def stack(self, user: str, client: str = "") -> list[View]:
        """The modals that this person has open in this client, the visible one last."""
        return [view for view in self.modals.get(user, ()) if view.client == client]

    def modal(self, user: str, client: str = "") -> View | None:
        """The modal that this person looks at in this client; None when none is open."""
        return next(reversed(self.stack(user, client)), None)

    def views(self) -> Iterator[View]:
        """Every modal that is open and every published Home tab."""
        for opened in self.modals.values():
            yield from opened
        yield from self.homes.values()

    def room_for_modal(self, user: str, client: str = "") -> bool:
        """Whether one more modal fits on this person's stack; Slack allows three."""
        return len(self.stack(user, client)) < _MODAL_STACK


def _found(known: dict[str, _T], key: str, what: str) -> _T:
    if key not in known:
        raise KeyError(f"no {what} {key!r} in this workspace; there are {', '.join(sorted(known))}")
    return known[key]


def demo_workspace() -> Workspace:
    """Harbour Self Storage: the workspace of the demo and of the tests.

    Fiona (front desk, may reserve), Omar (operations, approves), Nadia (a new starter in no group), Gus (a guest) and
    Sam (from another organisation, in the shared channel). The bot is in #reservations, #approvals, #partners and the
    archived #old-yard; it is not in #front-desk and not in the private #managers.
    """
    team, bot = "T0HARBOUR", "U0UNITBOT"
    workspace = Workspace(team, "Harbour Self Storage", "harbour", "A0UNITBOT", "B0UNITBOT", bot)
    for person in (
        Person(bot, "unitbot", "Unitbot", team, is_bot=True),
        Person("U0FIONA", "fiona", "Fiona Clarke", team, "fiona@harbour.example"),
        Person("U0OMAR", "omar", "Omar Haddad", team, "omar@harbour.example", is_admin=True),
        Person("U0NADIA", "nadia", "Nadia Novak", team, "nadia@harbour.example"),
        Person("U0GUS", "gus", "Gus Green", team, "gus@contractor.example", is_restricted=True),
        Person("U0SAM", "sam", "Sam Stone", "T0SEAWALL", "sam@seawall.example", is_stranger=True),
    ):
        workspace.add_person(person)
    workspace.groups = {
        "S0FRONT": UserGroup("S0FRONT", "Front desk", "front-desk", ["U0FIONA"]),
        "S0OPS": UserGroup("S0OPS", "Operations", "operations", ["U0OMAR"]),
    }
    for channel in (
        Channel("C0FRONT", "front-desk", members=_ids("FIONA OMAR NADIA GUS"), topic="Who is at the desk"),
        Channel("C0RESERVE", "reservations", members=_ids("FIONA OMAR NADIA GUS UNITBOT"), topic="What was reserved"),
        Channel("C0APPROVE", "approvals", members=_ids("FIONA OMAR NADIA UNITBOT"), topic="What needs a second look"),
        Channel("C0PARTNER", "partners", members=_ids("FIONA OMAR SAM UNITBOT"), is_ext_shared=True),
        Channel("C0MANAGER", "managers", "private", members=_ids("OMAR")),
        Channel("C0OLD", "old-yard", members=_ids("FIONA OMAR UNITBOT"), is_archived=True),
    ):
        workspace.add_channel(channel)
    return workspace


def _ids(names: str) -> set[str]:
    return {f"U0{name}" for name in names.split()}
