"""The App Home tab: within Slack's limits whoever is called what, and names only for those who may see them."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.access import Actor, Rights, Role
from bot.core.reservations import Decision, State
from bot.render.blocks import Message
from bot.render.home import (
    ENDED,
    HOME_REFRESH,
    HOME_RESERVE,
    MOST_REQUESTS,
    MOST_SITES,
    Home,
    render_home,
    render_not_at_home,
)
from bot.sandbox.slack.block_kit import check_view
from tests.render.conftest import NOW, elements, labels, links, shown
from tests.render.test_approvals import REQUEST, requests
from tests.render.test_digest import CAMDEN, JANE, counts, pages, waiting
from tests.render.test_reserve import PROPOSAL, RELEASED, decisions, moments, slow

FIONA, NADIA = Actor("U0FIONA", "member"), Actor("U0NADIA", "member")
ROLES = (Role(name="front desk", can=("reserve", "release"), users=("U0FIONA",)),)
DECISION = Decision(PROPOSAL, "done", confirmed_by="U0FIONA", confirmed_at=NOW)
HOME = Home(
    rights=Rights(FIONA, ROLES),
    sites=[CAMDEN],
    waiting=[JANE],
    recent=[DECISION],
    requests=[REQUEST],
    as_of=NOW,
)


def as_message(view: dict[str, Any]) -> Message:
    """The same blocks, for what looks at messages."""
    return Message("", tuple(view["blocks"]))


def words(home: Home) -> str:
    view = render_home(home)
    assert check_view(view) == []
    return shown(as_message(view))


def test_it_shows_what_somebody_may_do_and_what_they_should_know() -> None:
    view = render_home(HOME)
    assert [each["action_id"] for each in elements(as_message(view))] == [HOME_RESERVE, HOME_REFRESH]
    said = words(HOME)
    for part in (
        "You may look, and `reserve`, `release`.",
        "*Camden*\n🟢 42 available",
        "Waiting for a unit: 4",
        "*Jane Doe*",
        "Waiting for approval",
        "Asked by <@U0NADIA>",
        "Your last reservations",
        "*A-012* · :white_check_mark: reserved for *Jane Doe*\nby <@U0FIONA>, ",
        "As of",
    ):
        assert part in said
    pages = [block["accessory"]["url"] for block in view["blocks"] if "accessory" in block]
    assert pages == [PROPOSAL.backoffice_url, PROPOSAL.backoffice_url]


def test_names_are_shown_of_the_sites_at_which_somebody_may_reserve() -> None:
    roles = (Role(name="front desk", can=("reserve",), users=("U0FIONA",), sites=("site_1",)),)
    both = [
        JANE.model_copy(update={"site_id": "site_1"}),
        JANE.model_copy(update={"site_id": "site_2", "tenancy_id": "ten_else", "customer": "Ann Else"}),
    ]
    said = words(dataclasses.replace(HOME, rights=Rights(FIONA, roles), waiting=both, recent=[], requests=[]))
    assert "*Jane Doe*" in said
    assert "Ann Else" not in said
    assert "`ten_else`" in said


def test_who_may_only_look_sees_no_names_and_no_button() -> None:
    view = render_home(dataclasses.replace(HOME, rights=Rights(NADIA, ROLES), recent=[], requests=[]))
    said = shown(as_message(view))
    assert labels(as_message(view)) == ["Refresh"]
    assert "Jane" not in said
    assert "`ten_1`" in said
    assert "You may look: `/units` finds units." in said
    assert "ask for approval" not in said


def test_who_may_ask_is_told_so() -> None:
    view = render_home(dataclasses.replace(HOME, rights=Rights(NADIA, ROLES, approvals=True)))
    assert labels(as_message(view)) == ["Reserve a unit", "Refresh"]
    assert "you can ask for approval" in shown(as_message(view))
    assert "approval" not in words(dataclasses.replace(HOME, rights=Rights(FIONA, ROLES, approvals=True), requests=[]))


@pytest.mark.parametrize(
    ("proposal", "state", "said"),
    [
        (PROPOSAL, "claimed", "being reserved for"),
        (PROPOSAL, "unknown", "not known yet for"),
        (PROPOSAL, "refused", "refused for"),
        (RELEASED, "claimed", "being released from"),
        (RELEASED, "done", "released from"),
    ],
)
def test_each_decision_is_shown_as_it_stands(proposal: Any, state: State, said: str) -> None:
    assert said in words(dataclasses.replace(HOME, recent=[Decision(proposal, state)]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"as_of": None, "sites": [], "waiting": []}, "being read for the first time"),
        ({"silent_since": NOW - timedelta(hours=1)}, "Stora has not answered since"),
        ({"remembers": False}, "memory does not answer"),
    ],
    ids=["before the first reading", "Stora is silent", "without the database"],
)
def test_what_is_not_known_is_said(changes: dict[str, Any], said: str) -> None:
    assert said in words(dataclasses.replace(HOME, **changes))
    assert said not in words(HOME)


def test_a_request_without_a_site_is_shown_without_one() -> None:
    nowhere = dataclasses.replace(
        REQUEST, decision=dataclasses.replace(REQUEST.decision, proposal=dataclasses.replace(PROPOSAL, site_name=""))
    )
    assert "*A-012* for *Jane Doe*" in words(dataclasses.replace(HOME, requests=[nowhere]))


def test_a_tab_holds_only_so_much() -> None:
    home = dataclasses.replace(
        HOME,
        sites=[CAMDEN] * (MOST_SITES + 2),
        requests=[REQUEST] * (MOST_REQUESTS + 2),
        recent=[DECISION] * 5,
        waiting=[JANE] * 5,
        silent_since=NOW,
        remembers=False,
    )
    said = words(home)
    assert "and 2 more sites" in said
    assert said.count("Asked by") == MOST_REQUESTS


def test_others_get_a_line_and_nothing_else() -> None:
    view = render_not_at_home("Unitbot is for members of the workspace.")
    assert check_view(view) == []
    assert shown(as_message(view)) == "Unitbot\nUnitbot is for members of the workspace."


homes = st.builds(
    Home,
    rights=st.sampled_from([Rights(FIONA, ROLES), Rights(NADIA, ROLES, approvals=True)]),
    sites=st.lists(counts, max_size=4),
    waiting=st.lists(waiting, max_size=5),
    recent=st.lists(st.builds(dataclasses.replace, decisions, state=st.sampled_from(list(ENDED))), max_size=3),
    requests=st.lists(requests, max_size=3),
    as_of=st.none() | moments,
    silent_since=st.none() | moments,
    remembers=st.booleans(),
)


@slow
@given(homes)
def test_no_name_breaks_it(home: Home) -> None:
    view = render_home(home)
    assert check_view(view) == []
    pings = {"<@U0NADIA>", "<@U0FIONA>", "<@U0OMAR>", "<#C0APPROVE>"}
    assert set(links(as_message(view))) <= pings | pages(home.waiting)
