"""Who people are and which user groups they are in: ``users.*``, ``usergroups.*``."""

from bot.sandbox.slack import arguments as given
from bot.sandbox.slack.nouns import Json, Person, UserGroup
from bot.sandbox.slack.state import Refused, State


def info(state: State, arguments: Json) -> Json:
    """One person."""
    person = state.workspace.people.get(arguments["user"])
    if person is None:
        raise Refused("user_not_found")
    return {"ok": True, "user": as_json(state, person)}


def listing(state: State, arguments: Json) -> Json:
    """Everybody, in pages."""
    people, metadata = given.page(arguments, list(state.workspace.people.values()), 1000)
    members = [as_json(state, person) for person in people]
    return {"ok": True, "members": members, "cache_ts": int(state.now()), "response_metadata": metadata}


def as_json(state: State, person: Person) -> Json:
    """A person as Slack shows them; the e-mail address only with its own scope, unset marks of strangers left out."""
    profile = {"real_name": person.real_name, "display_name": person.name, "team": person.team_id}
    if person.email and "users:read.email" in state.scopes:
        profile["email"] = person.email
    shown: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": person.deleted,
        "tz": person.tz,
        "tz_offset": person.tz_offset,
        "profile": profile,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": int(state.now()),
    }
    if not person.is_stranger:
        shown |= {"is_admin": person.is_admin, "is_owner": False}
        shown |= {"is_restricted": person.is_restricted, "is_ultra_restricted": person.is_ultra_restricted}
    else:
        shown["is_stranger"] = True
    if person.enterprise_id:
        shown["enterprise_user"] = {"id": person.id, "enterprise_id": person.enterprise_id}
    return shown


def groups(state: State, arguments: Json) -> Json:
    """Every user group, with its members when asked."""
    shown = []
    for group in state.workspace.groups.values():
        if group.disabled and not given.flag(arguments, "include_disabled"):
            continue
        one: Json = {
            "id": group.id,
            "team_id": state.workspace.team_id,
            "is_usergroup": True,
            "name": group.name,
            "handle": group.handle,
            "date_delete": int(group.disabled),
        }
        if given.flag(arguments, "include_users"):
            one["users"] = _members(group)
        if given.flag(arguments, "include_count"):
            one["user_count"] = len(group.members)
        shown.append(one)
    return {"ok": True, "usergroups": shown}


def group_members(state: State, arguments: Json) -> Json:
    """The ids of a user group's members."""
    group = state.workspace.groups.get(arguments["usergroup"])
    if group is None or (group.disabled and not given.flag(arguments, "include_disabled")):
        raise Refused("no_such_subteam")
    return {"ok": True, "users": _members(group)}


def _members(group: UserGroup) -> list[str]:
    return list(group.members)
