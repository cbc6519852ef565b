from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World


def error(answer: httpx.Response) -> tuple[int, str, str]:
    told: dict[str, Any] = answer.json()["error"]
    return answer.status_code, told["code"], told["message"]


async def test_reserving_holds_the_unit_for_the_tenancy(
    client: httpx.AsyncClient, world: World, clock: list[float], unit_id: str, tenancies: list[str]
) -> None:
    clock[0] += 60.9
    answer = await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]})
    assert answer.status_code == 200
    unit = answer.json()["unit"]
    assert (unit["status"], unit["updated_at"]) == ("reserved", "2026-03-02T09:01:00Z")
    allocation = world.unit_allocations[unit["unit_allocation"]["id"]]
    assert allocation["reserved_at"] == "2026-03-02T09:01:00Z"
    assert allocation["granted_access_at"] is None
    assert (allocation["unit"], allocation["tenancy"]) == ({"id": unit_id}, {"id": tenancies[0]})
    tenancy = world.tenancies[tenancies[0]]
    assert tenancy["unit_allocations"] == [{"id": allocation["id"]}]
    assert tenancy["updated_at"] == "2026-03-02T09:01:00Z"


@pytest.mark.parametrize("status", ["reserved", "occupied", "overlocked", "repossessed", "unavailable"])
async def test_only_an_available_unit_can_be_reserved(
    client: httpx.AsyncClient, world: World, at: datetime, tenancies: list[str], status: str
) -> None:
    unit_id = world.unit_named("A-001", "Camden")["id"]
    world.reserve(unit_id, tenancies[1], at)
    world.set_status(unit_id, status, at)
    answer = await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]})
    assert error(answer) == (409, "conflict", f"Unit A-001 is not available: it is {status}.")
    assert world.tenancies[tenancies[0]]["unit_allocations"] == []


async def test_a_tenancy_of_another_site_does_not_fit(
    client: httpx.AsyncClient, world: World, unit_id: str, tenancies: list[str]
) -> None:
    answer = await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[2]})
    assert error(answer) == (422, "invalid_content", "The tenancy is not at the site of unit A-001.")
    assert [each["pointer"] for each in answer.json()["error"]["details"]] == ["/tenancy_id"]
    assert world.units[unit_id]["status"] == "available"


async def test_a_tenancy_that_ended_does_not_fit(
    client: httpx.AsyncClient, world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    first = world.tenancies[tenancies[0]]
    body = {"tenancy_id": world.add_tenancy(first["contact"]["id"], first["site"]["id"], at, at, ends_at=at)["id"]}
    answer = await client.post(f"/units/{unit_id}/reserve", json=body)
    assert error(answer) == (422, "invalid_content", "The tenancy ended on 2026-03-02.")
    world.tenancies[body["tenancy_id"]]["ends_at"] = "2026-03-02T09:00:01Z"
    assert (await client.post(f"/units/{unit_id}/reserve", json=body)).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param({}, "/tenancy_id", id="missing"),
        pytest.param({"tenancy_id": "con_0000000000000000"}, "/tenancy_id", id="another-prefix"),
        pytest.param({"tenancy_id": None}, "/tenancy_id", id="null"),
        pytest.param({"tenancy_id": "ten_1", "no/te~": 1}, "/no~1te~0", id="unknown-field"),
        pytest.param([], "", id="no-object"),
    ],
)
async def test_a_wrong_body_is_refused_with_a_pointer(
    client: httpx.AsyncClient, unit_id: str, body: object, pointer: str
) -> None:
    answer = await client.post(f"/units/{unit_id}/reserve", json=body)
    assert error(answer)[:2] == (422, "invalid_content")
    assert [each["pointer"] for each in answer.json()["error"]["details"]] == [pointer]


async def test_unknown_ids_are_not_found(client: httpx.AsyncClient, unit_id: str, tenancies: list[str]) -> None:
    no_unit = await client.post("/units/unit_ffff/reserve", json={"tenancy_id": tenancies[0]})
    assert error(no_unit) == (404, "resource_not_found", "No unit has the id 'unit_ffff'.")
    no_tenancy = await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": "ten_ffff"})
    assert error(no_tenancy) == (404, "resource_not_found", "No tenancy has the id 'ten_ffff'.")


@pytest.mark.parametrize("status", ["reserved", "occupied"])
async def test_a_reserved_and_an_occupied_unit_can_be_deallocated(
    client: httpx.AsyncClient, world: World, at: datetime, tenancies: list[str], status: str
) -> None:
    unit_id = world.unit_named("A-001", "Camden")["id"]
    world.reserve(unit_id, tenancies[0], at)
    world.set_status(unit_id, status, at)
    unit = (await client.post(f"/units/{unit_id}/deallocate", json={})).json()["unit"]
    assert (unit["status"], unit["unit_allocation"]) == ("available", None)
    assert world.unit_allocations == {}
    assert world.tenancies[tenancies[0]]["unit_allocations"] == []


