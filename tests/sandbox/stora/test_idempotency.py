import asyncio
from datetime import datetime

import httpx
import pytest

from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World

KEY = {"Idempotency-Key": "6f1f8a2e"}


async def test_a_stored_success_is_replayed_word_for_word(
    client: httpx.AsyncClient, stora: SandboxStora, unit_id: str, tenancies: list[str]
) -> None:
    async def reserve() -> httpx.Response:
        return await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]}, headers=KEY)

    first, second = await reserve(), await reserve()
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.json()["unit"]["status"] == "reserved"
    assert [received.replayed for received in stora.received] == [False, True]
    assert len(stora.world.unit_allocations) == 1


async def test_a_stored_failure_is_replayed_for_the_same_key(
    client: httpx.AsyncClient, world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    async def reserve(key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]}, headers=headers)

    world.set_status(unit_id, "unavailable", at)
    assert (await reserve("one")).status_code == 409
    world.set_status(unit_id, "available", at)
    assert (await reserve("one")).status_code == 409
    assert (await reserve("two")).status_code == 200


async def test_a_key_is_fresh_again_after_a_day(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float], unit_id: str, tenancies: list[str]
) -> None:
    statuses = []
    for seconds in (0, 24 * 3600 - 1, 1):
        clock[0] += seconds
        answer = await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]}, headers=KEY)
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 409]
    assert [received.replayed for received in stora.received] == [False, True, False]


@pytest.mark.parametrize("other", ["body", "path"])
async def test_a_key_used_for_something_else_is_refused_and_keeps_its_answer(
    client: httpx.AsyncClient, world: World, unit_id: str, tenancies: list[str], other: str
) -> None:
    path, body = f"/units/{unit_id}/reserve", {"tenancy_id": tenancies[0]}
    await client.post(path, json=body, headers=KEY)
    free = world.unit_named("A-002")["id"]
    changed = (path, {"tenancy_id": tenancies[1]}) if other == "body" else (f"/units/{free}/reserve", body)
    refused = await client.post(changed[0], json=changed[1], headers=KEY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_content")
    assert world.units[free]["status"] == "available"
    assert (await client.post(path, json=body, headers=KEY)).status_code == 200


async def test_a_second_request_waits_for_the_first_with_its_key_even_when_the_first_client_left(
    client: httpx.AsyncClient, stora: SandboxStora, unit_id: str, tenancies: list[str]
) -> None:
    held = stora.faults.hold()

    async def reserve(timeout_seconds: float) -> httpx.Response:
        body = {"tenancy_id": tenancies[0]}
        return await client.post(f"/units/{unit_id}/reserve", json=body, headers=KEY, timeout=timeout_seconds)

    with pytest.raises(httpx.ReadTimeout):
        await reserve(0.05)
    second = asyncio.create_task(reserve(5))
    await stora.arrived(2)
    assert stora.world.units[unit_id]["status"] == "available"
    held.set()
    assert (await second).json()["unit"]["status"] == "reserved"
    assert stora.received[1].replayed
    assert len(stora.world.unit_allocations) == 1


async def test_a_wrong_token_is_not_stored(client: httpx.AsyncClient, unit_id: str, tenancies: list[str]) -> None:
    path, body = f"/units/{unit_id}/reserve", {"tenancy_id": tenancies[0]}
    refused = await client.post(path, json=body, headers={**KEY, "Authorization": "Bearer wrong"})
    assert refused.status_code == 401
    assert (await client.post(path, json=body, headers=KEY)).status_code == 200


async def test_wrong_client_credentials_are_not_stored(client: httpx.AsyncClient, stora: SandboxStora) -> None:
    client.base_url = client.base_url.copy_with(path="/")
    body = {
        "grant_type": "client_credentials",
        "client_id": stora.client_id,
        "client_secret": "wrong",
        "scope": "public.unit:read",
    }
    assert (await client.post("/oauth2/token", json=body, headers=KEY)).status_code == 401
    body["client_secret"] = stora.client_secret
    assert (await client.post("/oauth2/token", json=body, headers=KEY)).status_code == 200


async def test_an_empty_key_is_refused(client: httpx.AsyncClient, unit_id: str, tenancies: list[str]) -> None:
    headers = {"Idempotency-Key": ""}
    answer = await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The Idempotency-Key is empty.")


async def test_reading_ignores_the_key(client: httpx.AsyncClient, stora: SandboxStora) -> None:
    await client.get("/sites", headers=KEY)
    assert (await client.get("/units", headers=KEY)).status_code == 200
    assert not stora.received[-1].replayed
