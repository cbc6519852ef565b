"""Whatever comes back instead of an answer from Slack, it is told apart, and none of it is a crash."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.loopback import serve
from bot.slack.trouble import LONGEST_WAIT, TROUBLE, seconds_to_wait, what_slack_said

JSON = "application/json"
HTML = "text/html"
PLAIN = "text/plain"


@asynccontextmanager
async def answering(status: int, body: str, kind: str, headers: dict[str, str]) -> AsyncIterator[AsyncWebClient]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body.encode("latin-1"), headers={"Content-Type": kind, **headers})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with serve(application) as url:
        yield AsyncWebClient("xoxb-1", base_url=f"{url}/", retry_handlers=[])


async def trouble(status: int, body: str, kind: str = JSON, headers: dict[str, str] | None = None) -> Exception:
    async with answering(status, body, kind, headers or {}) as client:
        try:
            await client.chat_postMessage(channel="C1", text="Reserved for Jane Doe")
        except TROUBLE as caught:
            return caught
    raise AssertionError("taken for an answer")


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        pytest.param(200, '{"ok": false, "error": "not_in_channel"}', JSON, "not_in_channel", id="a refusal"),
        pytest.param(429, '{"ok": false, "error": "ratelimited"}', JSON, "ratelimited", id="a limit"),
        pytest.param(429, "", JSON, "HTTP 429", id="a limit without a body"),
        pytest.param(200, '{"ok": false}', JSON, "HTTP 200", id="a refusal without a word"),
        pytest.param(200, '{"ok": false, "error": {"code": 1}}', JSON, "HTTP 200", id="a word that is none"),
        pytest.param(503, "<html>down</html>", HTML, "HTTP 503", id="a page"),
        pytest.param(200, "<html>sign in</html>", HTML, "HTTP 200", id="a page of a proxy"),
        pytest.param(502, "Bad gateway", PLAIN, "HTTP 502", id="plain text"),
        pytest.param(200, "Hello", PLAIN, "AttributeError", id="plain text of a proxy"),
        pytest.param(200, '{"ok": tru', JSON, "HTTP 200", id="half of the JSON"),
        pytest.param(200, "[]", JSON, "HTTP 200", id="a list"),
        pytest.param(200, '["ok"]', JSON, "AttributeError", id="a list with something in it"),
        pytest.param(200, "null", JSON, "HTTP 200", id="null"),
        pytest.param(200, '{"ok": "\xff"}', f"{JSON}; charset=utf-8", "UnicodeDecodeError", id="a broken encoding"),
    ],
)
async def test_what_slack_said_is_a_word_or_a_status_and_never_a_message(
    status: int, body: str, kind: str, said: str
) -> None:
    caught = await trouble(status, body, kind)
    assert what_slack_said(caught) == said
    assert seconds_to_wait(caught) is None


@pytest.mark.parametrize("what", [ConnectionRefusedError(), TimeoutError(), OSError("Jane Doe")], ids=repr)
def test_without_any_answer_it_is_the_kind_of_trouble(what: OSError) -> None:
    assert what_slack_said(what) == type(what).__name__
    assert seconds_to_wait(what) is None


async def test_a_slack_that_is_not_there_is_trouble_too() -> None:
    async with answering(200, "", JSON, {}) as client:
        pass
    with pytest.raises(TROUBLE) as caught:
        await client.auth_test()
    assert what_slack_said(caught.value) == "ClientConnectorError"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0.25", 0.25),
        ("86400", LONGEST_WAIT),
        ("inf", LONGEST_WAIT),
        ("0", None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
async def test_slack_is_left_alone_for_as_long_as_it_asks_within_reason(header: str, seconds: float | None) -> None:
    caught = await trouble(429, '{"ok": false, "error": "ratelimited"}', headers={"Retry-After": header})
    assert seconds_to_wait(caught) == seconds
    assert what_slack_said(caught) == "ratelimited"
