"""The fresh copy of the current tenancies with their customers: Stora has no search for them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.coalesce import Coalesced
from bot.core.kept import Changes, Reading, Seen, shown
from bot.core.problems import NotFound, Problem
from bot.core.tenancies import Tenancies, Tenancy
from bot.stora.client import StoraClient
from bot.stora.exchange import PERSON, SWEEP, Patience
from bot.stora.keeper import Follower
from bot.stora.recorder import Recorder
from bot.stora.sweeps import Sweep, keep_fresh, left_of
from bot.stora.wire import Page

log = structlog.get_logger(__name__)

WHOLE_EVERY = timedelta(hours=12)
"""How often all tenancies are read again: allocations made elsewhere show only then, and on each card."""
LATEST_EVERY = timedelta(seconds=20)
"""How often, at most, people who miss a new customer make us ask for the newest tenancies."""


class TenancyBook:
    """The current tenancies, newest read first; past ones are not kept.

    Attributes:
        known: What has been read so far.
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
        self._follower = follower
        self._recorder = recorder
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._once = Coalesced()
        self._looked_at: datetime | None = None
        self._sweep = Sweep("tenancies", self._page, _nothing_first, follower, now, WHOLE_EVERY)
        self.known = Tenancies({}, now(), complete=False)
        follower.tell(self._follow)

    async def keep_fresh(self) -> None:
        """Read whenever what is known is older than a refresh period. Runs until cancelled."""
        period = timedelta(seconds=self._refresh_seconds)
        await keep_fresh(lambda: self._refreshed(self._now() - period), self._due, _failed, self._refresh_seconds)

    async def refresh(self) -> None:
        """Read what is new since the last reading; all of it the first time, and again twice a day.

        Raises:
            Problem: it could not be read to its end; what has been read so far is kept.
        """
        await self._refreshed(self._now())

    async def look_for_new(self) -> None:
        """Somebody misses a customer: ask for the newest tenancies, unless that was done just now.

        Raises:
            Problem: why there is no answer.
        """
        looks = (self.known.read_at, self._looked_at or self.known.read_at)
        if self.known.complete and all(abs(self._now() - at) >= LATEST_EVERY for at in looks):
            await self._once("latest", self._look_for_new)

    async def _look_for_new(self) -> None:
        at = self._now()
        page = await self._client.list_tenancies(PERSON, page=1)
        self._looked_at = at
        self.learn(page.items)
        self._recorder.note(shown(each, at) for each in page.items)

    async def ask(self, tenancy_id: str, patience: Patience = PERSON) -> Tenancy:
        """One tenancy as Stora has it now.

        Raises:
            NotFound: there is none with this id.
            Problem: why there is no answer.
        """
        return await self._once(("tenancy", tenancy_id), lambda: self._ask(tenancy_id, patience))

    def learn(self, tenancies: Sequence[Tenancy]) -> None:
        """Show what Stora said of these tenancies; to keep it is somebody else's."""
        self.known = self._with(tenancies)

    async def _ask(self, tenancy_id: str, patience: Patience) -> Tenancy:
        at = self._now()
        try:
            tenancy = await self._client.show_tenancy(tenancy_id, patience)
        except NotFound:
            known = self.known.by_id.get(tenancy_id)
            if known:
                self.known = self._with((), gone={tenancy_id})
                self._recorder.note([Seen(known, at, gone=True)])
            raise
        self.learn([tenancy])
        self._recorder.note([shown(tenancy, at)])
        return tenancy

    async def _refreshed(self, since: datetime) -> None:
        await self._once("refresh", lambda: self._sweep.run(since))

    async def _page(self, page: int) -> Page[Tenancy]:
        return await self._client.list_tenancies(SWEEP, page=page)

    def _due(self) -> float:
        read = self._follower.readings.get("tenancies")
        return 0.0 if read is None else left_of(self._refresh_seconds, read.read_at, self._now())

    async def _follow(self, changes: Changes) -> None:
        seen = [one.thing for one in changes.seen if isinstance(one.thing, Tenancy) and not one.gone]
        gone = {one.thing.id for one in changes.seen if isinstance(one.thing, Tenancy) and one.gone}
        read = changes.readings.get("tenancies")
        if read is not None and (read.read_at, True) != (self.known.read_at, self.known.complete):
            self.known = Tenancies(self.known.by_id, read.read_at, complete=True)  # the first reading is a whole one
        if seen or gone:
            self.known = self._with(seen, gone)

    def _with(self, tenancies: Iterable[Tenancy], gone: Collection[str] = ()) -> Tenancies:
        by_id = dict(self.known.by_id)
        for tenancy in tenancies:
            known = by_id.get(tenancy.id)
            if known is None or known.updated_at <= tenancy.updated_at:
                by_id[tenancy.id] = tenancy
        now = self._now()
        current = {id_: each for id_, each in by_id.items() if each.is_current(now) and id_ not in gone}
        return Tenancies(current, self.known.read_at, self.known.complete)


async def _nothing_first(_reading: Reading) -> None:
    """A tenancy comes with all that is said of it."""


def _failed(problem: Problem, wait: float) -> None:
    log.warning("tenancies not read", problem=repr(problem), again_in=wait)
