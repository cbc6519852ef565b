"""Two bots on one SQLite file: the second does not start, and says why."""

import asyncio
from pathlib import Path

from bot.sandbox.loopback import serve
from tests.walks.conftest import a_slack, a_stora
from tests.walks.test_http import logged, process, settings


async def test_a_second_process_on_the_same_file_is_refused_and_may_start_once_the_first_is_killed(
    tmp_path: Path,
) -> None:
    slack, stora = a_slack(), a_stora()
    async with slack.serving(), serve(stora.application()) as stora_url:
        environment = settings(slack, stora_url, DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path / 'unitbot.db'}")
        async with process(**environment) as first:
            await logged(first, "running")
            async with process(**environment) as second:
                async with asyncio.timeout(15):
                    _, complaint = await second.communicate()
                assert second.returncode == 1
            [line] = complaint.decode().splitlines()
            assert line.startswith("DATABASE_URL: ")
            assert str(tmp_path / "unitbot.db") in line
            assert "Another Unitbot is running on it" in line
            assert first.returncode is None
            first.kill()
            await first.wait()
        async with process(**environment) as third:
            await logged(third, "running")
            third.terminate()
            async with asyncio.timeout(10):
                assert await third.wait() == 0
