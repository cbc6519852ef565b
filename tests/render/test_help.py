"""Help teaches exactly what the parser knows."""

import re

import pytest

from bot.core.intents import Help, UnitsRequest
from bot.core.inventory import STATUSES
from bot.core.parse import SORTS, UNITS_ARGUMENTS, parse_units
from bot.render.help import EXAMPLES, EXPECTED, render_help
from tests.render.conftest import assert_slack_takes, shown


def test_help_names_exactly_the_arguments_that_the_parser_knows() -> None:
    for text in (render_help().text, shown(render_help())):
        arguments = text.partition("*Arguments*\n")[2].partition("\n\n")[0]
        named = re.findall(r"^`(\w+)(=?)` ", arguments, re.MULTILINE)
        assert [name for name, _ in named] == list(UNITS_ARGUMENTS) == list(EXPECTED)
        assert [name for name, equals in named if not equals] == ["share"]


@pytest.mark.parametrize(
    ("argument", "values"), [("status", [*STATUSES, "any"]), ("sort", list(SORTS))], ids=["status", "sort"]
)
def test_help_names_every_value_that_can_be_chosen(argument: str, values: list[str]) -> None:
    assert re.findall(r"`(\w+)`", EXPECTED[argument]) == values


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    command, _, text = example.partition(" ")
    assert command == "/units"
    assert isinstance(parse_units(text), UnitsRequest)
    assert f"`{example}`" in render_help().text


def test_the_examples_of_dates_are_dates() -> None:
    for example in re.findall(r"`(\d[^`]+)`", EXPECTED["created_after"]):
        assert isinstance(parse_units(f"created_after={example}"), UnitsRequest)


def test_help_is_for_the_asker_alone_and_slack_takes_it() -> None:
    assert isinstance(parse_units("help"), Help)
    assert not render_help().in_channel
    assert_slack_takes(render_help())
