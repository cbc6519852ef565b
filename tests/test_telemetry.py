"""Logs hold what an operator needs, and nothing that must not leave the process."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.telemetry import QUIETER, configure_logs


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in QUIETER:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


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


def test_a_traceback_is_struck_out_too() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream=stream)
    try:
        int("xoxb-1-2-abc of jane@example.com")
    except ValueError:
        structlog.get_logger().exception("crashed")
    entry = json.loads(stream.getvalue())
    assert "*** of ***" in entry["exception"]


def test_a_secret_is_found_as_json_writes_it_and_a_short_one_does_not_eat_other_words() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", ['quo"ted-secret', "s"], stream=stream)
    structlog.get_logger().info("guess", what='quo"ted-secret')
    assert json.loads(stream.getvalue())["what"] == "***"
    assert json.loads(stream.getvalue())["event"] == "guess"


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
