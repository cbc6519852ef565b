"""Search every log line of the whole suite for what must never be in one."""

import io
import json
import logging
import re

import structlog
from typing_extensions import override

from bot.sandbox.slack.workspace import demo_workspace
from bot.sandbox.stora.demo_people import FIRST_NAMES, HOSTILE_CONTACTS, LAST_NAMES
from bot.telemetry import configure_logs

SECRETS = ("xoxb-", "xapp-", "sandbox-signing-secret", "sandbox-stora-token", "sandbox-client-secret", "pass-word-1")
"""The stand-ins' and the tests' own."""
PEOPLE = (
    "Jane Doe",
    "Omar Khan",
    *(person.real_name for person in demo_workspace().people.values() if not person.is_bot),
    *(name for name, _ in HOSTILE_CONTACTS if name),
)
DOMAINS = "example", "example.com", "example.org", "example.net", "example.co.uk"

FORBIDDEN = re.compile(
    "|".join(
        (
            *map(re.escape, (*SECRETS, *PEOPLE)),
            *(re.escape(json.dumps(name)[1:-1]) for name in PEOPLE),
            # Each of the demo's customers has one of these names before one of those.
            rf"\b(?:{'|'.join(FIRST_NAMES)}) (?:{'|'.join(map(re.escape, LAST_NAMES))})\b",
            rf"@[\w-]*\.?(?:{'|'.join(map(re.escape, DOMAINS))})\b",
            r"\b[0-9a-f]{64}\b",  # the secret of a webhook endpoint
        )
    )
)


class Searched(io.StringIO):
    """Where the suite's log lines go: nowhere, once they have been searched."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self.found: list[str] = []

    @override
    def write(self, text: str) -> int:
        self.lines += 1
        if FORBIDDEN.search(text):
            self.found.append(text)
        return len(text)


class Watch:
    """The bot's own logging at debug level, as an operator would set it up, for as long as the tests run."""

    def __init__(self) -> None:
        self.seen = Searched()
        configure_logs("debug", "json", stream=self.seen)
        [self.handler] = logging.getLogger().handlers
        self._structlog = structlog.get_config()

    def again(self) -> None:
        """Whatever a test did to logging is over."""
        root = logging.getLogger()
        if self.handler not in root.handlers:
            root.addHandler(self.handler)
        for other in root.handlers[:]:
            if type(other) is logging.StreamHandler and other is not self.handler:
                root.removeHandler(other)  # of a test that configured logs, onto a stream that is closed by now
        root.setLevel(logging.DEBUG)
        structlog.configure(**self._structlog)
