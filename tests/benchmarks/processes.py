"""The real `unitbot run` as a process of its own, between stand-ins."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.stora.server import SandboxStora
from bot.settings import Settings


def environment(
    slack: SandboxSlack, stora: SandboxStora, urls: tuple[str, str], database_url: str, **settings: str
) -> dict[str, str]:
    """What the process needs to find its neighbours, and nothing of anybody's own settings.

    Args:
        slack: The stand-in.
        stora: The same.
        urls: Where the two are served.
        database_url: Its memory.
        settings: Further settings, by their names.
    """
    known = {name.upper() for name in Settings.model_fields}
    nobodys = {
        name: value
        for name, value in os.environ.items()
        if name not in known and not name.startswith("UNITBOT_") and not name.lower().endswith("_proxy")
    }
    return {
        **nobodys,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": f"{urls[0]}/api/",
        "STORA_API_URL": urls[1],
        "STORA_API_TOKEN": stora.token,
        "STORA_REQUESTS_PER_SECOND": "100000",
        "STORA_REQUESTS_PER_MINUTE": "1000000",
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        "PORT": "0",
        **settings,
    }


def nobody_listens(_entry: Mapping[str, Any]) -> None:
    """The log is not looked at."""


@dataclass
class BotProcess:
    """One process."""

    environment: Mapping[str, str]
    folder: str
    heard: Callable[[Mapping[str, Any]], None] = nobody_listens
    """Is given each log line."""
    url: str = ""
    process: asyncio.subprocess.Process | None = None
    running: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=self.folder,
            env=dict(self.environment),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self.process.stderr is not None
        self._reading = asyncio.create_task(self._read(self.process.stderr))
        await self.running.wait()

    async def _read(self, log: asyncio.StreamReader) -> None:
        while line := await log.readline():
            with suppress(ValueError):
                entry = json.loads(line)
                if entry["event"] == "running":
                    self.url = entry["url"]
                    self.running.set()
                self.heard(entry)

    async def kill(self) -> None:
        """SIGKILL: whatever the bot was about to do remains undone."""
        assert self.process is not None
        self.running.clear()
        self.process.kill()
        await self.process.wait()
        await self._reading

    @property
    def resident(self) -> float:
        """Megabytes of memory, at this moment."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
