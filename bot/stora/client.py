"""One method for each question we ask Stora."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from bot.core.inventory import Site, Unit, UnitType
from bot.core.problems import NotFound, StoraBusy, StoraDown
from bot.core.tenancies import Tenancy
from bot.stora.backoffice import Backoffice
from bot.stora.endpoints import Endpoint, read_endpoint
from bot.stora.exchange import Exchange, Patience
from bot.stora.login import Login
from bot.stora.resources import read_site, read_unit_type, reading_tenancies, reading_units
from bot.stora.signed_in import SignedIn
from bot.stora.wire import Answer, Page, problem_in, read_one, read_page, retry_delay

LARGEST_PAGE = 100
"""Items that Stora gives in one answer at most."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class StoraClient:
    """The Stora Public API as far as the bot needs it. Methods carry the names of Stora's own pages."""

    exchange: Exchange
    login: Login
    version: str
    search_parameter: str
    """The reference page lost the name of its fuzzy search, so it is a setting."""
    backoffice_unit_path: str
    random: Callable[[], float] = random.random
    backoffice_tenancy_path: str = ""

    async def list_units(  # noqa: PLR0913 - every query parameter of the reference page, by its own name
        self,
        patience: Patience,
        *,
        page: int = 1,
        limit: int = 50,
        sort_by: Literal["created_at"] = "created_at",
        sort_direction: Literal["ASC", "DESC"] = "DESC",
        unit_type_id: Sequence[str] = (),
        site_id: Sequence[str] = (),
        expand: Sequence[str] = (),
        status: Sequence[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        search: str = "",
    ) -> Page[Unit]:
        """One page of the units that match (reference, list all units; scope `public.unit:read`).

        Args:
            patience: How long the asker can wait.
            page: From 1.
            limit: Units on a page, 1..100.
            sort_by: Stora can sort by nothing else.
            sort_direction: Newest first is Stora's default.
            unit_type_id: Any of these types; empty: all.
            site_id: Any of these sites; empty: all.
            expand: Related resources to include in full.
            status: Any of these statuses; empty: all.
            created_after: Inclusive.
            created_before: Exclusive.
            search: Part of a reference, matched loosely (beta).

        Raises:
            StoraBusy, StoraDown, StoraLogin, Refused: why there is no answer.
        """
        parameters = {
            "page": str(page),
            "limit": str(limit),
            "sort_by": sort_by,
            "sort_direction": sort_direction,
            "unit_type_id": ",".join(unit_type_id),
            "site_id": ",".join(site_id),
            "expand": ",".join(expand),
            "status": ",".join(status),
            "created_after": _instant(created_after),
            "created_before": _instant(created_before),
            self.search_parameter: search,
        }
        read = reading_units(self.backoffice_unit_path)
        return await self._get(
            "/units", patience, parameters, lambda answer: read_page(answer, "units", read, page=page, limit=limit)
        )

    async def show_unit(self, unit_id: str, patience: Patience) -> Unit:
        """One unit (reference, show a unit; scope `public.unit:read`).

        Raises:
            NotFound: Stora has no such unit.
            StoraBusy, StoraDown, StoraLogin, Refused: why there is no answer.
        """
        read = reading_units(self.backoffice_unit_path)
        with _called("unit"):
            return await self._get(f"/units/{unit_id}", patience, {}, lambda answer: read_one(answer, "unit", read))

    async def list_sites(self, patience: Patience, *, page: int = 1) -> Page[Site]:
        """One page of the operator's sites (reference, list all sites; scope `public.site:read`)."""
        return await self._list("sites", read_site, patience, page)

    async def list_unit_types(self, patience: Patience, *, page: int = 1) -> Page[UnitType]:
        """One page of the unit types (reference, list all unit types; scope `public.unit_type:read`)."""
        return await self._list("unit_types", read_unit_type, patience, page)

    async def list_tenancies(self, patience: Patience, *, page: int = 1) -> Page[Tenancy]:
        """One page of the tenancies with their contacts, newest first (reference, list all tenancies).

        Scopes `public.tenancy:read` and, for the contacts, `public.contact:read`. Stora can filter by nothing.
        """
        read = reading_tenancies(self.backoffice_tenancy_path)
        return await self._list("tenancies", read, patience, page, expand="contact")

    async def show_tenancy(self, tenancy_id: str, patience: Patience) -> Tenancy:
        """One tenancy with its contact (reference, show a tenancy; scopes as for the list).

        Raises:
            NotFound: Stora has no such tenancy.
            StoraBusy, StoraDown, StoraLogin, Refused: why there is no answer.
        """
        read = reading_tenancies(self.backoffice_tenancy_path)
        with _called("tenancy"):
            return await self._get(
                f"/tenancies/{tenancy_id}",
                patience,
                {"expand": "contact"},
                lambda answer: read_one(answer, "tenancy", read),
            )

    async def list_webhook_endpoints(self, patience: Patience, *, page: int = 1) -> Page[Endpoint]:
        """One page of the webhook endpoints (reference, list all; scope `public.webhook_endpoint:read`)."""
        parameters = {"page": str(page), "limit": str(LARGEST_PAGE)}
        return await self._get(
            "/webhook_endpoints",
            patience,
            parameters,
            lambda answer: read_page(answer, "endpoints", read_endpoint, page=page, limit=LARGEST_PAGE),
        )

    async def _list(
        self, name: str, read: Callable[[Any, Backoffice], Found], patience: Patience, page: int, *, expand: str = ""
    ) -> Page[Found]:
        parameters = {"page": str(page), "limit": str(LARGEST_PAGE), "expand": expand}
        return await self._get(
            f"/{name}",
            patience,
            parameters,
            lambda answer: read_page(answer, name, read, page=page, limit=LARGEST_PAGE),
        )

    async def _get(
        self, path: str, patience: Patience, parameters: Mapping[str, str], read: Callable[[Answer], Found]
    ) -> Found:
        """Ask, and ask again where that may help: a question changes nothing, and gibberish is no answer."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience.altogether if patience.altogether is not None else float("inf")
        given = {name: value for name, value in parameters.items() if value}
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout_at(deadline if patience.altogether is not None else None):
                    return read(await self._asked(f"/{self.version}{path}", patience, given))
            except TimeoutError:
                raise StoraDown("no answer in the time a person waits") from None
            except (StoraDown, StoraBusy) as problem:
                delay = retry_delay(problem, attempt, self.random(), patience.for_room)
                if delay is None or loop.time() + delay > deadline:
                    raise
                await asyncio.sleep(delay)

    async def _asked(self, path: str, patience: Patience, parameters: Mapping[str, str]) -> Answer:
        signed_in = SignedIn(self.exchange, self.login)
        answer = await signed_in(lambda http: http.build_request("GET", path, params=parameters), patience)
        problem = problem_in(answer)
        if problem is not None:
            raise problem
        return answer


async def read_to_the_end(ask: Callable[[int], Awaitable[Page[Found]]]) -> tuple[list[Found], int]:
    """Ask for page after page; returns the items in Stora's order, and how many could not be read.

    Raises:
        StoraDown: a page came twice, so that there would be no end.
        Problem: why a page could not be had.
    """
    found: list[Found] = []
    left_out = 0
    before: tuple[Found, ...] = ()
    number: int | None = 1
    while number is not None:
        page = await ask(number)
        if page.items and page.items == before:
            raise StoraDown("the same page again")
        before = page.items
        found += page.items
        left_out += page.left_out
        number = page.next if page.items or page.left_out else None  # a `next` behind an empty page would never end
    return found, left_out


@contextmanager
def _called(what: str) -> Iterator[None]:
    """Let a person read what it is that Stora does not have."""
    try:
        yield
    except NotFound as missing:
        missing.what = what
        raise


def _instant(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat().replace("+00:00", "Z")
