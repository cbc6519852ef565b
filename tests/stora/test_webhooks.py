"""Who is believed to be Stora, and what its events say."""

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.heard import Heard
from bot.core.inventory import Unit
from bot.sandbox.stora.demo import demo_world
from bot.sandbox.stora.webhooks import event, sign
from bot.sandbox.stora.world import World
from bot.stora.webhooks import TOLERANCE, Unreadable, read_event, verify

SECRET = "whsec_0123456789"
NOW = 1_772_442_615
BODY = b'{"event": {"id": "evt_1", "type": "unit.updated"}}'
AT = datetime(2026, 3, 2, 9, 10, 15, tzinfo=UTC)
BO = {"name": "bo", "href": "https://app.stora.test{rel}", "templated": True}


def v1(body: bytes = BODY, secret: str = SECRET, timestamp: str = str(NOW)) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


# Who is believed


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(f"t={NOW},v1={v1()}", id="as Stora writes it"),
        pytest.param(f"v1={v1()},t={NOW}", id="the other way round"),
        pytest.param(f" t={NOW} , v1={v1()} ", id="with spaces"),
        pytest.param(f"t={NOW},v0=abc,v1={v1()},x", id="with what we do not know"),
        pytest.param(f"t={NOW},v1={v1(secret='new')},v1={v1()}", id="while the secret is changed, ours last"),
        pytest.param(f"t={NOW},v1={v1()},v1={v1(secret='new')}", id="while the secret is changed, ours first"),
    ],
)
def test_what_stora_signed_just_now_is_believed(signature: str) -> None:
    assert verify(signature, BODY, SECRET, NOW)


def test_our_check_and_the_stand_in_s_signature_agree() -> None:
    assert verify(sign(SECRET, BODY, NOW), BODY, SECRET, NOW)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("t=,v1=", id="nothing in it"),
        pytest.param(f"v1={v1()}", id="without a time"),
        pytest.param(f"t={NOW}", id="without a signature"),
        pytest.param(f"t={NOW},t={NOW},v1={v1()}", id="with two times"),
        pytest.param(f"t={NOW},v0={v1()}", id="of another version"),
        pytest.param(f"t={NOW},v1={v1(secret='another')}", id="with another secret"),
        pytest.param(f"t={NOW},v1={v1(body=BODY + b' ')}", id="of another body"),
        pytest.param(f"t={NOW + 1},v1={v1()}", id="of another time"),
        pytest.param(f"t={NOW},v1={v1()[:-1]}", id="a digit short"),
        pytest.param(f"t={NOW},v1={v1()}é", id="with more behind it"),
        pytest.param(f"t=²,v1={v1(timestamp='²')}", id="a digit that is no number"),
        pytest.param(f"t=-{NOW},v1={v1(timestamp=f'-{NOW}')}", id="a time before all times"),
        pytest.param(f"t={'9' * 400},v1={v1(timestamp='9' * 400)}", id="a time that no clock shows"),
    ],
)
def test_what_stora_did_not_sign_is_not_believed(signature: str | None) -> None:
    assert not verify(signature, BODY, SECRET, NOW)


@pytest.mark.parametrize(
    ("age", "believed"),
    [(0, True), (TOLERANCE, True), (-TOLERANCE, True), (TOLERANCE + 1, False), (-TOLERANCE - 1, False)],
)
def test_a_signature_is_good_for_five_minutes_either_way(age: float, believed: bool) -> None:  # noqa: FBT001
    assert verify(sign(SECRET, BODY, NOW), BODY, SECRET, NOW + age) is believed


@given(signature=st.one_of(st.text(), st.text("tv1=,0²\ud800")), body=st.binary())
@example(signature="t=1,v1=\udcff", body=b"")
def test_no_header_makes_it_raise(signature: str, body: bytes) -> None:
    assert verify(signature, body, SECRET, 1) is False


# What is said


@pytest.fixture
def world() -> World:
    return demo_world(AT, units=5)


def heard(type_: str, data: object = None, **more: object) -> Heard:
    body = {"event": {"id": "evt_1", "type": type_, "created_at": "2026-03-02T09:10:15Z", "data": data, **more}}
    return read_event(json.dumps(body).encode(), "/units/{id}")


def test_a_unit_that_changed_is_read_with_its_expanded_site(world: World) -> None:
    resource = next(iter(world.units.values())) | {"status": "overlocked"}
    body = json.dumps(event(world, "unit.updated", resource, event_id="evt_7", at=AT)).encode()
    assert b'"access_hours"' in body  # the whole site is in it
    told = read_event(body, "/units/{id}")
    [unit] = told.units
    assert (told.event_id, told.type, told.unit_types, told.to_ask) == ("evt_7", "unit.updated", (), ())
    assert unit == Unit(
        id=resource["id"],
        reference_id=resource["reference_id"],
        status="overlock",
        site_id=resource["site"]["id"],
        unit_type_id=resource["unit_type"]["id"],
        created_at=datetime.fromisoformat(resource["created_at"]),
        updated_at=datetime.fromisoformat(resource["updated_at"]),
        backoffice_url=None,
        allocation_id=(resource["unit_allocation"] or {"id": ""})["id"],
    )


