"""What each Web API method does, one file per family."""

from collections.abc import Callable, Mapping

from bot.sandbox.slack.api import chat, conversations, files, installation, people, views
from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.state import State

HANDLERS: Mapping[str, Callable[[State, Json], Json]] = {
    "apps.connections.open": installation.open_connection,
    "auth.test": installation.test,
    "bots.info": installation.bot_info,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.info": conversations.info,
    "conversations.list": conversations.listing,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_direct,
    "files.completeUploadExternal": files.complete,
    "files.getUploadURLExternal": files.upload_url,
    "usergroups.list": people.groups,
    "usergroups.users.list": people.group_members,
    "users.info": people.info,
    "users.list": people.listing,
    "views.open": views.open_modal,
    "views.publish": views.publish,
    "views.push": views.push,
    "views.update": views.update,
}
"""Method name → what it does with its arguments; each raises ``Refused`` with Slack's error name."""
