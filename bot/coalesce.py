"""Do once what several ask for at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

Result = TypeVar("Result")


class Coalesced:
    """Work under way, by key: whoever asks for the same key while it runs waits for the same result."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def __call__(self, key: Hashable, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of ``work``, or of the same key's work that runs already. Raises what the work raises.

        The work goes on when one of those who wait for it is cancelled: the others still want it.
        """
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.ensure_future(work())
            running.add_done_callback(lambda _: self._running.pop(key))
            # Everybody who waited may have left by then; a failure nobody asks for must not be reported as lost.
            running.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.wait((running,))  # which leaves it alone when this waiter is cancelled
        result: Result = running.result()
        return result
