"""Reading and writing: all or nothing, waiting but not for ever, and failures that tell nothing of customers."""

import traceback
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.problems import DatabaseUnusable
from bot.store.database import opened
from bot.store.outbox import Outbox
from bot.store.reservations import Reservations
from bot.store.rows import row_of
from bot.store.schema import decisions, outbox
from bot.store.transactions import reading, writing
from bot.store.unusable import explained
from tests.store.conftest import LEASE, NOW, PROPOSAL, SHORT, a_proposal, begun, proposed, written_by_another


async def test_what_is_owed_is_owed_for_a_decision_that_exists(engine: AsyncEngine) -> None:
    row = {
        "key": "k",
        "kind": "note",
        "channel_id": "",
        "payload": "Ångström",
        "decision_id": "none",
        "not_before": NOW,
    }
    with pytest.raises(IntegrityError) as caught:
        async with engine.begin() as connection:
            await connection.execute(insert(outbox).values(row))
    assert "Ångström" not in str(caught.value)


async def test_a_state_that_nobody_knows_is_not_kept(engine: AsyncEngine) -> None:
    with pytest.raises(DatabaseUnusable, match=r"ck_decisions_state|CheckViolation"):
        async with writing(engine) as connection:
            await connection.execute(insert(decisions).values(**row_of(PROPOSAL), state="lost"))


async def test_a_row_that_is_refused_shows_in_no_traceback(engine: AsyncEngine) -> None:
    row = {**row_of(PROPOSAL), "state": "proposed", "price": None}
    with pytest.raises(DatabaseUnusable) as caught:
        async with writing(engine) as connection:
            await connection.execute(insert(decisions).values(row))
    told = "".join(traceback.format_exception(caught.value))
    assert "Ångström" not in told
    assert PROPOSAL.idempotency_key not in told


async def test_a_moment_without_a_zone_is_not_kept(engine: AsyncEngine) -> None:
    with pytest.raises(Exception, match="a moment needs a time zone"):
        await Reservations(engine).take_over(NOW.replace(tzinfo=None), LEASE, 1)


async def test_a_block_that_fails_writes_nothing(engine: AsyncEngine) -> None:
    async def fail() -> None:
        async with writing(engine) as connection:
            await connection.execute(insert(decisions).values(**row_of(PROPOSAL), state="proposed"))
            raise LookupError

    with pytest.raises(LookupError):  # and nothing else: not every failure is the database's
        await fail()
    assert await Reservations(engine).get("d1") is None


async def test_readers_and_a_writer_do_not_wait_for_each_other(engine: AsyncEngine) -> None:
    await proposed(Reservations(engine))
    async with reading(engine) as reader:
        before = (await reader.execute(select(decisions.c.state))).scalar_one()
        async with writing(engine) as writer:
            await writer.execute(text("UPDATE decisions SET state = 'cancelled'"))
            async with reading(engine) as another:
                during = (await another.execute(select(decisions.c.state))).scalar_one()
    assert (before, during) == ("proposed", "proposed")


async def test_a_missing_table_is_told_without_a_crash(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE outbox"))
    with pytest.raises(DatabaseUnusable, match=r"no such table: outbox|UndefinedTableError, 42P01"):
        await Outbox(engine).pending()


async def test_a_writer_waits_for_a_lock_but_not_for_ever(file: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{file}", patience=SHORT) as engine:
        reservations = Reservations(engine)
        await proposed(reservations)
        with written_by_another(file):
            with pytest.raises(DatabaseUnusable, match="Another process has locked it"):
                await begun(reservations)
            found = await reservations.get("d1")
            assert found is not None
            assert found.state == "proposed"
        _, ours = await begun(reservations)
        assert ours


async def test_a_writer_waits_for_its_turn_but_not_for_ever(file: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{file}", patience=SHORT) as engine:
        async with writing(engine):
            with pytest.raises(DatabaseUnusable, match="does not answer in time"):
                await proposed(Reservations(engine))
        await proposed(Reservations(engine))


async def test_a_full_disk_is_told(file: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{file}") as engine:
        async with reading(engine) as connection:
            # It stays so for the pool's only connection.
            await connection.exec_driver_sql("PRAGMA max_page_count=1")
        with pytest.raises(DatabaseUnusable, match="The disk is full"):
            await proposed(Reservations(engine), a_proposal(price="x" * 1_000_000))


async def test_a_connection_that_the_server_closed_is_replaced(postgres_url: str) -> None:
    async with opened(postgres_url) as engine, opened(postgres_url) as other:
        await proposed(Reservations(engine))
        async with writing(other) as connection:
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            )
        assert await Reservations(engine).get("d1") is not None


async def test_a_connection_that_breaks_while_writing_is_told(postgres_url: str) -> None:
    async with opened(postgres_url) as engine, opened(postgres_url) as other:

        async def write() -> None:
            async with writing(engine) as connection:
                await connection.execute(insert(decisions).values(**row_of(PROPOSAL), state="proposed"))
                pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
                async with writing(other) as killer:
                    await killer.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": pid})
                await connection.execute(text("SELECT 1"))

        with pytest.raises(DatabaseUnusable, match="The connection broke"):
            await write()
        assert await Reservations(engine).get("d1") is None


async def test_a_row_that_another_holds_is_waited_for_but_not_for_ever(postgres_url: str) -> None:
    async with opened(postgres_url) as engine, opened(postgres_url, patience=SHORT) as impatient:
        await proposed(Reservations(engine))
        async with writing(engine) as connection:
            await connection.execute(select(decisions).with_for_update())
            with pytest.raises(DatabaseUnusable, match="Another process has locked it"):
                await begun(Reservations(impatient))


async def test_a_replica_that_freezes_inside_a_transaction_lets_go_of_its_rows(postgres_url: str) -> None:
    async with opened(postgres_url) as engine, opened(postgres_url, patience=SHORT) as frozen:
        reservations = Reservations(engine)
        await proposed(reservations)

        async def freeze() -> None:
            async with writing(frozen) as connection:
                await connection.execute(text("UPDATE decisions SET state = 'cancelled'"))
                assert (await begun(reservations))[1]

        with pytest.raises(DatabaseUnusable, match="The connection broke"):
            await freeze()
        decision = await reservations.get("d1")
        assert decision is not None
        assert decision.state == "claimed"


def test_an_unspeaking_error_is_told_by_its_name() -> None:
    with pytest.raises(DatabaseUnusable, match="ConnectionResetError"), explained():
        raise ConnectionResetError
