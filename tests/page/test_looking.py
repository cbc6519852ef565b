"""Looking around: lists, channels, threads, other people, and a page that is left open."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import expect

from bot.demo import demo_page
from bot.sandbox.loopback import serve
from bot.sandbox.slack import posting
from bot.sandbox.slack.nouns import Message
from tests.page.conftest import Stage, Stages, a_slack
from tests.page.visitors import a_customer, button, goes_to, reads, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_list_turns_its_pages_in_place(stage: Stage) -> None:
    page = await stage.visit()
    await types(page, "/units status=any")
    await reads(page, "page 1 of 8")
    await button(page, "Next").click()
    await reads(page, "page 2 of 8")
    await button(page, "Previous").click()
    await reads(page, "page 1 of 8")
    await expect(page.get_by_text("Only visible to you")).to_have_count(1)


async def test_commands_complete_themselves_and_show_how_they_are_used(stage: Stage) -> None:
    page = await stage.visit()
    box = page.get_by_role("textbox", name="Message #front-desk")
    await box.press_sequentially("/un")
    commands = page.get_by_role("listbox", name="Commands").get_by_role("option")
    await expect(commands).to_have_count(3)  # /units, /unitbot, and the shortcut: Reserve a unit
    await box.press("Tab")
    await expect(box).to_have_value("/units ")
    await expect(page.get_by_text("/units site=Camden status=available | A-012 | help")).to_be_visible()
    await box.fill("/reser")
    await page.get_by_role("option", name="Reserve a unit Choose").click()
    await expect(page.get_by_role("dialog", name="Reserve a unit")).to_be_visible()


async def test_everyone_sees_what_is_theirs(stage: Stage) -> None:
    page = await stage.visit()
    await types(page, "/units A-012")
    await expect(button(page, "Reserve")).to_be_visible()
    await page.get_by_label("You are").select_option("U0NADIA")
    await expect(page.get_by_text("This is the very beginning")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_have_count(0)
    await types(page, "/units A-012")
    await reads(page, "Available")
    await expect(button(page, "Refresh")).to_be_visible()
    await expect(page.get_by_role("button", name="Reserve", exact=True)).to_have_count(0)
    await expect(page.get_by_role("navigation").get_by_text("partners")).to_have_count(0)
    await page.get_by_label("You are").select_option("U0GUS")
    await expect(page.get_by_role("navigation").get_by_text("approvals")).to_have_count(0)
    await types(page, "/units")
    await reads(page, "Slack marks you as a guest")


async def test_two_browsers_at_once_are_two_people(stage: Stage) -> None:
    fiona, omar = await stage.visit(), await stage.visit("U0OMAR")
    await types(fiona, "/units A-012 share")
    await reads(omar, "A-012")
    await types(omar, "hello @fiona, see #approvals & <b>bold</b> *bold*")
    await reads(fiona, "hello @Fiona Clarke, see #approvals & <b>bold</b> bold")
    await types(omar, "/unitbot whoami")
    await reads(omar, "You are @Omar Haddad")
    await expect(fiona.get_by_text("You are @Omar Haddad")).to_have_count(0)


async def test_a_thread_opens_beside_the_channel(stage: Stage) -> None:
    fiona, omar = await stage.visit(), await stage.visit("U0OMAR")
    await types(fiona, "Who has the keys of A-012?")
    await reads(omar, "Who has the keys")
    await omar.get_by_role("article").filter(has_text="keys").hover()
    await omar.get_by_role("button", name="Reply in thread").click()
    reply = omar.get_by_role("textbox", name="Message the thread")
    await reply.fill("I have")
    await reply.press("Enter")
    await button(fiona, "1 reply").click()
    await expect(fiona.get_by_role("complementary", name="Thread").get_by_text("I have")).to_be_visible()
    await fiona.get_by_role("button", name="Close thread").click()
    await expect(fiona.get_by_text("I have")).to_have_count(0)


async def test_five_thousand_messages_are_shown_from_the_newest(stage: Stage) -> None:
    workspace = stage.at_work.slack.workspace
    for number in range(5000):
        workspace.say(Message(f"{1763700000 + number * 10}.000100", "C0FRONT", "U0OMAR", f"number {number}."))
    page = await stage.visit()
    await reads(page, "number 4999.")
    await expect(page.get_by_role("article")).to_have_count(50)
    await button(page, "Load 50 of 4950 earlier messages").click()
    await expect(page.get_by_role("article")).to_have_count(100)
    await expect(page.get_by_text("number 4900.")).to_be_attached()
    await types(page, "/units A-012")
    await expect(button(page, "Reserve")).to_be_in_viewport()


async def test_the_record_arrives_as_a_file_in_the_apps_messages(stage: Stage) -> None:
    page = await stage.visit("U0OMAR")
    await types(page, "/reserve A-012 site=Camden")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    customer = a_customer(stage.at_work)
    await types(page, f"/reserve A-012 {customer} site=Camden")
    await button(page, "Confirm reservation").click()
    await reads(page, f"A-012 is reserved for {customer}")
    await types(page, "/unitbot audit")
    await button(page, "Send me the CSV file").click()
    await page.get_by_role("navigation").get_by_role("button", name="Unitbot 2 unread").click()
    await expect(page.get_by_text("Sending messages to this app has been turned off.")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="csv").click()
    assert "A-012" in (await (await download.value).path()).read_text(encoding="utf-8")


async def test_a_page_whose_demo_restarts_says_so_and_goes_on(stage: Stage) -> None:
    async with demo_page(stage.at_work) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        page = await stage.visit()
        await page.goto(f"{url}#U0FIONA/C0FRONT")
        await expect(page.get_by_role("button", name="front-desk")).to_be_visible()
    await expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    await types(page, "/units")
    await reads(page, "There is no connection just now.")
    await asyncio.sleep(0.2)
    async with demo_page(stage.at_work, port):
        await expect(page.get_by_text("Connected again.")).to_be_visible(timeout=10_000)
        await types(page, "/units A-012")
        await expect(button(page, "Reserve")).to_be_visible()


async def test_many_messages_at_once_leave_an_open_page_quick(stage: Stage) -> None:
    page, state = await stage.visit(), stage.at_work.slack.state
    await expect(page.get_by_text("This is the very beginning")).to_be_visible()
    for number in range(1500):
        posting.add(state, "C0FRONT", text=f"number {number}.", user="U0OMAR")
    await reads(page, "number 1499.")
    await expect(page.get_by_role("article")).to_have_count(50)
    await button(page, "Load 50 of 1450 earlier messages").click()
    await expect(page.get_by_role("article")).to_have_count(100)
    await expect(page.get_by_text("number 1400.")).to_be_attached()
    posting.add(state, "C0FRONT", text="one more.", user="U0OMAR")
    await reads(page, "one more.")
    await expect(page.get_by_role("article")).to_have_count(100)
    await expect(button(page, "Load 50 of 1401 earlier messages")).to_be_attached()


async def test_back_edited_addresses_and_drafts_lead_where_they_should(stage: Stage) -> None:
    page = await stage.visit()
    box = page.get_by_role("textbox", name="Message #front-desk")
    await box.fill("half a sentence")
    await goes_to(page, "reservations")
    await expect(page.get_by_role("textbox", name="Message #reservations")).to_have_value("")
    await page.go_back()
    await expect(box).to_have_value("half a sentence")
    await page.get_by_label("You are").select_option("U0OMAR")
    await expect(page).to_have_url(f"{stage.url}#U0OMAR/C0FRONT")
    await expect(box).to_have_value("")
    await page.go_back()
    await expect(box).to_have_value("half a sentence")
    await expect(page.get_by_label("You are")).to_have_value("U0FIONA")
    await page.evaluate("location.hash = '#U0FIONA/C0APPROVE'")
    await expect(page.get_by_role("heading", name="# approvals")).to_be_visible()


@pytest.mark.parametrize("place", ["__proto__", "constructor", "C0MANAGER", ""])
async def test_an_address_that_leads_nowhere_leads_to_the_first_channel(stage: Stage, place: str) -> None:
    page = await stage.visit(place=place)
    await expect(page.get_by_role("textbox", name="Message #front-desk")).to_be_visible()


async def test_a_late_failure_is_said_where_it_was_typed(stages: Stages) -> None:
    stage = await stages(slack=a_slack(ack_seconds=0.8))
    page = await stage.visit()

    async def late(_request: web.Request) -> web.Response:
        await asyncio.sleep(1.2)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", late)
    async with serve(app) as url:
        stage.at_work.slack.request_url = f"{url}/"
        await types(page, "/units")
        await goes_to(page, "Unitbot")
        await page.get_by_role("main").get_by_role("button", name="Home").click()
        await asyncio.sleep(1.5)
    await goes_to(page, "reservations")
    await expect(page.get_by_text("operation_timeout")).to_have_count(0)
    await goes_to(page, "front-desk")
    await reads(page, "/units failed with the error “operation_timeout”")


async def test_a_text_that_is_too_long_is_called_that(stage: Stage) -> None:
    page = await stage.visit()
    box = page.get_by_role("textbox", name="Message #front-desk")
    await box.focus()
    await page.keyboard.insert_text("a" * 50_000)
    assert len(await box.input_value()) == 40_000
    await box.fill("")
    await page.route("**/act/say", lambda route: route.fulfill(status=413, body="Maximum request body size exceeded"))
    await types(page, "a text")
    await reads(page, "That is longer than a message can be.")
    await expect(page.get_by_text("There is no connection just now.")).to_have_count(0)


async def test_a_list_that_is_shared_changes_for_everybody(stage: Stage) -> None:
    fiona, omar = await stage.visit(), await stage.visit("U0OMAR")
    await types(fiona, "/units status=any share")
    await reads(omar, "page 1 of 8")
    await button(fiona, "Next").click()
    await reads(omar, "page 2 of 8")


async def test_a_page_that_nobody_sees_holds_no_connection_and_keeps_its_modal(stage: Stage) -> None:
    page = await stage.visit()
    await types(page, "/reserve A-012 site=Camden")
    modal = page.get_by_role("dialog", name="Reserve a unit")
    await expect(modal).to_be_visible()
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    before = len(stage.at_work.slack.state.journal._listeners)
    await page.evaluate(hide, arg=True)
    posting.add(stage.at_work.slack.state, "C0FRONT", text="while nobody looked", user="U0OMAR")
    async with asyncio.timeout(5):
        while len(stage.at_work.slack.state.journal._listeners) == before:
            posting.add(stage.at_work.slack.state, "C0FRONT", text="and again", user="U0OMAR")
            await asyncio.sleep(0.05)
    await page.evaluate(hide, arg=False)
    await reads(page, "while nobody looked")
    await expect(modal).to_be_visible()


async def test_a_page_that_was_refused_once_reconnects_says_so_and_keeps_its_modal(stage: Stage) -> None:
    page = await stage.visit()
    await types(page, "/reserve A-012 site=Camden")
    modal = page.get_by_role("dialog", name="Reserve a unit")
    await expect(modal).to_be_visible()
    await page.route("**/stream?*", lambda route: route.fulfill(status=503, body="later"), times=1)
    await page.get_by_label("You are").dispatch_event("change")
    await expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    await expect(page.get_by_text("Connected again.")).to_be_visible()
    await expect(page.get_by_text("Connection lost. Reconnecting…")).to_have_count(0)
    await expect(modal).to_be_visible()
