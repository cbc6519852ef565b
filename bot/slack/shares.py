"""Remember what is shown to everybody in a channel, so that it can be kept true."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from bot.core.intents import ShowUnit, UnitsQuery
from bot.core.parse import pack_button
from bot.core.problems import DatabaseUnusable, StaleButton
from bot.render.shared import drawn_for_all
from bot.stora.directory import Directory
from bot.store.shown import Shown


@dataclass(frozen=True, slots=True)
class Shares:
    """Lists and cards in channels. Looking goes on without our memory: what is not remembered stays as it is."""

    shown: Shown
    directory: Directory
    page_size: int
    now: Callable[[], datetime]

    async def posted(self, channel_id: str, ts: str, intent: UnitsQuery | ShowUnit) -> None:
        """A message has been posted."""
        with suppress(DatabaseUnusable):
            await self.shown.remember(channel_id, ts, pack_button(intent), self._unit_ids(intent), self.now())

    async def turned(self, channel_id: str, ts: str, intent: UnitsQuery | ShowUnit) -> None:
        """Somebody has pressed a button in it, and it shows this now."""
        with suppress(DatabaseUnusable):
            await self.shown.turned(channel_id, ts, pack_button(intent), self._unit_ids(intent))

    def _unit_ids(self, intent: UnitsQuery | ShowUnit) -> tuple[str, ...]:
        with suppress(StaleButton):
            if self.directory.inventory is not None:
                return drawn_for_all(pack_button(intent), self.directory.inventory, self.page_size)[1]
        return ()
