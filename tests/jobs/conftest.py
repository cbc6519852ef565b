"""Where a job is tested: its office, and the Slack that it may only post to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.server import SandboxSlack
from bot.sandbox.slack.workspace import demo_workspace
from tests.jobs.office import Office, an_office


@pytest.fixture
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path, patience=getattr(request, "param", 5.0)) as office:
        yield office


@pytest.fixture
async def slack() -> AsyncIterator[SandboxSlack]:
    slack = SandboxSlack(demo_workspace(), scopes=["chat:write"])
    async with slack.serving():
        yield slack
        assert slack.problems == []
