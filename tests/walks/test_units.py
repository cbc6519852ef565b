"""`/units`: from a signed Slack request to what Slack and Stora received."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.demo import Demo, demo
from bot.sandbox.slack.nouns import Message
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from tests.walks.conftest import Town, a_slack, a_stora

FIONA, GUS, SAM, NADIA = "U0FIONA", "U0GUS", "U0SAM", "U0NADIA"
DESK, PARTNERS = "C0FRONT", "C0PARTNER"
ROW = re.compile(r"^\*(.+?)\*(?: · |\n)")


def rows(message: Message) -> list[str]:
    """The references that a list shows, in order, as Slack got them."""
    sections = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    return [match[1] for section in sections if (match := ROW.match(section))]


def labels(message: Message) -> list[str]:
    elements = [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]
    return [element["text"]["text"] for element in elements]


def answer(reaction: Reaction) -> Message:
    """The bot's one message; the command itself is shown to everybody when its answer is."""
    said = [message for message in reaction.messages if message.user == "U0UNITBOT"]
    # Meanwhile the bot may also have told other channels something.
    [message] = [message for message in said if message.channel == DESK] or said
    return message


def everything(message: Message) -> str:
    return message.text + str(message.blocks)


def site_named(world: World, name: str) -> str:
    return next(str(site["id"]) for site in world.sites.values() if site["name"] == name)


def expected(world: World, status: str | None, site_id: str) -> set[str]:
    """What a colleague would count in the Backoffice, as Slack shows it."""
    units = [unit for unit in world.units.values() if unit["site"]["id"] == site_id]
    return {str(unit["reference_id"]) for unit in units if status is None or unit["status"] == status}


def plain(references: list[str]) -> set[str]:
    return {text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in references}


async def test_a_command_is_answered_in_its_acknowledgement_and_costs_stora_nothing(both_ways: Demo) -> None:
    reaction = await both_ways.slack.command(FIONA, DESK, "/units site=Camden status=available")
    assert reaction.ok
    assert reaction.body["response_type"] == "ephemeral"
    message = answer(reaction)
    assert message.ephemeral_to == FIONA
    camden = site_named(both_ways.stora.world, "Camden")
    free = expected(both_ways.stora.world, "available", camden)
    assert plain(rows(message)) <= free
    assert f"{len(free)} unit" in everything(message)
    assert both_ways.stora.received == []
    at_the_start = {"auth.test", "apps.connections.open"}
    asked = {call.method for call in both_ways.slack.calls} - at_the_start
    assert asked == {"users.info", "usergroups.users.list"}  # who is this; and never auth.test again


async def test_turning_pages_shows_every_unit_exactly_once_and_replaces_the_message(both_ways: Demo) -> None:
    message = answer(await both_ways.slack.command(FIONA, DESK, "/units site=Camden status=any limit=7"))
    pages = [rows(message)]
    while "Next" in labels(message):
        turned = await both_ways.slack.click(FIONA, message, label="Next")
        await both_ways.slack.until(lambda turned=turned: turned.messages)  # type: ignore[misc]
        assert [each.ts for each in turned.messages] == [message.ts]
        pages.append(rows(message))
    camden = site_named(both_ways.stora.world, "Camden")
    shown = [reference for page in pages for reference in page]
    assert len(shown) == len(set(shown))
    assert plain(shown) == expected(both_ways.stora.world, None, camden)
    back = await both_ways.slack.click(FIONA, message, label="Previous")
    await both_ways.slack.until(lambda: back.messages)
    assert rows(message) == pages[-2]
    assert both_ways.stora.received == []


async def test_a_page_can_be_turned_after_a_restart_of_the_bot() -> None:
    slack, stora = a_slack(), a_stora()
    limits: dict[str, Any] = {"stora_requests_per_second": 1000, "stora_requests_per_minute": 10_000}
    async with demo(slack=slack, stora=stora, **limits) as before:
        await before.bot.directory.sweep()
        message = answer(await slack.command(FIONA, DESK, "/units status=any limit=5"))
        first = rows(message)
    stora.application()
    async with demo(slack=slack, stora=stora, **limits) as after:
        await after.bot.directory.sweep()
        await slack.click(FIONA, message, label="Next")
        await slack.until(lambda: rows(message) != first)
        assert "page 2 of" in everything(message)
    assert slack.problems == []


