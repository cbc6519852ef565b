"""Block Kit as an app of the tests writes it, posted and opened."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.nouns import Message, View
from bot.sandbox.slack.server import SandboxSlack

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(f"Unit {value}"), "value": value}


def button(label: str, action_id: str = "reserve", **more: Any) -> Json:
    return {"type": "button", "text": plain(label), "action_id": action_id, **more}


def row(value: str, *elements: Json) -> Json:
    return {"type": "actions", "block_id": f"row {value}", "elements": list(elements)}


ROWS = [
    row("A-1", button("Reserve", value="A-1"), button("Open", "open", url="https://example.com/a")),
    row("A-2", button("Reserve", value="A-2", style="primary")),
]


def asked(action_id: str, kind: str = "plain_text_input", *, optional: bool = False, **more: Any) -> Json:
    """An input block named after its element, with a label in capitals."""
    element = {"type": kind, "action_id": action_id, **more}
    block = {"type": "input", "block_id": f"{action_id} block", "label": plain(action_id.upper()), "element": element}
    return block | ({"optional": True} if optional else {})


def modal(*blocks: Json, **more: Any) -> Json:
    shown = list(blocks) or [asked("note")]
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("Form"),
        "submit": plain("Send"),
        "blocks": shown,
    } | more


async def posted(slack: SandboxSlack, client: AsyncWebClient, *blocks: Json, to: str | None = None) -> Message:
    if to is None:
        await client.chat_postMessage(channel="C0RESERVE", text="Units", blocks=blocks)
    else:
        await client.chat_postEphemeral(channel="C0RESERVE", user=to, text="Units", blocks=blocks)
    return slack.workspace.messages["C0RESERVE"][-1]


async def opened(slack: SandboxSlack, client: AsyncWebClient, source: Json) -> View:
    await client.views_open(trigger_id=slack.state.tickets.trigger("U0FIONA"), view=source)
    view = slack.workspace.modal("U0FIONA")
    assert view is not None
    return view
