"""Reserving: from a typed command or a pressed button to what Stora, the channel and the record hold."""

import asyncio
import copy
import json
import re
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.demo import Demo
from bot.sandbox.slack.nouns import Message, View
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.stora.received import Received
from tests.conftest import emptied
from tests.walks.conftest import Town, a_stora
from tests.walks.test_units import DESK, FIONA, answer, everything, labels, rows

OMAR, NADIA, GUS = "U0OMAR", "U0NADIA", "U0GUS"
ANNOUNCED = "C0RESERVE"
RESERVE_ROUTE = "/units/{unit_id}/reserve"


class Pair:
    """A free unit and a tenancy that waits for one at the same site."""

    def __init__(self, at_work: Demo, nth: int = 0, *, site: str = "Camden") -> None:
        world = at_work.stora.world
        site_id = next(each["id"] for each in world.sites.values() if each["name"] == site)
        free = [
            each for each in world.units.values() if each["status"] == "available" and each["site"]["id"] == site_id
        ]
        plain = [each for each in free if re.fullmatch(r"[A-Z]-\d+", each["reference_id"])]
        waiting = [
            each
            for each in world.tenancies.values()
            if not each["unit_allocations"] and each["site"]["id"] == site_id and not each["ends_at"]
        ]
        named = [
            each
            for each in waiting
            if re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", world.contacts[each["contact"]["id"]]["full_name"] or "")
        ]
        self.site_id = site_id
        self.unit = sorted(plain, key=lambda each: str(each["reference_id"]))[nth]
        self.tenancy = named[nth]
        self.contact = world.contacts[self.tenancy["contact"]["id"]]

    @property
    def by_ids(self) -> str:
        return f"/reserve {self.unit['id']} {self.tenancy['id']}"


def posts(at_work: Demo, route: str = RESERVE_ROUTE) -> list[Received]:
    return [each for each in at_work.stora.received if each.method == "POST" and each.route == route]


def announcements(at_work: Demo, channel: str = ANNOUNCED) -> list[Message]:
    return [each for each in at_work.slack.workspace.messages.get(channel, []) if each.user == "U0UNITBOT"]


async def card_of(at_work: Demo, typed: str, person: str = FIONA, channel: str = DESK) -> Message:
    reaction = await at_work.slack.command(person, channel, typed)
    assert reaction.ok
    return await appeared(at_work, reaction, "Confirm reservation")


async def appeared(at_work: Demo, reaction: Reaction, label: str) -> Message:
    """The message with this button, once it is there."""

    def found() -> Message | None:
        return next((each for each in reaction.messages if label in labels(each)), None)

    message = await at_work.slack.until(found, seconds=5)
    assert message is not None
    return message


async def says(at_work: Demo, message: Message, words: str, seconds: float = 6) -> None:
    await at_work.slack.until(lambda: words in message.text, seconds=seconds)


async def confirmed(at_work: Demo, card: Message, person: str = FIONA) -> Reaction:
    reaction = await at_work.slack.click(person, card, label="Confirm reservation")
    assert reaction.ok
    return reaction


async def reserved_card(at_work: Demo, typed: str) -> Message:
    """The card, once it has been confirmed and says that the unit is reserved."""
    card = await card_of(at_work, typed)
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    return card


async def recorded(at_work: Demo, *, person: str = OMAR) -> str:
    """The newest page of the record, as its reader sees it."""
    reaction = await at_work.slack.command(person, DESK, "/unitbot audit")
    await at_work.slack.until(lambda: reaction.messages)
    return everything(answer(reaction))