async def test_refresh_asks_stora_once_and_shows_what_changed_meanwhile(both_ways: Demo) -> None:
    world = both_ways.stora.world
    message = answer(await both_ways.slack.command(FIONA, DESK, "/units site=Camden"))
    taken = next(reference for reference in rows(message) if reference.startswith("A-"))
    unit = world.unit_named(taken, "Camden")
    world.set_status(unit["id"], "unavailable", datetime.now(UTC))
    refreshed = await both_ways.slack.click(FIONA, message, label="Refresh")
    await both_ways.slack.until(lambda: refreshed.messages)
    assert taken not in rows(message)
    assert [(each.method, each.route) for each in both_ways.stora.received] == [("GET", "/units")]
    card = answer(await both_ways.slack.command(FIONA, DESK, f"/units {taken} Camden"))
    assert "Changed just now" in everything(card)  # one call cannot tell what it changed to
    renewed = await both_ways.slack.click(FIONA, card, label="Refresh")
    await both_ways.slack.until(lambda: renewed.messages)
    assert "Unavailable" in everything(card)
    assert [each.route for each in both_ways.stora.received] == ["/units", "/units/{unit_id}"]


@pytest.mark.parametrize("typed", ["/units A-012 Camden", "/units site=camden a012", "/units “A-012” site=‘Camden’"])
async def test_a_reference_shows_the_units_card_with_a_button_to_its_backoffice_page(town: Town, typed: str) -> None:
    at_work = await town()
    unit = at_work.stora.world.unit_named("A-012", "Camden")
    card = answer(await at_work.slack.command(FIONA, DESK, typed))
    assert unit["id"] in everything(card)
    [page] = [element for element in card.blocks[-1]["elements"] if element["text"]["text"] == "Open in Backoffice"]
    assert page["url"].startswith("https://app.stora.test/")
    assert unit["id"] in page["url"]
    opened = await at_work.slack.click(FIONA, card, label="Open in Backoffice")
    assert opened.ok  # or Slack would show a warning triangle beside the button
    assert opened.messages == []
    assert at_work.stora.received == []


async def test_an_id_shows_the_card_too_whatever_the_units_status(town: Town) -> None:
    at_work = await town()
    unit = next(unit for unit in at_work.stora.world.units.values() if unit["status"] == "occupied")
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {unit['id']}"))
    assert "Occupied" in everything(card)


async def test_a_reference_that_sites_share_shows_them_all_to_choose_from(town: Town) -> None:
    at_work = await town()
    world = at_work.stora.world
    sites = [unit["site"]["id"] for unit in world.units.values() if unit["reference_id"] == "A-001"]
    assert len(sites) > 1
    message = answer(await at_work.slack.command(FIONA, DESK, "/units A-001"))
    assert rows(message) == ["A-001"] * len(sites)
    assert all(world.sites[site]["name"] in message.text for site in sites)


async def test_every_row_leads_to_its_backoffice_page(town: Town) -> None:
    at_work = await town()
    message = answer(await at_work.slack.command(FIONA, DESK, "/units site=Hackney limit=15 status=any"))
    links = re.findall(r"<(https://app\.stora\.test/[^|>]+)\|", everything(message))
    assert len(links) == len(rows(message)) == 15


async def test_an_empty_path_in_the_settings_turns_off_what_stora_itself_does_not_link(town: Town) -> None:
    at_work = await town(backoffice_unit_path="")
    own = [unit for unit in at_work.stora.world.units.values() if "bo:view_unit" in unit.get("_links", {})]
    other = [unit for unit in at_work.stora.world.units.values() if "_links" not in unit]
    assert own
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {own[0]['id']}"))
    assert "Open in Backoffice" in labels(card)
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {other[0]['id']}"))
    assert "Open in Backoffice" not in labels(card)


async def test_share_posts_the_answer_for_everybody_and_keeps_doing_so(both_ways: Demo) -> None:
    reaction = await both_ways.slack.command(FIONA, DESK, "/units share limit=3")
    assert reaction.body is None
    [message] = await both_ways.slack.until(lambda: reaction.messages)
    assert message.ephemeral_to is None
    turned = await both_ways.slack.click(NADIA, message, label="Next")  # anybody may turn the page that all see
    await both_ways.slack.until(lambda: turned.messages)
    assert message.ephemeral_to is None
    assert "page 2 of" in everything(message)


