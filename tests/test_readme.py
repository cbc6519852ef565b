"""The README is true."""

import re
from pathlib import Path

from pydantic_core import PydanticUndefined

from bot.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_the_settings() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \| (.+) \|$", README, re.MULTILINE)
    assert [name for name, _, _ in rows if name.lower() not in Settings.model_fields] == []
    assert {name.lower() for name, _, _ in rows} == set(Settings.model_fields)
    for name, _, written in rows:
        default = Settings.model_fields[name.lower()].default
        if default is PydanticUndefined or default is None:
            assert not written.startswith("`") or "SLACK_APP_TOKEN" in written, name
        else:
            shown = {"()": "[]", "False": "false"}.get(str(default), str(default))
            assert written == f"`{shown}`", name


def test_the_two_commands_are_there() -> None:
    venv = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt"
    assert f"{venv} . && .venv/bin/unitbot demo\n" in README
    assert f"{venv} -e '.[test]' && .venv/bin/pytest\n" in README


def test_every_constraint_is_a_pin_and_names_no_index() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 30
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.+!]+", pin) for pin in pins)


def test_every_dependency_is_pinned() -> None:
    pins = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project.scripts]")[0]
    wanted = re.findall(r'^ +"([A-Za-z0-9-]+)(?:\[\w+\])?(?:>=[0-9.]+)?",', project, re.MULTILINE)
    wanted = [name.lower() for name in wanted if name != "unitbot"]
    assert len(wanted) > 10
    assert [name for name in wanted if name not in pins] == []