async def test_deallocating_anything_else_is_a_conflict_and_takes_no_body(
    client: httpx.AsyncClient, unit_id: str
) -> None:
    answer = await client.post(f"/units/{unit_id}/deallocate")
    assert error(answer) == (409, "conflict", "Unit A-001 is neither reserved nor occupied: it is available.")
    with_body = await client.post(f"/units/{unit_id}/deallocate", json={"tenancy_id": "ten_1"})
    assert error(with_body) == (422, "invalid_content", "This endpoint takes no body.")


async def test_access_is_granted_to_the_tenancy_that_reserved(
    client: httpx.AsyncClient, world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    world.reserve(unit_id, tenancies[0], at - timedelta(hours=1))
    other = await client.post(f"/units/{unit_id}/grant_access", json={"tenancy_id": tenancies[1]})
    assert error(other) == (409, "conflict", "Unit A-001 is reserved for another tenancy.")
    unit = (await client.post(f"/units/{unit_id}/grant_access", json={"tenancy_id": tenancies[0]})).json()["unit"]
    assert unit["status"] == "occupied"
    allocation = world.unit_allocations[unit["unit_allocation"]["id"]]
    assert allocation["reserved_at"] == "2026-03-02T08:00:00Z"
    assert allocation["granted_access_at"] == allocation["updated_at"] == "2026-03-02T09:00:00Z"


async def test_access_to_an_available_unit_is_granted_at_once_and_only_once(
    client: httpx.AsyncClient, world: World, unit_id: str, tenancies: list[str]
) -> None:
    body = {"tenancy_id": tenancies[0]}
    unit = (await client.post(f"/units/{unit_id}/grant_access", json=body)).json()["unit"]
    assert world.unit_allocations[unit["unit_allocation"]["id"]]["reserved_at"] is None
    again = await client.post(f"/units/{unit_id}/grant_access", json=body)
    assert error(again) == (409, "conflict", "Unit A-001 is neither available nor reserved: it is occupied.")


async def test_an_overlock_takes_all_occupied_units_of_the_contact_and_can_be_removed(
    client: httpx.AsyncClient, world: World, at: datetime, unit_id: str, tenancies: list[str]
) -> None:
    second, third = world.unit_named("A-002")["id"], world.unit_named("A-003")["id"]
    world.grant_access(unit_id, tenancies[0], at)
    world.grant_access(second, tenancies[0], at)
    world.reserve(third, tenancies[0], at)
    body = {"contact_id": world.tenancies[tenancies[0]]["contact"]["id"]}
    answer = (await client.post("/units/overlock", json=body)).json()
    assert answer["success"]["message"] == "2 customer units were successfully overlocked."
    assert answer["meta"]["unit_ids"] == [unit_id, second]
    assert "curies" in answer["meta"]
    assert [world.units[each]["status"] for each in (unit_id, second, third)] == [
        "overlocked",
        "overlocked",
        "reserved",
    ]
    world.set_status(second, "repossessed", at)
    answer = (await client.post("/units/remove_overlock", json=body)).json()
    assert answer["success"]["message"] == "1 customer unit was successfully removed from overlock."
    assert world.units[unit_id]["status"] == "occupied"


async def test_an_overlock_without_units_or_contact_is_refused(
    client: httpx.AsyncClient, world: World, tenancies: list[str]
) -> None:
    contact_id = world.tenancies[tenancies[0]]["contact"]["id"]
    nothing = await client.post("/units/overlock", json={"contact_id": contact_id})
    assert error(nothing) == (409, "conflict", "The contact has no unit that is occupied.")
    locked = await client.post("/units/remove_overlock", json={"contact_id": contact_id})
    assert error(locked) == (409, "conflict", "The contact has no unit that is overlock or overlocked.")
    nobody = await client.post("/units/overlock", json={"contact_id": "con_ffff"})
    assert error(nobody)[:2] == (404, "resource_not_found")


async def test_an_action_takes_no_parameter(client: httpx.AsyncClient, unit_id: str, tenancies: list[str]) -> None:
    url = f"/units/{unit_id}/reserve?expand=site"
    assert error(await client.post(url, json={"tenancy_id": tenancies[0]}))[:2] == (422, "invalid_url_param")


async def test_an_action_is_stamped_when_it_takes_effect_not_when_it_arrived(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float], unit_id: str, tenancies: list[str]
) -> None:
    clock[0] = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
    unit = (await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": tenancies[0]})).json()["unit"]
    assert unit["updated_at"] == "2026-03-02T12:00:00Z"
    assert stora.received[-1].at == clock[0]
