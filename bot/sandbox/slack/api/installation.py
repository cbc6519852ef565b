"""Who the app is: ``auth.test``, ``bots.info``, ``apps.connections.open``."""

from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.state import Refused, State


def test(state: State, _arguments: Json) -> Json:
    """Which team and bot the token belongs to."""
    workspace = state.workspace
    answer: Json = {
        "ok": True,
        "url": f"https://{workspace.team_domain}.slack.test/",
        "team": workspace.team_name,
        "user": workspace.person(workspace.bot_user_id).name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }
    if workspace.enterprise_id:
        answer["enterprise_id"] = workspace.enterprise_id
    return answer


def bot_info(state: State, arguments: Json) -> Json:
    """What Slack says of the bot itself; other bots do not exist."""
    workspace = state.workspace
    if arguments["bot"] != workspace.bot_id:
        raise Refused("bot_not_found")
    name = workspace.person(workspace.bot_user_id).real_name
    bot = {"id": workspace.bot_id, "app_id": workspace.app_id, "user_id": workspace.bot_user_id, "name": name}
    return {"ok": True, "bot": bot | {"deleted": False}}


def open_connection(state: State, _arguments: Json) -> Json:
    """A WebSocket address for one connection."""
    path = f"/socket/{state.tickets.socket()}?app_id={state.workspace.app_id}"
    return {"ok": True, "url": state.address(path).replace("http", "ws", 1)}
