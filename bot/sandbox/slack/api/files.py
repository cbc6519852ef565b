"""Uploads: ``files.getUploadURLExternal``, then the upload itself, then ``files.completeUploadExternal``."""

from bot.sandbox.slack import posting
from bot.sandbox.slack.api import chat
from bot.sandbox.slack.nouns import File, Json
from bot.sandbox.slack.state import Refused, State


def upload_url(state: State, arguments: Json) -> Json:
    """An address that takes the file's bytes, once."""
    length = str(arguments["length"])
    if not length.isdigit() or length == "0":
        raise Refused("missing_argument")
    file = File(state.tickets.id("F"), str(arguments["filename"]), int(length))
    state.workspace.files[file.id] = file
    url = state.address(f"/upload/{state.tickets.upload(file.id)}")
    return {"ok": True, "upload_url": url, "file_id": file.id}


def complete(state: State, arguments: Json) -> Json:
    """Share uploaded files, in one message when a channel is named."""
    wanted = arguments["files"]
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, dict) for each in wanted):
        raise Refused("invalid_arguments")
    files = [_uploaded(state, each) for each in wanted]
    if "channel_id" in arguments:
        channel = chat.writable(state, arguments["channel_id"])
        comment = {"text": arguments.get("initial_comment", "A file")}
        chat.checked(state, "files.completeUploadExternal", comment)
        posting.add(
            state,
            channel.id,
            text=str(arguments.get("initial_comment", "")),
            files=[file.id for file in files],
            thread_ts=chat.thread(state, channel, arguments),
        )
        for file in files:
            file.channel = channel.id
    return {"ok": True, "files": [{"id": file.id, "title": file.title} for file in files]}


def _uploaded(state: State, wanted: Json) -> File:
    file = state.workspace.files.get(str(wanted.get("id")))
    if file is None or file.content is None:
        raise Refused("file_not_found")
    if file.channel is not None:
        raise Refused("already_completed")
    file.title = str(wanted.get("title", file.name))
    return file
