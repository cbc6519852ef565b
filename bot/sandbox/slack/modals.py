"""Modals and Home tabs open, change and close; how Slack describes them to the app."""

import copy
import json
from typing import Literal

from bot.sandbox.slack import controls
from bot.sandbox.slack.block_kit import check_view
from bot.sandbox.slack.journal import Change
from bot.sandbox.slack.nouns import Json, View
from bot.sandbox.slack.posting import named
from bot.sandbox.slack.state import Refused, State

_LARGEST = 250_000


def checked(state: State, where: str, source: object, kind: Literal["modal", "home"]) -> Json:
    """The view when Slack would take it; otherwise its faults are noted and ``Refused`` is raised."""
    view: Json = source if isinstance(source, dict) else {}
    problems = check_view(view) if view.get("type") == kind else [f"view: not a view of type {kind}"]
    state.journal.violated(where, problems)
    if len(json.dumps(view).encode()) > _LARGEST:
        raise Refused("view_too_large")
    if problems:
        raise Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {each}" for each in problems]})
    return view


def open_root(state: State, user: str, source: Json, client: str = "") -> View:
    """A new modal, alone on the stack of this client: whatever was open there goes away."""
    clear(state, user, client)
    return _show(state, user, source, client)


def push(state: State, user: str, source: Json, client: str = "") -> View:
    """A modal on top of the one that is open in this client; raises ``Refused`` when there are three."""
    if not state.workspace.room_for_modal(user, client):
        raise Refused("push_limit_reached")
    return _show(state, user, source, client)


def _show(state: State, user: str, source: Json, client: str) -> View:
    _unused(state, source)
    view = _new(state, user, "modal", source)
    view.client = client
    if stack := state.workspace.stack(user, client):
        view.root_view_id, view.previous_view_id = stack[0].id, stack[-1].id
    state.workspace.modals.setdefault(user, []).append(view)
    state.journal.note(Change("view_opened", view=view))
    return view


def _new(state: State, user: str, kind: Literal["modal", "home"], source: Json) -> View:
    identity = state.tickets.id("V")
    blocks = named(state, source["blocks"])
    return View(identity, user, kind, copy.deepcopy(source), blocks, _hash(state), root_view_id=identity)


def _hash(state: State) -> str:
    return f"{int(state.now())}.{state.tickets.id('h')}"


def _unused(state: State, source: Json, but: View | None = None) -> None:
    """Raise ``Refused`` when another view already has this external_id."""
    external = source.get("external_id")
    if external and any(v is not but and v.source.get("external_id") == external for v in state.workspace.views()):
        raise Refused("duplicate_external_id")


def update(state: State, view: View, source: Json) -> View:
    """Another content in the same view; what was entered stays where block_id, action_id and type stay."""
    _unused(state, source, but=view)
    view.source = copy.deepcopy(source)
    view.blocks = named(state, source["blocks"])
    kept = {control.key: control.type for control in controls.controls(view)}
    view.entered = {key: entry for key, entry in view.entered.items() if kept.get(key) == entry["type"]}
    view.hash = _hash(state)
    view.errors = {}
    view.updated += 1
    state.journal.note(Change("view_updated", view=view))
    return view


def publish(state: State, user: str, source: Json) -> View:
    """The Home tab of one person."""
    view = state.workspace.homes.get(user)
    if view is None:
        _unused(state, source)
        view = state.workspace.homes[user] = _new(state, user, "home", source)
    else:
        _unused(state, source, but=view)
        view.source, view.blocks = copy.deepcopy(source), named(state, source["blocks"], before=view.blocks)
        view.hash = _hash(state)
        view.updated += 1
    state.journal.note(Change("home_published", view=view))
    return view


def close(state: State, view: View) -> None:
    """The modal goes away; the one below it, if any, is seen again."""
    view.open = False
    stack = state.workspace.modals.get(view.user, [])
    state.workspace.modals[view.user] = [each for each in stack if each is not view]
    state.journal.note(Change("view_closed", view=view))


def clear(state: State, user: str, client: str = "") -> None:
    """Every modal of this person in this client goes away, the topmost first."""
    for view in reversed(state.workspace.stack(user, client)):
        close(state, view)


def find(state: State, view_id: str) -> View | None:
    """The view with this id that is open or published; None when there is none."""
    return next((view for view in state.workspace.views() if view.id == view_id), None)


def as_json(state: State, view: View) -> Json:
    """The view as Slack's API and payloads show it."""
    shown: Json = {
        "id": view.id,
        "team_id": state.workspace.team_id,
        "app_id": state.workspace.app_id,
        "app_installed_team_id": state.workspace.team_id,
        "bot_id": state.workspace.bot_id,
        "type": view.type,
        "callback_id": view.callback_id,
        "private_metadata": view.private_metadata,
        "external_id": str(view.source.get("external_id", "")),
        "blocks": copy.deepcopy(view.blocks),
        "state": {"values": copy.deepcopy(controls.values(view))},
        "hash": view.hash,
        "root_view_id": view.root_view_id,
        "previous_view_id": view.previous_view_id,
        "title": view.source.get("title"),
        "close": view.source.get("close"),
        "submit": view.source.get("submit"),
        "clear_on_close": bool(view.source.get("clear_on_close")),
        "notify_on_close": bool(view.source.get("notify_on_close")),
    }
    return shown