async def test_help_shows_every_argument(town: Town) -> None:
    at_work = await town()
    message = answer(await at_work.slack.command(FIONA, DESK, "/units help"))
    for argument in ("site=", "status=", "type=", "q=", "created_after=", "sort=", "limit=", "page=", "share"):
        assert argument in everything(message)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sit=Camden", "site="),
        ("site=Camdne", "Camden"),
        ("site=c", "King&#x27;s Cross|King's Cross"),
        ("status=availble", "available"),
        ("type=Loker", "Locker"),
        ("sort=prize", "price"),
        ("limit=0", "1 to 100"),
        ("limit=5 limit=6", "one value"),
        ("page=two", "whole number"),
        ("created_after=yesterday", "2026-11-01"),
        ("created_after=2026-02-02 created_before=2026-02-01", "created_before"),
        ('site="Camden', "quotation mark"),
        ("A-O12", "A-012"),
        ("share=yes", "share"),
        ("site=", "needs a value"),
        ("🦄", "🦄"),
        ("<!channel> \x00\x1b[2J", "&lt;!channel&gt;"),
        ("x" * 8000, "1,000"),
        (",".join(["Camden"] * 30), "20"),
    ],
)
async def test_what_cannot_be_understood_teaches_the_typist_alone_and_costs_nothing(
    town: Town, typed: str, said: str
) -> None:
    at_work = await town()
    reaction = await at_work.slack.command(FIONA, DESK, f"/units {typed}")
    assert reaction.ok
    assert reaction.body["response_type"] == "ephemeral"
    message = answer(reaction)
    assert re.search(said, message.text), message.text
    assert "/units help" in message.text
    assert at_work.stora.received == []


@pytest.mark.parametrize(("person", "channel", "word"), [(GUS, DESK, "guest"), (SAM, PARTNERS, "another organisation")])
async def test_guests_and_strangers_are_refused(both_ways: Demo, person: str, channel: str, word: str) -> None:
    reaction = await both_ways.slack.command(person, channel, "/units")
    assert word in answer(reaction).text
    assert answer(reaction).ephemeral_to == person
    assert both_ways.stora.received == []


async def test_a_guest_cannot_turn_the_pages_of_a_shared_list(town: Town) -> None:
    at_work = await town()
    reaction = await at_work.slack.command(FIONA, DESK, "/units share limit=3")
    await at_work.slack.until(lambda: reaction.messages)
    message = answer(reaction)
    shown = rows(message)
    await at_work.slack.click(GUS, message, label="Refresh")
    refusal = await at_work.slack.until(
        lambda: [each for each in at_work.slack.workspace.visible_to(GUS, DESK) if each.ephemeral_to == GUS]
    )
    assert "guest" in refusal[0].text
    assert rows(message) == shown
    assert at_work.stora.received == []


async def test_nobody_is_let_in_while_slack_does_not_say_who_they_are(town: Town) -> None:
    at_work = await town()
    at_work.slack.faults.status(500, "users.info")
    message = answer(await at_work.slack.command(FIONA, DESK, "/units"))
    assert "Slack did not tell us" in message.text
    message = answer(await at_work.slack.command(FIONA, DESK, "/units"))  # and the doubt is not remembered
    assert rows(message)


async def test_a_slow_slack_cannot_keep_a_command_from_being_acknowledged(town: Town) -> None:
    at_work = await town()
    held = at_work.slack.faults.hold("users.info")
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Camden")
    assert reaction.ok
    assert reaction.seconds < 3
    assert reaction.messages == []
    held.release()
    await at_work.slack.until(lambda: reaction.messages)
    assert rows(answer(reaction))


def asked_for_three(stora: SandboxStora) -> list[Received]:
    """The calls to the unit list that are a command's with ``limit=3``, not a sweep's, which asks for full pages."""
    return [each for each in stora.received if each.route == "/units" and each.query["limit"] == "3"]


async def test_while_the_inventory_is_being_read_stora_is_asked_for_just_what_is_wanted(town: Town) -> None:
    stora = a_stora()
    stora.faults.hold(method="GET", route="/units")  # the sweep's first page
    at_work = await town(swept=False, stora=stora)
    while not any(each.route == "/units" for each in stora.received):
        await asyncio.sleep(0.01)
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Camden type=Locker limit=3 status=any")
    assert reaction.ok
    assert reaction.body is None  # acknowledged at once
    await at_work.slack.until(lambda: reaction.messages)
    [asked] = asked_for_three(stora)
    assert asked.query["site_id"] == site_named(stora.world, "Camden")
    assert "status" not in asked.query
    message = answer(reaction)
    assert len(rows(message)) == 3
    assert "straight from Stora" in everything(message)
    turned = await at_work.slack.click(FIONA, message, label="Next")
    await at_work.slack.until(lambda: turned.messages)
    assert [each.query["page"] for each in asked_for_three(stora)] == ["1", "2"]


