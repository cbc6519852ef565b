"""A small operator behind a served stand-in, and a loop on whose clock waiting takes no time."""

import asyncio
import selectors
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr
from typing_extensions import override

from bot.sandbox.loopback import serve
from bot.sandbox.stora.server import SandboxStora
from bot.sandbox.stora.shapes import DAYS, OPEN_ALL_DAY, Place, Room
from bot.sandbox.stora.world import World
from bot.stora.budget import Budget
from bot.stora.client import StoraClient
from bot.stora.exchange import Exchange
from bot.stora.keeper import Follower
from bot.stora.login import Login, StaticToken
from bot.stora.recorder import Recorder
from tests.stora.notebook import Notebook

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOTHING_COMES = 10.0
"""Real seconds after which a test that waits for nothing in particular is taken to wait for ever."""
IN_TRANSIT = 0.01
"""Real seconds that the kernel, or a thread, may take to hand over what has been sent already."""


class _Leaping(selectors.DefaultSelector):
    """Instead of waiting for the next timer, adds the time until then to ``leapt``."""

    leapt = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(NOTHING_COMES)
            if not ready:
                raise AssertionError("everybody waits, and nothing will ever come")
            return ready
        alone = len(self.get_map()) <= 1  # nothing but the loop's own pipe: no neighbour to wait for
        ready = super().select(0 if alone else min(timeout, IN_TRANSIT))
        if not ready and timeout > 0:
            self.leapt += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still while there is work, and leaps to the next timer when there is none."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    @override
    def time(self) -> float:
        return 100.0 + self._leaping.leapt


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test here runs in virtual time, but one that asks for the fixture `real_time`."""
    if "real_time" in item.fixturenames:
        return {"real": asyncio.SelectorEventLoop}
    return {"virtual": VirtualLoop}


@pytest.fixture
def real_time() -> None:
    """The test waits as long as it says."""


@pytest.fixture
async def now() -> Callable[[], float]:
    """The epoch second that it is by the loop's clock."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    return lambda: START.timestamp() + loop.time() - started


@pytest.fixture
def world() -> World:
    """Camden with A-001 to A-003 and Bristol with another A-001, a day between any two; all are available."""
    world = World()
    place = Place("1 High Street", "London", "NW1 8QR", "020 7946 0112", dict.fromkeys(DAYS, OPEN_ALL_DAY))
    for name, references in (("Camden", ("A-001", "A-002", "A-003")), ("Bristol", ("A-001",))):
        site = world.add_site(name, place, START)
        room = Room("25 sq ft", 8, 5, 5, {"weekly": 1850, "monthly": 7400})
        unit_type = world.add_unit_type(site["id"], f"Small room in {name}", room, START)
        for days, reference in enumerate(references):
            world.add_unit(site["id"], unit_type["id"], reference, START - timedelta(days=10 - days))
    return world


@pytest.fixture
async def stora(world: World, now: Callable[[], float]) -> SandboxStora:
    """Stora without a limit on requests."""
    return SandboxStora(world, now=now, per_second=None, per_minute=None)


@pytest.fixture
async def http(stora: SandboxStora, now: Callable[[], float]) -> AsyncIterator[httpx.AsyncClient]:
    """The road to Stora."""

    async def dated(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(now(), usegmt=True)

    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # to load the world's certificates takes longer than most tests
    application = stora.application()
    application.on_response_prepare.append(dated)
    async with (
        serve(application) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=10, trust_env=False, verify=unused) as http,
    ):
        yield http


@pytest.fixture
async def exchange(http: httpx.AsyncClient) -> Exchange:
    """A budget that is never used up, and ten seconds for each attempt."""
    return Exchange(http, Budget(1_000, 10_000), timeout=10)


Dial = Callable[[Exchange, Login], StoraClient]


@pytest.fixture
def dial() -> Dial:
    """Make a client from the road it takes and the login it has."""

    def dialled(exchange: Exchange, login: Login) -> StoraClient:
        return StoraClient(
            exchange=exchange,
            login=login,
            version="2025-09",
            search_parameter="search",
            backoffice_unit_path="/units/{id}",
            random=lambda: 0.5,
        )

    return dialled


@pytest.fixture
async def client(dial: Dial, exchange: Exchange, stora: SandboxStora) -> StoraClient:
    """A client with the right token."""
    return dial(exchange, StaticToken(SecretStr(stora.token)))


@pytest.fixture
async def moment(now: Callable[[], float]) -> Callable[[], datetime]:
    """The moment that it is by the loop's clock."""
    return lambda: datetime.fromtimestamp(now(), UTC)


@pytest.fixture
async def notebook(moment: Callable[[], datetime]) -> Notebook:
    """A memory in which nothing is kept yet."""
    return Notebook(moment)


@pytest.fixture
async def follower(notebook: Notebook) -> Follower:
    """Follows the notebook."""
    return Follower(notebook)


@pytest.fixture
async def recorder(follower: Follower) -> AsyncIterator[Recorder]:
    """Writes into the notebook, in the background."""
    recorder = Recorder(follower)
    writing = asyncio.create_task(recorder.run())
    yield recorder
    assert not writing.done()
    writing.cancel()
