"""The fresh copy: what Stora has, kept in memory, so that looking costs nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.coalesce import Coalesced
from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.inventory import Inventory, Row, Unit
from bot.core.problems import NotFound, Problem
from bot.core.refresh import left_their_status, to_ask_again
from bot.core.search import Found, search_units
from bot.stora.client import LARGEST_PAGE, StoraClient, read_to_the_end
from bot.stora.exchange import PERSON, SWEEP, Patience

log = structlog.get_logger(__name__)

TOO_OLD = 2
"""Refresh periods after which a picture is no longer shown without asking Stora first."""
FIRST_RETRY, LAST_RETRY = 2.0, 60.0
"""Seconds until a failed sweep is tried again; doubled at each failure in a row."""


class Directory:
    """One picture of the inventory, replaced as a whole: nobody ever sees half of a sweep.

    Attributes:
        inventory: The last whole picture, however old; ``None`` until the first sweep has ended.
        names: The last known sites and unit types, as a picture without units; they are there before the units are.
        silent_since: When Stora first failed to answer a sweep, if it has not answered one since.
    """

    def __init__(self, client: StoraClient, refresh_seconds: float, now: Callable[[], datetime]) -> None:
        self._client = client
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._once = Coalesced()
        self._reading_took = timedelta()
        self._vanished: set[str] = set()
        self.inventory: Inventory | None = None
        self.names: Inventory | None = None
        self.silent_since: datetime | None = None

    @property
    def fresh(self) -> Inventory | None:
        """The picture, unless there is none yet or it is too old to be shown without asking Stora first."""
        picture = self.inventory
        # A picture is as old as the beginning of its reading, and a large inventory takes a quarter of an hour to read.
        limit = timedelta(seconds=TOO_OLD * self._refresh_seconds) + self._reading_took
        if picture is None or self._now() - picture.read_at > limit:
            return None
        return picture

    async def keep_fresh(self) -> None:
        """Sweep at once, then every refresh period; after a failure sooner. Runs until cancelled."""
        retry = FIRST_RETRY
        while True:
            try:
                await self.sweep()
            except Problem as problem:
                self.silent_since = self.silent_since or self._now()
                wait = min(retry, self._refresh_seconds)
                log.warning("sweep failed", problem=repr(problem), again_in=wait)
                await asyncio.sleep(wait)
                retry = min(retry * 2, LAST_RETRY)
            else:
                retry = FIRST_RETRY
                await asyncio.sleep(self._refresh_seconds)

    async def sweep(self) -> Inventory:
        """Read the whole inventory again; whoever asks meanwhile gets the same reading.

        Raises:
            Problem: why it could not be read to its end; the picture stays as it was.
        """
        return await self._once("sweep", self._sweep)

    async def _sweep(self) -> Inventory:
        read_at = self._now()
        self._vanished.clear()
        names = await self._names(SWEEP)

        # Oldest first: a unit that joins while we read comes last and moves nobody to another page.
        units, left_out = await read_to_the_end(
            lambda page: self._client.list_units(SWEEP, page=page, limit=LARGEST_PAGE, sort_direction="ASC")
        )
        _warn_of("units", left_out)
        picture = await self._joined(names, units, read_at)
        self._reading_took = self._now() - read_at
        self.inventory, self.silent_since = picture, None
        log.info("inventory read", sites=len(picture.sites), units=len(picture.units))
        return picture

    async def _joined(self, names: Inventory, units: list[Unit], read_at: datetime) -> Inventory:
        """The picture of a sweep, with what was learnt of single units since it began and also while we join it."""
        while True:
            known = self.inventory
            learnt, asked_again = known.lately_asked(read_at) if known else ([], {})
            still_there = [unit for unit in [*units, *learnt] if unit.id not in self._vanished]
            # Sorting fifty thousand references takes longer than a click should wait.
            picture = await asyncio.to_thread(
                Inventory.of, names.sites.values(), names.unit_types.values(), still_there, read_at, asked_again
            )
            if self.inventory is known:
                return picture

    async def known_names(self) -> Inventory:
        """Sites and unit types, read now if they have not been.

        Raises:
            Problem: they could not be read.
        """
        known = self.inventory or self.names
        return known if known is not None else await self._once("names", lambda: self._names(PERSON))

    async def _names(self, patience: Patience) -> Inventory:
        read_at = self._now()
        sites, left_out = await read_to_the_end(lambda page: self._client.list_sites(patience, page=page))
        _warn_of("sites", left_out)
        unit_types, left_out = await read_to_the_end(lambda page: self._client.list_unit_types(patience, page=page))
        _warn_of("unit types", left_out)
        self.names = Inventory.of(sites, unit_types, (), read_at)
        return self.names

    async def ask_units(self, query: UnitsQuery, page_size: int) -> Found:
        """Answer from Stora directly: one call, in Stora's own order, by the numbers of its pages.

        Raises:
            Problem: why there is no answer.
        """
        return await self._once(("units", query, page_size), lambda: self._ask_units(query, page_size))

    async def _ask_units(self, query: UnitsQuery, page_size: int) -> Found:
        names = await self.known_names()
        as_of = self._now()
        size = query.page_size(page_size)
        page = await self._client.list_units(
            PERSON,
            page=query.page,
            limit=size,
            sort_direction="ASC" if query.sort == "oldest" else "DESC",
            unit_type_id=query.unit_type_ids,
            site_id=query.site_ids,
            status=query.statuses,
            created_after=query.created_after,
            created_before=query.created_before,
            search=query.q or query.reference,
        )
        total = page.count if page.count is not None else (query.page - 1) * size + len(page.items)
        return Found(
            query=query,
            rows=tuple(names.row(unit) for unit in page.items),
            total=total,
            pages=max(1, -(-total // size), query.page if page.next is None else page.next),
            as_of=as_of,
        )

    async def ask_unit(self, unit_id: str) -> tuple[Row, datetime]:
        """One unit as Stora has it now, and since when; the picture learns of it too.

        Raises:
            NotFound: Stora has no such unit (any more).
            Problem: why there is no answer.
        """
        return await self._once(("unit", unit_id), lambda: self._ask_unit(unit_id))

    async def _ask_unit(self, unit_id: str) -> tuple[Row, datetime]:
        at = self._now()
        try:
            unit = await self._client.show_unit(unit_id, PERSON)
        except NotFound:
            if self.inventory:
                self.inventory = self.inventory.without(unit_id)
                self._vanished.add(unit_id)  # a sweep under way may have read it before
            raise
        self.learn([unit], at)
        return (await self.known_names()).row(unit), at

    async def refresh(self, intent: UnitsQuery | ShowUnit, page_size: int) -> None:
        """Ask Stora again, in one call, about what this intent shows.

        Raises:
            NotFound: the unit is gone.
            Problem: why there is no answer; the picture stays as it was.
        """
        if isinstance(intent, ShowUnit):
            await self.ask_unit(intent.unit_id)
        else:
            await self._once(("refresh", intent, page_size), lambda: self._refresh(intent, page_size))

    async def _refresh(self, query: UnitsQuery, page_size: int) -> None:
        picture, at = self.inventory, self._now()
        if picture is None:
            return
        shown = [row.unit for row in search_units(query, picture, page_size).rows]
        asked = to_ask_again(query, shown, picture, LARGEST_PAGE)
        page = await self._client.list_units(
            PERSON,
            limit=LARGEST_PAGE,
            unit_type_id=asked.unit_type_ids,
            site_id=asked.site_ids,
            status=asked.statuses,
            created_after=asked.created_after,
            created_before=asked.created_before,
        )
        whole = page.next is None and not page.left_out
        gone = left_their_status(asked, page.items, picture) if whole else []
        self.learn([*page.items, *gone], at)

    def learn(self, units: list[Unit], at: datetime) -> None:
        """Take in what Stora said of these units when it was asked at ``at``."""
        if self.inventory:
            self.inventory = self.inventory.succeeded(units, at)


def _warn_of(things: str, left_out: int) -> None:
    if left_out:
        log.warning("left out because they cannot be read", things=things, count=left_out)
