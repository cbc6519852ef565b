"""Replace `{"id": ...}` stubs by the whole resource, as `expand=unit_allocation.tenancy` asks."""

from collections.abc import Iterable

from bot.sandbox.stora.grants import Grant
from bot.sandbox.stora.refusals import Refusal
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.world import World

_RELATIONS = {
    "unit": {"site": "site", "unit_type": "unit_type", "unit_allocation": "unit_allocation"},
    "unit_type": {"site": "site"},
    "tenancy": {"contact": "contact", "site": "site", "unit_allocations": "unit_allocation"},
    "unit_allocation": {"tenancy": "tenancy", "unit": "unit"},
}
"""Which field of which kind refers to which kind. Orders and subscriptions are real relations that we do not have."""

Tree = dict[str, "Tree"]
"""The relations to expand and, below each, those of what it leads to."""


def read_expand(kind: str, paths: Iterable[str], grant: Grant) -> Tree:
    """Return what is to be expanded.

    Raises ``Refusal``: 422 for a path that the kind does not have, 403 when the token may not read what it leads to.
    """
    tree: Tree = {}
    for path in paths:
        branch, here = tree, kind
        for field in path.split("."):
            if field not in _RELATIONS.get(here, {}):
                raise Refusal("invalid_url_param", f"expand: {path!r} is unknown for this resource.")
            here = _RELATIONS[here][field]
            grant.require(f"public.{here}:read")
            branch = branch.setdefault(field, {})
    return tree


def expanded(world: World, kind: str, resource: Resource, tree: Tree) -> Resource:
    """Return a copy of the resource in which the relations of the tree are whole resources; null stays null."""
    whole = dict(resource)
    for field, below in tree.items():
        target = _RELATIONS[kind][field]
        collection = world.collection(target)
        match resource[field]:
            case None:
                pass
            case list() as stubs:
                whole[field] = [expanded(world, target, collection[stub["id"]], below) for stub in stubs]
            case stub:
                whole[field] = expanded(world, target, collection[stub["id"]], below)
    return whole
