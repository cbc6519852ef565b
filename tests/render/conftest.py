"""Hostile inventories, and what Slack would say of what is made of them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bot.core.inventory import STATUSES, UNKNOWN_STATUS, Inventory, Price, Site, Unit, UnitType
from bot.render.blocks import Message
from bot.sandbox.slack.block_kit import check_message

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MARKUP = re.compile(r"<[^<>]*>")


def payload(message: Message) -> dict[str, Any]:
    """What goes to Slack, as `bot.slack.deliver` sends it."""
    return {
        "response_type": "in_channel" if message.in_channel else "ephemeral",
        "text": message.text,
        "blocks": list(message.blocks),
        "unfurl_links": False,
    }


def elements(message: Message) -> list[dict[str, Any]]:
    """Every button."""
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def labels(message: Message) -> list[str]:
    return [element["text"]["text"] for element in elements(message)]


def marked_up(message: Message) -> Iterator[str]:
    """Every text in which Slack reads markup."""
    yield message.text
    for block in message.blocks:
        for text in [block.get("text", {}), *block.get("elements", [])]:
            if text.get("type") == "mrkdwn":
                yield text["text"]


def shown(message: Message) -> str:
    """The blocks as they are read, without the message's own text."""
    texts = [block["text"]["text"] for block in message.blocks if "text" in block]
    texts += [
        element["text"] for block in message.blocks if block["type"] == "context" for element in block["elements"]
    ]
    return "\n".join([*texts, *labels(message)])


def links(message: Message) -> list[str]:
    return [found for text in marked_up(message) for found in MARKUP.findall(text) if not found.startswith("<!date^")]


def assert_slack_takes(message: Message, *ours: str) -> None:
    """Nothing past a limit, nothing unescaped, no ping; and no link but ``ours``."""
    assert check_message(payload(message)) == []
    allowed = {f"<{url.replace('&', '&amp;')}|Open in Backoffice>" for url in ours}
    assert set(links(message)) <= allowed


attacks = st.sampled_from(
    [
        "",
        " ",
        "\u200f",
        "\u202eelpmaxE\u202c",
        "<!channel>",
        "<!here|everyone> @channel",
        "<@U012ABC>",
        "<https://evil.example|click>",
        "https://evil.example",
        "*A*`01`_~",
        "```",
        "&amp;lt;",
        "&" * 700,
        "<" * 59 + "x",
        "W" * 4000,
        "x " * 300,
        "🚚" * 200,
        "é\u0301" * 100,
        "a\nb\r\n\x00\x07\u2028c",
        "\ud800",
        "|>",
    ]
)
names = attacks | st.text(st.characters(exclude_categories=()), max_size=120)
addresses = st.none() | st.builds(
    lambda path, times: "https://app.stora.test/" + path * times,
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='<>|"'), max_size=60)
    | st.sampled_from(["&", "?a=1&b=2", "units/unit_0123456789abcdef"]),
    st.sampled_from([1, 1, 1, 4, 60]),
)
prices = st.builds(
    Price,
    st.sampled_from(["weekly", "monthly", "every_4_weeks"]) | names,
    st.integers(-1, 10) | st.integers(10**300, 10**320),
    st.sampled_from(["£18.50", "", "£" + "9" * 300, "CHF 1'000.00"]) | names,
)
site_ids = ("site_1", "site_2", "site_gone", "")
type_ids = ("type_1", "type_2", "type_gone", "")


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Anything that Stora could ever answer, and more."""
    sites = [Site(id_, draw(names)) for id_ in site_ids[:2]]
    unit_types = [
        UnitType(
            id_, draw(names), draw(names), tuple(draw(st.lists(prices, max_size=4))), draw(st.sampled_from(site_ids))
        )
        for id_ in type_ids[:2]
    ]
    units = [
        Unit(
            id=f"unit_{number}",
            reference_id=draw(names),
            status=draw(st.sampled_from([*STATUSES, UNKNOWN_STATUS, "auction_pending"]) | names),
            site_id=draw(st.sampled_from(site_ids)),
            unit_type_id=draw(st.sampled_from(type_ids)),
            created_at=NOW,
            updated_at=NOW,
            backoffice_url=draw(addresses),
        )
        for number in range(draw(st.integers(0, 17)))
    ]
    return Inventory.of(sites, unit_types, units, NOW)
