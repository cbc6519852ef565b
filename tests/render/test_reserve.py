"""Reserving in words: the modal, the card, and what became of the decision."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.intents import Form, Release, Wish
from bot.core.inventory import Inventory, Price, Row, Site, Unit, UnitType
from bot.core.parse import parse_button
from bot.core.problems import UsageProblem
from bot.core.reservations import TRY_AGAIN, Action, Decision, Outcome, Proposal
from bot.core.reserve import (
    Doubts,
    ReserveRequest,
    Wanted,
    available_units,
    doubts_about,
    parse_reserve,
    resolve_reserve,
)
from bot.core.tenancies import Tenancies, Tenancy, suggested
from bot.render.blocks import Message, clean
from bot.render.help import RESERVE_EXAMPLES
from bot.render.problems import render_problem
from bot.render.reserve import (
    CANCEL,
    CONFIRM,
    LONGEST_TYPED,
    PICK_SITE,
    PICK_TENANCY,
    PICK_UNIT,
    RELEASE,
    SITE_INPUT,
    TENANCY_INPUT,
    UNIT_INPUT,
    choose_note,
    day,
    release_button,
    render_cancelled,
    render_card,
    render_form,
    render_in_progress,
    render_outcome,
    render_reserve_help,
    render_working,
    tenancy_choice,
    unit_choice,
    unit_elsewhere,
    unit_gone,
    warnings_in_words,
)
from bot.render.units import OPEN_BACKOFFICE, RESERVE
from bot.render.views import MOST_OPTIONS, options
from bot.sandbox.slack.block_kit import check_message, check_options, check_view
from tests.render.conftest import NOW, addresses, elements, inventories, labels, links, names, payload, shown, site_ids

PAGE = "https://app.stora.test/units/unit_1?tab=a&from=slack"
METADATA = 3_000
"""Characters of a view's private_metadata (Slack)."""

CAMDEN, HACKNEY = Site("site_1", "Camden"), Site("site_2", "Hackney Wick")
SMALL = UnitType("type_1", "Small room", "25 sq ft", (Price("weekly", 1850, "£18.50"),))
LOCKER = UnitType("type_2", "Locker")
JANE = Tenancy(
    id="ten_jane",
    contact_id="contact_1",
    customer="Jane Doe",
    email="jane@example.com",
    site_id=CAMDEN.id,
    starts_at=NOW + timedelta(days=7),
    ends_at=None,
    allocations=(),
    created_at=NOW,
    updated_at=NOW,
)
PROPOSAL = Proposal(
    id="decision_1",
    action="reserve",
    idempotency_key="key_1",
    unit_id="unit_1",
    unit_reference="A-012",
    site_id=CAMDEN.id,
    site_name="Camden",
    unit_type="Small room, 25 sq ft",
    price="£18.50 a week",
    tenancy_id="ten_jane",
    customer="Jane Doe",
    starts_at=JANE.starts_at,
    asked_by="U0NADIA",
    asked_at=NOW,
    backoffice_url=PAGE,
)
RELEASED = dataclasses.replace(PROPOSAL, id="decision_1-release-1", action="release")


def a_unit(reference_id: str, status: str = "available", **but: Any) -> Unit:
    unit = Unit("unit_" + reference_id, reference_id, status, CAMDEN.id, SMALL.id, NOW, NOW)
    return dataclasses.replace(unit, **but)


def a_picture(*units: Unit) -> Inventory:
    return Inventory.of((CAMDEN, HACKNEY), (SMALL, LOCKER), units, NOW)


def a_row(reference_id: str, status: str = "available", **but: Any) -> Row:
    unit = a_unit(reference_id, status, **but)
    return a_picture(unit).row(unit)


def a_book(*tenancies: Tenancy, complete: bool = True) -> Tenancies:
    return Tenancies({tenancy.id: tenancy for tenancy in tenancies}, NOW, complete)


def confirmed(proposal: Proposal = PROPOSAL, outcome: Outcome | None = None) -> Decision:
    state = outcome.state if outcome else "claimed"
    return Decision(proposal, state, "U0FIONA", NOW, NOW + timedelta(seconds=2), outcome)


