"""An answer before it becomes HTTP: what is kept under a key, replayed, and damaged by faults."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.stora.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and the headers of its own (the rate limit's are added when it is sent)."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, payload: Mapping[str, Any]) -> Answer:
    """Return an answer in JSON, in UTF-8 as it is."""
    return Answer(status, json.dumps(payload, ensure_ascii=False).encode())


def refused(refusal: Refusal, request_id: str) -> Answer:
    """Return the documented error answer."""
    return json_answer(refusal.status, refusal.body(request_id))
