"""A request with our token; once more with another if Stora refused the first."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from bot.stora.exchange import Exchange, Patience
from bot.stora.login import Login
from bot.stora.wire import Answer

UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The way to Stora for everything that needs a token."""

    exchange: Exchange
    login: Login

    async def __call__(self, build: Callable[[httpx.AsyncClient], httpx.Request], patience: Patience) -> Answer:
        """Send the request that ``build`` makes; every status is an answer.

        Raises:
            StoraBusy, StoraDown, StoraLogin: there is none.
        """
        token = await self.login.token(patience)
        answer = await self._with(token, build, patience)
        if answer.status == UNAUTHORIZED:  # the token may have been withdrawn before its time
            another = await self.login.renewed(token, patience)
            if another is not None:
                answer = await self._with(another, build, patience)
        return answer

    async def _with(
        self, token: str, build: Callable[[httpx.AsyncClient], httpx.Request], patience: Patience
    ) -> Answer:
        request = build(self.exchange.http)
        request.headers["Authorization"] = f"Bearer {token}"
        return await self.exchange(request, patience)
