"""The page's HTTP: nobody else drives it, every page hears what its person sees, and acts reach the app."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox.page.server import ASSETS
from bot.sandbox.slack import modals, posting
from bot.sandbox.slack.nouns import File
from bot.sandbox.slack.server import SandboxSlack
from tests.sandbox.page.conftest import Opens, Visitor

BOT = Path(__file__).parent.parent.parent.parent / "bot"
BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "v"}
FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "name"},
        }
    ],
}


def test_the_pages_own_code_is_small_and_loads_nothing_from_elsewhere() -> None:
    files = [path for path in ASSETS.iterdir() if path.suffix in {".html", ".css", ".js"}]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert 500 < len(lines) < 1200
    assert [line for line in lines if len(line) > 120] == []
    assert not [line for line in lines if re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", line)]
    assert not [line for line in lines if re.search(r"(src|href|import|url)\W+https?:", line)]


def test_every_emoji_that_the_bot_writes_is_known() -> None:
    written = {
        name
        for path in (BOT / "render").glob("*.py")
        for name in re.findall(r":([a-z_]{3,}):", path.read_text(encoding="utf-8"))
    }
    known = (ASSETS / "mrkdwn.js").read_text(encoding="utf-8")
    assert "warning" in written
    assert [name for name in written if f"{name}: " not in known] == []


def test_every_block_and_element_that_the_bot_sends_is_drawn() -> None:
    texts = {"plain_text", "mrkdwn", "modal", "home"}
    sent = {
        name
        for folder in ("render", "slack")
        for path in (BOT / folder).glob("*.py")
        for name in re.findall(r'"type": "(\w+)"', path.read_text(encoding="utf-8"))
    }
    drawn = (ASSETS / "blocks.js").read_text(encoding="utf-8")
    assert {"section", "external_select"} <= sent
    assert [name for name in sent - texts if not re.search(rf'  {name}: |case "{name}"', drawn)] == []


async def test_its_files_come_with_a_policy_that_allows_only_themselves(visitor: Visitor) -> None:
    async with visitor.http.get(visitor.url) as response:
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        page = await response.text()
    assert not re.search(r"<script(?! type=\"module\" src)|<style|\son\w+=", page)
    for path in re.findall(r'(?:src|href)="/([^"]+)"', page):
        assert (await visitor.get(path))[0] == 200
    assert (await visitor.get("assets/../server.py"))[0] == 404
    assert (await visitor.get("assets/nothing.js"))[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost@evil.example"]
)
async def test_a_foreign_name_that_leads_here_is_refused(visitor: Visitor, host: str) -> None:
    async with visitor.http.get(visitor.url, headers={"Host": host}) as response:
        assert response.status in {400, 403}
    async with visitor.http.post(f"{visitor.url}act/say", json={}, headers={"Host": host}) as response:
        assert response.status in {400, 403}


async def test_localhost_is_fine(visitor: Visitor) -> None:
    async with visitor.http.get(visitor.url, headers={"Host": "localhost:8080"}) as response:
        assert response.status == 200


async def test_nobody_else_on_the_network_reaches_it(visitor: Visitor) -> None:
    port = int(visitor.url.rstrip("/").rpartition(":")[2])
    tables = [table for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if table.exists()]
    if not tables:
        pytest.skip("only Linux lists there what listens")
    sockets = [line.split() for table in tables for line in table.read_text(encoding="ascii").splitlines()]
    listening = [each[1] for each in sockets if each[1].endswith(f":{port:04X}") and each[3] == "0A"]
    assert listening == [f"0100007F:{port:04X}"]


async def test_a_form_of_another_site_is_refused(visitor: Visitor, slack: SandboxSlack) -> None:
    said = '{"user": "U0FIONA", "channel": "C0FRONT", "text": "spam"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": kind}
        async with visitor.http.post(f"{visitor.url}act/say", data=said, headers=headers) as response:
            assert response.status == 415
    assert slack.workspace.messages == {}


async def test_what_makes_no_sense_is_answered_and_changes_nothing(visitor: Visitor) -> None:
    headers = {"Content-Type": "application/json"}
    async with visitor.http.post(f"{visitor.url}act/say", data="{", headers=headers) as response:
        assert response.status == 400
    async with visitor.http.post(f"{visitor.url}act/say", data="[]", headers=headers) as response:
        assert response.status == 400
    assert (await visitor.act("dance"))[0] == 404
    assert (await visitor.act("say"))[0] == 404
    assert (await Visitor(visitor.http, visitor.url, "U0SAM").act("home"))[0] == 404
    assert (await visitor.act("close", view="V0"))[0] == 409
    status, said = await visitor.act("press", channel="C0FRONT", ts="1.0", block_id="b", action_id="a")
    assert (status, said["impossible"]) == (409, True)
    assert (await visitor.act("say", channel="C0MANAGER", text="hello"))[0] == 409


@pytest.mark.parametrize(
    "said",
    [
        {"text": 5},
        {"text": None},
        {"text": ["/units"]},
        {"text": "half a pair: \ud800"},
        {"text": "reply", "thread_ts": {"a": 1}},
        {"text": "reply", "thread_ts": None},
        {"text": "form", "values": ["a"]},
        {"text": "form", "values": "a"},
        {"text": "form", "values": {"name": {"value": 1}}},
        {"text": "form", "values": {"name": "\udfff"}},
        {"text": "page", "page": 1},
        {"text": "user", "user": {"a": 1}},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["say", "command"])
async def test_whatever_is_no_text_is_not_understood(
    visitor: Visitor, slack: SandboxSlack, name: str, said: dict[str, Any]
) -> None:
    status, answer = await visitor.act(name, channel="C0FRONT", **said)
    assert status == 400
    assert answer["error"].startswith("not understood: ")
    assert slack.workspace.messages == {}


async def test_a_page_gets_everything_and_then_each_change(visitor: Visitor, slack: SandboxSlack) -> None:
    async with visitor.stream() as stream:
        state = await stream.until("state")
        assert state["me"] == "U0FIONA"
        assert [each["id"] for each in state["visitors"]] == ["U0FIONA", "U0OMAR"]
        assert "old-yard" not in [each["name"] for each in state["channels"]]
        assert state["modal"] is state["home"] is None
        secret = posting.add(slack.state, "C0FRONT", text="for Omar", ephemeral_to="U0OMAR")
        posting.add(slack.state, "C0MANAGER", text="for managers")
        seen = posting.add(slack.state, "C0FRONT", text="hello <@U0FIONA>")
        told = await stream.until("message")
        assert (told["text"], told["unread"], told["mentions"]) == ("hello <@U0FIONA>", 1, 1)
        assert (await visitor.act("read", channel="C0FRONT"))[1] == {"unread": 0, "mentions": 0}
        posting.delete(slack.state, seen)
        assert (await stream.until("message"))["deleted"] is True
        assert secret.ephemeral_to


async def test_nobody_in_particular_is_the_first_visitor(visitor: Visitor) -> None:
    visitor.user = ""
    async with visitor.stream() as stream:
        assert (await stream.until("state"))["me"] == "U0FIONA"


async def test_reading_an_empty_channel_is_fine(visitor: Visitor) -> None:
    assert await visitor.act("read", channel="C0FRONT") == (200, {"unread": 0, "mentions": 0})


async def test_a_quiet_stream_still_beats(opens: Opens) -> None:
    async with opens(heartbeat_seconds=0.01) as visitor, visitor.stream() as stream:
        await stream.until("state")
        assert [await stream.line(), await stream.line()] == ["", ":"]


async def test_a_stream_ends_with_the_demo(opens: Opens) -> None:
    async with opens() as visitor:
        stream = visitor.stream()
        opened = await stream.__aenter__()
        await opened.until("state")
    assert (await opened.response.content.read()).strip() == b""
    await stream.__aexit__(None, None, None)


async def test_a_page_that_is_closed_is_forgotten(opens: Opens, slack: SandboxSlack, eventually: Any) -> None:
    async with opens(heartbeat_seconds=0.01) as visitor:
        async with visitor.stream() as stream:
            await stream.until("state")
            assert slack.state.journal._listeners
        await eventually(lambda: not slack.state.journal._listeners)


async def test_a_modal_belongs_to_the_page_that_asked_for_it(
    visitor: Visitor, slack: SandboxSlack, app: AsyncApp
) -> None:
    @app.shortcut("form")
    async def form(ack: Any, client: Any, body: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    other = Visitor(visitor.http, visitor.url, page="second")
    async with visitor.stream() as stream, other.stream() as elsewhere:
        assert (await visitor.act("shortcut", callback_id="form"))[1]["ok"]
        assert (await stream.until("modal"))["modal"]["title"] == "Form"
        posting.add(slack.state, "C0FRONT", text="hello")
        await elsewhere.until("message")
        assert "modal" not in elsewhere.passed
    async with other.stream() as stream:
        assert (await stream.until("state"))["modal"] is None
    async with visitor.stream() as stream:
        assert (await stream.until("state"))["modal"]["title"] == "Form"
    async with Visitor(visitor.http, visitor.url, "U0OMAR").stream() as stream:
        assert (await stream.until("state"))["modal"] is None
    assert (await other.act("shortcut", callback_id="form"))[1]["ok"]
    assert [slack.workspace.modal("U0FIONA", page) is not None for page in ("first", "second", "")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 403), ("same-origin", 200)]
)
async def test_no_other_site_follows_what_a_person_sees(visitor: Visitor, site: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": site}
    async with visitor.http.get(f"{visitor.url}stream", params={"user": "U0FIONA"}, headers=headers) as response:
        assert response.status == status


async def test_a_modal_is_sent_off_told_errors_and_closed(visitor: Visitor, slack: SandboxSlack, app: AsyncApp) -> None:
    @app.shortcut("form")
    async def form(ack: Any, client: Any, body: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.view(re.compile(""))
    async def sent(ack: Any) -> None:
        await ack(response_action="errors", errors={"name": "Not that one."})

    await visitor.act("shortcut", callback_id="form")
    view = slack.workspace.modal("U0FIONA", visitor.page)
    assert view is not None
    answer = (await visitor.act("submit", view=view.id, values={"name": "Jane"}))[1]
    assert answer["errors"] == {"name": "Not that one."}
    assert (await visitor.act("submit", view=view.id, values={"name": None}))[0] == 409
    assert (await visitor.act("close", view=view.id))[1]["ok"]
    assert slack.workspace.modal("U0FIONA", visitor.page) is None


async def test_a_command_a_press_a_choice_and_a_suggestion_reach_the_app(
    visitor: Visitor, slack: SandboxSlack, app: AsyncApp
) -> None:
    heard: list[Any] = []
    menu = {"type": "external_select", "action_id": "menu", "min_query_length": 0}

    @app.command("/units")
    async def units(ack: Any) -> None:
        await ack(text="list", blocks=[{"type": "actions", "block_id": "row", "elements": [BUTTON, menu]}])

    @app.action(re.compile(""))
    async def acted(ack: Any, action: Any) -> None:
        heard.append(action["action_id"])
        await ack()

    @app.options("menu")
    async def offered(ack: Any) -> None:
        await ack(options=[{"value": "a", "text": {"type": "plain_text", "text": "A"}}])

    assert (await visitor.act("command", channel="C0FRONT", text="/units"))[1]["ok"]
    (message,) = slack.workspace.messages["C0FRONT"]
    where = {"channel": "C0FRONT", "ts": message.ts, "block_id": "row"}
    assert (await visitor.act("press", **where, action_id="go"))[1]["ok"]
    answer = (await visitor.act("suggest", **where, action_id="menu", typed=""))[1]
    assert [each["value"] for each in answer["options"]] == ["a"]
    assert (await visitor.act("choose", **where, action_id="menu", value="a"))[1]["ok"]
    assert heard == ["go", "menu"]


async def test_a_modal_that_is_on_its_way_is_not_sent_off_again(
    visitor: Visitor, slack: SandboxSlack, app: AsyncApp
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    view = modals.open_root(slack.state, "U0FIONA", FORM)

    @app.view(re.compile(""))
    async def sent(ack: Any) -> None:
        arrived.set()
        await go_on.wait()
        await ack()

    first = asyncio.create_task(visitor.act("submit", view=view.id, values={"name": "Jane"}))
    await arrived.wait()
    status, said = await visitor.act("submit", view=view.id, values={"name": "Jane"})
    assert (status, "being sent off already" in said["error"]) == (409, True)
    go_on.set()
    assert (await first)[1]["ok"]
    assert slack.workspace.modal("U0FIONA") is None


async def test_an_app_that_is_gone_is_said_in_slacks_words(visitor: Visitor, slack: SandboxSlack) -> None:
    slack.request_url = "http://127.0.0.1:9/"
    answer = (await visitor.act("command", channel="C0FRONT", text="/units"))[1]
    assert (answer["ok"], answer["error"]) == (False, "dispatch_failed")


async def test_what_people_write_is_escaped_and_names_become_mentions(visitor: Visitor, slack: SandboxSlack) -> None:
    said = "<!channel> & @omar in #approvals, not @nobody or me@omar"
    assert (await visitor.act("say", channel="C0FRONT", text=said))[1]["ok"]
    (message,) = slack.workspace.messages["C0FRONT"]
    assert message.text == "&lt;!channel&gt; &amp; <@U0OMAR> in <#C0APPROVE>, not @nobody or me@omar"
    await visitor.act("say", channel="C0FRONT", text="and", thread_ts=message.ts)
    assert slack.workspace.messages["C0FRONT"][1].thread_ts == message.ts


async def test_a_mention_reaches_an_app_that_asked_for_it(opens: Opens, slack: SandboxSlack, app: AsyncApp) -> None:
    heard: list[str] = []

    @app.event("app_mention")
    async def mentioned(event: Any) -> None:
        heard.append(event["text"])

    async with opens(events=("app_mention",)) as visitor:
        await visitor.act("say", channel="C0RESERVE", text="hello @unitbot")
        await visitor.act("say", channel="C0RESERVE", text="hello all")
    await slack.until(lambda: True)
    assert heard == ["hello <@U0UNITBOT>"]


async def test_home_is_opened_for_an_app_that_asked_for_it(opens: Opens, slack: SandboxSlack, app: AsyncApp) -> None:
    view = {"type": "home", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Welcome"}}]}

    @app.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view=view)

    async with opens() as visitor:
        assert (await visitor.act("home", tab="home")) == (200, {"ok": True})
        assert slack.workspace.homes == {}
    async with opens(events=("app_home_opened",)) as visitor, visitor.stream() as stream:
        await visitor.act("home", tab="home")
        home = await stream.until("home")
        assert home["blocks"][0]["text"]["text"] == "Welcome"
        assert (await visitor.act("press", view=home["id"], block_id="b", action_id="a"))[0] == 409


async def test_what_opens_in_front_of_one_is_nobody_elses(visitor: Visitor, slack: SandboxSlack) -> None:
    modals.open_root(slack.state, "U0OMAR", FORM)
    async with visitor.stream() as stream:
        assert (await stream.until("state"))["modal"] is None
        modals.clear(slack.state, "U0OMAR")
        posting.add(slack.state, "C0FRONT", text="hello")
        await stream.until("message")
        assert stream.passed == ["state", "message"]


async def test_buttons_for_others_are_not_shown(visitor: Visitor, slack: SandboxSlack) -> None:
    only_omar = {**BUTTON, "visible_to_user_ids": ["U0OMAR"]}
    blocks: list[Any] = [{"type": "actions", "elements": [only_omar]}, {"type": "divider"}]
    posting.add(slack.state, "C0FRONT", text="for you", blocks=blocks)
    for user, shown in (("U0FIONA", []), ("U0OMAR", ["go"])):
        async with Visitor(visitor.http, visitor.url, user).stream() as stream:
            (message,) = (await stream.until("state"))["messages"]["C0FRONT"]["messages"]
            assert [each["action_id"] for each in message["blocks"][0]["elements"]] == shown


async def test_earlier_messages_come_a_page_at_a_time(visitor: Visitor, slack: SandboxSlack) -> None:
    sent = [posting.add(slack.state, "C0FRONT", text=str(number)) for number in range(120)]
    page = (await visitor.get("earlier", channel="C0FRONT", before=sent[70].ts))[1]
    assert [each["text"] for each in page["messages"]] == [str(number) for number in range(20, 70)]
    assert page["earlier"] == 20
    assert (await visitor.get("earlier", channel="C0MANAGER"))[1]["messages"] == []


async def test_a_file_is_for_those_who_see_its_message(visitor: Visitor, slack: SandboxSlack) -> None:
    slack.workspace.files["F1"] = File("F1", 'the "record".csv', 3, content=b"a,b")
    posting.add(slack.state, "D0FIONA", text="", files=["F1"])
    async with visitor.http.get(f"{visitor.url}files/F1", params={"user": "U0FIONA"}) as response:
        assert response.headers["Content-Disposition"] == 'attachment; filename="the__record_.csv"'
        assert await response.read() == b"a,b"
    assert (await Visitor(visitor.http, visitor.url, "U0OMAR").get("files/F1"))[0] == 404
    assert (await visitor.get("files/F2"))[0] == 404
