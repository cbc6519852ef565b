"""HTTP mode: what is let in, what is not, and how the bot stops."""

import asyncio
import gzip
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import httpx
import pytest
from slack_sdk.signature import SignatureVerifier

from bot.demo import demo
from bot.sandbox.loopback import serve
from bot.sandbox.slack.server import SandboxSlack
from bot.start.refused import CannotStart
from bot.telemetry import configure_logs
from tests.walks.conftest import Town, a_slack, a_stora
from tests.walks.test_units import DESK, FIONA, answer, rows

BODY = urlencode({"command": "/units", "text": "", "user_id": FIONA, "team_id": "T0HARBOUR"}).encode()


def headers(secret: str, body: bytes = BODY, offset: float = 0) -> dict[str, str]:
    timestamp = str(int(time.time() + offset))
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)),
    }


SPOILT: dict[str, Callable[[], dict[str, str]]] = {
    "signed with another secret": lambda: headers("another-secret"),
    "signed five minutes ago": lambda: headers("sandbox-signing-secret", offset=-301),
    "signed in five minutes": lambda: headers("sandbox-signing-secret", offset=+303),
    "signed for another body": lambda: headers("sandbox-signing-secret", body=b"another body"),
    "a time that is none": lambda: {**headers("sandbox-signing-secret"), "X-Slack-Request-Timestamp": "yesterday"},
    "a digit that is no number": lambda: {**headers("sandbox-signing-secret"), "X-Slack-Request-Timestamp": "²"},
    "a signature in letters that none has": lambda: (
        headers("sandbox-signing-secret") | {"X-Slack-Signature": "v0=\u00e9"}
    ),
    "not signed at all": lambda: {"Content-Type": "application/x-www-form-urlencoded"},
}


@pytest.mark.parametrize("how", SPOILT)
async def test_what_slack_did_not_sign_is_refused_and_runs_nothing(town: Town, how: str) -> None:
    at_work = await town()
    raw = {name.encode(): value.encode() for name, value in SPOILT[how]().items()}
    async with httpx.AsyncClient(trust_env=False) as http:
        refused = await http.post(f"{at_work.bot.url}/slack/events", content=BODY, headers=raw)
    assert refused.status_code == 401
    assert at_work.slack.called("users.info") == []


NO_PAYLOADS = {
    "application/json": ["{", "[]", "null", '"x"', "[" * 20_000, '{"team": [1], "user": 5}', '{"authorizations": "x"}'],
    "application/x-www-form-urlencoded": ["payload=hello", "payload=%5B%5D", "payload=null", "payload=1"],
}


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, bodies in NO_PAYLOADS.items() for body in bodies])
async def test_what_makes_no_sense_is_refused_before_anybody_tries_to_make_some_of_it(
    town: Town, caplog: pytest.LogCaptureFixture, kind: str, body: str
) -> None:
    at_work = await town()
    unsigned = await at_work.slack.post_raw(body.encode(), {"Content-Type": kind})
    signed = await at_work.slack.post_raw(body.encode(), at_work.slack.signed(body.encode(), kind))
    assert (unsigned.status, signed.status) == (401, 400)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_bytes_that_are_no_text_are_refused(town: Town) -> None:
    at_work = await town()
    body = b"command=%2Funits&text=\xff\xfe"
    assert (await at_work.slack.post_raw(body, headers(at_work.slack.signing_secret))).status == 401


async def test_what_was_refused_is_not_logged(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    before = list(logging.getLogger().handlers)
    configure_logs("debug", "json")
    try:
        at_work = await town()
        body = urlencode({"command": "/units", "text": "Jane Doe, jane@example.com"}).encode()
        assert (await at_work.slack.post_raw(body, headers("another-secret", body))).status == 401
    finally:
        logging.getLogger().handlers[:] = before
    assert "Jane" not in capsys.readouterr().err


async def test_a_signed_command_that_nobody_registered_is_no_crash(town: Town) -> None:
    at_work = await town()
    body = urlencode({"command": "/parking", "text": "", "user_id": FIONA, "team_id": "T0HARBOUR"}).encode()
    assert (await at_work.slack.post_raw(body, at_work.slack.signed(body))).status == 404


async def test_health_says_that_the_process_lives(town: Town) -> None:
    at_work = await town()
    async with httpx.AsyncClient(trust_env=False) as http:
        healthy = await http.get(f"{at_work.bot.url}/healthz")
        assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")


async def test_in_socket_mode_there_is_no_door_for_slacks_requests(town: Town) -> None:
    at_work = await town(socket_mode=True)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{at_work.bot.url}/slack/events", content=BODY)).status_code == 404
        assert (await http.get(f"{at_work.bot.url}/healthz")).status_code == 200


async def test_slacks_oauth_variables_and_proxies_in_the_environment_change_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "secret")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-somebody-elses")
    for socket_mode in (False, True):
        at_work = await town(socket_mode=socket_mode)
        message = answer(await at_work.slack.command(FIONA, DESK, "/units limit=3"))
        turned = await at_work.slack.click(FIONA, message, label="Next")  # through the response_url
        await at_work.slack.until(lambda turned=turned: turned.messages)  # type: ignore[misc]
        assert {call.token for call in at_work.slack.called("users.info")} == {at_work.slack.bot_token}
        assert len(at_work.slack.called("auth.test")) == 1


