"""The address that takes a file's bytes between ``files.getUploadURLExternal`` and its completion."""

from aiohttp import web

from bot.sandbox.slack import faults, web_api
from bot.sandbox.slack.state import State


async def answer(state: State, request: web.Request) -> web.StreamResponse:
    """Take the bytes, once, and only as many as were announced."""
    fault = state.faults.take(faults.UPLOAD)
    await web_api.wait(fault)
    response = web_api.faulty(fault)
    if response is None:
        response = _taken(state, request.match_info["ticket"], await request.read())
    if fault is not None and fault.way in {"drop_before", "drop_after"}:
        return web_api.drop(request, response)
    return response


def _taken(state: State, ticket: str, content: bytes) -> web.Response:
    file = state.workspace.files.get(state.tickets.uploads.get(ticket, ""))
    if file is None:
        return web.Response(status=404, text="no such upload")
    if len(content) != file.length:
        state.journal.violated("upload", [f"{len(content)} bytes of {file.name}, {file.length} were announced"])
        return web.Response(status=400, text="length does not match")
    del state.tickets.uploads[ticket]
    file.content = content
    return web.Response(text=f"OK - {len(content)}")
