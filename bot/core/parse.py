"""Words and button values → intent. Raises nothing but usage problems and stale buttons."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.core.intents import Help, Sort, UnitsRequest
from bot.core.inventory import STATUSES
from bot.core.names import nearest
from bot.core.problems import (
    BadValue,
    GivenTwice,
    NoMatch,
    StaleButton,
    TooLarge,
    TooLong,
    TooManyValues,
    UnbalancedQuotes,
    UnknownArgument,
)

LONGEST_COMMAND = 1_000
"""Characters. Slack lets people paste 8,000; a command that long is a mistake."""
MOST_VALUES = 20
"""Values in one comma list: more would not fit the 2,000 characters of a paging button."""
LARGEST_PAGE = 1_000_000
BUTTON_VALUE_LIMIT = 2_000
"""Characters (Slack, button `value`)."""

UNITS_ARGUMENTS = ("site", "status", "type", "q", "created_after", "created_before", "sort", "limit", "page", "share")
ALIASES = {"size": "type"}
"""What people call an argument by another name: a unit type is found by its size, too."""
SORTS: tuple[Sort, ...] = ("reference", "newest", "oldest", "price")
STATUS_WORDS = {**{status: status for status in STATUSES}, "overlocked": "overlock", "any": ""}

# Phones and macOS change quotes, dashes and spaces before Slack sees them (errbot#1145, python-slack-sdk issues).
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u061c\u200b\u200c\u200e\u200f\u2060\ufeff", ""),
    }
)
# Slack writes these three and no others (formatting); `html.unescape` would read the `&not` in `R&notes`, too.
_ENTITY = re.compile("&(?:amp|lt|gt);")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SINGLE_QUOTED = re.compile(r"""("[^"]*")|(?<![^\s=,])'([^'"]*)'(?![^\s,])""")
_LOOSE_PUNCTUATION = re.compile(r"""("[^"]*")|\s*([,=])\s*""")
_COMMA_BETWEEN = re.compile(r"""("[^"]*")|,(?=[^\s"=,]+=|share(?:[\s,]|$))""", re.IGNORECASE)
_TOKEN = re.compile(r'(?:"[^"]*"|[^\s"])+')
NAMED = re.compile(r'([^\s"=,]+)=(.*)', re.DOTALL)
_LIST_ITEM = re.compile(r'(?:"[^"]*"|[^",])+')
_HELP = (["help"], ["?"], ["-h"], ["--help"], ["-help"])
"""The last: a phone has made one dash of two hyphens."""


def parse_units(text: str) -> UnitsRequest | Help:
    """Read the text behind `/units`.

    Raises:
        UsageProblem: the text cannot be understood.
    """
    tokens = split_words(text)
    if asks_for_help(tokens):
        return Help()
    named: dict[str, list[str]] = {}
    words: list[str] = []
    share = False
    for token in tokens:
        match = NAMED.fullmatch(token)
        if match:
            name = ALIASES.get(match[1].casefold(), match[1].casefold())
            if name not in UNITS_ARGUMENTS:
                raise UnknownArgument(match[1], nearest(name, (*UNITS_ARGUMENTS, *ALIASES)) or UNITS_ARGUMENTS)
            if name == "share":
                raise BadValue("share", unquoted(match[2]))
            named.setdefault(name, []).extend(values_of(name, match[2]))
        elif token.casefold() == "share":
            share = True
        else:
            words += items_of(token)
    if len(words) > MOST_VALUES:
        raise TooManyValues("words", MOST_VALUES)
    typed_statuses = named.get("status", [])
    bare_statuses = [word for word in words if word.casefold() in STATUS_WORDS]
    statuses = _statuses(typed_statuses + bare_statuses)
    created_after = _single(named, "created_after", _moment)
    created_before = _single(named, "created_before", _moment)
    if created_after and created_before and created_after >= created_before:
        raise BadValue("created_before", named["created_before"][0])
    return UnitsRequest(
        sites=tuple(named.get("site", ())),
        unit_types=tuple(named.get("type", ())),
        statuses=statuses,
        q=_single(named, "q", _part_of_reference) or "",
        created_after=created_after,
        created_before=created_before,
        sort=_single(named, "sort", _sort) or "reference",
        limit=_single(named, "limit", _whole_number_up_to(100)),
        page=_single(named, "page", _whole_number_up_to(LARGEST_PAGE)) or 1,
        share=share,
        words=tuple(word for word in words if word.casefold() not in STATUS_WORDS),
    )


