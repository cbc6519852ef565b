"""Socket Mode: WebSocket connections of the app, envelopes to it and acknowledgements from it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from aiohttp import WSMsgType, web

from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.state import State

MOST_CONNECTIONS = 10

Reason: TypeAlias = Literal["warning", "refresh_requested", "link_disabled"]
"""Why Slack asks a client to connect anew."""


@dataclass(slots=True)
class _Connection:
    socket: web.WebSocketResponse
    request: web.Request
    leaving: bool = False


@dataclass(slots=True)
class Sockets:
    """The app's open connections; each envelope goes to any one of them, in turn.

    An acknowledgement counts on whichever connection it comes: slack_sdk sends a late one over its newest.
    """

    state: State
    _open: list[_Connection] = field(default_factory=list)
    _waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    _turn: int = 0

    @property
    def count(self) -> int:
        """How many connections can get an envelope."""
        return len(self._ready())

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends; the ticket of the address works once."""
        ticket = request.match_info["ticket"]
        if ticket not in self.state.tickets.sockets:
            return web.Response(status=403, text="invalid ticket")
        self.state.tickets.sockets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._open) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        connection = _Connection(socket, request)
        self._open.append(connection)
        try:
            await socket.send_json(self._hello())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._read(message.data)
        finally:
            self._open.remove(connection)
        return socket

    async def deliver(self, envelope: Json, seconds: float) -> Json | None:
        """Send an envelope and wait for its acknowledgement.

        Answers None when no connection is open, or the chosen one is broken; raises ``TimeoutError`` when nothing
        came back in time.
        """
        connections = self._ready()
        if not connections:
            return None
        self._turn += 1
        chosen = connections[self._turn % len(connections)]
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        try:
            await chosen.socket.send_json(envelope)
            return await asyncio.wait_for(waiting, seconds)
        except ConnectionError:  # cut off, and not noticed until now
            return None
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    async def disconnect(self, reason: Reason) -> None:
        """Ask every connected client to connect anew; after anything but a warning it gets no more envelopes."""
        for connection in list(self._open):
            connection.leaving = reason != "warning"
            frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
            await connection.socket.send_json(frame)

    def drop(self) -> None:
        """Cut every connection without a word, as a broken network does."""
        for connection in list(self._open):
            connection.request.protocol.force_close()

    async def close(self, _app: web.Application) -> None:
        """End every connection properly; part of the stand-in's shutdown."""
        for connection in list(self._open):
            await connection.socket.close()

    def _ready(self) -> list[_Connection]:
        return [each for each in self._open if not each.leaving]

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 3600},
            "connection_info": {"app_id": self.state.workspace.app_id},
        }

    def _read(self, text: str) -> None:
        try:
            said: Any = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("envelope_id"), str):
            self.state.journal.violated("socket", [f"not an acknowledgement: {text[:80]!r}"])
            return
        waiting = self._waiting.get(said["envelope_id"])
        if waiting is not None and not waiting.done():
            waiting.set_result(said)
