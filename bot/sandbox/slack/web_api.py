"""The Web API over HTTP: tokens, scopes, arguments, faults; then the method itself."""

import asyncio

from aiohttp import web

from bot.sandbox.slack import arguments as given
from bot.sandbox.slack.api import HANDLERS
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.journal import ApiCall
from bot.sandbox.slack.methods import METHODS, Method
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.state import Refused, State

_TOO_MANY = 429


async def answer(state: State, request: web.Request) -> web.StreamResponse:
    """Answer one call as Slack does: HTTP 200 with ``ok``, except for rate limits and outages."""
    name = request.match_info["method"]
    at = state.now()
    arguments: Json = {}
    unreadable: Json | None = None
    try:
        arguments = await given.read(request)
    except Refused as refused:
        state.journal.violated(name, [str(refused)])
        unreadable = refused.answer
    token = _token(request, arguments)
    fault = state.faults.take(name)
    await wait(fault)
    response = faulty(fault) or _limited(state, name, arguments)
    said: Json | None = None
    if response is None:
        said = unreadable or _said(state, name, token, arguments, fault)
        response = web.json_response(said)
    elif response.content_type == "application/json":
        said = {"ok": False, "error": "ratelimited"}
    dropped = fault is not None and fault.way in {"drop_before", "drop_after"}
    seen = None if dropped else said
    state.journal.call(ApiCall(name, arguments, token, at, None if dropped else response.status, seen))
    response.headers["x-oauth-scopes"] = ",".join(sorted(state.scopes))
    return drop(request, response) if dropped else response


async def wait(fault: Fault | None) -> None:
    """Let a slow or held request wait."""
    if fault is not None and fault.way == "slow":
        await asyncio.sleep(fault.seconds)
    if fault is not None and fault.way == "hold":
        fault.reached.set()
        await fault.released.wait()


def drop(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection; the response is never seen."""
    request.protocol.force_close()
    return response


def rate_limited(seconds: float) -> web.Response:
    """HTTP 429 with ``Retry-After``."""
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=_TOO_MANY, headers={"Retry-After": f"{seconds:.0f}"})


def faulty(fault: Fault | None) -> web.Response | None:
    """The answer that takes the place of doing anything; None when the method is to be called."""
    if fault is None:
        return None
    if fault.way == "rate_limit":
        return rate_limited(fault.seconds)
    if fault.way == "status":
        return web.Response(status=fault.code, text="<html>Slack is down</html>", content_type="text/html")
    return web.Response(text="") if fault.way == "drop_before" else None


def _limited(state: State, name: str, arguments: Json) -> web.Response | None:
    if state.tiers is None or name not in METHODS:
        return None
    channel = str(arguments.get("channel", "")) if name == "chat.postMessage" else ""
    seconds = state.tiers.wait(name, METHODS[name].tier, channel)
    return rate_limited(seconds) if seconds else None


def _said(state: State, name: str, token: str, arguments: Json, fault: Fault | None) -> Json:
    try:
        if fault is not None and fault.way == "error":
            raise Refused(fault.name)  # noqa: TRY301 -- a refusal like every other
        method = METHODS.get(name)
        if method is None:
            state.journal.violated(name, ["not a method that this stand-in knows"])
            raise Refused("unknown_method", req_method=name)  # noqa: TRY301 -- a refusal like every other
        _authorized(state, method, token)
        _complete(state, name, method, arguments)
        return HANDLERS[name](state, arguments)
    except Refused as refused:
        return refused.answer


def _token(request: web.Request, arguments: Json) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") if header else str(arguments.pop("token", ""))


def _authorized(state: State, method: Method, token: str) -> None:
    if not token:
        raise Refused("not_authed")
    if token not in {state.bot_token, state.app_token}:
        raise Refused("invalid_auth")
    if token != (state.app_token if method.token == "app" else state.bot_token):  # noqa: S105 -- a kind of token
        raise Refused("not_allowed_token_type")
    if method.token == "bot" and not state.scopes.issuperset(method.scopes):  # noqa: S105 -- a kind of token
        needed = ",".join(method.scopes)
        raise Refused("missing_scope", needed=needed, provided=",".join(sorted(state.scopes)))


def _complete(state: State, name: str, method: Method, arguments: Json) -> None:
    problems = [f"[ERROR] missing required field: {key}" for key in sorted(method.required - arguments.keys())]
    unknown = sorted(arguments.keys() - method.required - method.optional)
    problems += [f"[ERROR] unknown argument: {key}" for key in unknown]
    nested = [key for key, value in arguments.items() if isinstance(value, dict | list)]
    problems += [f"[ERROR] not a plain value: {key}" for key in nested if key not in given.JSON_ARGUMENTS]
    if problems:
        state.journal.violated(name, problems)
        raise Refused("invalid_arguments", response_metadata={"messages": problems})