Intent = TypeVar("Intent", bound=BaseModel)


def parse_button(intent: type[Intent], value: Any) -> Intent:
    """Read back what `pack_button` wrote, however old or edited it is.

    Raises:
        StaleButton: the value is not one of ours, or not of this version.
    """
    try:
        return intent.model_validate_json(value or "")
    except ValidationError:
        raise StaleButton from None


def pack_button(intent: BaseModel) -> str:
    """Write an intent as a button's value.

    Raises:
        TooLarge: the intent is larger than a button can carry.
    """
    value = intent.model_dump_json(exclude_defaults=True)
    if len(value) > BUTTON_VALUE_LIMIT:
        raise TooLarge
    return value


def tidy(text: str) -> str:
    """Undo what phones and Slack do to typed text: curly quotes, long dashes, odd spaces, `&amp;`."""
    return plain(_ENTITY.sub(lambda match: _ENTITIES[match[0]], text))


def plain(text: str) -> str:
    """Text in one line, with the quotes, dashes and spaces of a typewriter: as typed names and known ones compare."""
    return " ".join(_CONTROL.sub(" ", text.translate(_TYPOGRAPHY)).split())


def split_words(text: str) -> list[str]:
    """The words of a command as they were meant; a quoted part stays one word, its quotation marks still around it.

    Raises:
        TooLong, UnbalancedQuotes: it cannot be split.
    """
    text = tidy(text)
    if len(text) > LONGEST_COMMAND:
        raise TooLong(len(text), LONGEST_COMMAND)
    text = _SINGLE_QUOTED.sub(lambda match: match[1] or f'"{match[2]}"', text)
    if text.count('"') % 2:
        raise UnbalancedQuotes
    text = _LOOSE_PUNCTUATION.sub(lambda match: match[1] or match[2], text)
    text = _COMMA_BETWEEN.sub(lambda match: match[1] or " ", text)  # `site=Camden, status=any` is two arguments
    return _TOKEN.findall(text)


def asks_for_help(tokens: list[str]) -> bool:
    """Whether a command asks how it is used, and nothing else."""
    return [token.casefold() for token in tokens] in _HELP


def unquoted(text: str) -> str:
    """A word without quotation marks."""
    return text.replace('"', "").strip()


def items_of(token: str) -> list[str]:
    """What stands between the commas of a word."""
    return [item for item in map(unquoted, _LIST_ITEM.findall(token)) if item]


def values_of(name: str, text: str) -> list[str]:
    """The values of a comma list.

    Raises:
        BadValue, TooManyValues: there are none, or more than a button could carry.
    """
    values = items_of(text)
    if not values:
        raise BadValue(name, "")
    if len(values) > MOST_VALUES:
        raise TooManyValues(name, MOST_VALUES)
    return values


def _statuses(typed: list[str]) -> tuple[str, ...] | None:
    if not typed:
        return None
    found = []
    for status in typed:
        if status.casefold() not in STATUS_WORDS:
            raise NoMatch("status", status, nearest(status.casefold(), STATUS_WORDS) or tuple(STATUS_WORDS))
        found.append(STATUS_WORDS[status.casefold()])
    return () if "" in found else tuple(dict.fromkeys(found))


Value = TypeVar("Value")


def _single(named: dict[str, list[str]], name: str, read: Callable[[str, str], Value]) -> Value | None:
    values = named.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise GivenTwice(name)
    return read(name, values[0])


def _part_of_reference(name: str, typed: str) -> str:
    if len(typed) > 100:  # noqa: PLR2004 - no reference is that long, and it must fit a button beside the rest
        raise BadValue(name, typed)
    return typed


def _sort(_name: str, typed: str) -> Sort:
    for sort in SORTS:
        if typed.casefold() == sort:
            return sort
    raise NoMatch("sort", typed, nearest(typed.casefold(), SORTS) or SORTS)


def _whole_number_up_to(largest: int) -> Callable[[str, str], int]:
    def read(name: str, typed: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", typed) or not 1 <= int(typed) <= largest:
            raise BadValue(name, typed)
        return int(typed)

    return read


def _moment(name: str, typed: str) -> datetime:
    try:
        moment = datetime.fromisoformat(typed)
        # A date, or a time without a zone, is read as UTC: the zone of every time that Stora prints.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: a zone that carries the first or last day out of the calendar
        raise BadValue(name, typed) from None
