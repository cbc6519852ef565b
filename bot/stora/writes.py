"""What changes something at Stora: each write has an `Idempotency-Key`, and is sent again only if no answer came."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from bot.core.inventory import Unit
from bot.core.problems import NotFound, OutcomeUnknown, Problem, Refused, StoraDown
from bot.stora.budget import Priority
from bot.stora.endpoints import Endpoint, read_endpoint
from bot.stora.exchange import Patience
from bot.stora.resources import reading_units
from bot.stora.signed_in import SignedIn
from bot.stora.wire import ATTEMPTS, Answer, object_in, problem_in, read_one

Found = TypeVar("Found")

WRITE = Patience(Priority.WRITE, for_room=20, altogether=None)


@dataclass(frozen=True, slots=True)
class StoraWrites:
    """Stora's writes as far as the bot needs them.

    ``again`` says of a write that a request with the same key may have left before, and its answer been lost.
    """

    signed_in: SignedIn
    version: str
    backoffice_unit_path: str
    random: Callable[[], float] = random.random

    async def reserve_unit(self, unit_id: str, tenancy_id: str, idempotency_key: str, *, again: bool = False) -> Unit:
        """Hold a unit for a tenancy (reference, reserve a unit; scope `public.unit:write`).

        Raises:
            Refused, NotFound, StoraLogin, StoraBusy: it did not take effect.
            OutcomeUnknown: nobody knows whether it did.
        """
        return await self._unit(f"/units/{unit_id}/reserve", {"tenancy_id": tenancy_id}, idempotency_key, again=again)

    async def deallocate_unit(self, unit_id: str, idempotency_key: str, *, again: bool = False) -> Unit:
        """Take a unit back from its tenancy (reference, deallocate a unit: no body; scope `public.unit:write`).

        Raises:
            Refused, NotFound, StoraLogin, StoraBusy: it did not take effect.
            OutcomeUnknown: nobody knows whether it did.
        """
        return await self._unit(f"/units/{unit_id}/deallocate", None, idempotency_key, again=again)

    async def create_note(self, resource_id: str, content: str, idempotency_key: str) -> None:
        """Leave a note on a unit (reference, create a note; scope `public.note:write`).

        Raises:
            Refused, NotFound, StoraLogin, StoraBusy: there is no note.
            OutcomeUnknown: nobody knows whether there is.
        """
        body = {"content": content, "resource": {"id": resource_id}}
        await self._posted("/notes", body, idempotency_key, _any_object, again=False)

    async def create_webhook_endpoint(
        self, url: str, event_types: Sequence[str], name: str, idempotency_key: str
    ) -> Endpoint:
        """Have Stora send these events to ``url``; the answer holds the secret, this once (reference: webhooks).

        Scope `public.webhook_endpoint:write`.

        Raises:
            Refused, NotFound, StoraLogin, StoraBusy: there is no such endpoint.
            OutcomeUnknown: nobody knows whether there is.
        """
        body = {"name": name, "api_version": self.version, "url": url, "event_types": list(event_types)}
        return await self._posted(
            "/webhook_endpoints",
            body,
            idempotency_key,
            lambda answer: read_one(answer, "endpoint", read_endpoint),
            again=False,
        )

    async def _unit(self, path: str, body: Mapping[str, Any] | None, idempotency_key: str, *, again: bool) -> Unit:
        read = reading_units(self.backoffice_unit_path)
        return await self._posted(
            path, body, idempotency_key, lambda answer: read_one(answer, "unit", read), again=again
        )

    async def _posted(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        idempotency_key: str,
        read: Callable[[Answer], Found],
        *,
        again: bool,
    ) -> Found:
        """Send, and send again with the same key while no answer comes.

        Stora keeps its first answer for 24 hours and gives it to every request with that key, failures included
        (reference, requests): sending again can neither act twice nor turn a refusal into a success. A server error
        is an answer too; the same would come again.
        """
        left = again

        def build(http: httpx.AsyncClient) -> httpx.Request:
            nonlocal left
            left = True  # from here on; what fails before, such as fetching a token, has not reached Stora
            headers = {"Idempotency-Key": idempotency_key}
            return http.build_request("POST", f"/{self.version}{path}", json=body, headers=headers)

        attempt = 0
        while True:
            attempt += 1
            lost_before = left
            try:
                answer = await self.signed_in(build, WRITE)
                problem = problem_in(answer)
                if problem is None:
                    return read(answer)
            except StoraDown as lost:  # no answer, or one that was cut off on its way
                if attempt == ATTEMPTS:
                    raise OutcomeUnknown(lost.cause) from None
                await asyncio.sleep(0.2 * 2**attempt * (0.5 + self.random()))
            except Problem as unsent:
                raise _what_it_means(unsent, lost_before=lost_before) from None
            else:
                raise _what_it_means(problem, lost_before=lost_before)


def _any_object(answer: Answer) -> None:
    """A success in JSON: a proxy's login page has the status of one too."""
    if object_in(answer) is None:
        raise StoraDown("no JSON object in the answer")


def _what_it_means(problem: Problem, *, lost_before: bool) -> Problem:
    """What a problem says of the outcome.

    Only of the first request does it say that nothing happened: once an answer was lost, a later `401`, `429` or even
    `409` speaks of the later request, while the first may have taken effect or be under way still.
    """
    if isinstance(problem, StoraDown):
        return OutcomeUnknown(problem.cause, problem.request_id)
    if not lost_before:
        return problem
    said = problem if isinstance(problem, Refused | NotFound) else None
    return OutcomeUnknown(type(problem).__name__, getattr(problem, "request_id", None), said)
