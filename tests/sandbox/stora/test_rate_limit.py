import httpx
import pytest

from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World


@pytest.fixture
def stora(world: World, clock: list[float]) -> SandboxStora:
    return SandboxStora(world, per_second=2, per_minute=4, now=lambda: clock[0])


async def test_a_second_that_is_full_refuses_until_its_reset(client: httpx.AsyncClient, clock: list[float]) -> None:
    clock[0] += 0.25
    start = int(clock[0])
    assert (await client.get("/sites")).status_code == 200
    clock[0] += 0.5
    assert (await client.get("/sites")).status_code == 200
    refused = await client.get("/sites")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Reset"]) == ("2", str(start + 2))
    assert "Retry-After" not in refused.headers
    assert "RateLimit-Remaining" not in refused.headers
    clock[0] = start + 1.2
    assert (await client.get("/sites")).status_code == 429
    clock[0] = start + 1.25
    assert (await client.get("/sites")).status_code == 200


async def test_refused_requests_do_not_count_but_admitted_errors_do(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float]
) -> None:
    start = clock[0]
    statuses = []
    for at in (0, 0.1, 0.2, 0.3, 1, 1.5, 2, 59.9, 60):
        clock[0] = start + at
        headers = {"Authorization": "Bearer wrong"} if at == 0.1 else {}
        statuses.append((await client.get("/sites", headers=headers)).status_code)
    assert statuses == [200, 401, 429, 429, 200, 200, 429, 429, 200]
    assert stora.received[6].status == 429


async def test_a_full_minute_names_itself(client: httpx.AsyncClient, clock: list[float]) -> None:
    start = clock[0]
    for _ in range(4):
        answer = await client.get("/sites")
        assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Reset"]) == ("4", str(int(start) + 60))
        clock[0] += 0.6
    refused = await client.get("/sites")
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Reset"]) == ("4", str(int(start) + 60))


async def test_the_peak_counts_every_arrival_in_any_sliding_window(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float]
) -> None:
    assert stora.peak(1) == 0
    start = clock[0]
    for at in (0, 0.9, 1.5, 1.8, 1.9, 3):
        clock[0] = start + at
        await client.get("/sites")
    assert stora.peak(1) == 3
    assert stora.peak(1.5) == 4
    assert stora.peak(60) == 6


async def test_a_refused_request_uses_up_no_fault(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float]
) -> None:
    await client.get("/sites")
    await client.get("/sites")
    stora.faults.status(503)
    assert (await client.get("/sites")).status_code == 429
    clock[0] += 1
    assert (await client.get("/sites")).status_code == 503


async def test_without_limits_nothing_is_counted_or_told(world: World) -> None:
    stora = SandboxStora(world, per_second=None, per_minute=None)
    headers = {"Authorization": f"Bearer {stora.token}"}
    async with serve(stora.application()) as base_url, httpx.AsyncClient(headers=headers) as client:
        answers = [await client.get(f"{base_url}/2025-09/sites") for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[-1].headers


async def test_when_both_windows_are_full_the_later_reset_is_named(world: World, clock: list[float]) -> None:
    stora = SandboxStora(world, per_second=1, per_minute=1, now=lambda: clock[0])
    async with serve(stora.application()) as base_url, httpx.AsyncClient() as client:
        answers = [await client.get(f"{base_url}/2025-09/sites") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert answers[1].headers["RateLimit-Reset"] == str(int(clock[0]) + 60)