async def test_a_card_is_asked_of_stora_while_the_inventory_is_being_read(town: Town) -> None:
    stora = a_stora()
    stora.faults.hold(method="GET", route="/units")
    at_work = await town(swept=False, stora=stora)
    unit = stora.world.unit_named("A-012", "Camden")
    reaction = await at_work.slack.command(FIONA, DESK, f"/units {unit['id']}")
    await at_work.slack.until(lambda: reaction.messages)
    assert "A-012" in everything(answer(reaction))
    assert [each.path.rsplit("/")[-1] for each in stora.received if each.route == "/units/{unit_id}"] == [unit["id"]]


async def test_the_card_of_a_reference_is_shown_while_the_inventory_is_being_read(town: Town) -> None:
    stora = a_stora()
    stora.faults.hold(method="GET", route="/units")
    at_work = await town(swept=False, stora=stora)
    while not any(each.route == "/units" for each in stora.received):
        await asyncio.sleep(0.01)
    unit = stora.world.unit_named("A-012", "Camden")
    reaction = await at_work.slack.command(FIONA, DESK, "/units a012 Camden")
    await at_work.slack.until(lambda: reaction.messages)
    assert unit["id"] in everything(answer(reaction))
    assert "Refresh" in labels(answer(reaction))


async def test_without_any_inventory_and_without_stora_the_answer_says_so(town: Town) -> None:
    stora = a_stora()
    stora.faults.down = True
    at_work = await town(swept=False, stora=stora)
    reaction = await at_work.slack.command(FIONA, DESK, "/units")
    assert reaction.ok
    await at_work.slack.until(lambda: reaction.messages, seconds=10)
    assert "Stora does not answer" in answer(reaction).text
    assert "Reference" in answer(reaction).text


async def test_an_inventory_that_is_too_old_is_renewed_for_what_is_shown(town: Town) -> None:
    at_work = await town(directory_refresh_seconds=100)
    directory = at_work.bot.directory
    assert directory.inventory is not None
    old = directory.inventory.read_at - timedelta(seconds=201)
    directory.inventory = type(directory.inventory).of(
        directory.inventory.sites.values(), directory.inventory.unit_types.values(), directory.inventory.units, old
    )
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Camden")
    assert reaction.body is None
    await at_work.slack.until(lambda: reaction.messages)
    assert [each.route for each in at_work.stora.received] == ["/units"]
    assert "last known state" not in everything(answer(reaction))

    at_work.stora.faults.down = True
    directory.inventory = type(directory.inventory).of(
        directory.inventory.sites.values(), directory.inventory.unit_types.values(), directory.inventory.units, old
    )
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Camden")
    await at_work.slack.until(lambda: reaction.messages, seconds=10)
    assert rows(answer(reaction))
    assert "last known state" in everything(answer(reaction))


@pytest.mark.parametrize("fault", ["down", "status", "garbage", "truncated", "empty"])
async def test_refreshing_while_stora_is_in_trouble_keeps_the_last_known_state_and_says_so(
    town: Town, fault: str
) -> None:
    at_work = await town()
    message = answer(await at_work.slack.command(FIONA, DESK, "/units site=Camden"))
    shown = rows(message)
    match fault:
        case "down":
            at_work.stora.faults.down = True
        case "status":
            at_work.stora.faults.status(503, times=None)
        case _:
            getattr(at_work.stora.faults, fault)(times=None)
    refreshed = await at_work.slack.click(FIONA, message, label="Refresh")
    await at_work.slack.until(lambda: refreshed.messages, seconds=10)
    assert rows(message) == shown
    assert "last known state" in everything(message)


async def test_a_refusal_of_storas_is_shown_in_its_own_words_with_its_request_id(town: Town) -> None:
    stora = a_stora()
    stora.faults.hold(method="GET", route="/units")
    at_work = await town(swept=False, stora=stora)
    async with asyncio.timeout(5):
        while not any(each.route == "/units" for each in stora.received):
            await asyncio.sleep(0.01)
    stora.faults.status(422, method="GET", route="/units")
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Camden")
    await at_work.slack.until(lambda: reaction.messages)
    assert "Stora does not accept this content." in answer(reaction).text
    assert "request id" in answer(reaction).text


