"""Slack user → Actor: a full member, a guest, or somebody from elsewhere."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.coalesce import Coalesced
from bot.core.access import Actor, Standing
from bot.slack.groups import UserGroups
from bot.slack.trouble import TROUBLE, what_slack_said

log = structlog.get_logger(__name__)

KNOWN_FOR = 300.0
"""Seconds that what Slack said of a person is believed."""
MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Home:
    """Where the bot is installed, from `auth.test`."""

    team_id: str
    enterprise_id: str | None


class People:
    """Who is who, asked of Slack once in a while. What could not be asked is not remembered."""

    def __init__(
        self, client: AsyncWebClient, home: Home | None, groups: UserGroups, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self.home = home
        """Set before anybody's request is answered."""
        self._groups = groups
        self._now = now
        self._once = Coalesced()
        self._known: dict[str, tuple[float, Standing]] = {}
        self._names: dict[str, str] = {}

    async def actor(self, user_id: str) -> Actor:
        """The person, with the user groups that the settings name."""
        member = await self.looker(user_id)
        if member.standing != "member":
            return member  # no group could change what they may do
        membership = await self._groups.of(user_id)
        return replace(member, groups=membership.groups, unknown_groups=membership.unknown)

    async def name_of(self, user_id: str) -> str:
        """What colleagues outside Slack know the person by; the id where Slack does not say."""
        await self.looker(user_id)
        return self._names.get(user_id, user_id)

    async def looker(self, user_id: str) -> Actor:
        """The person without any groups, which looking does not ask for; ``unverified`` if Slack did not say."""
        asked_at, standing = self._known.get(user_id, (float("-inf"), "unverified"))
        if self._now() - asked_at < KNOWN_FOR:
            return Actor(user_id, standing)
        return Actor(user_id, await self._once(user_id, lambda: self._look_up(user_id)))

    async def _look_up(self, user_id: str) -> Standing:
        try:
            answer = await self._client.users_info(user=user_id)
        except TROUBLE as trouble:
            log.warning("person not looked up", error=what_slack_said(trouble))
            return "unverified"
        user = answer.get("user")
        if not isinstance(user, dict):
            return "unverified"
        assert self.home is not None  # noqa: S101 - see there
        standing = standing_of(user, self.home)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
            self._names.clear()
        self._known[user_id] = self._now(), standing
        self._names[user_id] = str(user.get("real_name") or user.get("name") or user_id)
        return standing


def standing_of(user: Mapping[str, Any], home: Home) -> Standing:
    """What a user object of `users.info` makes of a person; a mark that is absent is not set."""
    enterprise_user = user.get("enterprise_user")
    inside = enterprise_user if isinstance(enterprise_user, dict) else user
    enterprise_id = inside.get("enterprise_id") or user.get("enterprise_id")
    if home.enterprise_id and enterprise_id:
        elsewhere = enterprise_id != home.enterprise_id  # members of an organisation have many teams
    else:
        elsewhere = bool(user.get("team_id")) and user["team_id"] != home.team_id
    if user.get("is_stranger") or elsewhere:
        return "stranger"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "guest"
    return "member"