def took(message: Message, *people: str) -> Message:
    """The message, once Slack takes it, nobody is pinged but these, and no link leads anywhere."""
    assert check_message(payload(message)) == []
    assert set(links(message)) <= {f"<@{person}>" for person in people}
    return message


def reserve_buttons(message: Message) -> list[dict[str, Any]]:
    return [block["accessory"] for block in message.blocks if "accessory" in block]


class TestTheModal:
    def test_it_asks_for_site_unit_and_customer(self) -> None:
        view = render_form(Form(), a_picture(), row=None, tenancy=None)
        assert check_view(view) == []
        assert [view[name]["text"] for name in ("title", "submit", "close")] == ["Reserve a unit", "Continue", "Cancel"]
        assert [(block["block_id"], block["element"]["action_id"]) for block in view["blocks"]] == [
            (SITE_INPUT, PICK_SITE),
            (UNIT_INPUT, PICK_UNIT),
            (TENANCY_INPUT, PICK_TENANCY),
        ]
        assert [block["optional"] for block in view["blocks"]] == [True, False, False]
        assert [block.get("dispatch_action", False) for block in view["blocks"]] == [True, False, False]
        assert not any("initial_option" in block["element"] for block in view["blocks"])

    def test_it_is_filled_with_what_is_known(self) -> None:
        row = a_row("A-012")
        view = render_form(
            Form(site_id=CAMDEN.id), a_picture(row.unit), row=row, tenancy=JANE, notes=["Why.", "How old."]
        )
        assert check_view(view) == []
        why, how_old, *inputs = view["blocks"]
        assert [block["elements"][0]["text"] for block in (why, how_old)] == ["Why.", "How old."]
        chosen = [block["element"]["initial_option"] for block in inputs]
        assert [option["value"] for option in chosen] == [CAMDEN.id, "unit_A-012", "ten_jane"]
        assert [option["text"]["text"] for option in chosen] == [
            "Camden",
            "A-012 · Camden · Small room, 25 sq ft",
            "Jane Doe · Camden",
        ]

    def test_a_site_that_is_gone_is_not_chosen(self) -> None:
        view = render_form(Form(site_id="site_gone"), a_picture(), row=None, tenancy=None)
        assert "initial_option" not in view["blocks"][0]["element"]

    def test_it_remembers_what_was_typed_and_the_way_back(self) -> None:
        form = Form(
            site_id=CAMDEN.id,
            typed_unit="A 1",
            typed_customer="Zoë “Z” O'Hara",
            channel_id="C0DESK",
            response_url="https://hooks.slack.test/commands/1",
        )
        view = render_form(form, a_picture(), row=None, tenancy=None)
        assert parse_button(Form, view["private_metadata"]) == form

    @pytest.mark.parametrize("letter", ["x", "\\", '"', "\x07", "🚚"])
    def test_what_it_remembers_fits_however_much_was_typed(self, letter: str) -> None:
        form = Form(
            site_id="s" * 64,
            typed_unit=letter * 5000,
            typed_customer=letter * 5000,
            channel_id="C" * 20,
            response_url="https://hooks.slack.test/".ljust(1000, "x"),
        )
        view = render_form(form, a_picture(), row=None, tenancy=None)
        assert check_view(view) == []
        assert len(view["private_metadata"]) <= METADATA
        back = parse_button(Form, view["private_metadata"])
        assert (back.typed_unit, back.typed_customer) == (letter * LONGEST_TYPED, letter * LONGEST_TYPED)
        assert (back.site_id, back.response_url) == (form.site_id, form.response_url)

    def test_a_unit_in_a_menu_says_where_it_is_what_it_is_and_what_it_costs(self) -> None:
        choice = unit_choice(a_row("A-012"))
        assert choice.value == "unit_A-012"
        assert choice.label == "A-012 · Camden · Small room, 25 sq ft"
        assert choice.description == "£18.50 a week"
        assert unit_choice(a_row("A-1", unit_type_id=LOCKER.id)).label == "A-1 · Camden · Locker"
        stray = unit_choice(a_row("\u200f", id="unit_x", site_id="gone", unit_type_id="gone"))
        assert (stray.label, stray.description) == ("unit_x", "")

    @pytest.mark.parametrize(
        ("but", "label", "description"),
        [
            ({}, "Jane Doe · Camden", "moves in Sat 28 Nov 2026, waits for a unit"),
            ({"allocations": ("a",), "starts_at": None}, "Jane Doe · Camden", "has a unit"),
            ({"site_id": "gone", "customer": "\u200f"}, "ten_jane", "moves in Sat 28 Nov 2026, waits for a unit"),
        ],
        ids=["waits", "has a unit", "nothing known"],
    )
    def test_a_tenancy_in_a_menu_says_whose_it_is_where_from_when_and_whether_it_waits(
        self, but: dict[str, Any], label: str, description: str
    ) -> None:
        choice = tenancy_choice(dataclasses.replace(JANE, **but), a_picture())
        assert (choice.value, choice.label, choice.description) == ("ten_jane", label, description)

    @pytest.mark.parametrize(
        ("wanted", "complete", "said"),
        [
            (Wanted(), True, []),
            (Wanted(unit_id="u"), True, []),
            (Wanted(typed_unit="Z-9"), True, ["No unit", "`Z-9`"]),
            (Wanted(typed_unit="A-1", units=(a_unit("A-1"), a_unit("A1"))), True, ["2 units", "`A-1`"]),
            (Wanted(typed_unit="12", units=(a_unit("12"),)), True, ["One unit", "`12`"]),
            (Wanted(typed_customer="`Zed`"), True, ["No current tenancy", "`'Zed'`"]),
            (Wanted(typed_customer="Jane", tenancies=(JANE, JANE)), True, ["2 tenancies", "`Jane`"]),
            (Wanted(typed_customer="Jane", tenancies=(JANE,)), False, ["One tenancy", "`Jane`"]),
        ],
        ids=["nothing", "unit", "no unit", "units", "one", "nobody", "customers", "while reading"],
    )
    def test_its_notes_say_why_it_opened_and_how_fresh_the_customers_are(
        self,
        wanted: Wanted,
        complete: bool,  # noqa: FBT001 - a table's column
        said: list[str],
    ) -> None:
        *why, fresh = choose_note(wanted, a_book(JANE, complete=complete))
        assert len(why) == bool(said)
        assert all(part in why[0] for part in said)
        assert "<!date^1795262400^" in fresh
        assert ("still being read" in fresh) == (not complete)

    def test_a_unit_taken_meanwhile_is_told_beside_its_input(self) -> None:
        assert unit_gone(a_row("A-012", "reserved")) == "A-012 is no longer available: Reserved."
        longest = unit_gone(a_row("W" * 500, "x" * 500))
        assert len(longest) <= 150
        assert "no longer available" in longest
        assert unit_gone(a_row("\u200f", "occupied", id="unit_x")).startswith("unit_x ")

    def test_a_unit_of_another_site_is_told_beside_its_input(self) -> None:
        assert unit_elsewhere(a_row("A-012")) == "A-012 is at Camden: choose a unit of the site above."
        longest = unit_elsewhere(a_row("W" * 500))
        assert len(longest) <= 150
        assert "choose a unit" in longest
        assert "at another site" in unit_elsewhere(dataclasses.replace(a_row("A-012"), site=None))


