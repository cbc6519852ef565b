"""Who may look, who may do what, and what a role may say."""

import pytest
from pydantic import ValidationError

from bot.core.access import (
    NOBODYS,
    PERMISSIONS,
    Actor,
    Permission,
    Rights,
    Role,
    Standing,
    allow,
    allow_looking,
    groups_in,
    judge,
    sites_where,
)
from bot.core.problems import NotAllowed

FRONT_DESK = Role(
    name="front desk", can=("reserve", "release"), users=("U0FIONA",), groups=("S0FRONT",), sites=("camden",)
)
MANAGERS = Role(name="managers", can=("reserve", "approve"), groups=("S0BOSS",))
NOWHERE = Role(name="nowhere", can=("audit",), users=("U0FIONA",), sites=())
ROLES = (FRONT_DESK, MANAGERS, NOWHERE)

FIONA = Actor("U0FIONA", "member")
NADIA = Actor("U0NADIA", "member")


def of_groups(*groups: str, unknown: tuple[str, ...] = (), standing: Standing = "member") -> Actor:
    return Actor("U0NADIA", standing, frozenset(groups), frozenset(unknown))


@pytest.mark.parametrize(
    ("actor", "permission", "site", "because"),
    [
        (FIONA, "reserve", "camden", "role"),
        (FIONA, "reserve", None, "role"),
        (FIONA, "reserve", "hackney", "other sites"),
        (FIONA, "approve", "camden", "no role"),
        (FIONA, "audit", None, "other sites"),
        (NADIA, "reserve", "camden", "no role"),
        (of_groups("S0FRONT"), "release", "camden", "role"),
        (of_groups("S0BOSS"), "reserve", "hackney", "role"),
        (of_groups("S0OTHER"), "reserve", "camden", "no role"),
        (of_groups(unknown=("S0BOSS",)), "reserve", "hackney", "groups unknown"),
        (of_groups(unknown=("S0FRONT",)), "release", "hackney", "no role"),
        (of_groups(unknown=("S0OTHER",)), "reserve", "camden", "no role"),
        (of_groups("S0FRONT", unknown=("S0BOSS",)), "reserve", "camden", "role"),
        (of_groups("S0FRONT", unknown=("S0BOSS",)), "reserve", "hackney", "groups unknown"),
        (of_groups("S0BOSS", standing="guest"), "reserve", "camden", "guest"),
        (of_groups("S0BOSS", standing="stranger"), "reserve", "camden", "stranger"),
        (of_groups("S0BOSS", standing="unverified"), "reserve", "camden", "unverified"),
    ],
)
def test_a_permission_is_held_by_a_role_for_its_sites_and_denied_on_doubt(
    actor: Actor, permission: Permission, site: str | None, because: str
) -> None:
    verdict = judge(actor, permission, ROLES, site)
    assert verdict.because == because
    assert verdict.allowed == (because == "role") == Rights(actor, ROLES).may(permission, site)
    if verdict.allowed:
        assert allow(verdict) is verdict
        return
    with pytest.raises(NotAllowed) as caught:
        allow(verdict)
    refusal = caught.value
    assert (refusal.because, refusal.permission, refusal.carriers) == (because, permission, verdict.carriers)
    assert set(refusal.carriers) == {role.name for role in ROLES if permission in role.can}


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_nobody_may_change_anything_where_no_role_is_given(permission: Permission) -> None:
    assert judge(FIONA, permission, ()).because == "no role"
    assert judge(FIONA, permission, ()).carriers == ()
    assert not NOBODYS.may(permission)


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        (FIONA, ("front desk", "user")),
        (of_groups("S0BOSS"), ("managers", "S0BOSS")),
        (of_groups(unknown=("S0BOSS",)), ("S0BOSS", "unknown")),
    ],
    ids=["user", "group", "doubt"],
)
def test_a_verdict_names_the_rule_that_made_it(actor: Actor, said: tuple[str, ...]) -> None:
    rule = judge(actor, "reserve", ROLES).rule
    assert all(part in rule for part in said)


def test_the_groups_to_ask_slack_about_are_those_of_the_settings() -> None:
    assert groups_in((*ROLES, MANAGERS)) == ("S0FRONT", "S0BOSS")


def test_every_member_may_look() -> None:
    allow_looking(Actor("U0FIONA", "member"))


@pytest.mark.parametrize("standing", ["guest", "stranger", "unverified"])
def test_nobody_else_may_look_and_the_refusal_says_why(standing: Standing) -> None:
    with pytest.raises(NotAllowed) as caught:
        allow_looking(Actor("U0GUS", standing))
    assert caught.value.because == standing


def test_a_role_as_the_contract_shows_it_is_understood() -> None:
    role = Role.model_validate(
        {"name": "front desk", "can": ["reserve", "release"], "users": ["U012ABC"], "groups": ["S0FRONT"]}
    )
    assert role.can == ("reserve", "release")
    assert role.sites is None  # every site
    assert Role(name="x", can=(), sites=()).sites == ()  # and this is none of them


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"can": ["look"]},
        {"can": None},
        {"users": ["fiona"]},
        {"users": ["U012ABC\n"]},
        {"users": ["S0FRONT"]},
        {"groups": ["U012ABC"]},
        {"groups": ["s0front"]},
        {"site": ["site_camden"]},
    ],
    ids=repr,
)
def test_a_role_with_a_slip_in_it_grants_nothing_at_all(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Role.model_validate({"name": "front desk", "can": ["reserve"], **wrong})
    assert "fiona" not in str(caught.value)


@pytest.mark.parametrize(
    ("actor", "permission", "sites"),
    [
        (FIONA, "reserve", {"camden"}),
        (FIONA, "approve", set()),
        (FIONA, "audit", set()),
        (of_groups("S0BOSS"), "reserve", None),
        (of_groups("S0FRONT", "S0BOSS"), "reserve", None),
        (of_groups("S0BOSS", standing="guest"), "reserve", set()),
    ],
    ids=["one site", "no role", "a role for no site", "every site", "one and every site", "a guest"],
)
def test_where_somebody_may_do_something_is_where_it_would_be_allowed(
    actor: Actor, permission: Permission, sites: set[str] | None
) -> None:
    assert sites_where(actor, permission, ROLES) == sites
    for site_id in ("camden", "hackney"):
        assert judge(actor, permission, ROLES, site_id).allowed == (sites is None or site_id in sites)
