"""The README's pictures are what the demo shows."""

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.page.conftest import needs
from tests.pictures import take

KEPT = Path(take.__file__).parent
README = Path(__file__).parent.parent.parent / "README.md"
FONTS = ("Lato", "Liberation Mono", "Noto Color Emoji")
AT_MOST = 0.03
OTHER = """what => {
    const main = what.querySelector("main") ?? what;
    const words = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
        const node = words.currentNode, { top, bottom } = node.parentElement.getBoundingClientRect();
        if (!/Camden/.test(node.data) || !node.parentElement.checkVisibility() || top < 100 || bottom > 600) continue;
        node.data = node.data.replace("Camden", "Oxford");
        return;
    }
    throw new Error("the word is not there");
}"""
LARGEST = 100_000


def kept() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in KEPT.glob("*.png")}


def fonts() -> str:
    lister = shutil.which("fc-list")
    return subprocess.run([lister], capture_output=True, text=True, check=True).stdout if lister else ""  # noqa: S603


@pytest.mark.asyncio(loop_scope="session")
async def test_each_picture_is_what_the_demo_shows(browser: Browser) -> None:
    reason = "fonts are missing: apt-get install fontconfig fonts-lato fonts-liberation fonts-noto-color-emoji"
    needs(all(font in fonts() for font in FONTS), reason)
    taken, wanted = await take.take(browser), kept()
    assert taken.keys() == wanted.keys()
    apart = {name: take.difference(wanted[name], picture) for name, picture in taken.items()}
    assert {name: share for name, share in apart.items() if share > AT_MOST} == {}, "python -m tests.pictures"


@pytest.mark.asyncio(loop_scope="session")
async def test_a_word_that_changed_is_noticed_in_every_picture(browser: Browser) -> None:
    needs(all(font in fonts() for font in FONTS), "fonts are missing")
    apart = {name: take.difference(kept()[name], each) for name, each in (await take.take(browser, OTHER)).items()}
    assert {name: share for name, share in apart.items() if share <= AT_MOST} == {}
    assert {take.difference(each, each) for each in kept().values()} == {0}


def test_the_pictures_are_small_and_all_of_them_are_in_the_readme() -> None:
    readme = README.read_text(encoding="utf-8")
    assert len(kept()) == 7
    for name, picture in kept().items():
        assert len(picture) < LARGEST
        assert f"(tests/pictures/{name}.png)" in readme