class TestTheCard:
    def test_it_says_everything_that_is_to_be_confirmed(self) -> None:
        card = took(render_card(PROPOSAL, []), "U0NADIA")
        assert card.blocks[0]["text"]["text"] == "Reserve A-012?"
        assert card.blocks[1]["text"]["text"].split("\n") == [
            "*A-012*",
            "Small room, 25 sq ft · Camden",
            "£18.50 a week",
            "*Jane Doe* (tenancy `ten_jane`)",
            "Moves in Sat 28 Nov 2026",
        ]
        for part in ("A-012", "Small room", "Camden", "£18.50 a week", "Jane Doe", "ten_jane", "28 Nov", "<@U0NADIA>"):
            assert part in card.text
            assert part in shown(card)
        assert not card.in_channel

    def test_its_buttons_carry_the_decision(self) -> None:
        confirm, cancel = elements(render_card(PROPOSAL, []))
        assert (confirm["text"]["text"], confirm["action_id"]) == ("Confirm reservation", CONFIRM)
        assert (cancel["text"]["text"], cancel["action_id"]) == ("Cancel", CANCEL)
        assert confirm["value"] == cancel["value"] == PROPOSAL.id
        assert confirm["style"] == "primary"
        assert "style" not in cancel

    def test_warnings_stand_above_the_buttons_and_in_the_text(self) -> None:
        card = took(render_card(PROPOSAL, ["One thing.", "Another."]), "U0NADIA")
        warned = [block["text"]["text"] for block in card.blocks if block["type"] == "section"][1:]
        assert warned == [":warning: One thing.", ":warning: Another."]
        assert all(warning in card.text for warning in warned)
        assert card.blocks[-1]["type"] == "actions"

    def test_what_is_not_known_is_left_out_and_what_cannot_be_printed_has_an_id(self) -> None:
        bare = dataclasses.replace(
            PROPOSAL, unit_reference="\u200f", site_name="", unit_type=" ", price="", customer="\u202e", starts_at=None
        )
        card = took(render_card(bare, []), "U0NADIA")
        assert card.blocks[0]["text"]["text"] == "Reserve unit_1?"
        assert card.blocks[1]["text"]["text"].split("\n") == ["*unit_1*", "Tenancy `ten_jane`"]

    def test_nothing_unusual_is_worth_no_warning(self) -> None:
        assert warnings_in_words(a_row("A-1"), Doubts(), a_picture(), None) == []

    @pytest.mark.parametrize(
        ("doubts", "said"),
        [
            (Doubts(not_available=True), ["*Occupied*"]),
            (Doubts(other_site=HACKNEY.id), ["another site", "*Hackney Wick*"]),
            (Doubts(other_site="site_gone"), ["another site", "*site_gone*"]),
            (Doubts(ended_at=NOW), ["ended", "Sat 21 Nov 2026"]),
            (Doubts(has_units=(a_unit("B-1"), None, a_unit("B-2"))), ["already has", "*B-1*, *B-2*"]),
            (Doubts(has_units=(None,)), ["already has a unit"]),
            (Doubts(has_units=(a_unit("\u200f", id="unit_x"),)), ["*unit_x*"]),
            (Doubts(other_types=(SMALL.id, LOCKER.id)), ["another type", "*Small room*, *Locker*"]),
            (Doubts(other_types=("type_gone",)), ["another type."]),
        ],
        ids=[
            "status",
            "site",
            "unknown site",
            "ended",
            "units",
            "unknown unit",
            "unprintable",
            "types",
            "unknown type",
        ],
    )
    def test_each_doubt_is_a_sentence(self, doubts: Doubts, said: list[str]) -> None:
        [warning] = warnings_in_words(a_row("A-1", "occupied"), doubts, a_picture(), None)
        assert all(part in warning for part in said)

    def test_what_could_not_be_asked_is_said_with_its_age(self) -> None:
        [warning] = warnings_in_words(a_row("A-1"), Doubts(), a_picture(), NOW)
        assert "could not be asked" in warning
        assert "<!date^1795262400^" in warning

    def test_all_doubts_at_once_are_a_sentence_each(self) -> None:
        all_of_them = Doubts(True, HACKNEY.id, NOW, (a_unit("B-1"),), (SMALL.id,))  # noqa: FBT003 - one of each
        warnings = warnings_in_words(a_row("A-1", "occupied"), all_of_them, a_picture(), NOW)
        assert len(warnings) == len(set(warnings)) == 6

    def test_cancelled_says_that_nothing_was_sent(self) -> None:
        message = took(render_cancelled(Decision(PROPOSAL, "cancelled")))
        assert "*A-012* was not reserved" in message.text
        assert "Nothing was sent" in message.text
        assert labels(message) == []
        assert shown(message) == message.text


