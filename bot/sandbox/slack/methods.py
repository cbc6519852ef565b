"""The Web API methods that the stand-in knows: scopes, rate limit tier, arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bot.sandbox.slack.nouns import Kind

TokenKind: TypeAlias = Literal["bot", "app"]
"""Which token a method takes: ``xoxb-…`` or the app-level ``xapp-…``."""


@dataclass(frozen=True, slots=True)
class Method:
    """What Slack asks of a call.

    ``tier`` is 1 to 4, None for a special limit. ``scopes`` are always needed; ``by_kind`` names the scope for each
    kind of conversation. A call with an argument outside of ``required`` and ``optional`` is refused here, while the
    real Slack ignores it. Source: slack-platform.md 2.3.
    """

    tier: int | None
    scopes: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    by_kind: Mapping[Kind, str] = field(default_factory=dict)
    token: TokenKind = "bot"  # noqa: S105 -- a kind of token, not a token


def _method(  # noqa: PLR0913 -- one for each column of the table below
    tier: int | None,
    scopes: str = "",
    required: str = "",
    optional: str = "",
    by_kind: Mapping[Kind, str] | None = None,
    *,
    token: TokenKind = "bot",  # noqa: S107 -- a kind of token, not a token
) -> Method:
    # Bolt's per-request client adds team_id to every call.
    known = frozenset(("team_id", *optional.split()))
    return Method(tier, tuple(scopes.split()), frozenset(required.split()), known, by_kind or {}, token)


_READ: Mapping[Kind, str] = {"public": "channels:read", "private": "groups:read", "im": "im:read"}
_SAID = "text blocks thread_ts metadata parse link_names mrkdwn"

METHODS: Mapping[str, Method] = {
    "apps.connections.open": _method(3, "connections:write", token="app"),  # noqa: S106 -- a kind of token
    "auth.test": _method(None),
    "bots.info": _method(3, "users:read", "bot"),
    "chat.delete": _method(3, "chat:write", "channel ts"),
    "chat.getPermalink": _method(None, "", "channel message_ts"),
    "chat.postEphemeral": _method(4, "chat:write", "channel user", _SAID),
    "chat.postMessage": _method(
        None, "chat:write", "channel", f"{_SAID} reply_broadcast unfurl_links unfurl_media client_msg_id"
    ),
    "chat.update": _method(3, "chat:write", "channel ts", f"{_SAID} reply_broadcast"),
    "conversations.info": _method(3, "", "channel", "include_num_members", _READ),
    "conversations.list": _method(2, "", "", "types limit cursor exclude_archived", _READ),
    "conversations.members": _method(4, "", "channel", "limit cursor", _READ),
    "conversations.open": _method(3, "im:write", "users", "return_im prevent_creation"),
    "files.completeUploadExternal": _method(4, "files:write", "files", "channel_id initial_comment thread_ts"),
    "files.getUploadURLExternal": _method(4, "files:write", "filename length", "alt_txt snippet_type"),
    "usergroups.list": _method(2, "usergroups:read", "", "include_users include_count include_disabled"),
    "usergroups.users.list": _method(2, "usergroups:read", "usergroup", "include_disabled"),
    "users.info": _method(4, "users:read", "user", "include_locale"),
    "users.list": _method(2, "users:read", "", "limit cursor include_locale"),
    "views.open": _method(4, "", "trigger_id view"),
    "views.publish": _method(4, "", "user_id view", "hash"),
    "views.push": _method(4, "", "trigger_id view"),
    "views.update": _method(4, "", "view", "view_id external_id hash"),
}
"""Method name → what Slack asks of a call; a method that is not here answers ``unknown_method``."""

EVENT_SCOPES: Mapping[str, str] = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "subteam_created": "usergroups:read",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
    "team_join": "users:read",
    "user_change": "users:read",
}
"""Event type → the scope without which Slack does not send it; other events need none."""
