"""The `unitbot` command: run · demo · manifest."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from pydantic import SecretStr

from bot.app import CannotStart, running
from bot.manifest import BadAddress, committed, for_http
from bot.settings import BadSettings, Settings, load_settings
from bot.telemetry import configure_logs

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
    demo = commands.add_parser("demo", help="try the bot against embedded stand-ins: no account, no token, no network")
    demo.add_argument("--say", metavar="TEXT", help="send this one command, print the reply, and exit")
    manifest = commands.add_parser("manifest", help="print the Slack app's manifest")
    manifest.add_argument(
        "--url", metavar="https://host", help="for HTTP instead of Socket Mode: where Slack reaches us"
    )
    given = parser.parse_args(arguments)
    match given.command:
        case "run":
            return _run()
        case "demo":
            return _demo(given.say)
        case _:
            return _manifest(given.url)


def _run() -> int:
    try:
        settings = load_settings()
    except BadSettings as problem:
        _complain(*problem.lines)
        return BAD_SETTINGS
    configure_logs(settings.log_level, settings.log_format, _secrets(settings))
    try:
        return asyncio.run(_until_told_to_stop(settings))
    except CannotStart as problem:
        _complain(str(problem))
        return FAILED


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
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, told.set)
    async with running(settings):
        await told.wait()
    return OK


def _demo(text: str | None) -> int:
    # Imported here: a bot at work has no need of stand-ins.
    from bot.demo import demonstrate  # noqa: PLC0415

    configure_logs("warning", "console")
    return asyncio.run(_done_or_told_to_stop(demonstrate(text)))


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
