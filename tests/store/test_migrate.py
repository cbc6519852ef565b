"""Every database gets to this version's schema, once, whoever starts first."""

import asyncio
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.core.problems import DatabaseUnusable
from bot.store.audit import Audit
from bot.store.database import opened
from bot.store.migrate import MIGRATIONS
from bot.store.schema import audit, metadata
from tests.store.conftest import PROPOSAL, asked

OPEN = """
import asyncio, sys
from bot.store.database import opened

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with opened(sys.argv[1]):
        print("opened")

asyncio.run(main())
"""


def described(connection: Connection) -> dict[str, Any]:
    """All that a database knows of its tables."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)],
            "primary key": inspector.get_pk_constraint(table),
            "unique": inspector.get_unique_constraints(table),
            "checks": inspector.get_check_constraints(table),
            "foreign keys": inspector.get_foreign_keys(table),
            "indexes": sorted(inspector.get_indexes(table), key=lambda index: str(index["name"])),
        }
        for table in metadata.tables
    }


async def test_the_migrations_make_exactly_the_schema(engine: AsyncEngine) -> None:
    def compare(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_the_migrations_make_what_alembic_does_not_compare_either(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        migrated = await connection.run_sync(described)
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        made = await connection.run_sync(described)
    assert migrated == made
    assert migrated["decisions"]["checks"][0]["name"] == "ck_decisions_state"


async def test_a_line_never_gets_the_number_of_one_that_is_gone(engine: AsyncEngine) -> None:
    record = Audit(engine)
    await record.record(asked(PROPOSAL))
    [(number, _)] = await record.newest(1)
    async with engine.begin() as connection:
        await connection.execute(delete(audit))
    await record.record(asked(PROPOSAL))
    assert (await record.newest(1))[0][0] > number


async def test_what_is_there_stays_when_it_is_opened_again(url: str) -> None:
    async with opened(url) as engine:
        await Audit(engine).record(asked(PROPOSAL))
    async with opened(url) as engine:
        assert [entry for _, entry in await Audit(engine).newest(10)] == [asked(PROPOSAL)]


async def test_many_may_open_a_new_database_at_once(url: str) -> None:
    async def start() -> None:
        async with opened(url) as engine:
            await Audit(engine).record(asked(PROPOSAL))

    await asyncio.gather(*(start() for _ in range(6)))
    async with opened(url) as engine:
        assert len(await Audit(engine).newest(10)) == 6


async def test_two_real_processes_may_open_a_new_database_at_once(url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", OPEN, url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [(said, process.returncode) for (said, _), process in zip(answers, processes, strict=True)] == [
        (b"opened\n", 0),
        (b"opened\n", 0),
    ]


async def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    async with opened(url) as engine, engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match=r"newer Unitbot \(schema 9999\)"):
        async with opened(url):
            pass


async def test_a_migration_that_fails_changes_nothing(url: str) -> None:
    bare = create_async_engine(url)
    try:
        async with bare.begin() as connection:
            await connection.execute(text("CREATE TABLE audit (theirs INTEGER)"))
        with pytest.raises(DatabaseUnusable):
            async with opened(url):
                pass
        async with bare.connect() as connection:
            tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    finally:
        await bare.dispose()
    assert tables == ["audit"]


def test_there_is_one_line_of_migrations_from_nothing_to_now() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert len(script.get_heads()) == len(script.get_bases()) == 1
