"""Names as people remember them: exact, a part, or misspelt."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

SIMILAR = 60
"""Out of 100: below, a suggestion confuses more than it helps."""
LONGEST_TYPED = 100
"""Characters that are compared with known names; nothing has a longer one."""

_APOSTROPHES = re.compile("['’‘‛′ʼ`´]")
_SIGNS = re.compile(r"[\W_]+")


@lru_cache(maxsize=16_384)
def folded(name: str) -> str:
    """A name as names are compared: without case, accents and punctuation, so that `kings cross` is King's Cross."""
    name = _APOSTROPHES.sub("", name)
    if name.isascii():
        return _SIGNS.sub(" ", name.casefold()).strip()
    # Twice, since some capitals come to light only when they are taken apart: ℌ is H, and then h.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return " ".join("".join(map(_letter, _APOSTROPHES.sub("", decomposed))).split())


@cache
def _letter(character: str) -> str:
    """What remains of a character: accents and what cannot be seen go, signs part words."""
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return ""
    # A mark that does not combine is a letter of its script: the vowels of Hindi and Thai.
    return character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "


def nearest(typed: str, names: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The names most like what was typed, best first; none if nothing comes near."""
    found = process.extract(
        typed[:LONGEST_TYPED],
        list(dict.fromkeys(names)),
        scorer=fuzz.WRatio,
        processor=str.casefold,
        score_cutoff=SIMILAR,
        limit=count,
    )
    return tuple(name for name, _score, _index in found)
