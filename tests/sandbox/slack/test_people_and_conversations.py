"""Who is there and where: users, user groups, conversations, through the real slack_sdk client."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.nouns import Person, UserGroup
from bot.sandbox.slack.server import SandboxSlack


async def test_the_token_belongs_to_the_bot(slack: SandboxSlack, client: AsyncWebClient) -> None:
    answer = await client.auth_test()

    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0HARBOUR", "U0UNITBOT", "B0UNITBOT")
    assert "enterprise_id" not in answer.data
    assert answer.headers["x-oauth-scopes"] == ",".join(sorted(slack.state.scopes))


async def test_an_enterprise_is_named_everywhere(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.workspace.enterprise_id = "E0HARBOUR"
    slack.workspace.person("U0OMAR").enterprise_id = "E0HARBOUR"

    assert (await client.auth_test())["enterprise_id"] == "E0HARBOUR"
    person = (await client.users_info(user="U0OMAR"))["user"]
    assert person["enterprise_user"] == {"id": "U0OMAR", "enterprise_id": "E0HARBOUR"}


async def test_a_bot_knows_itself_and_no_other(client: AsyncWebClient) -> None:
    assert (await client.bots_info(bot="B0UNITBOT"))["bot"]["user_id"] == "U0UNITBOT"
    with pytest.raises(SlackApiError, match="bot_not_found"):
        await client.bots_info(bot="B0OTHER")


async def test_guests_and_strangers_are_marked_as_slack_marks_them(client: AsyncWebClient) -> None:
    omar = (await client.users_info(user="U0OMAR"))["user"]
    gus = (await client.users_info(user="U0GUS"))["user"]
    sam = (await client.users_info(user="U0SAM"))["user"]

    assert (omar["is_restricted"], omar["is_admin"], "is_stranger" in omar) == (False, True, False)
    assert gus["is_restricted"] is True
    assert (sam["is_stranger"], sam["team_id"], "is_restricted" in sam) == (True, "T0SEAWALL", False)


async def test_nobody_is_not_found(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="user_not_found"):
        await client.users_info(user="U0NOBODY")


async def test_an_email_address_needs_its_own_scope(slack: SandboxSlack, client: AsyncWebClient) -> None:
    assert "email" not in (await client.users_info(user="U0OMAR"))["user"]["profile"]

    slack.state.scopes |= {"users:read.email"}

    assert (await client.users_info(user="U0OMAR"))["user"]["profile"]["email"] == "omar@harbour.example"
    assert "email" not in (await client.users_info(user="U0UNITBOT"))["user"]["profile"]


async def test_everybody_is_listed_in_pages(slack: SandboxSlack, client: AsyncWebClient) -> None:
    names = []
    cursor: str | None = None
    while cursor != "":
        answer = await client.users_list(limit=4, cursor=cursor)
        names += [member["name"] for member in answer["members"]]
        cursor = answer["response_metadata"]["next_cursor"]

    assert names == [person.name for person in slack.workspace.people.values()]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        ("invalid_limit", {"limit": 0}),
        ("invalid_limit", {"limit": 1001}),
        ("invalid_cursor", {"cursor": "next"}),
        ("invalid_cursor", {"cursor": "from:99"}),
        ("invalid_cursor", {"cursor": "from:x"}),
    ],
)
async def test_a_page_that_does_not_exist_is_refused(client: AsyncWebClient, error: str, asked: dict[str, str]) -> None:
    with pytest.raises(SlackApiError, match=error):
        await client.api_call("users.list", params=asked)


async def test_user_groups_are_listed_with_members_when_asked(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.workspace.groups["S0GONE"] = UserGroup("S0GONE", "Gone", "gone", ["U0GUS"], disabled=True)

    plain = (await client.usergroups_list())["usergroups"]
    full = (await client.usergroups_list(include_users=True, include_count=True, include_disabled=True))["usergroups"]

    assert [group["id"] for group in plain] == ["S0FRONT", "S0OPS"]
    assert "users" not in plain[0]
    assert [(group["id"], group["users"], group["user_count"]) for group in full] == [
        ("S0FRONT", ["U0FIONA"], 1),
        ("S0OPS", ["U0OMAR"], 1),
        ("S0GONE", ["U0GUS"], 1),
    ]


async def test_the_members_of_a_user_group_can_be_read_while_it_is_enabled(
    slack: SandboxSlack, client: AsyncWebClient
) -> None:
    assert (await client.usergroups_users_list(usergroup="S0FRONT"))["users"] == ["U0FIONA"]

    slack.workspace.group("S0FRONT").disabled = True

    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await client.usergroups_users_list(usergroup="S0FRONT")
    assert (await client.usergroups_users_list(usergroup="S0FRONT", include_disabled=True))["users"] == ["U0FIONA"]
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await client.usergroups_users_list(usergroup="S0NONE")


async def test_a_conversation_tells_whether_the_bot_is_in_it(client: AsyncWebClient) -> None:
    reservations = (await client.conversations_info(channel="C0RESERVE", include_num_members=True))["channel"]
    front = (await client.conversations_info(channel="C0FRONT"))["channel"]
    direct = (await client.conversations_info(channel="D0FIONA"))["channel"]

    assert (reservations["name"], reservations["is_member"], reservations["num_members"]) == ("reservations", True, 5)
    assert (front["is_member"], "num_members" in front) == (False, False)
    assert (direct["is_im"], direct["user"]) == (True, "U0FIONA")


async def test_a_private_channel_without_the_bot_does_not_exist_for_it(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.conversations_info(channel="C0MANAGER")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.conversations_members(channel="C0NOWHERE")


async def test_each_kind_of_conversation_has_its_own_scope(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.state.scopes -= {"channels:read"}

    with pytest.raises(SlackApiError) as refused:
        await client.conversations_info(channel="C0RESERVE")

    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "channels:read"
    assert "channels:read" not in refused.value.response["provided"]
    assert (await client.conversations_info(channel="D0FIONA"))["ok"]


async def test_without_any_scope_a_conversation_is_not_even_looked_for(
    slack: SandboxSlack, client: AsyncWebClient
) -> None:
    slack.state.scopes = frozenset()

    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.conversations_info(channel="C0NOWHERE")


async def test_the_members_of_a_channel_come_in_pages(client: AsyncWebClient) -> None:
    first = await client.conversations_members(channel="C0APPROVE", limit=3)
    second = await client.conversations_members(
        channel="C0APPROVE", limit=3, cursor=first["response_metadata"]["next_cursor"]
    )

    assert first["members"] + second["members"] == ["U0FIONA", "U0NADIA", "U0OMAR", "U0UNITBOT"]
    assert second["response_metadata"]["next_cursor"] == ""


async def test_channels_are_listed_by_type(client: AsyncWebClient) -> None:
    public = (await client.conversations_list())["channels"]
    current = (await client.conversations_list(types="public_channel,private_channel", exclude_archived=True))[
        "channels"
    ]

    assert [channel["id"] for channel in public] == ["C0FRONT", "C0RESERVE", "C0APPROVE", "C0PARTNER", "C0OLD"]
    assert [channel["id"] for channel in current] == ["C0FRONT", "C0RESERVE", "C0APPROVE", "C0PARTNER"]
    with pytest.raises(SlackApiError, match="invalid_types"):
        await client.conversations_list(types="mpim")


async def test_direct_messages_open_with_people_only(slack: SandboxSlack, client: AsyncWebClient) -> None:
    slack.workspace.add_person(Person("U0GONE", "gone", "Gone", "T0HARBOUR", deleted=True))
    assert (await client.conversations_open(users="U0FIONA"))["channel"] == {"id": "D0FIONA"}
    assert (await client.conversations_open(users=["U0FIONA"], return_im=True))["channel"]["user"] == "U0FIONA"

    for users, error in {
        "U0FIONA,U0OMAR": "method_not_supported_for_channel_type",
        "U0NOBODY": "user_not_found",
        "U0UNITBOT": "cannot_dm_bot",
        "U0GONE": "user_disabled",
    }.items():
        with pytest.raises(SlackApiError, match=error):
            await client.conversations_open(users=users)


@pytest.mark.parametrize(("kind", "found"), [("person", "U0FIONA"), ("channel", "C0FRONT"), ("group", "S0FRONT")])
def test_an_unknown_id_is_answered_with_those_that_exist(slack: SandboxSlack, kind: str, found: str) -> None:
    look = {
        "person": slack.workspace.person,
        "channel": slack.workspace.channel,
        "group": slack.workspace.group,
    }[kind]

    assert look(found)
    with pytest.raises(KeyError, match=f"there are .*{found}"):
        look("X0NONE")
