"""What a Slack workspace is made of: people, user groups, conversations, messages, views and files."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as Slack sends or receives it."""

Kind: TypeAlias = Literal["public", "private", "im"]
"""Which sort of conversation a channel is; the scopes of ``conversations.*`` depend on it."""


@dataclass(slots=True)
class Person:
    """Somebody with a Slack account, or the bot's own user.

    ``is_restricted`` and ``is_ultra_restricted`` mark guests, ``is_stranger`` somebody seen only in shared channels.
    Like Slack, ``users.info`` leaves a stranger mark out when it is not set.
    """

    id: str
    name: str
    real_name: str
    team_id: str
    email: str = ""
    tz: str = "Europe/London"
    tz_offset: int = 0
    enterprise_id: str | None = None
    is_admin: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False


@dataclass(slots=True)
class UserGroup:
    """A user group (subteam): ``S…``, its handle without ``@``, and the ids of its members."""

    id: str
    name: str
    handle: str
    members: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass(slots=True)
class Channel:
    """A conversation and who is in it; the bot can post only where its own user id is a member."""

    id: str
    name: str
    kind: Kind = "public"
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    is_ext_shared: bool = False
    topic: str = ""


@dataclass(slots=True)
class Message:
    """One message as it now is.

    ``ts`` is its id within ``channel``; ``user`` wrote it (the bot's user id, or a person's). ``ephemeral_to`` is the
    one person who sees it, or None. ``edited`` counts updates. ``entered`` holds what people chose in its menus,
    by block_id and action_id; ``offered`` the options that the app suggested so far, by action_id.
    """

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    ephemeral_to: str | None = None
    thread_ts: str | None = None
    edited: int = 0
    deleted: bool = False
    metadata: Json | None = None
    files: list[str] = field(default_factory=list)
    entered: dict[tuple[str, str], Json] = field(default_factory=dict)
    offered: dict[str, list[Json]] = field(default_factory=dict)


@dataclass(slots=True)
class View:
    """A modal or Home tab of one person as it now is.

    ``entered`` holds what the person filled in or chose, by block_id and action_id; an update keeps it where both
    stay the same. ``offered`` holds the options that the app suggested so far, by action_id. ``errors`` is what the
    last submission was told, by block_id. ``client`` is where a modal stands, of all the places where the person has
    Slack open; ``in_flight`` says whether it was sent off and not answered yet.
    """

    id: str
    user: str
    type: Literal["modal", "home"]
    source: Json
    blocks: list[Json]
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    updated: int = 0
    open: bool = True
    entered: dict[tuple[str, str], Json] = field(default_factory=dict)
    offered: dict[str, list[Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    client: str = ""
    in_flight: bool = False

    @property
    def title(self) -> str:
        """The modal's title; empty for a Home tab."""
        title = self.source.get("title")
        return str(title["text"]) if isinstance(title, dict) else ""

    @property
    def callback_id(self) -> str:
        """The name that the app gave to this kind of view; empty without one."""
        return str(self.source.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        """The string that the app keeps in the view; empty without one."""
        return str(self.source.get("private_metadata", ""))


@dataclass(slots=True)
class File:
    """An uploaded file; ``content`` is None until the upload URL has been used, ``channel`` until it was shared."""

    id: str
    name: str
    length: int
    title: str = ""
    content: bytes | None = None
    channel: str | None = None
