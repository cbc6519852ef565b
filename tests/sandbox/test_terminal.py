"""A message in a terminal."""

from typing import Any

from bot.sandbox.slack.nouns import Message, View
from bot.sandbox.terminal import readable


def message(*blocks: dict[str, Any], text: str = "all of it") -> Message:
    return Message("1.0", "C1", "U1", text, list(blocks))


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def actions(*labels: str) -> dict[str, Any]:
    buttons = [{"type": "button", "text": {"type": "plain_text", "text": label}} for label in labels]
    return {"type": "actions", "elements": [*buttons, {"type": "static_select"}]}


def test_a_message_without_blocks_is_its_text() -> None:
    assert (
        readable(message(text="*Done*: <https://a.example|page> &amp; more")) == "Done: page https://a.example & more"
    )


def test_rows_of_one_shape_stand_under_each_other_whatever_the_width_of_their_signs() -> None:
    shown = readable(message(section("*A-1* · 🟢 Free\n£1"), section("*B-1000* · ⚪ Off\n£20")))
    assert shown.splitlines() == ["A-1     🟢 Free  £1", "B-1000  ⚪ Off   £20"]


def test_combining_marks_take_no_room() -> None:
    first, second = readable(message(section("e\u0301 · x"), section("ee · y"))).splitlines()
    assert first == "e\u0301   x"
    assert second == "ee  y"


def test_paragraphs_stay_paragraphs() -> None:
    assert readable(message(section("one\ntwo"))) == "one\ntwo"
    assert readable(message(section("one · two"), section("three"))) == "one\ntwo\nthree"


def test_headlines_small_print_and_other_blocks() -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "Units"}}
    context = {"type": "context", "elements": [{"type": "mrkdwn", "text": "at <!date^1^{time}|09:41>"}]}
    shown = readable(message(header, context, {"type": "divider"}, actions("Next", "Refresh")))
    assert shown.splitlines() == ["Units", "=====", "", "  at 09:41", "(divider)", "", "[Next]  [Refresh]"]


def test_a_button_beside_a_row_is_named() -> None:
    row = {**section("x"), "accessory": {"type": "button", "text": {"type": "plain_text", "text": "Reserve"}}}
    assert readable(message(row)) == "x\n[Reserve]"


def test_a_dialog_shows_what_is_asked_and_what_is_filled_in() -> None:
    def asked(label: str, **element: Any) -> dict[str, Any]:
        placeholder = {"type": "plain_text", "text": "Type a name"}
        text = {"type": "plain_text", "text": label}
        return {"type": "input", "label": text, "element": {"placeholder": placeholder, **element}}

    chosen = {"text": {"type": "plain_text", "text": "A-012"}, "value": "unit_1"}
    view = View("V1", "U1", "modal", {}, [asked("Unit", initial_option=chosen), asked("Customer")], "h", "V1")
    assert readable(view) == "Unit: A-012\nCustomer: [Type a name]"
