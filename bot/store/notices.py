"""Hear from PostgreSQL that another process has changed something."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.directory import CHANGED
from bot.store.unusable import explained


@asynccontextmanager
async def noticing(engine: AsyncEngine, changed: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Set ``changed`` at each change, with a connection of its own.

    Yields:
        An event that is set once nothing can be heard any more.

    Raises:
        DatabaseUnusable: it cannot be reached.
    """
    with explained():
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None  # noqa: S101 - it is connected
            deaf = asyncio.Event()
            driver.add_termination_listener(lambda *_: deaf.set())
            await driver.add_listener(CHANGED, lambda *_: changed.set())
            try:
                yield deaf
            finally:
                await connection.invalidate()  # nobody else must get a connection that listens
