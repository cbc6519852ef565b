"""How Stora's resources are read: units, their types and sites, tenancies. Pure.

Strict where a wrong guess would hurt, tolerant elsewhere: unknown fields are ignored, links may be absent.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, ConfigDict, Field, StringConstraints

from bot.core.inventory import ID, Price, Site, Unit, UnitType
from bot.core.tenancies import Tenancy
from bot.stora.backoffice import Backoffice, Links
from bot.stora.readable import IfReadable

Id = Annotated[str, StringConstraints(pattern=ID)]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Resource(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Id


class _Named(_Resource):
    name: str | None = None


class _Money(BaseModel):
    amount: int
    currency: Annotated[str | None, IfReadable] = None
    formatted: Annotated[str | None, IfReadable] = None

    @property
    def written_out(self) -> str:
        """The amount in major units, where Stora does not write it out itself."""
        return f"{self.amount / 100:.2f} {self.currency or ''}".rstrip()


class _Price(BaseModel):
    billing_period: str
    price: _Money


class _UnitType(_Named):
    size_description: str | None = None
    prices: Annotated[tuple[Annotated[_Price | None, IfReadable], ...] | None, IfReadable] = None
    site_id: str | None = Field(default=None, validation_alias=AliasPath("site", "id"))
    updated_at: Annotated[datetime | None, IfReadable] = None


class _Unit(_Resource):
    reference_id: str | None = None
    status: str | None = None
    site_id: str | None = Field(default=None, validation_alias=AliasPath("site", "id"))
    unit_type_id: str | None = Field(default=None, validation_alias=AliasPath("unit_type", "id"))
    created_at: datetime | None = None
    updated_at: datetime | None = None
    allocation_id: str | None = Field(default=None, validation_alias=AliasPath("unit_allocation", "id"))
    links: Links = Field(default=None, validation_alias="_links")


def read_site(resource: Any, _backoffice: Backoffice) -> Site:
    """Read one item of `sites`."""
    site = _Named.model_validate(resource)
    return Site(site.id, site.name or site.id)


def read_unit_type(resource: Any, _backoffice: Backoffice) -> UnitType:
    """Read one item of `unit_types`."""
    found = _UnitType.model_validate(resource)
    return UnitType(
        id=found.id,
        name=found.name or found.id,
        size_description=found.size_description or "",
        prices=tuple(
            Price(price.billing_period, price.price.amount, price.price.formatted or price.price.written_out)
            for price in found.prices or ()
            if price
        ),
        site_id=found.site_id or "",
        updated_at=found.updated_at and _utc(found.updated_at),
    )


def reading_units(backoffice_unit_path: str) -> Callable[[Any, Backoffice], Unit]:
    """A reader of units, for a given `BACKOFFICE_UNIT_PATH`."""

    def read_unit(resource: Any, backoffice: Backoffice) -> Unit:
        found = _Unit.model_validate(resource)
        return Unit(
            id=found.id,
            reference_id=found.reference_id or found.id,
            status="overlock" if found.status == "overlocked" else found.status or "",
            site_id=found.site_id or "",
            unit_type_id=found.unit_type_id or "",
            created_at=_utc(found.created_at),
            updated_at=_utc(found.updated_at),
            backoffice_url=backoffice.url(found.links or {}, backoffice_unit_path.replace("{id}", found.id)),
            allocation_id=found.allocation_id or "",
        )

    return read_unit


class _Contact(_Resource):
    full_name: str | None = None
    email: str | None = None


class _Tenancy(_Resource):
    contact: _Contact | None = None
    site_id: str | None = Field(default=None, validation_alias=AliasPath("site", "id"))
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    unit_allocations: tuple[_Resource, ...] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    links: Links = Field(default=None, validation_alias="_links")


def reading_tenancies(backoffice_tenancy_path: str) -> Callable[[Any, Backoffice], Tenancy]:
    """A reader of tenancies, their contacts expanded, for a given `BACKOFFICE_TENANCY_PATH`.

    A contact that is a mere stub has no name; without any, the customer is not known, and the tenancy's id names it.
    """

    def read_tenancy(resource: Any, backoffice: Backoffice) -> Tenancy:
        found = _Tenancy.model_validate(resource)
        contact = found.contact
        return Tenancy(
            id=found.id,
            contact_id=contact.id if contact else "",
            customer=(contact.full_name or contact.email or contact.id) if contact else "",
            email=(contact and contact.email) or "",
            site_id=found.site_id or "",
            starts_at=found.starts_at and _utc(found.starts_at),
            ends_at=found.ends_at and _utc(found.ends_at),
            allocations=tuple(allocation.id for allocation in found.unit_allocations or ()),
            created_at=_utc(found.created_at),
            updated_at=_utc(found.updated_at),
            backoffice_url=backoffice.url(found.links or {}, backoffice_tenancy_path.replace("{id}", found.id)),
        )

    return read_tenancy


def _utc(moment: datetime | None) -> datetime:
    """Times without a zone are UTC; a unit without a time is as old as can be, so that any other knowledge wins."""
    if moment is None:
        return EPOCH
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
