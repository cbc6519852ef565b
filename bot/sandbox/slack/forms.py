"""People send off modals, or close them."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack import acks, modals, payloads
from bot.sandbox.slack.controls import STATE_KEYS, Control, controls, first_state, is_empty
from bot.sandbox.slack.delivery import Courier
from bot.sandbox.slack.filling import filled
from bot.sandbox.slack.nouns import Person, View
from bot.sandbox.slack.presses import may_see, offered
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.state import Impossible


async def submit(courier: Courier, user: str, view: View, given: Mapping[str, Any]) -> Reaction:
    """Fill a modal in and send it off; see ``SandboxSlack.submit``."""
    state = courier.state
    person = _in_front(courier, user, view)
    if "submit" not in view.source:
        raise Impossible(f"the modal {view.title!r} has no button to send it off")
    if view.in_flight:
        raise Impossible(f"the modal {view.title!r} is being sent off already")
    inputs = [control for control in controls(view) if control.type in STATE_KEYS]
    for name, wanted in given.items():
        control = _named(inputs, name)
        suggested = offered(view, control.element["action_id"])
        view.entered[control.key] = filled(control, wanted, suggested, state.workspace)
    for control in inputs:
        entered = view.entered.setdefault(control.key, first_state(control))
        if control.block["type"] == "input" and not control.block.get("optional") and is_empty(entered):
            raise Impossible(f"{control.label!r} has to be filled in")
    view.in_flight = True
    try:
        reaction = await courier.deliver(
            courier.parcel("interactive", payloads.submission(state, person, view), accepts=True)
        )
    finally:
        view.in_flight = False
    acks.of_submission(state, reaction, view)
    return reaction


async def close(courier: Courier, user: str, view: View, *, cleared: bool) -> Reaction:
    """Close a modal; see ``SandboxSlack.close``."""
    person = _in_front(courier, user, view)
    payload = payloads.closing(courier.state, person, view, cleared=cleared)
    if cleared or view.source.get("clear_on_close"):
        modals.clear(courier.state, user, view.client)
    else:
        modals.close(courier.state, view)
    if not view.source.get("notify_on_close"):
        return Reaction(courier.state.journal, since=len(courier.state.journal.changes))
    reaction = await courier.deliver(courier.parcel("interactive", payload))
    acks.of_nothing(courier.state, reaction)
    return reaction


def _in_front(courier: Courier, user: str, view: View) -> Person:
    person = may_see(courier.state, user, view)
    if courier.state.workspace.modal(user, view.client) is not view:
        raise Impossible(f"the view {view.title!r} is not the modal in front of {user}")
    return person


def _named(inputs: list[Control], name: str) -> Control:
    """The input with this action_id, block_id or label."""
    for control in inputs:
        block_id, action_id = control.key
        if name in (action_id, block_id, control.label):
            return control
    known = ", ".join(control.element["action_id"] for control in inputs) or "none"
    raise Impossible(f"the modal has no input {name!r}; there are {known}")
