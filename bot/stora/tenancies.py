"""The fresh copy of the current tenancies with their customers: Stora has no search for them."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.coalesce import Coalesced
from bot.core.problems import NotFound, Problem, StoraDown
from bot.core.tenancies import Tenancies, Tenancy
from bot.stora.client import StoraClient
from bot.stora.exchange import PERSON, SWEEP, Patience

log = structlog.get_logger(__name__)

WHOLE_EVERY = timedelta(hours=12)
"""How often all tenancies are read again: allocations made elsewhere show only then, and on each card."""
RETRY = 10.0
"""Seconds until a reading that failed is tried again."""
LATEST_EVERY = timedelta(seconds=20)
"""How often, at most, people who miss a new customer make us ask for the newest tenancies."""


class TenancyBook:
    """The current tenancies, newest read first; past ones are not kept.

    Attributes:
        known: What has been read so far.
    """

    def __init__(self, client: StoraClient, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._once = Coalesced()
        self._whole_at: datetime | None = None
        self._newest: datetime | None = None
        self.known = Tenancies({}, now(), complete=False)

    async def keep_fresh(self, every_seconds: float) -> None:
        """Read at once, then again and again. Runs until cancelled."""
        while True:
            try:
                await self.refresh()
            except Problem as problem:
                log.warning("tenancies not read", problem=repr(problem))
                await asyncio.sleep(min(RETRY, every_seconds))
            else:
                await asyncio.sleep(every_seconds)

    async def refresh(self) -> None:
        """Read what is new since the last reading; all of it the first time, and again twice a day.

        Raises:
            Problem: it could not be read to its end; what has been read so far is kept.
        """
        started = self._now()
        # Also when the clock has stepped back by so much.
        whole = self._whole_at is None or abs(started - self._whole_at) >= WHOLE_EVERY
        await self._once("refresh", lambda: self._refresh(SWEEP, started, whole=whole))

    async def look_for_new(self) -> None:
        """Somebody misses a customer: ask for the newest tenancies, unless that was done just now.

        Raises:
            Problem: why there is no answer.
        """
        started = self._now()
        if self.known.complete and abs(started - self.known.read_at) >= LATEST_EVERY:
            # Never the whole: three hundred calls would leave nothing to all the others.
            await self._once("latest", lambda: self._refresh(PERSON, started, whole=False))

    async def ask(self, tenancy_id: str) -> Tenancy:
        """One tenancy as Stora has it now.

        Raises:
            NotFound: there is none with this id.
            Problem: why there is no answer.
        """
        try:
            tenancy: Tenancy = await self._once(
                ("tenancy", tenancy_id), lambda: self._client.show_tenancy(tenancy_id, PERSON)
            )
        except NotFound:
            others = {known.id: known for known in self.known.by_id.values() if known.id != tenancy_id}
            self.known = Tenancies(others, self.known.read_at, self.known.complete)
            raise
        self.learn([tenancy])
        return tenancy

    def learn(self, tenancies: list[Tenancy]) -> None:
        """Take in what Stora said of these tenancies."""
        self.known = self._with(tenancies, self.known.read_at, complete=self.known.complete)

    async def _refresh(self, patience: Patience, started: datetime, *, whole: bool) -> None:
        known_until = None if whole else self._newest
        newest, left_out = self._newest, 0
        before: tuple[Tenancy, ...] = ()
        number: int | None = 1
        pages = 0
        while number is not None:
            page = await self._client.list_tenancies(patience, page=number)
            if page.items and page.items == before:
                raise StoraDown("the same page again")
            before, pages = page.items, pages + 1
            left_out += page.left_out
            self.known = self._with(page.items, started, complete=self.known.complete)
            created = [tenancy.created_at for tenancy in page.items]
            newest = max([*created, *([newest] if newest else [])], default=None)
            met = known_until is not None and any(moment <= known_until for moment in created)
            # A `next` behind an empty page would never end.
            number = page.next if not met and (page.items or page.left_out) else None
        self._newest = newest
        if whole:
            self._whole_at = started
        self.known = self._with((), started, complete=True)
        log.info("tenancies read", current=len(self.known.by_id), pages=pages, whole=whole, left_out=left_out)

    def _with(self, tenancies: tuple[Tenancy, ...] | list[Tenancy], read_at: datetime, *, complete: bool) -> Tenancies:
        by_id = dict(self.known.by_id)
        for tenancy in tenancies:
            known = by_id.get(tenancy.id)
            if known is None or known.updated_at <= tenancy.updated_at:
                by_id[tenancy.id] = tenancy
        now = self._now()
        current = {tenancy.id: tenancy for tenancy in by_id.values() if tenancy.is_current(now)}
        return Tenancies(current, read_at, complete)
