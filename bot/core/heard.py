"""What one of Stora's webhook events says, as far as it matters to the directory."""

from dataclasses import dataclass

from bot.core.inventory import Unit, UnitType


@dataclass(frozen=True, slots=True)
class Heard:
    """One event."""

    event_id: str
    """Handled once."""
    type: str
    units: tuple[Unit, ...] = ()
    unit_types: tuple[UnitType, ...] = ()
    to_ask: tuple[tuple[str, str], ...] = ()
    """Kind and id of what must be asked for again; `tenancies` with an empty id stands for the newest ones."""
