"""Each write takes effect once: what arrives at Stora, what is sent again, and what each answer says of the outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import pytest
from pydantic import SecretStr

from bot.core.problems import NotFound, OutcomeUnknown, Problem, Refused, StoraBusy, StoraLogin
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from bot.stora.budget import Budget
from bot.stora.client import StoraClient
from bot.stora.exchange import SWEEP, Exchange, Patience
from bot.stora.login import ClientCredentials, Login, StaticToken
from bot.stora.signed_in import SignedIn
from bot.stora.writes import WRITE, StoraWrites
from tests.stora.conftest import START

RESERVE = "/units/{unit_id}/reserve"
NO_ANSWER = ["drop_before", "drop_after", "truncated", "empty", "garbage"]


def dialled(exchange: Exchange, login: Login) -> StoraWrites:
    return StoraWrites(SignedIn(exchange, login), "2025-09", "/units/{id}", random=lambda: 0.5)


@pytest.fixture
async def writes(exchange: Exchange, stora: SandboxStora) -> StoraWrites:
    return dialled(exchange, StaticToken(SecretStr(stora.token)))


@pytest.fixture
async def login(exchange: Exchange, stora: SandboxStora, now: Callable[[], float]) -> ClientCredentials:
    return ClientCredentials(exchange, stora.client_id, SecretStr(stora.client_secret), now)


@pytest.fixture
def unit_id(world: World) -> str:
    return str(world.unit_named("A-001", "Camden")["id"])


@pytest.fixture
def tenancy_id(world: World, unit_id: str) -> str:
    """Waits for a unit in Camden."""
    contact = world.add_contact("Jane Doe", "jane@example.com", START)
    return str(world.add_tenancy(contact["id"], world.units[unit_id]["site"]["id"], START, START)["id"])


Reserve = Callable[..., Awaitable[Any]]


@pytest.fixture
def reserve(writes: StoraWrites, unit_id: str, tenancy_id: str) -> Reserve:
    """Reserve the unit for the tenancy with the key of one and the same decision."""

    async def reserved(by: StoraWrites = writes, *, again: bool = False) -> Any:
        return await by.reserve_unit(unit_id, tenancy_id, "key-1", again=again)

    return reserved


def arm(stora: SandboxStora, fault: str, times: int | None = 1) -> None:
    if fault.isdecimal():
        stora.faults.status(int(fault), times=times, method="POST", route=RESERVE)
    else:
        getattr(stora.faults, fault)(times=times, method="POST", route=RESERVE)


def posts(stora: SandboxStora) -> list[Received]:
    return [received for received in stora.received if received.method == "POST" and received.route != "/oauth2/token"]


def keys(stora: SandboxStora) -> list[str]:
    return [received.headers["Idempotency-Key"] for received in posts(stora)]


def waits(stora: SandboxStora) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(stora.received)]


# What is sent


async def test_a_reservation_names_the_tenancy_and_comes_back_as_stora_has_it(
    reserve: Reserve, stora: SandboxStora, world: World, unit_id: str, tenancy_id: str
) -> None:
    unit = await reserve()
    (allocation,) = world.unit_allocations.values()
    assert (unit.id, unit.status, unit.allocation_id) == (unit_id, "reserved", allocation["id"])
    assert unit.backoffice_url == f"https://app.stora.test/units/{unit_id}"
    assert allocation["tenancy"]["id"] == tenancy_id
    (received,) = stora.received
    assert (received.method, received.path, received.query) == ("POST", f"/2025-09/units/{unit_id}/reserve", {})
    assert received.body == {"tenancy_id": tenancy_id}
    assert received.headers["Idempotency-Key"] == "key-1"


async def test_a_unit_is_taken_back_without_a_word_about_its_tenancy(
    writes: StoraWrites, reserve: Reserve, stora: SandboxStora, unit_id: str
) -> None:
    await reserve()
    unit = await writes.deallocate_unit(unit_id, "key-2")
    assert (unit.id, unit.status, unit.allocation_id) == (unit_id, "available", "")
    received = stora.received[1]
    assert (received.method, received.path) == ("POST", f"/2025-09/units/{unit_id}/deallocate")
    assert (received.body, received.headers["Content-Length"]) == (None, "0")
    assert "Content-Type" not in received.headers
    assert keys(stora) == ["key-1", "key-2"]


async def test_a_note_is_left_on_the_unit(writes: StoraWrites, stora: SandboxStora, world: World, unit_id: str) -> None:
    await writes.create_note(unit_id, "Reserved in Slack by U0FIONA.", "key-3")
    (note,) = world.notes.values()
    assert (note["content"], note["resource"]["id"]) == ("Reserved in Slack by U0FIONA.", unit_id)
    assert (stora.received[0].path, keys(stora)) == ("/2025-09/notes", ["key-3"])


async def test_the_version_is_the_first_part_of_the_path(
    writes: StoraWrites, reserve: Reserve, stora: SandboxStora
) -> None:
    with pytest.raises(Refused, match="invalid_endpoint"):
        await reserve(replace(writes, version="2026-01"))
    assert stora.received[0].path.startswith("/2026-01/units/")


# Sent again: only without an answer, and with the same key


@pytest.mark.parametrize("fault", NO_ANSWER)
async def test_without_an_answer_the_same_is_sent_once_more_with_the_same_key(
    reserve: Reserve, stora: SandboxStora, world: World, fault: str
) -> None:
    arm(stora, fault)
    unit = await reserve()
    (allocation_id,) = world.unit_allocations
    assert unit.allocation_id == allocation_id
    assert keys(stora) == ["key-1", "key-1"]
    assert stora.received[0].body == stora.received[1].body
    assert waits(stora) == pytest.approx([0.4])


async def test_an_answer_that_comes_too_late_is_asked_for_again(
    reserve: Reserve, stora: SandboxStora, world: World
) -> None:
    stora.faults.slow(15, route=RESERVE)
    unit = await reserve()
    assert [unit.allocation_id] == list(world.unit_allocations)
    assert keys(stora) == ["key-1"] * 2
    assert waits(stora) == pytest.approx([10.4])
    assert [received.replayed for received in stora.received] == [False, True]


@pytest.mark.parametrize("faults", [pytest.param(pair, id=" ".join(pair)) for pair in product(NO_ANSWER, repeat=2)])
async def test_however_two_answers_are_lost_there_is_one_reservation(
    reserve: Reserve, stora: SandboxStora, world: World, faults: tuple[str, ...]
) -> None:
    for fault in faults:
        arm(stora, fault)
    unit = await reserve()
    assert [unit.allocation_id] == list(world.unit_allocations)
    assert keys(stora) == ["key-1"] * 3
    assert waits(stora) == pytest.approx([0.4, 0.8])


@pytest.mark.parametrize("fault", NO_ANSWER)
async def test_without_any_answer_the_outcome_is_unknown_after_three_times(
    reserve: Reserve, stora: SandboxStora, world: World, fault: str
) -> None:
    arm(stora, fault, times=None)
    with pytest.raises(OutcomeUnknown) as unknown:
        await reserve()
    assert unknown.value.cause
    assert unknown.value.said is None
    assert keys(stora) == ["key-1"] * 3
    assert len(world.unit_allocations) == (1 if fault in {"drop_after", "truncated", "empty"} else 0)


async def test_who_is_never_answered_hears_so_after_three_time_outs(reserve: Reserve, stora: SandboxStora) -> None:
    stora.faults.hold(times=None)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(OutcomeUnknown, match="Time"):
        await reserve()
    assert loop.time() - began == pytest.approx(10 + 0.4 + 10 + 0.8 + 10)
    assert keys(stora) == ["key-1"] * 3


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, [0.2, 0.4]), (1.0, [0.6, 1.2])], ids=["least", "most"])
async def test_who_failed_together_is_spread_out(
    writes: StoraWrites, reserve: Reserve, stora: SandboxStora, drawn: float, expected: list[float]
) -> None:
    arm(stora, "drop_before", times=2)
    await reserve(replace(writes, random=lambda: drawn))
    assert waits(stora) == pytest.approx(expected)


async def test_a_second_call_with_the_same_key_gets_the_first_one_s_answer(
    reserve: Reserve, stora: SandboxStora, world: World
) -> None:
    assert await reserve() == await reserve()
    assert len(world.unit_allocations) == 1
    assert [received.replayed for received in stora.received] == [False, True]


@pytest.mark.parametrize("fault", NO_ANSWER)
async def test_a_note_whose_answer_is_lost_is_written_once(
    writes: StoraWrites, stora: SandboxStora, world: World, unit_id: str, fault: str
) -> None:
    getattr(stora.faults, fault)(route="/notes")
    await writes.create_note(unit_id, "Reserved in Slack.", "key-3")
    assert len(world.notes) == 1
    assert keys(stora) == ["key-3", "key-3"]


# An answer is an answer


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, StoraLogin),
        (403, StoraLogin),
        (409, Refused),
        (422, Refused),
        (429, StoraBusy),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
    ids=str,
)
async def test_what_stora_answers_is_not_asked_again(
    reserve: Reserve, stora: SandboxStora, world: World, status: int, problem: type[Problem]
) -> None:
    arm(stora, str(status))
    with pytest.raises(problem) as answered:
        await reserve()
    assert getattr(answered.value, "status", status) == status
    assert len(stora.received) == 1
    assert world.unit_allocations == {}


@pytest.mark.parametrize("status", [500, 502])
async def test_a_server_error_of_what_took_effect_all_the_same_is_no_failure(
    reserve: Reserve, stora: SandboxStora, world: World, status: int
) -> None:
    stora.faults.status(status, acts=True, route=RESERVE)
    with pytest.raises(OutcomeUnknown, match=f"HTTP {status}") as unknown:
        await reserve()
    assert unknown.value.request_id
    assert len(world.unit_allocations) == len(stora.received) == 1


async def test_a_taken_unit_is_refused_in_stora_s_words_with_its_request_id(
    reserve: Reserve, stora: SandboxStora, world: World, unit_id: str, tenancy_id: str
) -> None:
    world.reserve(unit_id, tenancy_id, START)
    with pytest.raises(Refused) as refused:
        await reserve()
    assert (refused.value.status, refused.value.code) == (409, "conflict")
    assert "A-001" in refused.value.message
    assert len(refused.value.request_id or "") == 36
    assert len(stora.received) == 1


async def test_a_unit_that_is_gone_is_not_found(writes: StoraWrites, stora: SandboxStora) -> None:
    with pytest.raises(NotFound) as gone:
        await writes.deallocate_unit("unit_0000000000000000", "key-2")
    assert gone.value.request_id
    assert len(stora.received) == 1


async def test_a_429_blocks_what_follows_and_says_for_how_long(reserve: Reserve, stora: SandboxStora) -> None:
    stora.faults.status(429, reset_in=40.0, route=RESERVE)
    with pytest.raises(StoraBusy) as busy:
        await reserve()
    assert busy.value.seconds == pytest.approx(40.1)
    with pytest.raises(StoraBusy):
        await reserve()
    assert len(stora.received) == 1


# After an answer was lost, nothing short of a success is certain


LATER = {401: "StoraLogin", 403: "StoraLogin", 409: "Refused", 422: "Refused", 429: "StoraBusy", 500: "HTTP 500"}
STORA_REPLAYS_ITS_SUCCESS = {403, 409, 422, 500}


@pytest.mark.parametrize(
    ("lost", "status"),
    [("drop_before", status) for status in LATER]
    + [("drop_after", status) for status in LATER if status not in STORA_REPLAYS_ITS_SUCCESS],
)
async def test_after_a_lost_answer_a_later_refusal_does_not_say_that_nothing_happened(
    reserve: Reserve, stora: SandboxStora, world: World, lost: str, status: int
) -> None:
    arm(stora, lost)
    arm(stora, str(status))
    with pytest.raises(OutcomeUnknown) as unknown:
        await reserve()
    assert unknown.value.cause == LATER[status]
    assert keys(stora) == ["key-1"] * 2
    assert len(world.unit_allocations) == (1 if lost == "drop_after" else 0)
    said = unknown.value.said
    assert (said.status if isinstance(said, Refused) else None) == (status if status in {409, 422} else None)


async def test_after_a_lost_answer_a_budget_without_room_is_no_refusal(
    reserve: Reserve, exchange: Exchange, stora: SandboxStora
) -> None:
    stora.faults.hold()
    reserving = asyncio.ensure_future(reserve())
    await stora.arrived(1)
    exchange.budget.block(60)
    with pytest.raises(OutcomeUnknown, match="StoraBusy"):
        await reserving
    assert len(stora.received) == 1


async def test_before_anything_is_lost_a_budget_without_room_is_told_with_nothing_sent(
    reserve: Reserve, exchange: Exchange, stora: SandboxStora
) -> None:
    exchange.budget.block(WRITE.for_room or 0)
    exchange.budget.block(30)
    with pytest.raises(StoraBusy) as busy:
        await reserve()
    assert busy.value.seconds == pytest.approx(30)
    assert stora.received == []


async def test_what_is_sent_again_later_is_as_uncertain_as_after_a_lost_answer(
    writes: StoraWrites, reserve: Reserve, stora: SandboxStora, exchange: Exchange, unit_id: str
) -> None:
    arm(stora, "409")
    with pytest.raises(OutcomeUnknown, match="Refused") as unknown:
        await reserve(again=True)
    assert unknown.value.request_id
    with pytest.raises(OutcomeUnknown) as gone:
        await writes.deallocate_unit("unit_0000000000000000", "key-2", again=True)
    assert isinstance(gone.value.said, NotFound)
    exchange.budget.block(60)
    with pytest.raises(OutcomeUnknown, match="StoraBusy"):
        await writes.deallocate_unit(unit_id, "key-3", again=True)
    assert len(stora.received) == 2


async def test_what_is_sent_again_later_and_succeeds_has_succeeded(
    reserve: Reserve, stora: SandboxStora, world: World
) -> None:
    first = await reserve()
    assert await reserve(again=True) == first
    assert len(world.unit_allocations) == 1
    assert stora.received[1].replayed


async def test_neither_stora_s_words_nor_names_are_in_what_a_log_would_print(
    reserve: Reserve, stora: SandboxStora
) -> None:
    arm(stora, "409")
    with pytest.raises(OutcomeUnknown) as unknown:
        await reserve(again=True)
    assert unknown.value.said
    assert "somebody else" in unknown.value.said.message
    assert "somebody else" not in repr(unknown.value)


# Tokens


async def test_a_withdrawn_token_is_renewed_once_and_the_same_key_is_sent_with_the_new_one(
    reserve: Reserve, exchange: Exchange, login: ClientCredentials, stora: SandboxStora, world: World
) -> None:
    await login.token(WRITE)
    stora.revoke_tokens()
    unit = await reserve(dialled(exchange, login))
    assert [unit.allocation_id] == list(world.unit_allocations)
    assert [received.status for received in posts(stora)] == [401, 200]
    assert keys(stora) == ["key-1"] * 2
    assert len({received.headers["Authorization"] for received in posts(stora)}) == 2


async def test_a_new_token_that_is_refused_too_means_that_nothing_happened(
    reserve: Reserve, exchange: Exchange, login: ClientCredentials, stora: SandboxStora
) -> None:
    arm(stora, "401", times=2)
    with pytest.raises(StoraLogin):
        await reserve(dialled(exchange, login))
    assert [received.status for received in posts(stora)] == [401, 401]


async def test_a_token_that_is_hard_to_get_is_no_lost_answer(
    reserve: Reserve, exchange: Exchange, login: ClientCredentials, stora: SandboxStora
) -> None:
    stora.faults.drop_before(route="/oauth2/token")
    arm(stora, "409")
    with pytest.raises(Refused):
        await reserve(dialled(exchange, login))
    assert len(posts(stora)) == 1


async def test_a_token_that_cannot_be_had_leaves_nothing_sent(
    reserve: Reserve, exchange: Exchange, login: ClientCredentials, stora: SandboxStora
) -> None:
    stora.faults.drop_before(route="/oauth2/token", times=None)
    with pytest.raises(OutcomeUnknown):
        await reserve(dialled(exchange, login))
    assert posts(stora) == []
    assert len(stora.received) == 3


async def test_a_client_that_stora_does_not_know_is_told_so_at_once(
    reserve: Reserve, exchange: Exchange, stora: SandboxStora
) -> None:
    stranger = ClientCredentials(exchange, stora.client_id, SecretStr("wr0ng-s3cret"))
    with pytest.raises(StoraLogin):
        await reserve(dialled(exchange, stranger))
    assert [received.route for received in stora.received] == ["/oauth2/token"]


async def test_a_client_asks_for_the_right_to_write_notes_only_if_it_writes_any(
    exchange: Exchange, stora: SandboxStora, unit_id: str
) -> None:
    for notes in (False, True):
        login = ClientCredentials(exchange, stora.client_id, SecretStr(stora.client_secret), notes=notes)
        writes = dialled(exchange, login)
        if notes:
            await writes.create_note(unit_id, "Reserved in Slack.", "key-2")
        else:
            with pytest.raises(StoraLogin) as refused:
                await writes.create_note(unit_id, "Reserved in Slack.", "key-1")
            assert refused.value.status == 403


# The budget


async def test_a_write_overtakes_every_question_that_waits(
    reserve: Reserve, exchange: Exchange, client: StoraClient, stora: SandboxStora
) -> None:
    narrow = replace(exchange, budget=Budget(2, 1_000))
    login = StaticToken(SecretStr(stora.token))
    asking = replace(client, exchange=narrow)
    anybody = [Patience(priority, for_room=None, altogether=None) for priority in type(SWEEP.priority)][1:]
    questions = [asyncio.create_task(asking.list_units(patience)) for patience in anybody for _ in range(3)]
    await asyncio.sleep(0.01)
    assert len(stora.received) == 1, "one call of two is kept for writes"
    began = asyncio.get_running_loop().time()
    await reserve(dialled(narrow, login))
    assert asyncio.get_running_loop().time() - began < 0.1
    await reserve(dialled(narrow, login))
    await asyncio.gather(*questions)
    arrived = [received.method for received in stora.received]
    assert arrived[:2] == ["GET", "POST"]
    assert "POST" in arrived[2:4], "the second write waits for a new second, but for nobody who asks"
    assert arrived.count("GET") == 6
    assert stora.peak(1.0) <= 2
