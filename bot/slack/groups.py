"""Who is in which Slack user group: asked once in a while, and never guessed."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.coalesce import Coalesced
from bot.slack.trouble import TROUBLE, what_slack_said

log = structlog.get_logger(__name__)

KNOWN_FOR = 300.0
"""Seconds that a group's members are believed; a change that Slack tells of is asked for at once."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which of the groups asked about somebody is in, and about which Slack did not say."""

    groups: frozenset[str]
    unknown: frozenset[str]


class UserGroups:
    """Members of the groups that the settings name. A lookup that failed is not remembered, and grants nothing."""

    def __init__(
        self, client: AsyncWebClient, group_ids: Iterable[str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._now = now
        self._once = Coalesced()
        self._known: dict[str, tuple[float, frozenset[str]]] = {}
        self._changes = dict.fromkeys(group_ids, 0)

    async def of(self, user_id: str) -> Membership:
        """The groups of one person."""
        group_ids = tuple(self._changes)
        all_members = await asyncio.gather(*(self._members(group_id) for group_id in group_ids))
        asked = dict(zip(group_ids, all_members, strict=True))
        return Membership(
            groups=frozenset(group_id for group_id, members in asked.items() if members and user_id in members),
            unknown=frozenset(group_id for group_id, members in asked.items() if members is None),
        )

    def forget(self, group_id: str) -> None:
        """Slack says that this group has changed."""
        if group_id in self._changes:
            self._known.pop(group_id, None)
            self._changes[group_id] += 1

    async def _members(self, group_id: str) -> frozenset[str] | None:
        asked_at, members = self._known.get(group_id, (float("-inf"), frozenset()))
        if self._now() - asked_at < KNOWN_FOR:
            return members
        # Whoever asks after a change must not be told what Slack answers to a question from before.
        changes = self._changes[group_id]
        return await self._once((group_id, changes), lambda: self._look_up(group_id, changes))

    async def _look_up(self, group_id: str, changes: int) -> frozenset[str] | None:
        asked_at = self._now()
        try:
            answer = await self._client.usergroups_users_list(usergroup=group_id)
        except TROUBLE as trouble:
            # `plan_upgrade_required`: the workspace has no user groups; `no_such_subteam`: the settings are wrong.
            log.warning("user group not looked up", group=group_id, error=what_slack_said(trouble))
            return None
        members = frozenset(answer.get("users") or ())
        if self._changes[group_id] == changes:
            self._known[group_id] = asked_at, members
        return members
