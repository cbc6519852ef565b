from uuid import UUID

import httpx
import pytest

from bot.sandbox.stora.server import SandboxStora


async def test_an_error_has_the_documented_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/units/unit_ffff")
    error = answer.json()["error"]
    assert answer.json().keys() == {"error"}
    assert UUID(error.pop("request_id")).version == 4
    assert error == {
        "code": "resource_not_found",
        "type": "invalid_request_error",
        "message": "No unit has the id 'unit_ffff'.",
        "details": [],
        "links": [
            {"kind": "open_api", "name": "OpenAPI", "url": "https://public-api.stora.co/2025-09/openapi.json"},
            {"kind": "documentation", "name": "Errors", "url": "https://docs.stora.co/public-api#overview--errors"},
        ],
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2025-09/reports"),
        ("GET", "/2025-09/units/"),
        ("GET", "/units"),
        ("GET", "/2024-01/units"),
        ("GET", "/2025-09/oauth2/token/info"),
        ("DELETE", "/2025-09/units/unit_1"),
        ("POST", "/2025-09/units/unit_1/unlock"),
        ("GET", "/2025-09/units/a/b"),
        ("GET", "/"),
    ],
)
async def test_an_endpoint_that_stora_does_not_have_is_told_apart_from_an_unknown_id(
    client: httpx.AsyncClient, stora: SandboxStora, method: str, path: str
) -> None:
    client.base_url = client.base_url.copy_with(path="/")
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "invalid_endpoint")
    assert stora.received[-1].route == ""


async def test_an_id_is_decoded_before_it_is_looked_up(client: httpx.AsyncClient) -> None:
    answer = await client.get("/units/..%2Fsites")
    assert answer.json()["error"]["message"] == "No unit has the id '../sites'."


@pytest.mark.parametrize("accept", ["text/csv", "application/pdf", "text/html, image/*;q=0.8"])
async def test_only_json_is_served(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get("/units", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["error"]["code"]) == (406, "invalid_format")


@pytest.mark.parametrize("accept", ["", "*/*", "text/html, application/json;q=0.8", "APPLICATION/*"])
async def test_json_is_served_to_everyone_who_takes_it(client: httpx.AsyncClient, accept: str) -> None:
    assert (await client.get("/units", headers={"Accept": accept})).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"tenancy_id=ten_1", "application/json", "The body is not valid JSON."),
        (b"", "application/json", "The body is not valid JSON."),
        (b'{"tenancy_id": "ten_1"', "application/json; charset=utf-8", "The body is not valid JSON."),
        (b'{"tenancy_id": "ten_1"}', "text/plain", "The Content-Type of a body must be application/json."),
        (b'{"tenancy_id": "ten_1"}', None, "The Content-Type of a body must be application/json."),
    ],
)
async def test_a_body_that_is_not_json_is_refused(
    client: httpx.AsyncClient, unit_id: str, content: bytes, content_type: str | None, message: str
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await client.post(f"/units/{unit_id}/reserve", content=content, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (400, "invalid_request", message)


async def test_every_request_is_recorded_without_showing_its_token(
    client: httpx.AsyncClient, stora: SandboxStora, clock: list[float], unit_id: str
) -> None:
    await client.get("/units", params={"status": "reserved", "page": "1"})
    clock[0] += 5
    await client.post(f"/units/{unit_id}/reserve", json={"tenancy_id": "ten_0"}, headers={"Idempotency-Key": "k"})
    await client.get("/nowhere")
    first, second, third = stora.received
    assert (first.method, first.path, first.route) == ("GET", "/2025-09/units", "/units")
    assert (first.query, first.body, first.status) == ({"status": "reserved", "page": "1"}, None, 200)
    assert (second.path, second.route) == (f"/2025-09/units/{unit_id}/reserve", "/units/{unit_id}/reserve")
    assert (second.body, second.status, second.at - first.at) == ({"tenancy_id": "ten_0"}, 404, 5)
    assert second.headers["idempotency-key"] == "k"
    assert (third.route, third.status) == ("", 404)
    assert stora.token not in repr(stora.received)
