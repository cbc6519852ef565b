"""What the API does to units: reserve, grant access, deallocate, overlock and remove the overlock of a contact."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from bot.sandbox.stora.calls import Body, Call, Reply, read_body
from bot.sandbox.stora.lists import check_names
from bot.sandbox.stora.refusals import Refusal


class TenancyBody(Body):
    """For whom a unit is reserved or opened."""

    tenancy_id: Annotated[str, Field(pattern="^ten_")]


class ContactBody(Body):
    """Whose units are overlocked."""

    contact_id: Annotated[str, Field(pattern="^con_")]


def reserve(call: Call) -> Reply:
    """Answer `POST /units/{unit_id}/reserve`."""
    check_names(call.query, set())
    body = read_body(TenancyBody, call.raw)
    return Reply({"unit": call.world.reserve(call.ids[0], body.tenancy_id, call.at)})


def grant_access(call: Call) -> Reply:
    """Answer `POST /units/{unit_id}/grant_access`."""
    check_names(call.query, set())
    body = read_body(TenancyBody, call.raw)
    return Reply({"unit": call.world.grant_access(call.ids[0], body.tenancy_id, call.at)})


def deallocate(call: Call) -> Reply:
    """Answer `POST /units/{unit_id}/deallocate`, which takes neither a body nor a query."""
    check_names(call.query, set())
    check_no_body(call)
    return Reply({"unit": call.world.release(call.ids[0], call.at)})


def overlock(call: Call) -> Reply:
    """Answer `POST /units/overlock`: a message and the ids in ``meta``, no unit."""
    return _for_contact(call, call.world.overlock, "overlocked")


def remove_overlock(call: Call) -> Reply:
    """Answer `POST /units/remove_overlock`; Stora's exact sentence is not documented."""
    return _for_contact(call, call.world.remove_overlock, "removed from overlock")


def check_no_body(call: Call) -> None:
    """Raise ``Refusal`` (422) for a body where none is taken."""
    if call.raw not in (b"", b"{}"):
        raise Refusal("invalid_content", "This endpoint takes no body.")


def _for_contact(call: Call, act: Callable[..., list[str]], done: str) -> Reply:
    check_names(call.query, set())
    units = act(read_body(ContactBody, call.raw).contact_id, call.at)
    noun = "unit was" if len(units) == 1 else "units were"
    message = f"{len(units)} customer {noun} successfully {done}."
    return Reply({"success": {"message": message}}, {"unit_ids": units})
