"""The record: every attempt, refusal, failure and outcome, in the order in which they were written."""

from dataclasses import asdict, fields

from sqlalchemy import Insert, RowMapping, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.reservations import AuditEntry
from bot.store.schema import audit
from bot.store.transactions import reading, writing


def insert_line(entry: AuditEntry) -> Insert:
    """The statement that adds a line, for a transaction that is under way."""
    folded = {"folded_id": entry.unit_id.casefold(), "folded_reference": entry.unit_reference.casefold()}
    return insert(audit).values(**asdict(entry), **folded)


class Audit:
    """The record, as it is added to and looked up. Every method raises ``DatabaseUnusable``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def record(self, entry: AuditEntry) -> None:
        """Add a line about something that changed nothing else, such as a refusal."""
        async with writing(self._engine) as connection:
            await connection.execute(insert_line(entry))

    async def newest(self, limit: int, *, before: int | None = None, unit: str = "") -> list[tuple[int, AuditEntry]]:
        """A page of lines with their numbers, newest first.

        Args:
            limit: Lines on the page.
            before: The last number of the page before this one.
            unit: Only this unit, by id or reference, in upper or lower case.
        """
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if unit:
            folded = unit.casefold()
            query = query.where(or_(audit.c.folded_id == folded, audit.c.folded_reference == folded))
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [(row["id"], _entry(row)) for row in rows]


def _entry(row: RowMapping) -> AuditEntry:
    return AuditEntry(**{one.name: row[one.name] for one in fields(AuditEntry)})
