"""The stateful Slack stand-in: its HTTP face to the bot, and what people do in it."""

import asyncio
import copy
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from aiohttp import web

from bot.sandbox.loopback import serve
from bot.sandbox.slack import delivery, forms, presses, response_urls, uploads, web_api, words
from bot.sandbox.slack.delivery import Courier
from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.journal import ApiCall, Change
from bot.sandbox.slack.nouns import Message, View
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.sockets import Reason, Sockets
from bot.sandbox.slack.state import State
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.tiers import Tiers
from bot.sandbox.slack.workspace import Workspace

T = TypeVar("T")


class SandboxSlack:
    """Slack for one workspace and one app.

    Serve ``application()``, or use ``serving()``; give the bot ``{url}/api/`` as the base of the Web API. With
    ``request_url`` set, people's acts reach the bot as signed POSTs to it; with None, over the Socket Mode connections
    that the bot opened. Everything the bot sends is checked; whatever breaks a rule of Slack's is refused and listed
    in ``problems``.
    """

    def __init__(  # noqa: PLR0913 -- what an installation consists of
        self,
        workspace: Workspace,
        *,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 -- opens nothing but this stand-in
        app_token: str = "xapp-sandbox",  # noqa: S107 -- the same
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 -- the same
        scopes: Iterable[str],
        now: Callable[[], float] = time.time,
        tiers: bool = False,
        should_escape: bool = False,
        ack_seconds: float = 3.0,
        signing_clock: Callable[[], float] = time.time,
    ) -> None:
        """Install an app.

        Args:
            workspace: where; it may be changed at any time.
            bot_token: what ``auth.test`` and the like accept.
            app_token: what ``apps.connections.open`` accepts.
            signing_secret: signs the HTTP requests to the bot.
            scopes: what the bot token may do; a call beyond answers ``missing_scope``.
            now: seconds since the epoch; dates messages and lets trigger ids and response URLs expire.
            tiers: whether Slack's real rate limits are applied.
            should_escape: as in the manifest: names, addresses and e-mails typed in commands become tokens.
            ack_seconds: how long the bot may take to acknowledge, by ``now`` and by the real clock.
            signing_clock: dates the signatures, which the bot compares with the real time.
        """
        self.workspace = workspace
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.state = State(
            workspace,
            bot_token,
            app_token,
            signing_secret,
            frozenset(scopes),
            now,
            Tickets(now),
            Tiers(now) if tiers else None,
        )
        self._sockets = Sockets(self.state)
        self._courier = Courier(self.state, self._sockets, None, ack_seconds, signing_clock)
        self.should_escape = should_escape

    # What the bot did, and where it is

    @property
    def calls(self) -> list[ApiCall]:
        """Every Web API call and every use of a response URL (method ``response_url``), in order."""
        return self.state.journal.calls

    @property
    def problems(self) -> list[str]:
        """Every violation seen so far; a test's last assertion is that there is none."""
        return self.state.journal.problems

    @property
    def faults(self) -> Faults:
        """Arm faults here: ``slack.faults.rate_limit("chat.postMessage", seconds=30)``."""
        return self.state.faults

    @property
    def request_url(self) -> str | None:
        """Where the bot takes signed requests; None for Socket Mode."""
        return self._courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self._courier.request_url = url

    @property
    def url(self) -> str | None:
        """Where the stand-in is served, without a trailing slash; learnt from the first request if nobody sets it."""
        return self.state.url

    @url.setter
    def url(self, url: str | None) -> None:
        self.state.url = url

    @property
    def connections(self) -> int:
        """How many Socket Mode connections are open and were not asked to leave."""
        return self._sockets.count

    def called(self, method: str) -> list[ApiCall]:
        """The calls of one method, in order."""
        return [call for call in self.calls if call.method == method]

    def subscribe(self) -> asyncio.Queue[Change]:
        """A queue that gets every change from now on: messages, views, API calls."""
        return self.state.journal.subscribe()

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        """Stop telling this queue."""
        self.state.journal.unsubscribe(queue)

    async def until(self, condition: Callable[[], T | None], seconds: float = 2.0) -> T:
        """Wait until ``condition()`` is true, looking again after each change; answers its value.

        Raises ``TimeoutError`` after this many real seconds, with what the bot has done so far.
        """
        queue = self.subscribe()
        try:
            async with asyncio.timeout(seconds):
                while not (value := condition()):
                    await queue.get()
                return value
        except TimeoutError as error:
            done = ", ".join(call.method for call in self.calls) or "nothing"
            raise TimeoutError(f"not within {seconds} s; the bot called {done}; problems: {self.problems}") from error
        finally:
            self.unsubscribe(queue)

    # Serving

    def application(self) -> web.Application:
        """The HTTP side: ``/api/{method}``, ``/response/{ticket}``, ``/upload/{ticket}``, ``/socket/{ticket}``."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/api/{method}", self._with(web_api.answer))
        app.router.add_post("/response/{ticket}", self._with(response_urls.answer))
        app.router.add_post("/upload/{ticket}", self._with(uploads.answer))
        app.router.add_get("/socket/{ticket}", self._sockets.connect)
        app.on_shutdown.append(self._sockets.close)
        return app

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on 127.0.0.1 until the block ends; yields the URL without a trailing slash."""
        async with serve(self.application(), port) as url:
            self.url = url
            yield url

    def _with(
        self, answer: Callable[[State, web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self.url is None:
                self.url = str(request.url.origin())
            return await answer(self.state, request)

        return handle

    # What people do

    def seen_in(self, client: str) -> "SandboxSlack":
        """The same Slack as one of a person's clients: modals that are asked for there open there."""
        there = copy.copy(self)
        there.state = dataclasses.replace(self.state, client=client)
        there._courier = dataclasses.replace(self._courier, state=there.state)  # noqa: SLF001 -- it is our own copy
        return there

    async def command(self, user: str, channel: str, typed: str) -> Reaction:
        """Type ``/units site=Camden``; an answer in the acknowledgement becomes a message."""
        return await words.command(self._courier, user, channel, typed, escape=self.should_escape)

    async def shortcut(self, user: str, callback_id: str) -> Reaction:
        """Pick a global shortcut."""
        return await words.shortcut(self._courier, user, callback_id)

    async def mention(self, user: str, channel: str, text: str) -> Reaction:
        """Write ``@bot text`` in a channel that the bot is in; it gets ``app_mention``."""
        return await words.mention(self._courier, user, channel, text)

    async def open_home(self, user: str, tab: Literal["home", "messages"] = "home") -> Reaction:
        """Open the app's Home; the bot gets ``app_home_opened``."""
        return await words.open_home(self._courier, user, tab)

    async def event(self, kind: str, /, **fields: Any) -> Reaction:
        """Deliver any event of the Events API with these fields."""
        return await words.event(self._courier, kind, fields)

    async def click(  # noqa: PLR0913 -- three ways to name a button, and which of them
        self,
        user: str,
        shown: Message | View,
        *,
        label: str | None = None,
        action_id: str | None = None,
        block_id: str | None = None,
        index: int = 0,
    ) -> Reaction:
        """Press the ``index``-th button that fits, agreeing to its ``confirm`` dialog (which the result carries).

        A copy of a message from before an update can be clicked too: that is what a slow screen does. Raises
        ``Impossible`` when this person sees no such button.
        """
        return await presses.click(
            self._courier, user, shown, label=label, action_id=action_id, block_id=block_id, index=index
        )

    async def choose(
        self, user: str, shown: Message | View, action_id: str, wanted: Any, *, block_id: str | None = None
    ) -> Reaction:
        """Choose from a menu (an option by its value or its text, several as a list), a picker or boxes.

        Raises ``Impossible`` when it is not offered, or when it is an input that waits for ``submit()``.
        """
        return await presses.choose(self._courier, user, shown, action_id, wanted, block_id=block_id)

    async def suggest(self, user: str, shown: Message | View, action_id: str, typed: str) -> Reaction:
        """Type into an external select; the result's ``options`` can then be chosen."""
        return await presses.suggest(self._courier, user, shown, action_id, typed)

    async def submit(self, user: str, view: View, values: Mapping[str, Any] | None = None) -> Reaction:
        """Fill in the modal (by action_id, block_id or label) and send it off; the rest stays as it is.

        Raises ``Impossible`` for what Slack's own form refuses, e.g. an empty input that is not optional.
        """
        return await forms.submit(self._courier, user, view, values or {})

    async def close(self, user: str, view: View, *, cleared: bool = False) -> Reaction:
        """Close the modal (``cleared``: all of them); the bot hears of it only with ``notify_on_close``."""
        return await forms.close(self._courier, user, view, cleared=cleared)

    # What the network does

    async def redeliver(
        self, reaction: Reaction, *, retry_num: int | None = None, retry_reason: str = "http_timeout"
    ) -> Reaction:
        """Send the identical request again; ``retry_num`` marks it as Slack marks retried events.

        Its acknowledgement is only looked at: it adds no message and changes no modal.
        """
        if reaction.parcel is None:
            raise RuntimeError("nothing was sent, so nothing can be sent again")
        return await self._courier.deliver(delivery.again(reaction.parcel, retry_num, retry_reason))

    async def post_raw(self, body: bytes, headers: Mapping[str, str]) -> Reaction:
        """POST whatever this is to ``request_url``: forged, stale or broken requests."""
        return await self._courier.post_raw(body, headers)

    def signed(self, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> dict[str, str]:
        """The headers of a genuine request with this body, to spoil or to send with ``post_raw()``."""
        return self._courier.headers(body, content_type)

    async def disconnect(self, reason: Reason = "refresh_requested") -> None:
        """Ask every Socket Mode client to connect anew."""
        await self._sockets.disconnect(reason)

    def drop_sockets(self) -> None:
        """Cut every Socket Mode connection without a word."""
        self._sockets.drop()
