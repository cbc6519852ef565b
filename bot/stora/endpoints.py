"""Webhook endpoints: where Stora sends its events (reference, webhook endpoints)."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bot.stora.backoffice import Backoffice
from bot.stora.readable import IfReadable

EVENT_TYPES = (
    "unit.updated",
    "unit_type.updated",
    "order.created",
    "contact.created",
    "subscription.started",
    "subscription.cancelled",
    "subscription.ended",
)
"""What the bot acts on."""
PATH = "/stora/webhooks"
"""Where the bot listens for them."""
READ, WRITE = "public.webhook_endpoint:read", "public.webhook_endpoint:write"
"""The scopes it takes to see and to register endpoints; the bot at work needs neither."""


class Endpoint(BaseModel):
    """One endpoint."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    url: str
    status: Annotated[str | None, IfReadable] = None
    event_types: Annotated[tuple[str, ...] | None, IfReadable] = None
    secret: Annotated[str | None, IfReadable] = Field(default=None, repr=False)
    """Only in the answer to its creation."""

    @property
    def enabled(self) -> bool:
        """Whether Stora sends anything there."""
        return self.status != "disabled"


def read_endpoint(resource: Any, _backoffice: Backoffice) -> Endpoint:
    """Read one item of `endpoints`."""
    return Endpoint.model_validate(resource)
