"""The unit before and after → what happened to it, if colleagues may want to hear of it."""

from typing import Literal, TypeAlias

from bot.core.inventory import Unit

What: TypeAlias = Literal["reserved", "occupied", "released", "overlocked", "available"]
"""`released`: a customer no longer has it. `available`: it can be let again after staff had taken it out of use."""

LET = {"reserved", "occupied", "overlock"}
"""Statuses in which a unit is somebody's."""


def what_happened(before: Unit | None, after: Unit) -> What | None:
    """What colleagues would say has happened; ``None`` for nothing worth a word, and for a unit that is new to us."""
    if before is None or (before.status, before.allocation_id) == (after.status, after.allocation_id):
        return None
    match before.status, after.status:
        case was, "reserved" if was != "reserved" or _another_has(before, after):
            return "reserved"
        case was, "occupied" if was not in {"occupied", "overlock"} or _another_has(before, after):
            return "occupied"
        case was, "overlock" if was != "overlock":
            return "overlocked"
        case was, "available" if was in LET:
            return "released"
        case was, "available" if was != "available":
            return "available"
        case _:
            return None


def _another_has(before: Unit, after: Unit) -> bool:
    """Whether it went from one tenancy to another; an allocation that is not told is no other one."""
    return bool(before.allocation_id and after.allocation_id) and before.allocation_id != after.allocation_id