class TestWhatBecameOfIt:
    @pytest.mark.parametrize(
        ("proposal", "doing"),
        [(PROPOSAL, "Reserving *A-012* for *Jane Doe*"), (RELEASED, "Releasing *A-012* from *Jane")],
    )
    def test_while_stora_is_asked_there_is_no_button(self, proposal: Proposal, doing: str) -> None:
        message = took(render_working(proposal))
        assert doing in message.text == shown(message)
        assert all(block["type"] == "section" and "accessory" not in block for block in message.blocks)

    def test_a_customer_without_a_name_is_left_out(self) -> None:
        nameless = dataclasses.replace(PROPOSAL, customer="\u200f")
        assert took(render_working(nameless)).text.endswith("Reserving *A-012*…")

    @pytest.mark.parametrize(("proposal", "what"), [(PROPOSAL, "reservation"), (RELEASED, "release")])
    def test_a_second_click_hears_who_was_first_and_since_when(self, proposal: Proposal, what: str) -> None:
        message = took(render_in_progress(confirmed(proposal)), "U0FIONA")
        assert f"<@U0FIONA> confirmed this {what}" in message.text == shown(message)
        assert "<!date^1795262400^" in message.text
        assert labels(message) == []

    def test_even_where_nobody_knows_who_was_first(self) -> None:
        assert "Somebody confirmed" in took(render_in_progress(Decision(PROPOSAL, "claimed"))).text

    def test_a_finished_reservation_says_what_is_whose_from_when_and_who_confirmed_it(self) -> None:
        message = took(render_outcome(confirmed(), Outcome("done")), "U0FIONA")
        for part in (
            "*A-012* is reserved for *Jane Doe*",
            "Camden",
            "£18.50 a week",
            "28 Nov",
            "<@U0FIONA>",
            "^1795262402^",
        ):
            assert part in message.text
            assert part in shown(message)
        [opened] = elements(message)
        assert (opened["text"]["text"], opened["action_id"], opened["url"]) == (
            "Open in Backoffice",
            OPEN_BACKOFFICE,
            PAGE,
        )

    def test_a_finished_release_promises_no_move_in(self) -> None:
        message = took(render_outcome(confirmed(RELEASED), Outcome("done")), "U0FIONA")
        assert "*A-012* is released from *Jane Doe*" in message.text
        assert "Moves in" not in message.text

    @pytest.mark.parametrize("url", [None, "https://app.stora.test/" + "x" * 3000], ids=["none", "too long"])
    def test_without_a_usable_address_there_is_no_button_for_it(self, url: str | None) -> None:
        proposal = dataclasses.replace(PROPOSAL, backoffice_url=url)
        assert labels(took(render_outcome(confirmed(proposal), Outcome("done")), "U0FIONA")) == []

    def test_release_is_there_for_whoever_may_press_it_and_asks_once_more(self) -> None:
        wish = Release(reservation_id=PROPOSAL.id)
        message = took(render_outcome(confirmed(), Outcome("done"), release=wish), "U0FIONA")
        assert labels(message) == ["Open in Backoffice", "Release"]
        button = elements(message)[1]
        assert (button["action_id"], button["style"]) == (RELEASE, "danger")
        assert parse_button(Release, button["value"]) == wish
        asks = button["confirm"]
        assert "A-012" in asks["text"]["text"]
        assert "Jane Doe" in asks["text"]["text"]
        assert (asks["confirm"]["text"], asks["deny"]["text"]) == ("Release", "Cancel")
        assert button == release_button(wish, PROPOSAL)
        nameless = release_button(wish, dataclasses.replace(PROPOSAL, customer="", unit_reference="\u200f"))
        assert "unit_1 will be taken back from ten_jane" in nameless["confirm"]["text"]["text"]

    @pytest.mark.parametrize("proposal", [PROPOSAL, RELEASED], ids=["reserve", "release"])
    @pytest.mark.parametrize(
        "outcome",
        [Outcome("unknown"), Outcome("unknown", "HTTP 500", "timeout", "req_1")],
        ids=["bare", "with a cause"],
    )
    def test_an_unknown_outcome_never_says_that_it_failed(self, proposal: Proposal, outcome: Outcome) -> None:
        message = took(
            render_outcome(confirmed(proposal), outcome, [a_row("A-1")], release=Release(reservation_id="x"))
        )
        for said in (message.text.casefold(), shown(message).casefold()):
            assert f"not known whether *a-012* was {proposal.action}" in said
            assert "finding out" in said
            assert "do not try again" in said
            assert ("stora's answer does not say" in said, "`req_1`" in said) == (bool(outcome.request_id),) * 2
            assert ("stora did not answer" in said) == (outcome.request_id is None)
            for word in ("fail", "refused", "was not", "error", "wrong", "is reserved", "is released", "http 500"):
                assert word not in said
        assert labels(message) == []
        assert reserve_buttons(message) == []

    @pytest.mark.parametrize(
        ("proposal", "said"),
        [(PROPOSAL, "*A-012* was not reserved for *Jane"), (RELEASED, "*A-012* was not released from *J")],
    )
    def test_a_refusal_shows_storas_own_words_and_its_request_id(self, proposal: Proposal, said: str) -> None:
        words = "Unit is not available: <it> was taken & locked."
        message = took(render_outcome(confirmed(proposal), Outcome("refused", words, "conflict", "req_9")))
        for text in (message.text, shown(message)):
            assert said in text
            assert "Stora refused: “Unit is not available: &lt;it&gt; was taken &amp; locked.”" in text
            assert "`req_9`" in text
            assert "available" not in text.replace("Unit is not available", "")
        assert labels(message) == []

    def test_a_refusal_offers_other_units_for_the_same_tenancy(self) -> None:
        nameless = Row(a_unit("A-3"), None, UnitType("type_3", "", prices=SMALL.prices))
        others = [a_row("A-1"), a_row("\u200f", id="unit_x", unit_type_id="gone"), nameless]
        message = took(render_outcome(confirmed(), Outcome("refused", "No.", "conflict"), others))
        assert "request id" not in message.text
        first, second, _ = reserve_buttons(message)
        assert (first["text"]["text"], first["action_id"]) == ("Reserve", RESERVE)
        assert parse_button(Wish, first["value"]) == Wish(unit_id="unit_A-1", tenancy_id="ten_jane")
        assert parse_button(Wish, second["value"]) == Wish(unit_id="unit_x", tenancy_id="ten_jane")
        assert "*A-1* · Small room · £18.50 a week" in message.text
        assert message.text.split("\n")[-2:] == ["*unit_x*", "*A-3* · £18.50 a week"]
        assert "of the same type" in message.text

    @pytest.mark.parametrize("code", sorted(TRY_AGAIN))
    def test_where_nothing_stands_in_the_way_the_same_unit_is_offered_again(self, code: str) -> None:
        said = "17" if code == "busy" else ""
        message = took(render_outcome(confirmed(), Outcome("refused", said, code), [a_row("A-012")]))
        assert "tried again" in message.text
        assert "of the same type" not in message.text
        assert parse_button(Wish, reserve_buttons(message)[0]["value"]).unit_id == "unit_A-012"

    @pytest.mark.parametrize(
        ("outcome", "said"),
        [
            (Outcome("refused", "17", "busy"), ["limit of requests", "17 s"]),
            (Outcome("refused", "", "not_sent"), ["does not answer", "nothing was sent"]),
            (Outcome("refused", "", "not_ours"), ["no longer", "nothing was sent"]),
            (Outcome("refused", "", "not_in_time"), ["in time", "Ask again"]),
            (Outcome("refused", "", "invalid_token"), ["access token. Who", "renew"]),
            (
                Outcome("refused", "Unauthorized.", "invalid_token", "req_1"),
                ["access token: “Unauthorized.”", "`req_1`"],
            ),
            (Outcome("refused", "Missing scope.", "forbidden", "req_1"), ["“Missing scope.”", "`req_1`"]),
            (Outcome("refused"), ["without a word"]),
        ],
        ids=["busy", "not sent", "not ours", "late", "token", "token said", "scope", "silent"],
    )
    def test_what_was_never_asked_of_stora_is_said_in_our_words(self, outcome: Outcome, said: list[str]) -> None:
        message = took(render_outcome(confirmed(), outcome))
        for part in said:
            assert part in message.text
            assert part in shown(message)

    @pytest.mark.parametrize("code", ["busy", "not_sent", "not_ours", "not_in_time", "invalid_token"])
    def test_storas_words_are_never_taken_for_ours_whatever_code_it_sends(self, code: str) -> None:
        message = took(render_outcome(confirmed(), Outcome("refused", "Unit is <busy>.", code, "req_1")))
        assert "“Unit is &lt;busy&gt;.”" in message.text


