"""People press buttons, choose from menus and type into searchable ones, in messages and views."""

from typing import Any

from bot.sandbox.slack import acks, payloads
from bot.sandbox.slack.controls import STATE_KEYS, Control, controls
from bot.sandbox.slack.delivery import Courier
from bot.sandbox.slack.filling import filled
from bot.sandbox.slack.nouns import Json, Message, Person, View
from bot.sandbox.slack.reaction import Reaction
from bot.sandbox.slack.state import Impossible, State


async def click(  # noqa: PLR0913 -- three ways to name a button, and which of them
    courier: Courier,
    user: str,
    shown: Message | View,
    *,
    label: str | None,
    action_id: str | None,
    block_id: str | None,
    index: int,
) -> Reaction:
    """Press a button that this person sees; see ``SandboxSlack.click``."""
    person = may_see(courier.state, user, shown)
    found = [
        control
        for control in controls(shown)
        if control.type == "button"
        and label in (None, control.label)
        and action_id in (None, control.element["action_id"])
        and block_id in (None, control.key[0])
        and user in control.element.get("visible_to_user_ids", (user,))
    ]
    if not -len(found) <= index < len(found):
        wanted = {"label": label, "action_id": action_id, "block_id": block_id, "index": index}
        labels = [control.label for control in controls(shown) if control.type == "button"]
        raise Impossible(f"{user} sees no button {wanted}; there are {labels}")
    element = found[index].element
    action: Json = {"type": "button", "action_id": element["action_id"], "block_id": found[index].key[0]}
    action |= {key: element[key] for key in ("text", "value", "url", "style") if key in element}
    return await _act(courier, person, shown, action, element.get("confirm"))


async def choose(  # noqa: PLR0913 -- which menu, and what of it
    courier: Courier, user: str, shown: Message | View, action_id: str, wanted: Any, *, block_id: str | None
) -> Reaction:
    """Choose from a menu, a picker or a group of boxes; see ``SandboxSlack.choose``."""
    person = may_see(courier.state, user, shown)
    control = _control(shown, action_id, block_id)
    block_id, action_id = control.key
    action: Json = {"type": control.type, "action_id": action_id, "block_id": block_id}
    if control.type == "overflow":
        named = {name: option for option in control.options for name in (option["text"]["text"], option["value"])}
        if wanted not in named:
            raise Impossible(f"the menu {action_id!r} has no {wanted!r}; it has {', '.join(named)}")
        return await _act(courier, person, shown, action | {"selected_option": named[wanted]}, _confirm(control))
    if control.type not in STATE_KEYS:
        raise Impossible(f"{action_id!r} is a {control.type}: press it with click()")
    if control.waits_for_submit:
        raise Impossible(f"{action_id!r} is sent with the whole modal: give it to submit()")
    state = filled(control, wanted, offered(shown, action_id), courier.state.workspace)
    shown.entered[control.key] = state
    return await _act(courier, person, shown, action | state, _confirm(control))


async def suggest(courier: Courier, user: str, shown: Message | View, action_id: str, typed: str) -> Reaction:
    """Type into a searchable menu; see ``SandboxSlack.suggest``."""
    person = may_see(courier.state, user, shown)
    control = _control(shown, action_id, None)
    least = control.element.get("min_query_length", 3)
    if "external" not in control.type:
        raise Impossible(f"{action_id!r} is a {control.type}: its options are known")
    if len(typed) < least:
        raise Impossible(f"{action_id!r} asks for options from {least} characters on, not for {typed!r}")
    payload = payloads.suggestion(courier.state, person, shown, control, typed)
    reaction = await courier.deliver(courier.parcel("interactive", payload, accepts=True))
    acks.of_suggestion(courier.state, reaction, offered(shown, action_id))
    return reaction


def offered(shown: Message | View, action_id: str) -> list[Json]:
    """The options that the app has suggested for this menu so far; add to it to remember more."""
    return shown.offered.setdefault(action_id, [])


def may_see(state: State, user: str, shown: Message | View) -> Person:
    """The person, when this message or view is in front of them; raises ``Impossible`` otherwise."""
    person = state.workspace.person(user)
    if isinstance(shown, View):
        if shown.user != user:
            raise Impossible(f"{user} does not see the view of {shown.user}")
        if not shown.open:
            raise Impossible(f"the view {shown.title!r} is closed")
        return person
    if user not in state.workspace.channel(shown.channel).members:
        raise Impossible(f"{user} is not in {shown.channel}")
    if shown.deleted:
        raise Impossible(f"the message {shown.text!r} is deleted")
    if shown.ephemeral_to not in (None, user):
        raise Impossible(f"only {shown.ephemeral_to} sees the message {shown.text!r}")
    return person


def _control(shown: Message | View, action_id: str, block_id: str | None) -> Control:
    for control in controls(shown):
        if control.element["action_id"] == action_id and block_id in (None, control.key[0]):
            return control
    known = ", ".join(control.element["action_id"] for control in controls(shown)) or "nothing"
    raise Impossible(f"there is no {action_id!r} to be seen; there is {known}")


def _confirm(control: Control) -> Json | None:
    found: Json | None = control.element.get("confirm")
    return found


async def _act(courier: Courier, person: Person, shown: Message | View, action: Json, confirm: Json | None) -> Reaction:
    if isinstance(shown, View):
        payload = payloads.view_action(courier.state, person, shown, action)
    else:
        payload = payloads.message_action(courier.state, person, shown, action)
    reaction = await courier.deliver(courier.parcel("interactive", payload))
    reaction.confirm = confirm
    acks.of_nothing(courier.state, reaction)
    return reaction
