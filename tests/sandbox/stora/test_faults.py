import asyncio
import json
from collections.abc import Awaitable, Callable
from math import ceil
from time import monotonic

import httpx
import pytest

from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World

KEY = {"Idempotency-Key": "6f1f8a2e"}


Reserve = Callable[[], Awaitable[httpx.Response]]


@pytest.fixture
def reserve(client: httpx.AsyncClient, unit_id: str, tenancies: list[str]) -> Reserve:
    """Return what reserves the same unit for the same tenancy, always under the same key."""

    async def post() -> httpx.Response:
        return await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]}, headers=KEY)

    return post


def status_of(world: World, unit_id: str) -> str:
    return str(world.units[unit_id]["status"])


async def test_a_connection_dropped_before_acting_leaves_the_unit_and_the_key_alone(
    stora: SandboxStora, reserve: Reserve, unit_id: str
) -> None:
    stora.faults.drop_before()
    with pytest.raises(httpx.RemoteProtocolError):
        await reserve()
    assert status_of(stora.world, unit_id) == "available"
    assert (await reserve()).status_code == 200
    assert [(each.status, each.replayed) for each in stora.received] == [(None, False), (200, False)]


async def test_a_connection_dropped_after_acting_is_found_again_by_its_key(
    stora: SandboxStora, reserve: Reserve, unit_id: str
) -> None:
    stora.faults.drop_after()
    with pytest.raises(httpx.RemoteProtocolError):
        await reserve()
    assert status_of(stora.world, unit_id) == "reserved"
    assert (await reserve()).status_code == 200
    assert [(each.status, each.replayed) for each in stora.received] == [(None, False), (200, True)]


@pytest.mark.parametrize(
    ("code", "error_code"),
    [
        (401, "invalid_token"),
        (403, "forbidden"),
        (409, "conflict"),
        (422, "invalid_content"),
        (429, "too_many_requests"),
        (500, "internal_server_error"),
        (502, "internal_server_error"),
        (503, "internal_server_error"),
    ],
)
@pytest.mark.parametrize("acts", [False, True])
async def test_an_armed_status_is_answered_in_storas_shape(
    stora: SandboxStora, reserve: Reserve, code: int, error_code: str, *, acts: bool
) -> None:
    stora.faults.status(code, acts=acts)
    answer = await reserve()
    assert (answer.status_code, answer.json()["error"]["code"]) == (code, error_code)
    assert answer.json()["error"].keys() == {"code", "type", "message", "request_id", "details", "links"}
    assert stora.world.unit_named("A-001", "Camden")["status"] == ("reserved" if acts else "available")
    kept = code in {403, 409, 422, 500}
    assert (await reserve()).status_code == (code if kept else 200)


async def test_a_status_after_acting_does_not_hide_a_refusal(
    client: httpx.AsyncClient, stora: SandboxStora, unit_id: str
) -> None:
    stora.faults.status(500, acts=True)
    assert (await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": "ten_ffff"})).status_code == 404


async def test_an_armed_429_says_when_to_come_back(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float]
) -> None:
    stora.faults.status(429, reset_in=2.5)
    answer = await client.get("/sites")
    assert answer.headers["RateLimit-Reset"] == str(ceil(clock[0] + 2.5))
    assert answer.headers["RateLimit-Limit"] == "60"


def test_a_status_that_stora_does_not_answer_cannot_be_armed(stora: SandboxStora) -> None:
    with pytest.raises(ValueError, match="418"):
        stora.faults.status(418)


async def test_garbage_is_a_page_of_html_that_did_nothing(stora: SandboxStora, reserve: Reserve, unit_id: str) -> None:
    stora.faults.garbage()
    answer = await reserve()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert status_of(stora.world, unit_id) == "available"


async def test_a_truncated_answer_has_the_length_it_says_but_is_no_json(
    stora: SandboxStora, reserve: Reserve, unit_id: str
) -> None:
    stora.faults.truncated()
    answer = await reserve()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert status_of(stora.world, unit_id) == "reserved"
    whole = await reserve()
    assert whole.content.startswith(answer.content)
    assert whole.json()["unit"]["status"] == "reserved"


