"""The company's calls to Stora, counted in PostgreSQL for all processes together, by the database's own clock."""

import asyncio

import structlog
from sqlalchemy import Double, Executable, cast, delete, extract, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.core.windows import MARGIN, MINUTE, Priority, Windows
from bot.store.schema import holds, stora_calls
from bot.store.transactions import reading, writing

log = structlog.get_logger(__name__)

LOCK = 0x63616C6C  # "call"
"""Whoever lets a call go holds the advisory lock of this number."""
SLOW = 2.0
"""Seconds that a process which is not frozen needs at most from counting a call to sending it."""
FURTHEST = 600.0
"""Seconds. Nobody asks for a longer hold; what seems to be one was asked for before the clock stepped back."""
HOLD = "stora"

NOW = cast(extract("epoch", func.clock_timestamp()), Double)
HELD_UNTIL = select(holds.c.until).where(holds.c.name == HOLD).scalar_subquery()
# A replica that is frozen here must not keep the others from Stora for longer than this.
ALONE = text("SELECT pg_advisory_xact_lock(:lock), set_config('idle_in_transaction_session_timeout', :slow, true)")


class SharedCalls:
    """The ledger of all processes on one PostgreSQL. Bound to the running event loop.

    Args:
        engine: The database.
        windows: Of the budget; they are filled anew at each look.
        timeout: Seconds that a call takes at most. One whose process died counts as answered only after that.
        slow: Seconds that may pass between counting a call and its departure: who was frozen in between asks again.
    """

    def __init__(self, engine: AsyncEngine, windows: Windows, timeout: float, slow: float = SLOW) -> None:
        self._engine = engine
        self._windows = windows
        self._slow = slow
        self._lost_after = timeout + slow
        self._clock = asyncio.get_running_loop().time
        self._owed: set[asyncio.Task[None]] = set()

    async def leave(self, priority: Priority) -> int | None:
        """Count one call that leaves now, if there is room for it among everybody's; its number, else ``None``.

        Raises:
            DatabaseUnusable: nobody knows whether there is room.
        """
        async with writing(self._engine) as connection:
            await connection.execute(ALONE, {"lock": LOCK, "slow": f"{1000 * self._slow:.0f}"})
            looked_at = self._clock()
            now = await self._counted(connection)
            here = self._clock()
            if self._windows.opens_at(here, priority) > here:
                return None
            number = await connection.scalar(insert(stora_calls).values(left_at=now).returning(stora_calls.c.id))
        assert number is not None  # noqa: S101 - an insert that returns has returned
        if self._clock() - looked_at > self._slow:
            self.withdrawn(number)
            return None
        self._windows.leave()
        return int(number)

    def answered(self, number: int) -> None:
        """That call's answer has come; should it not get recorded, the call counts until it must be over."""
        self._record(update(stora_calls).where(stora_calls.c.id == number).values(answered_at=NOW))

    def withdrawn(self, number: int) -> None:
        """That call was not made after all."""
        self._record(delete(stora_calls).where(stora_calls.c.id == number))

    def hold(self, seconds: float) -> None:
        """Nobody may leave for so long."""
        asked = postgresql.insert(holds).values(name=HOLD, until=NOW + seconds)
        until = asked.excluded.until
        self._record(
            asked.on_conflict_do_update(
                index_elements=[holds.c.name],
                set_={"until": until},
                where=or_(holds.c.until < until, holds.c.until > until + FURTHEST),
            )
        )

    async def look(self) -> None:
        """Find out what counts by now.

        Raises:
            DatabaseUnusable: it could not be found out.
        """
        async with reading(self._engine) as connection:
            await self._counted(connection, tidy=False)

    async def settled(self) -> None:
        """Return when everything that was to be recorded has been, or could not be."""
        while self._owed:
            await asyncio.wait(self._owed)

    def _record(self, statement: Executable) -> None:
        """In the background: nobody's answer waits for it."""
        task = asyncio.ensure_future(self._recorded(statement))
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)

    async def _recorded(self, statement: Executable) -> None:
        try:
            async with writing(self._engine) as connection:
                await connection.execute(statement)
        except DatabaseUnusable as problem:
            log.warning("call not recorded", reason=problem.reason)

    async def _counted(self, connection: AsyncConnection, *, tidy: bool = True) -> float:
        """Fill the windows with what counts for all processes; returns the database's time."""
        calls = (await connection.execute(select(stora_calls.c.left_at, stora_calls.c.answered_at))).all()
        now, held_until = (await connection.execute(select(NOW, HELD_UNTIL))).one()
        shift = self._clock() - now
        over = func.coalesce(stora_calls.c.answered_at, stora_calls.c.left_at + self._lost_after)
        ends = []
        in_flight = spent = ahead = 0
        for left_at, answered_at in calls:
            end = left_at + self._lost_after if answered_at is None else answered_at
            in_flight += end > now
            if end <= now:
                ends.append(end + shift)
            spent += end <= now - MINUTE - MARGIN
            ahead += left_at > now
        if tidy and ahead:
            # The clock has stepped back. When these left nobody can tell any more, but it was before now.
            await connection.execute(
                update(stora_calls).where(stora_calls.c.left_at > now).values(left_at=now, answered_at=now)
            )
        if tidy and spent:
            await connection.execute(delete(stora_calls).where(over <= now - MINUTE - MARGIN))
        # From here on nothing is waited for: a look that is older must not come between this and what follows from it.
        self._windows.recount(ends, in_flight)
        if held_until is not None and held_until < now + FURTHEST:
            self._windows.hold(held_until + shift)
        return float(now)
