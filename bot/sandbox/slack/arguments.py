"""The arguments of a Web API call: from query, form or JSON to plain values."""

import json
from typing import Any

from aiohttp import web

from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.state import Refused

JSON_ARGUMENTS = ("blocks", "view", "metadata", "files")
"""The arguments that hold JSON; all others are plain values."""

_MOST_ITEMS = 1000


async def read(request: web.Request) -> Json:
    """Every argument of the request; those that hold JSON are parsed, null ones left out.

    Raises ``Refused``: ``invalid_json``, ``json_not_object``, ``invalid_form_data``, ``invalid_arguments``.
    """
    found: Json = dict(request.query)
    if request.content_type == "application/json":
        found |= _object(await request.text())
    elif request.can_read_body:
        if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            raise Refused("invalid_post_type")
        found |= dict(await request.post())
    for key in JSON_ARGUMENTS:
        if isinstance(found.get(key), str):
            found[key] = _parsed(key, found[key])
    return {key: value for key, value in found.items() if value is not None}


def _object(body: str) -> Json:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Refused("invalid_json") from error
    if not isinstance(found, dict):
        raise Refused("json_not_object")
    return found


def _parsed(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {key} is not JSON"]}) from error


def flag(arguments: Json, key: str) -> bool:
    """Whether a truth argument is set: ``true`` in JSON, ``1`` or ``true`` in a form."""
    return arguments.get(key) in {True, "1", "true", "True"}


def page(arguments: Json, items: list[Any], default: int) -> tuple[list[Any], Json]:
    """One page of a list and its ``response_metadata``, by ``limit`` and ``cursor``.

    Raises ``Refused``: ``invalid_limit``, ``invalid_cursor``.
    """
    limit = str(arguments.get("limit", default))
    if not limit.isdigit() or not 1 <= int(limit) <= _MOST_ITEMS:
        raise Refused("invalid_limit")
    cursor = str(arguments.get("cursor") or "from:0")
    start = cursor.removeprefix("from:")
    if not cursor.startswith("from:") or not start.isdigit() or int(start) > len(items):
        raise Refused("invalid_cursor")
    end = int(start) + int(limit)
    following = f"from:{end}" if end < len(items) else ""
    return items[int(start) : end], {"next_cursor": following}
