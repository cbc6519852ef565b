"""What a person can ask for: one frozen type per request."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.core.inventory import ID

Sort = Literal["reference", "newest", "oldest", "price"]

LARGEST_MESSAGE = 15
"""Units that one Slack message shows at most."""


class UnitsRequest(BaseModel):
    """`/units …` as it was typed: names are still names. `resolve_units` turns it into a query."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    sites: tuple[str, ...] = ()
    unit_types: tuple[str, ...] = ()
    statuses: tuple[str, ...] | None = None
    """``None``: none was typed. Empty: any."""
    q: str = ""
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    sort: Sort = "reference"
    limit: int | None = None
    page: int = 1
    share: bool = False
    words: tuple[str, ...] = ()
    """Bare words that are no status: a site, a unit type, or a unit's reference or id."""


class UnitsQuery(BaseModel):
    """Which units to show, by id: what a paging button carries, so that it survives a restart of the bot."""

    # A filter that this version does not know must not silently be left out of the answer.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    site_ids: tuple[str, ...] = ()
    unit_type_ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    """Empty: any."""
    q: str = ""
    """Part of a reference, matched loosely."""
    reference: str = ""
    """A whole reference, which several sites may share."""
    created_after: AwareDatetime | None = None
    """Inclusive."""
    created_before: AwareDatetime | None = None
    """Exclusive."""
    sort: Sort = "reference"
    limit: int | None = Field(default=None, ge=1, le=100)
    """As typed; a message shows ``LARGEST_MESSAGE`` at most."""
    page: int = Field(default=1, ge=1)
    share: bool = False

    def page_size(self, default: int) -> int:
        """How many units one message shows."""
        return min(self.limit or default, LARGEST_MESSAGE)


class ShowUnit(BaseModel):
    """One unit's card."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    unit_id: str = Field(pattern=ID)
    share: bool = False


class Help(BaseModel):
    """How the command is used."""

    model_config = ConfigDict(frozen=True)


class Wish(BaseModel):
    """What a `Reserve` button knows: the unit, and the tenancy where that is settled too."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    unit_id: str = Field(pattern=ID)
    tenancy_id: str = Field(default="", pattern=rf"^$|{ID}")


class Release(BaseModel):
    """What a `Release` button knows: which reservation to take back, and how often that was refused before."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    reservation_id: str = Field(pattern=ID)
    attempt: int = Field(default=1, ge=1, le=1_000_000)


class Form(BaseModel):
    """What the modal for reserving remembers between its opening and its end."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    site_id: str = ""
    # In no repr, which may end in a log: a customer's name.
    typed_unit: str = Field(default="", repr=False)
    typed_customer: str = Field(default="", repr=False)
    channel_id: str = ""
    response_url: str = ""


class AuditPage(BaseModel):
    """Which page of the record to show: the way back lies in the ids before which the pages begin."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    unit: str = Field(default="", max_length=200)
    befores: tuple[int, ...] = Field(default=(), max_length=100)
