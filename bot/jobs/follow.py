"""Keep up with what other processes have changed: told by PostgreSQL at once, or by looking every second."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.stora.keeper import Follower
from bot.store.notices import noticing

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two looks where nothing was heard."""


@dataclass(frozen=True, slots=True)
class Follow:
    """The job."""

    engine: AsyncEngine
    follower: Follower
    every: float = EVERY

    async def run(self) -> None:
        """Until cancelled: listen, and follow."""
        while True:
            changed = asyncio.Event()
            try:
                async with noticing(self.engine, changed) as deaf:
                    while not deaf.is_set():
                        changed.clear()
                        await self.follower.catch_up()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self.every):
                                await changed.wait()
            except DatabaseUnusable as problem:
                log.warning("not following", reason=problem.reason)
            await asyncio.sleep(self.every)
