"""Whatever a database or its driver can raise → one problem, in a sentence that holds no customer's name."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.core.problems import DatabaseUnusable

SQLITE = {
    "SQLITE_BUSY": "Another process has locked it.",
    "SQLITE_CANTOPEN": "The file cannot be opened.",
    "SQLITE_CORRUPT": "The file is damaged.",
    "SQLITE_FULL": "The disk is full.",
    "SQLITE_IOERR": "The disk reports an error.",
    "SQLITE_NOTADB": "The file is not a SQLite database.",
    "SQLITE_PERM": "Its files may not be opened.",
    "SQLITE_READONLY": "It may not be written to.",
}
"""What the primary result codes mean for the operator: https://www.sqlite.org/rescode.html."""

POSTGRESQL = {
    "25006": "It is read-only.",
    "28": "It refuses this user or password.",
    "3D000": "There is no database of this name; create it.",
    "42501": "This user lacks a permission in it.",
    "53": "It has run out of connections, memory or disk.",
    "55P03": "Another process has locked it.",
    "57": "It is shutting down, starting up, or ended the statement.",
}
"""What codes and classes of codes mean: https://www.postgresql.org/docs/current/errcodes-appendix.html."""


@contextmanager
def explained() -> Iterator[None]:
    """Raise ``DatabaseUnusable`` in place of whatever the database or its driver raises inside.

    The original is left out on purpose: PostgreSQL quotes whole rows, with the customer in them.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error, PoolTimeout, OSError) as error:  # `TimeoutError` is an `OSError`
        raise DatabaseUnusable(f"The database cannot be used. {_sentence(error)}") from None


def _sentence(error: Exception) -> str:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "The connection broke."
    original: object = error.orig if isinstance(error, DBAPIError) else error
    match original:
        case sqlite3.Error():
            name = getattr(original, "sqlite_errorname", "")
            meant = [words for code, words in SQLITE.items() if name == code or name.startswith(f"{code}_")]
            # SQLite's own messages name tables and columns, never values.
            return meant[0] if meant else f"SQLite reports: {original}."
        case PoolTimeout() | TimeoutError():
            return "It does not answer in time."
        case OSError():
            return f"It cannot be reached or opened: {original.strerror or str(original) or type(original).__name__}."
        case _:
            code = getattr(original, "sqlstate", None) or ""
            meant = [words for prefix, words in POSTGRESQL.items() if code.startswith(prefix)]
            kind = type(getattr(original, "__cause__", None) or original).__name__
            return f"{meant[0] if meant else 'PostgreSQL refuses.'} ({kind}{f', {code}' if code else ''})"
