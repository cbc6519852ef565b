"""Response URLs: five answers within thirty minutes, to everyone or one, new or in place of the original."""

import json

from aiohttp import web

from bot.sandbox.slack import faults, posting, web_api
from bot.sandbox.slack.block_kit import check_message
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.journal import ApiCall
from bot.sandbox.slack.nouns import Json, Message
from bot.sandbox.slack.state import Refused, State
from bot.sandbox.slack.tickets import ResponseUrl

_NOT_FOUND = 404
_BAD_REQUEST = 400


async def answer(state: State, request: web.Request) -> web.StreamResponse:
    """Answer a POST to a response URL: ``ok``, or 404 with ``used_url``, ``expired_url`` or ``no_service``."""
    body = await request.text()  # before any wait, at whose end the one who asked may be gone
    fault = state.faults.take(faults.RESPONSE_URL)
    await web_api.wait(fault)
    at = state.now()
    said: Json = {}
    response = _faulty(fault)
    if response is None:
        try:
            said = _object(body)
            taken = state.tickets.take_response(request.match_info["ticket"])
            response = _refused(taken) if isinstance(taken, str) else _done(state, taken, said)
        except Refused as refused:
            state.journal.violated(faults.RESPONSE_URL, [str(refused)])
            response = web.Response(status=_BAD_REQUEST, text=str(refused))
    dropped = fault is not None and fault.way in {"drop_before", "drop_after"}
    ok = response.status == 200  # noqa: PLR2004 -- Slack's one good answer
    seen = None if dropped else {"ok": ok, "error": None if ok else response.text}
    status = None if dropped else response.status
    state.journal.call(ApiCall(faults.RESPONSE_URL, said, "", at, status, seen))
    return web_api.drop(request, response) if dropped else response


def _object(body: str) -> Json:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise Refused("invalid_payload") from error
    if not isinstance(said, dict):
        raise Refused("invalid_payload")
    return said


def _refused(error: str) -> web.Response:
    return web.Response(status=_NOT_FOUND, text=error)


def _done(state: State, taken: ResponseUrl, said: Json) -> web.Response:
    original = _original(state, taken) if said.get("replace_original") or said.get("delete_original") else None
    if original is not None and said.get("delete_original"):
        posting.delete(state, original)
        return web.Response(text="ok")
    problems = check_message(said) + _place(said, original)
    if state.journal.violated(faults.RESPONSE_URL, problems):
        return web.Response(status=_BAD_REQUEST, text="invalid_blocks")
    if original is not None:
        posting.update(state, original, text=said["text"], blocks=said.get("blocks"))
        return web.Response(text="ok")
    posting.add(
        state,
        taken.channel,
        text=said["text"],
        blocks=said.get("blocks"),
        ephemeral_to=None if said.get("response_type") == "in_channel" else taken.user,
        thread_ts=said.get("thread_ts"),
        metadata=said.get("metadata"),
    )
    return web.Response(text="ok")


def _original(state: State, taken: ResponseUrl) -> Message | None:
    """The message that may be replaced: that of the button. A slash command's answer always becomes a new one."""
    if taken.message_ts is None:
        return None
    original = state.workspace.message(taken.channel, taken.message_ts)
    return None if original is None or original.deleted else original


def _place(said: Json, original: Message | None) -> list[str]:
    """What is wrong with who shall see the answer, and where."""
    problems = []
    kind = said.get("response_type")
    if kind not in (None, "ephemeral", "in_channel"):
        problems.append(f"response_type: {kind!r} is neither ephemeral nor in_channel")
    if original is not None and original.ephemeral_to is not None and kind == "in_channel":
        problems.append("response_type: an ephemeral message never becomes in_channel")
    if "thread_ts" in said and (kind != "in_channel" or said.get("replace_original") is not False):
        problems.append("thread_ts: an answer in a thread needs response_type in_channel and replace_original false")
    if said.get("delete_original"):
        problems.append("delete_original: there is no message to delete")
    return problems


def _faulty(fault: Fault | None) -> web.Response | None:
    if fault is not None and fault.way == "error":
        return _refused(fault.name)
    return web_api.faulty(fault)
