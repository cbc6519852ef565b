"""One HTTP exchange with Stora, inside the budget: a request leaves, an answer or a problem comes back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bot.core.problems import StoraDown
from bot.stora.budget import Budget, Priority
from bot.stora.wire import Answer, too_many_requests


@dataclass(frozen=True, slots=True)
class Patience:
    """How much an asker may wait for, in seconds."""

    priority: Priority
    for_room: float | None
    """For room in the budget; ``None``: as long as it takes."""
    altogether: float | None
    """For an answer, further attempts included."""


PERSON = Patience(Priority.PERSON, for_room=5, altogether=15)
"""Somebody looks at a screen; Slack has been acknowledged already. Room for one attempt that hangs, not for more: a
last known state, or a word that there is none, is worth more than another try."""
SWEEP = Patience(Priority.SWEEP, for_room=None, altogether=None)
PROBE = Patience(Priority.PERSON, for_room=1, altogether=10)
"""Nobody waits for long. Rare enough not to be in people's way, and sweeps that use up their half must not hide it."""


Heard = Callable[[httpx.Request, int | None], None]
"""Told of each request that left: with the answer's status, or ``None`` where none came."""


def nobody_listens(request: httpx.Request, status: int | None) -> None:
    """Keep nothing of it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The one place from which anything leaves for Stora."""

    http: httpx.AsyncClient
    budget: Budget
    timeout: float
    """Seconds for one attempt, from the request's first byte to the answer's last."""
    heard: Heard = nobody_listens

    async def __call__(self, request: httpx.Request, patience: Patience) -> Answer:
        """Send one request; every status is an answer.

        Raises:
            StoraBusy: no room in the budget within the asker's patience.
            StoraDown: no answer came. Whether Stora acted is not known.
        """
        async with self.budget.call(patience.priority, patience.for_room):
            status = None
            try:
                # httpx counts its time-outs from byte to byte; a trickle would never end.
                async with asyncio.timeout(self.timeout):
                    response = await self.http.send(request)
                status = response.status_code
            except (httpx.HTTPError, TimeoutError) as error:
                raise StoraDown(type(error).__name__) from None
            finally:
                self.heard(request, status)
            answer = Answer(response.status_code, response.headers, response.content)
            # Inside the block, so that nobody is admitted between the 429 and the waiting it asks for.
            wait = too_many_requests(answer)
            if wait is not None:
                self.budget.block(wait)
        return answer
