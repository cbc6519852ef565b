"""Every versioned endpoint on one page: what can be read, by which filters, and what can be done."""

from bot.sandbox.stora import notices, unit_actions
from bot.sandbox.stora.lists import (
    Filter,
    Listing,
    enum,
    exactly,
    ids,
    ids_by,
    resembling,
    since,
    until,
)
from bot.sandbox.stora.routes import Route
from bot.sandbox.stora.shapes import Resource
from bot.sandbox.stora.world import OVERLOCKED, World

_TYPES = ("domestic", "company", "student", "charity", "local_authority", "unspecified")
_SOURCES = (
    "pre_open", "incomplete_booking", "registered_interest", "price_interest", "quotation_request", "booking", "popup",
    "external_enquiry", "phone", "walkin", "import", "other", "unspecified",
)  # fmt: skip
_MARKETING_SOURCES = (
    "used_before", "recommendation", "received_leaflet", "seen_building_signs", "seen_advert", "facebook_marketplace",
    "google_search", "other_online_search", "social_media", "email", "radio", "other", "unspecified",
)  # fmt: skip
_USE_CASES = ("business_needs", "moving_home", "more_space", "refurb", "travelling", "other", "unspecified")
_ACTIONS = {
    "/units/overlock": unit_actions.overlock,
    "/units/remove_overlock": unit_actions.remove_overlock,
    "/units/{unit_id}/reserve": unit_actions.reserve,
    "/units/{unit_id}/grant_access": unit_actions.grant_access,
    "/units/{unit_id}/deallocate": unit_actions.deallocate,
}
_CREATED = {"created_after": since("created_at"), "created_before": until("created_at")}
_UPDATED = {"updated_after": since("updated_at"), "updated_before": until("updated_at")}


def stora_routes(search: str) -> list[Route]:
    """Return all endpoints but OAuth's; ``search`` names the fuzzy search parameter, whose name Stora's page lost."""
    listings = [
        Listing("unit", "units", _unit_filters(search)),
        Listing("site", "sites", {}),
        Listing("unit_type", "unit_types", {}),
        Listing("tenancy", "tenancies", {}),
        Listing("unit_allocation", "unit_allocations", _allocation_filters()),
        Listing("contact", "contacts", _contact_filters(search), ("created_at", "updated_at", "full_name")),
    ]
    notes = Listing("note", "notes", {"resource_id": ids("", "resource", "id")}, ("created_at", "updated_at"))
    endpoints = Listing(
        "webhook_endpoint",
        "endpoints",
        {"status": enum("enabled", "disabled")},
        singular="endpoint",
        render=notices.without_secret,
    )
    disable = "/webhook_endpoints/{webhook_endpoint_id}/disable"
    return [
        *(Route("POST", template, handler, "public.unit:write") for template, handler in _ACTIONS.items()),
        *(route for listing in listings for route in _reading(listing, listing.plural)),
        Route("GET", "/notes", notes.list_page, "public.note:read"),
        Route("POST", "/notes", notices.create_note, "public.note:write"),
        *_reading(endpoints, "webhook_endpoints"),
        Route("POST", "/webhook_endpoints", notices.create_endpoint, "public.webhook_endpoint:write"),
        Route("POST", disable, notices.disable_endpoint, "public.webhook_endpoint:write"),
    ]


def _reading(listing: Listing, path: str) -> tuple[Route, Route]:
    scope = f"public.{listing.kind}:read"
    return (
        Route("GET", f"/{path}", listing.list_page, scope),
        Route("GET", f"/{path}/{{{listing.kind}_id}}", listing.show, scope),
    )


def _unit_filters(search: str) -> dict[str, Filter]:
    statuses = ("available", "reserved", "occupied", "overlock", "repossessed", "unavailable")
    return {
        "site_id": ids("site_", "site", "id"),
        "unit_type_id": ids("utype_", "unit_type", "id"),
        "status": enum(*statuses, same=lambda status: "overlock" if status in OVERLOCKED else status),
        search: resembling("reference_id"),
        **_CREATED,
    }


def _allocation_filters() -> dict[str, Filter]:
    return {
        "contact_id": ids_by("con_", _contact_id),
        "tenancy_id": ids("ten_", "tenancy", "id"),
        "unit_id": ids("unit_", "unit", "id"),
        "site_id": ids_by("site_", _site_id),
    }


def _contact_filters(search: str) -> dict[str, Filter]:
    enums = {"type": _TYPES, "source": _SOURCES, "marketing_source": _MARKETING_SOURCES, "use_case": _USE_CASES}
    return {
        "email": exactly("email"),
        search: resembling("full_name", "email", "phone_number"),
        "status": enum("lead", "customer", "churned"),
        **{name: enum(*values, same=lambda value: value or "unspecified") for name, values in enums.items()},
        **_CREATED,
        **_UPDATED,
    }


def _contact_id(world: World, allocation: Resource) -> str:
    return str(world.tenancies[allocation["tenancy"]["id"]]["contact"]["id"])


def _site_id(world: World, allocation: Resource) -> str:
    return str(world.units[allocation["unit"]["id"]]["site"]["id"])
