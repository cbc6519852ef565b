"""How Stora talks: envelopes, pages, errors, links, and when to try again. Pure.

Strict where a wrong guess would hurt, tolerant elsewhere: unknown fields are ignored, every member of `meta` and every
link may be absent, and an item that cannot be read is left out and counted rather than failing its whole page.
"""

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from bot.core.inventory import ID, Price, Site, Unit, UnitType
from bot.core.problems import NotFound, Problem, Refused, StoraBusy, StoraDown, StoraLogin
from bot.core.tenancies import Tenancy

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

    `RateLimit-Reset` is an epoch second of Stora's clock, so it is read against the answer's own `Date`.
    """
    if answer.status != 429:  # noqa: PLR2004 - Too Many Requests
        return None
    try:
        reset = float(answer.headers["RateLimit-Reset"])
    except (KeyError, ValueError):
        reset = math.nan
    if math.isnan(reset):
        return 1.0  # undocumented, but a second is the shorter of Stora's two windows
    try:
        then = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        then = now()
    return min(max(reset - then, 0.0), LONGEST_BLOCK) + 0.1


def _if_readable(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


IfReadable = WrapValidator(_if_readable)
"""What cannot be read counts as absent, and costs nothing else in the answer."""


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
            return StoraDown(f"HTTP {status}", error.request_id)


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


class _Curie(BaseModel):
    name: str
    href: str


class _Pagination(BaseModel):
    count: Annotated[int | None, IfReadable] = None
    pages: Annotated[int | None, IfReadable] = None
    next: object = None
    """Documented as null at the end and as nothing else; a page number, presumably."""


class _Meta(BaseModel):
    request_id: Annotated[str | None, IfReadable] = None
    curies: Annotated[tuple[Annotated[_Curie | None, IfReadable], ...] | None, IfReadable] = None
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
    answer: Answer, key: str, read: Callable[[Any, "Backoffice"], Item], *, page: int, limit: int
) -> Page[Item]:
    """Read the page of a list that was asked for by these numbers.

    Raises:
        StoraDown: the answer is no list of that kind.
    """
    body, meta = _envelope(answer)
    resources = body.get(key)
    if not isinstance(resources, list):
        raise StoraDown(f"no {key} in the answer", meta.request_id)
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


def read_one(answer: Answer, key: str, read: Callable[[Any, "Backoffice"], Item]) -> Item:
    """Read a single resource.

    Raises:
        StoraDown: the answer holds none that can be read.
    """
    body, meta = _envelope(answer)
    for item in _readable([body.get(key)], read, Backoffice.of(meta)):
        return item
    raise StoraDown(f"no {key} in the answer", meta.request_id)


def _readable(
    resources: list[Any], read: Callable[[Any, "Backoffice"], Item], backoffice: "Backoffice"
) -> Iterator[Item]:
    for resource in resources:
        try:
            yield read(resource, backoffice)
        except ValidationError:
            continue


def _envelope(answer: Answer) -> tuple[dict[str, Any], _Meta]:
    body = object_in(answer)
    if body is None:
        raise StoraDown("no JSON object in the answer")
    meta = body.get("meta")
    return body, _Meta.model_validate(meta if isinstance(meta, dict) else {})


Id = Annotated[str, StringConstraints(pattern=ID)]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ADDRESS = re.compile(r"https?://[!#-;=?-{}~]+")
"""A web address as it may stand in a message: printable ASCII without spaces, quotes, angle brackets and pipes."""


@dataclass(frozen=True, slots=True)
class Backoffice:
    """Where the Backoffice is, as this very answer says: its host is never written into the bot."""

    template: str | None

    @classmethod
    def of(cls, meta: _Meta) -> "Backoffice":
        """Find the `bo` curie."""
        for curie in meta.curies or ():
            if curie and curie.name == "bo" and "{rel}" in curie.href:
                return cls(curie.href)
        return cls(None)

    def url(self, links: Mapping[str, "_Link | None"], otherwise: str) -> str | None:
        """The resource's own `bo:` link, else the path from the settings; ``None`` where neither leads anywhere."""
        if self.template is None:
            return None
        own = [link.href for rel, link in links.items() if link and rel.startswith("bo:")]
        for path in (*own, otherwise):
            # Plain replacement: real hrefs hold `?` and `&`, which URI templates would escape (reference, responses).
            url = self.template.replace("{rel}", path)
            # A path and nothing else: `@evil.example` or `.evil.example` behind the host would lead to another one.
            if path.startswith("/") and ADDRESS.fullmatch(url):
                return url
        return None


