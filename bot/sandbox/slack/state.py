"""Everything that the stand-in knows: handed to each part of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.journal import Journal
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.tiers import Tiers
from bot.sandbox.slack.workspace import Workspace


class Refused(Exception):
    """Slack says no to a call: its error name, and what else the answer carries."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.answer: Json = {"ok": False, "error": error, **more}


class Impossible(Exception):
    """A person cannot do this in Slack: there is no such button, or it cannot be seen."""


@dataclass(slots=True)
class State:
    """The workspace, what is handed out, what happened, and what the app was installed with.

    ``now`` gives seconds since the epoch. ``url`` is where the stand-in is served, without a trailing slash; it is
    learnt from the first request when nobody sets it. ``client`` is where the person acts who is being served: one may
    have Slack open in several browsers at once, and a modal opens in the one that asked for it.
    """

    workspace: Workspace
    bot_token: str
    app_token: str
    signing_secret: str
    scopes: frozenset[str]
    now: Callable[[], float]
    tickets: Tickets
    tiers: Tiers | None
    url: str | None = None
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    client: str = ""

    def address(self, path: str) -> str:
        """The full address of a path of the stand-in; ``RuntimeError`` while it is not known where it is served."""
        if self.url is None:
            raise RuntimeError("the stand-in does not know its address yet: set slack.url to what serve() gave you")
        return f"{self.url}{path}"
