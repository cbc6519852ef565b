"""What Slack refuses apart from lengths: unknown things, things in the wrong place, contradictions."""

from typing import Any

import pytest

from bot.sandbox.slack.block_kit import check_message, check_options, check_view

Json = dict[str, Any]

DIVIDER = {"type": "divider"}


def plain(text: str = "A") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str, **more: Any) -> Json:
    return {"type": "mrkdwn", "text": text, **more}


def option(value: str = "1", **more: Any) -> Json:
    return {"text": plain(), "value": value, **more}


def element(kind: str, **more: Any) -> Json:
    return {"type": kind, "action_id": "a", **more}


def button(**more: Any) -> Json:
    return element("button", text=plain(), **more)


def select(**more: Any) -> Json:
    return element("static_select", options=[option("1"), option("2")], **more)


def said(*blocks: Any, **more: Any) -> list[str]:
    return check_message({"text": "Hello", "blocks": list(blocks), **more})


def beside(accessory: Any) -> list[str]:
    return said({"type": "section", "text": plain(), "accessory": accessory})


def acting(*elements: Any) -> list[str]:
    return said({"type": "actions", "elements": list(elements)})


def modal(*blocks: Any, **more: Any) -> list[str]:
    return check_view({"type": "modal", "title": plain(), "submit": plain(), "blocks": list(blocks), **more})


def asking(element: Json, **more: Any) -> list[str]:
    return modal({"type": "input", "label": plain(), "element": element, **more})


def rich(*elements: Any) -> list[str]:
    return said({"type": "rich_text", "elements": list(elements)})


def rich_section(*parts: Any) -> list[str]:
    return rich({"type": "rich_text_section", "elements": list(parts)})


def table(*rows: Any, **more: Any) -> list[str]:
    return said({"type": "table", "rows": list(rows), **more})


CELL = {"type": "raw_text", "text": "a"}

GOOD = {
    "a message without blocks": check_message({"text": "Hello"}),
    "no blocks at all in the list": check_message({"text": "Hello", "blocks": []}),
    "a deletion": check_message({"delete_original": True}),
    "metadata": said(metadata={"event_type": "reserved", "event_payload": {"unit": "A-1"}}),
    "parse none": said(parse="none"),
    "an image as accessory": beside({"type": "image", "image_url": "https://example.com/a", "alt_text": "A"}),
    "a file of Slack's as image": said({"type": "image", "slack_file": {"id": "F1"}, "alt_text": "A"}),
    "an image in a context": said(
        {"type": "context", "elements": [{"type": "image", "image_url": "https://example.com/a", "alt_text": "A"}]}
    ),
    "a wide section": said({"type": "section", "text": plain(), "expand": True}),
    "a coloured button": beside(button(style="primary", url="https://example.com", value="1")),
    "a coloured confirmation": beside(
        button(
            confirm={
                "title": plain(),
                "text": mrkdwn("*Sure?*"),
                "confirm": plain(),
                "deny": plain(),
                "style": "danger",
            }
        )
    ),
    "an external select": acting(element("external_select", min_query_length=0, placeholder=plain())),
    "an external select with a first choice": acting(element("external_select", initial_option=option())),
    "a user select": acting(element("users_select", initial_user="U012ABC")),
    "a channel select": acting(element("channels_select", initial_channel="C012ABC")),
    "a conversation select": acting(
        element("conversations_select", filter={"include": ["public"], "exclude_bot_users": True})
    ),
    "several users": asking(element("multi_users_select", initial_users=["U012ABC"], max_selected_items=2)),
    "several options": asking(element("multi_static_select", options=[option()], initial_options=[option()])),
    "a select in groups": acting(element("static_select", option_groups=[{"label": plain(), "options": [option()]}])),
    "boxes with markup": acting(
        element("checkboxes", options=[{"text": mrkdwn("*A*"), "value": "1", "description": mrkdwn("_b_")}])
    ),
    "pickers": acting(
        element("datepicker", initial_date="2026-11-21"),
        {"type": "timepicker", "action_id": "b", "initial_time": "08:30", "timezone": "Europe/London"},
        {"type": "datetimepicker", "action_id": "c", "initial_date_time": 1_763_750_000},
    ),
    "a text input": asking(element("plain_text_input", multiline=True, min_length=1, max_length=10, initial_value="a")),
    "an input that acts": asking(
        element("plain_text_input", dispatch_action_config={"trigger_actions_on": ["on_enter_pressed"]}),
        dispatch_action=True,
        optional=True,
    ),
    "a number": asking(element("number_input", is_decimal_allowed=True, min_value="1", max_value="2.5")),
    "an e-mail": asking(element("email_text_input", focus_on_load=True)),
    "a response URL": asking(element("conversations_select", response_url_enabled=True)),
    "a modal that tells": modal(DIVIDER, notify_on_close=True, clear_on_close=False, private_metadata=""),
    "rich text": rich(
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": " ", "style": {"bold": True}}], "border": 1},
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 1,
            "elements": [{"type": "rich_text_section", "elements": [{"type": "link", "url": "https://example.com"}]}],
        },
        {
            "type": "rich_text_section",
            "elements": [{"type": "date", "timestamp": 1, "format": "{date}"}, {"type": "user", "user_id": "U1"}],
        },
    ),
    "a table": table(
        [CELL, {"type": "raw_number", "value": 2.5, "text": "£2.50"}],
        [
            CELL,
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [CELL | {"type": "text"}]}]},
        ],
        column_settings=[{"align": "right", "is_wrapped": True}, None],
    ),
    "no suggestions": check_options({"options": []}),
    "a number of emoji": said({"type": "header", "text": {"type": "plain_text", "text": ":key:", "emoji": True}}),
}


