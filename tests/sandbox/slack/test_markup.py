"""Slack's own markup: what may stand in mrkdwn and in the top-level text, and what must never."""

import pytest

from bot.sandbox.slack.block_kit import check_message


def as_text(text: str) -> list[str]:
    return check_message({"text": text})


def as_mrkdwn(text: str, *, verbatim: bool = False) -> list[str]:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": verbatim}}
    return check_message({"text": "Hello", "blocks": [block]})


FINE = [
    "plain *bold* _italic_ `code` ~gone~",
    "fish &amp; chips &lt;5 &gt;3",
    "<https://example.com/a?b=1&amp;c=2|label> and <https://example.com>",
    "<mailto:jane@example.com|jane@example.com>",
    "<@U012ABC> <@W012ABC|omar> <#C012ABC> <#C012ABC|front-desk>",
    "<!date^1763750000^{date_short} {time}|21 Nov> <!date^1763750000^{ago}^https://example.com|then>",
    "someone@here.example",
]


@pytest.mark.parametrize("text", FINE)
def test_valid_markup_is_taken(text: str) -> None:
    assert as_text(text) == []
    assert as_mrkdwn(text) == []


PINGS = ["<!channel>", "<!here>", "<!everyone>", "<!here|here>", "<!subteam^S0FRONT>", "<!subteam^S0FRONT|@front-desk>"]


@pytest.mark.parametrize("ping", PINGS)
def test_a_ping_is_never_taken(ping: str) -> None:
    assert as_text(f"Hello {ping}!") == [f"text: pings: {ping}"]
    assert as_mrkdwn(f"Hello {ping}!", verbatim=True) == [f"blocks[0].text: pings: {ping}"]


UNESCAPED = {
    "a < b": "<",
    "a > b": ">",
    "fish & chips": "&",
    "&nbsp;": "&",
    "<https://example.com|fish & chips>": "&",
    "<https://example.com|a|b>": "<",
    "<javascript:alert(1)|click>": "<",
    "<https://example.com|<https://evil.example>>": "<",
    "<@omar>": "<",
    "<!date^soon^{date}|soon>": "<",
}


@pytest.mark.parametrize(("text", "char"), UNESCAPED.items())
def test_what_was_not_escaped_is_found(text: str, char: str) -> None:
    assert any(f"an unescaped {char!r}" in problem for problem in as_text(text))
    assert any(f"an unescaped {char!r}" in problem for problem in as_mrkdwn(text))


def test_a_typed_ping_needs_verbatim_text() -> None:
    assert as_mrkdwn("Ask @here or @channel") == [
        "blocks[0].text: @here becomes a ping unless the text is verbatim",
        "blocks[0].text: @channel becomes a ping unless the text is verbatim",
    ]
    assert as_mrkdwn("Ask @here", verbatim=True) == []
    assert as_text("Ask @here") == []


def test_a_markdown_block_can_ping_too() -> None:
    said = check_message({"text": "Hello", "blocks": [{"type": "markdown", "text": "<!here> & @everyone"}]})

    assert said == [
        "blocks[0].text: pings: <!here>",
        "blocks[0].text: @everyone becomes a ping unless the text is verbatim",
    ]


def test_plain_text_is_never_read_as_markup() -> None:
    block = {"type": "section", "text": {"type": "plain_text", "text": "<!channel> & <https://evil.example|click>"}}

    assert check_message({"text": "Hello", "blocks": [block]}) == []
