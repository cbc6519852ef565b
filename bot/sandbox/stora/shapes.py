"""The JSON shape of each resource as Stora writes it (API reference 2025-09); references are `{"id": ...}` stubs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.stora.timestamps import stamp

Resource = dict[str, Any]
"""One resource in Stora's JSON shape."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OPEN_ALL_DAY = {"status": "twenty_four_hours"}
CLOSED = {"status": "closed"}


def stub(resource_id: str) -> Resource:
    """Return a reference to another resource that was not expanded."""
    return {"id": resource_id}


def hours(opens: str, closes: str) -> Resource:
    """Return one day's set access hours, e.g. `08:00` to `20:00`."""
    return {"status": "set_hours", "open": opens, "close": closes}


def money(pence: int) -> Resource:
    """Return an amount in pounds; ``pence`` is in minor units, so 1500 is £15.00."""
    return {"amount": pence, "currency": "GBP", "formatted": f"£{pence // 100:,}.{pence % 100:02d}"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site is and when its doors open; a day that ``access_hours`` leaves out is closed."""

    line_1: str
    city: str
    postal_code: str
    phone: str
    access_hours: Mapping[str, Mapping[str, str]]
    line_2: str | None = None


def site(site_id: str, name: str, place: Place, opened: datetime, at: datetime) -> Resource:
    """Return a site; ``opened`` is its first day of business and ``at`` when it was entered."""
    return {
        "id": site_id,
        "name": name,
        "description": f"Self storage in {place.city}, minutes from {place.line_1}.",
        "phone": place.phone,
        "opened_at": stamp(opened),
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "directions": {"google_maps_url": f"https://maps.example.com/?q={place.postal_code.replace(' ', '+')}"},
        "images": {"default": None},
        "address": {
            "line_1": place.line_1,
            "line_2": place.line_2,
            "city": place.city,
            "postal_code": place.postal_code,
        },
        "access_hours": {day: dict(place.access_hours.get(day, CLOSED)) for day in DAYS},
    }


@dataclass(frozen=True, slots=True)
class Room:
    """What a unit type offers; ``prices`` maps a billing period (`weekly`, `monthly`) to pence."""

    size_description: str
    height: float
    length: float
    width: float
    prices: Mapping[str, int]
    selling_points: tuple[str, ...] = ()


def unit_type(unit_type_id: str, site_id: str, name: str, room: Room, at: datetime) -> Resource:
    """Return a bookable unit type of one site."""
    slug = "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
    key = unit_type_id.partition("_")[2]
    return {
        "id": unit_type_id,
        "name": name,
        "slug": slug,
        "status": "bookable",
        "size_description": room.size_description,
        "dimensions": {
            "height": room.height,
            "length": room.length,
            "width": room.width,
            "measurement_unit": "ft",
        },
        "selling_points": list(room.selling_points),
        "prices": [
            {"billing_period": period, "price": money(pence), "stripe_price_id": f"price_{period}_{key}"}
            for period, pence in room.prices.items()
        ],
        "dynamic_pricing": False,
        "promotion": None,
        "require_insurance_coverage": True,
        "require_security_deposit": False,
        "security_deposit": money(0),
        "images": {"default": None},
        "site": stub(site_id),
        "stripe_product_id": f"prod_{key}",
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "_links": {
            "sf:new_order": {
                "href": f"/sites/{site_id}/order/contact-details?unit_type_slug={slug}",
                "title": f"Book {name}",
            }
        },
    }


def unit(unit_id: str, site_id: str, unit_type_id: str, reference_id: str, at: datetime) -> Resource:
    """Return an available unit, which carries no `_links`."""
    return {
        "id": unit_id,
        "reference_id": reference_id,
        "site": stub(site_id),
        "unit_type": stub(unit_type_id),
        "unit_allocation": None,
        "status": "available",
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }


def contact(contact_id: str, full_name: str | None, email: str, phone: str | None, at: datetime) -> Resource:
    """Return a contact who is a customer."""
    return {
        "id": contact_id,
        "full_name": full_name,
        "email": email,
        "phone_number": phone,
        "address": None,
        "type": "domestic",
        "source": "booking",
        "marketing_source": None,
        "use_case": None,
        "company_registration_number": None,
        "tax_id": None,
        "metadata": {},
        "stripe_customer_id": None,
        "status": "customer",
        "identity_check": {"required": False, "status": "not_attempted"},
        "tenancies_count": 0,
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }


def tenancy(tenancy_id: str, contact_id: str, site_id: str, starts: datetime, at: datetime) -> Resource:
    """Return a tenancy without units and without an end; it has neither a status nor a number, as in Stora."""
    key = tenancy_id.partition("_")[2]
    return {
        "id": tenancy_id,
        "contact": stub(contact_id),
        "site": stub(site_id),
        "order": stub(f"order_{key}"),
        "subscription": stub(f"sub_{key}"),
        "starts_at": stamp(starts),
        "ends_at": None,
        "unit_allocations": [],
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }


def unit_allocation(unit_allocation_id: str, tenancy_id: str, unit_id: str, at: datetime) -> Resource:
    """Return an allocation which is neither reserved nor granted yet."""
    return {
        "id": unit_allocation_id,
        "tenancy": stub(tenancy_id),
        "unit": stub(unit_id),
        "reserved_at": None,
        "granted_access_at": None,
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }


def note(note_id: str, content: str, resource_id: str, creator_id: str, at: datetime) -> Resource:
    """Return a note on a unit or a contact."""
    return {
        "id": note_id,
        "content": content,
        "resource": stub(resource_id),
        "creator": stub(creator_id),
        "metadata": {},
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }
