"""Whole payloads: a message, a view, the answer to a suggestion request."""

import json
from typing import Any

from bot.sandbox.slack.block_kit import objects
from bot.sandbox.slack.block_kit.blocks import blocks
from bot.sandbox.slack.block_kit.report import Report
from bot.sandbox.slack.block_kit.text import markup, text_object

_MESSAGE_TEXT = 4000
_MESSAGE_BLOCKS_TEXT = 12_000
_VIEW_BYTES = 250_000
_VIEW_TEXT = 24
_METADATA = 3000
_SAID = frozenset(("text", "blocks", "metadata", "mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media"))
_PLACED = frozenset(("channel", "user", "ts", "thread_ts", "reply_broadcast", "team_id", "client_msg_id"))
_ANSWERED = frozenset(("response_type", "replace_original", "delete_original"))


def check_message(payload: dict[str, Any]) -> list[str]:
    """What Slack, or good manners, would refuse in this message; empty when all is well.

    ``payload`` is what goes to ``chat.*``, to a response_url or into an acknowledgement: top-level ``text`` (at most
    4,000 characters, and never missing beside blocks), ``blocks`` (at most 12,000 characters in all) and the options
    of delivery. Each violation reads ``blocks[3].accessory.text: 76 characters, at most 75``.
    Source: slack-platform.md 2.2, 2.11 and 3.1.
    """
    report = Report("message")
    for key in payload:
        if key not in _SAID | _PLACED | _ANSWERED:
            report.say(key, "not a key that a message of this bot may have")
    text = payload.get("text")
    if text is None and payload.get("delete_original") is not True:
        report.say("text", "missing: it is what notifications and screen readers give")
    elif text is not None:
        shown = report.string("text", text, _MESSAGE_TEXT)
        markup(report, "text", shown)
    if payload.get("link_names"):
        report.say("link_names", "turns names in the text into pings")
    if payload.get("parse") not in (None, "none", "mrkdwn"):
        report.say("parse", f"{payload['parse']!r} links and pings whatever looks like a name")
    if payload.get("blocks") is not None:
        blocks(report, "blocks", payload["blocks"], fewest=0)
        report.at_most("blocks", report.characters, _MESSAGE_BLOCKS_TEXT, "characters in all blocks")
    if payload.get("metadata") is not None:
        _metadata(report, payload["metadata"])
    return report.problems


def _metadata(report: Report, value: Any) -> None:
    found = report.shape("metadata", value, ("event_type", "event_payload"))
    report.string("metadata.event_type", found.get("event_type", "?"), 255)
    if not isinstance(found.get("event_payload", {}), dict):
        report.say("metadata.event_payload", "not an object")


def check_view(view: dict[str, Any]) -> list[str]:
    """What Slack would refuse in this modal or Home tab; empty when all is well.

    A whole view is at most 250 kB; a modal with an input needs ``submit``. Source: slack-platform.md 2.2 and 3.1.
    """
    kind = view.get("type")
    if kind != "modal" and kind != "home":  # noqa: PLR1714 -- narrows the type
        return [f"type: {kind!r} is neither modal nor home"]
    report = Report(kind)
    modal = kind == "modal"
    flags = ("clear_on_close", "notify_on_close", "submit_disabled") if modal else ()
    optional = ("private_metadata", "callback_id", "external_id", *flags, *(("close", "submit") if modal else ()))
    found = report.shape("view", view, ("type", "title", "blocks") if modal else ("type", "blocks"), optional)
    for key in ("title", "close", "submit"):
        if modal and key in found:
            text_object(report, key, found[key], _VIEW_TEXT, plain=True)
    for key in flags:
        if key in found:
            report.truth(key, found[key])
    for key in ("callback_id", "external_id"):
        if key in found:
            report.identity(key, found[key])
    if "private_metadata" in found:
        report.string("private_metadata", found["private_metadata"], _METADATA, fewest=0)
    blocks(report, "blocks", found.get("blocks", [{"type": "divider"}]), fewest=0)
    inputs = [each for each in _dicts(found.get("blocks")) if each.get("type") == "input"]
    if modal and inputs and "submit" not in found:
        report.say("submit", "missing, and there is an input to submit")
    report.at_most("view", len(json.dumps(view).encode()), _VIEW_BYTES, "bytes")
    return report.problems


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def check_options(payload: dict[str, Any]) -> list[str]:
    """What Slack would refuse in the answer to a ``block_suggestion``; empty when all is well.

    Exactly one of ``options`` and ``option_groups``, at most 100 each; none at all reads "No results".
    """
    report = Report("modal")
    found = report.shape("answer", payload, (), ("options", "option_groups"))
    if ("options" in found) == ("option_groups" in found):
        report.say("answer", "exactly one of options and option_groups belongs here")
    if "options" in found:
        objects.options(report, "options", found["options"], fewest=0)
    if "option_groups" in found:
        objects.option_groups(report, "option_groups", found["option_groups"], fewest=0)
    return report.problems
