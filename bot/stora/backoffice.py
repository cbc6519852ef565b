"""Where the Backoffice is, as Stora's own answers say: its host is never written into the bot."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel

from bot.stora.readable import IfReadable

ADDRESS = re.compile(r"https?://[!#-;=?-{}~]+")
"""A web address as it may stand in a message: printable ASCII without spaces, quotes, angle brackets and pipes."""


class _Curie(BaseModel):
    name: str
    href: str


class Curies(BaseModel):
    """The part of an answer's `meta` that names the beginnings of addresses."""

    curies: Annotated[tuple[Annotated[_Curie | None, IfReadable], ...] | None, IfReadable] = None


class Link(BaseModel):
    """Where a resource leads."""

    href: str


Links = Annotated[dict[str, Annotated[Link | None, IfReadable]] | None, IfReadable]


@dataclass(frozen=True, slots=True)
class Backoffice:
    """The Backoffice of one answer."""

    template: str | None

    @classmethod
    def of(cls, meta: Curies) -> "Backoffice":
        """Find the `bo` curie."""
        for curie in meta.curies or ():
            if curie and curie.name == "bo" and "{rel}" in curie.href:
                return cls(curie.href)
        return cls(None)

    def url(self, links: Mapping[str, Link | None], otherwise: str) -> str | None:
        """The resource's own `bo:` link, else the path from the settings; ``None`` where neither leads anywhere."""
        if self.template is None:
            return None
        own = [link.href for rel, link in links.items() if link and rel.startswith("bo:")]
        for path in (*own, otherwise):
            # Plain replacement: real hrefs hold `?` and `&`, which URI templates would escape (reference, responses).
            url = self.template.replace("{rel}", path)
            # A path and nothing else: `@evil.example` or `.evil.example` behind the host would lead to another one.
            if path.startswith("/") and ADDRESS.fullmatch(url):
                return url
        return None