@pytest.mark.parametrize(
    ("meta", "url"),
    [
        ({"curies": [BO]}, "https://app.stora.test/units/unit_1"),
        ({"curies": None}, None),
        ({}, None),
        (7, None),
        (None, None),
    ],
)
def test_the_way_to_the_backoffice_is_taken_from_the_event_where_it_has_one(meta: object, url: str | None) -> None:
    [unit] = heard("unit.updated", {"unit": {"id": "unit_1"}}, meta=meta).units
    assert unit.backoffice_url == url


def test_a_unit_type_that_changed_is_read_with_its_prices_and_its_time(world: World) -> None:
    resource = next(iter(world.unit_types.values()))
    body = json.dumps(event(world, "unit_type.updated", resource, event_id="evt_8", at=AT)).encode()
    told = read_event(body, "/units/{id}")
    [unit_type] = told.unit_types
    assert (unit_type.id, unit_type.site_id) == (resource["id"], resource["site"]["id"])
    assert unit_type.prices
    assert unit_type.updated_at == datetime.fromisoformat(resource["updated_at"])
    assert (told.units, told.to_ask) == ((), ())


@pytest.mark.parametrize(
    ("type_", "data", "to_ask"),
    [
        ("order.created", {"order": {"id": "order_1", "tenancy": {"id": "ten_1"}}}, ("tenancy", "ten_1")),
        ("order.created", {"order": {"id": "order_1", "tenancy": None}}, ("tenancies", "")),
        ("order.created", {"order": {"id": "order_1", "tenancy": {"id": "../../x"}}}, ("tenancies", "")),
        ("order.created", None, ("tenancies", "")),
        ("subscription.started", {"subscription": {"tenancy": {"id": "ten_2", "more": 1}}}, ("tenancy", "ten_2")),
        ("subscription.ended", {"subscription": {"id": "sub_1"}}, ("tenancies", "")),
        ("subscription.paused_tomorrow", {"subscription": "sub_1"}, ("tenancies", "")),
        ("contact.created", {"contact": {"id": "con_1", "full_name": "Jane Doe"}}, ("tenancies", "")),
        ("unit.updated", {"unit": {"id": "unit_1", "site": {"id": 7}}}, ("unit", "unit_1")),
    ],
)
def test_what_an_event_does_not_hold_itself_is_asked_for(type_: str, data: object, to_ask: tuple[str, str]) -> None:
    assert heard(type_, data) == Heard("evt_1", type_, to_ask=(to_ask,))


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("invoice.paid", {"invoice": {"id": "inv_1"}}),
        ("added.tomorrow", None),
        ("no dot", {}),
        ("unit.updated", {"unit": {"reference_id": "A-012"}}),
        ("unit.updated", {"unit": "unit_1"}),
        ("unit.updated", {}),
        ("unit.updated", "unit_1"),
        ("unit_type.updated", {"unit_type": {"name": "no id"}}),
    ],
)
def test_what_we_do_not_know_or_cannot_read_is_an_event_all_the_same(type_: str, data: object) -> None:
    assert heard(type_, data) == Heard("evt_1", type_)


@pytest.mark.parametrize("api_version", [..., None, 7, "2031-01"])
def test_the_version_of_the_api_is_no_condition(api_version: object) -> None:
    more: dict[str, Any] = {} if api_version is ... else {"api_version": api_version}
    assert len(heard("unit.updated", {"unit": {"id": "unit_1"}}, **more).units) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"event": []}',
        b'{"event": {"type": "unit.updated"}}',
        b'{"event": {"id": "", "type": "unit.updated"}}',
        b'{"event": {"id": 7, "type": "unit.updated"}}',
        b'{"event": {"id": "evt_1"}}',
        b'{"event": {"id": "evt_1", "type": null}}',
        json.dumps({"event": {"id": "e" * 201, "type": "unit.updated"}}).encode(),
        b"[" * 100_000,
    ],
)
def test_without_an_id_and_a_type_there_is_no_event(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_event(body, "/units/{id}")


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["id", "tenancy", "unit", "unit_type", "order", "site", "curies"]), st.text()),
            inside,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(
    type_=st.sampled_from(["unit.updated", "unit_type.updated", "order.created", "subscription.started", "contact.x"]),
    data=anything,
    meta=anything,
)
def test_whatever_it_holds_an_event_with_an_id_and_a_type_is_read(type_: str, data: object, meta: object) -> None:
    assert heard(type_, data, meta=meta).type == type_


@given(st.binary())
def test_no_body_makes_it_raise_anything_else(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_event(body, "/units/{id}")
