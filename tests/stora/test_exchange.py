"""One HTTP exchange, inside the budget, over real sockets and in virtual time."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from aiohttp import web

from bot.core.problems import StoraBusy, StoraDown
from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.stora.budget import Budget, Priority
from bot.stora.exchange import PERSON, PROBE, SWEEP, Exchange, Patience


def units(exchange: Exchange, token: str) -> httpx.Request:
    return exchange.http.build_request("GET", "/2025-09/units", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("status", [401, 403, 409, 422, 429, 500, 502, 503])
async def test_every_status_is_an_answer(exchange: Exchange, stora: SandboxStora, status: int) -> None:
    stora.faults.status(status)
    answer = await exchange(units(exchange, stora.token), PERSON)
    assert answer.status == status
    assert b'"message"' in answer.content


async def test_an_answer_has_its_headers_by_any_spelling(exchange: Exchange, stora: SandboxStora) -> None:
    answer = await exchange(units(exchange, stora.token), PERSON)
    assert (answer.status, answer.headers["date"]) == (200, "Mon, 02 Mar 2026 09:00:00 GMT")


async def test_a_connection_that_is_closed_without_an_answer_is_no_answer(
    exchange: Exchange, stora: SandboxStora
) -> None:
    stora.faults.drop_before()
    with pytest.raises(StoraDown, match="RemoteProtocolError"):
        await exchange(units(exchange, stora.token), PERSON)


async def test_a_port_at_which_nobody_listens_is_no_answer(exchange: Exchange) -> None:
    async with serve(web.Application()) as nobody:
        pass
    with pytest.raises(StoraDown, match="ConnectError"):
        await exchange(httpx.Request("GET", f"{nobody}/2025-09/units"), PERSON)


async def test_an_answer_that_does_not_come_is_waited_for_only_so_long(exchange: Exchange, stora: SandboxStora) -> None:
    stora.faults.hold()
    began = asyncio.get_running_loop().time()
    with pytest.raises(StoraDown):
        await replace(exchange, timeout=0.25)(units(exchange, stora.token), PERSON)
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.25)


async def test_an_answer_that_comes_in_drops_is_waited_for_only_so_long(exchange: Exchange) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.4)

    dripping = web.Application()
    dripping.router.add_get("/", drip)
    loop = asyncio.get_running_loop()
    async with serve(dripping) as base_url:
        began = loop.time()
        with pytest.raises(StoraDown, match="TimeoutError"):
            await replace(exchange, timeout=3)(httpx.Request("GET", base_url), PERSON)
        assert loop.time() - began == pytest.approx(3.0)


async def test_the_cause_of_no_answer_names_neither_token_nor_address(exchange: Exchange, stora: SandboxStora) -> None:
    stora.faults.drop_before()
    with pytest.raises(StoraDown) as down:
        await exchange(units(exchange, stora.token), PERSON)
    told = repr(down.value) + str(down.value)
    assert stora.token not in told
    assert "127.0.0.1" not in told


@pytest.mark.parametrize("fault", ["none", "drop_before", "garbage"])
async def test_every_request_takes_one_call_of_the_budget_and_gives_its_slot_back(
    exchange: Exchange, stora: SandboxStora, fault: str
) -> None:
    exchange = replace(exchange, budget=Budget(1, 60))
    if fault != "none":
        getattr(stora.faults, fault)()
    loop = asyncio.get_running_loop()
    began = loop.time()
    results = await asyncio.gather(
        *(exchange(units(exchange, stora.token), SWEEP) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, StoraDown) for result in results) == (fault == "drop_before")
    assert exchange.budget.remaining == 57
    assert loop.time() - began == pytest.approx(2.1)
    assert [received.at - stora.received[0].at for received in stora.received] == pytest.approx([0.0, 1.05, 2.1])


async def test_after_a_429_nothing_leaves_for_anybody_until_the_reset(exchange: Exchange, stora: SandboxStora) -> None:
    stora.faults.status(429, reset_in=4.0)
    refused = await exchange(units(exchange, stora.token), PERSON)
    assert refused.status == 429
    others = [Patience(priority, for_room=None, altogether=None) for priority in Priority]
    await asyncio.gather(*(exchange(units(exchange, stora.token), patience) for patience in others))
    first, *rest = (received.at for received in stora.received)
    assert [at - first for at in rest] == pytest.approx([4.1] * 3)


async def test_who_is_admitted_by_the_end_of_the_429_itself_waits_too(exchange: Exchange, stora: SandboxStora) -> None:
    exchange = replace(exchange, budget=Budget(1, 60))
    stora.faults.status(429, reset_in=4.0)
    await asyncio.gather(*(exchange(units(exchange, stora.token), SWEEP) for _ in range(2)))
    first, second = (received.at for received in stora.received)
    assert second - first == pytest.approx(4.1)


async def test_who_cannot_wait_for_room_is_told_and_nothing_leaves(exchange: Exchange, stora: SandboxStora) -> None:
    exchange.budget.block(20.0)
    with pytest.raises(StoraBusy) as busy:
        await exchange(units(exchange, stora.token), PERSON)
    assert busy.value.seconds == pytest.approx(20.0)
    assert stora.received == []


async def test_sweeps_that_use_up_their_half_do_not_hide_whether_stora_is_there(
    exchange: Exchange, stora: SandboxStora
) -> None:
    exchange = replace(exchange, budget=Budget(10, 4))
    for _ in range(2):
        await exchange(units(exchange, stora.token), SWEEP)
    assert (await exchange(units(exchange, stora.token), PROBE)).status == 200
