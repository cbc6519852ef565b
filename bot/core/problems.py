"""Every failure we can explain to a person, as data: `render/problems.py` owns the sentences."""

from dataclasses import dataclass, field
from typing import Literal

from typing_extensions import override

Lack = Literal["guest", "stranger", "unverified", "no role", "other sites", "groups unknown", "own request"]
"""Why somebody may not do something."""


class Problem(Exception):
    """Something went wrong that a person can be told about; anything else is a bug."""

    @override
    def __str__(self) -> str:
        """What the log may hold: `Exception` would show every argument, names and all."""
        return repr(self)


class UsageProblem(Problem):
    """What was typed cannot be understood. Raised before anything is asked of Stora."""


# `repr=False` throughout: what people type may be a customer's name, and a repr ends in a log.


@dataclass(eq=False)
class TooLong(UsageProblem):
    """More text than any sensible command."""

    length: int
    limit: int


@dataclass(eq=False)
class UnbalancedQuotes(UsageProblem):
    """A quotation mark without its partner."""


@dataclass(eq=False)
class UnknownArgument(UsageProblem):
    """`sit=Camden`: no argument has that name."""

    name: str = field(repr=False)
    suggestions: tuple[str, ...] = ()


@dataclass(eq=False)
class BadValue(UsageProblem):
    """The argument is known, its value is not of the kind it takes."""

    argument: str
    typed: str = field(repr=False)


@dataclass(eq=False)
class GivenTwice(UsageProblem):
    """An argument that takes one value came with two."""

    argument: str


@dataclass(eq=False)
class TooManyValues(UsageProblem):
    """A comma list longer than any sensible one."""

    argument: str
    limit: int


@dataclass(eq=False)
class TooLarge(UsageProblem):
    """A whole query that no button could carry, mostly since a name means very many sites or unit types."""


@dataclass(eq=False)
class NoMatch(UsageProblem):
    """A name that nothing has, with the nearest names that something has."""

    kind: Literal["site", "unit type", "status", "sort", "unit", "word", "topic"]
    typed: str = field(repr=False)
    suggestions: tuple[str, ...] = ()


@dataclass(eq=False)
class Ambiguous(UsageProblem):
    """A part of a name that several things have."""

    kind: Literal["site", "unit type"]
    typed: str = field(repr=False)
    candidates: tuple[str, ...] = ()


@dataclass(eq=False)
class SeveralUnits(UsageProblem):
    """More than one reference, where one message shows one unit."""

    references: tuple[str, ...] = field(default=(), repr=False)


@dataclass(eq=False)
class StaleButton(Problem):
    """A button whose value this version of the bot cannot read."""


@dataclass(eq=False)
class ApprovalsOff(Problem):
    """A button of a request for approval, where the settings name no channel for these (any more)."""


@dataclass(eq=False)
class NotAllowed(Problem):
    """The person may not do this, or we could not find out whether they may."""

    because: Lack
    permission: str = ""
    """What was asked for, beyond looking."""
    carriers: tuple[str, ...] = ()
    """The roles that carry it."""
    rule: str = ""


@dataclass(eq=False)
class NotFound(Problem):
    """Stora has no such thing (any more)."""

    message: str = field(repr=False)
    request_id: str | None = None
    what: str = "thing"


@dataclass(eq=False)
class StoraBusy(Problem):
    """The company's budget of API calls is used up for now."""

    seconds: float
    """How long until a call may be made again."""


@dataclass(eq=False)
class StoraDown(Problem):
    """No usable answer came from Stora: no connection, no answer in time, a server error or gibberish."""

    cause: str
    """For the log: never shown to a person, never holds a body."""
    request_id: str | None = None
    foreign: bool = field(default=False, repr=False)
    """Whether something did answer, but not as Stora does: a proxy, a login page, another API."""


@dataclass(eq=False)
class StoraLogin(Problem):
    """Stora does not accept our token (401), or the token lacks a scope (403). An administrator must act."""

    status: int
    message: str = field(repr=False)
    request_id: str | None = None


@dataclass(eq=False)
class Refused(Problem):
    """Stora understood the request and said no: its own words, and the id its support asks for."""

    status: int
    code: str
    message: str = field(repr=False)
    details: tuple[str, ...] = field(default=(), repr=False)
    request_id: str | None = None


@dataclass(eq=False)
class OutcomeUnknown(Problem):
    """A write left for Stora and no answer came that tells whether it took effect."""

    cause: str
    """For the log."""
    request_id: str | None = None
    said: Refused | NotFound | None = field(default=None, repr=False)
    """How Stora refused a later request with the same key. The first may be under way still."""


@dataclass(eq=False)
class DatabaseUnusable(Problem):
    """The database cannot be reached, opened, migrated, or will not do what it was asked.

    Met while writing, it does not say whether the transaction counts: a connection may break after the `COMMIT` left.
    """

    reason: str
    """A sentence for the operator, without password and without a customer's data."""


class InventoryNotRead(Problem):
    """The units have not been read for the first time yet."""


@dataclass(eq=False)
class ModalRefused(Problem):
    """Slack did not open the dialog, most likely because its three seconds were over."""

    cause: str
    """For the log."""


@dataclass(eq=False)
class FileRefused(Problem):
    """Slack did not take a file."""

    cause: str
    """For the log."""
