"""Every test starts without anybody's settings or proxies, in a folder of its own."""

import os
from pathlib import Path

import pytest

from bot.settings import Settings


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name in settings or name.startswith(("SLACK_", "STORA_", "UNITBOT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
