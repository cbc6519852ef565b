"""The rest of a day: approvals, the app's Home, and the morning digest."""

import pytest
from playwright.async_api import expect

from bot.demo import page_settings
from bot.sandbox.slack.modals import publish
from tests.page.conftest import Stage, Stages
from tests.page.visitors import a_customer, button, goes_to, reads, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_may_not_reserve_asks_and_an_approver_answers(stage: Stage) -> None:
    nadia, omar = await stage.visit("U0NADIA"), await stage.visit("U0OMAR", "C0APPROVE")
    customer = a_customer(stage.at_work)
    await types(nadia, f"/reserve A-012 {customer} site=Camden")
    await reads(nadia, "which you do not have")
    await expect(nadia.get_by_role("button", name="Confirm reservation")).to_have_count(0)
    await button(nadia, "Ask for approval").click()
    await reads(nadia, "waiting for an answer")
    await expect(omar.get_by_role("heading", name="Reserve A-012?")).to_be_visible()
    await button(omar, "Approve").click()
    await button(omar.get_by_role("dialog", name="Reserve this unit?"), "Approve").click()
    await reads(omar, "Approved by @Omar Haddad: A-012 is reserved")
    await expect(omar.get_by_role("button", name="Approve")).to_have_count(0)
    await reads(nadia, "Approved by @Omar Haddad: A-012 is reserved")
    assert stage.at_work.stora.world.unit_named("A-012", "Camden")["status"] == "reserved"


async def test_a_request_is_declined_and_nothing_happens(stage: Stage) -> None:
    nadia, omar = await stage.visit("U0NADIA"), await stage.visit("U0OMAR", "C0APPROVE")
    await types(nadia, f"/reserve A-012 {a_customer(stage.at_work)} site=Camden")
    await button(nadia, "Ask for approval").click()
    await button(omar, "Decline").click()
    await reads(nadia, "Declined by @Omar Haddad")
    assert stage.at_work.stora.world.unit_named("A-012", "Camden")["status"] == "available"


async def test_home_shows_how_things_stand_and_reserves(stage: Stage) -> None:
    page = await stage.visit()
    await goes_to(page, "Unitbot")
    await page.get_by_role("main").get_by_role("button", name="Home").click()
    await expect(page.get_by_role("heading", name="Units")).to_be_visible()
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_text("Camden").first).to_be_visible()
    await page.get_by_role("button", name="Reserve a unit").click()
    await expect(page.get_by_role("dialog", name="Reserve a unit")).to_be_visible()


async def test_a_click_is_not_lost_when_home_is_drawn_anew_under_the_mouse(stage: Stage) -> None:
    page, slack = await stage.visit(), stage.at_work.slack
    await goes_to(page, "Unitbot")
    await page.get_by_role("main").get_by_role("button", name="Home").click()
    await page.get_by_role("button", name="Reserve a unit").hover()
    await page.mouse.down()
    source = slack.workspace.homes["U0FIONA"].source
    news = {"type": "header", "text": {"type": "plain_text", "text": "Just in"}}
    publish(slack.state, "U0FIONA", source | {"blocks": [*source["blocks"], news]})
    await expect(page.get_by_role("heading", name="Just in")).to_be_visible()
    await page.mouse.up()
    await expect(page.get_by_role("dialog", name="Reserve a unit")).to_be_visible()


async def test_the_morning_digest_is_there(stages: Stages) -> None:
    stage = await stages(**page_settings())
    page = await stage.visit()
    await goes_to(page, "reservations")
    await expect(page.get_by_role("heading", name="Good morning")).to_be_visible()
    await page.get_by_role("button", name="Behind the scenes").click()
    await expect(page.get_by_role("listitem").filter(has_text="digest #reservations")).to_contain_text("sent")
