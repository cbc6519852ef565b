"""What visitors do on the page, in their own words."""

from playwright.async_api import Locator, Page, expect

from bot.demo import Demo


async def types(page: Page, text: str) -> None:
    """Write into the composer and send."""
    box = page.get_by_role("textbox", name="Message ")
    await box.fill(text)
    await box.press("Enter")


def button(page: Page | Locator, name: str) -> Locator:
    """The newest button whose words begin so."""
    return page.get_by_role("button", name=name).last


async def reads(page: Page, text: str) -> None:
    """See this in the newest message that says so."""
    await expect(page.get_by_role("log", name="Messages in").get_by_text(text).last).to_be_visible()


async def goes_to(page: Page, channel: str) -> None:
    """Open a channel in the sidebar."""
    await page.get_by_role("navigation").get_by_role("button", name=channel).click()


async def picks(page: Page, label: str, typed: str) -> None:
    """Type into a menu of the modal and take the first option."""
    menu = page.get_by_role("dialog").get_by_role("combobox", name=label)
    await menu.fill(typed)
    await page.get_by_role("option", name=typed).first.click()


def a_customer(at_work: Demo, site: str = "Camden") -> str:
    """Somebody who waits for a unit at this site and whose name is like nobody else's."""
    world = at_work.stora.world
    (site_id,) = [each["id"] for each in world.sites.values() if each["name"] == site]
    names = [contact["full_name"] for contact in world.contacts.values()]
    waiting = [
        str(world.contacts[each["contact"]["id"]]["full_name"])
        for each in world.tenancies.values()
        if not each["unit_allocations"] and not each["ends_at"] and each["site"]["id"] == site_id
    ]
    return next(name for name in waiting if names.count(name) == 1)
