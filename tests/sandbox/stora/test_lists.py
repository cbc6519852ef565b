from datetime import datetime, timedelta

import httpx
import pytest

from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World


async def references(client: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await client.get("/units", params=params)
    assert answer.status_code == 200, answer.text
    return [unit["reference_id"] for unit in answer.json()["units"]]


async def test_units_come_newest_first_with_pagination_curies_and_a_request_id(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = (await client.get("/units", params={"limit": "2"})).json()
    assert [unit["reference_id"] for unit in answer["units"]] == ["A-003", "A-002"]
    assert answer["units"][0] == world.unit_named("A-003")
    assert answer["meta"]["pagination"] == {
        "count": 4,
        "page": 1,
        "pages": 2,
        "last": 2,
        "limit": 2,
        "next": 2,
        "prev": None,
    }
    assert [curie["href"] for curie in answer["meta"]["curies"]] == [
        "https://app.stora.test{rel}",
        "https://harbour.stora.test{rel}",
    ]
    assert len(answer["meta"]["request_id"]) == 36


async def test_the_last_page_has_no_next_and_a_page_behind_it_is_empty(client: httpx.AsyncClient) -> None:
    last = (await client.get("/units", params={"limit": "3", "page": "2"})).json()
    assert (len(last["units"]), last["meta"]["pagination"]["next"], last["meta"]["pagination"]["prev"]) == (1, None, 1)
    behind = (await client.get("/units", params={"limit": "3", "page": "9"})).json()
    assert (behind["units"], behind["meta"]["pagination"]["prev"]) == ([], 2)


async def test_units_of_one_moment_are_ordered_by_id_in_both_directions(client: httpx.AsyncClient) -> None:
    ascending = (await client.get("/units", params={"sort_direction": "ASC"})).json()["units"]
    descending = (await client.get("/units", params={"sort_direction": "DESC"})).json()["units"]
    assert ascending == descending[::-1]
    twins = [unit["id"] for unit in ascending if unit["reference_id"] == "A-001"]
    assert twins == sorted(twins)
    assert len(twins) == 2


async def test_an_empty_list_still_has_one_page(client: httpx.AsyncClient) -> None:
    pagination = (await client.get("/units", params={"status": "repossessed"})).json()["meta"]["pagination"]
    assert (pagination["count"], pagination["pages"], pagination["last"]) == (0, 1, 1)


async def test_several_sites_and_statuses_come_in_one_parameter_each(
    client: httpx.AsyncClient, world: World, unit_id: str, at: datetime
) -> None:
    world.set_status(unit_id, "unavailable", at)
    camden, bristol = world.sites
    assert await references(client, site_id=bristol) == ["A-001"]
    assert len(await references(client, site_id=f"{camden},{bristol}")) == 4
    assert await references(client, site_id=camden, status="available") == ["A-003", "A-002"]
    assert await references(client, site_id=camden, status="available,unavailable") == ["A-003", "A-002", "A-001"]
    assert await references(client, unit_type_id=list(world.unit_types)[1]) == ["A-001"]


@pytest.mark.parametrize("spelling", ["overlock", "overlocked"])
async def test_the_overlock_filter_finds_both_spellings(
    client: httpx.AsyncClient, world: World, unit_id: str, at: datetime, spelling: str
) -> None:
    world.set_status(unit_id, spelling, at)
    answer = (await client.get("/units", params={"status": "overlock"})).json()
    assert [(unit["id"], unit["status"]) for unit in answer["units"]] == [(unit_id, spelling)]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        pytest.param({"created_after": "2026-03-03T09:00:00Z"}, ["A-003", "A-002"], id="after-is-inclusive"),
        pytest.param({"created_after": "2026-03-03T09:00:00.5Z"}, ["A-003"], id="after-half-a-second"),
        pytest.param({"created_before": "2026-03-03T09:00:00Z"}, ["A-001", "A-001"], id="before-is-exclusive"),
        pytest.param({"created_before": "2026-03-03T10:00:00+02:00"}, ["A-001", "A-001"], id="other-time-zone"),
    ],
)
async def test_units_are_found_by_when_they_were_created(
    client: httpx.AsyncClient, params: dict[str, str], found: list[str]
) -> None:
    assert await references(client, **params) == found


@pytest.mark.parametrize("query", ["003", "a3", "A 003", "a-003"])
async def test_the_fuzzy_search_finds_a_reference_by_its_parts(client: httpx.AsyncClient, query: str) -> None:
    assert await references(client, search=query) == ["A-003"]


@pytest.mark.parametrize("query", ["B-003", "3A", "---", "A-0033"])
async def test_the_fuzzy_search_leaves_out_what_does_not_resemble(client: httpx.AsyncClient, query: str) -> None:
    assert await references(client, search=query) == []


async def test_the_name_of_the_search_parameter_can_be_chosen(world: World) -> None:
    stora = SandboxStora(world, search_parameter="query")
    async with serve(stora.application()) as base_url, httpx.AsyncClient(base_url=base_url) as client:
        client.headers["Authorization"] = f"Bearer {stora.token}"
        found = await client.get("/2025-09/units", params={"query": "003"})
        assert [unit["reference_id"] for unit in found.json()["units"]] == ["A-003"]
        assert (await client.get("/2025-09/units", params={"search": "003"})).status_code == 422


