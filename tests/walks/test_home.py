"""The App Home tab: from the event that it was opened to what somebody sees there."""

import asyncio
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo import Demo
from bot.sandbox.slack.nouns import View
from bot.sandbox.stora.shapes import DAYS, OPEN_ALL_DAY, Place
from bot.slack.home import MOST_REQUESTS
from tests.walks.conftest import Town, a_slack, a_stora, locked
from tests.walks.test_approvals import ON, asked, press
from tests.walks.test_reserve import OMAR, Pair, appeared, card_of, confirmed, says
from tests.walks.test_units import FIONA, GUS, NADIA, SAM


async def home_of(at_work: Demo, person: str) -> View:
    before = len(at_work.slack.called("views.publish"))
    reaction = await at_work.slack.open_home(person)
    assert reaction.ok
    await at_work.slack.until(lambda: len(at_work.slack.called("views.publish")) > before, seconds=6)
    return at_work.slack.workspace.homes[person]


def words(view: View) -> str:
    return str(view.blocks)


def buttons(view: View) -> list[str]:
    rows = [block["elements"] for block in view.blocks if block["type"] == "actions"]
    rows += [[block["accessory"]] for block in view.blocks if "accessory" in block]
    return [element["text"]["text"] for row in rows for element in row]


@pytest.fixture(params=["http", "socket mode"])
async def both(town: Town, request: pytest.FixtureRequest) -> Demo:
    return await town(socket_mode=request.param == "socket mode", **ON)


async def test_everybody_sees_what_is_free_and_what_they_may_do(both: Demo) -> None:
    view = await home_of(both, FIONA)
    shown = words(view)
    world = both.stora.world
    for site in world.sites.values():
        free = sum(each["status"] == "available" and each["site"]["id"] == site["id"] for each in world.units.values())
        assert f"*{site['name']}*\\n🟢 {free} available" in shown
    assert "`reserve`, `release`" in shown
    assert "As of" in shown
    assert buttons(view)[:2] == ["Reserve a unit", "Refresh"]
    waiting = sum(
        not each["unit_allocations"] and each["id"] in both.bot.tenancies.known.by_id
        for each in world.tenancies.values()
    )
    assert f"Waiting for a unit: {waiting}" in shown
    soonest = both.bot.tenancies.known.in_order[0]
    assert soonest.customer in shown
    assert both.stora.received == []


async def test_customers_names_are_for_those_who_may_reserve(town: Town) -> None:
    at_work = await town(**ON)
    soonest = at_work.bot.tenancies.known.in_order[0]
    for person in (NADIA, OMAR):
        shown = words(await home_of(at_work, person))
        assert soonest.id in shown
        assert soonest.customer not in shown


async def test_the_button_leads_to_the_dialog_and_refresh_to_what_is_true_now(town: Town) -> None:
    at_work = await town()
    view = await home_of(at_work, FIONA)
    pressed = await at_work.slack.click(FIONA, view, label="Reserve a unit")
    opened = await at_work.slack.until(lambda: [each for each in pressed.views if each.type == "modal"])
    assert opened[0].title == "Reserve a unit"
    pair = Pair(at_work)
    card = await card_of(at_work, pair.by_ids)
    await confirmed(at_work, card)
    await says(at_work, card, "is reserved for")
    assert "Your last reservations" not in words(view)
    published = len(at_work.slack.called("views.publish"))
    await at_work.slack.click(FIONA, view, label="Refresh")
    await at_work.slack.until(lambda: len(at_work.slack.called("views.publish")) > published)
    view = at_work.slack.workspace.homes[FIONA]
    assert "Your last reservations" in words(view)
    assert f"*{pair.unit['reference_id']}* · :white_check_mark: reserved for *{pair.contact['full_name']}*" in words(
        view
    )
    assert "Open in Backoffice" in buttons(view)


async def test_an_approver_sees_what_waits_and_the_asker_what_became_of_it(town: Town) -> None:
    at_work = await town(**ON)
    pair = Pair(at_work)
    _, request = await asked(at_work, pair)
    assert "Waiting for approval" in words(await home_of(at_work, OMAR))
    assert f"Asked by <@{NADIA}>" in words(await home_of(at_work, OMAR))
    for person in (FIONA, NADIA):
        assert "Waiting for approval" not in words(await home_of(at_work, person))
    await press(at_work, OMAR, request, "Approve")
    await says(at_work, request, "is reserved for")
    assert "Waiting for approval" not in words(await home_of(at_work, OMAR))
    for person in (NADIA, OMAR):
        shown = words(await home_of(at_work, person))
        assert "Your last reservations" in shown
        assert f"by <@{OMAR}>" in shown


async def test_who_may_not_reserve_has_no_button_where_nobody_can_be_asked(town: Town) -> None:
    at_work = await town()
    view = await home_of(at_work, NADIA)
    assert buttons(view)[:1] == ["Refresh"]
    assert "Reserve a unit" not in buttons(view)
    assert "You may look" in words(view)
    at_work = await town(**ON)
    view = await home_of(at_work, NADIA)
    assert "ask for approval" in words(view)
    pressed = await at_work.slack.click(NADIA, view, label="Reserve a unit")
    opened = (await at_work.slack.until(lambda: [each for each in pressed.views if each.type == "modal"]))[0]
    pair = Pair(at_work)
    await at_work.slack.suggest(NADIA, opened, "pick_unit", pair.unit["reference_id"])
    await at_work.slack.suggest(NADIA, opened, "pick_tenancy", pair.contact["email"])
    values = {"pick_unit": pair.unit["id"], "pick_tenancy": pair.tenancy["id"]}
    card = await appeared(at_work, await at_work.slack.submit(NADIA, opened, values), "Ask for approval")
    assert card.channel == at_work.slack.workspace.direct_message(NADIA).id


