"""Proving who we are: a token from the settings, and tokens that are fetched and renewed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.core.problems import NotFound, Refused, StoraBusy, StoraDown, StoraLogin
from bot.sandbox.loopback import serve
from bot.sandbox.stora.received import Received
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.world import World
from bot.stora.budget import Budget, Priority
from bot.stora.client import StoraClient
from bot.stora.exchange import PERSON, SWEEP, Exchange
from bot.stora.login import SCOPES, ClientCredentials, Login, StaticToken

Dial = Callable[[Exchange, Login], StoraClient]


@pytest.fixture
def login(exchange: Exchange, stora: SandboxStora, now: Callable[[], float]) -> ClientCredentials:
    """Client credentials that Stora accepts."""
    return ClientCredentials(exchange, stora.client_id, SecretStr(stora.client_secret), now)


@pytest.fixture
def client(dial: Dial, exchange: Exchange, login: ClientCredentials) -> StoraClient:
    """A client that uses them."""
    return dial(exchange, login)


@pytest.fixture
def static(dial: Dial, exchange: Exchange, stora: SandboxStora) -> StoraClient:
    """A client with the token from the settings."""
    return dial(exchange, StaticToken(SecretStr(stora.token)))


def fetches(stora: SandboxStora) -> list[Received]:
    return [received for received in stora.received if received.route == "/oauth2/token"]


def questions(stora: SandboxStora) -> list[Received]:
    return [received for received in stora.received if received.route != "/oauth2/token"]


def bearers(stora: SandboxStora) -> list[str]:
    return [received.headers["Authorization"] for received in questions(stora)]


async def test_a_static_token_is_used_as_it_is(static: StoraClient, stora: SandboxStora) -> None:
    await static.list_units(PERSON)
    assert bearers(stora) == [f"Bearer {stora.token}"]


async def test_a_static_token_that_was_withdrawn_is_refused_once_and_there_is_no_other(
    static: StoraClient, stora: SandboxStora
) -> None:
    stora.revoke_tokens()
    with pytest.raises(StoraLogin) as refused:
        await static.list_units(PERSON)
    assert refused.value.status == 401
    assert refused.value.request_id
    assert len(stora.received) == 1


async def test_ten_questions_at_once_fetch_one_token(client: StoraClient, stora: SandboxStora) -> None:
    pages = await asyncio.gather(*(client.list_units(PERSON) for _ in range(10)))
    assert [page.count for page in pages] == [4] * 10
    assert len(fetches(stora)) == 1
    assert len(set(bearers(stora))) == 1
    assert len(bearers(stora)) == 10


async def test_a_token_is_asked_for_as_the_reference_page_wants_it(client: StoraClient, stora: SandboxStora) -> None:
    await client.list_units(PERSON)
    (fetch,) = fetches(stora)
    assert (fetch.method, fetch.path, fetch.query) == ("POST", "/oauth2/token", {})
    assert fetch.body == {
        "grant_type": "client_credentials",
        "client_id": stora.client_id,
        "client_secret": stora.client_secret,
        "scope": " ".join(SCOPES),
    }
    assert "Authorization" not in fetch.headers


async def test_the_scopes_asked_for_are_enough_for_every_question(
    client: StoraClient, http: httpx.AsyncClient, world: World
) -> None:
    just_enough = SandboxStora(world, scopes=SCOPES, per_second=None, per_minute=None)
    async with serve(just_enough.application()) as base_url:
        http.base_url = base_url
        await client.list_units(PERSON)
        await client.show_unit(next(iter(world.units)), PERSON)
        await client.list_sites(PERSON)
        await client.list_unit_types(PERSON)
    assert {received.status for received in just_enough.received} == {200}


async def test_a_token_is_renewed_five_minutes_before_its_two_hours_end(
    login: ClientCredentials, stora: SandboxStora
) -> None:
    first = await login.token(PERSON)
    await asyncio.sleep(6899)
    assert await login.token(PERSON) == first
    await asyncio.sleep(1)
    second = await login.token(PERSON)
    assert second != first
    assert await login.token(PERSON) == second
    assert len(fetches(stora)) == 2


async def test_ten_questions_at_the_end_of_a_token_renew_it_once(client: StoraClient, stora: SandboxStora) -> None:
    await client.list_units(PERSON)
    await asyncio.sleep(7000)
    await asyncio.gather(*(client.list_units(PERSON) for _ in range(10)))
    assert len(fetches(stora)) == 2
    assert len(set(bearers(stora)[1:])) == 1
    assert [received.status for received in questions(stora)] == [200] * 11


async def test_ten_questions_whose_token_was_withdrawn_renew_it_once(client: StoraClient, stora: SandboxStora) -> None:
    await client.list_units(PERSON)
    stora.revoke_tokens()
    stora.received.clear()
    pages = await asyncio.gather(*(client.list_units(PERSON) for _ in range(10)))
    assert [page.count for page in pages] == [4] * 10
    assert len(fetches(stora)) == 1
    assert sorted(received.status or 0 for received in questions(stora)) == [200] * 10 + [401] * 10


async def test_who_learns_late_that_a_token_is_refused_gets_the_one_fetched_meanwhile(
    login: ClientCredentials, stora: SandboxStora
) -> None:
    old = await login.token(PERSON)
    new = await login.renewed(old, PERSON)
    assert new != old
    assert await login.renewed(old, PERSON) == new
    assert await login.token(PERSON) == new
    assert len(fetches(stora)) == 2


async def test_a_new_token_that_is_refused_too_is_not_renewed_again(client: StoraClient, stora: SandboxStora) -> None:
    await client.list_units(PERSON)
    stora.received.clear()
    stora.faults.status(401, route="/units", times=None)
    with pytest.raises(StoraLogin):
        await client.list_units(PERSON)
    assert [received.route for received in stora.received] == ["/units", "/oauth2/token", "/units"]


async def test_a_missing_scope_is_no_reason_for_another_token(client: StoraClient, stora: SandboxStora) -> None:
    stora.faults.status(403, route="/units")
    with pytest.raises(StoraLogin) as refused:
        await client.list_units(PERSON)
    assert refused.value.status == 403
    assert len(fetches(stora)) == 1


async def test_ten_questions_of_a_client_that_stora_refuses_ask_for_a_token_once(
    dial: Dial, exchange: Exchange, stora: SandboxStora
) -> None:
    stranger = dial(exchange, ClientCredentials(exchange, stora.client_id, SecretStr("wr0ng-s3cret")))
    results = await asyncio.gather(*(stranger.list_units(PERSON) for _ in range(10)), return_exceptions=True)
    assert [type(result) for result in results] == [StoraLogin] * 10
    assert len(stora.received) == 1
    with pytest.raises(StoraLogin):
        await stranger.list_units(PERSON)
    assert len(stora.received) == 2


async def test_an_application_without_our_scopes_is_told_which_it_lacks(
    client: StoraClient, http: httpx.AsyncClient, world: World
) -> None:
    narrow = SandboxStora(world, scopes=set(SCOPES) - {"public.site:read"}, per_second=None, per_minute=None)
    async with serve(narrow.application()) as base_url:
        http.base_url = base_url
        with pytest.raises(Refused) as refused:
            await client.list_units(PERSON)
    assert "public.site:read" in refused.value.message
    assert len(narrow.received) == 1


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "garbage", "truncated", "empty"])
async def test_a_fetch_that_fails_is_tried_again_with_the_question(
    client: StoraClient, stora: SandboxStora, fault: str
) -> None:
    getattr(stora.faults, fault)(route="/oauth2/token")
    assert (await client.list_units(PERSON)).count == 4
    assert len(fetches(stora)) == 2
    assert len(questions(stora)) == 1


async def test_a_429_for_a_token_is_obeyed_like_any_other(client: StoraClient, stora: SandboxStora) -> None:
    stora.faults.status(429, reset_in=3.0, route="/oauth2/token")
    await client.list_units(PERSON)
    first, second = fetches(stora)
    assert second.at - first.at == pytest.approx(3.6)


def token_server(granted: object) -> web.Application:
    async def grant(request: web.Request) -> web.Response:
        assert await request.json()
        return web.json_response(granted)

    application = web.Application()
    application.router.add_post("/oauth2/token", grant)
    return application


@pytest.mark.parametrize(
    "granted",
    [{}, {"access_token": None}, {"access_token": ""}, {"access_token": 7}, {"access_token": {}}, [], None, "token"],
    ids=repr,
)
async def test_an_answer_without_a_token_is_no_answer(
    exchange: Exchange, http: httpx.AsyncClient, granted: object
) -> None:
    login = ClientCredentials(exchange, "client", SecretStr("s3cret"))
    async with serve(token_server(granted)) as base_url:
        http.base_url = base_url
        with pytest.raises(StoraDown, match="no token"):
            await login.token(PERSON)


@pytest.mark.parametrize(
    ("expires_in", "good_for"),
    [
        (7200, 6900),
        (3600.5, 3300.5),
        (400, 200),
        (10, 5),
        (None, 6900),
        (1740242460, 6900),
        ("7200", 6900),
        (0, 6900),
        (-5, 6900),
        ([], 6900),
    ],
    ids=repr,
)
async def test_how_long_a_token_is_good_is_read_or_else_two_hours(
    exchange: Exchange, http: httpx.AsyncClient, now: Callable[[], float], expires_in: object, good_for: float
) -> None:
    grants = 0

    async def grant(_request: web.Request) -> web.Response:
        nonlocal grants
        grants += 1
        return web.json_response({"access_token": f"token-{grants}", "expires_in": expires_in})

    application = web.Application()
    application.router.add_post("/oauth2/token", grant)
    login = ClientCredentials(exchange, "client", SecretStr("s3cret"), now)
    async with serve(application) as base_url:
        http.base_url = base_url
        assert await login.token(PERSON) == "token-1"
        await asyncio.sleep(good_for - 0.01)
        assert await login.token(PERSON) == "token-1"
        await asyncio.sleep(0.02)
        assert await login.token(PERSON) == "token-2"


async def test_a_sweep_that_fetches_the_token_does_not_make_writes_wait(
    exchange: Exchange, stora: SandboxStora
) -> None:
    budget = Budget(10, 4)  # of which sweeps may use two
    login = ClientCredentials(replace(exchange, budget=budget), stora.client_id, SecretStr(stora.client_secret))
    for _ in range(2):
        async with budget.call(Priority.WRITE, None):
            pass
    loop = asyncio.get_running_loop()
    began = loop.time()
    await login.token(SWEEP)
    assert loop.time() == began


async def test_who_cannot_wait_for_room_gets_no_token(exchange: Exchange, login: ClientCredentials) -> None:
    exchange.budget.block(20.0)
    with pytest.raises(StoraBusy):
        await login.token(PERSON)


async def test_the_token_still_comes_for_the_others_when_the_first_who_asked_leaves(
    login: ClientCredentials, stora: SandboxStora
) -> None:
    arrived = stora.faults.hold(route="/oauth2/token")
    first, second = (asyncio.create_task(login.token(PERSON)) for _ in range(2))
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.sleep(0.1)
    arrived.set()
    assert await second
    assert len(fetches(stora)) == 1


async def test_no_secret_is_in_any_log_line_or_repr(
    client: StoraClient,
    static: StoraClient,
    login: ClientCredentials,
    stora: SandboxStora,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "bot")
    shown = [repr(client), repr(static), repr(login)]
    with capture_logs() as lines:
        token = await login.token(PERSON)
        for fault in (stora.faults.garbage, stora.faults.drop_before, stora.revoke_tokens):
            fault()
            with pytest.raises((StoraLogin, StoraDown)) as failed:
                await static.list_units(replace(PERSON, altogether=0.1))
            shown.append(repr(failed.value) + str(failed.value))
    shown += [repr(client), repr(login), str(lines), caplog.text]
    for secret in (token, stora.token, stora.client_secret):
        assert not any(secret in text for text in shown)


async def test_a_unit_that_is_gone_is_not_taken_for_a_refused_token(client: StoraClient, stora: SandboxStora) -> None:
    with pytest.raises(NotFound):
        await client.show_unit("unit_gone", PERSON)
    assert len(fetches(stora)) == 1
