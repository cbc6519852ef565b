"""The manifest holds just what the code registers and calls."""

import ast
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bot.__main__ import unitbot
from bot.manifest import committed, for_http
from bot.sandbox.slack.methods import METHODS
from bot.slack.approvals import Approving
from bot.slack.confirm import Confirm
from bot.slack.deliver import Deliver
from bot.slack.failures import Net
from bot.slack.groups import UserGroups
from bot.slack.home import HomeTab
from bot.slack.inflight import InFlight
from bot.slack.reserve import Reserve
from bot.slack.routes import Stories, register
from bot.slack.unitbot import Unitbot
from bot.slack.units import Units

BOT = Path(__file__).parent.parent / "bot"
SEES_CHANNELS = {method for method in METHODS if METHODS[method].by_kind}
MANIFEST: dict[str, Any] = yaml.safe_load(committed())


def methods_called() -> set[str]:
    """The Web API methods that the bot's own code calls: `client.users_info(…)` is `users.info`."""
    names = {method.replace(".", "_"): [method] for method in METHODS}
    names["files_upload_v2"] = ["files.getUploadURLExternal", "files.completeUploadExternal"]  # slack_sdk joins them
    found = set()
    for path in BOT.rglob("*.py"):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and hasattr(AsyncWebClient, node.attr) and node.attr in names:
                found.update(names[node.attr])
    return found


def test_the_scopes_are_those_that_the_calls_need_and_no_others() -> None:
    called = methods_called()
    assert {"users.info", "chat.postEphemeral"} <= called
    needed = {scope for method in called for scope in METHODS[method].scopes if scope != "connections:write"}
    needed |= {METHODS[method].by_kind[kind] for method in called & SEES_CHANNELS for kind in ("public", "private")}
    assert sorted(MANIFEST["oauth_config"]["scopes"]["bot"]) == sorted(needed | {"commands"})


async def test_the_commands_shortcuts_and_events_are_those_that_are_registered() -> None:
    registered: dict[str, set[str]] = {"command": set(), "event": set(), "shortcut": set()}

    class Recorder(AsyncApp):
        """A Bolt app that remembers what it is told to listen for."""

        @override
        def command(self, command: Any, *args: Any, **kwargs: Any) -> Any:
            registered["command"].add(command)
            return super().command(command, *args, **kwargs)

        @override
        def event(self, event: Any, *args: Any, **kwargs: Any) -> Any:
            registered["event"].add(event)
            return super().event(event, *args, **kwargs)

        @override
        def shortcut(self, constraints: Any, *args: Any, **kwargs: Any) -> Any:
            registered["shortcut"].add(constraints)
            return super().shortcut(constraints, *args, **kwargs)

    nobody: Any = None  # nothing is asked, so nobody answers
    stories = Stories(
        units=Units(nobody, nobody, 10, (), nobody, nobody),
        reserve=Reserve(*[nobody] * 9),
        confirm=Confirm(*[nobody] * 9),
        unitbot=Unitbot(*[nobody] * 12),
        groups=UserGroups(nobody, ()),
        approving=Approving(*[nobody] * 11),
        home=HomeTab(*[nobody] * 9),
    )
    register(Recorder(signing_secret="x", token="xoxb-1"), Net(Deliver(nobody, nobody), InFlight()), stories)
    features = MANIFEST["features"]
    assert {command["command"] for command in features["slash_commands"]} == registered["command"]
    assert {shortcut["callback_id"] for shortcut in features.get("shortcuts", ())} == registered["shortcut"]
    subscribed = MANIFEST["settings"].get("event_subscriptions", {}).get("bot_events", ())
    assert set(subscribed) == registered["event"]


@pytest.mark.parametrize("text", [committed(), for_http("https://units.example.com")], ids=["socket mode", "http"])
def test_slack_would_take_it(text: str) -> None:
    manifest = yaml.safe_load(text)
    schema = json.loads((Path(__file__).parent / "slack-manifest.schema.2.json").read_text(encoding="utf-8"))
    jsonschema.validate(manifest, schema)


def test_http_leads_everything_to_one_address_and_changes_nothing_else() -> None:
    manifest = yaml.safe_load(for_http("https://units.example.com/bot/"))
    address = "https://units.example.com/bot/slack/events"
    assert manifest["settings"]["socket_mode_enabled"] is False
    interactivity = manifest["settings"]["interactivity"]
    assert interactivity == {"is_enabled": True, "request_url": address, "message_menu_options_url": address}
    assert {command.pop("url") for command in manifest["features"]["slash_commands"]} == {address}
    assert manifest["features"] == MANIFEST["features"]
    assert manifest["oauth_config"] == MANIFEST["oauth_config"]


@pytest.mark.parametrize("path", ["", "/", "/slack/events", "/slack/events/"])
def test_an_address_that_is_whole_already_is_taken_as_it_is(path: str) -> None:
    assert for_http(f"https://units.example.com{path}") == for_http("https://units.example.com")


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["manifest"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == MANIFEST
    assert unitbot(["manifest", "--url", "https://units.example.com"]) == 0
    assert "https://units.example.com/slack/events" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["http://units.example.com", "units.example.com", "", "https://", "https://a b"])
def test_an_address_that_slack_cannot_use_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert unitbot(["manifest", "--url", url]) == 2
    captured = capsys.readouterr()
    assert (captured.out, "https://host" in captured.err) == ("", True)
