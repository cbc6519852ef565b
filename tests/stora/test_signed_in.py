"""A request with our token, and once more with another if Stora refused the first."""

from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from bot.core.problems import StoraDown, StoraLogin
from bot.sandbox.stora.server import SandboxStora
from bot.stora.exchange import PERSON, Exchange
from bot.stora.login import ClientCredentials, StaticToken
from bot.stora.signed_in import SignedIn


def question(http: httpx.AsyncClient) -> httpx.Request:
    return http.build_request("GET", "/2025-09/sites")


@pytest.fixture
async def static(exchange: Exchange, stora: SandboxStora) -> SignedIn:
    return SignedIn(exchange, StaticToken(SecretStr(stora.token)))


@pytest.fixture
async def renewable(exchange: Exchange, stora: SandboxStora, now: Callable[[], float]) -> SignedIn:
    return SignedIn(exchange, ClientCredentials(exchange, stora.client_id, SecretStr(stora.client_secret), now))


def bearers(stora: SandboxStora) -> list[str]:
    return [received.headers["Authorization"] for received in stora.received if received.route == "/sites"]


async def test_the_token_goes_along(static: SignedIn, stora: SandboxStora) -> None:
    answer = await static(question, PERSON)
    assert answer.status == 200
    assert bearers(stora) == [f"Bearer {stora.token}"]


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 503])
async def test_every_status_is_an_answer(static: SignedIn, stora: SandboxStora, status: int) -> None:
    stora.faults.status(status)
    assert (await static(question, PERSON)).status == status
    assert len(stora.received) == 1


async def test_a_refused_token_is_replaced_once(renewable: SignedIn, stora: SandboxStora) -> None:
    assert (await renewable(question, PERSON)).status == 200
    stora.revoke_tokens()
    assert (await renewable(question, PERSON)).status == 200
    first, refused, second = bearers(stora)
    assert first == refused != second


async def test_a_new_token_that_is_refused_too_is_the_answer(renewable: SignedIn, stora: SandboxStora) -> None:
    stora.faults.status(401, times=2, route="/sites")
    assert (await renewable(question, PERSON)).status == 401
    assert len(set(bearers(stora))) == len(bearers(stora)) == 2


async def test_each_attempt_is_a_request_of_its_own(renewable: SignedIn, stora: SandboxStora) -> None:
    built: list[httpx.Request] = []

    def build(http: httpx.AsyncClient) -> httpx.Request:
        built.append(question(http))
        return built[-1]

    stora.faults.status(401, route="/sites")
    await renewable(build, PERSON)
    assert len({id(request) for request in built}) == 2


async def test_without_a_token_nothing_is_asked(exchange: Exchange, stora: SandboxStora) -> None:
    stranger = SignedIn(exchange, ClientCredentials(exchange, stora.client_id, SecretStr("wr0ng-s3cret")))
    with pytest.raises(StoraLogin):
        await stranger(question, PERSON)
    assert bearers(stora) == []


async def test_no_answer_is_told_as_such(static: SignedIn, stora: SandboxStora) -> None:
    stora.faults.drop_after()
    with pytest.raises(StoraDown):
        await static(question, PERSON)
    assert len(stora.received) == 1