async def test_ids_lead_to_a_card_the_card_to_stora_and_the_channel_hears_of_it(both_ways: Demo) -> None:
    pair = Pair(both_ways)
    card = await card_of(both_ways, pair.by_ids)
    assert card.ephemeral_to == FIONA
    for shown in (pair.unit["reference_id"], "Camden", pair.contact["full_name"], "£", "Moves in"):
        assert shown in card.text
    assert labels(card) == ["Confirm reservation", "Cancel"]
    assert posts(both_ways) == []  # a card changes nothing
    pressed = await confirmed(both_ways, card)
    await says(both_ways, card, "is reserved for")
    assert [label for label in labels(card) if label == "Open in Backoffice"]
    [post] = posts(both_ways)
    assert post.path.endswith(f"/units/{pair.unit['id']}/reserve")
    assert post.body == {"tenancy_id": pair.tenancy["id"]}
    assert re.fullmatch(r"[0-9a-f-]{36}", post.headers["Idempotency-Key"])
    assert both_ways.stora.world.units[pair.unit["id"]]["status"] == "reserved"

    await both_ways.slack.until(lambda: announcements(both_ways))
    [told] = announcements(both_ways)
    for shown in (pair.unit["reference_id"], "Camden", pair.contact["full_name"], f"<@{FIONA}>"):
        assert shown in told.text
    assert labels(told) == ["Open in Backoffice"]
    shown = both_ways.slack.called("response_url")
    assert "Reserving" in shown[-2].arguments["text"]  # without buttons, before the call
    assert "Confirm reservation" not in str(shown[-2].arguments["blocks"])
    assert pressed.seconds < 1

    record = await recorded(both_ways)
    for result in ("asked", "confirmed", "done", "role front desk"):
        assert result in record
    listed = answer(await both_ways.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    assert "Reserved" in listed.text  # the directory knows at once


@pytest.mark.parametrize("by", ["reference and name", "reference and e-mail", "name only by part", "named arguments"])
async def test_names_that_are_plain_lead_straight_to_the_card(town: Town, by: str) -> None:
    at_work = await town()
    pair = Pair(at_work)
    reference, name, email = pair.unit["reference_id"], pair.contact["full_name"], pair.contact["email"]
    typed = {
        "reference and name": f"/reserve {reference} {name} site=Camden",
        "reference and e-mail": f"/reserve {reference.lower()} {email} site=camden",
        "name only by part": f"/reserve {reference} {name.split()[0]} {name.split()[1][:3]} site=Camden",
        "named arguments": f'/reserve tenancy="{name}" unit={reference} site=Camden',
    }[by]
    card = await card_of(at_work, typed)
    assert reference in card.text
    assert pair.tenancy["id"] in card.text


async def test_the_button_in_a_list_opens_the_dialog_filled_with_its_unit(both_ways: Demo) -> None:
    at_work = both_ways
    pair = Pair(at_work)
    message = answer(await at_work.slack.command(FIONA, DESK, f"/units site=Camden q={pair.unit['reference_id']}"))
    buttons = [block["accessory"] for block in message.blocks if "accessory" in block]
    assert {button["text"]["text"] for button in buttons} == {"Reserve"}
    pressed = await at_work.slack.click(FIONA, message, label="Reserve")
    assert pressed.ok
    await at_work.slack.until(lambda: pressed.views)
    view = pressed.views[0]
    assert view.title == "Reserve a unit"
    offered = await at_work.slack.suggest(FIONA, view, "pick_tenancy", pair.contact["full_name"][:4])
    assert pair.tenancy["id"] in [option["value"] for option in offered.options]
    sent = await at_work.slack.submit(FIONA, view, {"pick_tenancy": pair.tenancy["id"]})
    assert sent.errors == {}
    card = await appeared(at_work, sent, "Confirm reservation")
    assert card.channel == DESK
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    assert len(posts(at_work)) == 1


async def test_the_shortcut_asks_for_everything_and_its_card_comes_as_a_direct_message(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    opened = await at_work.slack.shortcut(FIONA, "reserve_shortcut")
    await at_work.slack.until(lambda: opened.views)
    view = opened.views[0]
    sites = await at_work.slack.suggest(FIONA, view, "pick_site", "cam")
    assert [option["text"]["text"] for option in sites.options] == ["Camden"]
    await at_work.slack.choose(FIONA, view, "pick_site", pair.site_id)
    await at_work.slack.until(lambda: view.updated)
    units = await at_work.slack.suggest(FIONA, view, "pick_unit", "")
    assert units.options
    assert all("Camden" in option["text"]["text"] for option in units.options)
    waiting = await at_work.slack.suggest(FIONA, view, "pick_tenancy", "")
    assert "waits for a unit" in waiting.options[0]["description"]["text"]
    await at_work.slack.suggest(FIONA, view, "pick_unit", pair.unit["reference_id"])
    await at_work.slack.suggest(FIONA, view, "pick_tenancy", pair.contact["email"])
    values = {"pick_unit": pair.unit["id"], "pick_tenancy": pair.tenancy["id"]}
    sent = await at_work.slack.submit(FIONA, view, values)
    card = await appeared(at_work, sent, "Confirm reservation")
    assert card.channel == at_work.slack.workspace.direct_message(FIONA).id
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")


async def modal_for(at_work: Demo, typed: str) -> View:
    reaction = await at_work.slack.command(FIONA, DESK, typed)
    assert reaction.ok
    await at_work.slack.until(lambda: reaction.views)
    return reaction.views[0]


async def test_what_several_things_are_called_is_asked_and_never_guessed(town: Town) -> None:
    at_work = await town()
    world = at_work.stora.world
    shared = [each for each in world.units.values() if each["reference_id"] == "A-001"]
    assert len({each["site"]["id"] for each in shared}) > 1
    view = await modal_for(at_work, "/reserve A-001 Nobody Atall")
    assert "units are called `A-001`" in str(view.blocks)
    assert "No current tenancy matches `Nobody Atall`" in str(view.blocks)
    assert "initial_option" not in str(view.blocks)
    assert posts(at_work) == []


async def test_a_customer_who_booked_a_moment_ago_is_found(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    world, now = at_work.stora.world, datetime.now(UTC)
    contact = world.add_contact("Quentin Latecomer", "quentin@example.com", now)
    tenancy = world.add_tenancy(contact["id"], pair.site_id, now + timedelta(days=3), now)
    known = at_work.bot.tenancies.known
    object.__setattr__(known, "read_at", known.read_at - timedelta(minutes=1))
    card = await card_of(at_work, f"/reserve {pair.unit['reference_id']} Quentin Latecomer site=Camden")
    assert tenancy["id"] in card.text


async def test_a_tenancy_of_which_only_the_id_is_known_is_reserved_for_by_that(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    pair.tenancy.update(contact=None, site=None, starts_at=None)
    del pair.tenancy["unit_allocations"]
    card = await card_of(at_work, pair.by_ids)
    assert f"Tenancy `{pair.tenancy['id']}`" in card.text
    assert "does not answer" not in card.text
    assert labels(card) == ["Confirm reservation", "Cancel"]


async def test_cancel_sends_nothing_and_the_card_can_no_longer_be_confirmed(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    before = copy.deepcopy(card)
    await at_work.slack.click(FIONA, card, label="Cancel")
    await says(at_work, card, "Cancelled")
    await confirmed(at_work, before)  # a slow screen still shows the button
    await at_work.slack.until(lambda: len(at_work.slack.called("response_url")) >= 3)
    assert "Cancelled" in card.text
    assert posts(at_work) == []


async def test_who_may_not_reserve_sees_no_button_and_is_told_which_role_would_help(both_ways: Demo) -> None:
    at_work = both_ways
    pair = Pair(at_work)
    message = answer(await at_work.slack.command(NADIA, DESK, "/units site=Camden"))
    assert "Reserve" not in [block["accessory"]["text"]["text"] for block in message.blocks if "accessory" in block]
    refusal = answer(await at_work.slack.command(NADIA, DESK, pair.by_ids))
    assert refusal.ephemeral_to == NADIA
    assert "`reserve`" in refusal.text
    assert "front desk" in refusal.text
    assert at_work.stora.received == []
    assert "denied" in await recorded(at_work)


async def test_the_clicker_is_judged_again_not_only_who_asked(town: Town) -> None:
    at_work = await town()
    opened = await at_work.slack.shortcut(FIONA, "reserve_shortcut")
    await at_work.slack.until(lambda: opened.views)
    card = await card_of(at_work, Pair(at_work).by_ids)
    at_work.slack.workspace.group("S0FRONT").members.remove(FIONA)
    await at_work.slack.event("subteam_members_changed", subteam_id="S0FRONT", team_id="T0HARBOUR")
    await asyncio.sleep(0.05)
    pressed = await confirmed(at_work, card)
    refusal = await at_work.slack.until(lambda: [each for each in pressed.messages if each is not card])
    assert "`reserve`" in refusal[0].text
    assert labels(card) == ["Confirm reservation", "Cancel"]
    assert posts(at_work) == []
    suggested = await at_work.slack.suggest(FIONA, opened.views[0], "pick_tenancy", "")
    assert suggested.options == []  # customers' names are for those who may reserve


@pytest.mark.parametrize("thief", [NADIA, GUS], ids=["a member", "a guest"])
async def test_a_stolen_card_does_not_confirm(town: Town, thief: str) -> None:
    """Slack shows the card to Fiona alone; somebody without the role sends its click all the same."""
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    stolen = copy.deepcopy(card)
    stolen.ephemeral_to = None
    await at_work.slack.click(thief, stolen, label="Confirm reservation")
    refusal = await at_work.slack.until(
        lambda: [each for each in at_work.slack.workspace.visible_to(thief, DESK) if each.ephemeral_to == thief]
    )
    assert "`reserve`" in refusal[0].text
    assert "front desk" in refusal[0].text
    assert posts(at_work) == []


@pytest.mark.parametrize("trouble", ["plan_upgrade_required", "outage"])
async def test_a_user_group_that_cannot_be_looked_up_grants_nothing_and_the_refusal_says_why(
    town: Town, trouble: str
) -> None:
    at_work = await town()
    if trouble == "outage":
        at_work.slack.faults.status(500, "usergroups.users.list", times=None)
    else:
        at_work.slack.faults.error(trouble, "usergroups.users.list", times=None)
    refusal = answer(await at_work.slack.command(FIONA, DESK, Pair(at_work).by_ids))
    assert "user groups" in refusal.text
    assert at_work.stora.received == []
    assert rows(answer(await at_work.slack.command(FIONA, DESK, "/units")))  # looking needs no group


async def test_a_role_for_one_site_holds_there_only(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    roles = [{"name": "camden desk", "can": ["reserve"], "users": [FIONA], "sites": [camden]}]
    at_work = await town(stora=stora, roles=roles)
    here, there = Pair(at_work), Pair(at_work, site="Hackney Wick")
    refusal = answer(await at_work.slack.command(FIONA, DESK, there.by_ids))
    assert "for this site" in refusal.text
    assert at_work.stora.received == []
    listed = answer(await at_work.slack.command(FIONA, DESK, "/units limit=15 sort=newest"))
    drawn = {block["text"]["text"].split("\n")[1].split(" · ")[2] for block in listed.blocks if "accessory" in block}
    assert drawn <= {"Camden"}
    card = await card_of(at_work, here.by_ids)
    assert "Confirm reservation" in labels(card)


async def test_twenty_clicks_at_once_are_one_reservation(both_ways: Demo) -> None:
    at_work = both_ways
    card = await card_of(at_work, Pair(at_work).by_ids)
    at_work.stora.faults.slow(0.2, method="POST")
    copies = [copy.deepcopy(card) for _ in range(20)]
    pressed = await asyncio.gather(*(at_work.slack.click(FIONA, each, label="Confirm reservation") for each in copies))
    assert all(each.ok for each in pressed)
    await says(at_work, card, "is reserved for")
    await at_work.slack.until(lambda: announcements(at_work))
    await asyncio.sleep(0.2)
    assert len(posts(at_work)) == 1
    assert len(announcements(at_work)) == 1
    told = [each.text for each in at_work.slack.workspace.visible_to(FIONA, DESK) if "confirmed this" in each.text]
    assert told  # whoever pressed second was told the truth about the first
    assert "is reserved for" in card.text  # and no late answer has overwritten it


async def test_the_same_click_delivered_again_changes_nothing(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    pressed = await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    await at_work.slack.redeliver(pressed)
    await asyncio.sleep(0.2)
    assert "is reserved for" in card.text
    assert len(posts(at_work)) == 1
    assert len(announcements(at_work)) == 1


@pytest.mark.parametrize("lost", ["drop_after", "truncated", "empty", "drop_before", "garbage"])
async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(town: Town, lost: str) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    getattr(at_work.stora.faults, lost)(method="POST")
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    assert len({each.headers["Idempotency-Key"] for each in posts(at_work)}) == 1
    assert len(posts(at_work)) == 2
    await at_work.slack.until(lambda: announcements(at_work))
    assert len(announcements(at_work)) == 1
    assert len(at_work.stora.world.tenancies[pair.tenancy["id"]]["unit_allocations"]) == 1


@pytest.mark.parametrize("acted", [True, False], ids=["although Stora had acted", "and Stora had not acted"])
async def test_when_no_answer_comes_the_card_says_so_and_the_bot_finds_out(town: Town, *, acted: bool) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    if acted:
        at_work.stora.faults.drop_after(method="POST", times=None)
    else:
        at_work.stora.faults.drop_before(method="POST", times=None)
    await confirmed(at_work, card)
    await says(at_work, card, "not known")
    assert "was not reserved" not in card.text
    assert labels(card) == []
    at_work.stora.faults.clear()
    await says(at_work, card, "is reserved for", seconds=15)
    directly = at_work.slack.workspace.direct_message(FIONA).id
    told = await at_work.slack.until(lambda: at_work.slack.workspace.messages.get(directly))
    assert "is reserved for" in told[-1].text
    await at_work.slack.until(lambda: announcements(at_work))
    assert len(announcements(at_work)) == 1
    assert len({each.headers["Idempotency-Key"] for each in posts(at_work)}) == 1
    assert len(at_work.stora.world.tenancies[pair.tenancy["id"]]["unit_allocations"]) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (409, "changed by somebody else"),
        (422, "does not accept this content"),
        (403, "does not allow this"),
        (401, "access token"),
        (429, "limit of requests"),
    ],
)
async def test_a_refusal_is_shown_as_it_is_and_sent_once(town: Town, code: int, said: str) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    at_work.stora.faults.status(code, method="POST", route=RESERVE_ROUTE)
    await confirmed(at_work, card)
    await says(at_work, card, "was not reserved")
    assert said in card.text
    assert len(posts(at_work)) == 1
    assert announcements(at_work) == []
    if code in {403, 409, 422}:
        assert "request id" in card.text
    assert "refused" in await recorded(at_work)
    again = {button["value"] for block in card.blocks if (button := block.get("accessory"))}
    if code == 429:
        assert again == {f'{{"unit_id":"{pair.unit["id"]}","tenancy_id":"{pair.tenancy["id"]}"}}'}
    elif code in {401, 403}:
        assert again == set()  # another unit would be no help


@pytest.mark.parametrize("code", [500, 502, 503])
async def test_a_server_error_tells_nothing_and_is_found_out(town: Town, code: int) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    at_work.stora.faults.status(code, acts=True, method="POST", route=RESERVE_ROUTE)
    await confirmed(at_work, card)
    await says(at_work, card, "not known")
    assert len(posts(at_work)) == 1  # the same error would come again
    await says(at_work, card, "is reserved for", seconds=15)
    assert len(posts(at_work)) == 1  # Stora was asked what it shows


async def test_a_unit_taken_meanwhile_comes_with_others_to_take_instead(town: Town) -> None:
    at_work = await town(stora=a_stora(600))
    pair, world = Pair(at_work), at_work.stora.world
    rival = Pair(at_work, nth=1).tenancy
    card = await card_of(at_work, pair.by_ids)
    world.reserve(pair.unit["id"], rival["id"], datetime.now(UTC))
    await confirmed(at_work, card)
    await says(at_work, card, "was not reserved")
    assert "is not available" in card.text  # Stora's own words
    others = [block["accessory"] for block in card.blocks if "accessory" in block]
    assert 1 <= len(others) <= 3
    assert all(other["text"]["text"] == "Reserve" for other in others)
    pressed = await at_work.slack.click(FIONA, card, label="Reserve")
    second = await appeared(at_work, pressed, "Confirm reservation")
    await confirmed(at_work, second)
    await says(at_work, second, "is reserved for")
    keys = {each.headers["Idempotency-Key"] for each in posts(at_work)}
    assert len(keys) == 2  # a deliberate new attempt has a new key


async def test_warnings_worth_a_pause_stand_on_the_card(town: Town) -> None:
    at_work = await town()
    world, now = at_work.stora.world, datetime.now(UTC)
    pair = Pair(at_work)
    other_site = next(each["id"] for each in world.sites.values() if each["id"] != pair.site_id)
    contact = world.add_contact("Wanda Warned", "wanda@example.com", now)
    tenancy = world.add_tenancy(contact["id"], other_site, now - timedelta(days=30), now)
    elsewhere = next(
        each for each in world.units.values() if each["status"] == "available" and each["site"]["id"] == other_site
    )
    world.reserve(elsewhere["id"], tenancy["id"], now)
    world.tenancies[tenancy["id"]]["ends_at"] = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    world.set_status(pair.unit["id"], "unavailable", now)
    await at_work.bot.directory.sweep()
    card = await card_of(at_work, f"/reserve {pair.unit['id']} {tenancy['id']}")
    for warning in ("Unavailable", "another site", "ended on", "already has", "another type"):
        assert warning in card.text, warning


async def test_a_silent_stora_does_not_keep_the_card_back_but_is_mentioned(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    at_work.stora.faults.down = True
    reaction = await at_work.slack.command(FIONA, DESK, pair.by_ids)
    card = await appeared(at_work, reaction, "Confirm reservation")
    assert "could not be asked" in card.text


@pytest.mark.parametrize("unknown", ["unit_0000000000000000", "ten_0000000000000000"])
async def test_an_id_that_stora_does_not_know_is_no_card(town: Town, unknown: str) -> None:
    at_work = await town()
    pair = Pair(at_work)
    typed = (
        f"/reserve {unknown} {pair.tenancy['id']}" if unknown[:4] == "unit" else f"/reserve {pair.unit['id']} {unknown}"
    )
    reaction = await at_work.slack.command(FIONA, DESK, typed)
    await at_work.slack.until(lambda: reaction.messages)
    assert "no such" in answer(reaction).text


async def test_before_the_inventory_is_read_reserving_says_so(town: Town) -> None:
    stora = a_stora()
    stora.faults.hold(method="GET", route="/units")
    at_work = await town(swept=False, stora=stora)
    reaction = await at_work.slack.command(FIONA, DESK, "/reserve A-012")
    await at_work.slack.until(lambda: reaction.messages)
    assert "being read for the first time" in answer(reaction).text
    await at_work.slack.shortcut(FIONA, "reserve_shortcut")
    directly = at_work.slack.workspace.direct_message(FIONA).id
    told = await at_work.slack.until(lambda: at_work.slack.workspace.messages.get(directly))
    assert "being read for the first time" in told[0].text
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)  # two ids need no inventory
    assert pair.unit["reference_id"] in card.text
    assert pair.contact["full_name"] in card.text


async def test_a_slack_that_refuses_the_cards_update_does_not_stop_the_reservation(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids, channel=ANNOUNCED)
    at_work.slack.faults.status(404, "response_url", times=None)
    await confirmed(at_work, card)
    whispered = await at_work.slack.until(
        lambda: [each for each in at_work.slack.workspace.visible_to(FIONA, ANNOUNCED) if "is reserved" in each.text]
    )
    assert whispered
    assert len(posts(at_work)) == 1


async def test_a_slow_slack_does_not_hold_up_the_write(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    held = at_work.slack.faults.hold("response_url")
    await confirmed(at_work, card)
    await held.reached.wait()
    async with asyncio.timeout(2):
        while not posts(at_work):
            await asyncio.sleep(0.02)
    held.release()
    await says(at_work, card, "is reserved for")


@pytest.mark.parametrize("trouble", ["limited", "down"])
async def test_an_announcement_that_slack_refuses_for_now_goes_out_later_once(town: Town, trouble: str) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    if trouble == "limited":
        at_work.slack.faults.rate_limit("chat.postMessage", seconds=1)
    else:
        at_work.slack.faults.status(503, "chat.postMessage")
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    await at_work.slack.until(lambda: announcements(at_work), seconds=8)
    assert len(announcements(at_work)) == 1


async def test_a_channel_that_will_not_have_us_is_named_with_its_mend(town: Town) -> None:
    at_work = await town(notify_channel="C0MANAGER")
    await reserved_card(at_work, Pair(at_work).by_ids)
    await at_work.slack.until(lambda: at_work.slack.called("chat.postMessage"))
    await asyncio.sleep(0.1)
    status = await at_work.slack.command(FIONA, DESK, "/unitbot status")
    await at_work.slack.until(lambda: status.messages)
    assert "/invite" in answer(status).text


async def test_each_site_may_have_its_own_channel(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    at_work = await town(stora=stora, notify_site_channels={camden: "C0APPROVE"})
    card = await card_of(at_work, Pair(at_work).by_ids)
    await confirmed(at_work, card)
    await at_work.slack.until(lambda: announcements(at_work, "C0APPROVE"), seconds=5)
    assert announcements(at_work) == []


async def test_a_note_in_stora_names_the_person_where_that_is_wanted(town: Town) -> None:
    at_work = await town(stora_write_notes=True)
    pair = Pair(at_work)
    await reserved_card(at_work, pair.by_ids)
    async with asyncio.timeout(5):
        while not at_work.stora.world.notes:
            await asyncio.sleep(0.02)
    [note] = at_work.stora.world.notes.values()
    assert f"Fiona Clarke ({FIONA})" in note["content"]
    assert note["resource"]["id"] == pair.unit["id"]


async def test_what_was_reserved_here_can_be_released_by_those_who_may(both_ways: Demo) -> None:
    at_work = both_ways
    pair = Pair(at_work)
    await reserved_card(at_work, pair.by_ids)
    await at_work.slack.until(lambda: announcements(at_work))
    seen = answer(await at_work.slack.command(NADIA, DESK, f"/units {pair.unit['id']}"))
    assert "Release" not in labels(seen)
    unit_card = answer(await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    old = copy.deepcopy(unit_card)
    pressed = await at_work.slack.click(FIONA, unit_card, label="Release")
    assert pressed.confirm is not None
    await says(at_work, unit_card, "is released from")
    assert at_work.stora.world.units[pair.unit["id"]]["status"] == "available"
    await at_work.slack.click(FIONA, old, label="Release")  # the same decision again
    await at_work.slack.until(lambda: len(announcements(at_work)) == 2)
    await asyncio.sleep(0.1)
    assert len(posts(at_work, "/units/{unit_id}/deallocate")) == 1
    assert "released" in announcements(at_work)[-1].text
    again = answer(await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    assert "Release" not in labels(again)
    assert "Reserve" in labels(again)


async def test_a_unit_that_the_customer_has_moved_into_is_not_released(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = await reserved_card(at_work, pair.by_ids)
    at_work.stora.world.grant_access(pair.unit["id"], pair.tenancy["id"], datetime.now(UTC))
    await at_work.slack.click(FIONA, card, label="Release")
    await says(at_work, card, "the customer may have moved in")
    assert posts(at_work, "/units/{unit_id}/deallocate") == []
    assert at_work.stora.world.units[pair.unit["id"]]["status"] == "occupied"


async def test_a_release_that_stora_refuses_can_be_tried_again_with_a_new_key(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = await reserved_card(at_work, pair.by_ids)
    at_work.stora.faults.status(409, method="POST", route="/units/{unit_id}/deallocate")
    await at_work.slack.click(FIONA, card, label="Release")
    await says(at_work, card, "was not released")
    assert "changed by somebody else" in card.text
    unit_card = answer(await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    await at_work.slack.click(FIONA, unit_card, label="Release")
    await says(at_work, unit_card, "is released from")
    keys = {each.headers["Idempotency-Key"] for each in posts(at_work, "/units/{unit_id}/deallocate")}
    assert len(keys) == 2


async def test_a_dialog_sent_off_after_the_unit_has_gone_says_so_beside_it(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    view = await modal_for(at_work, f"/reserve {pair.unit['id']}")
    await at_work.slack.suggest(FIONA, view, "pick_tenancy", pair.contact["email"])
    at_work.stora.world.set_status(pair.unit["id"], "unavailable", datetime.now(UTC))
    await at_work.bot.directory.sweep()
    sent = await at_work.slack.submit(FIONA, view, {"pick_tenancy": pair.tenancy["id"]})
    assert list(sent.errors) == ["reserve_unit"]
    assert "no longer available" in sent.errors["reserve_unit"]


@pytest.mark.parametrize("forged", [None, {"value": "../../x"}, {"value": "unit_1/reserve"}, {"value": ""}, {}])
async def test_a_dialog_sent_off_with_what_no_picker_offered_asks_stora_nothing(
    town: Town, forged: dict[str, str] | None
) -> None:
    at_work = await town()
    view = await modal_for(at_work, "/reserve")
    chosen = {"type": "external_select", "selected_option": forged}
    values = {"reserve_unit": {"pick_unit": chosen}, "reserve_tenancy": {"pick_tenancy": chosen}}
    payload = {
        "type": "view_submission",
        "user": {"id": FIONA},
        "team": {"id": "T0HARBOUR"},
        "view": {**view.source, "id": view.id, "state": {"values": values}},
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    answered = await at_work.slack.post_raw(body, at_work.slack.signed(body))
    assert answered.body == {
        "response_action": "errors",
        "errors": {"reserve_unit": "Choose one.", "reserve_tenancy": "Choose one."},
    }
    assert at_work.stora.received == []


@pytest.mark.parametrize("value", ["", "not-a-decision", "{}", '{"unit_id": 7}', "x" * 2000])
@pytest.mark.parametrize("action", ["reserve_confirm", "reserve_cancel", "unit_release", "reserve_unit", "audit_next"])
async def test_a_forged_button_is_declined_and_sends_nothing(town: Town, action: str, value: str) -> None:
    at_work = await town()
    forged = Message("1.0", DESK, "U0UNITBOT", "forged", ephemeral_to=OMAR)
    label = {"type": "plain_text", "text": "Forged"}
    button: dict[str, Any] = {"type": "button", "text": label, "action_id": action, "value": value or "-"}
    forged.blocks = [{"type": "actions", "block_id": "b", "elements": [button]}]
    pressed = await at_work.slack.click(OMAR, forged, label="Forged")
    assert pressed.ok
    if (action, value) == ("audit_next", "{}"):
        return  # an honest first page
    await at_work.slack.until(lambda: pressed.messages)
    assert "another version" in answer(pressed).text
    assert at_work.stora.received == []


async def test_a_dialog_that_slack_does_not_open_is_explained(town: Town) -> None:
    at_work = await town()
    at_work.slack.faults.error("expired_trigger_id", "views.open")
    reaction = await at_work.slack.command(FIONA, DESK, "/reserve")
    await at_work.slack.until(lambda: reaction.messages)
    assert "did not open the dialog" in answer(reaction).text


@pytest.mark.parametrize("typed", ["help", "sit=Camden A-012", 'A-012 "Jane', "unit=A-1,A-2", "A-012 site=Atlantis"])
async def test_what_cannot_be_understood_is_answered_at_once(town: Town, typed: str) -> None:
    at_work = await town()
    reaction = await at_work.slack.command(FIONA, DESK, f"/reserve {typed}")
    assert reaction.ok
    assert reaction.body["response_type"] == "ephemeral"
    assert at_work.stora.received == []


async def test_unitbot_shows_help_whoami_status_and_sites(town: Town) -> None:
    at_work = await town()

    async def ask(person: str, topic: str) -> str:
        return answer(await at_work.slack.command(person, DESK, f"/unitbot {topic}")).text

    assert "/reserve" in await ask(FIONA, "")
    assert "/reserve" not in await ask(NADIA, "help")
    assert "audit" in await ask(OMAR, "help")
    assert "audit" not in await ask(FIONA, "help")
    assert "role front desk, by user group S0FRONT" in await ask(FIONA, "whoami")
    assert "no role" in await ask(NADIA, "whoami")
    assert "80 units at 4 sites" in await ask(NADIA, "status")
    assert "Camden" in await ask(NADIA, "sites")
    assert "whoami" in await ask(NADIA, "whoam")
    assert "`audit`" in await ask(FIONA, "audit")
    assert "guest" in await ask(GUS, "whoami")
    at_work.slack.faults.status(500, "usergroups.users.list", times=None)
    at_work.slack.workspace.person("U0SAM").is_stranger = False
    assert at_work.slack.problems == []


async def test_the_record_is_paged_and_can_be_had_as_a_file(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    for _ in range(12):
        await at_work.slack.command(NADIA, DESK, pair.by_ids)
    card = await card_of(at_work, pair.by_ids)
    await at_work.slack.click(FIONA, card, label="Cancel")
    await says(at_work, card, "Cancelled")
    page = answer(await at_work.slack.command(OMAR, DESK, "/unitbot audit"))
    assert "cancelled" in page.text
    assert labels(page) == ["Next", "Send me the CSV file"]
    newest = page.text
    await at_work.slack.click(OMAR, page, label="Next")
    await at_work.slack.until(lambda: page.text != newest)
    assert labels(page) == ["Previous", "Send me the CSV file"]
    await at_work.slack.click(OMAR, page, label="Previous")
    await at_work.slack.until(lambda: page.text == newest)
    of_unit = answer(await at_work.slack.command(OMAR, DESK, f"/unitbot audit {pair.unit['reference_id'].lower()}"))
    assert "cancelled" in of_unit.text
    await at_work.slack.click(OMAR, page, label="Send me the CSV file")
    await at_work.slack.until(lambda: [each for each in at_work.slack.workspace.files.values() if each.channel])
    [file] = at_work.slack.workspace.files.values()
    assert file.channel == at_work.slack.workspace.direct_message(OMAR).id
    lines = (file.content or b"").decode().splitlines()
    assert lines[0].startswith("at,who,action,result")
    assert sum(",denied," in line for line in lines) == 12

    at_work.slack.faults.error("internal_error", "files.getUploadURLExternal")
    failed = await at_work.slack.click(OMAR, page, label="Send me the CSV file")
    await at_work.slack.until(lambda: [each for each in failed.messages if "did not take the file" in each.text])


async def test_a_stora_that_is_still_unread_has_no_sites_to_show(town: Town) -> None:
    stora = a_stora()
    stora.faults.hold(method="GET", route="/units")
    at_work = await town(swept=False, stora=stora)
    assert "being read" in answer(await at_work.slack.command(FIONA, DESK, "/unitbot sites")).text
    assert "not been read yet" in answer(await at_work.slack.command(FIONA, DESK, "/unitbot status")).text


async def test_what_was_reserved_elsewhere_cannot_be_released_here(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    at_work.stora.world.reserve(pair.unit["id"], pair.tenancy["id"], datetime.now(UTC))
    await at_work.bot.directory.sweep()
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    assert "Reserved" in card.text
    assert "Release" not in labels(card)


async def test_a_release_is_not_sent_when_the_unit_has_gone_to_somebody_else_meanwhile(town: Town) -> None:
    at_work = await town()
    pair, rival = Pair(at_work), Pair(at_work, nth=1)
    card = await reserved_card(at_work, pair.by_ids)
    now = datetime.now(UTC)
    at_work.stora.world.release(pair.unit["id"], now)
    at_work.stora.world.reserve(pair.unit["id"], rival.tenancy["id"], now)
    await at_work.slack.click(FIONA, card, label="Release")
    await says(at_work, card, "was not released")
    assert "no longer shows it with this tenancy" in card.text
    assert posts(at_work, "/units/{unit_id}/deallocate") == []


async def test_a_release_while_stora_is_silent_sends_nothing_and_says_so(town: Town) -> None:
    at_work = await town()
    card = await reserved_card(at_work, Pair(at_work).by_ids)
    at_work.stora.faults.down = True
    await at_work.slack.click(FIONA, card, label="Release")
    await says(at_work, card, "was not released", seconds=15)
    assert "nothing was sent" in card.text


async def test_a_release_needs_its_permission_and_a_reservation(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    proposed = card.blocks[-1]["elements"][0]["value"]
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    stolen = copy.deepcopy(card)
    stolen.ephemeral_to = None
    await at_work.slack.click(NADIA, stolen, label="Release")
    refusal = await at_work.slack.until(
        lambda: [each for each in at_work.slack.workspace.visible_to(NADIA, DESK) if each.ephemeral_to == NADIA]
    )
    assert "`release`" in refusal[0].text

    second = await card_of(at_work, Pair(at_work, nth=1).by_ids)
    not_yet = second.blocks[-1]["elements"][0]["value"]
    assert not_yet != proposed
    forged = copy.deepcopy(card)
    for element in forged.blocks[-1]["elements"]:
        if element["text"]["text"] == "Release":
            element["value"] = f'{{"reservation_id": "{not_yet}"}}'
    pressed = await at_work.slack.click(FIONA, forged, label="Release")
    await at_work.slack.until(lambda: [each for each in pressed.messages if "another version" in each.text])
    assert posts(at_work, "/units/{unit_id}/deallocate") == []


async def test_clearing_the_site_in_the_dialog_offers_every_site_again(town: Town) -> None:
    at_work = await town()
    view = await modal_for(at_work, f"/reserve {Pair(at_work).unit['id']}")
    await at_work.slack.suggest(FIONA, view, "pick_site", "hack")
    hackney = next(each["id"] for each in at_work.stora.world.sites.values() if each["name"] == "Hackney Wick")
    at_work.slack.faults.error("hash_conflict", "views.update")
    await at_work.slack.choose(FIONA, view, "pick_site", hackney)
    await at_work.slack.until(lambda: at_work.slack.called("views.update"))
    units = await at_work.slack.suggest(FIONA, view, "pick_unit", "")
    assert units.options  # a refused update leaves the pickers as they were


async def test_a_unit_chosen_before_another_site_is_not_taken_for_one_of_that_site(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    view = await modal_for(at_work, f"/reserve {pair.unit['id']}")
    await at_work.slack.suggest(FIONA, view, "pick_unit", pair.unit["reference_id"])
    await at_work.slack.suggest(FIONA, view, "pick_site", "Kings Cross")  # as people type it
    elsewhere = next(each["id"] for each in at_work.stora.world.sites.values() if each["name"] == "King's Cross")
    assert pair.unit["site"]["id"] != elsewhere
    await at_work.slack.choose(FIONA, view, "pick_site", elsewhere)
    await at_work.slack.until(lambda: at_work.slack.called("views.update"))
    there = (await at_work.slack.suggest(FIONA, view, "pick_tenancy", "")).options[0]["value"]
    sent = await at_work.slack.submit(FIONA, view, {"pick_unit": pair.unit["id"], "pick_tenancy": there})
    assert list(sent.errors) == ["reserve_unit"]
    assert "choose a unit of the site above" in sent.errors["reserve_unit"]


async def test_a_dialog_sent_off_without_the_role_is_refused(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    view = await modal_for(at_work, f"/reserve {pair.unit['id']}")
    await at_work.slack.suggest(FIONA, view, "pick_tenancy", pair.contact["email"])
    at_work.slack.workspace.group("S0FRONT").members.remove(FIONA)
    await at_work.slack.event("subteam_updated", subteam={"id": "S0FRONT"})
    await asyncio.sleep(0.05)
    sent = await at_work.slack.submit(FIONA, view, {"pick_tenancy": pair.tenancy["id"]})
    await at_work.slack.until(lambda: [each for each in sent.messages if "`reserve`" in each.text])
    assert posts(at_work) == []


async def test_a_card_for_a_unit_that_a_sweep_no_longer_found_says_so_even_without_stora(town: Town) -> None:
    at_work = await town()
    pair = Pair(at_work)
    card = answer(await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    at_work.stora.world.remove_unit(pair.unit["id"], datetime.now(UTC))
    await at_work.bot.directory.sweep()
    async with asyncio.timeout(5):  # Stora is asked for what the sweep did not see
        while at_work.bot.directory.unit(pair.unit["id"]) is not None:
            await asyncio.sleep(0.02)
    at_work.stora.faults.down = True
    pressed = await at_work.slack.click(FIONA, card, label="Refresh")
    await at_work.slack.until(lambda: [each for each in pressed.messages if "no such unit" in each.text], seconds=10)


async def test_a_stolen_card_cannot_be_cancelled_either(town: Town) -> None:
    at_work = await town()
    card = await card_of(at_work, Pair(at_work).by_ids)
    stolen = copy.deepcopy(card)
    stolen.ephemeral_to = None
    await at_work.slack.click(NADIA, stolen, label="Cancel")
    await at_work.slack.until(
        lambda: [each for each in at_work.slack.workspace.visible_to(NADIA, DESK) if "`reserve`" in each.text]
    )
    await at_work.slack.click(OMAR, stolen, label="Cancel")  # who may reserve there may also call it off
    await at_work.slack.until(lambda: "Cancelled" in str(at_work.slack.called("response_url")[-1].arguments))


async def test_a_customer_is_not_looked_for_on_behalf_of_one_who_may_not_reserve_there(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    roles = [{"name": "camden desk", "can": ["reserve"], "users": [FIONA], "sites": [camden]}]
    at_work = await town(stora=stora, roles=roles)
    known = at_work.bot.tenancies.known
    object.__setattr__(known, "read_at", known.read_at - timedelta(minutes=1))
    there = Pair(at_work, site="Hackney Wick")
    refusal = answer(await at_work.slack.command(FIONA, DESK, f"/reserve {there.unit['id']} Zebediah Nobody"))
    assert "for this site" in refusal.text
    assert at_work.stora.received == []


async def test_a_card_is_drawn_without_release_while_the_memory_is_out_of_order(town: Town, tmp_path: Path) -> None:
    at_work = await town(database_url=f"sqlite+aiosqlite:///{tmp_path}/unitbot.db")
    pair = Pair(at_work)
    await reserved_card(at_work, pair.by_ids)
    await at_work.slack.until(lambda: announcements(at_work))
    await renamed(tmp_path / "unitbot.db", "decisions", "lost")
    shown = answer(await at_work.slack.command(FIONA, DESK, f"/units {pair.unit['id']}"))
    assert labels(shown) == ["Open in Backoffice", "Refresh"]
    await renamed(tmp_path / "unitbot.db", "lost", "decisions")


async def renamed(database: Path, table: str, name: str) -> None:
    """Another program renames a table, as soon as the bot lets it."""
    async with asyncio.timeout(10):
        while True:
            with closing(sqlite3.connect(database, timeout=0)) as connection, suppress(sqlite3.OperationalError):
                connection.execute(f"ALTER TABLE {table} RENAME TO {name}")
                return
            await asyncio.sleep(0.02)


async def test_on_postgresql_it_is_the_same_story(town: Town, postgres: str) -> None:
    await emptied(postgres)
    at_work = await town(database_url=f"postgresql+asyncpg://postgres@/postgres?host={postgres}")
    card = await card_of(at_work, Pair(at_work).by_ids)
    await asyncio.gather(
        *(at_work.slack.click(FIONA, copy.deepcopy(card), label="Confirm reservation") for _ in range(5))
    )
    await says(at_work, card, "is reserved for")
    await at_work.slack.until(lambda: announcements(at_work))
    assert (len(posts(at_work)), len(announcements(at_work))) == (1, 1)
    assert "done" in await recorded(at_work)