def test_a_date_is_written_as_people_here_write_it() -> None:
    assert day(datetime(2026, 3, 1, 23, 59, tzinfo=UTC)) == "Sun 1 Mar 2026"


def test_help_shows_examples_that_are_understood() -> None:
    message = took(render_reserve_help())
    for example in RESERVE_EXAMPLES:
        assert f"`{example}`" in message.text
        assert f"`{example}`" in shown(message)
        assert isinstance(parse_reserve(example.removeprefix("/reserve ")), ReserveRequest)


def utf8(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


ids = st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True)
moments = st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001 - `timezones` adds it
proposals = st.builds(
    Proposal,
    id=ids,
    action=st.sampled_from(["reserve", "release"]),
    idempotency_key=ids,
    unit_id=ids,
    unit_reference=names,
    site_id=st.sampled_from(site_ids),
    site_name=names,
    unit_type=names,
    price=names,
    tenancy_id=ids,
    customer=names,
    starts_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    asked_by=st.just("U0NADIA"),
    asked_at=moments,
    backoffice_url=addresses,
)
outcomes = st.builds(
    Outcome,
    st.sampled_from(["done", "refused", "unknown"]),
    st.just("") | st.just("17") | names,
    st.sampled_from(["", "busy", "not_sent", "not_ours", "not_in_time", "invalid_token", "conflict"]) | names,
    st.none() | names,
)
decisions = st.builds(
    Decision,
    proposals,
    st.just("claimed"),
    st.none() | st.just("U0FIONA"),
    st.none() | moments,
    st.none() | moments,
)
tenancies = st.builds(
    Tenancy,
    id=ids,
    contact_id=ids,
    customer=names,
    email=names,
    site_id=st.sampled_from(site_ids),
    starts_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    ends_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    allocations=st.lists(ids, max_size=8).map(tuple),
    created_at=moments,
    updated_at=moments,
)
forms = st.builds(
    Form,
    site_id=st.sampled_from(site_ids),
    typed_unit=names.map(utf8),
    typed_customer=names.map(utf8),
    channel_id=st.just("C0DESK"),
    response_url=st.sampled_from(["", "https://hooks.slack.test/commands/T0/1/abc"]),
)
slow = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@slow
@given(inventories(), proposals, st.lists(tenancies, min_size=1, max_size=3), st.none() | moments, st.data())
def test_nothing_that_stora_writes_makes_a_card_that_slack_would_refuse(
    inventory: Inventory, proposal: Proposal, people: list[Tenancy], not_asked: datetime | None, data: st.DataObject
) -> None:
    unit = data.draw(st.sampled_from(inventory.units)) if inventory.units else a_unit(proposal.unit_reference)
    held = tuple(data.draw(st.lists(st.sampled_from([None, *inventory.units]), max_size=9)))
    doubts = dataclasses.replace(
        doubts_about(unit, people[0], inventory, NOW), has_units=held, other_types=("type_1", "type_2", "type_gone")
    )
    card = render_card(proposal, warnings_in_words(inventory.row(unit), doubts, inventory, not_asked))
    took(card, "U0NADIA")
    assert labels(card) == ["Confirm reservation", "Cancel"]


