"""Notes on units and contacts, and the registration of webhook endpoints."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.sandbox.stora.calls import Body, Call, Reply, read_body
from bot.sandbox.stora.lists import check_names
from bot.sandbox.stora.shapes import Resource, stub
from bot.sandbox.stora.timestamps import stamp
from bot.sandbox.stora.unit_actions import check_no_body
from bot.sandbox.stora.webhooks import EventType


class _Stub(Body):
    id: str


class NoteBody(Body):
    """A note and what it is about."""

    content: Annotated[str, Field(min_length=1)]
    resource: _Stub
    metadata: dict[str, Any] = Field(default_factory=dict)


class EndpointBody(Body):
    """Where events go; the URL must be HTTPS."""

    name: Annotated[str, Field(min_length=1)]
    api_version: Literal["2025-09"]
    url: Annotated[str, Field(pattern="^https://")]
    event_types: Annotated[list[EventType], Field(min_length=1)]
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


def create_note(call: Call) -> Reply:
    """Answer `POST /notes`; the creator is the token."""
    check_names(call.query, set())
    body = read_body(NoteBody, call.raw)
    note = call.world.add_note(body.content, body.resource.id, call.grant.creator_id, call.at)
    note["metadata"] = body.metadata
    return Reply({"note": note}, status=201)


def create_endpoint(call: Call) -> Reply:
    """Answer `POST /webhook_endpoints`: the only answer that holds the secret."""
    check_names(call.query, set())
    body = read_body(EndpointBody, call.raw)
    endpoint = call.world.add_webhook_endpoint(
        body.model_dump()
        | {
            "status": "enabled",
            "disabled_at": None,
            "creator": stub(call.grant.creator_id),
            "created_at": stamp(call.at),
            "updated_at": stamp(call.at),
        }
    )
    return Reply({"endpoint": endpoint}, status=201)


def disable_endpoint(call: Call) -> Reply:
    """Answer `POST /webhook_endpoints/{webhook_endpoint_id}/disable`."""
    check_names(call.query, set())
    check_no_body(call)
    return Reply({"endpoint": without_secret(call.world.disable_webhook_endpoint(call.ids[0], call.at))})


def without_secret(endpoint: Resource) -> Resource:
    """Return the endpoint as every answer but the first shows it."""
    return {**endpoint, "secret": None}
