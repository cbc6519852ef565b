"""What can go wrong between the bot and Stora, armed on purpose by a test or by the demo's side panel."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Generic, TypedDict, TypeVar, Unpack

from bot.sandbox.stora.answers import Answer
from bot.sandbox.stora.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait ``seconds`` (None: until lifted) before anything else happens."""

    seconds: float | None
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        """Return when the time is over or the delay is lifted."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.lifted.wait(), self.seconds)


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer; ``acts``: after the request took effect."""

    acts: bool

    def spoil(self, _answer: Answer) -> None:
        """Leave nothing."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with an error; ``acts``: although the request took effect; ``reset_in`` seconds are for 429."""

    code: int
    acts: bool
    reset_in: float

    @property
    def is_kept(self) -> bool:
        """Whether Stora itself gives this answer, so that an `Idempotency-Key` replays it; a gateway's is not kept."""
        return self.code in _STORAS_OWN

    def refusal(self) -> Refusal:
        """Return what is answered."""
        return Refusal(*_FAILURES[self.code], status=self.code)

    def spoil(self, answer: Answer) -> Answer:
        """Return the answer as it is, because it was made from ``refusal``."""
        return answer


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer 200 with a page of HTML, as a proxy does; the request takes no effect."""

    acts: bool = False

    def spoil(self, _answer: Answer) -> Answer:
        """Return the page."""
        return Answer(200, _PAGE_OF_A_PROXY, "text/html")


@dataclass(frozen=True, slots=True)
class Truncated:
    """Take effect, then cut the JSON in the middle; the length fits the cut body."""

    acts: bool = True

    def spoil(self, answer: Answer) -> Answer:
        """Return the first half."""
        return replace(answer, body=answer.body[: len(answer.body) // 2])


@dataclass(frozen=True, slots=True)
class Empty:
    """Take effect, then answer 200 with no body at all."""

    acts: bool = True

    def spoil(self, answer: Answer) -> Answer:
        """Return the headers only."""
        return replace(answer, status=200, body=b"")


Damage = Drop | Status | Garbage | Truncated | Empty

_FAILURES = {
    401: ("invalid_token", "The access token is unknown or was revoked."),
    403: ("forbidden", "The access token does not allow this."),
    409: ("conflict", "The unit was changed by somebody else in the meantime."),
    422: ("invalid_content", "Stora does not accept this content."),
    429: ("too_many_requests", "Too many requests: wait until RateLimit-Reset."),
    500: ("internal_server_error", "Something went wrong at Stora."),
    502: ("internal_server_error", "Stora's gateway got no answer."),
    503: ("internal_server_error", "Stora is down for maintenance."),
}
_PAGE_OF_A_PROXY = b"<!doctype html><title>Sign in to the network</title><p>Please sign in to continue.</p>"
_STORAS_OWN = {403, 409, 422, 500}

EffectT = TypeVar("EffectT")


class Aim(TypedDict, total=False):
    """Which requests a fault hits: how many (default 1, None: until cleared), which method, which route template."""

    times: int | None
    method: str | None
    route: str | None


@dataclass(slots=True)
class _Rule(Generic[EffectT]):
    sentence: str
    effect: EffectT
    times: int | None = 1
    method: str | None = None
    route: str | None = None

    def hits(self, method: str, route: str) -> bool:
        return self.times != 0 and self.method in (None, method) and self.route in (None, route)

    def describe(self) -> str:
        where = " ".join(filter(None, (self.method, self.route))) or "any request"
        often = "until cleared" if self.times is None else f"{self.times} to go"
        return f"{self.sentence}: {where}, {often}"


class Faults:
    """Faults in the order in which they were armed: a request takes the first delay and the first damage that fit it.

    Every method takes an ``Aim``: ``times``, ``method`` and ``route`` (a template such as `/units/{unit_id}/reserve`).
    A request that the rate limit refuses takes no fault.
    """

    def __init__(self) -> None:
        """Build without any fault; ``down`` is the switch that closes every connection at once."""
        self.down = False
        self._delays: list[_Rule[Delay]] = []
        self._damages: list[_Rule[Damage]] = []

    def slow(self, seconds: float, **aim: Unpack[Aim]) -> None:
        """Wait so many seconds, then act and answer; the same `Idempotency-Key` meanwhile waits too."""
        self._delays.append(_Rule(f"answers {seconds:g} s late", Delay(seconds), **aim))

    def hold(self, **aim: Unpack[Aim]) -> asyncio.Event:
        """Wait until the returned event is set (or the faults are cleared), then act and answer."""
        delay = Delay(None)
        self._delays.append(_Rule("does not answer", delay, **aim))
        return delay.lifted

    def drop_before(self, **aim: Unpack[Aim]) -> None:
        """Close the connection before the request takes effect."""
        self._damages.append(_Rule("hangs up before acting", Drop(acts=False), **aim))

    def drop_after(self, **aim: Unpack[Aim]) -> None:
        """Let the request take effect, then close the connection without an answer."""
        self._damages.append(_Rule("acts, then hangs up", Drop(acts=True), **aim))

    def status(self, code: int, *, acts: bool = False, reset_in: float = 1.0, **aim: Unpack[Aim]) -> None:
        """Answer 401, 403, 409, 422, 429 (``reset_in`` seconds to go), 500, 502 or 503 in Stora's shape.

        With ``acts`` the request takes effect all the same. Stora's own 403, 409, 422 and 500 are kept and replayed
        under an `Idempotency-Key`; the others are not. Raises ``ValueError`` for another code.
        """
        if code not in _FAILURES:
            raise ValueError(f"no fault answers {code}; choose one of {', '.join(map(str, _FAILURES))}")
        sentence = f"acts, then answers {code}" if acts else f"answers {code}"
        self._damages.append(_Rule(sentence, Status(code, acts, reset_in), **aim))

    def garbage(self, **aim: Unpack[Aim]) -> None:
        """Answer 200 with HTML, as a proxy's login page does, without acting."""
        self._damages.append(_Rule("answers HTML", Garbage(), **aim))

    def truncated(self, **aim: Unpack[Aim]) -> None:
        """Act, then answer JSON that is cut in the middle, with the length of what is left."""
        self._damages.append(_Rule("answers half of the JSON", Truncated(), **aim))

    def empty(self, **aim: Unpack[Aim]) -> None:
        """Act, then answer with an empty body."""
        self._damages.append(_Rule("answers nothing in the body", Empty(), **aim))

    def clear(self) -> None:
        """Forget all faults, let everything go on that waits, and be up."""
        for rule in self._delays:
            rule.effect.lifted.set()
        self._delays.clear()
        self._damages.clear()
        self.down = False

    def armed(self) -> list[str]:
        """Return one line for each fault that can still hit, e.g. `answers 503: GET /units, 1 to go`."""
        rules: list[_Rule[Delay] | _Rule[Damage]] = [*self._delays, *self._damages]
        return [rule.describe() for rule in rules if rule.times != 0]

    def take_delay(self, method: str, route: str) -> Delay | None:
        """Use up and return the first delay that hits this request."""
        return _take(self._delays, method, route)

    def take_damage(self, method: str, route: str) -> Damage | None:
        """Use up and return the first damage that hits this request."""
        return _take(self._damages, method, route)


def _take(rules: Iterable[_Rule[EffectT]], method: str, route: str) -> EffectT | None:
    for rule in rules:
        if rule.hits(method, route):
            if rule.times is not None:
                rule.times -= 1
            return rule.effect
    return None
