"""Who may ask, who may answer, and until when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.access import Actor, Rights, Role, Standing, judge_approval, may_ask, refusal
from bot.core.approvals import GOOD_FOR, Request
from bot.core.reservations import Decision, State
from tests.core.conftest import CAMDEN, HACKNEY, NOW
from tests.core.test_telling import PROPOSAL

ROLES = (
    Role(name="front desk", can=("reserve",), users=("U0FIONA", "U0BOSS"), sites=(CAMDEN,)),
    Role(name="operations", can=("approve",), users=("U0OMAR", "U0BOSS")),
)


def member(user_id: str, standing: Standing = "member") -> Actor:
    return Actor(user_id, standing)


@pytest.mark.parametrize(
    ("who", "asked_by", "site", "because"),
    [
        pytest.param("U0OMAR", "U0NADIA", CAMDEN, "role", id="somebody else's request"),
        pytest.param("U0FIONA", "U0NADIA", CAMDEN, "no role", id="without the permission"),
        pytest.param("U0OMAR", "U0OMAR", CAMDEN, "own request", id="their own"),
        pytest.param("U0BOSS", "U0BOSS", CAMDEN, "role", id="their own, which they could reserve alone"),
        pytest.param("U0BOSS", "U0BOSS", HACKNEY, "own request", id="which they could, at another site"),
        pytest.param("U0FIONA", "U0FIONA", CAMDEN, "no role", id="their own, but without the permission"),
    ],
)
def test_who_may_approve_what(who: str, asked_by: str, site: str, because: str) -> None:
    verdict = judge_approval(member(who), asked_by, ROLES, site)
    assert verdict.because == because
    assert verdict.permission == ("reserve" if because == "own request" else "approve")


def test_the_refusal_of_an_own_request_names_the_roles_that_may_reserve() -> None:
    said = refusal(judge_approval(member("U0OMAR"), "U0OMAR", ROLES, CAMDEN))
    assert (said.because, said.permission, said.carriers) == ("own request", "reserve", ("front desk",))


@pytest.mark.parametrize("standing", ["member", "guest", "stranger", "unverified"])
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_every_member_may_ask_where_approvals_are_on(standing: Standing, on: bool) -> None:  # noqa: FBT001
    asker = member("U0NADIA", standing)
    wanted = on and standing == "member"
    assert may_ask(asker, approvals=on) == wanted
    assert Rights(asker, ROLES, on).may_start_reserving(CAMDEN) == wanted


def test_who_may_reserve_starts_without_approvals_too() -> None:
    rights = Rights(member("U0FIONA"), ROLES)
    assert rights.may_start_reserving(CAMDEN)
    assert not rights.may_start_reserving(HACKNEY)


REQUEST = Request(Decision(PROPOSAL, "proposed"), NOW, "C0APPROVE", "https://hooks.example/1")


@pytest.mark.parametrize(("age", "old"), [(GOOD_FOR - timedelta(seconds=1), False), (GOOD_FOR, True)])
def test_a_request_can_be_answered_for_a_day(age: timedelta, old: bool) -> None:  # noqa: FBT001
    assert REQUEST.is_old(NOW + age) == old


@pytest.mark.parametrize("state", ["proposed", "cancelled", "claimed", "done", "refused", "unknown"])
def test_it_waits_as_long_as_nobody_has_decided(state: State) -> None:
    request = replace(REQUEST, decision=replace(REQUEST.decision, state=state))
    assert request.waits == (state == "proposed")


def test_its_way_to_the_card_stands_in_no_repr() -> None:
    assert "hooks" not in repr(REQUEST)
