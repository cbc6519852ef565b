"""Who may import whom: the layers show in the import lines."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BOT = Path(__file__).parent.parent / "bot"
PARTS = ("core", "render", "slack", "stora", "store", "jobs", "sandbox", "check", "start")

ALLOWED = {
    "core": {"core"},
    "render": {"core", "render"},
    "stora": {"core", "stora", "coalesce"},
    "store": {"core", "store"},
    "slack": {"core", "render", "slack", "stora", "store", "coalesce", "proxy", "carry_out"},
    "jobs": {"core", "render", "jobs", "slack", "stora", "store", "carry_out"},
    "sandbox": {"core", "sandbox"},
    "check": {"core", "slack", "stora", "store", "check", "start", "manifest", "settings"},
    "start": {
        "core",
        "slack",
        "stora",
        "store",
        "jobs",
        "start",
        "carry_out",
        "health",
        "metrics",
        "proxy",
        "settings",
    },
}
PURE_LIBRARIES = {"pydantic", "rapidfuzz", "typing_extensions"}
MAY_STAND_IN = {"demo.py"}
"""The one module that may import the stand-ins; the command imports it only when it is asked for a demo."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case _:
                pass


def of_the_bot(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("bot.")}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_imports_only_what_its_arrows_allow(part: str) -> None:
    files = sorted((BOT / part).rglob("*.py"))
    assert files
    wrong = {str(path.relative_to(BOT)): of_the_bot(path) - ALLOWED[part] for path in files}
    assert {path: extra for path, extra in wrong.items() if extra} == {}


def test_jobs_use_what_the_slack_edge_offers_but_none_of_its_handlers() -> None:
    used = {name for path in (BOT / "jobs").glob("*.py") for name in imports(path) if name.startswith("bot.slack")}
    assert used == {"bot.slack.deliver", "bot.slack.outcomes", "bot.slack.trouble"}


@pytest.mark.parametrize("part", ["core", "render"])
def test_the_pure_parts_use_nothing_that_could_wait_or_call_out(part: str) -> None:
    impure = {"asyncio", "time", "random", "secrets", "socket", "os", "subprocess", "threading", "logging", "pathlib"}
    for path in (BOT / part).rglob("*.py"):
        roots = {name.split(".")[0] for name in imports(path)} - {"bot"}
        assert not roots & impure, path
        assert roots - PURE_LIBRARIES <= sys.stdlib_module_names, path


def test_nothing_but_the_demo_knows_the_stand_ins() -> None:
    who = {path.name for path in BOT.rglob("*.py") if "sandbox" not in path.parts and "sandbox" in of_the_bot(path)}
    assert who == MAY_STAND_IN


def test_catching_everything_is_left_to_the_two_files_that_speak_to_people() -> None:
    def catches_all(path: Path) -> bool:
        handlers = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)]
        return any(node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"} for node in handlers)

    assert {path.name for path in BOT.rglob("*.py") if catches_all(path)} == {"failures.py", "deliver.py"}


def test_every_part_has_its_arrows() -> None:
    assert {path.name for path in BOT.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(PARTS)
