"""Escaping and clipping: the one place that knows Slack's limits."""

from datetime import UTC, datetime, timedelta, timezone
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.render.blocks import (
    TEXT,
    Message,
    actions,
    button,
    clean,
    clip,
    confirm,
    context,
    escape,
    header,
    link,
    link_button,
    moment,
    section,
    spoken_moment,
    whole_lines,
)
from tests.render.conftest import assert_slack_takes, elements, names


@pytest.mark.parametrize(
    ("text", "one_line"),
    [
        ("A-012", "A-012"),
        ("  a \n b\tc\xa0d ", "a b c d"),
        ("a\u202eb\u2066c", "a b c"),
        ("\u200fחיפה\u200f", "חיפה"),
        ("a\x00\x1b\x7f\x9bb", "a b"),
        ("\ud800x\udfff", "x"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\u200b\ufeff", ""),
    ],
    ids=ascii,
)
def test_what_cannot_be_printed_or_turns_text_around_is_left_out(text: str, one_line: str) -> None:
    assert clean(text) == one_line


@pytest.mark.parametrize(
    ("text", "limit", "clipped"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a cd", 3, "a…"), ("", 3, "")],
)
def test_what_is_left_out_is_marked(text: str, limit: int, clipped: str) -> None:
    assert clip(text, limit) == clipped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<https://evil.example|click>", "&lt;https://evil.example|click&gt;"),
        ("B&B", "B&amp;B"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_text_from_outside_is_shown_as_it_is_and_does_nothing(text: str, escaped: str) -> None:
    assert escape(text, 60) == escaped


@settings(max_examples=300, deadline=None)
@given(names, st.integers(5, 120))
@example("&" * 700, 5)
@example("<" * 13, 60)
@example("&", 5)
def test_escaped_text_fits_and_begins_as_the_text_does(text: str, limit: int) -> None:
    escaped = escape(text, limit)
    assert len(escaped) <= limit
    assert not set("<>") & set(escaped)
    back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if back != clean(text):
        assert back.endswith("…")
        assert clean(text).startswith(back[:-1])


@settings(max_examples=200, deadline=None)
@given(st.text("a<&", max_size=300), st.integers(5, 120))
def test_hardly_more_is_left_out_than_must_be(text: str, limit: int) -> None:
    escaped = escape(text, limit)
    if unescape(escaped) != text:
        assert len(escaped) > limit - len("&amp;&amp;")


lines = st.lists(st.text("a&;", max_size=1500), max_size=8)


@settings(max_examples=200, deadline=None)
@given(lines)
@example(["a" * (TEXT - 2)])
@example(["a" * (TEXT - 1)])
@example(["a" * 1998, "b" * 1999])
@example(["a" * 1998, "b" * 2000])
@example(["a" * 3998, ""])
@example(["a" * 4000, "b"])
def test_a_text_is_made_of_whole_lines(said: list[str]) -> None:
    text = whole_lines(said)
    assert len(text) <= TEXT
    if text != "\n".join(said):
        kept = text.split("\n")
        assert kept[-1] == "…"
        assert kept[:-1] == said[: len(kept) - 1]
        assert len("\n".join(said[: len(kept)])) > TEXT - 10


def test_a_time_is_shown_in_the_readers_zone_and_spoken_in_utc() -> None:
    at = datetime(2026, 11, 21, 13, 5, 9, tzinfo=timezone(timedelta(hours=1)))
    assert moment(at) == "<!date^1795262709^{date_short_pretty} at {time}|21 Nov 2026, 12:05 UTC>"
    assert datetime.fromtimestamp(1795262709, UTC) == at.replace(microsecond=0)
    assert spoken_moment(at) == "21 Nov 2026, 12:05 UTC"
    assert_slack_takes(Message("x", (context(moment(at)),)))


def test_a_link_leads_where_it_says() -> None:
    url = "https://app.stora.test/units?a=1&b=2"
    assert link(url, "Open in Backoffice") == "<https://app.stora.test/units?a=1&amp;b=2|Open in Backoffice>"
    assert_slack_takes(Message("x", (section(link(url, "Open in Backoffice")),)), url)


def test_text_in_blocks_is_verbatim_since_slack_would_link_names_and_addresses_in_it() -> None:
    assert section("@here")["text"]["verbatim"] is True
    assert context("@here")["elements"][0]["verbatim"] is True


def test_a_section_can_carry_something_beside_its_text() -> None:
    pressed = button("Go", "go", "1")
    assert section("x", pressed)["accessory"] == pressed
    assert "accessory" not in section("x")
    assert_slack_takes(Message("x", (section("x", pressed),)))


@settings(max_examples=150, deadline=None)
@given(names)
def test_any_label_makes_a_headline_and_buttons_that_slack_takes(name: str) -> None:
    url = "https://app.stora.test/"
    row = actions([button(name, "go", "1", spoken=name), button(name, "went", "1"), link_button(name, "open", url)])
    message = Message("x", (header(name), row))
    assert_slack_takes(message)
    first, second, third = elements(message)
    assert first.get("accessibility_label", "") == clip(clean(name).replace("<", "‹").replace(">", "›"), 75)
    assert "accessibility_label" not in second
    assert third["url"] == url
    assert first["text"]["emoji"] is False


@settings(max_examples=100, deadline=None)
@given(names, names, names)
def test_a_button_that_asks_once_more_is_one_that_slack_takes(title: str, text: str, yes: str) -> None:
    pressed = button("Go", "go", "1", style="danger", asks=confirm(title, text, yes))
    assert_slack_takes(Message("x", (actions([pressed]),)))
    assert pressed["confirm"]["deny"]["text"] == "Cancel"
    assert "style" not in button("Go", "go", "1")


def test_a_label_of_nothing_is_a_dash_and_a_long_one_is_clipped() -> None:
    assert header("\u200f")["text"]["text"] == "–"
    assert header("x" * 151)["text"]["text"] == "x" * 149 + "…"
    assert header("x" * 150)["text"]["text"] == "x" * 150
    assert header("<!channel>")["text"]["text"] == "‹!channel›"
