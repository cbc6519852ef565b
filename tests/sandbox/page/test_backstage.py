"""Behind the scenes: what passed, what is owed, and Stora's bad days."""

import asyncio
from typing import Any

import aiohttp

from bot.sandbox.loopback import serve
from bot.sandbox.page.backstage import Backstage
from bot.sandbox.stora.server import SandboxStora
from tests.sandbox.page.conftest import Opens, Visitor


async def play(visitor: Visitor, day: str) -> int:
    async with visitor.http.post(f"{visitor.url}play/{day}", json={}) as response:
        return response.status


async def ask(http: aiohttp.ClientSession, stora: SandboxStora, url: str, path: str, body: Any = None) -> int:
    headers = {"Authorization": f"Bearer {stora.token}", "Accept": "application/json"}
    method = "GET" if body is None else "POST"
    async with http.request(method, f"{url}/2025-09{path}", headers=headers, json=body) as response:
        return response.status


def somebody(stora: SandboxStora, site: Any) -> str:
    return next(
        id_
        for id_, each in stora.world.tenancies.items()
        if each["site"] == site and not each["unit_allocations"] and not each["ends_at"]
    )


async def test_every_request_is_shown_with_what_is_left(
    visitor: Visitor, http: aiohttp.ClientSession, stora: SandboxStora
) -> None:
    async with serve(stora.application()) as url, visitor.stream() as stream:
        await stream.until("state")
        await ask(http, stora, url, "/sites?limit=3")
        await stream.until("traffic")
        shown = (await visitor.get("backstage"))[1]
        (request,) = shown["stora"]
        assert (request["what"], request["query"], request["status"]) == ("GET sites", "limit=3", 200)
        assert (request["left"], request["replayed"]) == (59, False)
        assert shown["owed"][0]["where"] == "#reservations"
        assert shown["armed"] == []
        assert await play(visitor, "limit") == 200
        assert await ask(http, stora, url, "/sites") == 429
        shown = (await visitor.get("backstage"))[1]
        assert shown["stora"][0]["left"] == 0
        assert "used up" in shown["said"]


async def test_calls_to_slack_are_shown(visitor: Visitor, client: Any) -> None:
    await client.auth_test()
    (call,) = (await visitor.get("backstage"))[1]["slack"]
    assert (call["what"], call["status"], call["error"]) == ("auth.test", 200, None)


async def test_bad_days_come_and_go(visitor: Visitor, stora: SandboxStora) -> None:
    for day in ("slow", "down", "lost"):
        assert await play(visitor, day) == 200
    armed = (await visitor.get("backstage"))[1]["armed"]
    assert armed[0] == "Stora is down"
    assert len(armed) == 3
    assert await play(visitor, "well") == 200
    assert (await visitor.get("backstage"))[1]["armed"] == []
    assert await play(visitor, "doomsday") == 404
    assert stora.faults.down is False


async def test_a_colleague_reserves_what_stands_first(visitor: Visitor, stora: SandboxStora) -> None:
    told: list[str] = []
    stora.world.on_change.append(lambda kind, resource: told.append(f"{kind} {resource['status']}"))
    assert await play(visitor, "colleague") == 200
    assert told == ["unit.updated reserved"]
    assert "A colleague has reserved" in (await visitor.get("backstage"))[1]["said"]


async def test_without_customers_a_colleague_has_nothing_to_do(backstage: Backstage, stora: SandboxStora) -> None:
    stora.world.tenancies.clear()
    backstage.play("colleague")
    assert (await backstage.shown())["said"] == "No customer waits for any unit."


async def test_a_rival_takes_the_unit_that_somebody_confirms(
    visitor: Visitor, http: aiohttp.ClientSession, stora: SandboxStora
) -> None:
    unit = stora.world.unit_named("A-012", "Camden")
    mine = somebody(stora, unit["site"])
    async with serve(stora.application()) as url:
        assert await play(visitor, "taken") == 200
        assert await ask(http, stora, url, "/sites") == 200
        body = {"tenancy_id": mine}
        assert await ask(http, stora, url, f"/units/{unit['id']}/reserve", body) == 409
    assert unit["status"] == "reserved"
    assert stora.world.tenancies[mine]["unit_allocations"] == []


async def test_a_rival_who_never_came_goes_home_with_the_demo(opens: Opens) -> None:
    before = asyncio.all_tasks()
    async with opens() as visitor:
        assert await play(visitor, "taken") == 200
    assert [task for task in asyncio.all_tasks() - before if "_take_first" in repr(task)] == []


async def test_a_rival_is_announced_and_sent_home_when_all_is_well(
    visitor: Visitor, http: aiohttp.ClientSession, stora: SandboxStora
) -> None:
    unit = stora.world.unit_named("A-012", "Camden")
    mine = somebody(stora, unit["site"])
    assert await play(visitor, "taken") == 200
    assert "a rival waits for the next reservation" in (await visitor.get("backstage"))[1]["armed"]
    assert await play(visitor, "well") == 200
    assert (await visitor.get("backstage"))[1]["armed"] == []
    async with serve(stora.application()) as url:
        assert await ask(http, stora, url, f"/units/{unit['id']}/reserve", {"tenancy_id": mine}) == 200
    assert stora.world.tenancies[mine]["unit_allocations"]
