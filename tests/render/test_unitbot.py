"""`/unitbot` in words."""

import csv
import io
from datetime import UTC, datetime

import pytest

from bot.core.access import Actor, Rights, Role
from bot.core.intents import AuditPage
from bot.core.inventory import Inventory, Site
from bot.core.reservations import AuditEntry
from bot.render.unitbot import (
    AUDIT_ROWS,
    Standing,
    audit_csv,
    render_audit,
    render_sites,
    render_standing,
    render_topics,
    render_whoami,
)
from bot.sandbox.slack.block_kit import check_message

AT = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)
HOSTILE = "<!channel> *x* `y` <https://evil.example|z> & " + "ü" * 300
ROLES = (
    Role(name="desk", can=("reserve", "release"), groups=("S1",)),
    Role(name="camden " + "c" * 70, can=("audit",), users=("U1",), sites=("site_1", "site_2")),
)


def standing(**changed: object) -> Standing:
    known: dict[str, object] = {
        "inventory": Inventory.of([Site("site_1", HOSTILE)], [], [], AT),
        "silent_since": None,
        "tenancies": 3,
        "tenancies_as_of": AT,
        "tenancies_complete": True,
        "calls_left": 50,
        "calls_a_minute": 60,
        "decisions": {"claimed": 1, "unknown": 2},
        "owed": 4,
        "given_up": [],
    }
    return Standing(**{**known, **changed})  # type: ignore[arg-type]


def test_help_leaves_out_what_the_reader_may_not_do() -> None:
    everything = render_topics(Rights(Actor("U1", "member", frozenset({"S1"})), ROLES)).text
    assert all(word in everything for word in ("/reserve", "`Release`", "/unitbot audit"))
    little = render_topics(Rights(Actor("U2", "member"), ROLES)).text
    assert not any(word in little for word in ("/reserve", "`Release`", "/unitbot audit"))


@pytest.mark.parametrize(
    ("group", "on", "said", "not_said"),
    [
        ("S9", True, ["`/reserve", "offers `Ask for approval`"], ["`Approve` or"]),
        ("S9", False, [], ["`/reserve", "Ask for approval", "`Approve` or"]),
        ("S1", True, ["`/reserve", "`Approve` or `Decline`"], ["Ask for approval"]),
        ("S1", False, ["`/reserve"], ["Ask for approval", "`Approve` or"]),
    ],
    ids=["who may ask", "nobody to ask", "who answers", "nothing to answer"],
)
def test_help_says_what_approvals_mean_for_the_reader(
    group: str,
    on: bool,  # noqa: FBT001 - a column of the table
    said: list[str],
    not_said: list[str],
) -> None:
    everything = ("reserve", "release", "approve", "audit")
    roles = (Role(name="all", can=everything, groups=("S1",)),)
    text = render_topics(Rights(Actor("U1", "member", frozenset({group})), roles, on)).text
    assert all(part in text for part in said)
    assert not any(part in text for part in not_said)


def test_whoami_names_the_rule_for_each_permission_the_doubts_and_the_limits() -> None:
    said = render_whoami(Actor("U1", "member", unknown_groups=frozenset({"S1"})), ROLES)
    assert "🚫 `reserve`: members of S1 unknown" in said.text
    assert "✅ `audit`: role camden" in said.text
    assert "🚫 `approve`" in said.text
    assert "`site_1`, `site_2` only" in said.text
    assert "Slack did not say who is in `S1`" in said.text


def test_status_says_what_is_wrong_and_how_to_mend_it() -> None:
    assert "3 reservations on their way" in render_standing(standing()).text
    unread = render_standing(standing(inventory=None, silent_since=AT, tenancies_complete=False)).text
    assert all(word in unread for word in ("not been read yet", "has not answered since", "still being read"))
    given_up = [("C1", "not_in_channel", 2), ("C2", "is_archived", 1), ("", "Refused", 3), ("C3", "missing_scope", 1)]
    said = render_standing(standing(given_up=given_up)).text
    assert all(word in said for word in ("2 not sent to <#C1>", "/invite", "unarchive", "Stora's notes", "manifest"))


def test_sites_without_any_and_with_hostile_names() -> None:
    assert "no sites" in render_sites(Inventory.of([], [], [], AT)).text
    many = [Site(f"site_{number}", HOSTILE) for number in range(60)]
    assert (
        check_message(
            {"text": (said := render_sites(Inventory.of(many, [], [], AT))).text, "blocks": list(said.blocks)}
        )
        == []
    )


@pytest.mark.parametrize("count", [0, 1, AUDIT_ROWS, AUDIT_ROWS + 1])
@pytest.mark.parametrize("befores", [(), (90, 80)])
def test_the_record_fits_a_message_and_pages_both_ways(count: int, befores: tuple[int, ...]) -> None:
    entry = AuditEntry(
        at=AT,
        who="U1",
        action="reserve",
        result="refused",
        unit_id="unit_1",
        unit_reference=HOSTILE,
        tenancy_id="ten_1",
        rule=HOSTILE,
        detail=HOSTILE,
        request_id=HOSTILE,
    )
    page = render_audit(
        [(100 - number, entry) for number in range(count)], AuditPage(unit=HOSTILE[:200], befores=befores)
    )
    assert check_message({"text": page.text, "blocks": list(page.blocks)}) == []
    shown = str(page.blocks)
    assert ("'Next'" in shown) is (count > AUDIT_ROWS)
    assert ("'Previous'" in shown) is bool(befores)
    assert ("Nothing is recorded" in shown) is (count == 0)


def test_a_spreadsheet_runs_nothing_of_the_record() -> None:
    entry = AuditEntry(
        at=AT, who="U1", action="reserve", result="done", unit_reference='=HYPERLINK("x","y")', detail="-1"
    )
    [names, row] = csv.reader(io.StringIO(audit_csv([entry])))
    assert dict(zip(names, row, strict=True))["unit_reference"] == '\'=HYPERLINK("x","y")'
    assert dict(zip(names, row, strict=True))["detail"] == "'-1"
    assert dict(zip(names, row, strict=True))["at"] == "2026-11-21T09:41:00+00:00"
