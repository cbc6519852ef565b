"""Units in words: what a person reads, and that Slack takes it whatever Stora and people write."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.access import NOBODYS, Actor, Rights, Role
from bot.core.intents import LARGEST_MESSAGE, Help, ShowUnit, UnitsQuery, Wish
from bot.core.inventory import STATUSES, UNKNOWN_STATUS, Inventory, Price, Row, Site, Unit, UnitType
from bot.core.parse import SORTS, UNITS_ARGUMENTS, parse_button, parse_units
from bot.core.problems import Refused, UsageProblem
from bot.core.resolve import resolve_units
from bot.core.search import Found, matching, search_units
from bot.render.blocks import TEXT, Message
from bot.render.help import render_help
from bot.render.problems import explain, render_problem
from bot.render.units import (
    LONGEST_LINK,
    NEXT,
    OPEN_BACKOFFICE,
    PREVIOUS,
    REFRESH,
    REFRESH_UNIT,
    RESERVE,
    STATUS_WORDS,
    Freshness,
    prices_in_words,
    render_unit,
    render_units,
    status_words,
)
from tests.render.conftest import (
    NOW,
    assert_slack_takes,
    elements,
    inventories,
    labels,
    links,
    names,
    payload,
    shown,
    site_ids,
    type_ids,
)

CAMDEN, HACKNEY = Site("site_1", "Camden"), Site("site_2", "Hackney Wick")
LOCKER = UnitType("type_1", "Locker", "10 sq ft", (Price("weekly", 900, "£9.00"), Price("monthly", 3600, "£36.00")))
SMALL = UnitType("type_2", "Small room", "25 sq ft", (Price("monthly", 6400, "£64.00"),))
FRESH = Freshness()
PAGE = "https://app.stora.test/units/{}?tab=a&from=slack"


def a_unit(reference_id: str, **but: Any) -> Unit:
    unit_id = "unit_" + reference_id
    return Unit(
        **{
            "id": unit_id,
            "reference_id": reference_id,
            "status": "available",
            "site_id": CAMDEN.id,
            "unit_type_id": LOCKER.id,
            "created_at": NOW,
            "updated_at": NOW,
            "backoffice_url": PAGE.format(unit_id),
            **but,
        }
    )


def a_picture(*units: Unit) -> Inventory:
    return Inventory.of((CAMDEN, HACKNEY), (LOCKER, SMALL), units, NOW)


FIVE = a_picture(
    a_unit("A-2"),
    a_unit("A-10", status="occupied"),
    a_unit("B-1", site_id=HACKNEY.id, unit_type_id=SMALL.id, status="reserved"),
    a_unit("C-1", status="overlock"),
    a_unit("D-1"),
)


def listed(inventory: Inventory = FIVE, freshness: Freshness = FRESH, size: int = 10, **query: Any) -> Message:
    message = render_units(search_units(UnitsQuery(**query), inventory, size), inventory, freshness)
    assert_slack_takes(message, *(unit.backoffice_url for unit in inventory.units if unit.backoffice_url))
    return message


def rows(message: Message) -> list[str]:
    return [block["text"]["text"] for block in message.blocks if block["type"] == "section"]


def headline(message: Message) -> str:
    return str(message.blocks[0]["text"]["text"])


def small_print(message: Message) -> list[str]:
    return [block["elements"][0]["text"] for block in message.blocks if block["type"] == "context"]


def test_a_row_says_which_unit_what_it_is_its_status_its_price_and_where() -> None:
    message = listed(site_ids=(CAMDEN.id, HACKNEY.id))
    link = "<https://app.stora.test/units/unit_B-1?tab=a&amp;from=slack|Open in Backoffice>"
    assert rows(message)[2] == (f"*B-1* · Small room, 25 sq ft\n🟡 Reserved · £64.00 a month · Hackney Wick · {link}")
    assert "B-1, Reserved, Small room, 25 sq ft, £64.00 a month, Hackney Wick" in message.text.split("\n")


def test_the_site_is_left_out_where_only_one_was_asked_for() -> None:
    message = listed(site_ids=(CAMDEN.id,))
    assert all("Camden" not in row for row in rows(message))
    assert "at Camden" in headline(message)
    assert all("Camden" in row for row in rows(listed(statuses=("overlock",))))


def test_a_unit_whose_site_and_type_nobody_knows_still_has_a_row() -> None:
    inventory = a_picture(a_unit("A-1", site_id="gone", unit_type_id="gone", backoffice_url=None))
    assert rows(listed(inventory)) == ["*A-1*\n🟢 Available"]
    card = render_unit(inventory.row(inventory.units[0]), NOW, FRESH, share=False)
    assert headline(card) == "A-1"
    assert rows(card) == ["🟢 *Available*"]


def test_a_unit_whose_reference_cannot_be_printed_is_called_by_its_id() -> None:
    message = listed(a_picture(a_unit("\u200f", id="unit_x")))
    assert rows(message)[0].startswith("*unit_x*")
    assert "unit_x, Available" in message.text


def test_there_are_no_buttons_for_pages_that_there_are_not() -> None:
    assert labels(listed()) == ["Refresh"]
    assert labels(listed(size=2)) == ["Next", "Refresh"]
    assert labels(listed(size=2, page=2)) == ["Previous", "Next", "Refresh"]
    assert labels(listed(size=2, page=3)) == ["Previous", "Refresh"]
    assert labels(listed(a_picture())) == ["Refresh"]


def test_each_button_carries_the_query_for_its_page() -> None:
    query = UnitsQuery(site_ids=(CAMDEN.id,), sort="price", limit=2, page=2, share=True)
    message = render_units(search_units(query.model_copy(update={"limit": 1}), FIVE, 10), FIVE, FRESH)
    carried = {button["action_id"]: parse_button(UnitsQuery, button["value"]) for button in elements(message)}
    asked = query.model_copy(update={"limit": 1})
    assert carried == {
        PREVIOUS: asked.model_copy(update={"page": 1}),
        NEXT: asked.model_copy(update={"page": 3}),
        REFRESH: asked,
    }
    spoken = [button["accessibility_label"] for button in elements(message)]
    assert spoken == ["Previous page", "Next page", "Ask Stora again"]


def test_the_count_the_page_and_the_age_are_said() -> None:
    message = listed(size=2, page=2)
    assert small_print(message)[0].startswith("5 units · page 2 of 3 · as of <!date^1795262400^")
    assert message.text.split("\n")[0] == "Units: 5 units, page 2 of 3, as of 21 Nov 2026, 12:00 UTC."
    assert small_print(listed(statuses=("overlock",)))[0].startswith("1 unit · page 1 of 1")


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ({}, "Units"),
        ({"statuses": ("available",)}, "Available units"),
        ({"statuses": ("available", "overlock")}, "Available or Overlocked units"),
        ({"site_ids": (CAMDEN.id,)}, "Units at Camden"),
        ({"site_ids": (CAMDEN.id, HACKNEY.id)}, "Units at Camden or Hackney Wick"),
        ({"site_ids": ("gone",)}, "Units"),
        ({"unit_type_ids": (LOCKER.id,)}, "Units Locker"),
        ({"unit_type_ids": (LOCKER.id, SMALL.id, "gone")}, "Units Locker or Small room"),
        ({"reference": "A-2"}, "Units A-2"),
        ({"q": "A-"}, "Units like A-"),
        ({"created_after": datetime(2026, 1, 2, tzinfo=UTC)}, "Units from 02 Jan 2026"),
        ({"created_before": datetime(2026, 1, 2, tzinfo=UTC)}, "Units before 02 Jan 2026"),
        (
            {"statuses": ("reserved",), "q": "<!channel>", "site_ids": (HACKNEY.id,)},
            "Reserved units like ‹!channel› at Hackney Wick",
        ),
    ],
    ids=str,
)
def test_the_headline_says_what_was_asked_for(query: dict[str, Any], title: str) -> None:
    assert headline(listed(**query)) == title


def test_more_than_two_sites_are_counted_in_the_headline() -> None:
    sites = [Site(f"s{number}", f"Site {number}") for number in range(3)]
    inventory = Inventory.of(sites, (), (), NOW)
    assert headline(listed(inventory, site_ids=("s0", "s1", "s2"))) == "Units at 3 sites"


@pytest.mark.parametrize(
    ("query", "hint"), [({}, False), ({"statuses": ("repossessed",)}, True)], ids=["any", "status"]
)
def test_nothing_found_says_so_and_what_to_try(query: dict[str, Any], hint: bool) -> None:  # noqa: FBT001 - a column
    message = listed(a_picture(), **query)
    for said in (shown(message), message.text):
        assert "Nothing matches." in said
        assert ("status=any" in said) == hint


def test_the_answer_is_for_the_asker_alone_unless_it_is_shared() -> None:
    assert not listed().in_channel
    assert listed(share=True).in_channel
    row = FIVE.row(FIVE.units[0])
    assert [render_unit(row, NOW, FRESH, share=share).in_channel for share in (True, False)] == [True, False]


def test_a_message_shows_fifteen_at_most_and_says_so() -> None:
    inventory = a_picture(*(a_unit(f"A-{number}") for number in range(40)))
    message = listed(inventory, limit=40)
    assert len(rows(message)) == LARGEST_MESSAGE
    for said in (shown(message), message.text):
        assert "15 units at a time; press Next" in said
    assert "press Next" not in shown(listed(inventory, limit=40, page=3))
    assert "at a time" not in shown(listed(inventory, limit=15))
    assert "at a time" not in shown(listed(inventory))


@pytest.mark.parametrize(
    ("freshness", "query", "said"),
    [
        (FRESH, {}, None),
        (Freshness(direct=True), {"size": 2}, "straight from Stora, newest first"),
        (Freshness(direct=True), {"size": 2, "sort": "oldest"}, "straight from Stora, oldest first"),
        (Freshness(direct=True), {}, "straight from Stora, newest first"),
        (Freshness(direct=True), {"reference": "A-2"}, None),
        (Freshness(silent_since=NOW - timedelta(hours=1)), {}, "not answered since <!date^1795258800^"),
        (Freshness(refused="Stora is busy."), {}, "Stora is busy. This is the last known state."),
        (Freshness(refused="Stora is busy.", silent_since=NOW), {}, "Stora is busy. This is the last known state."),
    ],
    ids=["fresh", "newest", "oldest", "one page", "one unit", "silent", "refused", "refused and silent"],
)
def test_an_answer_that_is_not_as_fresh_as_usual_says_so(
    freshness: Freshness, query: dict[str, Any], said: str | None
) -> None:
    message = listed(freshness=freshness, **query)
    if said is None:
        assert len(small_print(message)) == 1
    else:
        assert said in small_print(message)[1]
        assert said in message.text
        assert len(small_print(message)) == 2


CAMDENS = Rights(
    Actor("U0FIONA", "member"), (Role(name="x", can=("reserve",), users=("U0FIONA",), sites=(CAMDEN.id,)),)
)


def test_reserve_is_drawn_beside_what_is_free_and_only_for_those_who_may() -> None:
    message = render_units(search_units(UnitsQuery(), FIVE, 10), FIVE, FRESH, CAMDENS)
    drawn = {row["text"]["text"].split("*")[1]: row["accessory"] for row in message.blocks if "accessory" in row}
    assert set(drawn) == {"A-2", "D-1"}
    button = drawn["A-2"]
    assert (button["text"]["text"], button["action_id"]) == ("Reserve", RESERVE)
    assert parse_button(Wish, button["value"]) == Wish(unit_id="unit_A-2")
    assert "A-2" in button["accessibility_label"]
    assert not any("accessory" in block for block in listed().blocks)
    for unit in FIVE.units:
        card = render_unit(FIVE.row(unit), NOW, FRESH, share=False, rights=CAMDENS)
        assert ("Reserve" in labels(card)) == (unit.reference_id in {"A-2", "D-1"})
        assert_slack_takes(card)


def test_release_is_drawn_on_a_card_where_it_is_given() -> None:
    release = {
        "type": "button",
        "action_id": "release",
        "value": "1",
        "text": {"type": "plain_text", "text": "Release"},
    }
    card = render_unit(FIVE.row(FIVE.units[0]), NOW, FRESH, share=False, rights=CAMDENS, release=release)
    assert labels(card) == ["Reserve", "Open in Backoffice", "Release", "Refresh"]
    assert_slack_takes(card)


def test_a_card_shows_one_unit_and_leads_to_its_backoffice_page() -> None:
    unit = FIVE.unit("unit_B-1")
    assert unit is not None
    card = render_unit(FIVE.row(unit), NOW, Freshness(refused="Stora is busy."), share=True)
    assert headline(card) == "B-1 · Hackney Wick"
    assert rows(card) == ["🟡 *Reserved*\nSmall room, 25 sq ft\n£64.00 a month\nHackney Wick"]
    assert small_print(card)[0].startswith("`unit_B-1` · as of <!date^1795262400^")
    assert "Stora is busy." in small_print(card)[1]
    opened, refreshed = elements(card)
    assert (opened["text"]["text"], opened["action_id"]) == ("Open in Backoffice", OPEN_BACKOFFICE)
    assert opened["url"] == PAGE.format("unit_B-1")
    assert (refreshed["text"]["text"], refreshed["action_id"]) == ("Refresh", REFRESH_UNIT)
    assert parse_button(ShowUnit, refreshed["value"]) == ShowUnit(unit_id="unit_B-1", share=True)
    said = "B-1 · Hackney Wick, Reserved, Small room, 25 sq ft, £64.00 a month, Hackney Wick, as of 21 Nov 2026"
    assert card.text.startswith(said)
    assert "Stora is busy." in card.text
    assert_slack_takes(card)


@pytest.mark.parametrize("url", [None, "https://app.stora.test/" + "x" * 3000], ids=["none", "too long for Slack"])
def test_a_card_without_a_usable_address_has_no_button_for_it(url: str | None) -> None:
    inventory = a_picture(a_unit("A-1", backoffice_url=url))
    card = render_unit(inventory.row(inventory.units[0]), NOW, FRESH, share=False)
    assert labels(card) == ["Refresh"]
    assert_slack_takes(card)


def test_an_address_as_long_as_slack_takes_is_a_button_still() -> None:
    url = "https://app.stora.test/".ljust(3000, "x")
    inventory = a_picture(a_unit("A-1", backoffice_url=url))
    card = render_unit(inventory.row(inventory.units[0]), NOW, FRESH, share=False)
    assert elements(card)[0]["url"] == url
    assert_slack_takes(card)


@pytest.mark.parametrize(
    ("spare", "linked"), [(0, True), (-1, False)], ids=["just short enough", "one character too long"]
)
def test_a_row_has_no_link_where_fifteen_such_would_not_fit(spare: int, linked: bool) -> None:  # noqa: FBT001 - a column
    room = LONGEST_LINK - len("<|Open in Backoffice>") - spare
    address = "https://app.stora.test/?"
    url = address + "&" + "x" * (room - len(address) - len("&amp;"))
    assert bool(links(listed(a_picture(a_unit("A-1", backoffice_url=url))))) == linked


@pytest.mark.parametrize("status", [*STATUSES, UNKNOWN_STATUS])
def test_every_status_has_a_symbol_and_words_of_its_own(status: str) -> None:
    assert set(STATUS_WORDS) == {*STATUSES, UNKNOWN_STATUS}
    assert status_words(status) == STATUS_WORDS[status]
    others = {word for name, words in STATUS_WORDS.items() if name != status for word in words}
    assert not others & set(status_words(status))


@pytest.mark.parametrize(
    ("status", "word"), [("auction_pending", "Auction pending"), ("", "No status"), ("<b>", "&lt;b&gt;")]
)
def test_a_status_that_stora_adds_tomorrow_is_shown_as_stora_writes_it(status: str, word: str) -> None:
    assert status_words(status)[1] == word
    assert word in rows(listed(a_picture(a_unit("A-1", status=status))))[0]


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ([], "no price"),
        ([("weekly", "£9.00")], "£9.00 a week"),
        ([("weekly", "£9.00"), ("monthly", "£36.00")], "£9.00 a week or £36.00 a month"),
        ([("yearly", "£400"), ("daily", "£2")], "£400 a year or £2 a day"),
        ([("every_4_weeks", "£36.00")], "£36.00 (every 4 weeks)"),
        ([("weekly", "1"), ("monthly", "2"), ("yearly", "3"), ("daily", "4")], "1 a week or 2 a month or 3 a year"),
        ([("weekly", " "), ("monthly", "£36.00")], "£36.00 a month"),
        ([("weekly", "")], "no price"),
    ],
    ids=str,
)
def test_a_price_never_stands_without_its_billing_period(prices: list[tuple[str, str]], words: str) -> None:
    assert prices_in_words([Price(period, 1, formatted) for period, formatted in prices]) == words


def test_text_names_every_unit_that_the_blocks_show() -> None:
    message = listed()
    lines = message.text.split("\n")
    assert [line.split(",")[0] for line in lines[1:]] == ["A-2", "A-10", "B-1", "C-1", "D-1"]
    assert len(rows(message)) == 5


LOUDEST = Freshness(
    refused=explain(Refused(422, "x", "&" * 900, tuple("<" * 900 for _ in range(9)), "r" * 99)), direct=True
)


@pytest.mark.parametrize("letter", ["W", "&", "🚚"])
def test_fifteen_of_the_longest_rows_there_can_be_fit_one_message(letter: str) -> None:
    sites = [Site(f"s{number}", letter * 500) for number in range(15)]
    unit_types = [
        UnitType("t", letter * 500, letter * 500, tuple(Price(letter * 99, 1, letter * 99) for _ in range(3)))
    ]
    address = "https://app.stora.test/"
    url = address + "x" * (LONGEST_LINK - len(f"<{address}|Open in Backoffice>"))
    units = [
        a_unit(
            letter * 500, id=f"u{at}", site_id=f"s{at % 15}", unit_type_id="t", status=letter * 99, backoffice_url=url
        )
        for at in range(45)
    ]
    inventory = Inventory.of(sites, unit_types, units, NOW)
    query = UnitsQuery(
        site_ids=tuple(inventory.sites), q=letter * 100, created_after=NOW - timedelta(days=1), limit=100, page=2
    )
    found = search_units(query.model_copy(update={"q": ""}), inventory, 15)
    message = render_units(Found(query, found.rows, 10**9, 10**8, NOW), inventory, LOUDEST)
    assert len(rows(message)) == 15
    assert all("|Open in Backoffice>" in row for row in rows(message))
    assert_slack_takes(message, url)
    # What had no room is left out by whole rows, and never the warning.
    assert "last known state" in message.text
    assert 3000 < len(message.text) <= TEXT
    card = render_unit(inventory.row(units[0]), NOW, LOUDEST, share=False)
    assert "last known state" in card.text
    assert_slack_takes(card)


everyone = st.sampled_from(
    [NOBODYS, CAMDENS, Rights(CAMDENS.actor, (Role(name="x", can=("reserve",), users=("U0FIONA",)),))]
)
freshnesses = st.builds(
    Freshness,
    direct=st.booleans(),
    silent_since=st.none() | st.just(NOW),
    refused=st.just("")
    | st.builds(Refused, st.just(422), names, names, st.lists(names, max_size=7).map(tuple)).map(explain),
)
queries = st.builds(
    UnitsQuery,
    site_ids=st.lists(st.sampled_from(site_ids), max_size=4).map(tuple),
    unit_type_ids=st.lists(st.sampled_from(type_ids), max_size=4).map(tuple),
    statuses=st.lists(st.sampled_from(STATUSES), max_size=3).map(tuple),
    q=names.map(lambda name: name.encode("utf-8", "ignore").decode()[:100]),
    reference=st.just("") | names.map(lambda name: name.encode("utf-8", "ignore").decode()[:100]),
    created_after=st.none() | st.datetimes(timezones=st.just(UTC)),
    created_before=st.none() | st.datetimes(timezones=st.just(UTC)),
    sort=st.sampled_from(SORTS),
    limit=st.none() | st.integers(1, 100),
    page=st.integers(1, 1_000_000),
    share=st.booleans(),
)
slow = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def addresses(inventory: Inventory) -> list[str]:
    return [unit.backoffice_url for unit in inventory.units if unit.backoffice_url]


@slow
@given(inventories(), queries, freshnesses, st.integers(1, 15), everyone)
def test_no_inventory_and_no_query_makes_a_list_that_slack_would_refuse(
    inventory: Inventory, query: UnitsQuery, freshness: Freshness, page_size: int, rights: Rights
) -> None:
    message = render_units(search_units(query, inventory, page_size), inventory, freshness, rights)
    assert_slack_takes(message, *addresses(inventory))


@slow
@given(inventories(), queries, freshnesses, st.integers(0, 10**12), st.integers(1, 10**11))
def test_nor_does_any_answer_that_comes_straight_from_stora(
    inventory: Inventory, query: UnitsQuery, freshness: Freshness, total: int, pages: int
) -> None:
    rows = tuple(inventory.row(unit) for unit in inventory.units[:15])
    nameless = Inventory.of((), (), (), NOW)
    message = render_units(Found(query, rows, total, pages, NOW), nameless, freshness)
    assert_slack_takes(message, *addresses(inventory))


@slow
@given(inventories().filter(lambda inventory: inventory.units), freshnesses, st.booleans(), everyone, st.data())
def test_no_unit_makes_a_card_that_slack_would_refuse(
    inventory: Inventory,
    freshness: Freshness,
    share: bool,  # noqa: FBT001 - hypothesis fills it in
    rights: Rights,
    data: st.DataObject,
) -> None:
    row = inventory.row(data.draw(st.sampled_from(inventory.units)))
    card = render_unit(row, NOW, freshness, share=share, rights=rights)
    assert_slack_takes(card)
    assert card.in_channel == share


commands = st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from(["", *(f"{name}=" for name in UNITS_ARGUMENTS)]),
        st.sampled_from([*STATUSES, *SORTS, "any", "1", "2026-01-01", "site_1", "type_2", "unit_0", "share", "help"])
        | names.map('"{}"'.format)
        | names,
    ),
    max_size=4,
).map(" ".join)


@slow
@given(inventories(), commands, st.booleans(), st.data())
def test_nothing_that_is_typed_makes_an_answer_that_slack_would_refuse(
    inventory: Inventory,
    text: str,
    complete: bool,  # noqa: FBT001 - hypothesis fills it in
    data: st.DataObject,
) -> None:
    known = [site.name for site in inventory.sites.values()] + [unit.reference_id for unit in inventory.units]
    text = " ".join([text, data.draw(st.sampled_from(["", *known]))])
    assert_slack_takes(answered(text, inventory, complete=complete), *addresses(inventory))


def answered(text: str, inventory: Inventory, *, complete: bool) -> Message:
    try:
        request = parse_units(text)
        if isinstance(request, Help):
            return render_help()
        intent = resolve_units(request, inventory, complete=complete)
    except UsageProblem as problem:
        return render_problem(problem, "0badcafe")
    match intent:
        case UnitsQuery():
            return render_units(search_units(intent, inventory, 10), inventory, FRESH)
        case ShowUnit(unit_id=unit_id, share=share):
            unit = inventory.unit(unit_id)
            row = inventory.row(unit) if unit else Row(a_unit("x"), None, None)
            return render_unit(row, NOW, FRESH, share=share)


numbered = st.lists(
    st.builds(
        lambda letter, number, site, status: (f"{letter}-{number}", site, status),
        st.sampled_from("AB"),
        st.integers(0, 120),
        st.sampled_from([CAMDEN.id, HACKNEY.id]),
        st.sampled_from(["available", "occupied"]),
    ),
    max_size=40,
)


@slow
@given(numbered, st.sampled_from(SORTS), st.integers(1, 15), st.none() | st.integers(1, 100))
def test_pressing_next_to_the_end_and_previous_back_shows_every_unit_exactly_once(
    units: list[tuple[str, str, str]], sort: str, page_size: int, limit: int | None
) -> None:
    inventory = a_picture(
        *(
            a_unit(reference, id=f"unit_{at}", site_id=site, status=status, backoffice_url=PAGE.format(f"unit-{at}-"))
            for at, (reference, site, status) in enumerate(units)
        )
    )
    query = UnitsQuery(statuses=("available",), sort=sort, limit=limit)
    forth = pressed_to_the_end(query, inventory, page_size, NEXT)
    back = pressed_to_the_end(query.model_copy(update={"page": 1_000_000}), inventory, page_size, PREVIOUS)
    assert forth == back[::-1]
    shown_units = [row for page in forth for row in page]
    expected = [unit.backoffice_url for unit in matching(query, inventory)]
    assert [row.partition("<")[2].partition("|")[0].replace("&amp;", "&") for row in shown_units] == expected
    assert len(set(shown_units)) == len(shown_units) == len([1 for _, _, status in units if status == "available"])


def pressed_to_the_end(query: UnitsQuery, inventory: Inventory, page_size: int, action_id: str) -> list[list[str]]:
    """The rows of each page, by what the buttons themselves carry."""
    pages: list[list[str]] = []
    while True:
        message = render_units(search_units(query, inventory, page_size), inventory, FRESH)
        pages.append([row for row in rows(message) if row.startswith("*")])
        button = next((button for button in elements(message) if button["action_id"] == action_id), None)
        if button is None:
            return pages
        query = parse_button(UnitsQuery, button["value"])


def test_the_check_that_all_this_stands_on_would_notice() -> None:
    bad = Message("x" * (TEXT + 1), ({"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}},))
    with pytest.raises(AssertionError):
        assert_slack_takes(bad)
    with pytest.raises(AssertionError):
        assert_slack_takes(Message("<https://evil.example|Open in Backoffice>"), "https://app.stora.test/")
    assert payload(bad)["response_type"] == "ephemeral"
