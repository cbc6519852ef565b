"""A Stora that listens: record every request, have it answered, write the answer or hang up."""

import asyncio
import time
from collections.abc import Callable, Iterable

from aiohttp import web

from bot.sandbox.stora import windows
from bot.sandbox.stora.catalogue import stora_routes
from bot.sandbox.stora.desk import Asked, Desk
from bot.sandbox.stora.faults import Faults
from bot.sandbox.stora.grants import ALL_SCOPES, Client, Tokens, scopes_of
from bot.sandbox.stora.idempotency import Ledger
from bot.sandbox.stora.oauth import oauth_routes
from bot.sandbox.stora.received import Received, parsed
from bot.sandbox.stora.routes import find_route
from bot.sandbox.stora.windows import RateLimit
from bot.sandbox.stora.world import World


class SandboxStora:
    """A Stora for tests and the demo: ``application()`` serves ``world`` at `/2025-09/...` and `/oauth2/...`.

    Attributes:
        world: What the operator owns; change it directly to play a colleague in the Backoffice.
        received: Every request in the order of arrival.
        faults: What goes wrong on purpose.
        on_traffic: Called without arguments when a request has arrived and when it has been answered.
        token: The static bearer token that is accepted; ``client_id`` and ``client_secret`` can be exchanged for more.
    """

    def __init__(  # noqa: PLR0913  # each is a promise of the real service that a test wants to vary
        self,
        world: World,
        *,
        token: str = "sandbox-stora-token",  # noqa: S107  # it opens nothing but this stand-in
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-client-secret",  # noqa: S107  # the same
        scopes: Iterable[str] = ALL_SCOPES,
        per_second: int | None = 10,
        per_minute: int | None = 60,
        search_parameter: str = "search",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Build a stand-in that is not serving yet.

        Args:
            world: What is served.
            token: The static access token.
            client_id: Of the operator's OAuth application.
            client_secret: Of the same.
            scopes: What both kinds of token may have; raises ``ValueError`` for a scope that Stora does not have.
            per_second: Requests in any second; None lifts the limit.
            per_minute: Requests in any minute; None lifts the limit.
            search_parameter: The name of the fuzzy search on units and contacts, which Stora's page lost.
            now: The clock, epoch seconds; it rules the rate limit, tokens, kept answers and all timestamps.
        """
        self.world = world
        self.received: list[Received] = []
        self.faults = Faults()
        self.on_traffic: list[Callable[[], None]] = []
        self.token = token
        self.client_id = client_id
        self.client_secret = client_secret
        self._arrival = asyncio.Event()
        self._now = now
        self._limit = RateLimit(per_second, per_minute)
        self._tokens = Tokens(token, Client(client_id, client_secret, scopes_of(scopes)), now())
        self._desk = Desk(
            world=world,
            faults=self.faults,
            tokens=self._tokens,
            ledger=Ledger(),
            now=now,
        )
        self._routes = [
            *oauth_routes(self._tokens, client_id, world.new_uuid),
            *stora_routes(search_parameter),
        ]

    def application(self) -> web.Application:
        """Return a fresh application to serve; when it shuts down, all faults are cleared."""

        async def let_go(_app: web.Application) -> None:
            self.faults.clear()

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        application.on_shutdown.append(let_go)
        return application

    def peak(self, window_seconds: float) -> int:
        """Return the largest number of requests that arrived in any sliding window, refused ones included."""
        return windows.peak((received.at for received in self.received), window_seconds)

    async def arrived(self, count: int) -> None:
        """Return when so many requests have arrived since the beginning, answered or not."""
        while len(self.received) < count:
            await self._arrival.wait()

    def use_up_limit(self) -> None:
        """Let somebody else spend what is left of this minute's requests."""
        self._limit.use_up(self._now())

    def revoke_tokens(self) -> None:
        """Stop accepting every token there is; the client credentials still get new ones."""
        self._tokens.revoke_all()

    async def _serve(self, request: web.Request) -> web.Response:
        found = find_route(self._routes, request.method, request.rel_url.raw_path)
        received = Received(
            method=request.method,
            path=request.path,
            route="" if found is None else found[0].template,
            query=dict(request.query),
            headers=request.headers,
            at=self._now(),
        )
        self.received.append(received)
        self._arrival.set()
        self._arrival = asyncio.Event()
        self._tell()
        if self.faults.down:
            return _hang_up(request)
        admission = self._limit.admit(received.at)
        received.left = self._limit.left(received.at)
        raw = await request.read()
        received.body = parsed(raw)
        repeated = tuple(sorted({name for name in request.query if len(request.query.getall(name)) > 1}))
        answer = await self._desk.answer(Asked(received, admission, raw, repeated, found))
        if answer is None:
            return _hang_up(request)
        received.status = answer.status
        self._tell()
        return web.Response(
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
            charset="utf-8",
            headers=answer.headers,
        )

    def _tell(self) -> None:
        for hook in self.on_traffic:
            hook()


def _hang_up(request: web.Request) -> web.Response:
    request.protocol.force_close()
    return web.Response()  # nobody reads it: the connection is closed
