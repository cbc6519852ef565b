"""`unitbot check` and `unitbot webhooks create`: what is wrong is found, named, and comes with its mend."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest
from aiohttp import web
from typing_extensions import override

from bot.__main__ import unitbot
from bot.check.everything import check
from bot.check.findings import Finding, clock
from bot.check.slack import check_slack
from bot.core.problems import (
    DatabaseUnusable,
    NotFound,
    OutcomeUnknown,
    Problem,
    Refused,
    StoraBusy,
    StoraDown,
    StoraLogin,
)
from bot.sandbox.loopback import serve
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.grants import ALL_SCOPES
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from bot.settings import FixedSettings
from bot.start.slack import slack_client, slack_session
from bot.stora.endpoints import EVENT_TYPES
from bot.stora.token import read_token
from bot.stora.wire import Answer
from bot.stora.words import in_words
from bot.webhooks import NotRegistered, endpoint_url, register
from tests.conftest import emptied
from tests.walks.conftest import a_slack, a_stora

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://bot.example.com/stora/webhooks"
ROLES: list[dict[str, Any]] = [
    {"name": "front desk", "can": ["reserve"], "groups": ["S0FRONT"]},
    {"name": "boss", "can": ["reserve", "approve"], "users": ["U0OMAR"]},
]

Chosen = Callable[..., FixedSettings]


@pytest.fixture
def slack() -> SandboxSlack:
    return a_slack()


@pytest.fixture
def stora() -> SandboxStora:
    return SandboxStora(a_stora().world)


@pytest.fixture
async def chosen(slack: SandboxSlack, stora: SandboxStora, tmp_path: Path) -> AsyncIterator[Chosen]:
    """Settings with which everything is in order, but for what a test chooses."""
    async with AsyncExitStack() as stack:
        slack_url = await stack.enter_async_context(slack.serving())
        stora_url = await stack.enter_async_context(serve(stora.application()))

        def settings(**others: Any) -> FixedSettings:
            usual: dict[str, Any] = {
                "slack_bot_token": slack.bot_token,
                "slack_signing_secret": slack.signing_secret,
                "slack_api_url": f"{slack_url}/api/",
                "stora_api_url": stora_url,
                "stora_api_token": stora.token,
                "roles": ROLES,
                "notify_channel": "C0RESERVE",
                "database_url": f"sqlite+aiosqlite:///{tmp_path}/unitbot.db",
            }
            return FixedSettings(**usual | others)

        yield settings


def about(findings: list[Finding], what: str) -> Finding:
    [found] = [finding for finding in findings if finding.what.startswith(what)]
    return found


def verdicts(findings: list[Finding]) -> set[str]:
    return {finding.verdict for finding in findings}


async def registered(settings: FixedSettings) -> FixedSettings:
    """The same settings with an endpoint at Stora."""
    secret = await register(settings, URL)
    return settings.model_copy(update={"stora_webhook_secret": secret})


async def test_where_all_is_well_every_line_says_so(chosen: Chosen, slack: SandboxSlack, stora: SandboxStora) -> None:
    settings = await registered(chosen(slack_app_token=slack.app_token, approvals_channel="C0APPROVE"))
    stora.received.clear()
    findings = await check(settings)
    assert [finding.line for finding in findings if finding.verdict != "ok"] == []
    text = "\n".join(finding.line for finding in findings)
    for expected in (
        "workspace Harbour Self Storage (T0HARBOUR), as @unitbot",
        "user U0OMAR of ROLES: is @omar",
        "user group S0FRONT of ROLES: @front-desk, 1 people",
        "channel C0RESERVE of NOTIFY_CHANNEL: the bot is in #reservations",
        "channel C0APPROVE of APPROVALS_CHANNEL: the bot is in #approvals",
        "SLACK_APP_TOKEN: Slack opens connections",
        "STORA_API_TOKEN: operator Harbour Self Storage",
        "Stora scope public.unit:write: reserving and releasing units",
        "Stora's limit: 60, as the settings: 10 a second and 60 a minute",
        f"Stora's webhooks: {URL} is registered and enabled",
        "unitbot.db: reachable, migrated, writable",
    ):
        assert expected in text
    assert len([finding for finding in findings if finding.what.startswith("clock against")]) == 2
    assert len(stora.received) == 3  # of sixty a minute, which the bot at work needs as well
    assert slack.problems == []
    assert slack.called("chat.postMessage") == []


async def test_client_credentials_log_in_and_need_no_scope_for_webhooks(chosen: Chosen, stora: SandboxStora) -> None:
    client = {"stora_client_id": stora.client_id, "stora_client_secret": stora.client_secret}
    findings = await check(chosen(stora_api_token=None, **client))
    assert about(findings, "STORA_CLIENT_ID").found == "operator Harbour Self Storage"
    assert not [finding for finding in findings if finding.what.startswith("end of")]  # it is renewed by itself
    refused = await check(chosen(stora_api_token=None, **client | {"stora_client_secret": "wrong"}))
    assert about(refused, "STORA_CLIENT_ID").verdict == "FAIL"
    assert "The client id or the client secret is wrong." in about(refused, "STORA_CLIENT_ID").found


async def test_a_bot_token_that_was_withdrawn_is_named(chosen: Chosen, slack: SandboxSlack) -> None:
    findings = await check(chosen(slack_bot_token="xoxb-withdrawn", slack_app_token=slack.app_token))
    token = about(findings, "SLACK_BOT_TOKEN")
    assert (token.verdict, "invalid_auth" in token.found, "Bot User OAuth Token" in token.mend) == ("FAIL", True, True)
    assert about(findings, "SLACK_APP_TOKEN").verdict == "ok"
    assert not [finding for finding in findings if finding.what.startswith("channel")]
    assert "withdrawn" not in "".join(finding.line for finding in findings)


async def test_a_slack_that_is_down_is_told_apart_from_a_wrong_token(chosen: Chosen, slack: SandboxSlack) -> None:
    slack.faults.status(503, "auth.test")
    finding = about(await check(chosen()), "SLACK_API_URL")
    assert (finding.verdict, "HTTP 503" in finding.found) == ("FAIL", True)


async def test_on_postgresql_its_questions_count_among_those_of_the_replicas(
    chosen: Chosen, stora: SandboxStora, postgres: str
) -> None:
    await emptied(postgres)
    await check(chosen(database_url=f"postgresql+asyncpg://postgres@/postgres?host={postgres}"))
    connection = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
    try:
        assert await connection.fetchval("SELECT count(*) FROM stora_calls") == len(stora.received)
    finally:
        await connection.close()
    assert stora.received


async def test_a_wrong_app_token_is_named(chosen: Chosen) -> None:
    finding = about(await check(chosen(slack_app_token="xapp-withdrawn")), "SLACK_APP_TOKEN")
    assert (finding.verdict, "connections:write" in finding.mend) == ("FAIL", True)


async def test_each_missing_slack_scope_is_named(chosen: Chosen, slack: SandboxSlack) -> None:
    slack = SandboxSlack(slack.workspace, scopes=["commands", "users:read", "channels:read", "groups:read"])
    async with slack.serving() as url:
        findings = await check(chosen(slack_api_url=f"{url}/api/"))
    scopes = about(findings, "Slack scopes")
    assert scopes.verdict == "FAIL"
    assert "chat:write" in scopes.found
    assert "users:read" not in scopes.found
    assert "reinstall" in scopes.mend
    group = about(findings, "user group S0FRONT")
    assert (group.verdict, "missing_scope" in group.found) == ("FAIL", True)


async def test_without_the_scopes_to_see_channels_the_invitation_is_printed(
    chosen: Chosen, slack: SandboxSlack
) -> None:
    blind = ["chat:write", "commands", "files:write", "usergroups:read", "users:read"]
    slack = SandboxSlack(slack.workspace, scopes=blind)
    async with slack.serving() as url:
        findings = await check(chosen(slack_api_url=f"{url}/api/"))
    assert about(findings, "Slack scopes").verdict == "warn"
    channel = about(findings, "channel C0RESERVE")
    assert (channel.verdict, "/invite @unitbot" in channel.mend) == ("warn", True)


@pytest.mark.parametrize(
    ("channel", "found"),
    [
        ("C0FRONT", "the bot is not in #front-desk"),
        ("C0OLD", "#old-yard is archived"),
        ("C0MANAGER", "private and without the bot"),
        ("C0NONE", "does not exist"),
        ("C0PARTNER", "#partners is shared with another organisation"),
    ],
)
async def test_a_channel_that_announcements_would_not_reach_is_found(chosen: Chosen, channel: str, found: str) -> None:
    site = next(iter(a_stora().world.sites))
    findings = await check(chosen(notify_channel=channel, notify_site_channels={site: channel}))
    finding = about(findings, f"channel {channel} of NOTIFY_CHANNEL, NOTIFY_SITE_CHANNELS")
    assert (finding.verdict, found in finding.found) == ("FAIL", True)
    assert "archived" in found or "shared" in found or "/invite @unitbot" in finding.mend


async def test_a_channel_that_slack_does_not_show_for_now_is_no_missing_one(
    chosen: Chosen, slack: SandboxSlack
) -> None:
    slack.faults.error("internal_error", "conversations.info")
    finding = about(await check(chosen()), "channel C0RESERVE")
    assert (finding.verdict, "internal_error" in finding.found) == ("FAIL", True)


async def test_people_and_groups_that_grant_nothing_are_found(chosen: Chosen, slack: SandboxSlack) -> None:
    slack.workspace.person("U0NADIA").deleted = True
    slack.workspace.group("S0OPS").disabled = True
    slack.workspace.group("S0FRONT").members.clear()
    roles = [
        {"name": "a", "can": ["reserve"], "users": ["U0NADIA", "U0GUS", "U0SAM", "U0NOBODY"]},
        {"name": "b", "can": ["reserve"], "groups": ["S0OPS", "S0FRONT", "S0NONE"]},
        {"name": "nobody's", "can": ["reserve"]},
    ]
    findings = await check(chosen(roles=roles, approvals_channel="C0APPROVE"))
    said = {finding.what: (finding.verdict, finding.found) for finding in findings}
    assert said["user U0NADIA of ROLES"] == ("warn", "is deactivated")
    assert said["user U0GUS of ROLES"][0] == said["user U0SAM of ROLES"][0] == "warn"
    assert said["user U0NOBODY of ROLES"] == ("FAIL", "Slack does not show them (user_not_found)")
    assert said["user group S0OPS of ROLES"] == ("FAIL", "@operations is disabled and grants nothing")
    assert said["user group S0FRONT of ROLES"] == ("warn", "@front-desk is empty")
    assert said["user group S0NONE of ROLES"][0] == "FAIL"
    assert said["ROLES"] == ("warn", "the role nobody's is nobody's")
    assert said["APPROVALS_CHANNEL"][0] == "warn"


@pytest.mark.parametrize(
    ("reason", "mend"), [("plan_upgrade_required", "paid plan"), ("internal_error", "the network")]
)
async def test_groups_that_slack_does_not_list_are_found(
    chosen: Chosen, slack: SandboxSlack, reason: str, mend: str
) -> None:
    slack.faults.error(reason, "usergroups.list")
    finding = about(await check(chosen()), "user group S0FRONT")
    assert (finding.verdict, reason in finding.found, mend in finding.mend) == ("FAIL", True, True)


async def test_settings_under_which_the_bot_does_little_are_worth_a_word(chosen: Chosen) -> None:
    findings = await check(chosen(roles=[], notify_channel=None))
    assert about(findings, "ROLES").verdict == "warn"
    assert about(findings, "NOTIFY_CHANNEL").verdict == "warn"
    assert "FAIL" not in verdicts(findings)
    idle = chosen(
        notify_channel=None, digest_time="08:30", digest_timezone="Europe/London", notify_on={"C0FRONT": ["released"]}
    )
    findings = await check(idle)
    assert about(findings, "DIGEST_TIME").verdict == "warn"
    assert "C0FRONT" in about(findings, "NOTIFY_ON").found
    findings = await check(chosen(notify_on={"C0RESERVE": ["released"], "*": []}))
    assert [finding for finding in findings if finding.what == "NOTIFY_ON"] == []


async def test_a_slack_that_names_no_scopes_and_no_date_is_worth_a_word(chosen: Chosen) -> None:
    async def bare(_request: web.Request) -> web.Response:
        return web.json_response(
            {"ok": True, "team": "T", "team_id": "T1", "user": "unitbot"}, headers={"Date": "soon"}
        )

    application = web.Application()
    application.router.add_post("/api/auth.test", bare)
    async with serve(application) as url:
        settings = chosen(slack_api_url=f"{url}/api/", roles=[], notify_channel=None)
        async with slack_session() as session:
            findings = await check_slack(settings, slack_client(settings, session), lambda: NOW)
    assert about(findings, "Slack scopes").verdict == "warn"
    assert about(findings, "clock against Slack").verdict == "warn"


@pytest.mark.parametrize(
    ("skew", "verdict", "found"),
    [
        (0, "ok", "0 s behind"),
        (-59, "ok", "59 s behind"),
        (61, "warn", "61 s ahead"),
        (-300, "warn", "300 s behind"),
        (301, "FAIL", "301 s ahead, so that signatures count as stale"),
    ],
)
def test_clocks_may_differ_by_a_minute_and_must_not_by_five(skew: int, verdict: str, found: str) -> None:
    ours = NOW + timedelta(seconds=skew)
    finding = clock("Slack", "Mon, 02 Mar 2026 09:00:00 GMT", ours, ours)
    assert (finding.verdict, finding.found) == (verdict, found)


@pytest.mark.parametrize("date", [None, "", "soon", "Mon, 02 Mar 2026 09:00:00 -0000"])
def test_an_answer_without_a_date_says_nothing_about_the_clock(date: str | None) -> None:
    assert clock("Slack", date, NOW, NOW).verdict == "warn"


def test_what_a_neighbour_said_cannot_break_a_line() -> None:
    assert Finding("FAIL", "a", "b\nok    c\x1b[31m").line == "FAIL  a: b ok c [31m"


async def test_a_token_that_stora_does_not_accept_ends_what_can_be_tried(chosen: Chosen, stora: SandboxStora) -> None:
    findings = await check(chosen(stora_api_token="withdrawn"))
    token = about(findings, "STORA_API_TOKEN")
    assert (token.verdict, "The access token is unknown or was revoked." in token.found) == ("FAIL", True)
    assert not [finding for finding in findings if finding.what.startswith("Stora")]
    assert len(stora.received) == 1


async def test_a_stora_that_is_down_is_told(chosen: Chosen, stora: SandboxStora) -> None:
    stora.faults.down = True
    findings = await check(chosen())
    address = about(findings, "STORA_API_URL")
    assert (address.verdict, address.found) == ("FAIL", "Stora does not answer (RemoteProtocolError)")
    assert "network" in address.mend


async def test_each_missing_stora_scope_is_named_with_what_it_is_for(chosen: Chosen, stora: SandboxStora) -> None:
    lacking = {"public.unit:write", "public.site:read", "public.note:write", "public.webhook_endpoint:read"}
    poor = SandboxStora(stora.world, scopes=set(ALL_SCOPES) - lacking)
    async with serve(poor.application()) as url:
        findings = await check(chosen(stora_api_url=url, stora_write_notes=True, stora_webhook_secret="s" * 64))
    failed = {finding.what: finding for finding in findings if finding.verdict == "FAIL"}
    assert failed.keys() == {
        "Stora scope public.unit:write",
        "Stora scope public.site:read",
        "Stora scope public.note:write",
        "Stora's sites",
    }
    assert "reserving and releasing units" in failed["Stora scope public.unit:write"].found
    assert all("add it to the token" in finding.mend for finding in failed.values())
    webhooks = about(findings, "Stora's webhooks")
    assert (webhooks.verdict, "public.webhook_endpoint:read: add it to the token" in webhooks.mend) == ("warn", True)


async def test_a_client_that_lacks_a_scope_is_not_told_of_tokens(chosen: Chosen, stora: SandboxStora) -> None:
    client = {"stora_client_id": stora.client_id, "stora_client_secret": stora.client_secret}
    poor = SandboxStora(stora.world, scopes=set(ALL_SCOPES) - {"public.note:write"})
    async with serve(poor.application()) as url:
        findings = await check(chosen(stora_api_url=url, stora_api_token=None, stora_write_notes=True, **client))
    login = about(findings, "STORA_CLIENT_ID")
    assert (login.verdict, "lacks the scopes public.note:write" in login.found) == ("FAIL", True)
    assert login.mend.startswith("compare both with the OAuth client in the Backoffice")
    assert "public.note:write" in login.mend
    assert "token" not in login.mend


async def test_a_client_whose_token_is_worth_less_than_it_asked_for_is_given_scopes(
    chosen: Chosen, stora: SandboxStora
) -> None:
    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "issued", "expires_in": 7200})

    async def info(_request: web.Request) -> web.Response:
        return web.json_response({"operator": {"name": "Acme"}, "scope": ["public.unit:read"]})

    application = web.Application()
    application.router.add_post("/oauth2/token", token)
    application.router.add_get("/oauth2/token/info", info)
    client = {"stora_client_id": stora.client_id, "stora_client_secret": stora.client_secret}
    async with serve(application) as url:
        findings = await check(chosen(stora_api_url=url, stora_api_token=None, **client))
    assert "add it to the OAuth client" in about(findings, "Stora scope public.unit:write").mend


async def test_sites_that_stora_does_not_list_for_now_are_no_missing_scope(chosen: Chosen, stora: SandboxStora) -> None:
    stora.faults.status(503, times=None, route="/sites")
    finding = about(await check(chosen()), "Stora's sites")
    assert (finding.verdict, "the network" in finding.mend) == ("FAIL", True)


async def test_sites_that_the_settings_name_must_exist(chosen: Chosen, stora: SandboxStora) -> None:
    site_id, site = next(iter(stora.world.sites.items()))
    roles = [{"name": "a", "can": ["reserve"], "users": ["U0OMAR"], "sites": [site_id, "site_gone"]}]
    findings = await check(chosen(roles=roles, notify_site_channels={"site_lost": "C0RESERVE"}))
    assert about(findings, f"site {site_id} of ROLES").found == f"is {site['name']}"
    assert about(findings, "site site_gone of ROLES").verdict == "FAIL"
    assert about(findings, "site site_lost of NOTIFY_SITE_CHANNELS").verdict == "FAIL"


async def test_a_limit_other_than_the_settings_is_worth_a_word(chosen: Chosen, stora: SandboxStora) -> None:
    findings = await check(chosen(stora_requests_per_minute=600))
    assert about(findings, "Stora's limit").verdict == "warn"
    unlimited = SandboxStora(stora.world, per_second=None, per_minute=None)
    async with serve(unlimited.application()) as url:
        findings = await check(chosen(stora_api_url=url))
    assert about(findings, "Stora's limit").found.startswith("Stora does not say")


async def test_a_stora_that_does_not_describe_tokens_is_asked_all_the_rest(chosen: Chosen, stora: SandboxStora) -> None:
    stora.faults.status(403, route="/oauth2/token/info")
    findings = await check(chosen())
    assert about(findings, "STORA_API_TOKEN").verdict == "warn"
    assert about(findings, "Stora's sites").verdict == "ok"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"operator": {"name": "Acme"}, "scope": ["a:read"], "expires_in": 1772442060}', ("Acme", {"a:read"}, 60)),
        (
            b'{"operator": {"name": "Acme"}, "scope": "a:read b:read", "expires_in": 60}',
            ("Acme", {"a:read", "b:read"}, 60),
        ),
        (b'{"operator": {"name": 7}, "scope": 7, "expires_in": "soon"}', ("", None, None)),
        (b'{"operator": "Acme", "expires_in": true}', ("", None, None)),
        (b'{"expires_in": 1e300}', ("", None, None)),
    ],
)
def test_a_token_is_read_as_far_as_stora_describes_it(content: bytes, expected: tuple[str, Any, Any]) -> None:
    info = read_token(Answer(200, {}, content), NOW)
    left = info.expires_at and (info.expires_at - NOW).total_seconds()
    assert (info.operator, info.scopes, left) == expected


@pytest.mark.parametrize("content", [b"<html>", b"", b"{}", b"[]", b'{"ok": true}'])
def test_what_describes_no_token_is_no_token(content: bytes) -> None:
    with pytest.raises(StoraDown) as raised:
        read_token(Answer(200, {}, content), NOW)
    assert raised.value.foreign


@pytest.mark.parametrize("status", [200, 302, 404])
async def test_an_address_at_which_something_else_answers_is_told_apart(
    chosen: Chosen, stora: SandboxStora, status: int
) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>Please log in</html>", content_type="text/html", status=status)

    client = {"stora_client_id": stora.client_id, "stora_client_secret": stora.client_secret}
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", page)
    async with serve(application) as url:
        with_token = await check(chosen(stora_api_url=url, stora_webhook_secret="s" * 64))
        with_client = await check(chosen(stora_api_url=url, stora_api_token=None, **client))
    token, sites = about(with_token, "STORA_API_TOKEN"), about(with_token, "Stora's sites")
    assert (token.verdict, sites.verdict) == ("warn", "FAIL")
    address = about(with_client, "STORA_API_URL")
    assert address.verdict == "FAIL"
    for finding in (token, sites, about(with_token, "Stora's webhooks"), address):
        assert "what answers is not Stora's API" in finding.found
        assert finding.mend.startswith("STORA_API_URL answers with something that is not Stora's API")


@pytest.mark.parametrize(("days", "verdict"), [(13, "warn"), (15, "ok")])
async def test_a_token_that_ends_soon_is_worth_a_word(
    chosen: Chosen, stora: SandboxStora, days: int, verdict: str
) -> None:
    client = {"stora_client_id": stora.client_id, "stora_client_secret": stora.client_secret}

    end = (datetime.now(UTC) + timedelta(days=days)).timestamp()

    async def info(_request: web.Request) -> web.Response:
        return web.json_response({"operator": {"name": "Acme"}, "expires_in": end})

    application = web.Application()
    application.router.add_get("/oauth2/token/info", info)
    async with serve(application) as url:
        findings = await check(chosen(stora_api_url=url, **client))
    assert about(findings, "end of STORA_API_TOKEN").verdict == verdict
    assert about(findings, "Stora scopes").verdict == "warn"
    assert about(findings, "Stora's sites").verdict == "FAIL"


async def test_without_webhooks_the_command_that_registers_them_is_printed(chosen: Chosen) -> None:
    webhooks = about(await check(chosen()), "Stora's webhooks")
    assert (webhooks.verdict, "900 s" in webhooks.found, "unitbot webhooks create" in webhooks.mend) == (
        "warn",
        True,
        True,
    )


async def test_an_endpoint_that_is_absent_disabled_or_not_told_everything_is_found(
    chosen: Chosen, stora: SandboxStora
) -> None:
    settings = chosen(stora_webhook_secret="s" * 64)
    assert about(await check(settings), "Stora's webhooks").verdict == "FAIL"
    await register(settings, URL, ("unit.updated",))
    told_little = about(await check(settings), "Stora's webhooks")
    assert (told_little.verdict, "order.created" in told_little.found) == ("warn", True)
    [endpoint_id] = stora.world.webhook_endpoints
    stora.world.disable_webhook_endpoint(endpoint_id, NOW)
    disabled = about(await check(settings), "Stora's webhooks")
    assert (disabled.verdict, f"{URL} is disabled" in disabled.found) == ("FAIL", True)


async def test_a_database_that_cannot_be_used_is_named_without_its_password(chosen: Chosen, tmp_path: Path) -> None:
    findings = await check(chosen(database_url=f"sqlite+aiosqlite:///{tmp_path}/absent/unitbot.db"))
    finding = about(findings, "DATABASE_URL")
    assert (finding.verdict, "absent/unitbot.db" in finding.found) == ("FAIL", True)
    secret = "postgresql+asyncpg://bot:pass-word-1@127.0.0.1:9/bot"
    finding = about(await check(chosen(database_url=secret)), "DATABASE_URL")
    assert finding.verdict == "FAIL"
    assert "pass-word-1" not in finding.line


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (StoraLogin(403, "It lacks a scope.", "r1"), "Stora says: It lacks a scope. (HTTP 403, request r1)"),
        (StoraLogin(401, ""), "Stora says: nothing (HTTP 401)"),
        (Refused(422, "invalid_content", "No.", ("No.", "Really.")), "Stora says: No. Really. (HTTP 422)"),
        (NotFound("No such thing."), "Stora says: No such thing. (HTTP 404)"),
        (StoraBusy(7.2), "the limit of requests is used up for 7 s"),
        (StoraDown("ConnectError"), "Stora does not answer (ConnectError)"),
        (StoraDown("HTTP 302", foreign=True), "what answers is not Stora's API (HTTP 302)"),
        (OutcomeUnknown("ReadError", "r2"), "Stora does not answer (ReadError, request r2)"),
        (DatabaseUnusable("x"), "Stora gives no answer"),
    ],
    ids=repr,
)
def test_a_problem_is_told_in_storas_own_words(problem: Problem, said: str) -> None:
    assert in_words(problem) == said


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://bot.example.com", URL),
        ("https://bot.example.com/", URL),
        (URL, URL),
        (f"{URL}/", URL),
        ("https://example.com:8443/bot", "https://example.com:8443/bot/stora/webhooks"),
        ("http://bot.example.com", None),
        ("bot.example.com", None),
        ("https://a b", None),
    ],
)
def test_an_address_leads_to_our_endpoint_or_is_refused(given: str, url: str | None) -> None:
    assert endpoint_url(given) == url


async def test_an_endpoint_is_registered_once_for_what_the_bot_acts_on(chosen: Chosen, stora: SandboxStora) -> None:
    secret = await register(chosen(), URL)
    [endpoint] = stora.world.webhook_endpoints.values()
    assert (endpoint["secret"], endpoint["url"], tuple(endpoint["event_types"])) == (secret, URL, EVENT_TYPES)
    with pytest.raises(NotRegistered, match="registered and enabled already"):
        await register(chosen(), URL)
    assert len(stora.world.webhook_endpoints) == 1
    stora.world.disable_webhook_endpoint(endpoint["id"], NOW)
    assert await register(chosen(), URL) != secret


async def test_an_answer_that_is_lost_loses_no_secret(chosen: Chosen, stora: SandboxStora) -> None:
    stora.faults.drop_after(method="POST", route="/webhook_endpoints")
    secret = await register(chosen(), URL)
    [endpoint] = stora.world.webhook_endpoints.values()
    assert endpoint["secret"] == secret


async def test_whatever_keeps_it_from_being_registered_is_said(chosen: Chosen, stora: SandboxStora) -> None:
    with pytest.raises(NotRegistered, match="The body is not acceptable"):
        await register(chosen(), URL, ("unit.danced",))
    stora.faults.drop_before(times=None, method="POST")
    with pytest.raises(NotRegistered, match="may have been registered"):
        await register(chosen(), URL)
    stora.faults.clear()
    stora.revoke_tokens()
    with pytest.raises(NotRegistered, match=r"public\.webhook_endpoint:write"):
        await register(chosen(), URL)


class Discreet(World):
    """A Stora that keeps its secrets to itself."""

    @override
    def new_secret(self) -> str:
        return ""


async def test_a_secret_that_stora_does_not_tell_is_missed(chosen: Chosen) -> None:
    async with serve(SandboxStora(Discreet()).application()) as url:
        with pytest.raises(NotRegistered, match="without telling the secret"):
            await register(chosen(stora_api_url=url), URL)


async def command(settings: FixedSettings, *arguments: str) -> tuple[int | None, str, str]:
    """`unitbot …` as a process of its own: exit code, output, complaints."""
    assert settings.stora_api_token
    environment = {
        **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_SIGNING_SECRET": "signing-secret-1",
        "SLACK_API_URL": settings.slack_api_url,
        "STORA_API_URL": settings.stora_api_url,
        "STORA_API_TOKEN": settings.stora_api_token.get_secret_value(),
        "NOTIFY_CHANNEL": settings.notify_channel or "",
        "DATABASE_URL": settings.database_url,
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            output, complaints = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
    return running.returncode, output.decode(), complaints.decode()


async def test_the_command_ends_with_0_when_nothing_failed_and_with_1_otherwise(chosen: Chosen) -> None:
    code, output, complaints = await command(chosen(), "check")
    assert (code, complaints) == (0, "")
    lines = output.splitlines()
    assert len(lines) > 15
    assert {line[:6].strip() for line in lines} == {"ok", "warn"}
    code, output, _ = await command(chosen(notify_channel="C0FRONT"), "check", "--json")
    assert code == 1
    [failed] = [each for each in json.loads(output) if each["verdict"] == "FAIL"]
    assert failed.keys() == {"verdict", "what", "found", "mend"}
    assert "C0FRONT" in failed["what"]


async def test_the_command_registers_and_prints_the_secret(chosen: Chosen, stora: SandboxStora) -> None:
    arguments = ("webhooks", "create", "--url", "https://bot.example.com")
    code, output, complaints = await command(chosen(), *arguments)
    [endpoint] = stora.world.webhook_endpoints.values()
    assert (code, complaints) == (0, "")
    assert f"STORA_WEBHOOK_SECRET={endpoint['secret']}\n" in output
    code, output, complaints = await command(chosen(), *arguments, "--events", "unit.updated")
    assert (code, output) == (1, "")
    assert "already" in complaints


async def test_it_registers_once_and_says_why_not_twice(
    chosen: Chosen, stora: SandboxStora, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = chosen()
    assert settings.stora_api_token
    monkeypatch.setenv("SLACK_BOT_TOKEN", settings.slack_bot_token.get_secret_value())
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "signing-secret-1")
    monkeypatch.setenv("STORA_API_URL", settings.stora_api_url)
    monkeypatch.setenv("STORA_API_TOKEN", settings.stora_api_token.get_secret_value())
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    arguments = ["webhooks", "create", "--url", "https://bot.example.com"]
    try:
        assert await asyncio.to_thread(unitbot, arguments) == 0
        [endpoint] = stora.world.webhook_endpoints.values()
        assert f"STORA_WEBHOOK_SECRET={endpoint['secret']}\n" in capsys.readouterr().out
        assert await asyncio.to_thread(unitbot, arguments) == 1
        assert "already" in capsys.readouterr().err
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.mark.parametrize("arguments", [("check",), ("webhooks", "create", "--url", "https://bot.example.com")])
def test_bad_settings_end_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(arguments) == 2
    output, complaints = capsys.readouterr()
    assert output == ""
    assert "SLACK_BOT_TOKEN: is missing" in complaints


def test_an_address_that_stora_cannot_reach_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", "xapp-1"), ("STORA_API_TOKEN", "token")):
        monkeypatch.setenv(name, value)
    assert unitbot(["webhooks", "create", "--url", "http://bot.example.com"]) == 2
    assert capsys.readouterr().err.startswith("--url:")
