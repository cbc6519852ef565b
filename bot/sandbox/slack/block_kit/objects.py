"""The small objects inside elements: options, option groups, confirmation dialogs, filters."""

from typing import Any

from bot.sandbox.slack.block_kit.report import Report
from bot.sandbox.slack.block_kit.text import text_object

MOST_OPTIONS = 100
_OPTION_TEXT = 75
_OPTION_VALUE = 150
_GROUP_LABEL = 75
_STYLES = ("primary", "danger")


def option(report: Report, path: str, value: Any, *, markup: bool = False, url: bool = False) -> None:
    """Check one option; ``markup`` where its text may be mrkdwn, ``url`` where it may carry one (overflow)."""
    found = report.shape(path, value, ("text", "value"), ("description", "url") if url else ("description",))
    if "text" in found:
        text_object(report, f"{path}.text", found["text"], _OPTION_TEXT, plain=not markup)
    if "value" in found:
        report.string(f"{path}.value", found["value"], _OPTION_VALUE)
    if "description" in found:
        text_object(report, f"{path}.description", found["description"], _OPTION_TEXT, plain=not markup)
    if url and "url" in found:
        report.web_address(f"{path}.url", found["url"])


def options(  # noqa: PLR0913 -- each is one rule of the element that holds the options
    report: Report,
    path: str,
    value: Any,
    most: int = MOST_OPTIONS,
    *,
    fewest: int = 1,
    markup: bool = False,
    url: bool = False,
) -> None:
    """Check a list of options; two with one value could not be told apart."""
    seen: set[str] = set()
    for at, each in enumerate(report.items(path, value, fewest, most, "options")):
        option(report, f"{path}[{at}]", each, markup=markup, url=url)
        chosen = str(each.get("value")) if isinstance(each, dict) else ""
        if chosen in seen:
            report.say(f"{path}[{at}].value", f"{chosen!r} is used twice")
        seen.add(chosen)


def option_groups(report: Report, path: str, value: Any, *, fewest: int = 1) -> None:
    """Check a list of option groups."""
    for at, each in enumerate(report.items(path, value, fewest, MOST_OPTIONS, "groups")):
        here = f"{path}[{at}]"
        found = report.shape(here, each, ("label", "options"))
        if "label" in found:
            text_object(report, f"{here}.label", found["label"], _GROUP_LABEL, plain=True)
        if "options" in found:
            options(report, f"{here}.options", found["options"])


def confirm(report: Report, path: str, value: Any) -> None:
    """Check a confirmation dialog."""
    found = report.shape(path, value, ("title", "text", "confirm", "deny"), ("style",))
    for key, most, plain in (("title", 100, True), ("text", 300, False), ("confirm", 30, True), ("deny", 30, True)):
        if key in found:
            text_object(report, f"{path}.{key}", found[key], most, plain=plain)
    if "style" in found:
        report.one_of(f"{path}.style", found["style"], _STYLES)


def style(report: Report, path: str, value: Any) -> None:
    """Check a button's colour."""
    report.one_of(path, value, _STYLES)


def conversation_filter(report: Report, path: str, value: Any) -> None:
    """Check which conversations a select offers."""
    flags = ("exclude_external_shared_channels", "exclude_bot_users")
    found = report.shape(path, value, (), ("include", *flags))
    if not found:
        report.say(path, "an empty filter")
    if "include" in found:
        for at, each in enumerate(report.items(f"{path}.include", found["include"], 1, 4)):
            report.one_of(f"{path}.include[{at}]", each, ("im", "mpim", "private", "public"))
    for flag in flags:
        if flag in found:
            report.truth(f"{path}.{flag}", found[flag])


def dispatch_action_config(report: Report, path: str, value: Any) -> None:
    """Check when an input sends block_actions."""
    found = report.shape(path, value, ("trigger_actions_on",))
    key = "trigger_actions_on"
    for at, each in enumerate(report.items(f"{path}.{key}", found.get(key, ["on_enter_pressed"]), 1, 2)):
        report.one_of(f"{path}.{key}[{at}]", each, ("on_enter_pressed", "on_character_entered"))


def picture(report: Report, path: str, found: dict[str, Any], most_alt: int = 2000) -> None:
    """Check what an image block and an image element have in common: one source and an alt text."""
    sources = [key for key in ("image_url", "slack_file") if key in found]
    if len(sources) != 1:
        report.say(path, "exactly one of image_url and slack_file belongs here")
    if "image_url" in found:
        report.web_address(f"{path}.image_url", found["image_url"])
    if "slack_file" in found:
        file = report.shape(f"{path}.slack_file", found["slack_file"], (), ("id", "url"))
        if len(file) != 1:
            report.say(f"{path}.slack_file", "exactly one of id and url belongs here")
        for key, value in file.items():
            report.string(f"{path}.slack_file.{key}", value, 3000)
    if "alt_text" in found:
        report.string(f"{path}.alt_text", found["alt_text"], most_alt)
