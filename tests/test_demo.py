"""`unitbot demo`: what a visitor without any account sees."""

import io
import os
import re
import signal
import sys
import threading
from datetime import UTC, datetime

import pytest
from typing_extensions import override

from bot.__main__ import unitbot
from bot.sandbox.stora.demo import demo_world


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


def test_a_visitor_types_and_presses_until_the_terminal_is_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = "/units site=Camden limit=3\nNext\n\nDance\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert unitbot(["demo"]) == 0
    shown = capsys.readouterr().out
    assert "page 1 of" in shown
    assert "page 2 of" in shown
    assert "neither a command nor a button" in shown


def a_waiting_customer_at_camden() -> str:
    world = demo_world(datetime.now(UTC))
    camden = next(each["id"] for each in world.sites.values() if each["name"] == "Camden")
    names = [str(contact["full_name"]) for contact in world.contacts.values()]
    waiting = [
        str(world.contacts[each["contact"]["id"]]["full_name"])
        for each in world.tenancies.values()
        if not each["unit_allocations"] and each["site"]["id"] == camden and not each["ends_at"]
    ]
    return next(name for name in waiting if re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", name) and names.count(name) == 1)


def test_a_visitor_reserves_and_hears_the_channel(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = a_waiting_customer_at_camden()
    typed = f"/reserve A-012 site=Camden\n/reserve A-012 {customer} site=Camden\nConfirm reservation\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert unitbot(["demo"]) == 0
    shown = capsys.readouterr().out
    assert "Customer: [Type a name or an e-mail address]" in shown  # the dialog that asks for what is missing
    assert "[Confirm reservation]" in shown
    assert f"A-012 is reserved for {customer}" in shown
    assert "In #reservations:" in shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_demo_quietly(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        """Nobody types; somebody presses Ctrl-C."""

        @override
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # typeshed's own mixture
            os.kill(os.getpid(), number)
            threading.Event().wait()
            return ""

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert unitbot(["demo"]) == 0