async def test_the_card_of_a_unit_that_stora_no_longer_has_says_so(town: Town) -> None:
    at_work = await town()
    world = at_work.stora.world
    unit = next(unit for unit in world.units.values() if unit["status"] == "unavailable")
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {unit['id']}"))
    world.remove_unit(unit["id"], datetime.now(UTC))
    pressed = await at_work.slack.click(FIONA, card, label="Refresh")
    await at_work.slack.until(lambda: pressed.messages)
    assert "no such unit" in answer(pressed).text
    assert at_work.bot.directory.inventory is not None
    assert at_work.bot.directory.inventory.unit(unit["id"]) is None
    again = await at_work.slack.command(FIONA, DESK, f"/units {unit['id']}")
    assert "called" in answer(again).text


async def test_hostile_names_can_neither_ping_nor_link(town: Town) -> None:
    at_work = await town(stora=a_stora(units=600))
    for typed in ("/units status=any limit=15 site=Camden", "/units status=any type=Archive limit=15"):
        message = answer(await at_work.slack.command(FIONA, DESK, typed))
        assert not re.search("<!(?!date)", everything(message))
        assert "<https://evil" not in everything(message)
    hostile = next(unit for unit in at_work.stora.world.units.values() if "<!channel>" in unit["reference_id"])
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {hostile['id']}"))
    assert "&lt;!channel&gt;" in card.text


async def test_a_button_of_another_version_is_declined_politely(town: Town) -> None:
    at_work = await town()
    message = answer(await at_work.slack.command(FIONA, DESK, "/units site=Camden"))
    for action_id, value in (("units_next", "{}{"), ("units_next", '{"page": -1}'), ("reserve_v0", "unit_1")):
        old = Message(message.ts, message.channel, message.user, message.text, ephemeral_to=FIONA)
        label = {"type": "plain_text", "text": "Old"}
        button = {"type": "button", "text": label, "action_id": action_id, "value": value}
        old.blocks = [{"type": "actions", "block_id": "b", "elements": [button]}]
        pressed = await at_work.slack.click(FIONA, old, label="Old")
        assert pressed.ok
        await at_work.slack.until(lambda pressed=pressed: pressed.messages)  # type: ignore[misc]
        assert "another version" in answer(pressed).text
    assert at_work.stora.received == []


async def test_an_answer_whose_response_url_is_dead_is_whispered_instead(town: Town) -> None:
    at_work = await town()
    in_channel = "C0RESERVE"
    message = answer(await at_work.slack.command(FIONA, in_channel, "/units limit=3"))
    at_work.slack.faults.error("used_url", "response_url")
    at_work.slack.faults.status(404, "response_url")
    pressed = await at_work.slack.click(FIONA, message, label="Next")
    await at_work.slack.until(lambda: at_work.slack.called("chat.postEphemeral"))
    assert pressed.ok
    seen = at_work.slack.workspace.visible_to(FIONA, in_channel)[-1]
    assert "page 2 of" in everything(seen)


async def test_nothing_can_be_delivered_and_nobody_crashes(town: Town) -> None:
    at_work = await town()
    message = answer(await at_work.slack.command(FIONA, DESK, "/units limit=3"))
    at_work.slack.faults.drop_before(times=None)
    pressed = await at_work.slack.click(FIONA, message, label="Next")
    assert pressed.ok
    await at_work.slack.until(lambda: at_work.slack.called("chat.postEphemeral"))
    at_work.slack.faults.clear()
    assert rows(answer(await at_work.slack.command(FIONA, DESK, "/units limit=3")))


async def test_a_request_that_slack_would_never_send_gets_a_reference_and_no_silence(town: Town) -> None:
    at_work = await town()
    pressed = await at_work.slack.command(FIONA, DESK, "/units")
    payload: dict[str, Any] = {
        "type": "block_actions",
        "team": {"id": "T0HARBOUR"},
        "user": {},
        "channel": {"id": DESK},
        "actions": [{"type": "button", "action_id": "units_next", "block_id": "b"}],
        "response_url": pressed.response_url,
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    reaction = await at_work.slack.post_raw(body, at_work.slack.signed(body))
    assert reaction.ok
    crash = await at_work.slack.until(
        lambda: [m for m in at_work.slack.workspace.visible_to(FIONA, DESK) if "Reference" in m.text]
    )
    assert "not your fault" in crash[0].text


async def test_user_groups_that_do_not_come_hold_up_no_answer_and_draw_no_button(town: Town) -> None:
    at_work = await town()
    at_work.slack.faults.hold("usergroups.users.list", times=None)
    reaction = await at_work.slack.command(FIONA, DESK, "/units site=Camden")
    assert reaction.seconds < 1.5
    assert reaction.body is not None  # in the acknowledgement itself
    assert "Reserve" not in str(answer(reaction).blocks)
    at_work.slack.faults.clear()
