"""Modals and Home tabs: ``views.*``."""

from bot.sandbox.slack import modals
from bot.sandbox.slack.nouns import Json, View
from bot.sandbox.slack.state import Refused, State
from bot.sandbox.slack.tickets import Trigger


def open_modal(state: State, arguments: Json) -> Json:
    """A modal for the person whose act gave the trigger_id."""
    source = modals.checked(state, "views.open", arguments["view"], "modal")
    trigger = _trigger(state, arguments)
    return _answer(state, modals.open_root(state, trigger.user, source, trigger.client))


def push(state: State, arguments: Json) -> Json:
    """A modal on top of the one in which the person acted."""
    source = modals.checked(state, "views.push", arguments["view"], "modal")
    trigger = _trigger(state, arguments)
    if not trigger.in_modal or state.workspace.modal(trigger.user, trigger.client) is None:
        raise Refused("not_found")
    return _answer(state, modals.push(state, trigger.user, source, trigger.client))


def update(state: State, arguments: Json) -> Json:
    """Another content in an open view, by view_id or external_id; ``hash`` guards against a lost update."""
    if ("view_id" in arguments) == ("external_id" in arguments):
        raise Refused("invalid_arguments")
    view = modals.find(state, str(arguments.get("view_id"))) or _external(state, arguments.get("external_id"))
    if view is None:
        raise Refused("not_found")
    source = modals.checked(state, "views.update", arguments["view"], view.type)
    _unchanged(view, arguments)
    return _answer(state, modals.update(state, view, source))


def publish(state: State, arguments: Json) -> Json:
    """The Home tab of one person."""
    user = state.workspace.people.get(arguments["user_id"])
    if user is None or user.is_bot:
        raise Refused("user_not_found")
    source = modals.checked(state, "views.publish", arguments["view"], "home")
    view = state.workspace.homes.get(user.id)
    if view is not None:
        _unchanged(view, arguments)
    return _answer(state, modals.publish(state, user.id, source))


def _trigger(state: State, arguments: Json) -> Trigger:
    trigger = state.tickets.take_trigger(str(arguments["trigger_id"]))
    if isinstance(trigger, str):
        raise Refused(trigger)
    return trigger


def _external(state: State, external_id: object) -> View | None:
    views = state.workspace.views()
    return next((view for view in views if external_id and view.source.get("external_id") == external_id), None)


def _unchanged(view: View, arguments: Json) -> None:
    if arguments.get("hash", view.hash) != view.hash:
        raise Refused("hash_conflict")


def _answer(state: State, view: View) -> Json:
    return {"ok": True, "view": modals.as_json(state, view)}
