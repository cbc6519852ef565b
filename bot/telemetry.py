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
    "slack_bolt": logging.WARNING,  # at INFO it logs the body of a request with a bad signature
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
    r"""xox[a-z]-[\w-]+ | xapp-[\w-]+ | xwfp-[\w-]+      # Slack's tokens
      | Bearer\ +[^\s"']+                                # Stora's
      | hooks\.slack\.com/[^\s"']+ | ticket=[^\s"'&]+    # bearer addresses
      | [\w.+'-]+@[\w-]+\.[\w.-]*\w                      # e-mail addresses
    """,
    re.VERBOSE,
)


SHORTEST_SECRET = 8


class _Redact:
    """The last processor: whatever was logged, by whomever, leaves without secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # As JSON writes them; and none so short that it would be struck out of every other word.
        known = [re.escape(json.dumps(secret)[1:-1]) for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self._known = re.compile("|".join(known)) if known else None

    def __call__(self, _logger: WrappedLogger, _method: str, line: Any) -> str:
        line = _SECRET.sub("***", str(line))
        return self._known.sub("***", line) if self._known else line


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
                render,
                _Redact(secrets),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in QUIETER.items():
        logging.getLogger(name).setLevel(max(least, root.level))
