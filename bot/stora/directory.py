"""The fresh copy: what Stora has, kept in memory, so that looking costs nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.coalesce import Coalesced
from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.inventory import Inventory, Row, Site, Unit, UnitType
from bot.core.kept import Changes, Reading, Seen, Thing
from bot.core.problems import DatabaseUnusable, NotFound, Problem
from bot.core.refresh import left_their_status, to_ask_again
from bot.core.search import Found, search_units
from bot.stora.client import LARGEST_PAGE, StoraClient, read_to_the_end
from bot.stora.exchange import PERSON, SWEEP, Patience
from bot.stora.keeper import Follower
from bot.stora.recorder import Recorder
from bot.stora.sweeps import Sweep, keep_fresh, left_of, warn_of
from bot.stora.wire import Page

log = structlog.get_logger(__name__)

TOO_OLD = 2
"""Refresh periods after which a picture is no longer shown without asking Stora first."""
TOO_OLD_AT_LEAST = 120.0
"""Seconds, while sweeps succeed: they may use half of a minute's calls, which is too little for periods of seconds."""
MANY = 500
"""Changes that are worked into the picture beside the loop: sorting fifty thousand references takes longer than a
click should wait."""


class Directory:
    """One picture of the inventory, which follows what is kept.

    Attributes:
        inventory: What is known, however old; ``None`` until a whole reading has ended, here or in an earlier life.
        names: The known sites and unit types, as a picture without units; they are there before the units are.
        silent_since: When Stora first failed to answer a sweep, if it has not answered one since.
    """

    def __init__(
        self,
        client: StoraClient,
        follower: Follower,
        recorder: Recorder,
        refresh_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._once = Coalesced()
        self._reading_took = timedelta()
        self._before_whole: dict[str, Unit] = {}
        self.inventory: Inventory | None = None
        self.names: Inventory | None = None
        self.silent_since: datetime | None = None
        self._follower = follower
        self._sweep = Sweep("units", self._page, self._names_first, follower, now)
        follower.tell(self._follow)

    @property
    def fresh(self) -> Inventory | None:
        """The picture, unless there is none yet or it is too old to be shown without asking Stora first."""
        picture = self.inventory
        # A picture is as old as the beginning of its reading, and a large inventory takes a quarter of an hour to read.
        at_least = 0.0 if self.silent_since else TOO_OLD_AT_LEAST
        limit = timedelta(seconds=max(TOO_OLD * self._refresh_seconds, at_least)) + self._reading_took
        if picture is None or self._now() - picture.read_at > limit:
            return None
        return picture

    async def keep_fresh(self) -> None:
        """Sweep whenever the picture is older than a refresh period; after a failure sooner. Runs until cancelled."""
        period = timedelta(seconds=self._refresh_seconds)
        await keep_fresh(
            lambda: self._once("sweep", lambda: self._swept(self._now() - period)),
            self._due,
            self._failed,
            self._refresh_seconds,
        )

    async def sweep(self) -> Inventory:
        """Read the whole inventory again; whoever asks meanwhile gets the same reading.

        Raises:
            Problem: why it could not be read to its end; what has been read so far is kept.
        """
        return await self._once("sweep", lambda: self._swept(self._now()))

    async def _swept(self, since: datetime) -> Inventory:
        await self._sweep.run(since)
        self.silent_since = None
        assert self.inventory is not None  # noqa: S101 - a reading has ended, and `run` has caught up
        return self.inventory

    def _due(self) -> float:
        read = self._follower.readings.get("units")
        return 0.0 if read is None else left_of(self._refresh_seconds, read.read_at, self._now())

    def _failed(self, problem: Problem, wait: float) -> None:
        if not isinstance(problem, DatabaseUnusable):
            self.silent_since = self.silent_since or self._now()
        log.warning("sweep failed", problem=repr(problem), again_in=wait)

    async def _page(self, page: int) -> Page[Unit]:
        # Oldest first: a unit that joins while we read comes last and moves nobody to another page.
        return await self._client.list_units(SWEEP, page=page, limit=LARGEST_PAGE, sort_direction="ASC")

    async def _names_first(self, reading: Reading) -> None:
        if not reading.resumed or self.names is None:
            await self._read_names(SWEEP)

    async def _follow(self, changes: Changes) -> None:
        """Take in what has changed in what is kept, whichever process changed it."""
        self._follow_names(changes)
        read = changes.readings.get("units")
        seen = [(one.thing, one.at) for one in changes.seen if isinstance(one.thing, Unit) and not one.gone]
        gone = {one.thing.id for one in changes.seen if isinstance(one.thing, Unit) and one.gone}
        if read is None:  # half a sweep is shown to nobody
            known = self._before_whole | {unit.id: unit for unit, _ in seen}
            self._before_whole = {unit_id: unit for unit_id, unit in known.items() if unit_id not in gone}
            return
        self._reading_took = read.took
        if self.inventory is None or len(seen) > MANY:
            await self._rebuilt([unit for unit, _ in seen], gone, read.read_at)
        elif seen or gone or read.read_at != self.inventory.read_at:
            self.inventory = self.inventory.followed(seen, gone, read_at=read.read_at)

    def _follow_names(self, changes: Changes) -> None:
        sites = {one.thing.id: one.thing for one in changes.seen if isinstance(one.thing, Site) and not one.gone}
        types = {one.thing.id: one.thing for one in changes.seen if isinstance(one.thing, UnitType) and not one.gone}
        gone = {one.thing.id for one in changes.seen if one.gone}
        moments = [one.at for one in changes.seen if isinstance(one.thing, Site | UnitType)]
        if not moments:
            return
        known = self.names or Inventory.of((), (), (), min(moments))
        self.names = Inventory.of(
            [site for site_id, site in (known.sites | sites).items() if site_id not in gone],
            [each for type_id, each in (known.unit_types | types).items() if type_id not in gone],
            (),
            max(moments),
        )
        if self.inventory:
            self.inventory = self.inventory.named(self.names.sites.values(), self.names.unit_types.values())

    async def _rebuilt(self, seen: list[Unit], gone: set[str], read_at: datetime) -> None:
        """Sort everything anew, and take in what is learnt of single units while we do."""
        while True:
            known, waiting, names = self.inventory, self._before_whole, self.names
            named = names or Inventory.of((), (), (), read_at)
            before = known.units if known else waiting.values()
            units = [unit for unit in [*before, *seen] if unit.id not in gone]
            asked_again = {unit_id: at for unit_id, at in known.asked_again.items() if at > read_at} if known else {}
            picture = await asyncio.to_thread(
                Inventory.of, named.sites.values(), named.unit_types.values(), units, read_at, asked_again
            )
            if (self.inventory, self._before_whole, self.names) == (known, waiting, names):
                self.inventory, self._before_whole = picture, {}
                return

    async def known_names(self) -> Inventory:
        """Sites and unit types, read now if they have not been.

        Raises:
            Problem: they could not be read.
        """
        known = self.inventory or self.names
        return known if known is not None else await self._once("names", lambda: self._read_names(PERSON))

    async def _read_names(self, patience: Patience) -> Inventory:
        """Read the sites and unit types.

        Raises:
            Problem: they could not be read to their end.
        """
        read_at = self._now()
        sites, left_out = await read_to_the_end(lambda page: self._client.list_sites(patience, page=page))
        warn_of("sites", left_out)
        unit_types, left_out = await read_to_the_end(lambda page: self._client.list_unit_types(patience, page=page))
        warn_of("unit types", left_out)
        known = self.names
        names = Inventory.of(sites, unit_types, (), read_at)
        self.names = names
        if self.inventory:
            self.inventory = self.inventory.named(sites, unit_types)
        before: list[Thing] = [*known.sites.values(), *known.unit_types.values()] if known else []
        left = [thing for thing in before if thing.id not in names.sites and thing.id not in names.unit_types]
        now: list[Thing] = [*sites, *unit_types]
        self._recorder.note(Seen(thing, read_at) for thing in now)
        self._recorder.note(Seen(thing, read_at, gone=True) for thing in left)
        return names

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

    async def ask_unit(self, unit_id: str, patience: Patience = PERSON) -> tuple[Row, datetime]:
        """One unit as Stora has it now, and since when; the picture learns of it too.

        Raises:
            NotFound: Stora has no such unit (any more).
            Problem: why there is no answer.
        """
        return await self._once(("unit", unit_id), lambda: self._ask_unit(unit_id, patience))

    async def _ask_unit(self, unit_id: str, patience: Patience) -> tuple[Row, datetime]:
        at = self._now()
        try:
            unit = await self._client.show_unit(unit_id, patience)
        except NotFound:
            known = self.unit(unit_id)
            if known:
                self._recorder.note([Seen(known, at, gone=True)])
            if self.inventory:
                self.inventory = self.inventory.without(unit_id)
            else:
                self._before_whole = {id_: unit for id_, unit in self._before_whole.items() if id_ != unit_id}
            raise
        self.learn([unit], at)
        self._recorder.note([Seen(unit, at)])
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
        # Not those that left their status: to what they have changed is not known, so there is nothing to keep.
        self._recorder.note([Seen(unit, at) for unit in page.items])

    def learn(self, units: list[Unit], at: datetime) -> None:
        """Show what Stora said of these units when it was asked at ``at``; to keep it is somebody else's."""
        if self.inventory:
            self.inventory = self.inventory.succeeded(units, at)
        else:
            self._before_whole = self._before_whole | {unit.id: unit for unit in units}

    def unit(self, unit_id: str) -> Unit | None:
        """The unit as it was last seen, also while the first sweep is under way."""
        return self.inventory.unit(unit_id) if self.inventory else self._before_whole.get(unit_id)