@pytest.mark.parametrize("problems", GOOD.values(), ids=GOOD.keys())
def test_what_slack_takes_is_taken(problems: list[str]) -> None:
    assert problems == []


BAD = {
    "text: missing": check_message({"blocks": [DIVIDER]}),
    "text: empty text": check_message({"text": " "}),
    "text: int where a string belongs": check_message({"text": 1}),
    "attachments: not a key that a message": check_message({"text": "a", "attachments": []}),
    "link_names: turns names": check_message({"text": "a", "link_names": True}),
    "parse: 'full' links": check_message({"text": "a", "parse": "full"}),
    "metadata: 'event_payload' is missing": said(metadata={"event_type": "a"}),
    "metadata.event_payload: not an object": said(metadata={"event_type": "a", "event_payload": 1}),
    "blocks: dict where a list belongs": check_message({"text": "a", "blocks": {}}),
    "blocks[0]: None is not a block": said("divider"),
    "blocks[0]: 'video' is not a block": said({"type": "video"}),
    "blocks[0]: Slack does not know the key 'txet' here": said({"type": "section", "text": plain(), "txet": plain()}),
    "blocks[0]: 'elements' is missing": said({"type": "actions"}),
    "blocks[1].block_id: 'a' is used twice": said(DIVIDER | {"block_id": "a"}, DIVIDER | {"block_id": "a"}),
    "blocks[0]: text or fields is missing": said({"type": "section"}),
    "blocks[0].text: str where an object belongs": said({"type": "section", "text": "a"}),
    "blocks[0].text: empty text": said({"type": "section", "text": plain("")}),
    "blocks[0].text: 'text' is missing": said({"type": "section", "text": {"type": "mrkdwn"}}),
    "blocks[0].text.type: 'markdown' is not one of": said(
        {"type": "section", "text": {"type": "markdown", "text": "a"}}
    ),
    "blocks[0].text.type: ['plain_text'] is not one of": said(
        {"type": "section", "text": {"type": ["plain_text"], "text": "a"}}
    ),
    "parse: [] links": check_message({"text": "a", "parse": []}),
    "blocks[0].elements[0].option_groups: int where a list": acting(
        element("static_select", option_groups=5, initial_option=3)
    ),
    "blocks[0].elements[0].option_groups[0].options: int where": acting(
        element("static_select", option_groups=[{"options": 3}], initial_option=3)
    ),
    "blocks[0].text: Slack does not know the key 'emoji'": said({"type": "section", "text": mrkdwn("a", emoji=True)}),
    "blocks[0].text.verbatim: int where true": said({"type": "section", "text": mrkdwn("a", verbatim=1)}),
    "blocks[0].text.type: 'mrkdwn' is not one of plain_text": said({"type": "header", "text": mrkdwn("a")}),
    "blocks[0].expand: str where true or false": said({"type": "section", "text": plain(), "expand": "yes"}),
    "blocks[0]: a markdown cannot be shown in a modal": modal({"type": "markdown", "text": "a"}),
    "blocks[0]: a table cannot be shown in a modal": modal({"type": "table", "rows": [[CELL]]}),
    "blocks[0]: 'text' is missing": said({"type": "header"}),
    "blocks[0]: 'alt_text' is missing": said({"type": "image", "image_url": "https://example.com/a"}),
    "blocks[0]: exactly one of image_url and slack_file": said({"type": "image", "alt_text": "A"}),
    "blocks[0].slack_file: exactly one of id and url": said({"type": "image", "slack_file": {}, "alt_text": "A"}),
    "blocks[0].image_url: an address has to start": said({"type": "image", "image_url": "ftp://a", "alt_text": "A"}),
    "blocks[0].accessory: 'file_input' is not an element": beside(element("file_input")),
    "blocks[0].accessory: None is not an element": beside("button"),
    "blocks[0].accessory: [1] is not an element": beside({"type": [1]}),
    "blocks[0].accessory: a plain_text_input cannot stand in section": beside(element("plain_text_input")),
    "blocks[0].accessory: 'action_id' is missing": beside({"type": "button", "text": plain()}),
    "blocks[0].accessory.action_id: empty text": beside(button(action_id="")),
    "blocks[0].accessory.url: an address has to start": beside(button(url="javascript:alert(1)")),
    "blocks[0].accessory.url: an address cannot hold": beside(button(url="https://example.com/a b")),
    "blocks[0].accessory.style: 'blue' is not one of": beside(button(style="blue")),
    "blocks[0].accessory.agent_prompt: a button has either": beside(button(url="https://a.example", agent_prompt="a")),
    "blocks[0].accessory.confirm: 'deny' is missing": beside(
        button(confirm={"title": plain(), "text": plain(), "confirm": plain()})
    ),
    "blocks[0].accessory.confirm.style: 'red' is not one of": beside(
        button(confirm={"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), "style": "red"})
    ),
    "blocks[0].elements[1].action_id: 'a' is used twice": acting(button(), button()),
    "blocks[0].elements[0]: a multi_users_select cannot stand in actions": acting(element("multi_users_select")),
    "blocks[0].elements: 0 elements, at least 1": acting(),
    "blocks[0].elements[0]: exactly one of options": acting(element("static_select")),
    "blocks[0].elements[0].options: 0 options": acting(element("static_select", options=[])),
    "blocks[0].elements[0].options[1].value: '1' is used twice": acting(
        element("static_select", options=[option(), option()])
    ),
    "blocks[0].elements[0].options[0]: int where an object": acting(element("static_select", options=[1])),
    "blocks[0].elements[0].options[0].text.type: 'mrkdwn'": acting(
        element("static_select", options=[{"text": mrkdwn("a"), "value": "1"}])
    ),
    "blocks[0].elements[0].options[0]: Slack does not know the key 'url'": acting(
        element("static_select", options=[option(url="https://a.example")])
    ),
    "blocks[0].elements[0].initial_option: not exactly one": acting(select(initial_option=option("3"))),
    "blocks[0].elements[0].option_groups[0]: 'label' is missing": acting(
        element("static_select", option_groups=[{"options": [option()]}])
    ),
    "blocks[0].elements[0].option_groups[0]: 'options' is missing": acting(
        element("static_select", option_groups=[{"label": plain()}, "second"], initial_option=option())
    ),
    "blocks[0].elements[0].initial_user: '@omar' is not of the form": acting(
        element("users_select", initial_user="@omar")
    ),
    "blocks[0].elements[0].filter: an empty filter": acting(element("conversations_select", filter={})),
    "blocks[0].elements[0].filter.include[0]: 'dm'": acting(
        element("conversations_select", filter={"include": ["dm"]})
    ),
    "blocks[0].elements[0].initial_date: '21/11/2026'": acting(element("datepicker", initial_date="21/11/2026")),
    "blocks[0].elements[0].initial_date_time: str where a whole": acting(
        element("datetimepicker", initial_date_time="now")
    ),
    "blocks[0].elements[0].initial_date_time: 1 is not within": acting(element("datetimepicker", initial_date_time=1)),
    "blocks[0].elements[0].focus_on_load: only a view": acting(select(focus_on_load=True)),
    "blocks[0].elements[0].response_url_enabled: only a modal's": acting(
        element("channels_select", response_url_enabled=True)
    ),
    "blocks[0].accessory: a datetimepicker cannot stand in section": beside(element("datetimepicker")),
    "blocks[0].elements[0]: a datetimepicker cannot be shown in a home": check_view(
        {"type": "home", "blocks": [{"type": "actions", "elements": [element("datetimepicker")]}]}
    ),
    "blocks[0].element: a email_text_input cannot be shown in a message": said(
        {"type": "input", "label": plain(), "element": element("email_text_input")}
    ),
    "blocks[0].element: a button cannot stand in input": asking(button()),
    "blocks[0].element: 'is_decimal_allowed' is missing": asking(element("number_input")),
    "blocks[0].element.min_value: more than max_value": asking(
        element("number_input", is_decimal_allowed=False, min_value="3", max_value="2")
    ),
    "blocks[0].element.min_value: 3 is not of the form": asking(
        element("number_input", is_decimal_allowed=False, min_value=3, max_value="many")
    ),
    "blocks[0].element.min_length: more than max_length": asking(
        element("plain_text_input", min_length=3, max_length=2)
    ),
    "blocks[0].element.dispatch_action_config.trigger_actions_on[0]": asking(
        element("plain_text_input", dispatch_action_config={"trigger_actions_on": ["always"]})
    ),
    "blocks[0].optional: str where true or false": asking(element("plain_text_input"), optional="yes"),
    "blocks[0]: 'element' is missing": modal({"type": "input", "label": plain()}),
    "blocks: 2 elements with focus_on_load, at most 1": modal(
        *[{"type": "input", "label": plain(), "element": element("plain_text_input", focus_on_load=True)}] * 2
    ),
    "submit: missing, and there is an input": check_view(
        {
            "type": "modal",
            "title": plain(),
            "blocks": [{"type": "input", "label": plain(), "element": element("plain_text_input")}],
        }
    ),
    "type: 'dialog' is neither modal nor home": check_view({"type": "dialog"}),
    "view: 'title' is missing": check_view({"type": "modal", "blocks": []}),
    "view: 'blocks' is missing": check_view({"type": "home"}),
    "view: Slack does not know the key 'submit' here": check_view({"type": "home", "blocks": [], "submit": plain()}),
    "blocks: str where a list belongs": check_view({"type": "home", "blocks": "none"}),
    "notify_on_close: int where true or false": modal(notify_on_close=1),
    "answer: exactly one of options and option_groups": check_options({}),
    "answer: Slack does not know the key 'text' here": check_options({"options": [], "text": "a"}),
    "blocks[0].elements[0]: 'table' is not a part of rich text": rich({"type": "table"}),
    "blocks[0].elements[0].style: 'x' is not one of": rich({"type": "rich_text_list", "style": "x", "elements": []}),
    "blocks[0].elements[0].elements[0]: a list holds nothing but": rich(
        {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "a"}]}
    ),
    "blocks[0].elements[0].elements[0]: pings: broadcast": rich_section({"type": "broadcast", "range": "here"}),
    "blocks[0].elements[0].elements[0]: pings: usergroup": rich_section({"type": "usergroup", "usergroup_id": "S1"}),
    "blocks[0].elements[0].elements[0]: 'button' is not a part": rich_section(button()),
    "blocks[0].elements[0].elements[0]: ['text'] is not a part": rich_section({"type": ["text"], "text": "a"}),
    "blocks[0].elements[0].elements[0].text: empty text": rich_section({"type": "text", "text": ""}),
    "blocks[0].elements[0].elements[0].url: an address has": rich_section({"type": "link", "url": "evil"}),
    "blocks[0].elements[0].elements[0].style.bold: int": rich_section(
        {"type": "text", "text": "a", "style": {"bold": 1}}
    ),
    "blocks[0].rows: rows of different lengths": table([CELL], [CELL, CELL]),
    "blocks[0].rows[0][0]: 'plain_text' is not a table cell": table([plain()]),
    "blocks[0].rows[0][0]: empty text": table([{"type": "raw_text", "text": ""}]),
    "blocks[0].rows[0][0].value: not a number": table([{"type": "raw_number", "value": True, "text": "1"}]),
    "blocks[0].column_settings[0].align: 'middle'": table([CELL], column_settings=[{"align": "middle"}]),
    "blocks[0].column_settings[0].is_wrapped: int": table([CELL], column_settings=[{"is_wrapped": 1}]),
}


@pytest.mark.parametrize(("expected", "problems"), BAD.items(), ids=BAD.keys())
def test_what_slack_refuses_is_said_with_its_place(expected: str, problems: list[str]) -> None:
    assert any(problem.startswith(expected) for problem in problems), problems
