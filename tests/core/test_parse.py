"""What people type, and what a button brings back."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.intents import Help, ShowUnit, UnitsQuery, UnitsRequest
from bot.core.inventory import STATUSES
from bot.core.parse import (
    ALIASES,
    BUTTON_VALUE_LIMIT,
    LONGEST_COMMAND,
    MOST_VALUES,
    SORTS,
    STATUS_WORDS,
    UNITS_ARGUMENTS,
    pack_button,
    parse_button,
    parse_units,
    plain,
    tidy,
)
from bot.core.problems import (
    BadValue,
    GivenTwice,
    NoMatch,
    StaleButton,
    TooLarge,
    TooLong,
    TooManyValues,
    UnbalancedQuotes,
    UnknownArgument,
    UsageProblem,
)


def asked(**what: Any) -> UnitsRequest:
    return UnitsRequest(**what)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


UNDERSTOOD = {
    "": asked(),
    "   ": asked(),
    "site=Camden": asked(sites=("Camden",)),
    "SITE=Camden": asked(sites=("Camden",)),
    "site=Camden,Hackney": asked(sites=("Camden", "Hackney")),
    "site=Camden site=Hackney": asked(sites=("Camden", "Hackney")),
    "site = Camden , Hackney": asked(sites=("Camden", "Hackney")),
    'site="Hackney Wick"': asked(sites=("Hackney Wick",)),
    'site="Hackney Wick",Camden': asked(sites=("Hackney Wick", "Camden")),
    'site="Camden, North"': asked(sites=("Camden, North",)),
    "site='Hackney Wick', Camden": asked(sites=("Hackney Wick", "Camden")),
    "site=King's Cross": asked(sites=("King's",), words=("Cross",)),
    'site="King\'s Cross"': asked(sites=("King's Cross",)),
    "site=\"The 'Old' Mill\"": asked(sites=("The 'Old' Mill",)),
    "site=,Camden,": asked(sites=("Camden",)),
    "site=Camden, status=any": asked(sites=("Camden",), statuses=()),
    "site=Camden,status=reserved": asked(sites=("Camden",), statuses=("reserved",)),
    "site=Camden, Hackney , status = any , sort=price": asked(sites=("Camden", "Hackney"), statuses=(), sort="price"),
    "A-012, site=Camden": asked(words=("A-012",), sites=("Camden",)),
    "site=Camden, share": asked(sites=("Camden",), share=True),
    "site=Camden, Share, type=25": asked(sites=("Camden",), share=True, unit_types=("25",)),
    "Camden,share": asked(words=("Camden",), share=True),
    "site=Camden, shared": asked(sites=("Camden", "shared")),
    'site="Camden, status=any"': asked(sites=("Camden, status=any",)),
    'site="x",status=any': asked(sites=("x",), statuses=()),
    "site=site_14b419f1096013f1": asked(sites=("site_14b419f1096013f1",)),
    "type=25": asked(unit_types=("25",)),
    'type="Small room",Locker': asked(unit_types=("Small room", "Locker")),
    "size=25": asked(unit_types=("25",)),
    'Size="25 sq ft" type=Locker': asked(unit_types=("25 sq ft", "Locker")),
    "q=A-1": asked(q="A-1"),
    'q="A 1"': asked(q="A 1"),
    "q=a=b": asked(q="a=b"),
    "q=" + "x" * 100: asked(q="x" * 100),
    "limit=1": asked(limit=1),
    "limit=100": asked(limit=100),
    "page=1": asked(),
    "page=007": asked(page=7),
    "page=1000000": asked(page=1_000_000),
    "share": asked(share=True),
    "Share": asked(share=True),
    "share share": asked(share=True),
    "site=Camden share": asked(sites=("Camden",), share=True),
    "A-012": asked(words=("A-012",)),
    "A-012, Camden": asked(words=("A-012", "Camden")),
    "'Hackney Wick' available": asked(words=("Hackney Wick",), statuses=("available",)),
    "King's Cross": asked(words=("King's", "Cross")),
    "available": asked(statuses=("available",)),
    "Camden Available": asked(words=("Camden",), statuses=("available",)),
    "any": asked(statuses=()),
    "status=reserved occupied": asked(statuses=("reserved", "occupied")),
    "help me": asked(words=("help", "me")),
    '""': asked(),
    "R&notes": asked(words=("R&notes",)),
    "R&amp;D": asked(words=("R&D",)),
    "q=&amp;lt;": asked(q="&lt;"),
}


@pytest.mark.parametrize(("text", "request_"), UNDERSTOOD.items(), ids=UNDERSTOOD)
def test_what_is_typed_is_understood(text: str, request_: UnitsRequest) -> None:
    assert parse_units(text) == request_


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("shape", ["status={}", "{}"], ids=["named", "bare"])
def test_every_status_of_storas_can_be_asked_for(status: str, shape: str) -> None:
    assert parse_units(shape.format(status)) == asked(statuses=(status,))
    assert parse_units(shape.format(status.upper())) == asked(statuses=(status,))


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("status=overlocked", ("overlock",)),
        ("status=overlock,overlocked", ("overlock",)),
        ("overlocked", ("overlock",)),
        ("status=available,reserved", ("available", "reserved")),
        ("status=available status=reserved", ("available", "reserved")),
        ("status=any", ()),
        ("status=available,any", ()),
        ("status=available any", ()),
        ("Camden", None),
    ],
)
def test_statuses_add_up_and_any_is_all_of_them(text: str, statuses: tuple[str, ...] | None) -> None:
    request = parse_units(text)
    assert isinstance(request, UnitsRequest)
    assert request.statuses == statuses


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_can_be_asked_for(sort: str) -> None:
    assert parse_units(f"sort={sort.upper()}") == asked(sort=sort)


@pytest.mark.parametrize("text", ["help", "HELP", " help ", "?", "-h", "--help", "—help", "–h"])
def test_help_is_help_also_where_a_phone_has_made_a_dash_of_two_hyphens(text: str) -> None:
    assert parse_units(text) == Help()


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-11-01", at(2026, 11, 1)),
        ("20261101", at(2026, 11, 1)),
        ("2026-11-01T09:30", at(2026, 11, 1, 9, 30)),
        ("2026-11-01T09:30:00Z", at(2026, 11, 1, 9, 30)),
        ("2026-11-01T09:30+01:00", at(2026, 11, 1, 8, 30)),
        ('"2026-11-01 09:30"', at(2026, 11, 1, 9, 30)),
        ("2026–11–01", at(2026, 11, 1)),
        ("0001-01-01", at(1, 1, 1)),
        ("9999-12-31", at(9999, 12, 31)),
    ],
)
@pytest.mark.parametrize("argument", ["created_after", "created_before"])
def test_a_date_is_read_as_utc_unless_it_says_otherwise(argument: str, typed: str, moment: datetime) -> None:
    assert parse_units(f"{argument}={typed}") == asked(**{argument: moment})


def test_a_period_has_two_ends() -> None:
    request = parse_units("created_after=2026-10-01 created_before=2026-11-01")
    assert request == asked(created_after=at(2026, 10, 1), created_before=at(2026, 11, 1))


@pytest.mark.parametrize(
    ("text", "as_a_keyboard_types_it"),
    [
        ("site=“Hackney Wick”", 'site="Hackney Wick"'),
        ("site=„Hackney Wick‟", 'site="Hackney Wick"'),
        ("site=«Hackney Wick»", 'site="Hackney Wick"'),
        ("site=″Hackney Wick″", 'site="Hackney Wick"'),
        ("site=‘Hackney Wick’", "site='Hackney Wick'"),
        ("site=‚Hackney Wick‛", "site='Hackney Wick'"),
        ("King’s Cross", "King's Cross"),
        ("King′s Cross", "King's Cross"),
        *((f"A{dash}012", "A-012") for dash in "‐‑‒–—―−"),
        *((f"site=Camden{space}status=any", "site=Camden status=any") for space in "\xa0\u202f\u2009\u3000\t\n\r\v\f"),
        *((f"A-{nothing}012", "A-012") for nothing in "\u200b\u200c\u200e\u200f\u2060\ufeff\u061c"),
        *(
            (f"A-012{control}Camden", "A-012 Camden")
            for control in "\x00\x07\x1b\x7f\x9b\u2028\u202e\u2066\ud83d\udfff"
        ),
        ("site=Camden&amp;Sons", "site=Camden&Sons"),
        ("&lt;b&gt;", "<b>"),
    ],
    ids=ascii,
)
def test_what_phones_and_slack_do_to_typed_text_is_undone(text: str, as_a_keyboard_types_it: str) -> None:
    assert tidy(text) == as_a_keyboard_types_it
    assert parse_units(text) == parse_units(as_a_keyboard_types_it)


@pytest.mark.parametrize(
    ("text", "problem", "expected"),
    [
        ('site="Camden', UnbalancedQuotes, {}),
        ("site=“Camden", UnbalancedQuotes, {}),
        ("sit=Camden", UnknownArgument, {"name": "sit"}),
        ("site=Camden, stat=any", UnknownArgument, {"name": "stat"}),
        ("site=, status=any", BadValue, {"argument": "site", "typed": ""}),
        ("size=", BadValue, {"argument": "type", "typed": ""}),
        ("<!channel>=x", UnknownArgument, {"name": "<!channel>", "suggestions": UNITS_ARGUMENTS}),
        ("share=yes", BadValue, {"argument": "share", "typed": "yes"}),
        ("share=", BadValue, {"argument": "share"}),
        *((f"{name}=", BadValue, {"argument": name, "typed": ""}) for name in UNITS_ARGUMENTS if name != "share"),
        ("site=,", BadValue, {"argument": "site", "typed": ""}),
        ('site=" "', BadValue, {"argument": "site", "typed": ""}),
        ("status=free", NoMatch, {"kind": "status", "typed": "free"}),
        ("status=🦄", NoMatch, {"kind": "status", "suggestions": tuple(STATUS_WORDS)}),
        ("available status=site", NoMatch, {"kind": "status", "typed": "site"}),
        ("sort=cheap", NoMatch, {"kind": "sort", "suggestions": SORTS}),
        ("q=" + "x" * 101, BadValue, {"argument": "q"}),
        *((f"limit={bad}", BadValue, {"argument": "limit", "typed": bad}) for bad in ("0", "101", "-1", "1.5", "two")),
        ("limit=٣", BadValue, {"argument": "limit"}),
        ("limit=²", BadValue, {"argument": "limit"}),
        ("limit=" + "9" * 900, BadValue, {"argument": "limit"}),
        ("page=0", BadValue, {"argument": "page", "typed": "0"}),
        ("page=1000001", BadValue, {"argument": "page"}),
        *((f"{name}=1,2", GivenTwice, {"argument": name}) for name in ("q", "sort", "limit", "page")),
        ("limit=5 limit=5", GivenTwice, {"argument": "limit"}),
        ("created_after=2026-01-01,2026-01-02", GivenTwice, {"argument": "created_after"}),
        ("created_before=2026-01-01,2026-01-02", GivenTwice, {"argument": "created_before"}),
        *(
            (f"created_after={bad}", BadValue, {"argument": "created_after", "typed": bad})
            for bad in ("yesterday", "2026-13-01", "2026-02-30", "01/11/2026", "2026-11", "0001-01-01T00:00+23:59")
        ),
        ("created_before=9999-12-31T23:59-23:59", BadValue, {"argument": "created_before"}),
        ("created_after=2026-01-02 created_before=2026-01-02", BadValue, {"argument": "created_before"}),
        ("created_after=2026-01-02 created_before=2026-01-01", BadValue, {"typed": "2026-01-01"}),
        ("site=" + ",".join("x" * 21), TooManyValues, {"argument": "site", "limit": MOST_VALUES}),
        (",".join("x" * 21), TooManyValues, {"argument": "words", "limit": MOST_VALUES}),
        ("x" * 8000, TooLong, {"length": 8000, "limit": LONGEST_COMMAND}),
        ("x" * (LONGEST_COMMAND + 1), TooLong, {"length": LONGEST_COMMAND + 1}),
        ("&#" + "9" * 7000 + ";", TooLong, {}),
    ],
    ids=lambda value: f"{value[:60]!a} of {len(value)}" if isinstance(value, str) else "",
)
def test_what_cannot_be_understood_is_told_apart(
    text: str, problem: type[UsageProblem], expected: dict[str, object]
) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_units(text)
    assert type(caught.value) is problem
    assert {name: getattr(caught.value, name) for name in expected} == expected


def test_twenty_values_and_a_thousand_characters_are_not_too_much() -> None:
    request = parse_units("site=" + ",".join(f"s{number}" for number in range(MOST_VALUES)))
    assert isinstance(request, UnitsRequest)
    assert len(request.sites) == MOST_VALUES
    assert parse_units("x" * LONGEST_COMMAND) == asked(words=("x" * LONGEST_COMMAND,))
    assert parse_units(" " * 8000) == asked()


def misspellings(word: str) -> list[str]:
    """Everything that one slip of a finger makes of a word."""
    places = range(len(word))
    forgotten = [word[:place] + word[place + 1 :] for place in places]
    doubled = [word[: place + 1] + word[place:] for place in places]
    swapped = [word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in places[:-1]]
    mistaken = [word[:place] + "x" + word[place + 1 :] for place in places]
    return [slip for slip in {*forgotten, *doubled, *swapped, *mistaken, word.replace("_", "-")} if slip != word]


@pytest.mark.parametrize("meant", [name for name in (*UNITS_ARGUMENTS, *ALIASES) if len(name) > 1])
def test_a_misspelt_argument_suggests_the_one_that_is_meant(meant: str) -> None:
    for typed in misspellings(meant):
        with pytest.raises(UnknownArgument) as caught:
            parse_units(f"{typed}=x")
        assert meant in caught.value.suggestions, typed


@pytest.mark.parametrize(
    ("argument", "meant"),
    [*(("status", status) for status in STATUS_WORDS), *(("sort", sort) for sort in SORTS)],
)
def test_a_misspelt_status_or_sort_suggests_the_one_that_is_meant(argument: str, meant: str) -> None:
    for typed in misspellings(meant):
        with pytest.raises(NoMatch) as caught:
            parse_units(f"{argument}={typed}")
        assert meant in caught.value.suggestions, typed


fragments = st.sampled_from(
    [
        *(f"{name}=" for name in UNITS_ARGUMENTS),
        *STATUS_WORDS,
        *SORTS,
        *"\"'“”‘’=,-—&;<>|@#*_~`\\/{}[]()%",
        *"\xa0\u200b\u202e\u2066\u200f\x00\x1b\n\t\ud800\udfff🦄",
        "<!channel>",
        "<@U012ABC>",
        "&amp;",
        "&lt;",
        "&#0;",
        "&#x110000;",
        "&not",
        "A-012",
        "2026-11-01",
        "T09:30+01:00",
        "9" * 30,
        " ",
    ]
)
anything = st.text(st.characters(exclude_categories=()), max_size=200)  # all of Unicode, lone surrogates too
typed_texts = st.one_of(
    anything,
    st.lists(st.one_of(fragments, anything), max_size=60).map("".join),
    st.lists(fragments, max_size=15).map(" ".join),
    st.builds(lambda text, times: (text * times)[:8000], anything, st.integers(1, 8000)),
)


@settings(max_examples=400, deadline=None)
@given(typed_texts)
@example("&#" + "9" * 7990 + ";")
@example("'" * 8000)
@example('"' * 8000)
@example("'\"" * 4000)
@example("=," * 4000)
@example("created_after=" + "9" * 900)
@example("created_after=0001-01-01T00:00+23:59:59.999999")
def test_no_text_raises_anything_but_a_usage_problem(text: str) -> None:
    try:
        request = parse_units(text)
    except UsageProblem:
        return
    request.model_dump_json()  # whatever was typed can be written down: no lone surrogate is left


def test_what_was_typed_is_in_no_log() -> None:
    for text in ("Fiona.Smith=x", "status=Fiona.Smith", "sort=Fiona.Smith", "limit=Fiona.Smith"):
        with pytest.raises(UsageProblem) as caught:
            parse_units(text)
        assert "Fiona" not in repr(caught.value)


names = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda name: '"' not in plain(name) and bool(plain(name))
)


@settings(max_examples=200, deadline=None)
@given(st.lists(names, min_size=1, max_size=4))
def test_a_name_in_quotes_arrives_whole_whatever_is_in_it(typed: list[str]) -> None:
    typed = [name.replace("&", "and") for name in typed]
    request = parse_units("site=" + ",".join(f'"{name}"' for name in typed))
    assert request == asked(sites=tuple(plain(name) for name in typed))


@settings(max_examples=200, deadline=None)
@given(anything)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


ids = st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True)
moments = st.none() | st.datetimes(timezones=st.just(UTC))
queries = st.builds(
    UnitsQuery,
    site_ids=st.lists(ids, max_size=4).map(tuple),
    unit_type_ids=st.lists(ids, max_size=4).map(tuple),
    statuses=st.lists(st.sampled_from(STATUSES), max_size=6).map(tuple),
    q=st.text(max_size=50),
    reference=st.text(max_size=50),
    created_after=moments,
    created_before=moments,
    sort=st.sampled_from(SORTS),
    limit=st.none() | st.integers(1, 100),
    page=st.integers(1, 10_000_000),
    share=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(queries)
def test_a_button_brings_back_the_query_it_was_given(query: UnitsQuery) -> None:
    value = pack_button(query)
    assert 0 < len(value) <= BUTTON_VALUE_LIMIT
    assert parse_button(UnitsQuery, value) == query


@given(ids, st.booleans())
def test_a_cards_button_brings_back_its_unit(unit_id: str, share: bool) -> None:  # noqa: FBT001 - hypothesis fills it in
    card = ShowUnit(unit_id=unit_id, share=share)
    assert parse_button(ShowUnit, pack_button(card)) == card


@pytest.mark.parametrize("length", [BUTTON_VALUE_LIMIT, BUTTON_VALUE_LIMIT + 1], ids=["fits", "too long"])
def test_a_button_carries_two_thousand_characters_and_not_one_more(length: int) -> None:
    query = UnitsQuery(q="x" * (length - len('{"q":""}')))
    if length <= BUTTON_VALUE_LIMIT:
        assert len(pack_button(query)) == length
    else:
        with pytest.raises(TooLarge):
            pack_button(query)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "unit_0123456789abcdef",
        "{}{",
        "[]",
        "null",
        "7",
        7,
        {"page": 1},
        ["{}"],
        '{"page":0}',
        '{"page":-1}',
        '{"limit":0}',
        '{"limit":101}',
        '{"sort":"colour"}',
        '{"site_ids":"site_camden"}',
        '{"created_after":"yesterday"}',
        '{"created_after":"2026-01-01T00:00:00"}',
        '{"q":"\\ud800"}',
        '{"size":"large"}',
        "[" * 5000,
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_button_of_another_version_is_stale(value: object) -> None:
    with pytest.raises(StaleButton):
        parse_button(UnitsQuery, value)


@pytest.mark.parametrize(
    "value", ["{}", '{"unit_id":""}', '{"unit_id":"../users"}', '{"unit_id":"unit_1\\n"}', '{"unit_id":"u","x":1}']
)
def test_a_card_shows_no_unit_whose_id_could_be_a_path(value: str) -> None:
    with pytest.raises(StaleButton):
        parse_button(ShowUnit, value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["q", "page", "site_ids"]), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(json_values | st.text(st.characters(exclude_categories=())) | st.binary())
def test_no_button_raises_anything_but_a_stale_one(value: object) -> None:
    with contextlib.suppress(StaleButton):
        assert isinstance(parse_button(UnitsQuery, value), UnitsQuery)
