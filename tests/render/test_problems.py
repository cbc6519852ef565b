"""What went wrong, in a sentence that says what to do."""

import dataclasses
from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.parse import MOST_VALUES, UNITS_ARGUMENTS, parse_units
from bot.core.problems import (
    Ambiguous,
    ApprovalsOff,
    BadValue,
    DatabaseUnusable,
    FileRefused,
    GivenTwice,
    InventoryNotRead,
    Lack,
    ModalRefused,
    NoMatch,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    Problem,
    Refused,
    SeveralUnits,
    StaleButton,
    StoraBusy,
    StoraDown,
    StoraLogin,
    TooLarge,
    TooLong,
    TooManyValues,
    UnbalancedQuotes,
    UnknownArgument,
    UsageProblem,
)
from bot.render.help import EXAMPLES_OF, EXPECTED
from bot.render.problems import MOST_CANDIDATES, explain, render_crash, render_problem
from tests.render.conftest import assert_slack_takes, names, shown

EXPLAINED: list[tuple[Problem, list[str]]] = [
    (TooLong(8000, 1000), ["8,000", "1,000"]),
    (UnbalancedQuotes(), ["quotation mark"]),
    (UnknownArgument("sit", ("site", "limit")), ["`sit`", "`site=`", "`limit=`"]),
    (UnknownArgument("shar", ("share",)), ["`share`?"]),
    (BadValue("limit", "0"), ["`limit=`", "`0`", "1 to 100"]),
    (BadValue("site", ""), ["`site=` needs a value", "name"]),
    (BadValue("share", "yes"), ["`share`", "alone"]),
    (BadValue("share", ""), ["`share`", "alone"]),
    (GivenTwice("sort"), ["`sort=`", "one value", "`price`"]),
    (TooManyValues("site", MOST_VALUES), ["site", "20"]),
    (TooLarge(), ["`site=`", "fewer"]),
    (Ambiguous("site", "c", ("Camden", "King's Cross")), ["sites", "`c`", "`Camden`", "`King's Cross`"]),
    (Ambiguous("unit type", "r", ("Small room",)), ["unit types"]),
    (SeveralUnits(("A-012", "A-013")), ["one unit", "`A-012`, `A-013`.", "one at a time"]),
    (NoMatch("site", "Camdne", ("Camden",)), ["site", "`Camdne`", "Did you mean `Camden`?"]),
    (NoMatch("word", "A-O12", ("A-012", "A-011")), ["`A-O12`", "`A-012` or `A-011`"]),
    (NotAllowed("guest"), ["guest"]),
    (NotAllowed("stranger"), ["another organisation"]),
    (NotAllowed("unverified"), ["Slack", "Try again"]),
    (NotAllowed("guest", "reserve", ("front desk",)), ["guest", "`reserve`", "*front desk*"]),
    (NotAllowed("stranger", "release", ("a", "b")), ["another organisation", "`release`", "*a* or *b*"]),
    (NotAllowed("unverified", "approve", ("managers",)), ["Try again", "`approve`", "*managers*"]),
    (NotAllowed("guest", "audit"), ["guest", "`audit`", "No role"]),
    (NotAllowed("no role", "reserve", ("front desk",)), ["`reserve`", "*front desk*", "whoami"]),
    (NotAllowed("no role", "audit"), ["`audit`", "No role"]),
    (NotAllowed("other sites", "reserve", ("a", "b")), ["`reserve`", "other sites", "*a* or *b*"]),
    (
        NotAllowed("groups unknown", "release", ("a",), "members of S0FRONT unknown"),
        ["`release`", "S0FRONT", "not known"],
    ),
    (
        NotAllowed("own request", "reserve", ("front desk",), "own request; no role that may reserve"),
        ["You asked for this yourself", "`reserve`", "*front desk*"],
    ),
    (ApprovalsOff(), ["Approvals are switched off", "nothing"]),
    (StaleButton(), ["another version", "again"]),
    (NotFound("gone", "req_1"), ["no such", "`req_1`"]),
    (StoraBusy(20.4), ["limit", "20 s"]),
    (StoraBusy(0.01), ["1 s"]),
    (StoraDown("HTTP 503", "req_2"), ["does not answer", "`req_2`"]),
    (StoraLogin(401, "Unauthorized."), ["access token"]),
    (StoraLogin(403, "Missing scope public.unit:read."), ["scope", "“Missing scope public.unit:read.”"]),
    (
        Refused(422, "invalid", "The unit is taken.", ("Unit is reserved.", "Tenancy has ended."), "req_3"),
        ["“The unit is taken.”", "“Unit is reserved.”", "“Tenancy has ended.”", "`req_3`"],
    ),
    (Refused(400, "bad", ""), ["Stora refused"]),
    (OutcomeUnknown("timeout", "req_4"), ["not known", "`req_4`"]),
    (ModalRefused("SlackApiError"), ["dialog", "`/reserve"]),
    (FileRefused("SlackApiError"), ["file"]),
    (InventoryNotRead(), ["first time", "`/units`"]),
    (DatabaseUnusable("disk full"), ["memory", "nothing was sent"]),
    (GivenTwice("unit"), ["`unit=`", "reference"]),
    (BadValue("tenancy", ""), ["`tenancy=` needs a value", "e-mail"]),
]


@pytest.mark.parametrize(
    ("problem", "parts"),
    EXPLAINED,
    ids=[f"{type(each).__name__} {number}" for number, (each, _) in enumerate(EXPLAINED)],
)
def test_a_problem_is_explained_in_blocks_and_in_text(problem: Problem, parts: list[str]) -> None:
    message = render_problem(problem, "0badcafe")
    for part in parts:
        assert part in shown(message)
        assert part in message.text
    assert not message.in_channel
    assert_slack_takes(message)


