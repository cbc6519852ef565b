"""The database, as the one process on a SQLite file or one of several on PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.settings import Settings
from bot.start.refused import CannotStart
from bot.store.database import opened
from bot.store.kept import orphaned
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations


@asynccontextmanager
async def memory(settings: Settings, now: Callable[[], datetime]) -> AsyncIterator[AsyncEngine]:
    """The database, ready for use inside the block.

    Raises:
        CannotStart: it is not usable, or another process uses it alone.
    """
    try:
        async with opened(settings.database_url, alone=True) as engine:
            if engine.dialect.name == "sqlite":  # one process at a time: whatever is claimed is nobody's now
                await Reservations(engine).orphaned(now())
                await Outbox(engine).orphaned(now())
                await orphaned(engine, now())
            yield engine
    except DatabaseUnusable as problem:
        raise CannotStart(f"DATABASE_URL: {problem.reason}") from None
