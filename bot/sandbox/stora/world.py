"""What a Stora operator owns, and the changes that staff, customers and the API make to it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random
from uuid import UUID

from bot.sandbox.stora import shapes
from bot.sandbox.stora.refusals import Detail, Refusal, not_found
from bot.sandbox.stora.shapes import Place, Resource, Room, stub
from bot.sandbox.stora.timestamps import stamp

OVERLOCKED = frozenset({"overlock", "overlocked"})
"""Both spellings: the list's filter says `overlock`, the guides say `overlocked`."""

STATUSES = frozenset({"available", "reserved", "occupied", "repossessed", "unavailable"}) | OVERLOCKED
"""Every status a unit can show."""

_NOBODY_INSIDE = frozenset({"available", "unavailable"})
_SOMEBODY_INSIDE = frozenset({"reserved", "occupied"})


class World:
    """The mutable state of one operator: dicts from id to resource, in Stora's JSON shape.

    Every change takes the moment at which it happens, moves ``updated_at`` to it and then tells each hook in
    ``on_change`` the event's type (`unit.updated`) and the changed resource. Ids are drawn from ``seed``, so the same
    calls make the same world.
    """

    def __init__(self, *, operator: str = "Harbour Self Storage", subdomain: str = "harbour", seed: int = 1) -> None:
        """Build an empty world; ``subdomain`` is the operator's own storefront host."""
        self.operator = operator
        self.curies: list[Resource] = [
            {"name": "bo", "href": "https://app.stora.test{rel}", "templated": True, "title": "Backoffice"},
            {"name": "sf", "href": f"https://{subdomain}.stora.test{{rel}}", "templated": True, "title": "Storefront"},
        ]
        self.sites: dict[str, Resource] = {}
        self.unit_types: dict[str, Resource] = {}
        self.units: dict[str, Resource] = {}
        self.contacts: dict[str, Resource] = {}
        self.tenancies: dict[str, Resource] = {}
        self.unit_allocations: dict[str, Resource] = {}
        self.notes: dict[str, Resource] = {}
        self.webhook_endpoints: dict[str, Resource] = {}
        self.on_change: list[Callable[[str, Resource], None]] = []
        self.overlock_spelling = "overlocked"
        self._ids = Random(seed)  # noqa: S311  # ids of a stand-in, the same ones for the same seed
        # Uuids have their own source: how many requests were answered must not change the ids of what they made.
        self._uuids = Random(seed)  # noqa: S311  # the same

    def collection(self, kind: str) -> dict[str, Resource]:
        """Return all resources of a kind, e.g. `unit_type`; raises ``KeyError`` for an unknown kind."""
        return {
            "site": self.sites,
            "unit_type": self.unit_types,
            "unit": self.units,
            "contact": self.contacts,
            "tenancy": self.tenancies,
            "unit_allocation": self.unit_allocations,
            "note": self.notes,
            "webhook_endpoint": self.webhook_endpoints,
        }[kind]

    def find(self, kind: str, resource_id: str) -> Resource:
        """Return one resource; raises ``Refusal`` (`resource_not_found`)."""
        try:
            return self.collection(kind)[resource_id]
        except KeyError:
            raise not_found(kind.replace("_", " "), resource_id) from None

    def new_id(self, prefix: str) -> str:
        """Return a fresh id: the prefix and 16 lower-case alphanumerics."""
        return f"{prefix}_{self._ids.getrandbits(64):016x}"

    def new_secret(self) -> str:
        """Return a fresh webhook secret: 64 hexadecimal characters."""
        return f"{self._ids.getrandbits(256):064x}"

    def new_uuid(self) -> str:
        """Return a fresh UUID, for request ids and OAuth tokens."""
        return str(UUID(int=self._uuids.getrandbits(128), version=4))

    def unit_named(self, reference_id: str, site_name: str | None = None) -> Resource:
        """Return the first unit with this reference (at this site); raises ``LookupError``. For tests and the demo."""
        for unit in self.units.values():
            site = self.sites[unit["site"]["id"]]
            if unit["reference_id"] == reference_id and site_name in (None, site["name"]):
                return unit
        raise LookupError(f"no unit is called {reference_id!r}")

    def add_site(self, name: str, place: Place, at: datetime, *, opened: datetime | None = None) -> Resource:
        """Add a site."""
        return self._add("site", shapes.site(self.new_id("site"), name, place, opened or at, at))

    def add_unit_type(self, site_id: str, name: str, room: Room, at: datetime) -> Resource:
        """Add a unit type to a site."""
        self.find("site", site_id)
        return self._add("unit_type", shapes.unit_type(self.new_id("utype"), site_id, name, room, at))

    def add_unit(
        self, site_id: str, unit_type_id: str, reference_id: str, at: datetime, *, status: str = "available"
    ) -> Resource:
        """Add a unit that nobody has; raises ``ValueError`` for a status that needs a tenancy."""
        _check_status(status, has_tenancy=False)
        self.find("site", site_id)
        self.find("unit_type", unit_type_id)
        unit = shapes.unit(self.new_id("unit"), site_id, unit_type_id, reference_id, at)
        unit["status"] = status
        return self._add("unit", unit)

    def remove_unit(self, unit_id: str, at: datetime) -> None:
        """Delete a unit with its allocation, as staff can in the Backoffice."""
        unit = self.find("unit", unit_id)
        self._drop_allocation(unit, at)
        del self.units[unit_id]
        self._tell("unit.deleted", unit)

    def add_contact(
        self, full_name: str | None, email: str, at: datetime, *, phone_number: str | None = None
    ) -> Resource:
        """Add a contact of the operator."""
        return self._add("contact", shapes.contact(self.new_id("con"), full_name, email, phone_number, at))

    def add_tenancy(
        self, contact_id: str, site_id: str, starts_at: datetime, at: datetime, *, ends_at: datetime | None = None
    ) -> Resource:
        """Add a tenancy that waits for a unit."""
        contact = self.find("contact", contact_id)
        self.find("site", site_id)
        contact["tenancies_count"] += 1
        tenancy = shapes.tenancy(self.new_id("ten"), contact_id, site_id, starts_at, at)
        tenancy["ends_at"] = None if ends_at is None else stamp(ends_at)
        return self._add("tenancy", tenancy)

    def add_note(self, content: str, resource_id: str, creator_id: str, at: datetime) -> Resource:
        """Add a note to a unit or a contact; raises ``Refusal`` when neither has the id."""
        if resource_id not in self.units and resource_id not in self.contacts:
            raise not_found("unit or contact", resource_id)
        return self._add("note", shapes.note(self.new_id("note"), content, resource_id, creator_id, at))

    def add_webhook_endpoint(self, endpoint: Resource) -> Resource:
        """Add a webhook endpoint that is complete but for its ``id`` and ``secret``."""
        return self._add("webhook_endpoint", {**endpoint, "id": self.new_id("we"), "secret": self.new_secret()})

    def reserve(self, unit_id: str, tenancy_id: str, at: datetime) -> Resource:
        """Hold an available unit for a tenancy of the same site that has not ended.

        Stora's own requirements are not documented (the list is empty); these are the strictest plausible ones.
        Raises ``Refusal``: 404 for unknown ids, 422 for a tenancy that does not fit, 409 for a unit that is taken.
        """
        unit, tenancy = self._pair(unit_id, tenancy_id, at)
        if unit["status"] != "available":
            raise _taken(unit, "not available")
        allocation = self._allocate(unit, tenancy, at)
        allocation["reserved_at"] = stamp(at)
        return self._moved(unit, "reserved", at)

    def grant_access(self, unit_id: str, tenancy_id: str, at: datetime) -> Resource:
        """Let a tenancy into a unit that is available, or reserved for that same tenancy."""
        unit, tenancy = self._pair(unit_id, tenancy_id, at)
        if unit["status"] == "available":
            allocation = self._allocate(unit, tenancy, at)
        elif unit["status"] == "reserved":
            allocation = self.unit_allocations[unit["unit_allocation"]["id"]]
            if allocation["tenancy"]["id"] != tenancy_id:
                raise Refusal("conflict", f"Unit {unit['reference_id']} is reserved for another tenancy.")
        else:
            raise _taken(unit, "neither available nor reserved")
        self._let_in(allocation, at)
        return self._moved(unit, "occupied", at)

    def release(self, unit_id: str, at: datetime) -> Resource:
        """Deallocate a reserved or occupied unit; raises ``Refusal`` (409) for any other."""
        unit = self.find("unit", unit_id)
        if unit["status"] not in _SOMEBODY_INSIDE:
            raise _taken(unit, "neither reserved nor occupied")
        self._drop_allocation(unit, at)
        return self._moved(unit, "available", at)

    def overlock(self, contact_id: str, at: datetime) -> list[str]:
        """Overlock every occupied unit of a contact; returns their ids, raises ``Refusal`` (409) when there is none."""
        return self._move_all(contact_id, frozenset({"occupied"}), self.overlock_spelling, at)

    def remove_overlock(self, contact_id: str, at: datetime) -> list[str]:
        """Make every overlocked unit of a contact occupied again; raises ``Refusal`` (409) when there is none."""
        return self._move_all(contact_id, OVERLOCKED, "occupied", at)

    def set_status(self, unit_id: str, status: str, at: datetime) -> Resource:
        """Change a unit as staff do in the Backoffice.

        `available` and `unavailable` end the allocation. Raises ``ValueError`` for an unknown status, and for
        `reserved` or `occupied` when the unit has no allocation (use ``reserve`` or ``grant_access``).
        """
        unit = self.find("unit", unit_id)
        _check_status(status, has_tenancy=unit["unit_allocation"] is not None)
        if status in _NOBODY_INSIDE:
            self._drop_allocation(unit, at)
        if status == "occupied":
            self._let_in(self.unit_allocations[unit["unit_allocation"]["id"]], at)
        return self._moved(unit, status, at)

    def disable_webhook_endpoint(self, webhook_endpoint_id: str, at: datetime) -> Resource:
        """Stop sending to an endpoint; raises ``Refusal`` (409) when it is disabled already."""
        endpoint = self.find("webhook_endpoint", webhook_endpoint_id)
        if endpoint["status"] == "disabled":
            raise Refusal("conflict", "The endpoint is already disabled.")
        endpoint |= {"status": "disabled", "disabled_at": stamp(at), "updated_at": stamp(at)}
        return endpoint

    def contact_of(self, unit: Resource) -> Resource | None:
        """Return who has the unit, over its allocation and tenancy; None when nobody has."""
        if unit["unit_allocation"] is None:
            return None
        allocation = self.unit_allocations[unit["unit_allocation"]["id"]]
        return self.contacts[self.tenancies[allocation["tenancy"]["id"]]["contact"]["id"]]

    def _add(self, kind: str, resource: Resource) -> Resource:
        self.collection(kind)[resource["id"]] = resource
        self._tell(f"{kind}.created", resource)
        return resource

    def _tell(self, event_type: str, resource: Resource) -> None:
        for hook in self.on_change:
            hook(event_type, resource)

    def _pair(self, unit_id: str, tenancy_id: str, at: datetime) -> tuple[Resource, Resource]:
        unit = self.find("unit", unit_id)
        tenancy = self.find("tenancy", tenancy_id)
        if tenancy["site"] != unit["site"]:
            raise _unfit(f"The tenancy is not at the site of unit {unit['reference_id']}.")
        if tenancy["ends_at"] is not None and tenancy["ends_at"] <= stamp(at):
            raise _unfit(f"The tenancy ended on {tenancy['ends_at'][:10]}.")
        return unit, tenancy

    def _allocate(self, unit: Resource, tenancy: Resource, at: datetime) -> Resource:
        allocation = shapes.unit_allocation(self.new_id("alloc"), tenancy["id"], unit["id"], at)
        self.unit_allocations[allocation["id"]] = allocation
        unit["unit_allocation"] = stub(allocation["id"])
        tenancy["unit_allocations"].append(stub(allocation["id"]))
        tenancy["updated_at"] = stamp(at)
        return allocation

    def _let_in(self, allocation: Resource, at: datetime) -> None:
        allocation["granted_access_at"] = allocation["granted_access_at"] or stamp(at)
        allocation["updated_at"] = stamp(at)

    def _drop_allocation(self, unit: Resource, at: datetime) -> None:
        if unit["unit_allocation"] is None:
            return
        allocation = self.unit_allocations.pop(unit["unit_allocation"]["id"])
        tenancy = self.tenancies[allocation["tenancy"]["id"]]
        tenancy["unit_allocations"].remove(stub(allocation["id"]))
        tenancy["updated_at"] = stamp(at)
        unit["unit_allocation"] = None

    def _moved(self, unit: Resource, status: str, at: datetime) -> Resource:
        unit |= {"status": status, "updated_at": stamp(at)}
        self._tell("unit.updated", unit)
        return unit

    def _move_all(self, contact_id: str, old: Iterable[str], new: str, at: datetime) -> list[str]:
        self.find("contact", contact_id)
        allocations = [
            self.unit_allocations[reference["id"]]
            for tenancy in self.tenancies.values()
            if tenancy["contact"]["id"] == contact_id
            for reference in tenancy["unit_allocations"]
        ]
        units = [unit for each in allocations if (unit := self.units[each["unit"]["id"]])["status"] in old]
        if not units:
            raise Refusal("conflict", f"The contact has no unit that is {' or '.join(sorted(old))}.")
        return [self._moved(unit, new, at)["id"] for unit in units]


def _check_status(status: str, *, has_tenancy: bool) -> None:
    if status not in STATUSES:
        raise ValueError(f"{status!r} is no status of a unit")
    if status in _SOMEBODY_INSIDE and not has_tenancy:
        raise ValueError(f"a unit without an allocation cannot be {status}: call reserve or grant_access")


def _taken(unit: Resource, what: str) -> Refusal:
    return Refusal("conflict", f"Unit {unit['reference_id']} is {what}: it is {unit['status']}.")


def _unfit(message: str) -> Refusal:
    return Refusal("invalid_content", message, Detail(message, "/tenancy_id"))
