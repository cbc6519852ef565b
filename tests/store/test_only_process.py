"""A SQLite file belongs to one process that wants it alone, for as long as that process lives."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.core.problems import DatabaseUnusable
from bot.store.database import opened
from bot.store.only_process import only_process

HOLDS = """
import asyncio, sys
from bot.store.database import opened

async def main():
    async with opened(sys.argv[1], alone=True):
        print("opened", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def address(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def test_a_second_one_is_refused_until_the_first_has_ended(address: str, file: Path) -> None:
    async with opened(address, alone=True):
        with pytest.raises(DatabaseUnusable) as refused:
            async with opened(address, alone=True):
                raise AssertionError("both have it")
    assert str(file) in refused.value.reason
    assert "Another Unitbot is running on it" in refused.value.reason
    async with opened(address, alone=True):
        pass


async def test_who_does_not_want_it_alone_may_look_meanwhile(address: str) -> None:
    async with opened(address, alone=True), opened(address):
        pass


async def test_two_ways_to_the_same_file_are_one(address: str, tmp_path: Path) -> None:
    async with opened(address, alone=True):
        (tmp_path / "elsewhere").symlink_to(tmp_path)
        with pytest.raises(DatabaseUnusable):
            async with opened(f"sqlite+aiosqlite:///{tmp_path}/elsewhere/unitbot.db", alone=True):
                raise AssertionError("both have it")


async def test_two_files_are_two(tmp_path: Path) -> None:
    one, other = (f"sqlite+aiosqlite:///{tmp_path / name}" for name in ("one.db", "other.db"))
    async with opened(one, alone=True), opened(other, alone=True):
        pass


async def test_a_kill_lets_go_of_it(address: str) -> None:
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDS, address, stdout=asyncio.subprocess.PIPE)
    try:
        assert holder.stdout
        assert await holder.stdout.readline() == b"opened\n"
        with pytest.raises(DatabaseUnusable):
            async with opened(address, alone=True):
                raise AssertionError("both have it")
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        await holder.wait()
    async with opened(address, alone=True):
        pass


async def test_a_start_that_fails_later_lets_go_of_it(address: str, file: Path) -> None:
    file.write_bytes(b"Dear diary, " * 1000)  # noqa: ASYNC240 - nobody waits
    for _ in range(2):
        with pytest.raises(DatabaseUnusable, match="not a SQLite database"):
            async with opened(address, alone=True):
                raise AssertionError("it is a diary")


def test_where_no_lock_can_be_made_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), only_process(tmp_path / "nowhere" / "unitbot.db"):
        raise AssertionError("there is no such folder")


async def test_postgresql_is_there_to_be_shared(postgres_url: str) -> None:
    async with opened(postgres_url, alone=True), opened(postgres_url, alone=True):
        pass
