from typing import Any

import httpx
import pytest

from bot.sandbox.stora.world import World

ENDPOINT: dict[str, Any] = {
    "name": "Unitbot",
    "api_version": "2025-09",
    "url": "https://bot.example.com/stora/webhooks",
    "event_types": ["unit.updated"],
}


async def test_a_note_on_a_unit_names_the_token_as_its_creator(
    client: httpx.AsyncClient, world: World, unit_id: str
) -> None:
    body = {"content": "Reserved in Slack by Ana.", "resource": {"id": unit_id}, "metadata": {"slack": "U1"}}
    answer = await client.post("/notes", json=body)
    assert answer.status_code == 201
    note = answer.json()["note"]
    assert (note["content"], note["resource"], note["metadata"]) == tuple(body.values())
    assert note["creator"]["id"].startswith("tok_")
    contact_id = next(iter(world.contacts))
    await client.post("/notes", json={"content": "Called.", "resource": {"id": contact_id}})
    listed = (await client.get("/notes", params={"resource_id": unit_id})).json()
    assert listed["notes"] == [note]
    assert (await client.get("/notes")).json()["meta"]["pagination"]["count"] == 2


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({"content": "", "resource": {"id": "unit_1"}}, 422, ["/content"]),
        ({"content": "Hello"}, 422, ["/resource"]),
        ({"content": "Hello", "resource": {}}, 422, ["/resource/id"]),
        ({"content": "Hello", "resource": {"id": "unit_ffff"}}, 404, []),
    ],
)
async def test_a_note_needs_words_and_something_to_stick_to(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, pointers: list[str]
) -> None:
    answer = await client.post("/notes", json=body)
    assert answer.status_code == status
    assert [each["pointer"] for each in answer.json()["error"]["details"]] == pointers


async def test_the_secret_of_a_webhook_endpoint_is_told_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/webhook_endpoints", json=ENDPOINT)
    assert answer.status_code == 201
    created = answer.json()["endpoint"]
    assert len(bytes.fromhex(created["secret"])) == 32
    assert (created["status"], created["disabled_at"], created["description"]) == ("enabled", None, None)
    shown = (await client.get(f"/webhook_endpoints/{created['id']}")).json()["endpoint"]
    assert shown == created | {"secret": None}
    assert (await client.get("/webhook_endpoints")).json()["endpoints"] == [shown]


async def test_a_webhook_endpoint_can_be_disabled_once(client: httpx.AsyncClient) -> None:
    created = (await client.post("/webhook_endpoints", json=ENDPOINT)).json()["endpoint"]
    path = f"/webhook_endpoints/{created['id']}/disable"
    disabled = (await client.post(path)).json()["endpoint"]
    assert (disabled["status"], disabled["disabled_at"], disabled["secret"]) == (
        "disabled",
        "2026-03-02T09:00:00Z",
        None,
    )
    assert (await client.get("/webhook_endpoints", params={"status": "enabled"})).json()["endpoints"] == []
    again = await client.post(path)
    assert (again.status_code, again.json()["error"]["message"]) == (409, "The endpoint is already disabled.")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://bot.example.com"}, "/url"),
        ({"api_version": "2024-01"}, "/api_version"),
        ({"event_types": ["unit.reserved"]}, "/event_types/0"),
        ({"event_types": []}, "/event_types"),
        ({"name": ""}, "/name"),
    ],
)
async def test_a_webhook_endpoint_is_checked(client: httpx.AsyncClient, change: dict[str, Any], pointer: str) -> None:
    answer = await client.post("/webhook_endpoints", json=ENDPOINT | change)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["error"]["details"]] == [pointer]
