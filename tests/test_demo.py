"""`unitbot demo`: what a visitor without any account sees."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from contextlib import suppress

import httpx
import pytest

from bot.__main__ import unitbot
from bot.demo import show


def test_one_command_is_answered_as_readable_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["demo", "--say", "/units site=Camden status=available limit=3"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Available units at Camden\n=====")
    table = [line for line in shown.splitlines() if "Open in Backoffice https://app.stora.test/" in line]
    assert len(table) == 3
    assert len({line.index("🟢") for line in table}) == 1  # the columns stand under each other
    assert "[Next]  [Refresh]" in shown


def test_a_settings_variable_of_the_visitor_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-real")
    monkeypatch.setenv("PAGE_SIZE", "nonsense")
    assert unitbot(["demo", "--say", "/units help"]) == 0
    assert "created_before=" in capsys.readouterr().out


def test_what_is_no_command_is_explained_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["demo", "--say", "units"]) == 1
    assert "begins with /" in capsys.readouterr().out


def test_an_unknown_command_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["demo", "--say", "/parking"]) == 1
    assert "Slack shows" in capsys.readouterr().out


def test_a_dialog_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["demo", "--say", "/reserve A-012 site=Camden"]) == 0
    assert "Customer: [Type a name or an e-mail address]" in capsys.readouterr().out


async def test_the_first_command_on_the_page_is_answered_like_every_later_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = a_free_port()
    shown = asyncio.create_task(show(port))
    async with asyncio.timeout(20):
        while "open it in a browser" not in capsys.readouterr().out:
            await asyncio.sleep(0.01)
    said = {"user": "U0FIONA", "channel": "C0FRONT", "text": "/reserve A-012 site=Camden", "page": "one"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        assert (await http.post("/act/command", json=said)).json()["ok"]
        async with http.stream("GET", "/stream", params=said) as stream:
            told = (json.loads(line[6:]) async for line in stream.aiter_lines() if line.startswith("data: {"))
            async with asyncio.timeout(5):
                modal = await anext(each["modal"] async for each in told if each.get("modal"))
    shown.cancel()
    await asyncio.gather(shown, return_exceptions=True)
    assert modal["title"] == "Reserve a unit"


def a_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_page_is_served_until_a_signal_ends_it_quietly(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    port, pages = a_free_port(), list[str]()

    def visit() -> None:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(200):
            with suppress(httpx.ConnectError):
                pages.append(httpx.get(url, trust_env=False).text)
                break
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    visitor = threading.Thread(target=visit)
    visitor.start()
    assert unitbot(["demo", "--port", str(port)]) == 0
    visitor.join()
    assert "<title>Unitbot demo</title>" in pages[0]
    assert f"http://127.0.0.1:{port}/" in capsys.readouterr().out


def test_a_port_in_use_is_said_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert unitbot(["demo", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"--port: cannot listen on 127.0.0.1:{port}")


def test_a_port_that_does_not_exist_is_said_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["demo", "--port", "99999"]) == 1
    assert "--port: cannot listen on 127.0.0.1:99999" in capsys.readouterr().err
