"""Behind the scenes: what passes between the bot and its neighbours, what it owes, and Stora's bad days."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora

SHOWN = 60
"""How many of the newest requests and calls are shown."""
LATE_SECONDS = 6.0
_RESERVE = "/units/{unit_id}/reserve"
_DAYS = {
    "slow": "Slow",
    "down": "Down",
    "lost": "Next answer lost",
    "taken": "Unit taken first",
    "limit": "Limit used up",
    "colleague": "Colleague reserves",
    "well": "All well again",
}


@dataclass(slots=True)
class Backstage:
    """The side panel. ``owed`` reads what the bot has announced or still has to."""

    slack: SandboxSlack
    stora: SandboxStora
    owed: Callable[[], Awaitable[list[Json]]]
    now: Callable[[], float]
    _said: str = ""
    _rivals: set[asyncio.Task[None]] = field(default_factory=set)

    async def shown(self) -> Json:
        """Everything that the panel shows, the newest first."""
        faults = self.stora.faults
        return {
            "days": [{"name": name, "label": label} for name, label in _DAYS.items()],
            "armed": [
                *(["Stora is down"] if faults.down else []),
                *(["a rival waits for the next reservation"] if any(not each.done() for each in self._rivals) else []),
                *faults.armed(),
            ],
            "said": self._said,
            "stora": [_request(each) for each in reversed(self.stora.received[-SHOWN:])],
            "slack": [
                {"what": call.method, "status": call.status, "error": (call.answer or {}).get("error"), "at": call.at}
                for call in reversed(self.slack.calls[-SHOWN:])
            ],
            "owed": await self.owed(),
        }

    def play(self, day: str) -> None:
        """Let this happen to Stora; ``KeyError`` for what cannot."""
        faults = self.stora.faults
        match day:
            case "slow":
                faults.slow(LATE_SECONDS, times=None)
                self._said = f"From now on, Stora answers {LATE_SECONDS:g} s late."
            case "down":
                faults.down = True
                self._said = "Stora hangs up on everybody."
            case "lost":
                faults.drop_after(method="POST", route=_RESERVE)
                self._said = "The next reservation takes effect, but its answer is lost."
            case "taken":
                self._rivals.add(asyncio.create_task(self._take_first()))
                self._said = "A colleague will be faster with the next unit that is confirmed."
            case "limit":
                self.stora.use_up_limit()
                self._said = "Somebody's script has used up this minute's requests."
            case "colleague":
                self._said = self._colleague()
            case "well":
                self._send_home()
                faults.clear()
                self._said = "Stora is well again. A limit that is used up comes back within a minute."
            case _:
                raise KeyError(f"no day is called {day!r}; there are {', '.join(_DAYS)}")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Until the block ends, colleagues may be faster."""
        try:
            yield
        finally:
            await asyncio.gather(*self._send_home(), return_exceptions=True)

    def _send_home(self) -> set[asyncio.Task[None]]:
        """Nobody is faster any more; answers who was waiting."""
        rivals, self._rivals = self._rivals, set()
        for task in rivals:
            task.cancel()
        return rivals

    async def _take_first(self) -> None:
        """Hold the next reservation back, give its unit to somebody else, and let it go on."""
        go_on = self.stora.faults.hold(method="POST", route=_RESERVE)
        before = len(self.stora.received)
        while not (found := [each for each in self.stora.received[before:] if each.route == _RESERVE]):
            await self.stora.arrived(len(self.stora.received) + 1)
        unit = self.stora.world.units[found[0].path.split("/")[-2]]
        self._give(unit, but=(found[0].body or {}).get("tenancy_id"))
        go_on.set()

    def _colleague(self) -> str:
        """Somebody in the Backoffice reserves the first available unit of the first site where a customer waits."""
        world = self.stora.world
        for site in world.sites.values():
            units = [each for each in world.units.values() if each["site"]["id"] == site["id"]]
            for unit in sorted(units, key=lambda each: str(each["reference_id"])):
                if unit["status"] == "available" and self._give(unit):
                    return f"A colleague has reserved {unit['reference_id']} at {site['name']} in the Backoffice."
        return "No customer waits for any unit."

    def _give(self, unit: Json, but: str | None = None) -> bool:
        """Reserve a unit for somebody who waits at its site, other than ``but``; whether there was one."""
        world, at = self.stora.world, datetime.fromtimestamp(self.now(), UTC)
        for tenancy in world.tenancies.values():
            waits = not tenancy["unit_allocations"] and tenancy["ends_at"] is None
            if waits and tenancy["site"] == unit["site"] and tenancy["id"] != but and unit["status"] == "available":
                world.reserve(unit["id"], tenancy["id"], at)
                return True
        return False


def _request(received: Received) -> dict[str, Any]:
    return {
        "what": f"{received.method} {received.path.split('/', 2)[-1]}",
        "query": "&".join(f"{key}={value}" for key, value in received.query.items()),
        "status": received.status,
        "replayed": received.replayed,
        "left": received.left,
        "at": received.at,
    }
