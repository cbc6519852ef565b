"""The Slack app's manifest, for Socket Mode as committed, or for HTTP."""

import re
from pathlib import Path
from typing import Any

import yaml

SLACK_PATH = "/slack/events"
"""Where the bot listens for Slack."""


class BadAddress(Exception):
    """The address given is not one that Slack could reach."""


def committed() -> str:
    """The text of `manifest.yml`: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent
    installed = package / "manifest.yml"
    return (installed if installed.exists() else package.parent / "manifest.yml").read_text(encoding="utf-8")


def for_http(url: str) -> str:
    """The manifest of the same app with Slack's requests going to ``url``, a host or the whole address on it.

    Raises:
        BadAddress: ``url`` is not `https://host`.
    """
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[\w./-]*)?", url):
        raise BadAddress(url)
    address = url.rstrip("/").removesuffix(SLACK_PATH) + SLACK_PATH
    manifest: dict[str, Any] = yaml.safe_load(committed())
    settings = manifest["settings"]
    settings["socket_mode_enabled"] = False
    settings["interactivity"]["request_url"] = address
    settings["interactivity"]["message_menu_options_url"] = address
    settings["event_subscriptions"]["request_url"] = address
    for command in manifest["features"]["slash_commands"]:
        command["url"] = address
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    return text
