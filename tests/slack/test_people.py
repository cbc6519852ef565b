"""Who is a member, a guest or a stranger, and how long that is believed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor, Standing
from bot.sandbox.loopback import serve
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.slack.groups import UserGroups
from bot.slack.people import KNOWN_FOR, MOST_KNOWN, Home, People, standing_of

TEAM = Home("T1", None)
ORGANISATION = Home("T1", "E1")


@pytest.mark.parametrize(
    ("user", "home", "standing"),
    [
        ({}, TEAM, "member"),
        ({"team_id": "T1"}, TEAM, "member"),
        ({"team_id": "T1", "is_restricted": False, "is_stranger": None}, TEAM, "member"),
        ({"team_id": "T1", "is_restricted": True}, TEAM, "guest"),
        ({"team_id": "T1", "is_ultra_restricted": True}, TEAM, "guest"),
        ({"team_id": "T1", "is_stranger": True}, TEAM, "stranger"),
        ({"team_id": "T2"}, TEAM, "stranger"),
        ({"team_id": "T2", "is_restricted": True}, TEAM, "stranger"),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2"}}, TEAM, "stranger"),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}, ORGANISATION, "member"),
        ({"team_id": "T1", "enterprise_user": {"enterprise_id": "E2"}}, ORGANISATION, "stranger"),
        ({"team_id": "T1"}, ORGANISATION, "member"),
        ({"team_id": "T2"}, ORGANISATION, "stranger"),
        ({"team_id": "T1", "enterprise_user": {}}, ORGANISATION, "member"),
        ({"enterprise_user": {"enterprise_id": "E1"}, "is_restricted": True}, ORGANISATION, "guest"),
    ],
)
def test_what_slack_marks_decides(user: dict[str, Any], home: Home, standing: Standing) -> None:
    assert standing_of(user, home) == standing


@pytest.fixture
async def slack() -> AsyncIterator[SandboxSlack]:
    slack = SandboxSlack(demo_workspace(), scopes=["users:read", "usergroups:read"])
    async with slack.serving():
        yield slack
        assert slack.problems == []


def people(slack: SandboxSlack, now: list[float], *group_ids: str) -> People:
    client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])
    return People(client, Home("T0HARBOUR", None), UserGroups(client, group_ids, lambda: now[0]), lambda: now[0])


def methods(slack: SandboxSlack) -> list[str]:
    return [call.method for call in slack.calls]


async def test_slack_is_asked_once_and_again_when_it_may_have_changed(slack: SandboxSlack) -> None:
    now = [0.0]
    known = people(slack, now)
    assert [(await known.looker("U0GUS")).standing for _ in range(3)] == ["guest"] * 3
    now[0] = KNOWN_FOR - 1
    slack.workspace.person("U0GUS").is_restricted = False
    assert (await known.looker("U0GUS")).standing == "guest"
    assert len(slack.called("users.info")) == 1
    now[0] = KNOWN_FOR
    assert (await known.looker("U0GUS")).standing == "member"


async def test_who_only_looks_is_not_looked_up_in_groups(slack: SandboxSlack) -> None:
    known = people(slack, [0.0], "S0FRONT")
    assert await known.looker("U0FIONA") == Actor("U0FIONA", "member")
    assert methods(slack) == ["users.info"]


async def test_who_acts_comes_with_the_groups_that_the_settings_name(slack: SandboxSlack) -> None:
    known = people(slack, [0.0], "S0FRONT", "S0OPS")
    assert await known.actor("U0FIONA") == Actor("U0FIONA", "member", frozenset({"S0FRONT"}))
    assert await known.actor("U0NADIA") == Actor("U0NADIA", "member")
    assert sorted(methods(slack)) == ["usergroups.users.list"] * 2 + ["users.info"] * 2


async def test_groups_that_slack_did_not_tell_of_are_named(slack: SandboxSlack) -> None:
    slack.faults.error("plan_upgrade_required", "usergroups.users.list", times=None)
    actor = await people(slack, [0.0], "S0FRONT").actor("U0FIONA")
    assert actor == Actor("U0FIONA", "member", frozenset(), frozenset({"S0FRONT"}))


@pytest.mark.parametrize(
    ("user_id", "standing"), [("U0GUS", "guest"), ("U0SAM", "stranger"), ("U0NOBODY", "unverified")]
)
async def test_no_group_changes_what_others_than_members_may_do(
    slack: SandboxSlack, user_id: str, standing: Standing
) -> None:
    slack.workspace.group("S0FRONT").members.append(user_id)
    assert await people(slack, [0.0], "S0FRONT").actor(user_id) == Actor(user_id, standing)
    assert methods(slack) == ["users.info"]


@pytest.mark.parametrize("trouble", ["user_not_found", "500", "429", "dropped"])
async def test_a_lookup_that_fails_grants_nothing_and_is_not_remembered(slack: SandboxSlack, trouble: str) -> None:
    match trouble:
        case "500":
            slack.faults.status(500, "users.info")
        case "429":
            slack.faults.rate_limit("users.info")
        case "dropped":
            slack.faults.drop_before("users.info", times=2)  # aiohttp itself tries a dropped GET again
        case name:
            slack.faults.error(name, "users.info")
    known = people(slack, [0.0])
    assert (await known.actor("U0FIONA")).standing == "unverified"
    assert (await known.actor("U0FIONA")).standing == "member"


async def test_ten_clicks_at_once_cost_one_lookup(slack: SandboxSlack) -> None:
    known = people(slack, [0.0], "S0FRONT")
    actors = await asyncio.gather(*(known.actor("U0FIONA") for _ in range(10)))
    assert set(actors) == {Actor("U0FIONA", "member", frozenset({"S0FRONT"}))}
    assert sorted(methods(slack)) == ["usergroups.users.list", "users.info"]


async def test_an_answer_without_a_user_in_it_is_none() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "user": None})

    application = web.Application()
    application.router.add_route("*", "/users.info", answer)
    async with serve(application) as url:
        client = AsyncWebClient("xoxb-1", base_url=f"{url}/", retry_handlers=[])
        assert (await People(client, TEAM, UserGroups(client, ())).looker("U1")).standing == "unverified"


async def test_people_have_the_name_that_colleagues_know(slack: SandboxSlack) -> None:
    known = people(slack, [0.0])
    assert await known.name_of("U0FIONA") == "Fiona Clarke"
    assert await known.name_of("U0FIONA") == "Fiona Clarke"
    assert methods(slack) == ["users.info"]
    slack.workspace.person("U0OMAR").real_name = ""
    assert await known.name_of("U0OMAR") == "omar"
    slack.workspace.person("U0NADIA").real_name = slack.workspace.person("U0NADIA").name = ""
    assert await known.name_of("U0NADIA") == "U0NADIA"


async def test_a_person_whom_slack_does_not_tell_of_goes_by_the_id(slack: SandboxSlack) -> None:
    slack.faults.error("internal_error", "users.info")
    known = people(slack, [0.0])
    assert await known.name_of("U0FIONA") == "U0FIONA"
    assert await known.name_of("U0FIONA") == "Fiona Clarke"


async def test_what_is_remembered_does_not_grow_without_end(slack: SandboxSlack) -> None:
    known = people(slack, [0.0])
    known._known.update({f"U{number}": (0.0, "member") for number in range(MOST_KNOWN)})
    known._names.update({f"U{number}": "Jane Doe" for number in range(MOST_KNOWN)})
    assert (await known.actor("U0FIONA")).standing == "member"
    assert len(known._known) == len(known._names) == 1