@pytest.mark.parametrize("because", ["guest", "stranger", "unverified"])
def test_who_may_not_even_look_is_told_of_no_permission_for_it(because: Lack) -> None:
    said = explain(NotAllowed(because))
    assert "permission" not in said
    assert "role" not in said.casefold()


def kinds(of: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def of_any_content(kind: type[Problem]) -> Problem:
    """One problem of this kind, with a word or a number wherever it holds one; the first where it holds one of some."""
    hints = get_type_hints(kind)
    described: dict[str, dataclasses.Field[object]] = getattr(kind, "__dataclass_fields__", {})
    needed = [name for name, field in described.items() if field.default is dataclasses.MISSING]
    choices = {name: (*get_args(hints[name]), "site")[0] for name in needed}
    values = {name: 1 if hints[name] in {int, float} else choices[name] for name in needed}
    return kind(**values)


def test_every_problem_of_the_core_has_words() -> None:
    ours = {kind for kind in kinds() if kind.__module__ == Problem.__module__} - {UsageProblem}
    assert len(ours) >= len({type(problem) for problem, _ in EXPLAINED})
    for kind in ours:
        assert len(explain(of_any_content(kind))) > len("Stora refused: ")


@pytest.mark.parametrize("kind", [Problem, UsageProblem])
def test_a_problem_without_words_is_a_bug_and_not_an_empty_message(kind: type[Problem]) -> None:
    with pytest.raises(AssertionError):
        explain(kind())


def test_a_usage_problem_shows_examples_and_the_way_to_help_and_no_reference() -> None:
    message = render_problem(UnbalancedQuotes(), "0badcafe")
    for said in (message.text, shown(message)):
        assert "/units site=" in said
        assert "/units help" in said
        assert "0badcafe" not in said


@pytest.mark.parametrize("command", EXAMPLES_OF)
def test_a_usage_problem_shows_the_examples_of_the_command_that_was_typed(command: str) -> None:
    message = render_problem(UnbalancedQuotes(), "0badcafe", command)
    for said in (message.text, shown(message)):
        assert f"`{command} help`" in said
        assert f"`{EXAMPLES_OF[command][0]}`" in said
    assert_slack_takes(message)


def test_a_command_of_another_name_still_gets_an_answer() -> None:
    assert "`/units A-012`" in render_problem(UnbalancedQuotes(), "0badcafe", "/units-test").text


def test_any_other_failure_carries_the_reference_that_finds_it_in_the_log() -> None:
    for message in (render_problem(StoraDown("HTTP 503"), "0badcafe"), render_crash("0badcafe")):
        assert "0badcafe" in message.text
        assert "0badcafe" in shown(message)
        assert "request id" not in message.text
        assert_slack_takes(message)


def test_what_stora_said_inside_is_for_the_log_alone() -> None:
    assert "HTTP 503" not in render_problem(StoraDown("HTTP 503"), "0badcafe").text


@pytest.mark.parametrize("argument", [name for name in UNITS_ARGUMENTS if name != "share"])
def test_a_wrong_value_is_told_what_the_argument_takes(argument: str) -> None:
    for problem in (BadValue(argument, "?"), BadValue(argument, ""), GivenTwice(argument)):
        assert EXPECTED[argument] in explain(problem)


def test_many_candidates_are_counted_instead_of_listed() -> None:
    many = tuple(f"Site {number}" for number in range(MOST_CANDIDATES + 3))
    said = explain(Ambiguous("site", "s", many))
    assert "`Site 7` and 3 more" in said
    assert "Site 8" not in said
    assert "more" not in explain(Ambiguous("site", "s", many[:MOST_CANDIDATES])).replace("Type more", "")


def test_a_backtick_cannot_end_the_quotation_of_what_was_typed() -> None:
    assert "`'x' *y*`" in explain(NoMatch("site", "`x` *y*"))


texts = st.lists(names, max_size=12).map(tuple)
any_problem = st.one_of(
    st.builds(UnknownArgument, names, texts),
    st.builds(BadValue, st.sampled_from(UNITS_ARGUMENTS), names),
    st.builds(Ambiguous, st.sampled_from(["site", "unit type"]), names, texts),
    st.builds(SeveralUnits, texts),
    st.builds(NoMatch, st.sampled_from(["site", "unit type", "status", "sort", "unit", "word"]), names, texts),
    st.builds(
        NotAllowed,
        st.sampled_from(["no role", "other sites", "groups unknown", "own request"]),
        st.just("reserve"),
        texts,
        names,
    ),
    st.builds(NotFound, names, names),
    st.builds(StoraLogin, st.sampled_from([401, 403]), names, names),
    st.builds(Refused, st.just(422), names, names, texts, st.none() | names),
)


@settings(max_examples=200, deadline=None)
@given(any_problem)
def test_no_problem_makes_a_message_that_slack_would_refuse(problem: Problem) -> None:
    assert_slack_takes(render_problem(problem, "0badcafe"))


@settings(max_examples=150, deadline=None)
@given(st.lists(names | st.sampled_from(["=", ",", " ", *(f"{name}=" for name in UNITS_ARGUMENTS)]), max_size=6))
def test_nothing_that_is_typed_makes_a_message_that_slack_would_refuse(typed: list[str]) -> None:
    try:
        parse_units("".join(typed))
    except UsageProblem as problem:
        assert_slack_takes(render_problem(problem, "0badcafe"))
