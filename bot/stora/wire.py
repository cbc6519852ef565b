"""How Stora talks: envelopes, pages, errors, and when to try again. Pure.

Strict where a wrong guess would hurt, tolerant elsewhere: unknown fields are ignored, every member of `meta` may be
absent, and an item that cannot be read is left out and counted rather than failing its whole page.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from bot.core.problems import NotFound, Problem, Refused, StoraBusy, StoraDown, StoraLogin
from bot.stora.backoffice import Backoffice, Curies
from bot.stora.readable import IfReadable

ATTEMPTS = 3
"""How often a question is asked before its asker is told that there is no answer."""
LONGEST_BLOCK = 300.0
"""Seconds: a `RateLimit-Reset` further away is a clock gone wrong, for Stora's windows are a second and a minute."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it was."""

    status: int
    # Neither in a repr, which may end in a log: a body holds customers or a token.
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


def object_in(answer: Answer) -> dict[str, Any] | None:
    """The JSON object that an answer holds; ``None`` where there is none: HTML, half of it, or nothing at all."""
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def too_many_requests(answer: Answer, now: Callable[[], float] = time.time) -> float | None:
    """Seconds until calls are welcome again after a 429; ``None`` for any other answer.

    `RateLimit-Reset` is an epoch second of Stora's clock, so it is read against the answer's own `Date`. A gateway
    before Stora may say `Retry-After` instead (RFC 9110, 10.2.3), of which only the form in seconds is read.
    """
    if answer.status != 429:  # noqa: PLR2004 - Too Many Requests
        return None
    reset = _number(answer.headers, "RateLimit-Reset")
    if reset is None:
        wait = _number(answer.headers, "Retry-After")
        if wait is None:
            return 1.0  # undocumented, but a second is the shorter of Stora's two windows
    else:
        try:
            wait = reset - parsedate_to_datetime(answer.headers["Date"]).timestamp()
        except (KeyError, ValueError):
            wait = reset - now()
    return min(max(wait, 0.0), LONGEST_BLOCK) + 0.1


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(headers[name])
    except (KeyError, ValueError):
        return None
    return None if math.isnan(number) else number


class _Detail(BaseModel):
    message: str


class _Error(BaseModel):
    code: Annotated[str | None, IfReadable] = None
    message: Annotated[str | None, IfReadable] = None
    request_id: Annotated[str | None, IfReadable] = None
    details: Annotated[tuple[Annotated[_Detail | None, IfReadable], ...] | None, IfReadable] = None


def problem_in(answer: Answer) -> Problem | None:
    """What an answer that is no success means; ``None`` for a success (Stora API reference, errors)."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 - success
        return None
    body = object_in(answer) or {}
    said = body.get("error")
    if isinstance(said, str):  # as token endpoints everywhere say it (RFC 6749, 5.2)
        said = {"code": said, "message": body.get("error_description") or said}
    error = _Error.model_validate(said if isinstance(said, dict) else {})
    message = error.message or ""
    match answer.status:
        case 401 | 403:
            return StoraLogin(answer.status, message, error.request_id)
        case 429:
            return StoraBusy(too_many_requests(answer) or 0.0)
        case 404 if error.code == "resource_not_found":
            return NotFound(message, error.request_id)
        case status if 400 <= status < 500 and (message or error.code):  # noqa: PLR2004 - the request was at fault
            details = tuple(detail.message for detail in error.details or () if detail)
            return Refused(status, error.code or "", message or str(error.code), details, error.request_id)
        case status:
            # A server error may come from a gateway of Stora's.
            return StoraDown(f"HTTP {status}", error.request_id, foreign=status < 500)  # noqa: PLR2004


def retry_delay(problem: Problem, attempt: int, jitter: float, for_room: float | None) -> float | None:
    """Seconds until a question is asked again, or ``None`` if that would not help.

    Args:
        problem: Why there is no answer.
        attempt: How often the question has been asked, from 1.
        jitter: From 0 to 1; spreads out those who failed together.
        for_room: Seconds that the asker waits for room in the budget; ``None``: as long as it takes. Who cannot wait
            is told, instead of being left hanging.
    """
    if attempt >= ATTEMPTS:
        return None
    match problem:
        case StoraDown():
            return 0.2 * 2.0**attempt * (0.5 + jitter)
        case StoraBusy(seconds=seconds) if for_room is None or seconds <= for_room:
            return seconds + jitter
        case _:
            return None


class _Pagination(BaseModel):
    count: Annotated[int | None, IfReadable] = None
    pages: Annotated[int | None, IfReadable] = None
    next: object = None
    """Documented as null at the end and as nothing else; a page number, presumably."""


class _Meta(Curies):
    request_id: Annotated[str | None, IfReadable] = None
    pagination: Annotated[_Pagination | None, IfReadable] = None


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list."""

    items: tuple[Item, ...]
    count: int | None
    """Items on all pages, as Stora counts them, if it says."""
    next: int | None
    """The number of the next page; ``None`` on the last."""
    left_out: int = 0
    """Items that could not be read."""


def read_page(
    answer: Answer, key: str, read: Callable[[Any, Backoffice], Item], *, page: int, limit: int
) -> Page[Item]:
    """Read the page of a list that was asked for by these numbers.

    Raises:
        StoraDown: the answer is no list of that kind.
    """
    body, meta = _envelope(answer)
    resources = body.get(key)
    if not isinstance(resources, list):
        raise StoraDown(f"no {key} in the answer", meta.request_id, foreign=True)
    items = tuple(_readable(resources, read, Backoffice.of(meta)))
    return Page(
        items=items,
        count=meta.pagination.count if meta.pagination else None,
        next=_page_after(page, meta.pagination, full=len(resources) == limit),
        left_out=len(resources) - len(items),
    )


def _page_after(page: int, pagination: _Pagination | None, *, full: bool) -> int | None:
    """The number of the page that follows. Where Stora does not say, a full page has one and another has not.

    A list longer than the limit has none either: it is not paged at all.
    """
    if pagination and pagination.pages is not None:
        more = page < pagination.pages
    elif pagination and "next" in pagination.model_fields_set:
        more = bool(pagination.next)
    else:
        more = full
    return page + 1 if more else None


def read_one(answer: Answer, key: str, read: Callable[[Any, Backoffice], Item]) -> Item:
    """Read a single resource.

    Raises:
        StoraDown: the answer holds none that can be read.
    """
    body, meta = _envelope(answer)
    for item in _readable([body.get(key)], read, Backoffice.of(meta)):
        return item
    raise StoraDown(f"no {key} in the answer", meta.request_id)


def _readable(resources: list[Any], read: Callable[[Any, Backoffice], Item], backoffice: Backoffice) -> Iterator[Item]:
    for resource in resources:
        try:
            yield read(resource, backoffice)
        except ValidationError:
            continue


def _envelope(answer: Answer) -> tuple[dict[str, Any], _Meta]:
    body = object_in(answer)
    if body is None:
        raise StoraDown("no JSON object in the answer", foreign=True)
    meta = body.get("meta")
    return body, _Meta.model_validate(meta if isinstance(meta, dict) else {})
