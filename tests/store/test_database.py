"""What opening a database sets up, and how its failures are told."""

import asyncio
import os
import stat
import sys
import traceback
from pathlib import Path

import pytest

from bot.core.problems import DatabaseUnusable
from bot.store.database import opened
from bot.store.transactions import reading, writing
from tests.store.conftest import SHORT, written_by_another


async def reason(url: str, patience: float = SHORT) -> str:
    with pytest.raises(DatabaseUnusable) as caught:
        async with opened(url, patience=patience):
            pass
    assert caught.value.reason in str(caught.value)
    return caught.value.reason


async def test_every_sqlite_connection_loses_nothing_and_checks_references(file: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{file}") as engine, engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            found = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert found == ["wal", 2, 1, 5000]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have these permissions")
async def test_a_new_sqlite_file_is_its_owners_alone(file: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{file}") as engine, writing(engine):
        for one in file.parent.glob("unitbot.db*"):
            assert stat.S_IMODE(one.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "cannot be read"),
        ("postgresql+asyncpg://u:secret@127.0.0.1:port/db", "cannot be read"),
        ("mysql://u:secret@localhost/db", "must start with sqlite"),
        ("postgresql://u:secret@localhost/db", "must start with sqlite"),
        ("sqlite+aiosqlite://", "takes the path of a file"),
        ("sqlite+aiosqlite:///:memory:", "takes the path of a file"),
        ("sqlite+aiosqlite:///file:x?mode=memory&uri=true", "takes the path of a file"),
        ("sqlite+aiosqlite:///x.db?timeout=3", "no options"),
        ("sqlite+aiosqlite:///nowhere/unitbot.db", "SQLite file nowhere/unitbot.db: .*No such file or directory"),
        ("sqlite+aiosqlite:///.", "cannot be opened"),
        ("postgresql+asyncpg://u:secret@127.0.0.1:1/db", "database db on 127.0.0.1: .*cannot be reached"),
        ("postgresql+asyncpg://u:secret@127.0.0.1:1/db?password=secret", "cannot be reached"),
        ("postgresql+asyncpg://u:secret@/db?host=/nowhere", "database db on /nowhere: "),
        ("postgresql+asyncpg://u:secret@127.0.0.1/db?sslmode=require", "option.*sslmode"),
    ],
)
async def test_an_address_that_leads_nowhere_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(DatabaseUnusable, match=told) as caught:
        async with opened(url):
            pass
    assert "secret" not in "".join(traceback.format_exception(caught.value))


async def test_a_file_of_something_else_is_told(file: Path) -> None:
    diary = b"Dear diary, " * 1000
    file.write_bytes(diary)  # noqa: ASYNC240 - nobody waits
    assert "not a SQLite database" in await reason(f"sqlite+aiosqlite:///{file}")
    assert file.read_bytes() == diary, "and stays as it is"  # noqa: ASYNC240 - the same


async def test_a_file_that_another_writes_is_waited_for(file: Path) -> None:
    with written_by_another(file) as other:
        opening = asyncio.ensure_future(_opened_once(f"sqlite+aiosqlite:///{file}"))
        done, _ = await asyncio.wait([opening], timeout=0.15)
        assert not done
        other.execute("COMMIT")
        assert await opening == "wal"


async def _opened_once(url: str) -> str:
    async with opened(url) as engine, reading(engine) as connection:
        return str((await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one())


async def test_a_file_that_another_never_leaves_is_told(file: Path) -> None:
    with written_by_another(file):
        assert "Another process has locked it" in await reason(f"sqlite+aiosqlite:///{file}")


async def test_a_database_that_does_not_exist_is_told(postgres: str) -> None:
    url = f"postgresql+asyncpg://postgres:secret@/nowhere?host={postgres}"
    told = await reason(url)
    assert "database nowhere" in told
    assert "create it" in told
    assert "secret" not in told


async def test_a_user_who_does_not_exist_is_told(postgres: str) -> None:
    told = await reason(f"postgresql+asyncpg://nobody:secret@/postgres?host={postgres}")
    assert "refuses this user or password" in told
    assert "secret" not in told


async def test_a_missing_driver_is_told() -> None:
    code = """
import asyncio, sys
sys.modules["asyncpg"] = None
from bot.store.database import opened
from bot.core.problems import DatabaseUnusable

async def main():
    try:
        async with opened("postgresql+asyncpg://u:secret@127.0.0.1/db"):
            pass
    except DatabaseUnusable as problem:
        print(problem)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert b"needs the package asyncpg" in said
    assert b"`postgres`" in said