class _Link(BaseModel):
    href: str


class _Resource(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Id


class _Named(_Resource):
    name: str | None = None


class _Money(BaseModel):
    amount: int
    currency: Annotated[str | None, IfReadable] = None
    formatted: Annotated[str | None, IfReadable] = None

    @property
    def written_out(self) -> str:
        """The amount in major units, where Stora does not write it out itself."""
        return f"{self.amount / 100:.2f} {self.currency or ''}".rstrip()


class _Price(BaseModel):
    billing_period: str
    price: _Money


class _UnitType(_Named):
    size_description: str | None = None
    prices: Annotated[tuple[Annotated[_Price | None, IfReadable], ...] | None, IfReadable] = None
    site_id: str | None = Field(default=None, validation_alias=AliasPath("site", "id"))


class _Unit(_Resource):
    reference_id: str | None = None
    status: str | None = None
    site_id: str | None = Field(default=None, validation_alias=AliasPath("site", "id"))
    unit_type_id: str | None = Field(default=None, validation_alias=AliasPath("unit_type", "id"))
    created_at: datetime | None = None
    updated_at: datetime | None = None
    allocation_id: str | None = Field(default=None, validation_alias=AliasPath("unit_allocation", "id"))
    links: Annotated[dict[str, Annotated[_Link | None, IfReadable]] | None, IfReadable] = Field(
        default=None, validation_alias="_links"
    )


def read_site(resource: Any, _backoffice: Backoffice) -> Site:
    """Read one item of `sites`."""
    site = _Named.model_validate(resource)
    return Site(site.id, site.name or site.id)


def read_unit_type(resource: Any, _backoffice: Backoffice) -> UnitType:
    """Read one item of `unit_types`."""
    found = _UnitType.model_validate(resource)
    return UnitType(
        id=found.id,
        name=found.name or found.id,
        size_description=found.size_description or "",
        prices=tuple(
            Price(price.billing_period, price.price.amount, price.price.formatted or price.price.written_out)
            for price in found.prices or ()
            if price
        ),
        site_id=found.site_id or "",
    )


def reading_units(backoffice_unit_path: str) -> Callable[[Any, Backoffice], Unit]:
    """A reader of units, for a given `BACKOFFICE_UNIT_PATH`."""

    def read_unit(resource: Any, backoffice: Backoffice) -> Unit:
        found = _Unit.model_validate(resource)
        return Unit(
            id=found.id,
            reference_id=found.reference_id or found.id,
            status="overlock" if found.status == "overlocked" else found.status or "",
            site_id=found.site_id or "",
            unit_type_id=found.unit_type_id or "",
            created_at=_utc(found.created_at),
            updated_at=_utc(found.updated_at),
            backoffice_url=backoffice.url(found.links or {}, backoffice_unit_path.replace("{id}", found.id)),
            allocation_id=found.allocation_id or "",
        )

    return read_unit


class _Contact(_Resource):
    full_name: str | None = None
    email: str | None = None


class _Tenancy(_Resource):
    contact: _Contact
    site_id: str | None = Field(default=None, validation_alias=AliasPath("site", "id"))
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    unit_allocations: tuple[_Resource, ...] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


def read_tenancy(resource: Any, _backoffice: Backoffice) -> Tenancy:
    """Read one item of `tenancies`, its contact expanded; a contact that is a mere stub has no name."""
    found = _Tenancy.model_validate(resource)
    return Tenancy(
        id=found.id,
        contact_id=found.contact.id,
        customer=found.contact.full_name or found.contact.email or found.contact.id,
        email=found.contact.email or "",
        site_id=found.site_id or "",
        starts_at=found.starts_at and _utc(found.starts_at),
        ends_at=found.ends_at and _utc(found.ends_at),
        allocations=tuple(allocation.id for allocation in found.unit_allocations or ()),
        created_at=_utc(found.created_at),
        updated_at=_utc(found.updated_at),
    )


def _utc(moment: datetime | None) -> datetime:
    """Times without a zone are UTC; a unit without a time is as old as can be, so that any other knowledge wins."""
    if moment is None:
        return EPOCH
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
