"""Every refusal Stora documents: code, HTTP status, type, and the JSON that carries it (guide "Errors")."""

from dataclasses import dataclass
from typing import Any

STATUS_OF = {
    "invalid_request": 400,
    "api_error": 400,
    "invalid_token": 401,
    "forbidden": 403,
    "resource_not_found": 404,
    "invalid_endpoint": 404,
    "invalid_format": 406,
    "conflict": 409,
    "invalid_url_param": 422,
    "invalid_content": 422,
    "too_many_requests": 429,
    "internal_server_error": 500,
}
"""HTTP status of each documented error code."""

_OUR_FAULT = {"api_error", "internal_server_error"}
_LINKS = [
    {"kind": "open_api", "name": "OpenAPI", "url": "https://public-api.stora.co/2025-09/openapi.json"},
    {"kind": "documentation", "name": "Errors", "url": "https://docs.stora.co/public-api#overview--errors"},
]


@dataclass(frozen=True, slots=True)
class Detail:
    """One reason; ``pointer`` is a JSON pointer into the request's body."""

    message: str
    pointer: str


class Refusal(Exception):  # Stora refuses; that is an answer, not an error of this program
    """Stora says no: a documented ``code``, a message for a person, and the reasons in detail."""

    def __init__(self, code: str, message: str, *details: Detail, status: int | None = None) -> None:
        """Build a refusal; ``status`` differs from the documented one only for a gateway's 502 and 503."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = STATUS_OF[code] if status is None else status

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the documented JSON of this refusal."""
        return {
            "error": {
                "code": self.code,
                "type": "api_error" if self.code in _OUR_FAULT else "invalid_request_error",
                "message": self.message,
                "request_id": request_id,
                "details": [{"message": detail.message, "pointer": detail.pointer} for detail in self.details],
                "links": _LINKS,
            }
        }


def not_found(noun: str, resource_id: str) -> Refusal:
    """Return the refusal for an id that nothing has."""
    return Refusal("resource_not_found", f"No {noun} has the id {resource_id!r}.")
