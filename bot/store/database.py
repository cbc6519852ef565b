"""Open the database: reachable, migrated and writable, or a sentence that says why not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.store.engines import place_of, postgresql, prepare_sqlite, sqlite
from bot.store.migrate import migrate
from bot.store.only_process import only_process
from bot.store.transactions import reading
from bot.store.unusable import explained

PATIENCE = 5.0


@asynccontextmanager
async def opened(url: str, *, patience: float = PATIENCE, alone: bool = False) -> AsyncIterator[AsyncEngine]:
    """The database at a SQLAlchemy URL, with this version's schema. Its connections are closed at the end.

    Any number of processes may open the same one at once: one migrates, the others wait.

    Args:
        url: `sqlite+aiosqlite:///unitbot.db` (a file, made if absent) or `postgresql+asyncpg://user:password@host/name`.
        patience: Seconds to wait for a lock, a connection or one's turn to write.
        alone: Whether to share a SQLite file with nobody else who wants it alone. PostgreSQL is there to be shared.

    Raises:
        DatabaseUnusable: it cannot be reached, opened or migrated, is not ours alone, or a newer version has used it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnusable("DATABASE_URL cannot be read: it must look like driver://…") from None
    match parsed.drivername:
        case "sqlite+aiosqlite":
            engine = sqlite(parsed, patience)
        case "postgresql+asyncpg":
            engine = postgresql(parsed, patience)
        case _:
            raise DatabaseUnusable("DATABASE_URL must start with sqlite+aiosqlite:// or postgresql+asyncpg://")
    with ExitStack() as held:
        try:
            try:
                if parsed.get_backend_name() == "sqlite":
                    path = Path(parsed.database or "")
                    with explained():
                        await asyncio.to_thread(prepare_sqlite, path, patience)
                        if alone:
                            held.enter_context(only_process(path))
                await _reach(engine)
                await migrate(engine)
            except DatabaseUnusable as problem:
                raise DatabaseUnusable(f"{place_of(parsed)}: {problem.reason}") from None
            yield engine
        finally:
            await engine.dispose()


async def _reach(engine: AsyncEngine) -> None:
    try:
        async with reading(engine):
            pass
    except TypeError as error:
        # The URL's options are asyncpg's arguments; those of psql, such as `sslmode`, are a usual mistake.
        raise DatabaseUnusable(f"DATABASE_URL has an option that asyncpg does not take: {error}.") from None
