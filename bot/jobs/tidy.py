"""Forget, several times a day, what nobody needs any more."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.store.tidy import tidy

log = structlog.get_logger(__name__)

EVERY = 6 * 3600.0
"""Seconds between two turns."""


@dataclass(frozen=True, slots=True)
class Tidy:
    """The job."""

    engine: AsyncEngine
    now: Callable[[], datetime]
    every: float = EVERY

    async def run(self) -> None:
        """Until cancelled: at once, then again and again."""
        while True:
            try:
                await tidy(self.engine, self.now())
            except DatabaseUnusable as problem:
                log.warning("not tidied", reason=problem.reason)
            await asyncio.sleep(self.every)
