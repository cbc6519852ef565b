"""Reserving in the browser: found, confirmed once, told to everybody; and what happens on Stora's bad days."""

import asyncio
import re
import time

import pytest
from playwright.async_api import Page, expect

from bot.demo import Demo
from tests.page.conftest import Stage, Stages, a_stora
from tests.page.visitors import a_customer, button, picks, reads, types

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESERVE = "/units/{unit_id}/reserve"


def reservations(at_work: Demo) -> list[int | None]:
    """What Stora answered to each request to reserve."""
    return [each.status for each in at_work.stora.received if each.route == RESERVE]


def status_known(at_work: Demo, unit_id: str) -> str:
    """What the bot takes the unit's status to be."""
    inventory = at_work.bot.directory.inventory
    assert inventory is not None
    return next(unit.status for unit in inventory.units if unit.id == unit_id)


def announced(at_work: Demo) -> list[str]:
    return [message.text for message in at_work.slack.workspace.messages.get("C0RESERVE", ())]


async def card_for(page: Page, stage: Stage, unit: str = "A-012") -> str:
    """Come as far as the card that asks for a confirmation; answers the customer's name."""
    customer = a_customer(stage.at_work)
    await types(page, f"/reserve {unit} {customer} site=Camden")
    await expect(button(page, "Confirm reservation")).to_be_visible()
    return customer


async def test_a_visitor_finds_a_unit_and_reserves_it_with_the_modals_pickers(stage: Stage) -> None:
    page, customer = await stage.visit(), a_customer(stage.at_work)
    await page.get_by_role("button", name="/units site=Camden status=available").click()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Available units at Camden")).to_be_visible()
    await page.get_by_role("button", name="Reserve: Reserve A-012").click()
    modal = page.get_by_role("dialog", name="Reserve a unit")
    await expect(modal.get_by_role("combobox", name="Unit")).to_have_value(re.compile("A-012 · Camden"))
    await button(modal, "Continue").click()
    await expect(modal.get_by_text("Please complete this required field.")).to_be_visible()
    await picks(page, "Customer", customer)
    await button(modal, "Continue").click()
    await button(page, "Confirm reservation").click()
    await reads(page, f"A-012 is reserved for {customer}")
    await expect(modal).to_be_hidden()
    assert stage.at_work.stora.world.unit_named("A-012", "Camden")["status"] == "reserved"


async def test_the_announcement_arrives_without_reload_and_its_channel_says_so(stage: Stage) -> None:
    page, other = await stage.visit(), await stage.visit("U0OMAR", "C0RESERVE")
    customer = await card_for(page, stage)
    await button(page, "Confirm reservation").click()
    await reads(other, f"A-012 at Camden is reserved for {customer}")
    unread = page.get_by_role("navigation").get_by_role("button", name="reservations 1 unread")
    await expect(unread).to_be_visible()
    await unread.click()
    await reads(page, f"A-012 at Camden is reserved for {customer}")
    await expect(page.get_by_role("navigation").get_by_role("button", name="unread")).to_have_count(0)


async def test_a_double_click_reserves_once_and_announces_once(stage: Stage) -> None:
    page = await stage.visit()
    customer = await card_for(page, stage)
    await button(page, "Confirm reservation").dblclick()
    await reads(page, f"A-012 is reserved for {customer}")
    await stage.at_work.slack.until(lambda: announced(stage.at_work))
    assert reservations(stage.at_work) == [200]
    assert len(announced(stage.at_work)) == 1


async def test_a_form_that_is_sent_off_twice_counts_once(stage: Stage) -> None:
    page, customer = await stage.visit(), a_customer(stage.at_work)
    await types(page, "/reserve A-012 site=Camden")
    await picks(page, "Customer", customer)
    form = page.get_by_role("dialog", name="Reserve a unit").locator("form")
    await form.evaluate("form => { form.requestSubmit(); form.requestSubmit(); }")
    await expect(button(page, "Confirm reservation")).to_be_visible()
    await types(page, "/unitbot whoami")
    await reads(page, "You are @Fiona Clarke")
    await expect(page.get_by_role("button", name="Confirm reservation")).to_have_count(1)


async def test_an_answer_that_was_lost_is_found_again_under_the_same_key(stage: Stage) -> None:
    page = await stage.visit()
    customer = await card_for(page, stage)
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("button", name="Next answer lost").click()
    await expect(page.get_by_text("its answer is lost")).to_be_visible()
    await button(page, "Confirm reservation").click()
    await reads(page, f"A-012 is reserved for {customer}")
    await expect(page.get_by_role("listitem").filter(has_text="replayed")).to_be_visible()
    assert reservations(stage.at_work) == [None, 200]