@pytest.mark.parametrize("person", [GUS, SAM], ids=["a guest", "a stranger"])
async def test_others_get_a_polite_line_and_nothing_else(town: Town, person: str) -> None:
    at_work = await town()
    view = await home_of(at_work, person)
    assert len(view.blocks) == 2
    assert "Unitbot is for members of the workspace" in words(view)


async def test_the_messages_tab_is_left_alone(town: Town) -> None:
    at_work = await town()
    await at_work.slack.open_home(FIONA, "messages")
    await asyncio.sleep(0.1)
    assert at_work.slack.called("views.publish") == []


async def test_before_the_inventory_is_read_it_says_so(town: Town) -> None:
    stora = a_stora()
    stora.faults.status(503, times=None)
    at_work = await town(stora=stora, swept=False)
    view = await home_of(at_work, FIONA)
    assert "being read for the first time" in words(view)
    assert "Reserve a unit" in buttons(view)


async def test_a_slack_that_refuses_it_bothers_nobody(town: Town) -> None:
    at_work = await town()
    at_work.slack.faults.error("internal_error", "views.publish")
    await at_work.slack.open_home(FIONA)
    await at_work.slack.until(lambda: at_work.slack.called("views.publish"))
    await asyncio.sleep(0.1)
    assert at_work.slack.workspace.messages.get(at_work.slack.workspace.direct_message(FIONA).id, []) == []
    await home_of(at_work, FIONA)


async def test_without_its_memory_it_still_shows_what_is_free(town: Town) -> None:
    slack: Any = a_slack()
    at_work = await town(slack=slack, **ON)
    async with locked(Path(at_work.database_url.partition("///")[2])) as connection:
        connection.execute("DROP TABLE approvals")
    view = await home_of(at_work, OMAR)
    assert "memory does not answer" in words(view)
    assert "available" in words(view)


async def test_who_may_reserve_at_one_site_sees_no_customers_of_others(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    roles = [{"name": "camden", "can": ["reserve"], "users": [FIONA], "sites": [camden]}]
    at_work = await town(stora=stora, roles=roles)
    known = at_work.bot.tenancies.known.in_order
    here, there = (next(each for each in known if (each.site_id == camden) == wanted) for wanted in (True, False))
    view = await home_of(at_work, FIONA)
    assert [each.customer for each in known[:5] if each.site_id != camden and each.customer in words(view)] == []
    pressed = await at_work.slack.click(FIONA, view, label="Reserve a unit")
    [opened] = await at_work.slack.until(lambda: [each for each in pressed.views if each.type == "modal"])
    for typed, tenancy, offered in (("", None, True), (here.email, here, True), (there.email, there, False)):
        found = await at_work.slack.suggest(FIONA, opened, "pick_tenancy", typed)
        ids = [option["value"] for option in found.options]
        assert {at_work.bot.tenancies.known.by_id[one].site_id for one in ids} <= {camden}
        assert ids if tenancy is None else (tenancy.id in ids) == offered
    await at_work.slack.suggest(FIONA, opened, "pick_site", "")
    await at_work.slack.choose(FIONA, opened, "pick_site", there.site_id)
    await at_work.slack.until(lambda: there.site_id in opened.private_metadata)
    assert (await at_work.slack.suggest(FIONA, opened, "pick_tenancy", "")).options == []


async def test_requests_at_other_sites_hide_none_of_an_approvers_own(town: Town) -> None:
    stora = a_stora()
    camden = next(each["id"] for each in stora.world.sites.values() if each["name"] == "Camden")
    roles = [{"name": "camden", "can": ["approve"], "users": [OMAR], "sites": [camden]}]
    at_work = await town(stora=stora, **{**ON, "roles": roles})
    await asked(at_work, Pair(at_work))
    async with locked(Path(at_work.database_url.partition("///")[2])) as connection:
        for number in range(MOST_REQUESTS):
            for table, of in (("decisions", "id"), ("approvals", "decision_id"), ("outbox", "decision_id")):
                connection.execute(f"CREATE TEMP TABLE other AS SELECT * FROM {table} LIMIT 1")  # noqa: S608
                connection.execute(f"UPDATE other SET {of} = ?", [f"other{number}"])  # noqa: S608
                if table == "decisions":
                    connection.execute("UPDATE other SET site_id = 'elsewhere', idempotency_key = id")
                elif table == "approvals":
                    connection.execute("UPDATE other SET asked_at = datetime(asked_at, '-1 hour')")
                else:
                    connection.execute("UPDATE other SET id = NULL, key = decision_id || ':request'")
                connection.execute(f"INSERT INTO {table} SELECT * FROM other")  # noqa: S608
                connection.execute("DROP TABLE other")
    assert f"Asked by <@{NADIA}>" in words(await home_of(at_work, OMAR))


async def test_today_is_the_operators_day(town: Town) -> None:
    now = datetime.now(UTC)
    zone = ZoneInfo("Etc/GMT+12" if now.hour < 12 else "Etc/GMT-14")  # where the date is another one than in UTC
    today = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
    stora = a_stora()
    place = Place("1 High Street", "London", "NW1 8QR", "020 7946 0112", dict.fromkeys(DAYS, OPEN_ALL_DAY))
    site = stora.world.add_site("Dateline", place, now)
    contact = stora.world.add_contact("Jane Doe", "jane@example.com", now)
    stora.world.add_tenancy(contact["id"], site["id"], today, now)
    at_work = await town(stora=stora, digest_time="00:00", digest_timezone=zone.key)
    assert "*Dateline*\\n🟢 0 available\\nMove-ins: 1 today" in words(await home_of(at_work, FIONA))
