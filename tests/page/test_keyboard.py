"""Everything works without a mouse, and with a screen reader."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.demo import demo_page
from bot.sandbox.slack import modals
from tests.page.conftest import Stage, needs
from tests.page.visitors import a_customer, button, reads, types

pytestmark = pytest.mark.asyncio(loop_scope="session")

_AXE = Path(os.environ.get("AXE_CORE", ""), "axe.min.js")
AXE = _AXE.read_text(encoding="utf-8") if _AXE.is_file() else ""
HOME = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Today"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*2* move-ins, <@U0FIONA> is in"},
         "fields": [{"type": "mrkdwn", "text": "*Camden*\n42 free"}, {"type": "plain_text", "text": "King's Cross"}]},
        {"type": "divider"},
        {"type": "actions", "elements": [
            {"type": "button", "action_id": "x", "style": "primary", "text": {"type": "plain_text", "text": "Go"}},
            {"type": "button", "action_id": "y", "style": "danger", "text": {"type": "plain_text", "text": "Stop"}},
            {"type": "static_select", "action_id": "z", "placeholder": {"type": "plain_text", "text": "Site"},
             "options": [{"value": "c", "text": {"type": "plain_text", "text": "Camden"}}]},
            {"type": "overflow", "action_id": "o", "options": [
                {"value": "1", "text": {"type": "plain_text", "text": "One"}},
                {"value": "2", "text": {"type": "plain_text", "text": "Two"}}]},
            {"type": "datepicker", "action_id": "d"}]},
    ],
}  # fmt: skip


async def focused(page: Page) -> str:
    """The accessible words of what has the focus."""
    script = "(e => e.getAttribute('aria-label') || e.innerText || e.tagName)(document.activeElement)"
    return str(await page.evaluate(script))


async def tab_to(page: Page, words: str, key: str = "Tab") -> None:
    """Press Tab until this has the focus, as somebody without a mouse does."""
    for _ in range(60):
        await page.keyboard.press(key)
        if (await focused(page)).startswith(words):
            return
    pytest.fail(f"the keyboard does not reach {words!r}")


async def test_a_unit_is_reserved_with_the_keyboard_alone(stage: Stage) -> None:
    page, customer = await stage.visit(), a_customer(stage.at_work)
    await expect(page.get_by_role("textbox")).to_be_visible()
    await tab_to(page, "Message #front-desk")
    await page.keyboard.type("/res")
    await page.keyboard.press("Enter")
    await page.keyboard.type("A-012 site=Camden")
    await page.keyboard.press("Enter")
    modal = page.get_by_role("dialog", name="Reserve a unit")
    await expect(modal).to_be_visible()
    await tab_to(page, "Customer")
    await page.keyboard.type(customer)
    await expect(page.get_by_role("option", name=customer)).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await tab_to(page, "Continue")
    await page.keyboard.press("Enter")
    await expect(modal).to_be_hidden()
    await expect(button(page, "Confirm reservation")).to_be_visible()
    await tab_to(page, "Confirm reservation", "Shift+Tab")
    await page.keyboard.press("Enter")
    await reads(page, f"A-012 is reserved for {customer}")
    # The button is gone; the focus stays with the message that it was in.
    assert await page.evaluate("document.activeElement.closest('article') !== null")


async def test_the_focus_stays_where_it_was_when_home_is_drawn_anew(stage: Stage) -> None:
    page = await stage.visit("U0FIONA", "D0FIONA")
    await expect(page.get_by_role("button", name="Messages")).to_be_visible()
    await tab_to(page, "Home")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Units")).to_be_visible()
    assert await focused(page) == "Home"
    await tab_to(page, "Refresh")
    published = len(stage.at_work.slack.called("views.publish"))
    await page.keyboard.press("Enter")
    await stage.at_work.slack.until(lambda: len(stage.at_work.slack.called("views.publish")) > published)
    await expect(page.locator("#home [aria-busy]")).to_have_count(0)
    assert (await focused(page)).startswith("Refresh")
    await tab_to(page, "Messages", "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("has been turned off")).to_be_visible()
    assert await focused(page) == "Messages"


async def test_the_focus_stays_inside_a_modal_and_escape_closes_the_menu_first(stage: Stage) -> None:
    page = await stage.visit()
    await types(page, "/reserve A-012 site=Camden")
    modal = page.get_by_role("dialog", name="Reserve a unit")
    await expect(modal).to_be_visible()
    for _ in range(12):
        await page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert await page.evaluate(inside)
    await modal.get_by_role("combobox", name="Customer").click()
    await expect(page.get_by_role("listbox", name="Customer")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("listbox", name="Customer")).to_be_hidden()
    await expect(modal).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_be_hidden()


async def serious(page: Page) -> list[Any]:
    """What axe finds serious or critical: the rule, and where."""
    await page.evaluate(AXE)
    found = await page.evaluate("axe.run()")
    return [
        (each["id"], [node["html"][:160] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(stage: Stage, scheme: str) -> None:
    needs(AXE, "axe-core is missing: npm install axe-core, and its folder in AXE_CORE")
    page = await stage.visit("U0OMAR", color_scheme=scheme, bypass_csp=True)
    await types(page, "/units")
    await expect(button(page, "Next")).to_be_visible()
    customer = a_customer(stage.at_work)
    await types(page, f"/reserve A-012 {customer} site=Camden")
    await button(page, "Confirm reservation").click()
    await expect(button(page, "Release")).to_be_visible()
    await page.get_by_role("button", name="Behind the scenes").click()
    await expect(page.get_by_text("To Stora")).to_be_visible()
    await page.get_by_role("textbox", name="Message #").fill("/")
    assert await serious(page) == []
    await page.get_by_role("button", name="Behind the scenes").click()
    await button(page, "Release").click()
    await expect(page.get_by_role("dialog", name="Release this unit?")).to_be_visible()
    assert await serious(page) == []
    await page.keyboard.press("Escape")
    await types(page, "a thread")
    await page.get_by_role("article").filter(has_text="a thread").last.hover()
    await page.get_by_role("button", name="Reply in thread").last.click()
    await expect(page.get_by_role("textbox", name="Message the thread")).to_be_focused()
    assert await serious(page) == []
    await page.get_by_role("button", name="Close thread").click()
    await page.get_by_role("textbox", name="Message #").fill("")
    await types(page, "/reserve A-013 site=Camden")
    await button(page, "Continue").click()
    await expect(page.get_by_text("Please complete").first).to_be_visible()
    await page.get_by_role("combobox", name="Customer").click()
    await expect(page.get_by_role("listbox", name="Customer").get_by_role("option").first).to_be_visible()
    assert await serious(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await page.evaluate("location.hash = '#U0OMAR/home'")
    await page.reload()
    await expect(page.get_by_role("button", name="Refresh")).to_be_visible()
    assert await serious(page) == []
    modals.publish(stage.at_work.slack.state, "U0OMAR", HOME)
    await expect(page.get_by_role("button", name="Go")).to_be_visible()
    assert await serious(page) == []


async def test_a_phone_shows_one_thing_at_a_time(stage: Stage) -> None:
    async with demo_page(stage.at_work) as url:
        page = await stage.visit(viewport={"width": 390, "height": 800})
        await page.goto(f"{url}#U0FIONA/C0FRONT")
        await types(page, "/units")
        await expect(button(page, "Next")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await expect(page.get_by_role("navigation")).to_be_hidden()
        await page.get_by_role("button", name="Channels").click()
        await page.get_by_role("navigation").get_by_role("button", name="reservations").click()
        await expect(page.get_by_role("heading", name="# reservations")).to_be_visible()
        await expect(page.get_by_role("navigation")).to_be_hidden()