async def test_a_unit_that_somebody_else_took_is_refused_with_alternatives(stage: Stage) -> None:
    page = await stage.visit()
    await card_for(page, stage)
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("button", name="Unit taken first").click()
    await expect(page.get_by_text("faster with the next unit")).to_be_visible()
    await button(page, "Confirm reservation").click()
    await reads(page, "A-012 was not reserved")
    await reads(page, "it is reserved")
    await expect(button(page, "Reserve: Reserve")).to_be_visible()
    assert announced(stage.at_work) == []


@pytest.mark.parametrize(
    ("day", "told"),
    [("Slow", "answers 6 s late"), ("Down", "Stora is down"), ("Limit used up", "used up this minute")],
)
async def test_bad_days_are_told_and_nothing_is_reserved_meanwhile(stages: Stages, day: str, told: str) -> None:
    began = time.time()
    stage = await stages(stora=a_stora(per_minute=60, now=lambda: began))  # no new minute begins
    page = await stage.visit()
    panel = page.get_by_role("complementary", name="Behind the scenes")
    await expect(panel).to_be_hidden()
    await card_for(page, stage)
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("button", name=day, exact=True).click()
    await expect(panel.get_by_text(told).first).to_be_visible()
    await button(page, "Confirm reservation").click()
    await expect(page.get_by_role("button", name="Confirm reservation")).to_have_count(0)
    assert stage.at_work.stora.world.unit_named("A-012", "Camden")["status"] == "available"
    assert announced(stage.at_work) == []


async def test_a_release_asks_once_more_and_no_means_no(stage: Stage) -> None:
    page = await stage.visit()
    await card_for(page, stage)
    await button(page, "Confirm reservation").click()
    await button(page, "Release").click()
    asked = page.get_by_role("dialog", name="Release this unit?")
    await button(asked, "Cancel").click()
    await expect(asked).to_be_hidden()
    assert stage.at_work.stora.world.unit_named("A-012", "Camden")["status"] == "reserved"
    await button(page, "Release").click()
    await button(asked, "Release").click()
    await reads(page, "A-012 is released")
    assert stage.at_work.stora.world.unit_named("A-012", "Camden")["status"] == "available"


async def test_a_reload_in_mid_modal_closes_it_and_nothing_breaks(stage: Stage) -> None:
    page = await stage.visit()
    await types(page, "/reserve A-012 site=Camden")
    await expect(page.get_by_role("dialog", name="Reserve a unit")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="front-desk")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await card_for(page, stage)
    await button(page, "Cancel").click()
    await reads(page, "Nothing was sent to Stora")


async def test_a_hostile_name_shows_as_text(stage: Stage) -> None:
    world = stage.at_work.stora.world
    hostile = "<img src=x onerror=alert(1)><!channel>*b*"
    world.unit_named("A-012", "Camden")["reference_id"] = hostile
    await stage.at_work.bot.directory.sweep()
    page = await stage.visit()
    await types(page, "/units site=Camden")
    await expect(page.get_by_text(hostile)).to_be_visible()
    await expect(page.locator("#messages img:not(.avatar)")).to_have_count(0)


async def test_a_colleague_reserves_in_the_backoffice(stage: Stage) -> None:
    page = await stage.visit()
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("button", name="Colleague reserves").click()
    said = await page.get_by_text("A colleague has reserved").inner_text()
    reference, site = re.findall(r"reserved (\S+) at (.+) in the", said)[0]
    unit = stage.at_work.stora.world.unit_named(reference, site)
    before = len(stage.at_work.stora.received)
    async with asyncio.timeout(5):
        while status_known(stage.at_work, unit["id"]) != "reserved":
            await asyncio.sleep(0.02)
    await types(page, f'/units {reference} site="{site}"')
    await reads(page, "Reserved")
    assert len(stage.at_work.stora.received) == before


async def test_without_an_answer_the_page_says_what_slack_would(stage: Stage) -> None:
    page = await stage.visit()
    await card_for(page, stage)
    stage.at_work.slack.request_url = "http://127.0.0.1:9/nobody"
    await button(page, "Cancel").click()
    await expect(page.get_by_role("alert")).to_contain_text("could not be reached. (dispatch_failed)")
    await types(page, "/units")
    await reads(page, "/units failed with the error “dispatch_failed”")
    await types(page, "/parking here")
    await reads(page, "is not a valid command")
