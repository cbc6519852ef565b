"""The `unitbot` command: run · demo · check · webhooks · manifest."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from pydantic import SecretStr

from bot.app import running
from bot.check.everything import check
from bot.manifest import BadAddress, committed, for_http
from bot.settings import BadSettings, Settings, load_settings
from bot.start.refused import CannotStart
from bot.stora.endpoints import EVENT_TYPES
from bot.telemetry import configure_logs, report_lost
from bot.webhooks import NotRegistered, endpoint_url, register

OK, FAILED, BAD_SETTINGS = 0, 1, 2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Entry point of the `unitbot` command."""
    sys.exit(unitbot(sys.argv[1:]))


def unitbot(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. A wrong command line ends the process with 2, as argparse does."""
    parser = argparse.ArgumentParser(prog="unitbot", description="A Slack bot for self-storage staff who run on Stora.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the bot: Socket Mode when SLACK_APP_TOKEN is set, otherwise HTTP")
    demo = commands.add_parser("demo", help="try the bot in a browser, without Slack, without Stora, without network")
    demo.add_argument("--port", type=int, default=8080, help="of the page on 127.0.0.1 (default: %(default)s)")
    demo.add_argument("--say", metavar="TEXT", help="send this one command, print the reply, and exit")
    check = commands.add_parser("check", help="try every setting and neighbour with the real tokens")
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    webhooks = commands.add_parser("webhooks", help="where Stora sends its events")
    create = webhooks.add_subparsers(dest="action", required=True).add_parser(
        "create", help="register this bot at Stora, and print the secret to set"
    )
    create.add_argument("--url", metavar="https://host", required=True, help="where Stora reaches us")
    create.add_argument("--events", metavar="LIST", help="these event types instead of all that the bot acts on")
    manifest = commands.add_parser("manifest", help="print the Slack app's manifest")
    manifest.add_argument(
        "--url", metavar="https://host", help="for HTTP instead of Socket Mode: where Slack reaches us"
    )
    given = parser.parse_args(arguments)
    match given.command:
        case "run":
            return _run()
        case "demo":
            return _demo(given.say, given.port)
        case "check":
            return _check(as_json=given.json)
        case "webhooks":
            return _register(given.url, given.events)
        case _:
            return _manifest(given.url)


def _settings() -> Settings | None:
    """The settings; without them what is wrong has been said."""
    try:
        return load_settings()
    except BadSettings as problem:
        _complain(*problem.lines)
        return None


def _run() -> int:
    settings = _settings()
    if settings is None:
        return BAD_SETTINGS
    configure_logs(settings.log_level, settings.log_format, _secrets(settings))
    return asyncio.run(_explained(_until_told_to_stop(settings)))


async def _done_or_told_to_stop(work: Coroutine[Any, Any, bool]) -> int:
    """Do the work until it is done, or until SIGTERM or SIGINT."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    try:
        return OK if await task else FAILED
    except asyncio.CancelledError:
        return OK


async def _until_told_to_stop(settings: Settings) -> int:
    told, started = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report_lost)
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, told.set)

    async def at_work() -> None:
        async with running(settings):
            started.set()
            await told.wait()

    working, waiting = asyncio.create_task(at_work()), asyncio.create_task(told.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not started.is_set():
        working.cancel()  # a neighbour that does not answer must not keep us from stopping
    with suppress(asyncio.CancelledError):
        await working
    return OK


def _demo(text: str | None, port: int) -> int:
    # Imported here: a bot at work has no need of stand-ins.
    from bot.demo import say, show  # noqa: PLC0415

    configure_logs("warning", "console")
    return asyncio.run(_explained(_done_or_told_to_stop(show(port) if text is None else say(text))))


async def _explained(work: Coroutine[Any, Any, int]) -> int:
    """Do the work; where it cannot be done, say why."""
    try:
        return await work
    except (CannotStart, NotRegistered) as problem:
        _complain(str(problem))
        return FAILED


def _check(*, as_json: bool) -> int:
    settings = _settings()
    if settings is None:
        return BAD_SETTINGS
    configure_logs("error", "console", _secrets(settings))
    findings = asyncio.run(check(settings))
    lines = (
        [json.dumps([asdict(each) for each in findings], indent=2, ensure_ascii=False)]
        if as_json
        else [each.line for each in findings]
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return FAILED if any(each.verdict == "FAIL" for each in findings) else OK


def _register(given: str, events: str | None) -> int:
    settings = _settings()
    if settings is None:
        return BAD_SETTINGS
    url = endpoint_url(given)
    if url is None:
        _complain("--url: expected https://host, where Stora can reach the bot")
        return BAD_SETTINGS
    configure_logs("error", "console", _secrets(settings))
    return asyncio.run(_explained(_registered(settings, url, tuple(events.split(",")) if events else EVENT_TYPES)))


async def _registered(settings: Settings, url: str, event_types: tuple[str, ...]) -> int:
    secret = await register(settings, url, event_types)
    sys.stdout.write(
        f"Stora now sends its events to {url}. Set this and restart the bot; Stora shows it only this once:\n"
        f"STORA_WEBHOOK_SECRET={secret}\n"
    )
    return OK


def _manifest(url: str | None) -> int:
    try:
        sys.stdout.write(committed() if url is None else for_http(url))
    except BadAddress:
        _complain("--url: expected https://host, where Slack can reach the bot")
        return BAD_SETTINGS
    return OK


def _secrets(settings: Settings) -> list[str]:
    return [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]


def _complain(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
