"""Logs hold what an operator needs, and nothing that must not leave the process."""

import asyncio
import gc
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.telemetry import QUIETER, configure_logs, report_lost
from tests.log_search import Searched, Watch


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in QUIETER}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, least in levels.items():
        logging.getLogger(name).setLevel(least)


def test_a_line_is_one_json_object_with_its_level_logger_and_time() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream=stream)
    with structlog.contextvars.bound_contextvars(reference="ab12"):
        structlog.get_logger("bot.test").info("inventory read", units=3)
    [line] = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "event": "inventory read",
        "units": 3,
        "reference": "ab12",
        "level": "info",
        "logger": "bot.test",
    }


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_and_addresses_are_struck_out_whoever_logs_them(form: str) -> None:
    stream = io.StringIO()
    configure_logs("debug", form, ["stora-token-1", ""], stream=stream)  # type: ignore[arg-type]
    secrets = [
        "xoxb-1-2-abc",
        "xapp-1-A-2-abc",
        "xwfp-abc",
        "Bearer abcdef",
        "https://hooks.slack.com/commands/T1/2/abc",
        "wss://socket/link?ticket=abc-def",
        "jane.doe+unit@example.co.uk",
        "stora-token-1",
    ]
    for secret in secrets:
        logging.getLogger("some.library").warning("saw %s there", secret)
        structlog.get_logger().info("saw", what={"inside": secret})
    written = stream.getvalue()
    assert written.count("***") == 2 * len(secrets)
    for secret in ("xoxb-1", "xapp-1", "xwfp", "abcdef", "commands/T1", "abc-def", "jane", "stora-token"):
        assert secret not in written


def reserve(customer: str) -> None:
    tenancies: dict[str, str] = {}
    try:
        tenancies.pop(customer)
    except KeyError as error:
        raise ValueError(f"nobody is called {customer}") from error


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("who", ["bot", "library"])
def test_a_traceback_holds_kinds_and_places_but_nobodys_words(form: str, who: str) -> None:
    stream = io.StringIO()
    configure_logs("info", form, stream=stream)  # type: ignore[arg-type]
    customer = "Jane Doe"
    try:
        reserve(customer)
    except ValueError:
        if who == "bot":
            structlog.get_logger().exception("crashed")
        else:
            logging.getLogger("some.library").exception("crashed")
    written = stream.getvalue()
    assert customer not in written
    assert written.index("builtins.KeyError") < written.index("builtins.ValueError")
    assert "in reserve" in written
    assert "tenancies.pop(customer)" in written


def test_a_traceback_tells_of_everything_that_failed_together_and_ends() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream=stream)
    first, second = KeyError("a"), OSError("b")
    first.__context__, second.__context__ = second, first
    hidden = TypeError("c")
    hidden.__context__, hidden.__suppress_context__ = ZeroDivisionError("d"), True
    structlog.get_logger().error("crashed", exc_info=ExceptionGroup("e", [first, hidden]))
    kinds = re.findall(r"^builtins\.(\w+)$", json.loads(stream.getvalue())["exception"], re.MULTILINE)
    assert kinds == ["ExceptionGroup", "OSError", "KeyError", "TypeError"]


def test_no_exception_to_tell_of_is_told_as_nothing() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream=stream)
    structlog.get_logger().error("crashed", exc_info=(None, None, None))
    structlog.get_logger().error("crashed", exc_info=True)
    assert stream.getvalue().count("exception") == 0


async def test_an_exception_that_nobody_waited_for_is_logged_without_its_words() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream=stream)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report_lost)
    customer = "Jane Doe"

    async def lost() -> None:
        reserve(customer)

    task = loop.create_task(lost())
    await asyncio.wait([task])
    del task
    gc.collect()
    entry = json.loads(stream.getvalue())
    assert (entry["event"], entry["what"]) == ("lost", "Task exception was never retrieved")
    assert "builtins.ValueError" in entry["exception"]
    assert customer not in stream.getvalue()


def test_every_line_of_the_suite_is_searched(logs: Watch) -> None:
    lines = logs.seen.lines
    structlog.get_logger("bot.walk").debug("a line of the bot's")
    logging.getLogger("some.library").debug("a line of somebody else's")
    assert logs.seen.lines == lines + 2


@pytest.mark.parametrize(
    "leak",
    [
        "reserved for Amelia Smith",
        "reserved for Niamh O'Connor",
        "by Fiona Clarke",
        "for Jane Doe",
        "to fiona@harbour.example",
        "to here+1@example.org",
        "with xoxb-sandbox",
        "with sandbox-stora-token",
        "with sandbox-client-secret",
        "with " + "0a" * 32,
        "for 🚚 Removals 🏠👩‍👩‍👧",
    ],
)
def test_the_search_finds_what_must_not_be_there(leak: str) -> None:
    searched = Searched()
    searched.write("unit A-012 of site_14b419f1096013f1 at Smith Street")
    assert searched.found == []
    searched.write(f"one {leak}, another")
    assert len(searched.found) == 1


