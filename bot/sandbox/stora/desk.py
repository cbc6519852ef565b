"""Decide the answer of one request: rate limit, faults, token, key, endpoint, headers, scope, in this order."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from math import ceil

from bot.sandbox.stora.answers import Answer, json_answer, refused
from bot.sandbox.stora.calls import Call
from bot.sandbox.stora.faults import Delay, Faults, Status
from bot.sandbox.stora.grants import NOBODY, Grant, Tokens
from bot.sandbox.stora.idempotency import Ledger, Posted
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.refusals import Refusal
from bot.sandbox.stora.routes import Route
from bot.sandbox.stora.windows import Admission
from bot.sandbox.stora.world import World

_DID_NOT_ACT = Answer(500, b"")
_ACCEPTED = {"*/*", "application/*", "application/json"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its record, whether the limit admits it, body, repeated parameters, endpoint and ids."""

    received: Received
    admission: Admission
    raw: bytes
    repeated: tuple[str, ...]
    found: tuple[Route, tuple[str, ...]] | None

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return self.received.headers.get(name)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that has a say in an answer."""

    world: World
    faults: Faults
    tokens: Tokens
    ledger: Ledger
    now: Callable[[], float]

    async def answer(self, asked: Asked) -> Answer | None:
        """Return the answer, or None when the connection is to be closed without one."""
        admission = asked.admission
        if not admission.admitted:
            # A request that does not get past the limit uses up no fault: the fault waits for one that does.
            refusal = Refusal("too_many_requests", "Too many requests: wait until RateLimit-Reset.")
            return _with(admission, self._refused(refusal))
        method, route = asked.received.method, asked.received.route
        delay, damage = self.faults.take_delay(method, route), self.faults.take_damage(method, route)
        storas_own = damage if isinstance(damage, Status) and damage.is_kept else None
        if damage is None or damage.acts or storas_own is not None:
            answer = await self._keep(asked, delay, storas_own)
        else:
            await _pause(delay)
            answer = _DID_NOT_ACT
        answer = _with(admission, answer)
        if isinstance(damage, Status) and not damage.is_kept:
            answer = self._gateway(damage, answer)
        return answer if damage is None else damage.spoil(answer)

    async def _keep(self, asked: Asked, delay: Delay | None, failure: Status | None) -> Answer:
        """Act, unless an answer is kept under the request's key."""
        received = asked.received
        try:
            is_open = asked.found is not None and asked.found[0].open
            grant = NOBODY if is_open else self.tokens.grant(asked.header("Authorization"), received.at)
            act = partial(self._act, asked, grant, delay, failure)
            key = asked.header("Idempotency-Key")
            if key is None or received.method != "POST":
                return await act()
            _check_key(key)
            answer, received.replayed = await self.ledger.once(key, Posted(received.path, asked.raw), received.at, act)
        except Refusal as refusal:
            return self._refused(refusal)
        return answer

    async def _act(self, asked: Asked, grant: Grant, delay: Delay | None, failure: Status | None) -> Answer:
        await _pause(delay)
        try:
            if failure is None:
                return self._reply(asked, grant)
            if failure.acts:
                self._reply(asked, grant)
            raise failure.refusal()
        except Refusal as refusal:
            return self._refused(refusal)

    def _reply(self, asked: Asked, grant: Grant) -> Answer:
        if asked.found is None:
            raise Refusal("invalid_endpoint", f"There is no {asked.received.method} {asked.received.path}.")
        route, ids = asked.found
        _check_headers(asked)
        if asked.repeated:
            raise Refusal("invalid_url_param", f"{', '.join(asked.repeated)}: send several values as one comma list.")
        if route.scope is not None:
            grant.require(route.scope)
        reply = route.handler(Call(self.world, grant, ids, asked.received.query, asked.raw, self.now()))
        meta = {"request_id": self.world.new_uuid(), **reply.meta, "curies": self.world.curies}
        return json_answer(reply.status, reply.payload if route.bare else {**reply.payload, "meta": meta})

    def _refused(self, refusal: Refusal) -> Answer:
        return refused(refusal, self.world.new_uuid())

    def _gateway(self, damage: Status, answer: Answer) -> Answer:
        failed = self._refused(damage.refusal())
        headers = dict(answer.headers)
        if damage.code == HTTPStatus.TOO_MANY_REQUESTS:
            headers = {"RateLimit-Limit": "60", **headers, "RateLimit-Reset": str(ceil(self.now() + damage.reset_in))}
        return replace(failed, headers=headers)


async def _pause(delay: Delay | None) -> None:
    if delay is not None:
        await delay.wait()


def _with(admission: Admission, answer: Answer) -> Answer:
    return replace(answer, headers=admission.headers)


def _check_key(key: str) -> None:
    if not key.strip():
        raise Refusal("invalid_request", "The Idempotency-Key is empty.")


def _check_headers(asked: Asked) -> None:
    kinds = {_kind(each) for each in (asked.header("Accept") or "*/*").split(",")}
    if not kinds & _ACCEPTED:
        raise Refusal("invalid_format", f"Only application/json is served here, not {', '.join(sorted(kinds))}.")
    if asked.raw and _kind(asked.header("Content-Type") or "") != "application/json":
        raise Refusal("invalid_request", "The Content-Type of a body must be application/json.")


def _kind(text: str) -> str:
    return text.partition(";")[0].strip().lower()