async def test_an_empty_answer_took_effect_all_the_same(stora: SandboxStora, reserve: Reserve, unit_id: str) -> None:
    stora.faults.empty()
    answer = await reserve()
    assert (answer.status_code, answer.content) == (200, b"")
    assert status_of(stora.world, unit_id) == "reserved"


async def test_a_slow_answer_comes_late_and_is_whole(client: httpx.AsyncClient, stora: SandboxStora) -> None:
    stora.faults.slow(0.05)
    before = monotonic()
    answer = await client.get("/sites")
    assert monotonic() - before >= 0.05
    assert len(answer.json()["sites"]) == 2


async def test_a_delay_and_a_damage_hit_the_same_request(client: httpx.AsyncClient, stora: SandboxStora) -> None:
    stora.faults.slow(0.02)
    stora.faults.status(503)
    before = monotonic()
    assert (await client.get("/sites")).status_code == 503
    assert monotonic() - before >= 0.02
    assert (await client.get("/sites")).status_code == 200


async def test_clearing_lets_go_on_what_is_held(client: httpx.AsyncClient, stora: SandboxStora) -> None:
    stora.faults.hold(times=None)
    stora.faults.garbage()
    held = asyncio.create_task(client.get("/sites"))
    await stora.arrived(1)
    assert stora.faults.armed()[0] == "does not answer: any request, until cleared"
    stora.faults.clear()
    assert stora.faults.armed() == []
    assert (await held).status_code == 200
    assert (await client.get("/sites")).status_code == 200


async def test_a_fault_hits_only_the_requests_it_is_aimed_at_and_only_so_often(
    client: httpx.AsyncClient, stora: SandboxStora, reserve: Reserve
) -> None:
    stora.faults.status(502, times=2, method="POST", route="/units/{unit_id}/reserve")
    stora.faults.status(503, times=None, route="/sites")
    assert stora.faults.armed() == [
        "answers 502: POST /units/{unit_id}/reserve, 2 to go",
        "answers 503: /sites, until cleared",
    ]
    assert (await client.get("/units")).status_code == 200
    assert (await client.post("/units/overlock", json={"contact_id": "con_ffff"})).status_code == 404
    assert [(await reserve()).status_code for _ in range(3)] == [502, 502, 200]
    assert [(await client.get("/sites")).status_code for _ in range(3)] == [503, 503, 503]
    assert stora.faults.armed() == ["answers 503: /sites, until cleared"]


async def test_faults_are_used_in_the_order_in_which_they_were_armed(
    client: httpx.AsyncClient, stora: SandboxStora
) -> None:
    stora.faults.status(500)
    stora.faults.status(503)
    assert [(await client.get("/sites")).status_code for _ in range(3)] == [500, 503, 200]


async def test_nobody_gets_through_while_stora_is_down(client: httpx.AsyncClient, stora: SandboxStora) -> None:
    stora.faults.down = True
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/sites")
    assert [each.status for each in stora.received] == [None, None]
    stora.faults.clear()
    assert (await client.get("/sites")).status_code == 200


def test_each_fault_says_in_a_line_what_it_does(stora: SandboxStora) -> None:
    faults = stora.faults
    faults.slow(2.5, times=3)
    faults.drop_before(method="POST")
    faults.drop_after()
    faults.status(500, acts=True)
    faults.garbage()
    faults.truncated()
    faults.empty()
    assert faults.armed() == [
        "answers 2.5 s late: any request, 3 to go",
        "hangs up before acting: POST, 1 to go",
        "acts, then hangs up: any request, 1 to go",
        "acts, then answers 500: any request, 1 to go",
        "answers HTML: any request, 1 to go",
        "answers half of the JSON: any request, 1 to go",
        "answers nothing in the body: any request, 1 to go",
    ]


async def test_shutting_down_answers_what_is_held(stora: SandboxStora) -> None:
    stora.faults.hold()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {stora.token}"}) as client:
        async with serve(stora.application()) as base_url:
            held = asyncio.create_task(client.get(f"{base_url}/2025-09/sites"))
            await stora.arrived(1)
        assert (await held).status_code == 200
