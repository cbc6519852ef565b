from typing import Any

import httpx
import pytest

from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World

CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": "harbour-bot",
    "client_secret": "opens nothing",
    "scope": "public.unit:read public.site:read",
}


@pytest.fixture
def stora(world: World, clock: list[float]) -> SandboxStora:
    return SandboxStora(
        world,
        client_id="harbour-bot",
        client_secret="opens nothing",
        scopes=["public.unit:read", "public.site:read", "public.note:read"],
        now=lambda: clock[0],
    )


@pytest.fixture
def anyone(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return a client without a token, at the root of the service."""
    del client.headers["Authorization"]
    client.base_url = client.base_url.copy_with(path="/")
    return client


async def issued(anyone: httpx.AsyncClient) -> dict[str, Any]:
    answer = await anyone.post("/oauth2/token", json=CREDENTIALS)
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()
    return token


async def status(anyone: httpx.AsyncClient, path: str, token: str) -> int:
    return (await anyone.get(path, headers={"Authorization": f"Bearer {token}"})).status_code


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "bearer sandbox-stora-token", "Token sandbox-stora-token"]
)
async def test_without_the_right_token_nothing_is_told(anyone: httpx.AsyncClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await anyone.get("/2025-09/units", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")


async def test_a_missing_scope_is_named(anyone: httpx.AsyncClient, stora: SandboxStora, unit_id: str) -> None:
    headers = {"Authorization": f"Bearer {stora.token}"}
    answer = await anyone.post(f"/2025-09/units/{unit_id}/reserve", json={"tenancy_id": "ten_1"}, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "forbidden")
    assert error["message"] == "The access token lacks the scope public.unit:write."


async def test_client_credentials_get_a_token_for_two_hours(anyone: httpx.AsyncClient, clock: list[float]) -> None:
    token = await issued(anyone)
    assert (token["token_type"], token["expires_in"], token["refresh_token"]) == ("Bearer", 7200, None)
    assert (token["created_at"], token["scope"]) == (int(clock[0]), CREDENTIALS["scope"])
    assert await status(anyone, "/2025-09/units", token["access_token"]) == 200
    assert await status(anyone, "/2025-09/notes", token["access_token"]) == 403
    clock[0] += 7199
    assert await status(anyone, "/2025-09/units", token["access_token"]) == 200
    clock[0] += 1
    assert await status(anyone, "/2025-09/units", token["access_token"]) == 401


async def test_every_token_is_another_one(anyone: httpx.AsyncClient) -> None:
    assert (await issued(anyone))["access_token"] != (await issued(anyone))["access_token"]


async def test_token_info_tells_the_operator_the_scopes_and_an_absolute_expiry(
    anyone: httpx.AsyncClient, stora: SandboxStora, clock: list[float]
) -> None:
    token = (await issued(anyone))["access_token"]
    info = await anyone.get("/oauth2/token/info", headers={"Authorization": f"Bearer {token}"})
    assert info.json() == {
        "scope": ["public.site:read", "public.unit:read"],
        "expires_in": int(clock[0]) + 7200,
        "created_at": int(clock[0]),
        "application": {"uid": "harbour-bot"},
        "operator": {"name": "Harbour Self Storage"},
    }
    static = await anyone.get("/oauth2/token/info", headers={"Authorization": f"Bearer {stora.token}"})
    assert (static.json()["expires_in"], static.json()["application"]) == (None, None)
    assert len(static.json()["scope"]) == 3
    assert (await anyone.get("/oauth2/token/info")).status_code == 401


@pytest.mark.parametrize(
    ("change", "code", "pointers"),
    [
        pytest.param({"client_secret": "wrong"}, 401, [], id="wrong-secret"),
        pytest.param({"client_id": "wrong"}, 401, [], id="wrong-id"),
        pytest.param({"grant_type": "authorization_code"}, 422, ["/grant_type"], id="another-grant"),
        pytest.param({"scope": "public.unit:write"}, 422, ["/scope"], id="more-scope-than-allowed"),
        pytest.param({"scope": " "}, 422, ["/scope"], id="no-scope"),
        pytest.param({"scope": None}, 422, ["/scope"], id="null-scope"),
    ],
)
async def test_wrong_credentials_get_no_token(
    anyone: httpx.AsyncClient, change: dict[str, str], code: int, pointers: list[str]
) -> None:
    answer = await anyone.post("/oauth2/token", json=CREDENTIALS | change)
    assert answer.status_code == code
    assert [each["pointer"] for each in answer.json()["error"]["details"]] == pointers


@pytest.mark.parametrize("field", CREDENTIALS)
async def test_each_of_the_four_fields_is_required(anyone: httpx.AsyncClient, field: str) -> None:
    body = {name: value for name, value in CREDENTIALS.items() if name != field}
    answer = await anyone.post("/oauth2/token", json=body)
    assert [each["pointer"] for each in answer.json()["error"]["details"]] == [f"/{field}"]


async def test_revoked_tokens_are_refused_and_new_ones_can_be_had(
    anyone: httpx.AsyncClient, stora: SandboxStora
) -> None:
    token = (await issued(anyone))["access_token"]
    stora.revoke_tokens()
    assert await status(anyone, "/2025-09/units", token) == 401
    assert await status(anyone, "/2025-09/units", stora.token) == 401
    assert await status(anyone, "/2025-09/units", (await issued(anyone))["access_token"]) == 200


def test_a_scope_that_stora_does_not_have_is_a_mistake_of_the_test(world: World) -> None:
    with pytest.raises(ValueError, match=r"public\.units:read"):
        SandboxStora(world, scopes=["public.units:read"])
