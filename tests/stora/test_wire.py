"""How Stora talks, and how everything else that may come back is taken."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.inventory import Unit
from bot.core.problems import NotFound, Problem, Refused, StoraBusy, StoraDown, StoraLogin
from bot.stora.resources import reading_units
from bot.stora.wire import (
    ATTEMPTS,
    LONGEST_BLOCK,
    Answer,
    Page,
    object_in,
    problem_in,
    read_one,
    read_page,
    retry_delay,
    too_many_requests,
)

PROXY = b"<!doctype html><title>Sign in to the network</title>"
REQUEST_ID = "55c0ab19-6bd1-4c84-9d3b-0d8ea6f6e43c"
BO = {"name": "bo", "href": "https://app.stora.test{rel}", "templated": True, "title": "Backoffice"}
SF = {"name": "sf", "href": "https://acme.stora.test{rel}", "templated": True, "title": "Storefront"}
UNIT = {
    "id": "unit_0ac5f6d7a6b2d1f3",
    "reference_id": "A-012",
    "site": {"id": "site_14b419f1096013f1"},
    "unit_type": {"id": "utype_5d1b7c0f9ce00123"},
    "unit_allocation": None,
    "status": "available",
    "created_at": "2025-02-22T14:41:00Z",
    "updated_at": "2025-03-01T08:00:30Z",
}


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers or {}, content)


def error(code: str, message: str, **more: object) -> dict[str, Any]:
    return {"error": {"code": code, "type": "invalid_request_error", "message": message, **more}}


def units(*resources: object, limit: int = 50, page: int = 1, path: str = "/units/{id}", **meta: object) -> Page[Unit]:
    body = {"units": list(resources), "meta": meta}
    return read_page(answer(body), "units", reading_units(path), page=page, limit=limit)


# Problems


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_success_is_no_problem_whatever_it_holds(status: int) -> None:
    assert problem_in(answer(PROXY, status)) is None


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_request", Refused(400, "invalid_request", "Told.", (), REQUEST_ID)),
        (400, "api_error", Refused(400, "api_error", "Told.", (), REQUEST_ID)),
        (401, "invalid_token", StoraLogin(401, "Told.", REQUEST_ID)),
        (403, "forbidden", StoraLogin(403, "Told.", REQUEST_ID)),
        (404, "resource_not_found", NotFound("Told.", REQUEST_ID)),
        (404, "invalid_endpoint", Refused(404, "invalid_endpoint", "Told.", (), REQUEST_ID)),
        (406, "invalid_format", Refused(406, "invalid_format", "Told.", (), REQUEST_ID)),
        (409, "conflict", Refused(409, "conflict", "Told.", (), REQUEST_ID)),
        (422, "invalid_url_param", Refused(422, "invalid_url_param", "Told.", (), REQUEST_ID)),
        (422, "invalid_content", Refused(422, "invalid_content", "Told.", (), REQUEST_ID)),
        (429, "too_many_requests", StoraBusy(1.0)),
        (500, "internal_server_error", StoraDown("HTTP 500", REQUEST_ID)),
        (503, "internal_server_error", StoraDown("HTTP 503", REQUEST_ID)),
        (418, "added_tomorrow", Refused(418, "added_tomorrow", "Told.", (), REQUEST_ID)),
    ],
)
def test_every_documented_error_becomes_its_problem_and_keeps_stora_s_words_and_request_id(
    status: int, code: str, expected: Problem
) -> None:
    _same(problem_in(answer(error(code, "Told.", request_id=REQUEST_ID, details=[]), status)), expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(error("conflict", "Taken."), Refused(409, "conflict", "Taken."), id="no request id, no details"),
        pytest.param(
            error("conflict", "Taken.", details=None, request_id=None),
            Refused(409, "conflict", "Taken."),
            id="details null",
        ),
        pytest.param(
            error(
                "invalid_content",
                "Wrong.",
                request_id=REQUEST_ID,
                details=[
                    {"message": "Too short.", "pointer": "/email"},
                    {"pointer": "/name"},
                    {"message": None},
                    None,
                    "text",
                    {"message": "No zone."},
                ],
            ),
            Refused(409, "invalid_content", "Wrong.", ("Too short.", "No zone."), REQUEST_ID),
            id="details, some of them strange",
        ),
        pytest.param(
            error("conflict", "Taken.", details="all of it", request_id=7),
            Refused(409, "conflict", "Taken."),
            id="details and request id of another kind",
        ),
        pytest.param({"error": {"code": 409, "message": "Taken."}}, Refused(409, "", "Taken."), id="code is a number"),
        pytest.param(
            {"error": "invalid_scope", "error_description": "The scope is unknown."},
            Refused(409, "invalid_scope", "The scope is unknown."),
            id="as OAuth says it",
        ),
        pytest.param(
            {"error": "invalid_scope"}, Refused(409, "invalid_scope", "invalid_scope"), id="as OAuth may say it"
        ),
        pytest.param(
            {"error": {"code": "conflict", "message": None, "request_id": REQUEST_ID}},
            Refused(409, "conflict", "conflict", (), REQUEST_ID),
            id="message null",
        ),
        pytest.param({"error": {}}, StoraDown("HTTP 409", foreign=True), id="empty error"),
        pytest.param({"error": None}, StoraDown("HTTP 409", foreign=True), id="error null"),
        pytest.param({"error": ["conflict"]}, StoraDown("HTTP 409", foreign=True), id="error is a list"),
        pytest.param({"message": "Taken."}, StoraDown("HTTP 409", foreign=True), id="no error"),
        pytest.param([], StoraDown("HTTP 409", foreign=True), id="a list"),
        pytest.param(None, StoraDown("HTTP 409", foreign=True), id="null"),
        pytest.param("Taken.", StoraDown("HTTP 409", foreign=True), id="a string"),
        pytest.param(PROXY, StoraDown("HTTP 409", foreign=True), id="HTML"),
        pytest.param(b"", StoraDown("HTTP 409", foreign=True), id="empty"),
        pytest.param(b'{"error": {"code": "conf', StoraDown("HTTP 409", foreign=True), id="truncated"),
        pytest.param(b"\xff\xfe\x00", StoraDown("HTTP 409", foreign=True), id="not UTF-8"),
        pytest.param(b"[" * 200_000, StoraDown("HTTP 409", foreign=True), id="deeper than anybody reads"),
    ],
)
def test_an_error_of_any_shape_gives_what_can_be_read_of_it(body: object, expected: Problem) -> None:
    _same(problem_in(answer(body, 409)), expected)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_known_by_its_status_alone(status: int) -> None:
    _same(problem_in(answer(PROXY, status)), StoraLogin(status, ""))


@pytest.mark.parametrize("status", [302, 404, 408, 500, 502, 504, 599])
def test_an_error_without_words_means_that_stora_itself_did_not_answer(status: int) -> None:
    _same(problem_in(answer(PROXY, status)), StoraDown(f"HTTP {status}", foreign=status < 500))


def test_neither_the_repr_of_an_answer_nor_that_of_a_problem_shows_what_stora_said() -> None:
    told = answer(
        error("conflict", "Jane Doe has it.", details=[{"message": "Jane Doe"}], request_id=REQUEST_ID),
        409,
        {"Set-Cookie": "session=s3cr3t"},
    )
    shown = repr(told) + repr(problem_in(told))
    assert "Jane" not in shown
    assert "s3cr3t" not in shown
    assert REQUEST_ID in shown


def _same(found: Problem | None, expected: Problem) -> None:
    assert (type(found), vars(found)) == (type(expected), vars(expected))


# 429

DATE = "Mon, 02 Mar 2026 09:00:00 GMT"
THEN = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "now", "seconds"),
    [
        pytest.param({"Date": DATE, "RateLimit-Reset": str(int(THEN) + 20)}, THEN, 20.1, id="clocks agree"),
        pytest.param({"Date": DATE, "RateLimit-Reset": str(int(THEN) + 20)}, THEN + 3600, 20.1, id="ours is fast"),
        pytest.param({"Date": DATE, "RateLimit-Reset": str(int(THEN) + 20)}, THEN - 3600, 20.1, id="ours is slow"),
        pytest.param({"Date": DATE, "RateLimit-Reset": str(THEN + 0.5)}, THEN, 0.6, id="a part of a second"),
        pytest.param({"RateLimit-Reset": str(int(THEN) + 20)}, THEN + 5, 15.1, id="no date"),
        pytest.param({"Date": "yesterday", "RateLimit-Reset": str(int(THEN) + 20)}, THEN, 20.1, id="date is garbage"),
        pytest.param({"Date": "", "RateLimit-Reset": str(int(THEN) + 20)}, THEN, 20.1, id="date is empty"),
        pytest.param({"Date": DATE, "RateLimit-Reset": str(int(THEN) - 20)}, THEN, 0.1, id="over already"),
        pytest.param({"Date": DATE, "RateLimit-Reset": "20"}, THEN, 0.1, id="seconds instead of an epoch"),
        pytest.param({"Date": DATE, "RateLimit-Reset": str(int(THEN) + 10**6)}, THEN, 300.1, id="far future"),
        pytest.param({"Date": DATE, "RateLimit-Reset": "inf"}, THEN, 300.1, id="endless"),
        pytest.param({"Date": DATE, "RateLimit-Reset": "nan"}, THEN, 1.0, id="no number"),
        pytest.param({"Date": DATE, "RateLimit-Reset": "soon"}, THEN, 1.0, id="garbage"),
        pytest.param({"Date": DATE, "RateLimit-Reset": ""}, THEN, 1.0, id="empty"),
        pytest.param({"Date": DATE}, THEN, 1.0, id="missing"),
        pytest.param({"Date": DATE, "Retry-After": "7"}, THEN + 3600, 7.1, id="a gateway's"),
        pytest.param({"RateLimit-Reset": "soon", "Retry-After": "7"}, THEN, 7.1, id="a gateway's beside garbage"),
        pytest.param(
            {"Date": DATE, "RateLimit-Reset": str(int(THEN) + 20), "Retry-After": "7"}, THEN, 20.1, id="both: Stora's"
        ),
        pytest.param({"Retry-After": "0"}, THEN, 0.1, id="a gateway's, at once"),
        pytest.param({"Retry-After": "86400"}, THEN, 300.1, id="a gateway's far future"),
        pytest.param({"Retry-After": DATE}, THEN, 1.0, id="a gateway's date"),
    ],
)
def test_a_429_says_for_how_long_by_stora_s_own_clock(headers: Mapping[str, str], now: float, seconds: float) -> None:
    assert too_many_requests(answer(b"", 429, headers), lambda: now) == pytest.approx(seconds)


@pytest.mark.parametrize("status", [200, 401, 500, 503])
def test_no_other_status_asks_us_to_wait(status: int) -> None:
    assert too_many_requests(answer(b"", status, {"RateLimit-Reset": str(int(THEN) + 20)})) is None


def test_the_problem_of_a_429_says_for_how_long() -> None:
    headers = {"Date": DATE, "RateLimit-Reset": str(int(THEN) + 20)}
    problem = problem_in(answer(error("too_many_requests", "Wait."), 429, headers))
    assert isinstance(problem, StoraBusy)
    assert problem.seconds == pytest.approx(20.1)


@settings(deadline=None, max_examples=300)
@given(
    reset=st.one_of(st.text(), st.floats().map(str), st.integers().map(str)),
    date=st.one_of(
        st.text(),
        st.from_regex(
            r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{1,8} [-+A-Z0-9]{0,6}", fullmatch=True
        ),
        st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S -0000")),
    ),
)
def test_whatever_the_headers_of_a_429_hold_the_wait_is_short(reset: str, date: str) -> None:
    seconds = too_many_requests(answer(b"", 429, {"RateLimit-Reset": reset, "Date": date}), lambda: THEN)
    assert seconds is not None
    assert math.isfinite(seconds)
    assert 0.1 <= seconds <= LONGEST_BLOCK + 0.1


# When to ask again


@pytest.mark.parametrize(
    ("problem", "attempt", "jitter", "for_room", "delay"),
    [
        pytest.param(StoraDown("HTTP 500"), 1, 0.0, 5.0, 0.2, id="down, at the earliest"),
        pytest.param(StoraDown("HTTP 500"), 1, 1.0, 5.0, 0.6, id="down, at the latest"),
        pytest.param(StoraDown("HTTP 500"), 2, 0.5, 5.0, 0.8, id="down again"),
        pytest.param(StoraDown("HTTP 500"), ATTEMPTS, 0.5, None, None, id="down for good"),
        pytest.param(StoraBusy(3.0), 1, 0.25, 5.0, 3.25, id="busy for less than a person waits"),
        pytest.param(StoraBusy(5.0), 1, 0.25, 5.0, 5.25, id="busy for as long as a person waits"),
        pytest.param(StoraBusy(20.0), 1, 0.25, 5.0, None, id="busy for longer than a person waits"),
        pytest.param(StoraBusy(20.0), 2, 0.25, None, 20.25, id="busy, and the asker has time"),
        pytest.param(StoraBusy(20.0), ATTEMPTS, 0.25, None, None, id="busy for good"),
        pytest.param(StoraLogin(401, ""), 1, 0.5, None, None, id="token refused"),
        pytest.param(NotFound(""), 1, 0.5, None, None, id="not found"),
        pytest.param(Refused(409, "conflict", "Taken."), 1, 0.5, None, None, id="refused"),
    ],
)
def test_only_what_may_pass_is_asked_again(
    problem: Problem, attempt: int, jitter: float, for_room: float | None, delay: float | None
) -> None:
    assert retry_delay(problem, attempt, jitter, for_room) == (delay if delay is None else pytest.approx(delay))


# Pages


@pytest.mark.parametrize(
    ("pagination", "page", "following"),
    [
        pytest.param({"count": 4, "page": 1, "pages": 2, "last": 2, "limit": 2, "next": 2}, 1, 2, id="documented"),
        pytest.param({"count": 4, "page": 2, "pages": 2, "last": 2, "next": None}, 2, None, id="documented, the last"),
        pytest.param({"pages": 2}, 1, 2, id="pages only"),
        pytest.param({"pages": 2}, 2, None, id="pages only, the last"),
        pytest.param({"pages": 2}, 3, None, id="behind the last"),
        pytest.param({"pages": "2", "count": "4"}, 1, 2, id="numbers as strings"),
        pytest.param({"pages": "2"}, 2, None, id="numbers as strings, the last"),
        pytest.param({"pages": 2, "next": None}, 1, 2, id="pages against next"),
        pytest.param({"next": 2}, 1, 2, id="next only"),
        pytest.param({"next": "2"}, 1, 2, id="next as a string"),
        pytest.param({"next": "https://public-api.stora.co/2025-09/units?page=2"}, 1, 2, id="next as an address"),
        pytest.param({"next": None}, 1, None, id="next only, the last"),
        pytest.param({"next": "", "pages": None}, 1, None, id="next empty"),
        pytest.param({"pages": "many", "next": 2}, 1, 2, id="pages are garbage"),
        pytest.param({"pages": "many", "next": None}, 1, None, id="pages are garbage, the last"),
        pytest.param({"count": 4}, 1, 2, id="count only, and the page is full"),
        pytest.param({}, 3, 4, id="empty, and the page is full"),
        pytest.param(None, 1, 2, id="null, and the page is full"),
        pytest.param("2 pages", 1, 2, id="garbage, and the page is full"),
    ],
)
def test_the_next_page_is_found_however_stora_says_that_there_is_one(
    pagination: object, page: int, following: int | None
) -> None:
    full = [{**UNIT, "id": "unit_1"}, {**UNIT, "id": "unit_2"}]
    assert units(*full, limit=2, page=page, pagination=pagination).next == following


@pytest.mark.parametrize("meta", [..., None, {}, [], "none", {"pagination": None}, {"request_id": 7, "curies": None}])
@pytest.mark.parametrize(
    ("items", "following"), [(1, None), (2, 2), (3, None)], ids=["not full", "full", "not paged at all"]
)
def test_without_a_word_from_stora_a_full_page_has_a_next_one(meta: object, items: int, following: int | None) -> None:
    body = {"units": [{**UNIT, "id": f"unit_{number}"} for number in range(items)], "meta": meta}
    if meta is ...:
        del body["meta"]
    found = read_page(answer(body), "units", reading_units(""), page=1, limit=2)
    assert (found.next, found.count, len(found.items)) == (following, None, items)


@pytest.mark.parametrize(
    ("count", "expected"), [(4, 4), ("4", 4), (None, None), ("four", None), (..., None), (0, 0)], ids=repr
)
def test_the_count_is_stora_s_or_unknown(count: object, expected: int | None) -> None:
    pagination = {"pages": 2} if count is ... else {"pages": 2, "count": count}
    found = units(UNIT, pagination=pagination)
    assert (found.count, found.next) == (expected, 2)


def test_items_that_cannot_be_read_are_left_out_and_counted() -> None:
    strange: list[object] = [
        None,
        "unit_1",
        7,
        [],
        {},
        {"id": None},
        {"id": 12},
        {"id": ""},
        {"id": "../sites"},
        {"id": "unit_1\n"},
        {"id": "u" * 65},
        {"id": "unit_1", "status": {"is": "available"}},
        {"id": "unit_1", "created_at": "lately"},
        {"id": "unit_1", "reference_id": ["A", "012"]},
    ]
    found = units(*strange, UNIT, *strange, limit=2 * len(strange) + 1)
    assert [item.id for item in found.items] == [UNIT["id"]]
    assert found.left_out == 2 * len(strange)
    assert found.next == 2


@pytest.mark.parametrize(
    ("body", "cause", "request_id"),
    [
        pytest.param(PROXY, "no JSON object", None, id="HTML"),
        pytest.param(b"", "no JSON object", None, id="empty"),
        pytest.param(b'{"units": [{"id": "un', "no JSON object", None, id="truncated"),
        pytest.param(b"\xff\xfe\x00", "no JSON object", None, id="not UTF-8"),
        pytest.param(b"[" * 200_000, "no JSON object", None, id="deeper than anybody reads"),
        pytest.param([UNIT], "no JSON object", None, id="a list"),
        pytest.param(None, "no JSON object", None, id="null"),
        pytest.param({}, "no units", None, id="nothing"),
        pytest.param({"units": None, "meta": {"request_id": REQUEST_ID}}, "no units", REQUEST_ID, id="units null"),
        pytest.param({"units": {"0": UNIT}}, "no units", None, id="units are no list"),
        pytest.param({"sites": [], "meta": {"request_id": REQUEST_ID}}, "no units", REQUEST_ID, id="another list"),
    ],
)
def test_an_answer_that_is_no_such_list_is_no_answer(body: object, cause: str, request_id: str | None) -> None:
    with pytest.raises(StoraDown, match=cause) as down:
        read_page(answer(body), "units", reading_units(""), page=1, limit=50)
    assert down.value.request_id == request_id


@pytest.mark.parametrize(
    "body",
    [PROXY, b"", {}, {"unit": None}, {"unit": []}, {"unit": {"id": None}}, {"unit": "unit_1"}, {"units": [UNIT]}],
    ids=["HTML", "empty", "nothing", "null", "a list", "unreadable", "an id", "a list of units"],
)
def test_an_answer_without_the_resource_is_no_answer(body: object) -> None:
    with pytest.raises(StoraDown):
        read_one(answer(body), "unit", reading_units(""))


NAMES = [
    *("units", "unit", "meta", "error", "error_description", "curies", "pagination", "pages", "next", "count", "name"),
    *("href", "_links", "bo:view", "message", "details", "code", *UNIT),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["bo", "https://a{rel}"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=30,
)


@settings(deadline=None, max_examples=300)
@given(body=st.one_of(st.binary(), json_values), status=st.integers(100, 599))
def test_nothing_that_comes_back_raises_anything_but_that_stora_is_down(body: object, status: int) -> None:
    got = answer(body, status)
    problem = problem_in(got)
    assert (problem is None) == (200 <= status < 300)
    try:
        page = read_page(got, "units", reading_units("/units/{id}"), page=1, limit=50)
    except StoraDown:
        pass
    else:
        resources = (object_in(got) or {})["units"]
        assert len(page.items) + page.left_out == len(resources)
    with suppress(StoraDown):
        read_one(got, "unit", reading_units("/units/{id}"))