@pytest.mark.parametrize(
    ("path", "params", "name"),
    [
        ("/units", {"page": "0"}, "page"),
        ("/units", {"page": "two"}, "page"),
        ("/units", {"page": "9" * 5000}, "page"),
        ("/units", {"page": "²"}, "page"),
        ("/units", {"limit": "101"}, "limit"),
        ("/units", {"limit": "0"}, "limit"),
        ("/units", {"limit": "-1"}, "limit"),
        ("/units", {"sort_by": "reference_id"}, "sort_by"),
        ("/units", {"sort_direction": "asc"}, "sort_direction"),
        ("/units", {"status": "overlocked"}, "status"),
        ("/units", {"status": "available,"}, "status"),
        ("/units", {"status": "free"}, "status"),
        ("/units", {"site_id": "Camden"}, "site_id"),
        ("/units", {"created_after": "2026-03-03"}, "created_after"),
        ("/units", {"created_before": "yesterday"}, "created_before"),
        ("/units", {"search": " "}, "search"),
        ("/units", {"contact_id": "con_0000000000000000"}, "contact_id"),
        ("/units", {"expand": "tenant"}, "expand"),
        ("/units", {"expand": "site.unit"}, "expand"),
        ("/tenancies", {"site_id": "site_0000000000000000"}, "site_id"),
        ("/unit_types", {"site_id": "site_0000000000000000"}, "site_id"),
        ("/contacts", {"status": "friend"}, "status"),
        ("/sites", {"expand": "units"}, "expand"),
        ("/sites/site_0000000000000000", {"limit": "1"}, "limit"),
    ],
)
async def test_a_parameter_that_is_not_documented_so_is_refused_by_name(
    client: httpx.AsyncClient, path: str, params: dict[str, str], name: str
) -> None:
    answer = await client.get(path, params=params)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_url_param")
    assert error["message"].startswith(f"{name}: ")


async def test_a_repeated_parameter_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/units?status=available&status=reserved")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "status: send several values as one comma list."


async def test_contacts_are_found_by_email_name_status_and_update(
    client: httpx.AsyncClient, world: World, at: datetime
) -> None:
    async def names(**params: str) -> list[str]:
        answer = await client.get("/contacts", params=params)
        return [contact["full_name"] for contact in answer.json()["contacts"]]

    lead = world.add_contact(None, "lead@example.com", at + timedelta(days=1))
    lead |= {"status": "lead", "type": None, "updated_at": "2026-04-01T00:00:00Z"}
    assert await names(email="jane@example.com,omar@example.org") == ["Omar Khan", "Jane Doe"]
    assert await names(email="JANE@example.com") == []
    assert await names(search="doe jane") == ["Jane Doe"]
    assert await names(search="omr") == ["Omar Khan"]
    assert await names(search="900123") == ["Jane Doe"]
    assert await names(status="lead") == [None]
    assert await names(type="unspecified") == [None]
    assert await names(updated_after="2026-03-31T00:00:00Z") == [None]
    assert await names(sort_by="full_name", sort_direction="ASC") == [None, "Jane Doe", "Omar Khan"]
    assert await names(sort_by="updated_at", limit="1") == [None]


async def test_allocations_are_found_by_contact_tenancy_unit_and_site(
    client: httpx.AsyncClient, world: World, tenancies: list[str], unit_id: str, at: datetime
) -> None:
    async def units(**params: str) -> list[str]:
        answer = await client.get("/unit_allocations", params=params)
        return sorted(allocation["unit"]["id"] for allocation in answer.json()["unit_allocations"])

    second = world.unit_named("A-002")["id"]
    bristol = world.unit_named("A-001", "Bristol")["id"]
    world.reserve(unit_id, tenancies[0], at)
    world.reserve(second, tenancies[1], at)
    world.reserve(bristol, tenancies[2], at)
    jane = world.tenancies[tenancies[0]]["contact"]["id"]
    assert await units(contact_id=jane) == sorted([unit_id, bristol])
    assert await units(tenancy_id=tenancies[1]) == [second]
    assert await units(unit_id=unit_id) == [unit_id]
    assert await units(site_id=list(world.sites)[1]) == [bristol]
    assert (await client.get("/unit_allocations", params={"contact_id": "Jane"})).status_code == 422


@pytest.mark.parametrize("kind", ["site", "unit_type", "unit", "contact", "tenancy", "unit_allocation"])
async def test_each_resource_is_listed_and_shown_under_its_own_key(
    client: httpx.AsyncClient, world: World, tenancies: list[str], at: datetime, kind: str
) -> None:
    world.reserve(world.unit_named("A-002")["id"], tenancies[0], at)
    plural = "tenancies" if kind == "tenancy" else f"{kind}s"
    resources = world.collection(kind)
    listed = (await client.get(f"/{plural}")).json()[plural]
    assert {each["id"] for each in listed} == resources.keys()
    first = next(iter(resources))
    shown = (await client.get(f"/{plural}/{first}")).json()
    assert shown.keys() == {kind, "meta"}
    assert shown[kind] == resources[first]


async def test_a_money_amount_is_formatted_with_thousands(client: httpx.AsyncClient) -> None:
    unit_type = (await client.get("/unit_types")).json()["unit_types"][0]
    assert [price["price"]["formatted"] for price in unit_type["prices"]] == ["£18.50", "£1,234.56"]
    assert unit_type["_links"]["sf:new_order"]["href"].endswith("?unit_type_slug=small-room")