@asynccontextmanager
async def process(**environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`unitbot run` as a process of its own; killed if a test leaves it running."""
    python = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        env={**python, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


def settings(slack: SandboxSlack, stora_url: str, **others: str) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": f"{slack.url}/api/",
        "STORA_API_URL": stora_url,
        "STORA_CLIENT_ID": "sandbox-client",
        "STORA_CLIENT_SECRET": "sandbox-client-secret",
        "STORA_TIMEOUT_SECONDS": "30",
        "STORA_REQUESTS_PER_SECOND": "100",
        "STORA_REQUESTS_PER_MINUTE": "1000",
        "HOST": "127.0.0.1",
        "PORT": "0",
        **others,
    }


async def logged(running: asyncio.subprocess.Process, event: str) -> dict[str, str]:
    """The first log line of this event."""
    assert running.stderr is not None
    async with asyncio.timeout(20):
        while line := await running.stderr.readline():
            entry: dict[str, str] = json.loads(line)
            if entry["event"] == event:
                return entry
    raise AssertionError(f"ended without {event!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_what_is_in_flight_finish_and_ends_with_0(number: signal.Signals) -> None:
    slack, stora = a_slack(), a_stora()
    async with slack.serving(), serve(stora.application()) as stora_url, process(**settings(slack, stora_url)) as bot:
        slack.request_url = (await logged(bot, "running"))["url"] + "/slack/events"
        await logged(bot, "units read")
        message = answer(await slack.command(FIONA, DESK, "/units limit=3"))
        held = slack.faults.hold("response_url")
        pressed = await slack.click(FIONA, message, label="Next")
        assert pressed.ok
        await held.reached.wait()
        bot.send_signal(number)
        await asyncio.sleep(0.2)
        assert bot.returncode is None
        held.release()
        async with asyncio.timeout(10):
            assert await bot.wait() == 0
        assert "page 2 of" in message.text
    assert slack.problems == []


async def test_a_process_logs_in_at_stora_by_itself_and_answers() -> None:
    slack, stora = a_slack(), a_stora()
    async with slack.serving(), serve(stora.application()) as stora_url:
        environment = settings(slack, stora_url, SLACK_APP_TOKEN=slack.app_token)
        async with process(**environment) as bot:
            await logged(bot, "running")
            await logged(bot, "units read")
            await slack.until(lambda: slack.connections)
            assert rows(answer(await slack.command(FIONA, DESK, "/units")))
            bot.terminate()
            async with asyncio.timeout(10):
                assert await bot.wait() == 0
    assert [each.route for each in stora.received].count("/oauth2/token") == 1


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-withdrawn"}, ["SLACK_BOT_TOKEN", "invalid_auth"]),
        ({"SLACK_APP_TOKEN": "xapp-withdrawn"}, ["SLACK_APP_TOKEN", "connections:write"]),
        ({"HOST": "203.0.113.1"}, ["PORT", "203.0.113.1"]),
    ],
    ids=["bot token", "app token", "address"],
)
async def test_what_cannot_start_says_why_at_once_and_ends_with_1(wrong: dict[str, str], names: list[str]) -> None:
    slack, stora = a_slack(), a_stora()
    async with (
        slack.serving(),
        serve(stora.application()) as stora_url,
        process(**settings(slack, stora_url, **wrong)) as bot,
    ):
        async with asyncio.timeout(15):
            _, complaint = await bot.communicate()
        assert bot.returncode == 1
    last = complaint.decode().splitlines()[-1]
    assert all(name in last for name in names)
    assert "Traceback" not in complaint.decode()
    assert "withdrawn" not in complaint.decode()


async def test_a_slack_that_does_not_answer_at_the_start_is_asked_again(town: Town) -> None:
    slack = a_slack()
    slack.faults.drop_before("auth.test", times=2)
    slack.faults.status(500, "auth.test")
    at_work = await town(slack=slack)
    assert rows(answer(await at_work.slack.command(FIONA, DESK, "/units")))


async def test_wrong_settings_end_with_2_and_a_line_for_each() -> None:
    async with process(SLACK_BOT_TOKEN="xoxp-secret-user-token", PAGE_SIZE="99") as bot:
        _, complaint = await bot.communicate()
        assert bot.returncode == 2
    lines = complaint.decode().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "STORA_API_TOKEN", "PAGE_SIZE"
    ]  # fmt: skip
    assert "secret-user-token" not in complaint.decode()


async def test_whoever_watches_the_bot_learns_what_it_waits_for_while_it_starts() -> None:
    slack, stora = a_slack(), a_stora()
    asked = slack.faults.hold("auth.test")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with (
        slack.serving(),
        serve(stora.application()) as stora_url,
        process(**settings(slack, stora_url, PORT=str(port))) as bot,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http,
    ):
        await asked.reached.wait()
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/metrics")).status_code == 200
        slack.faults.status(503, "auth.test", times=None)
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        assert (ready.json()["slack"]["status"], ready.json()["jobs"]["detail"]) == ("failing", "not at work yet")
        command = headers(slack.signing_secret)
        assert (await http.post("/slack/events", content=BODY, headers=command)).status_code == 503
        early = asyncio.create_task(http.post("/slack/events", content=BODY, headers=command))
        slack.faults.clear()
        asked.release()
        assert (await early).status_code == 200, "what comes just before the bot has started is answered"
        await logged(bot, "running")
        await logged(bot, "units read")
        async with asyncio.timeout(30):
            while (await http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.1)


async def test_a_slack_that_never_answers_ends_the_start_with_a_sentence() -> None:
    slack = a_slack()
    slack.faults.status(503, "auth.test", times=None)
    with pytest.raises(CannotStart, match="SLACK_API_URL"):
        async with demo(slack=slack):
            pass


async def test_work_that_hangs_does_not_keep_the_process_for_more_than_ten_seconds() -> None:
    slack, stora = a_slack(), a_stora()
    async with (
        slack.serving(),
        serve(stora.application()) as stora_url,
        process(**settings(slack, stora_url, SLACK_APP_TOKEN=slack.app_token)) as bot,
    ):
        await logged(bot, "units read")
        await slack.until(lambda: slack.connections)
        message = answer(await slack.command(FIONA, DESK, "/units limit=3"))
        stora.faults.hold(method="GET")
        await slack.click(FIONA, message, label="Refresh")
        bot.terminate()
        async with asyncio.timeout(10):
            assert await bot.wait() == 0


# What comes from strangers, who need no secret to send it


@pytest.mark.parametrize("path", ["/slack/events", "/stora/webhooks"])
async def test_a_small_body_that_unpacks_to_much_keeps_nobody_waiting(town: Town, path: str) -> None:
    at_work = await town(stora_webhook_secret="not-yours")
    bomb = gzip.compress(bytes(256 * 1024 * 1024), 6)
    assert len(bomb) < 1024 * 1024
    packed = {**headers("another-secret"), "Content-Encoding": "gzip", "X-Stora-Signature": "t=1,v1=0"}
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        bombs = [asyncio.create_task(http.post(f"{at_work.bot.url}{path}", content=bomb, headers=packed)) for _ in "ab"]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert (await http.get(f"{at_work.bot.url}/healthz")).status_code == 200
        assert time.monotonic() - began < 1
        assert {(await each).status_code for each in bombs} == {401}


async def test_a_signature_is_over_what_was_sent_not_over_what_it_unpacks_to(town: Town) -> None:
    at_work = await town()
    packed = gzip.compress(BODY)
    async with httpx.AsyncClient(trust_env=False) as http:
        refused = await http.post(
            f"{at_work.bot.url}/slack/events",
            content=packed,
            headers={**headers("sandbox-signing-secret"), "Content-Encoding": "gzip"},
        )
    assert refused.status_code == 401


@pytest.mark.parametrize("ends", [False, True], ids=["never ends", "breaks off"])
async def test_a_body_that_never_ends_is_not_waited_for(
    town: Town, caplog: pytest.LogCaptureFixture, *, ends: bool
) -> None:
    at_work = await town()
    host, port = at_work.bot.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\nhello")
    await asyncio.sleep(0.05)
    if ends:
        writer.write_eof()
    async with asyncio.timeout(6):
        said = await reader.readline()
    assert (b" 400 " if ends else b" 408 ") in said or not said  # a peer that has left is told nothing
    assert ends or said
    writer.close()
    await writer.wait_closed()
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_it_waits_for_a_neighbour_at_the_start_ends_it_at_once(number: signal.Signals) -> None:
    slack, stora = a_slack(), a_stora()
    asked = slack.faults.hold("auth.test")
    async with slack.serving(), serve(stora.application()) as stora_url, process(**settings(slack, stora_url)) as bot:
        await asked.reached.wait()
        bot.send_signal(number)
        async with asyncio.timeout(5):
            assert await bot.wait() == 0
        asked.release()


async def test_a_start_that_goes_well_warns_of_nothing() -> None:
    slack, stora = a_slack(), a_stora()
    async with slack.serving(), serve(stora.application()) as stora_url, process(**settings(slack, stora_url)) as bot:
        assert bot.stderr is not None
        entries: list[dict[str, str]] = []
        async with asyncio.timeout(20):
            while not entries or entries[-1]["event"] != "running":
                entries.append(json.loads(await bot.stderr.readline()))
    assert [entry for entry in entries if entry["level"] != "info"] == []
