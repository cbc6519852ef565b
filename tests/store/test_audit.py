"""The record, newest first and in pages."""

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.reservations import AuditEntry
from bot.store.audit import Audit
from tests.store.conftest import NOW, SECOND

ENTRY = AuditEntry(
    at=NOW,
    who="U1",
    action="reserve",
    result="denied",
    unit_id="unit_1",
    unit_reference="Größe-012",
    site_id="site_1",
    tenancy_id="ten_1",
    rule="nobody may reserve at Camden",
    idempotency_key="key",
    request_id="req",
    detail="said “no”",
)


@pytest.fixture
def audit(engine: AsyncEngine) -> Audit:
    return Audit(engine)


async def test_a_line_comes_back_as_it_was(audit: Audit) -> None:
    await audit.record(ENTRY)
    [(_, entry)] = await audit.newest(10)
    assert entry == ENTRY


async def test_a_line_about_nothing_in_particular_is_one_too(audit: Audit) -> None:
    small = AuditEntry(at=NOW, who="U1", action="release", result="denied")
    await audit.record(small)
    assert [entry for _, entry in await audit.newest(10)] == [small]


async def test_pages_follow_each_other_also_while_lines_are_added(audit: Audit) -> None:
    for number in range(5):
        # The clock steps back all the time; the order of writing holds.
        await audit.record(replace(ENTRY, detail=str(number), at=NOW - number * SECOND))
    first = await audit.newest(2)
    await audit.record(replace(ENTRY, detail="new"))
    second = await audit.newest(2, before=first[-1][0])
    third = await audit.newest(2, before=second[-1][0])
    assert [[entry.detail for _, entry in page] for page in (first, second, third)] == [["4", "3"], ["2", "1"], ["0"]]
    assert await audit.newest(2, before=third[-1][0]) == []


@pytest.mark.parametrize("typed", ["unit_1", "UNIT_1", "Größe-012", "GRÖSSE-012", "GRÖßE-012"])
async def test_a_unit_is_found_by_id_or_reference_in_any_case(audit: Audit, typed: str) -> None:
    await audit.record(ENTRY)
    await audit.record(replace(ENTRY, unit_id="unit_10", unit_reference="Größe-0123"))
    await audit.record(replace(ENTRY, detail="newer"))
    found = await audit.newest(10, unit=typed)
    assert [entry.detail for _, entry in found] == ["newer", ENTRY.detail]
    assert [entry.detail for _, entry in await audit.newest(10, unit=typed, before=found[0][0])] == [ENTRY.detail]


async def test_a_unit_nobody_touched_has_no_lines(audit: Audit) -> None:
    await audit.record(ENTRY)
    assert await audit.newest(10, unit="%") == []
