"""Modals and Home tabs through the real slack_sdk client."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import SandboxSlack

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(title: str = "Reserve", *blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain(title), "blocks": list(blocks), **more}


def header(text: str) -> Json:
    return {"type": "header", "text": plain(text)}


HOME = {"type": "home", "blocks": [{"type": "divider"}]}


def trigger(slack: SandboxSlack, *, in_modal: bool = False) -> str:
    return slack.state.tickets.trigger("U0FIONA", in_modal=in_modal)


async def test_a_trigger_opens_one_modal(slack: SandboxSlack, client: AsyncWebClient) -> None:
    key = trigger(slack)

    answer = await client.views_open(
        trigger_id=key, view=modal("Reserve", callback_id="reserve", private_metadata="A-012")
    )

    view = slack.workspace.modal("U0FIONA")
    assert view is not None
    assert (view.title, view.callback_id, view.private_metadata) == ("Reserve", "reserve", "A-012")
    assert (answer["view"]["id"], answer["view"]["hash"]) == (view.id, view.hash)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=key, view=modal())


async def test_a_trigger_lives_for_three_seconds(
    slack: SandboxSlack, client: AsyncWebClient, clock: list[float]
) -> None:
    first, second = trigger(slack), trigger(slack)

    clock[0] += 3
    await client.views_open(trigger_id=first, view=modal())
    clock[0] += 0.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=second, view=modal())
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="made up", view=modal())


async def test_a_view_that_breaks_a_rule_spends_no_trigger(slack: SandboxSlack, client: AsyncWebClient) -> None:
    key = trigger(slack)

    with pytest.raises(SlackApiError) as refused:
        await client.views_open(trigger_id=key, view=modal("A title of twenty-five ch"))

    assert refused.value.response["error"] == "invalid_arguments"
    assert slack.problems == ["views.open: title: 25 characters, at most 24"]
    await client.views_open(trigger_id=key, view=modal())


async def test_a_view_has_to_be_of_the_right_type(slack: SandboxSlack, client: AsyncWebClient) -> None:
    for wrong in (HOME, "a modal"):
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.api_call("views.open", json={"trigger_id": trigger(slack), "view": wrong})

    assert slack.problems[0] == "views.open: view: not a view of type modal"


async def test_a_view_that_is_too_large_has_its_own_error(slack: SandboxSlack, client: AsyncWebClient) -> None:
    block = {"type": "section", "text": plain("x" * 3000)}

    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(trigger_id=trigger(slack), view=modal("Large", *[block] * 90))


async def test_a_new_root_takes_the_place_of_what_was_open(slack: SandboxSlack, client: AsyncWebClient) -> None:
    await client.views_open(trigger_id=trigger(slack), view=modal("One"))
    first = slack.workspace.modal("U0FIONA")
    await client.views_open(trigger_id=trigger(slack), view=modal("Two"))

    assert [view.title for view in slack.workspace.modals["U0FIONA"]] == ["Two"]
    assert first is not None
    assert first.open is False


async def test_three_modals_lie_on_top_of_each_other_at_most(slack: SandboxSlack, client: AsyncWebClient) -> None:
    await client.views_open(trigger_id=trigger(slack), view=modal("One"))
    for title in ("Two", "Three"):
        await client.views_push(trigger_id=trigger(slack, in_modal=True), view=modal(title))

    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=trigger(slack, in_modal=True), view=modal("Four"))
    one, two, three = slack.workspace.modals["U0FIONA"]
    assert (three.root_view_id, three.previous_view_id, one.previous_view_id) == (one.id, two.id, None)


async def test_only_an_act_within_a_modal_pushes(slack: SandboxSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=trigger(slack, in_modal=True), view=modal())
    await client.views_open(trigger_id=trigger(slack), view=modal())
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=trigger(slack), view=modal())


async def test_an_update_by_hash_is_refused_after_another_one(slack: SandboxSlack, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=trigger(slack), view=modal("Loading")))["view"]

    await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal("Loaded"))

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal("Late"))
    view = slack.workspace.modal("U0FIONA")
    assert view is not None
    assert (view.title, view.updated) == ("Loaded", 1)


async def test_a_view_is_found_by_its_external_id_which_is_unique(slack: SandboxSlack, client: AsyncWebClient) -> None:
    await client.views_open(trigger_id=trigger(slack), view=modal("One", external_id="reserve-1"))

    await client.views_update(external_id="reserve-1", view=modal("Two", external_id="reserve-1"))

    view = slack.workspace.modal("U0FIONA")
    assert view is not None
    assert view.title == "Two"
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await client.views_push(trigger_id=trigger(slack, in_modal=True), view=modal("Three", external_id="reserve-1"))
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(external_id="reserve-2", view=modal("Two"))


async def test_an_update_names_its_view_in_one_way(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.api_call("views.update", json={"view_id": "V1", "external_id": "one", "view": modal()})
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id="V1", view=modal())


async def test_blocks_of_a_home_tab_keep_their_ids_while_they_stay_the_same(
    slack: SandboxSlack, client: AsyncWebClient
) -> None:
    async def published(*blocks: Json) -> list[str]:
        await client.views_publish(user_id="U0FIONA", view={"type": "home", "blocks": list(blocks)})
        return [block["block_id"] for block in slack.workspace.homes["U0FIONA"].blocks]

    line, words, others = {"type": "divider"}, header("Units"), header("Nothing")
    above, title, below = await published(line, words, line)
    assert len({above, title, below}) == 3
    assert (await published(line, others, line))[::2] == [above, below]
    assert title not in await published(words), "what was gone comes back as another block"


async def test_a_home_tab_is_published_to_one_person_and_kept(slack: SandboxSlack, client: AsyncWebClient) -> None:
    first = (await client.views_publish(user_id="U0FIONA", view=HOME))["view"]
    again = (await client.views_publish(user_id="U0FIONA", view=HOME, hash=first["hash"]))["view"]

    assert slack.workspace.homes.keys() == {"U0FIONA"}
    assert (again["id"], again["hash"] != first["hash"]) == (first["id"], True)
    assert slack.workspace.homes["U0FIONA"].title == ""
    assert again["blocks"] == first["blocks"], "what is the same is the same block"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id="U0FIONA", view=HOME, hash=first["hash"])
    for nobody in ("U0NOBODY", "U0UNITBOT"):
        with pytest.raises(SlackApiError, match="user_not_found"):
            await client.views_publish(user_id=nobody, view=HOME)
