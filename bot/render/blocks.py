"""Messages, and the only place that knows Slack's limits: everything is escaped and clipped here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Block = Mapping[str, Any]

TEXT = 4_000
"""Characters of a message's own `text`, which notifications and screen readers use (Slack, chat.postMessage)."""
SECTION = 3_000
HEADER = 150
BUTTON = 75
URL = 3_000
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_ANSWER = 100, 300, 30
BLOCKS = 50

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True)
class Message:
    """What Slack shows. `text` says all of it, for those who do not see the blocks."""

    text: str
    blocks: tuple[Block, ...] = ()
    in_channel: bool = False
    """For everybody in the channel; otherwise for the asker alone."""


def clean(text: str) -> str:
    """One line without what cannot be printed, or what turns the reading direction around."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def clip(text: str, limit: int) -> str:
    """At most ``limit`` characters, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int) -> str:
    """Text from outside for mrkdwn: it can neither ping nor link, and is ``limit`` characters at most when escaped."""
    text = clean(text)
    escaped = "".join(_ENTITIES.get(character, character) for character in text)
    while len(escaped) > limit:
        text = clip(text, max(1, len(text) - max(1, (len(escaped) - limit) // 5)))
        escaped = "".join(_ENTITIES.get(character, character) for character in text)
    return escaped


def whole_lines(lines: Iterable[str], limit: int = TEXT) -> str:
    """A text from as many lines as fit. None is cut: half an entity or half a link would be refused."""
    kept, room = list[str](), limit - len("\n…")
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)


def moment(at: datetime) -> str:
    """A time in the reader's own time zone, in mrkdwn."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{spoken_moment(at)}>"


def spoken_moment(at: datetime) -> str:
    """A time for those who get plain text."""
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def link(url: str, label: str) -> str:
    """A link with a label of ours, in mrkdwn; ``url`` has been checked where it was read."""
    return f"<{url.replace('&', '&amp;')}|{label}>"


def header(text: str) -> Block:
    """A headline. Plain text: nothing in it is ever read as markup."""
    return {"type": "header", "text": plain(text, HEADER)}


def section(mrkdwn: str, accessory: Mapping[str, Any] | None = None) -> Block:
    """A paragraph; what came from outside must be escaped already."""
    # Verbatim: otherwise Slack turns a bare URL, #name or @name in somebody's text into a link or a mention.
    block: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}}
    return {**block, "accessory": accessory} if accessory else block


def context(mrkdwn: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn, "verbatim": True}]}


def actions(buttons: Sequence[Mapping[str, Any]]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(  # noqa: PLR0913 - what a button can be, each by its name
    label: str,
    action_id: str,
    value: str,
    *,
    spoken: str = "",
    style: Literal["primary", "danger"] | None = None,
    asks: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """A button.

    Args:
        label: What stands on it.
        action_id: Which handler it leads to.
        value: What that handler is given, 2,000 characters at most.
        spoken: Read out instead of the label, where that says too little by itself.
        style: For the one way on, or for what cannot be undone.
        asks: A dialog of ``confirm`` before the click counts.
    """
    element: dict[str, Any] = {
        "type": "button",
        "text": plain(label, BUTTON),
        "action_id": action_id,
        "value": value,
    }
    said = clip(_without_markup(spoken), BUTTON)
    optional = {"accessibility_label": said, "style": style, "confirm": asks}
    return element | {name: given for name, given in optional.items() if given}


def confirm(title: str, text: str, yes: str, *, style: Literal["primary", "danger"] = "danger") -> Mapping[str, Any]:
    """The dialog of a button that asks once more."""
    return {
        "title": plain(title, CONFIRM_TITLE),
        "text": plain(text, CONFIRM_TEXT),
        "confirm": plain(yes, CONFIRM_ANSWER),
        "deny": plain("Cancel", CONFIRM_ANSWER),
        "style": style,
    }


def link_button(label: str, action_id: str, url: str) -> Mapping[str, Any]:
    """A button that opens a page. Slack still sends a click, which must be acknowledged."""
    return {"type": "button", "text": plain(label, BUTTON), "action_id": action_id, "url": url}


def plain(text: str, limit: int) -> dict[str, Any]:
    """Text that is never read as markup."""
    return {"type": "plain_text", "text": clip(_without_markup(text) or "–", limit), "emoji": False}


def _without_markup(text: str) -> str:
    # No page says whether Slack decodes entities here, nor that it never looks for `<!channel>`: avoid the question.
    return clean(text).replace("<", "‹").replace(">", "›")
