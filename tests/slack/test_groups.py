"""Who is in which user group: asked once in a while, forgotten when Slack says so, and never guessed."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from bot.slack.groups import KNOWN_FOR, Membership, UserGroups

METHOD = "usergroups.users.list"


@pytest.fixture
async def slack() -> AsyncIterator[SandboxSlack]:
    slack = SandboxSlack(demo_workspace(), scopes=["usergroups:read"])
    async with slack.serving():
        yield slack
        assert slack.problems == []


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


def groups(slack: SandboxSlack, clock: list[float], *group_ids: str) -> UserGroups:
    client = AsyncWebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])
    return UserGroups(client, group_ids, lambda: clock[0])


def asked(slack: SandboxSlack) -> list[str]:
    return sorted(call.arguments["usergroup"] for call in slack.called(METHOD))


def of(*group_ids: str, unknown: tuple[str, ...] = ()) -> Membership:
    return Membership(frozenset(group_ids), frozenset(unknown))


async def test_a_person_is_in_the_groups_that_slack_lists_them_in(slack: SandboxSlack, clock: list[float]) -> None:
    slack.workspace.group("S0OPS").members.append("U0FIONA")
    known = groups(slack, clock, "S0FRONT", "S0OPS", "S0FRONT")
    assert await known.of("U0FIONA") == of("S0FRONT", "S0OPS")
    assert await known.of("U0OMAR") == of("S0OPS")
    assert await known.of("U0NADIA") == of()
    assert asked(slack) == ["S0FRONT", "S0OPS"]


async def test_without_groups_in_the_settings_slack_is_not_asked(slack: SandboxSlack, clock: list[float]) -> None:
    assert await groups(slack, clock).of("U0FIONA") == of()
    assert slack.calls == []


async def test_ten_at_once_cost_one_question_for_each_group(slack: SandboxSlack, clock: list[float]) -> None:
    known = groups(slack, clock, "S0FRONT", "S0OPS")
    assert await asyncio.gather(*(known.of("U0FIONA") for _ in range(10))) == [of("S0FRONT")] * 10
    assert asked(slack) == ["S0FRONT", "S0OPS"]


async def test_slack_is_asked_about_all_groups_at_the_same_time(slack: SandboxSlack, clock: list[float]) -> None:
    held = slack.faults.hold(METHOD, times=2)
    asking = asyncio.create_task(groups(slack, clock, "S0FRONT", "S0OPS").of("U0FIONA"))
    await held.reached.wait()
    async with asyncio.timeout(2):
        while held in slack.faults.armed:
            await asyncio.sleep(0.002)
    held.release()
    assert await asking == of("S0FRONT")


async def test_members_are_believed_for_five_minutes(slack: SandboxSlack, clock: list[float]) -> None:
    known = groups(slack, clock, "S0FRONT")
    assert await known.of("U0FIONA") == of("S0FRONT")
    slack.workspace.group("S0FRONT").members.clear()
    clock[0] = KNOWN_FOR - 1
    assert await known.of("U0FIONA") == of("S0FRONT")
    clock[0] = KNOWN_FOR
    assert await known.of("U0FIONA") == of()
    assert asked(slack) == ["S0FRONT"] * 2


async def test_a_change_that_slack_tells_of_counts_at_once(slack: SandboxSlack, clock: list[float]) -> None:
    known = groups(slack, clock, "S0FRONT", "S0OPS")
    assert await known.of("U0FIONA") == of("S0FRONT")
    slack.workspace.group("S0FRONT").members.clear()
    known.forget("S0FRONT")
    known.forget("S0OTHER")
    known.forget("")
    assert await known.of("U0FIONA") == of()
    assert await known.of("U0FIONA") == of()
    assert asked(slack) == ["S0FRONT", "S0FRONT", "S0OPS"]


async def test_an_answer_from_before_a_change_is_neither_remembered_nor_given_to_who_asks_after_it(
    slack: SandboxSlack, clock: list[float]
) -> None:
    known = groups(slack, clock, "S0FRONT")
    held = slack.faults.hold(METHOD)
    before = asyncio.create_task(known.of("U0NADIA"))
    await held.reached.wait()
    known.forget("S0FRONT")
    slack.workspace.group("S0FRONT").members.append("U0NADIA")
    async with asyncio.timeout(2):
        assert await known.of("U0NADIA") == of("S0FRONT"), "while the first question is still under way"
    slack.workspace.group("S0FRONT").members.remove("U0NADIA")
    held.release()
    assert await before == of(), "its answer is whatever Slack said"
    assert await known.of("U0NADIA") == of("S0FRONT"), "the later answer is the one that counts"
    assert asked(slack) == ["S0FRONT"] * 2


async def test_a_change_during_the_only_lookup_leaves_nothing_remembered(
    slack: SandboxSlack, clock: list[float]
) -> None:
    known = groups(slack, clock, "S0FRONT")
    held = slack.faults.hold(METHOD)
    asking = asyncio.create_task(known.of("U0FIONA"))
    await held.reached.wait()
    known.forget("S0FRONT")
    held.release()
    assert await asking == of("S0FRONT")
    slack.workspace.group("S0FRONT").members.clear()
    assert await known.of("U0FIONA") == of()


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("plan_upgrade_required", "plan_upgrade_required"),
        ("no_such_subteam", "no_such_subteam"),
        ("missing_scope", "missing_scope"),
        ("429", "ratelimited"),
        ("503", "HTTP 503"),
        ("dropped", "ServerDisconnectedError"),
    ],
)
async def test_a_group_that_cannot_be_looked_up_grants_nothing_and_is_asked_about_again(
    slack: SandboxSlack, clock: list[float], trouble: str, said: str
) -> None:
    match trouble:
        case "429":
            slack.faults.rate_limit(METHOD)
        case "503":
            slack.faults.status(503, METHOD)
        case "dropped":
            slack.faults.drop_before(METHOD, times=2)  # aiohttp itself tries a dropped GET again
        case name:
            slack.faults.error(name, METHOD)
    known = groups(slack, clock, "S0FRONT")
    with capture_logs() as logs:
        assert await known.of("U0FIONA") == of(unknown=("S0FRONT",))
    assert [(line["log_level"], line["group"], line["error"]) for line in logs] == [("warning", "S0FRONT", said)]
    assert await known.of("U0FIONA") == of("S0FRONT")


async def test_a_group_that_does_not_exist_leaves_the_others_known(slack: SandboxSlack, clock: list[float]) -> None:
    assert await groups(slack, clock, "S0GONE", "S0FRONT").of("U0FIONA") == of("S0FRONT", unknown=("S0GONE",))


async def test_members_from_before_are_no_substitute_for_an_answer(slack: SandboxSlack, clock: list[float]) -> None:
    known = groups(slack, clock, "S0FRONT")
    await known.of("U0FIONA")
    clock[0] = KNOWN_FOR
    slack.faults.status(503, METHOD)
    assert await known.of("U0FIONA") == of(unknown=("S0FRONT",))


async def test_an_empty_group_is_known_to_be_empty(slack: SandboxSlack, clock: list[float]) -> None:
    slack.workspace.group("S0FRONT").members.clear()
    known = groups(slack, clock, "S0FRONT")
    assert await known.of("U0FIONA") == await known.of("U0FIONA") == of()
    assert asked(slack) == ["S0FRONT"]
