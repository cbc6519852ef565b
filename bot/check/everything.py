"""All findings, in an order that a person reads."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from sqlalchemy.engine import make_url

from bot.check.findings import Finding, fail, ok, warn
from bot.check.slack import check_slack
from bot.check.stora import check_stora
from bot.core.problems import DatabaseUnusable
from bot.core.windows import Windows
from bot.settings import Settings
from bot.start.slack import slack_client, slack_session
from bot.start.stora import stora_client, stora_exchange, stora_login
from bot.stora.budget import Alone, Ledger
from bot.stora.endpoints import READ
from bot.store.calls import SharedCalls
from bot.store.database import opened
from bot.store.engines import place_of


async def check(settings: Settings) -> list[Finding]:
    """Try everything that the settings name, with the bot's own clients and within Stora's budget."""
    async with AsyncExitStack() as stack:
        ledger: Callable[[Windows], Ledger] = Alone
        try:
            engine = await stack.enter_async_context(opened(settings.database_url))
        except DatabaseUnusable as problem:
            database = fail("DATABASE_URL", problem.reason, "the README's section on settings shows what it can be")
        else:
            place = place_of(make_url(settings.database_url))
            database = ok("DATABASE_URL", f"{place}: reachable, migrated, writable")
            if engine.dialect.name == "postgresql":  # what we ask counts among what the replicas ask
                ledger = partial(SharedCalls, engine, timeout=settings.stora_timeout_seconds)
        slack, stora = await asyncio.gather(_slack(settings), _stora(settings, ledger))
        return [*_settings(settings), *slack, *stora, database]


def _settings(settings: Settings) -> list[Finding]:
    findings = [ok("settings", "read and valid")]
    if not settings.roles:
        findings.append(warn("ROLES", "empty, so nobody may reserve anything", "name who may, as the README shows"))
    findings += [
        warn("ROLES", f"the role {role.name} is nobody's", "give it users or groups")
        for role in settings.roles
        if not role.users and not role.groups
    ]
    if not settings.notify_channel and not settings.notify_site_channels:
        findings.append(warn("NOTIFY_CHANNEL", "not set, so nothing is announced", "name a channel by its id"))
    if settings.approvals_channel and not any("approve" in role.can for role in settings.roles):
        findings.append(warn("APPROVALS_CHANNEL", "set, but no role may approve", 'give one of ROLES "approve"'))
    heard_in = {settings.notify_channel, *settings.notify_site_channels.values()}
    findings += [
        warn("NOTIFY_ON", f"names the channel {channel_id}, in which nothing is announced", "take it out")
        for channel_id in settings.notify_on
        if channel_id not in {"*", *heard_in}
    ]
    if settings.digest_time and heard_in == {None}:
        findings.append(warn("DIGEST_TIME", "set, but there is no channel to tell it", "set NOTIFY_CHANNEL"))
    return findings


async def _slack(settings: Settings) -> list[Finding]:
    async with slack_session() as session:
        client = slack_client(settings, session)
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        return await check_slack(settings, client, _now)


async def _stora(settings: Settings, ledger: Callable[[Windows], Ledger]) -> list[Finding]:
    async with stora_exchange(settings, ledger=ledger) as exchange:
        client = stora_client(settings, exchange, stora_login(settings, exchange))
        # A client that lacks a scope which the request names gets no token at all, so this one is only for looking.
        sees_endpoints = stora_client(settings, exchange, stora_login(settings, exchange, also=(READ,)))
        return await check_stora(settings, client, sees_endpoints, _now)


def _now() -> datetime:
    return datetime.now(UTC)
