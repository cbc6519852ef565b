from datetime import datetime

import httpx

from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World


async def test_a_unit_leads_to_its_customer_in_one_call(
    client: httpx.AsyncClient, world: World, tenancies: list[str], unit_id: str, at: datetime
) -> None:
    world.reserve(unit_id, tenancies[0], at)
    path = "site,unit_type,unit_allocation.tenancy.contact,unit_allocation"
    unit = (await client.get(f"/units/{unit_id}", params={"expand": path})).json()["unit"]
    assert unit["site"]["name"] == "Camden"
    assert unit["unit_type"]["site"] == {"id": unit["site"]["id"]}
    assert unit["unit_allocation"]["reserved_at"] == "2026-03-02T09:00:00Z"
    assert unit["unit_allocation"]["tenancy"]["contact"]["full_name"] == "Jane Doe"
    assert world.units[unit_id]["site"].keys() == {"id"}


async def test_nothing_to_expand_stays_null(client: httpx.AsyncClient, unit_id: str) -> None:
    answer = await client.get(f"/units/{unit_id}", params={"expand": "unit_allocation.tenancy"})
    assert answer.json()["unit"]["unit_allocation"] is None


async def test_every_allocation_of_a_tenancy_is_expanded(
    client: httpx.AsyncClient, world: World, tenancies: list[str], unit_id: str, at: datetime
) -> None:
    second = world.unit_named("A-002")["id"]
    world.reserve(unit_id, tenancies[0], at)
    world.reserve(second, tenancies[0], at)
    params = {"expand": "contact,unit_allocations.unit"}
    tenancy = (await client.get(f"/tenancies/{tenancies[0]}", params=params)).json()["tenancy"]
    assert [each["unit"]["reference_id"] for each in tenancy["unit_allocations"]] == ["A-001", "A-002"]
    assert tenancy["contact"]["email"] == "jane@example.com"


async def test_expanding_needs_the_scope_of_what_it_leads_to(
    world: World, tenancies: list[str], unit_id: str, at: datetime
) -> None:
    world.reserve(unit_id, tenancies[0], at)
    scopes = ["public.unit:read", "public.unit_allocation:read", "public.tenancy:read"]
    stora = SandboxStora(world, scopes=scopes)
    headers = {"Authorization": f"Bearer {stora.token}"}
    async with serve(stora.application()) as base_url, httpx.AsyncClient(headers=headers) as client:
        url = f"{base_url}/2025-09/units"
        allowed = await client.get(url, params={"expand": "unit_allocation.tenancy"})
        refused = await client.get(url, params={"expand": "unit_allocation.tenancy.contact"})
    assert allowed.status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert "public.contact:read" in refused.json()["error"]["message"]