@slow
@given(decisions, outcomes, inventories(), st.booleans())
def test_nor_what_becomes_of_it(
    decision: Decision,
    outcome: Outcome,
    inventory: Inventory,
    may_release: bool,  # noqa: FBT001 - hypothesis fills it in
) -> None:
    others = [inventory.row(unit) for unit in inventory.units[:3]]
    release = Release(reservation_id=decision.proposal.id) if may_release else None
    message = took(render_outcome(decision, outcome, others, release=release), "U0FIONA")
    match outcome.state:
        case "done":
            assert ("Release" in labels(message)) == may_release
        case "refused":
            assert len(reserve_buttons(message)) == len(others)
        case "unknown":
            assert labels(message) == []
    for told in (render_working(decision.proposal), render_in_progress(decision), render_cancelled(decision)):
        assert labels(took(told, "U0FIONA")) == []


@slow
@given(inventories(), forms, st.lists(tenancies, min_size=1, max_size=4), st.booleans(), st.data())
def test_nor_the_modal_nor_its_menus(
    inventory: Inventory,
    form: Form,
    people: list[Tenancy],
    complete: bool,  # noqa: FBT001 - hypothesis fills it in
    data: st.DataObject,
) -> None:
    tenancy = people[0]
    unit = data.draw(st.none() | st.sampled_from(inventory.units)) if inventory.units else None
    book = a_book(*people, complete=complete)
    wanted = Wanted(
        typed_unit=form.typed_unit,
        typed_customer=form.typed_customer,
        units=inventory.units,
        tenancies=tuple(book.by_id.values()),
    )
    row = inventory.row(unit) if unit else None
    view = render_form(form, inventory, row=row, tenancy=tenancy, notes=choose_note(wanted, book))
    assert check_view(view) == []
    assert len(view["private_metadata"]) <= METADATA
    assert isinstance(parse_button(Form, view["private_metadata"]), Form)
    rows = available_units(form.typed_unit, inventory, form.site_id, MOST_OPTIONS)
    assert check_options({"options": options([unit_choice(row) for row in rows])}) == []
    for typed in ("", form.typed_customer, tenancy.customer):
        found = [tenancy_choice(each, inventory) for each in suggested(typed, book)]
        assert check_options({"options": options(found)}) == []
    if row:
        gone = unit_gone(row)
        assert clean(gone)
        assert len(gone) <= 150


