"""The page's own HTTP: its files, one stream of events for each open page, and what visitors do."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from bot.sandbox.loopback import serve
from bot.sandbox.page.acts import Acts, plain
from bot.sandbox.page.backstage import Backstage
from bot.sandbox.page.seen import Installed, Seen
from bot.sandbox.slack.journal import Change
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.state import Impossible

ASSETS = Path(__file__).parent / "assets"
HEARTBEAT_SECONDS = 15.0
"""How often something is sent on a quiet stream, so that either side notices when the other is gone."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_OURS = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_LAST = Change("api_call")
"""Ends a stream."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The page over a Slack stand-in. Serve it with ``serving()``."""

    def __init__(
        self,
        slack: SandboxSlack,
        backstage: Backstage,
        installed: Installed,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._slack = slack
        self._backstage = backstage
        self._installed = installed
        self._seen = Seen(slack.workspace, installed)
        self._heartbeat = heartbeat_seconds
        self._streams: set[asyncio.Queue[Change]] = set()

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[str]:
        """Serve on 127.0.0.1 until the block ends; yields the address. Raises ``OSError`` when the port is taken."""
        stora = self._backstage.stora
        stora.on_traffic.append(self._traffic)
        try:
            async with self._backstage.open(), serve(self.application(), port) as url:
                yield f"{url}/"
        finally:
            stora.on_traffic.remove(self._traffic)

    def application(self) -> web.Application:
        """The HTTP side."""
        app = web.Application(middlewares=[_guarded])
        app.router.add_get("/", _file)
        app.router.add_get("/assets/{name}", _file)
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/earlier", self._earlier)
        app.router.add_get("/files/{file}", self._download)
        app.router.add_get("/backstage", self._behind)
        app.router.add_post("/play/{day}", self._play)
        app.router.add_post("/act/{act}", self._act)
        app.on_shutdown.append(self._end)
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Everything in front of a visitor, then each change of it.

        A page that lost its connection calls itself by the same name again, and finds its modal still open.
        """
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPForbidden(text="Only the page itself follows this.")
        asked, page = request.query.get("user", ""), request.query.get("page", "")
        user = asked if asked in self._installed.visitors else next(iter(self._installed.visitors))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_HEADERS})
        await response.prepare(request)
        changes = self._slack.subscribe()
        self._streams.add(changes)
        try:
            await response.write(b"retry: 500\n")
            await _send(response, "state", self._seen.whole(user, page, self._slack.state.now()))
            while (change := await self._next(changes)) is not _LAST:
                seen = None if change is None else self._seen.change(user, page, change)
                await (_send(response, *seen) if seen else response.write(b":\n\n"))
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            self._streams.discard(changes)
            self._slack.unsubscribe(changes)
        return response

    async def _earlier(self, request: web.Request) -> web.Response:
        user = self._visitor(request.query.get("user", ""))
        query = request.query
        return web.json_response(self._seen.part(user, query.get("channel", ""), query.get("before", "")))

    async def _download(self, request: web.Request) -> web.Response:
        user = self._visitor(request.query.get("user", ""))
        workspace, wanted = self._slack.workspace, request.match_info["file"]
        file = workspace.files[wanted]
        seen = [message for channel in workspace.channels for message in workspace.visible_to(user, channel)]
        if not any(wanted in message.files for message in seen):
            raise web.HTTPNotFound(text="There is no such file.")
        name = re.sub(r"[^\w.-]", "_", file.name)
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=file.content, content_type="application/octet-stream", headers=disposition)

    async def _behind(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._backstage.shown())

    async def _play(self, request: web.Request) -> web.Response:
        self._backstage.play(request.match_info["day"])
        self._traffic()
        return web.json_response({"ok": True})

    async def _act(self, request: web.Request) -> web.Response:
        said = plain(await request.json())
        acts = Acts(self._slack.seen_in(said.get("page", "")), self._seen).by_name()
        return web.json_response(await acts[request.match_info["act"]](self._visitor(said["user"]), said))

    async def _next(self, changes: asyncio.Queue[Change]) -> Change | None:
        """The next change; None when there was none for a while."""
        try:
            return await asyncio.wait_for(changes.get(), self._heartbeat)
        except TimeoutError:
            return None

    def _visitor(self, user: str) -> str:
        if user not in self._installed.visitors:
            raise KeyError(f"nobody can be {user!r} here")
        return user

    def _traffic(self) -> None:
        for queue in self._streams:
            queue.put_nowait(Change("api_call"))

    async def _end(self, _app: web.Application) -> None:
        for queue in self._streams:
            queue.put_nowait(_LAST)


async def _send(response: web.StreamResponse, event: str, data: Json) -> None:
    await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())


async def _file(request: web.Request) -> web.Response:
    known = {path.name: path for path in ASSETS.iterdir()}
    path = known[request.match_info.get("name", "index.html")]
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let no other site drive the page, by a name that leads here or by a form; and explain what is impossible."""
    if not _OURS.fullmatch(request.host):
        raise web.HTTPForbidden(text="This page is at http://127.0.0.1 only.")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="JSON only.")
    try:
        response = await handler(request)
    except Impossible as impossible:
        response = web.json_response({"ok": False, "impossible": True, "error": str(impossible)}, status=409)
    except KeyError as unknown:
        response = web.json_response({"ok": False, "error": f"unknown: {unknown.args[0]}"}, status=404)
    except (TypeError, ValueError) as wrong:
        response = web.json_response({"ok": False, "error": f"not understood: {wrong}"}, status=400)
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response
