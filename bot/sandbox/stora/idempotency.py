"""What Stora keeps of a POST with an `Idempotency-Key`: its first answer, replayed for a day (guide "Requests")."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.sandbox.stora.answers import Answer
from bot.sandbox.stora.refusals import Refusal

KEPT_SECONDS = 24 * 3600
"""How long an answer is replayed; afterwards its key is fresh again."""

_NEVER_KEPT = {401, 429}


@dataclass(frozen=True, slots=True)
class Posted:
    """What a key was first used for: the path and the body, byte for byte."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    posted: Posted
    at: float
    answer: asyncio.Future[Answer]


class Ledger:
    """The keys of the last 24 hours and their answers, failures included."""

    def __init__(self) -> None:
        """Build an empty ledger."""
        self._kept: dict[str, _Kept] = {}

    async def once(
        self, key: str, posted: Posted, now: float, act: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """Return the key's answer, and whether it is a replay.

        A key in flight is waited for. Stora does not say what another path or body under the same key gets; here it
        raises ``Refusal`` (422).
        """
        kept = self._kept.get(key)
        if kept is not None and now - kept.at < KEPT_SECONDS:
            if kept.posted != posted:
                raise Refusal("invalid_content", "This Idempotency-Key was already used for another request.")
            return await kept.answer, True
        acting = asyncio.ensure_future(act())
        self._kept[key] = _Kept(posted, now, acting)
        answer = await acting
        if answer.status in _NEVER_KEPT:
            del self._kept[key]
        return answer, False
