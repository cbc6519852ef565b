"""What is being worked on, so that a shutdown can let it finish."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class InFlight:
    """Handlers at work. Bolt starts them and forgets them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deadline: float | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the current task as at work inside the block."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    def left(self, seconds: float) -> float:
        """What is left of so many seconds since this was asked for the first time: since the shutdown began."""
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + seconds
        return max(0.0, self._deadline - now)

    async def finished(self, seconds: float) -> bool:
        """Wait until nobody is at work, at most until so long after the shutdown began; whether that came true."""
        left = self.left(seconds)
        if not self._tasks:
            return True
        _, unfinished = await asyncio.wait(self._tasks, timeout=left)
        return not unfinished
