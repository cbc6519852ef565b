"""Slack: tokens, scopes, and every person, user group and channel that the settings name."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import yaml
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.check.findings import NETWORK, Finding, clock, fail, ok, warn
from bot.core.access import groups_in
from bot.manifest import committed
from bot.settings import Settings
from bot.slack.people import Home, standing_of
from bot.slack.trouble import TROUBLE, what_slack_said

TO_SEE_CHANNELS = {"channels:read", "groups:read"}
"""Scopes that only this check needs: without them the bot works, but nobody knows whether it is in its channels."""
TOKEN_REFUSED = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission"}
REINSTALL = "take over what `unitbot manifest` prints under App Manifest at https://api.slack.com/apps, then reinstall"


async def check_slack(settings: Settings, client: AsyncWebClient, now: Callable[[], datetime]) -> list[Finding]:
    """Everything about Slack; without a bot token that works, little can be tried."""
    sent = now()
    try:
        who = await client.auth_test()
    except TROUBLE as trouble:
        return [_token_refused(what_slack_said(trouble)), *await _app_token(settings, client)]
    team, bot = who.get("team"), who.get("user")
    findings = [
        ok("SLACK_BOT_TOKEN", f"workspace {team} ({who.get('team_id')}), as @{bot}"),
        clock("Slack", who.headers.get("Date"), sent, now()),
        _scopes(who),
        *await _app_token(settings, client),
    ]
    home = Home(str(who.get("team_id")), who.get("enterprise_id"))
    findings += [finding async for finding in _people(settings, client, home)]
    findings += await _groups(settings, client)
    findings += [finding async for finding in _channels(settings, client, f"/invite @{bot}")]
    return findings


def _token_refused(reason: str) -> Finding:
    if reason in TOKEN_REFUSED:
        mend = "copy the Bot User OAuth Token of the installed app (OAuth & Permissions)"
        return fail("SLACK_BOT_TOKEN", f"Slack does not accept it ({reason})", mend)
    return fail("SLACK_API_URL", f"Slack does not answer ({reason})", NETWORK)


def _scopes(who: AsyncSlackResponse) -> Finding:
    needed = set(yaml.safe_load(committed())["oauth_config"]["scopes"]["bot"])
    said = who.headers.get("X-OAuth-Scopes")
    if said is None:
        return warn("Slack scopes", "Slack does not say which there are")
    missing = needed - {scope.strip() for scope in said.split(",")}
    if not missing:
        return ok("Slack scopes", f"all {len(needed)} are there")
    found = f"missing {', '.join(sorted(missing))}"
    if missing <= TO_SEE_CHANNELS:
        return warn("Slack scopes", f"{found}, by which this check looks at channels", REINSTALL)
    return fail("Slack scopes", found, REINSTALL)


async def _app_token(settings: Settings, client: AsyncWebClient) -> list[Finding]:
    if settings.slack_app_token is None:
        return []
    try:
        await client.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except TROUBLE as trouble:
        reason = what_slack_said(trouble)
        another = "make an app-level token with the scope connections:write (Basic Information → App-Level Tokens)"
        mend = another if reason.islower() else NETWORK  # a word of Slack's own is about the token
        return [fail("SLACK_APP_TOKEN", f"Slack opens no connection ({reason})", mend)]
    return [ok("SLACK_APP_TOKEN", "Slack opens connections")]


async def _people(settings: Settings, client: AsyncWebClient, home: Home) -> AsyncIterator[Finding]:
    for user_id in dict.fromkeys(user for role in settings.roles for user in role.users):
        what, mend = f"user {user_id} of ROLES", "copy the member id from the person's Slack profile"
        try:
            person = (await client.users_info(user=user_id)).get("user") or {}
        except TROUBLE as trouble:
            yield fail(what, f"Slack does not show them ({what_slack_said(trouble)})", mend)
            continue
        if person.get("deleted"):
            yield warn(what, "is deactivated", "take the id out of ROLES")
        elif standing_of(person, home) != "member":
            yield warn(what, "is a guest or from another organisation, whom no role helps", "take the id out of ROLES")
        else:
            yield ok(what, f"is @{person.get('name')}")


async def _groups(settings: Settings, client: AsyncWebClient) -> list[Finding]:
    group_ids = groups_in(settings.roles)
    if not group_ids:
        return []
    try:
        answer = await client.usergroups_list(include_disabled=True, include_count=True)
    except TROUBLE as trouble:
        return [_no_groups(group_id, what_slack_said(trouble)) for group_id in group_ids]
    known = {group.get("id"): group for group in answer.get("usergroups") or ()}
    return [_group(group_id, known.get(group_id)) for group_id in group_ids]


def _no_groups(group_id: str, reason: str) -> Finding:
    paid = "user groups need a paid plan: name users in ROLES instead"
    mend = paid if reason == "plan_upgrade_required" else REINSTALL if reason == "missing_scope" else NETWORK
    return fail(f"user group {group_id} of ROLES", f"Slack does not list user groups ({reason})", mend)


def _group(group_id: str, group: Mapping[str, Any] | None) -> Finding:
    what = f"user group {group_id} of ROLES"
    if group is None:
        return fail(what, "does not exist", "copy the id from the end of the user group's address in a browser")
    if group.get("date_delete"):
        return fail(what, f"@{group.get('handle')} is disabled and grants nothing", "enable it, or name another")
    if not group.get("user_count"):
        return warn(what, f"@{group.get('handle')} is empty", "add people to it in Slack")
    return ok(what, f"@{group.get('handle')}, {group['user_count']} people")


async def _channels(settings: Settings, client: AsyncWebClient, invite: str) -> AsyncIterator[Finding]:
    for channel_id, named_by in _channels_in(settings).items():
        what = f"channel {channel_id} of {', '.join(named_by)}"
        try:
            answer = await client.conversations_info(channel=channel_id)
        except TROUBLE as trouble:
            yield _unseen(what, what_slack_said(trouble), invite)
            continue
        channel = answer.get("channel") or {}
        name = f"#{channel.get('name')}"
        if channel.get("is_archived"):
            yield fail(what, f"{name} is archived", "unarchive it, or name another")
        elif not channel.get("is_member"):
            yield fail(what, f"the bot is not in {name}", f"type {invite} there")
        elif channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"):
            found = f"{name} is shared with another organisation, whose people would read customers' names"
            yield fail(what, found, "name a channel of your own")
        else:
            yield ok(what, f"the bot is in {name}")


def _unseen(what: str, reason: str, invite: str) -> Finding:
    if reason == "missing_scope":
        return warn(
            what, "cannot be looked at without channels:read and groups:read", f"make sure: type {invite} there"
        )
    if reason == "channel_not_found":
        found = "does not exist, or is private and without the bot"
        return fail(what, found, f"type {invite} there, or copy the id from the end of the channel's details")
    return fail(what, f"Slack does not show it ({reason})", NETWORK)


def _channels_in(settings: Settings) -> Mapping[str, Sequence[str]]:
    """Each channel with the settings that name it."""
    named: dict[str, list[str]] = {}
    for name, channel_id in (
        ("NOTIFY_CHANNEL", settings.notify_channel),
        ("APPROVALS_CHANNEL", settings.approvals_channel),
        *(("NOTIFY_SITE_CHANNELS", channel_id) for channel_id in settings.notify_site_channels.values()),
    ):
        if channel_id and name not in named.setdefault(channel_id, []):
            named[channel_id].append(name)
    return named
