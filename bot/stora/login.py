"""How we prove who we are: a static access token, or OAuth 2 client credentials renewed before they end."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import SecretStr

from bot.coalesce import Coalesced
from bot.core.problems import StoraDown
from bot.stora.budget import Priority
from bot.stora.exchange import Exchange, Patience
from bot.stora.wire import object_in, problem_in

SCOPES = (
    "public.contact:read",
    "public.site:read",
    "public.tenancy:read",
    "public.unit:read",
    "public.unit:write",
    "public.unit_type:read",
)
"""What the bot asks Stora for; the token request must name every scope (reference, OAuth 2)."""
NOTES = "public.note:write"
"""What it takes to leave notes, beyond that: a client that lacks a scope which the request names gets no token."""

RENEW_BEFORE = 300.0
"""Seconds before its end at which a token is renewed."""
LIFETIME = 7200.0
"""Seconds that a token lives, where the answer does not say (reference, authentication)."""


class Login(Protocol):
    """Whatever gives us a token."""

    async def token(self, patience: Patience) -> str:
        """A token that should be good."""

    async def renewed(self, refused: str, patience: Patience) -> str | None:
        """Another token in place of one that Stora has just refused; ``None`` if there is no other."""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """An access token made in the Backoffice. It ends when somebody there says so."""

    secret: SecretStr

    async def token(self, patience: Patience) -> str:  # noqa: ARG002 - nothing to wait for
        """The token."""
        return self.secret.get_secret_value()

    async def renewed(self, refused: str, patience: Patience) -> str | None:  # noqa: ARG002 - nothing to wait for
        """There is no other."""
        return None


class ClientCredentials:
    """Tokens for two hours each. However many requests wait for one, it is asked for once, and refused once."""

    def __init__(  # noqa: PLR0913 - who asks, and for what
        self,
        exchange: Exchange,
        client_id: str,
        client_secret: SecretStr,
        now: Callable[[], float] = time.monotonic,
        *,
        notes: bool = False,
        also: Iterable[str] = (),
    ) -> None:
        self._exchange = exchange
        self._client_id = client_id
        self._client_secret = client_secret
        self._now = now
        self._scopes = (*SCOPES, *((NOTES,) if notes else ()), *also)
        self._once = Coalesced()
        self._token: str | None = None
        self._renew_at = 0.0

    async def token(self, patience: Patience) -> str:
        """The current token, fetched if there is none or if it is about to end.

        Raises:
            StoraLogin: Stora does not accept the client.
            StoraBusy, StoraDown: there was no answer.
        """
        if self._token is None or self._now() >= self._renew_at:
            await self._replaced(self._token, patience)
        return str(self._token)

    async def renewed(self, refused: str, patience: Patience) -> str | None:
        """A token other than the refused one; whoever else was refused it meanwhile gets the same new one."""
        await self._replaced(refused, patience)
        return self._token

    async def _replaced(self, unwanted: str | None, patience: Patience) -> None:
        if self._token == unwanted:
            await self._once(unwanted, lambda: self._fetch(patience))

    async def _fetch(self, patience: Patience) -> None:
        request = self._exchange.http.build_request(
            "POST",
            "/oauth2/token",
            json={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret.get_secret_value(),
                "scope": " ".join(self._scopes),
            },
        )
        # Everybody waits for the token, writes too: a sweep that happens to fetch it must not hold them up.
        answer = await self._exchange(request, replace(patience, priority=Priority.WRITE))
        problem = problem_in(answer)
        if problem is not None:
            raise problem
        granted = object_in(answer) or {}
        token, expires_in = granted.get("access_token"), granted.get("expires_in")
        if not isinstance(token, str) or not token:
            raise StoraDown("no token in the answer", foreign=True)
        # The reference types it "any", and one page prints an epoch there.
        lifetime = float(expires_in) if isinstance(expires_in, int | float) and 0 < expires_in < 10**6 else LIFETIME
        self._token = token
        self._renew_at = self._now() + max(lifetime - RENEW_BEFORE, lifetime / 2)
