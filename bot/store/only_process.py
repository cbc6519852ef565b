"""One process at a time on a SQLite file: the operating system holds the lock, and lets go of it whatever ends us."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.core.problems import DatabaseUnusable


@contextmanager
def only_process(database: Path) -> Iterator[None]:
    """Hold the lock of this database inside the block.

    It is on a file beside the database, which stays: on some systems a lock on the database itself, or merely closing
    it once more, would interfere with SQLite's own locks (https://www.sqlite.org/howtocorrupt.html, 2.2).

    Raises:
        DatabaseUnusable: another process holds it.
        OSError: the file beside the database cannot be made. Neither could those that SQLite needs there.
    """
    path = database.resolve()
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseUnusable(
                "Another Unitbot is running on it. Stop that one first; several at once need PostgreSQL."
            ) from None
        yield
