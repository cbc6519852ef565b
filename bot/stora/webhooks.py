"""Stora's webhooks: whether it was Stora who spoke, and what is said. Pure."""

import hmac
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.core.heard import Heard
from bot.stora.backoffice import Backoffice, Curies
from bot.stora.readable import IfReadable
from bot.stora.resources import Id, read_unit_type, reading_units

TOLERANCE = 300.0
"""Seconds that a signature's time may be away from ours, either way. Stora names no tolerance; this one is usual."""
LONGEST_TIMESTAMP = 12
"""Digits of an epoch second, with some to spare."""
NEWEST_TENANCIES = ("tenancies", "")


class Unreadable(Exception):
    """Stora signed it, and it is no event."""


def verify(signature: str | None, body: bytes, secret: str, now: float) -> bool:
    """Whether Stora signed these very bytes just now (guide, webhooks; how it encodes is a public receiver's practice).

    Args:
        signature: The header `X-Stora-Signature`: `t=…,v1=…`, with a `v1` for each secret while they are changed.
        body: As it came.
        secret: Of our endpoint.
        now: Epoch seconds.
    """
    parts = [part.strip().partition("=") for part in (signature or "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdecimal() and len(times[0]) <= LONGEST_TIMESTAMP):
        return False
    right = hmac.new(secret.encode(), times[0].encode() + b"." + body, "sha256").hexdigest().encode()
    given = [value.encode(errors="replace") for name, _, value in parts if name == "v1"]
    signed = any([hmac.compare_digest(one, right) for one in given])  # noqa: C419 - all of them, whichever is right
    return signed and abs(now - int(times[0])) <= TOLERANCE


class _Event(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    data: Annotated[dict[str, Any], IfReadable] = Field(default_factory=dict)
    meta: Annotated[Curies | None, IfReadable] = None


class _Body(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    event: _Event


class _Identified(BaseModel):
    id: Id


class _OfTenancy(BaseModel):
    tenancy: _Identified


def read_event(body: bytes, backoffice_unit_path: str) -> Heard:
    """What an event says, as far as it matters to the directory.

    Types that we do not know, versions of the API and resources that cannot be read are nobody's fault here: such an
    event has an id and says nothing, and the next sweep finds what it was about.

    Raises:
        Unreadable: there is no event with an id and a type.
    """
    try:
        event = _Body.model_validate_json(body).event
    except ValidationError:
        raise Unreadable from None
    resource = (event.data or {}).get(event.type.partition(".")[0])
    match event.type:
        case "unit.updated":
            backoffice = Backoffice.of(event.meta or Curies())
            try:
                return Heard(event.id, event.type, units=(reading_units(backoffice_unit_path)(resource, backoffice),))
            except ValidationError:
                return Heard(event.id, event.type, to_ask=_itself("unit", resource))
        case "unit_type.updated":
            try:
                return Heard(event.id, event.type, unit_types=(read_unit_type(resource, Backoffice(None)),))
            except ValidationError:
                return Heard(event.id, event.type)
        case "contact.created":
            return Heard(event.id, event.type, to_ask=(NEWEST_TENANCIES,))
        case type_ if type_ == "order.created" or type_.startswith("subscription."):
            return Heard(event.id, event.type, to_ask=(_tenancy_of(resource),))
        case _:
            return Heard(event.id, event.type)


def _itself(kind: str, resource: Any) -> tuple[tuple[str, str], ...]:
    """What cannot be read here may be readable where we ask for it, if only it says its id."""
    try:
        return ((kind, _Identified.model_validate(resource).id),)
    except ValidationError:
        return ()


def _tenancy_of(resource: Any) -> tuple[str, str]:
    """The tenancy that an order or a subscription belongs to; a new order has none yet."""
    try:
        return ("tenancy", _OfTenancy.model_validate(resource).tenancy.id)
    except ValidationError:
        return NEWEST_TENANCIES