def test_a_name_is_searched_for_as_json_writes_it(logs: Watch) -> None:
    structlog.get_logger("bot.walk").info("leak", customer="Siobhán O’Hara-D'Arcy")
    found, logs.seen.found = logs.seen.found, []
    assert len(found) == 1


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_is_found_however_it_is_written_and_a_short_one_does_not_eat_other_words(form: str) -> None:
    stream = io.StringIO()
    secret = 'quo"ted\\sécret'
    configure_logs("info", form, [secret, "s"], stream=stream)  # type: ignore[arg-type]
    for what in (secret, json.dumps(secret), repr(secret), {secret}, {"inside": [secret]}, {secret: 1}):
        structlog.get_logger().info("guess", what=what)
    written = stream.getvalue()
    assert written.count("***") == written.count("guess") == 6
    assert "quo" not in written
    assert "cret" not in written


def test_of_two_secrets_the_longer_one_is_struck_out_whole() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", ["secret-1", "secret-1-and-more"], stream=stream)
    structlog.get_logger().info("saw secret-1-and-more")
    assert json.loads(stream.getvalue())["event"] == "saw ***"


@pytest.mark.parametrize("secret", ["ab'cdefghijk", "k9+x@vault.example/7Hd8sJ"])
def test_of_a_secret_that_looks_like_something_else_nothing_is_left(secret: str) -> None:
    stream = io.StringIO()
    configure_logs("info", "json", [secret], stream=stream)
    structlog.get_logger().info(f"Bearer {secret} and {secret!r}")
    assert not any(part in stream.getvalue() for part in ("cdefghijk", "7Hd8sJ"))


def test_a_number_stays_a_number_unless_it_is_a_secret() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", ["1234567890"], stream=stream)
    structlog.get_logger().info("saw", code=1234567890, units=3, seconds=0.5, whole=True, none=None)
    entry = json.loads(stream.getvalue())
    assert [entry[name] for name in ("code", "units", "seconds", "whole", "none")] == ["***", 3, 0.5, True, None]


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_holds_itself_is_logged_as_far_as_it_goes(form: str) -> None:
    stream = io.StringIO()
    configure_logs("info", form, stream=stream)  # type: ignore[arg-type]
    endless: dict[str, object] = {"who": "jane.doe@example.com"}
    endless["again"] = [endless]
    structlog.get_logger().info("saw", what=endless)
    assert "again" in stream.getvalue()
    assert "jane" not in stream.getvalue()


def test_what_bolt_says_of_a_request_that_nobody_handles_is_one_json_object() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", ["signing-secret-1"], stream=stream)
    said = 'Unhandled request\n---\n@app.command("/x")\nasync def handle(ack):\n\tjane@example.com said "Bearer abc"'
    logging.getLogger("slack_bolt.AsyncApp").warning(said)
    assert json.loads(stream.getvalue())["event"] == said.replace("jane@example.com", "***").replace(
        "Bearer abc", "***"
    )


SECRETS = ("stora-token-1", 'quo"ted\\secret\n1', "sécret-🚚-long", "n@app.command")
ADDRESSES = ("jane.doe@example.com", "o'hara+1@example.co.uk", "é@exämple.org")
TEXTS = st.lists(
    st.sampled_from([*SECRETS, *ADDRESSES, "\n", "\t", '"', "\\", "\x00", "@app.command(", " ", "é", "Bearer x"])
    | st.text(st.characters(exclude_characters="*"), max_size=3),
    max_size=6,
).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none() | st.sets(TEXTS, max_size=2) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.tuples(inner) | st.dictionaries(TEXTS | st.integers(), inner),
    max_leaves=4,
)


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        yield from (text for inner in value.values() for text in texts_in(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in texts_in(inner))
    elif isinstance(value, str):
        yield value


@settings(max_examples=300, deadline=None)
@given(event=TEXTS, key=TEXTS, value=VALUES)
def test_whatever_is_logged_is_one_json_object_without_secrets_or_addresses(
    event: str, key: str, value: object
) -> None:
    stream = io.StringIO()
    configure_logs("info", "json", SECRETS, stream=stream)
    structlog.get_logger().info(event, **{f"about {key}": value, "what": {"inside": [value]}})
    logging.getLogger("some.library").warning("%s", event)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    for text in (text for line in lines for text in texts_in(json.loads(line))):
        assert not [secret for secret in SECRETS if secret in text or json.dumps(secret)[1:-1] in text]
        assert not re.search(r"[\w.+'-]@[\w-]+\.[\w.-]*\w", text)


def test_without_secrets_to_know_the_rest_still_goes_out() -> None:
    stream = io.StringIO()
    configure_logs("info", "console", stream=stream)
    structlog.get_logger().info("running")
    assert "running" in stream.getvalue()


@pytest.mark.parametrize("name", QUIETER)
def test_libraries_that_log_bodies_are_kept_quiet_at_any_level(name: str) -> None:
    configure_logs("debug", "json", stream=io.StringIO())
    assert logging.getLogger(name).level == QUIETER[name]
    configure_logs("error", "json", stream=io.StringIO())
    assert logging.getLogger(name).level == logging.ERROR
