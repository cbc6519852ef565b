"""Each limit of slack-platform.md 2.2: exactly at the limit passes, one above does not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox.slack.block_kit import check_message, check_options, check_view

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "go", "text": plain("Go"), **more}


def option(number: int = 0, **more: Any) -> Json:
    return {"text": plain("One"), "value": str(number), **more}


def options(count: int) -> list[Json]:
    return [option(number) for number in range(count)]


def section(**more: Any) -> Json:
    return {"type": "section", "text": plain("Hello"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def text_input(**more: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "note", **more}


def input_block(element: Json | None = None, **more: Any) -> Json:
    return {"type": "input", "label": plain("Note"), "element": element or text_input(), **more}


def image(**more: Any) -> Json:
    return {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A", **more}


def confirm(**more: Any) -> Json:
    return {"title": plain("Sure?"), "text": plain("Really?"), "confirm": plain("Yes"), "deny": plain("No")} | more


def said(*blocks: Json, text: str = "Hello", **more: Any) -> list[str]:
    return check_message({"text": text, "blocks": list(blocks), **more})


def modal(*blocks: Json, **more: Any) -> list[str]:
    return check_view({"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": list(blocks), **more})


def home(*blocks: Json) -> list[str]:
    return check_view({"type": "home", "blocks": list(blocks)})


def overflow(count: int, **more: Any) -> Json:
    return {"type": "overflow", "action_id": "more", "options": [*options(count - 1), option(99, **more)]}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "pick", "options": options(2), **more}


def groups(count: int, size: int = 1, label: str = "G") -> Json:
    each = [{"label": plain(label), "options": options(size)} for _ in range(count)]
    return {"type": "static_select", "action_id": "pick", "option_groups": each}


def boxes(kind: str, count: int) -> Json:
    return {"type": kind, "action_id": "tick", "options": options(count)}


def table(rows: int, columns: int = 1, text: str = "x", **more: Any) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * columns] * rows, **more}


def words(count: int) -> list[Json]:
    """Sections that hold this many characters in all."""
    full, rest = divmod(count, 3000)
    sizes = [3000] * full + ([rest] if rest else [])
    return [section(text=plain("x" * size)) for size in sizes]


def x(count: int) -> str:
    return "x" * count


URL = "https://example.com/"


def link(length: int) -> str:
    return URL + x(length - len(URL))


def in_section(element: Json) -> list[str]:
    return said(section(accessory=element))


def wide_view(size: int) -> list[str]:
    """A modal of exactly so many bytes: many long sections, and a last one that fills up."""
    last = section(text=plain(""))
    long = [section(text=plain(x(2950))) for _ in range(82)]
    view = {"type": "modal", "title": plain("T"), "blocks": [*long, last]}
    last["text"]["text"] = x(size - len(json.dumps(view)))
    return check_view(view)


LIMITS: list[tuple[str, int, Callable[[int], list[str]]]] = [
    ("blocks in a message", 50, lambda n: said(*[{"type": "divider"}] * n)),
    ("blocks in a modal", 100, lambda n: modal(*[{"type": "divider"}] * n)),
    ("blocks in a home tab", 100, lambda n: home(*[{"type": "divider"}] * n)),
    ("block_id", 255, lambda n: said({"type": "divider", "block_id": x(n)})),
    ("action_id", 255, lambda n: in_section(button(action_id=x(n)))),
    ("callback_id", 255, lambda n: modal(callback_id=x(n))),
    ("external_id", 255, lambda n: modal(external_id=x(n))),
    ("top-level text", 4000, lambda n: said(text=x(n))),
    ("section text", 3000, lambda n: said(section(text=plain(x(n))))),
    ("section fields", 10, lambda n: said({"type": "section", "fields": [plain("a")] * n})),
    ("section field", 2000, lambda n: said({"type": "section", "fields": [plain(x(n))]})),
    ("header", 150, lambda n: said({"type": "header", "text": plain(x(n))})),
    ("header level", 4, lambda n: said({"type": "header", "text": plain("a"), "level": n})),
    ("context elements", 10, lambda n: said({"type": "context", "elements": [plain("a")] * n})),
    ("context text", 3000, lambda n: said({"type": "context", "elements": [plain(x(n))]})),
    ("actions elements", 25, lambda n: said(actions(*[button(action_id=f"a{i}") for i in range(n)]))),
    ("image address", 3000, lambda n: said(image(image_url=link(n)))),
    ("image alt text", 2000, lambda n: said(image(alt_text=x(n)))),
    ("image title", 2000, lambda n: said(image(title=plain(x(n))))),
    ("image accessory alt text", 2000, lambda n: in_section(image(alt_text=x(n)))),
    ("input label", 2000, lambda n: modal(input_block(label=plain(x(n))))),
    ("input hint", 2000, lambda n: modal(input_block(hint=plain(x(n))))),
    ("markdown block", 12_000, lambda n: said({"type": "markdown", "text": x(n)})),
    ("markdown in all", 12_000, lambda n: said(*[{"type": "markdown", "text": x(t)} for t in (6000, n - 6000)])),
    ("text of all blocks", 12_000, lambda n: said(*words(n))),
    ("button text", 75, lambda n: in_section(button(text=plain(x(n))))),
    ("button value", 2000, lambda n: in_section(button(value=x(n)))),
    ("button address", 3000, lambda n: in_section(button(url=link(n)))),
    ("button accessibility label", 75, lambda n: in_section(button(accessibility_label=x(n)))),
    ("button agent prompt", 4000, lambda n: in_section(button(agent_prompt=x(n)))),
    ("button visible_to_user_ids", 10, lambda n: in_section(button(visible_to_user_ids=["U012ABC"] * n))),
    ("option text", 75, lambda n: in_section(select(options=[option(text=plain(x(n)))]))),
    ("option value", 150, lambda n: in_section(select(options=[option(value=x(n))]))),
    ("option description", 75, lambda n: in_section(select(options=[option(description=plain(x(n)))]))),
    ("overflow option address", 3000, lambda n: in_section(overflow(1, url=link(n)))),
    ("overflow options", 5, lambda n: in_section(overflow(n))),
    ("select options", 100, lambda n: in_section(select(options=options(n)))),
    ("select option groups", 100, lambda n: in_section(groups(n))),
    ("options in a group", 100, lambda n: in_section(groups(1, n))),
    ("group label", 75, lambda n: in_section(groups(1, label=x(n)))),
    ("select placeholder", 150, lambda n: in_section(select(placeholder=plain(x(n))))),
    ("checkboxes", 10, lambda n: in_section(boxes("checkboxes", n))),
    ("radio buttons", 10, lambda n: in_section(boxes("radio_buttons", n))),
    ("confirm title", 100, lambda n: in_section(button(confirm=confirm(title=plain(x(n)))))),
    ("confirm text", 300, lambda n: in_section(button(confirm=confirm(text=plain(x(n)))))),
    ("confirm yes", 30, lambda n: in_section(button(confirm=confirm(confirm=plain(x(n)))))),
    ("confirm no", 30, lambda n: in_section(button(confirm=confirm(deny=plain(x(n)))))),
    ("plain_text_input min_length", 3000, lambda n: modal(input_block(text_input(min_length=n)))),
    ("plain_text_input max_length", 3000, lambda n: modal(input_block(text_input(max_length=n)))),
    ("table rows", 100, lambda n: said(table(n))),
    ("table columns", 20, lambda n: said(table(1, n))),
    ("table column settings", 20, lambda n: said(table(1, 20, column_settings=[None] * n))),
    ("table characters", 10_000, lambda n: said(table_of(n))),
    ("tables", 1, lambda n: said(*[table(1)] * n)),
    ("view title", 24, lambda n: modal(title=plain(x(n)))),
    ("view submit", 24, lambda n: modal(submit=plain(x(n)))),
    ("view close", 24, lambda n: modal(close=plain(x(n)))),
    ("view private_metadata", 3000, lambda n: modal(private_metadata=x(n))),
    ("view bytes", 250_000, wide_view),
    ("suggested options", 100, lambda n: check_options({"options": options(n)})),
    ("suggested option groups", 100, lambda n: check_options({"option_groups": groups(n)["option_groups"]})),
]


def table_of(characters: int) -> Json:
    """One column of cells with this many characters in all."""
    cells = [1000] * (characters // 1000) + ([characters % 1000] if characters % 1000 else [])
    return {"type": "table", "rows": [[{"type": "raw_text", "text": x(size)}] for size in cells]}


@pytest.mark.parametrize(("limit", "check"), [(n, check) for _, n, check in LIMITS], ids=[name for name, *_ in LIMITS])
def test_the_limit_itself_passes_and_one_above_does_not(limit: int, check: Callable[[int], list[str]]) -> None:
    assert check(limit) == []
    assert check(limit + 1) != []


def test_a_violation_says_where_what_and_how_much() -> None:
    blocks = [{"type": "divider"}] * 3 + [section(accessory=button(text=plain(x(76))))]

    assert said(*blocks) == ["blocks[3].accessory.text: 76 characters, at most 75"]
