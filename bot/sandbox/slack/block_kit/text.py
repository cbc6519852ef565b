"""Text objects and Slack's own markup in them: lengths, pings, and what was not escaped."""

import re
from typing import Any

from bot.sandbox.slack.block_kit.report import Report

TEXT = 3000
"""Characters of a text object where nothing narrower is said."""

_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_PING = re.compile(r"<!(?:channel|here|everyone|subteam\^)[^<>]*>?")
_LITERAL_PING = re.compile(r"(?<![\w.@])@(channel|here|everyone)\b")
_LABEL = r"(?:\|[^<>|]*)?"
_TOKEN = re.compile(
    rf"<(?:(?:https?://|mailto:)[^<>|\s]+{_LABEL}"
    rf"|@[UW][A-Z0-9]+{_LABEL}"
    rf"|\#[CGD][A-Z0-9]+{_LABEL}"
    r"|!date\^\d+\^[^<>^|]+(?:\^https?://[^<>^|\s]+)?\|[^<>|]+"
    r")>"
)


def text_object(report: Report, path: str, value: Any, most: int = TEXT, *, plain: bool = False) -> None:
    """Check a ``plain_text`` or ``mrkdwn`` object; ``plain`` where Slack takes only the former."""
    kind = value.get("type") if isinstance(value, dict) else None
    own = {"plain_text": "emoji", "mrkdwn": "verbatim"}
    flag = own.get(kind) if isinstance(kind, str) else None
    found = report.shape(path, value, ("type", "text"), (flag,) if flag else tuple(own.values()))
    if not found:
        return
    report.one_of(f"{path}.type", kind, ("plain_text",) if plain else tuple(own))
    for key in own.values():
        if key in found:
            report.truth(f"{path}.{key}", found[key])
    text = report.string(path, found.get("text", "?"), most)
    report.characters += len(text)
    if kind == "mrkdwn":
        markup(report, path, text)
        if found.get("verbatim") is not True:
            literal_pings(report, path, text)


def markup(report: Report, path: str, text: str) -> None:
    """Check a string in which Slack reads ``<…>`` and entities."""
    for ping in _PING.finditer(text):
        report.say(path, f"pings: {ping.group()}")
    rest = _ENTITY.sub("", _TOKEN.sub(_label_of, _PING.sub("", text)))
    for char in "<>&":
        if char in rest:
            at = rest.index(char)
            report.say(path, f"an unescaped {char!r} near {rest[max(0, at - 10) : at + 20]!r}")


def _label_of(token: re.Match[str]) -> str:
    """What is left to look at in a valid token: Slack wants ``&`` escaped inside of it as well."""
    return token.group()[1:-1]


def literal_pings(report: Report, path: str, text: str) -> None:
    """Check for ``@here`` and the like, which Slack turns into pings where text is not ``verbatim``."""
    for ping in _LITERAL_PING.finditer(text):
        report.say(path, f"{ping.group()} becomes a ping unless the text is verbatim")


def pings(report: Report, path: str, text: str) -> None:
    """Check a string that is not mrkdwn but may hold pings all the same, as a markdown block's."""
    for ping in _PING.finditer(text):
        report.say(path, f"pings: {ping.group()}")
    literal_pings(report, path, text)
