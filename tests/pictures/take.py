"""The README's pictures, taken from the running demo with fixed data and a fixed clock."""

import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from PIL import Image, ImageChops
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo import demo, demo_page, page_settings
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.server import SandboxStora
from tests.page.visitors import a_customer, button, goes_to, reads, types

START = datetime(2026, 6, 2, 8, 30, 1, tzinfo=UTC)
WINDOW = {"width": 1000, "height": 720}
LATER = 600.0
COLORS = 128
COARSE, SLIGHT = 4, 24
"""Pictures are compared in squares of so many pixels; so many steps of grey of 256 are no difference."""
TILE = (100, 40)
"""Of so many pixels, wide and high, is the part in which pictures are compared: a word or two."""


async def take(browser: Browser, reword: str = "") -> dict[str, bytes]:
    """Every picture as a PNG, by name; ``reword`` is a script that changes words just before each is taken."""
    ahead = START.timestamp() - time.time()

    def now() -> float:
        """The demo's clock: it began at ``START``."""
        return time.time() + ahead

    taken: dict[str, bytes] = {}
    stora = SandboxStora(demo_world(START, hostile=False), per_second=None, per_minute=None, now=now)
    quick: dict[str, Any] = {"stora_requests_per_second": 1000, "stora_requests_per_minute": 10_000}
    async with demo(stora=stora, now=now, **page_settings(now), **quick) as at_work, demo_page(at_work) as url:
        await at_work.bot.directory.sweep()
        await at_work.bot.tenancies.refresh()
        customer = a_customer(at_work)
        async with visiting(browser, f"{url}#U0FIONA/C0RESERVE") as page:
            digest = page.get_by_role("article").filter(has_text="Good morning")
            await expect(digest).to_be_visible(timeout=15_000)
            taken["digest"] = await small(digest, reword)
            ahead += LATER  # so that the announcement does not stand under the digest's name
            await goes_to(page, "front-desk")
            await types(page, "/units site=Camden status=available limit=7")
            await reads(page, "page 1 of")
            await page.get_by_role("textbox").fill("/reserve A-012 ")
            taken["list"] = await small(page.locator("body"), reword)
            await types(page, f"/reserve A-012 {customer} site=Camden")
            card = page.get_by_role("article").last
            await expect(button(card, "Confirm reservation")).to_be_visible()
            taken["card"] = await small(card, reword)
            await button(card, "Confirm reservation").click()
            await expect(button(card, "Release")).to_be_visible()
            taken["confirmation"] = await small(card, reword)
            await goes_to(page, "reservations")
            announcement = page.get_by_role("article").filter(has_text="is reserved for")
            await expect(announcement).to_be_visible()
            taken["announcement"] = await small(announcement, reword)
        async with visiting(browser, f"{url}#U0NADIA/C0FRONT") as page:
            await types(page, f"/reserve A-004 {a_customer(at_work)} site=Camden")
            await button(page, "Ask for approval").click()
            await reads(page, "waiting for an answer")
        async with visiting(browser, f"{url}#U0OMAR/C0APPROVE") as page:
            request = page.get_by_role("article").filter(has_text="Reserve A-004?")
            await expect(button(request, "Approve")).to_be_visible()
            taken["approvals"] = await small(request, reword)
            await goes_to(page, "Unitbot")
            await page.get_by_role("main").get_by_role("button", name="Home").click()
            await expect(page.get_by_role("heading", name="Units")).to_be_visible()
            taken["home"] = await small(page.locator("body"), reword)
    return taken


@asynccontextmanager
async def visiting(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A visitor whose machine is everybody's: one size, one language, one time zone."""
    async with await browser.new_context(
        viewport={"width": WINDOW["width"], "height": WINDOW["height"]},
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="light",
        reduced_motion="reduce",
    ) as context:
        context.set_default_timeout(8_000)
        page = await context.new_page()
        await page.goto(address)
        yield page


async def small(what: Locator, reword: str) -> bytes:
    """A picture of this with few colours."""
    await what.page.mouse.move(0, 0)
    if reword:
        await what.evaluate(reword)
    shot = await what.screenshot(animations="disabled", caret="hide")
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLORS)
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()


def difference(kept: bytes, taken: bytes) -> float:
    """The share of the worst tile of two pictures, from 0 to 1, that is clearly different."""
    pictures = [Image.open(io.BytesIO(each)).convert("L") for each in (kept, taken)]
    across, down = (-(-max(each.size[side] for each in pictures) // TILE[side]) for side in (0, 1))
    width, height = across * TILE[0], down * TILE[1]
    coarse = []
    for picture in pictures:
        whole = Image.new("L", (width, height))
        whole.paste(picture)
        coarse.append(whole.resize((width // COARSE, height // COARSE), Image.Resampling.BOX))
    clearly = ImageChops.difference(*coarse).point([0] * SLIGHT + [255] * (256 - SLIGHT))
    return max(clearly.resize((across, down), Image.Resampling.BOX).tobytes()) / 255
