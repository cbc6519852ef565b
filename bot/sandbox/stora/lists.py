"""How a list answers: filters, order and pages, each parameter checked (API reference "List all units")."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.sandbox.stora.calls import Call, Reply
from bot.sandbox.stora.expand import expanded, read_expand
from bot.sandbox.stora.refusals import Refusal
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.timestamps import read_stamp, stamp
from bot.sandbox.stora.world import World

_MOST = 100
_USUAL = 50
_LONGEST_NUMBER = 9
_COMMON = {"page", "limit", "sort_by", "sort_direction", "expand"}

Keeps = Callable[[World, Resource], bool]
"""Whether a resource passes a filter."""

Filter = Callable[[str, str], Keeps]
"""Reads a parameter (its name, its value) into what it keeps; raises ``Refusal`` (422) for a value it refuses."""


def bad_parameter(name: str, reason: str) -> Refusal:
    """Return the refusal of a query parameter."""
    return Refusal("invalid_url_param", f"{name}: {reason}")


@dataclass(frozen=True, slots=True)
class Listing:
    """How one kind of resource is read, beyond the parameters that all kinds share.

    The answer's keys are ``singular`` (the kind, unless said otherwise) and ``plural``. ``render`` hides what reading
    must not show.
    """

    kind: str
    plural: str
    filters: Mapping[str, Filter]
    sort_by: tuple[str, ...] = ("created_at",)
    singular: str | None = None
    render: Callable[[Resource], Resource] = dict

    def show(self, call: Call) -> Reply:
        """Answer with one resource; raises ``Refusal`` (404) for an unknown id."""
        check_names(call.query, {"expand"})
        tree = read_expand(self.kind, _listed(call.query, "expand"), call.grant)
        resource = call.world.find(self.kind, call.ids[0])
        return Reply({self.singular or self.kind: self.render(expanded(call.world, self.kind, resource, tree))})

    def list_page(self, call: Call) -> Reply:
        """Answer with one page of what passes all filters."""
        check_names(call.query, _COMMON | self.filters.keys())
        tree = read_expand(self.kind, _listed(call.query, "expand"), call.grant)
        page, limit = _whole(call.query, "page", 1, None), _whole(call.query, "limit", _USUAL, _MOST)
        keeps = [self.filters[name](name, value) for name, value in call.query.items() if name in self.filters]
        key = _one_of(call.query, "sort_by", self.sort_by)
        descending = _one_of(call.query, "sort_direction", ("DESC", "ASC")) == "DESC"
        everything = call.world.collection(self.kind).values()
        found = [resource for resource in everything if all(keep(call.world, resource) for keep in keeps)]
        found.sort(key=lambda resource: (resource[key] or "", resource["id"]), reverse=descending)
        shown = found[(page - 1) * limit : page * limit]
        rendered = [self.render(expanded(call.world, self.kind, resource, tree)) for resource in shown]
        return Reply({self.plural: rendered}, {"pagination": _pagination(len(found), page, limit)})


def check_names(query: Mapping[str, str], known: set[str]) -> None:
    """Raise ``Refusal`` (422) that names the parameters which the endpoint does not have."""
    if unknown := query.keys() - known:
        raise bad_parameter(", ".join(sorted(unknown)), "this endpoint has no such parameter.")


def ids(prefix: str, *path: str) -> Filter:
    """Keep what has one of the ids at ``path``, e.g. `site`, `id`; a value without the prefix is refused."""

    def read(name: str, value: str) -> Keeps:
        wanted = set(_parts(name, value))
        if strange := {each for each in wanted if not each.startswith(prefix)}:
            raise bad_parameter(name, f"{', '.join(sorted(strange))!r} is no id that begins with {prefix}.")
        return lambda _world, resource: _at(resource, path) in wanted

    return read


def ids_by(prefix: str, reach: Callable[[World, Resource], str]) -> Filter:
    """Keep what leads to one of the ids over other resources."""

    def read(name: str, value: str) -> Keeps:
        ids(prefix)(name, value)
        wanted = set(_parts(name, value))
        return lambda world, resource: reach(world, resource) in wanted

    return read


def enum(*allowed: str, field: str | None = None, same: Callable[[Any], Any] = lambda value: value) -> Filter:
    """Keep what has one of the allowed values; ``same`` maps a resource's spelling to the filter's."""

    def read(name: str, value: str) -> Keeps:
        wanted = set(_parts(name, value))
        if unknown := wanted.difference(allowed):
            raise bad_parameter(name, f"{', '.join(sorted(unknown))!r} is not one of {', '.join(allowed)}.")
        return lambda _world, resource: same(resource[field or name]) in wanted

    return read


def exactly(field: str) -> Filter:
    """Keep what has one of the listed texts."""

    def read(name: str, value: str) -> Keeps:
        wanted = set(_parts(name, value))
        return lambda _world, resource: resource[field] in wanted

    return read


def since(field: str) -> Filter:
    """Keep what is not older than a date-time (inclusive)."""

    def read(name: str, value: str) -> Keeps:
        bound = _bound(name, value)
        return lambda _world, resource: resource[field] >= bound

    return read


def until(field: str) -> Filter:
    """Keep what is older than a date-time (exclusive)."""

    def read(name: str, value: str) -> Keeps:
        bound = _bound(name, value)
        return lambda _world, resource: resource[field] < bound

    return read


def resembling(*fields: str) -> Filter:
    """Keep what holds the letters and digits of the value in their order, with at most a few others between."""

    def read(name: str, value: str) -> Keeps:
        if not value.strip():
            raise bad_parameter(name, "a value is empty.")
        return lambda _world, resource: any(resembles(value, resource[field] or "") for field in fields)

    return read


def resembles(query: str, text: str) -> bool:
    """Return whether each word of the query is part of the text, or begins alike and lacks only some letters.

    Punctuation and case do not count: `a12`, `A-12` and `012` all resemble `A-012`.
    """
    whole = _letters(text)
    return all(_is_part(_letters(word), whole) for word in query.split())


def _is_part(word: str, whole: str) -> bool:
    if word in whole:
        return word != ""
    rest = iter(whole)
    return word[0] == whole[:1] and all(letter in rest for letter in word)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _at(resource: Resource, path: tuple[str, ...]) -> Any:
    value: Any = resource
    for step in path:
        value = value[step]
    return value


def _bound(name: str, value: str) -> str:
    try:
        # Stora's moments are whole seconds: for both kinds of bound, half a second past means the next whole one.
        return stamp(read_stamp(value) + timedelta(microseconds=999_999))
    except ValueError:
        raise bad_parameter(name, f"{value!r} is no ISO 8601 date-time with a time zone.") from None


def _parts(name: str, value: str) -> list[str]:
    parts = value.split(",")
    if not all(parts):
        raise bad_parameter(name, "a value is empty.")
    return parts


def _listed(query: Mapping[str, str], name: str) -> list[str]:
    return _parts(name, query[name]) if name in query else []


def _whole(query: Mapping[str, str], name: str, usual: int, most: int | None) -> int:
    text = query.get(name, str(usual))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0
    if number < 1 or (most is not None and number > most):
        raise bad_parameter(name, f"{text!r} is no whole number from 1{'' if most is None else f' to {most}'}.")
    return number


def _one_of(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise bad_parameter(name, f"{value!r} is not one of {', '.join(allowed)}.")
    return value


def _pagination(total: int, page: int, limit: int) -> Resource:
    pages = max(1, -(-total // limit))
    return {
        "count": total,
        "page": page,
        "pages": pages,
        "last": pages,
        "limit": limit,
        "next": page + 1 if page < pages else None,
        "prev": min(page - 1, pages) if page > 1 else None,
    }