@slow
@given(inventories(), tenancies, st.data())
def test_nothing_that_is_typed_makes_an_answer_that_slack_would_refuse(
    inventory: Inventory, tenancy: Tenancy, data: st.DataObject
) -> None:
    known = [tenancy.customer, tenancy.id, "help", *(unit.reference_id for unit in inventory.units)]
    part = st.builds(
        "{}{}".format, st.sampled_from(["", "unit=", "tenancy=", "site=", "x="]), st.sampled_from(known) | names
    )
    text = " ".join(data.draw(st.lists(part, max_size=4)))
    book = a_book(tenancy)
    try:
        request = parse_reserve(text)
        wanted = resolve_reserve(request, inventory, book) if isinstance(request, ReserveRequest) else Wanted()
    except UsageProblem as problem:
        message = took(render_problem(problem, "0badcafe", "/reserve"))
        assert "/reserve help" in message.text
        return
    form = Form(site_id=wanted.site_id, typed_unit=wanted.typed_unit, typed_customer=wanted.typed_customer)
    view = render_form(form, inventory, row=None, tenancy=None, notes=choose_note(wanted, book))
    assert check_view(view) == []
    assert len(view["private_metadata"]) <= METADATA


@pytest.mark.parametrize("action", ["reserve", "release"])
def test_the_longest_of_everything_fits(action: Action) -> None:
    for letter in ("W", "&", "🚚"):
        long = letter * 5000
        proposal = dataclasses.replace(
            PROPOSAL, action=action, unit_reference=long, site_name=long, unit_type=long, price=long, customer=long,
            tenancy_id="t" * 64, unit_id="u" * 64, id="d" * 64, backoffice_url=PAGE.ljust(3000, "x"),
        )  # fmt: skip
        unit = a_unit(long, "x" * 500, id="u" * 64)
        inventory = Inventory.of(
            [Site(CAMDEN.id, long), Site(HACKNEY.id, long)],
            [UnitType(id_, long, long, (Price("x" * 300, 1, long),) * 3) for id_ in (SMALL.id, LOCKER.id)],
            [unit],
            NOW,
        )
        doubts = Doubts(True, HACKNEY.id, NOW, (unit,) * 9, (SMALL.id, LOCKER.id) * 3)  # noqa: FBT003 - all of them
        warnings = warnings_in_words(inventory.row(unit), doubts, inventory, NOW)
        took(render_card(proposal, warnings), "U0NADIA")
        refused = Outcome("refused", long, long, long)
        took(render_outcome(confirmed(proposal), refused, [inventory.row(unit)] * 3), "U0FIONA")
        release = Release(reservation_id="d" * 64)
        assert len(labels(took(render_outcome(confirmed(proposal), Outcome("done"), release=release), "U0FIONA"))) == 2


def test_the_check_that_all_this_stands_on_would_notice() -> None:
    with pytest.raises(AssertionError):
        took(Message("<@U0NADIA>"), "U0FIONA")
    with pytest.raises(AssertionError):
        took(Message("<!channel>"))
    long = render_form(Form(), a_picture(), row=None, tenancy=None)
    long["private_metadata"] = "x" * (METADATA + 1)
    assert check_view(long)
