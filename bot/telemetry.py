"""Logs: one structured line for each thing worth knowing, and never a secret, a name or an e-mail address."""

import asyncio
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

QUIETER = {
    "slack_bolt": logging.WARNING,  # it says more of requests than anybody wants to know
    "slack_sdk": logging.WARNING,  # below, it logs response_urls, socket tickets and whole messages
    "httpx": logging.WARNING,  # at INFO it logs query strings, which may hold an e-mail address
    "httpcore": logging.WARNING,
    "asyncio": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}
"""The least level of libraries that would otherwise log what must not be logged."""

_SECRET = re.compile(
    r"""
        xox[a-z]-[\w-]+ | xapp-[\w-]+ | xwfp-[\w-]+      # Slack's tokens
      | Bearer\ +[^\s"']+                                # Stora's
      | hooks\.slack\.com/[^\s"']+ | ticket=[^\s"'&]+    # bearer addresses
      | [\w.+'-]+@[\w-]+\.[\w.-]*\w                      # e-mail addresses
    """,
    re.VERBOSE,
)
NOTHING = r"(?!)"
"""Matches nowhere."""

SHORTEST_SECRET = 8
DEEPEST = 10


class _Redact:
    """Whatever was logged, by whomever, leaves without secrets.

    They are struck out of what is going to be rendered: in a rendered line, half of an escape looks like part of one.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # None so short that it would be struck out of every other word; longer ones first, for they may hold others.
        known = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _written(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        # First of all: a pattern that begins further left would leave the rest of it.
        self._known = re.compile("|".join(map(re.escape, longest_first)) or NOTHING)

    def __call__(self, _logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        return {self._without(name): self._plain(value, DEEPEST) for name, value in entry.items()}

    def _plain(self, value: object, depth: int) -> object:
        """The same without secrets, as JSON knows it; what JSON does not know, or lies deeper, as Python shows it."""
        match value:
            case str():
                return self._without(value)
            case None | bool():
                return value
            case int() | float() if self._without(repr(value)) == repr(value):
                return value
            case dict() if depth:
                return {self._without(str(name)): self._plain(inner, depth - 1) for name, inner in value.items()}
            case list() | tuple() if depth:
                return [self._plain(inner, depth - 1) for inner in value]
            case _:
                return self._without(repr(value))

    def _without(self, text: str) -> str:
        return _SECRET.sub("***", self._known.sub("***", text))


def _written(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as it stands in JSON or in a repr that somebody made into a text."""
    return secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]


def _where(error: BaseException, told: frozenset[int] = frozenset()) -> Iterator[str]:
    """What led to an error, first things first: kinds and places, without the words.

    The words of somebody else's exception may quote a customer: a key that is missing, an input that is wrong.
    """
    if id(error) in told:
        return
    told |= {id(error)}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield from _where(cause, told)
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _where(inner, told)


def _traceback(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Replace `exc_info` by ``_where``."""
    given = entry.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    error = error or (sys.exc_info()[1] if given else None)
    if error:
        entry["exception"] = "".join(_where(error)).rstrip()
    return entry


def report_lost(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception that nobody waited for; asyncio itself would write out its words."""
    structlog.get_logger(__name__).error("lost", what=context["message"], exc_info=context.get("exception"))


def configure_logs(
    level: str, form: Literal["json", "console"], secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send every log line of the process, the libraries' included, to ``stream`` (standard error)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    render: Any = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _traceback,
                _Redact(secrets),
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in QUIETER.items():
        logging.getLogger(name).setLevel(max(least, root.level))
