"""Who a person is to us, what they may do, and which rule says so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.core.problems import Lack, NotAllowed

Permission = Literal["reserve", "release", "approve", "audit"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]+$")]
GroupId = Annotated[str, StringConstraints(pattern=r"^S[A-Z0-9]+$")]


class Role(BaseModel):
    """One entry of the setting `ROLES`: these people may do these things, at these sites."""

    # A misspelt `sites` must not silently mean "all sites".
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    can: tuple[Permission, ...]
    users: tuple[UserId, ...] = ()
    groups: tuple[GroupId, ...] = ()
    sites: tuple[str, ...] | None = None
    """``None``: every site."""

    def covers(self, site_id: str | None) -> bool:
        """Whether the role holds at this site; without one: at any."""
        return self.sites is None or (bool(self.sites) if site_id is None else site_id in self.sites)


Standing = Literal["member", "guest", "stranger", "unverified"]
"""What Slack says of a person: `is_restricted` makes a guest, another organisation a stranger. Unverified: we asked
and got no answer."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who typed or pressed."""

    user_id: str
    standing: Standing
    groups: frozenset[str] = frozenset()
    """User groups named in the settings that the person is in."""
    unknown_groups: frozenset[str] = frozenset()
    """User groups named in the settings whose members Slack did not tell us."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody may do something: it drives the reply, the drawing of buttons, `whoami` and the audit."""

    permission: Permission
    because: Literal["role"] | Lack
    rule: str
    """The rule in words, for `whoami` and the record."""
    carriers: tuple[str, ...]
    """The roles that carry the permission, for whoever must ask to be added to one."""

    @property
    def allowed(self) -> bool:
        """Only a role allows."""
        return self.because == "role"


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do, for the drawing of buttons; each click is judged again."""

    actor: Actor
    roles: tuple[Role, ...]
    approvals: bool = False
    """Whether who may not reserve can ask for it."""

    def may_start_reserving(self, site_id: str | None = None) -> bool:
        """Whether reserving leads somewhere: to the reservation, or to a request for approval."""
        return self.may("reserve", site_id) or may_ask(self.actor, approvals=self.approvals)

    def may(self, permission: Permission, site_id: str | None = None) -> bool:
        """Whether the person may do this (at this site)."""
        return judge(self.actor, permission, self.roles, site_id).allowed


NOBODYS = Rights(Actor("", "unverified"), ())
"""For messages that everybody sees: a button is not drawn for those who may not use it."""


def allow_looking(actor: Actor) -> None:
    """Looking is open to every full member of the workspace.

    Raises:
        NotAllowed: to a guest, a person from another organisation, or one whom we could not look up.
    """
    if actor.standing != "member":
        raise NotAllowed(actor.standing)


def judge(actor: Actor, permission: Permission, roles: Sequence[Role], site_id: str | None = None) -> Verdict:
    """May this person do this (at this site; without one: at any site)? Denied by default and on doubt."""
    carrying = [role for role in roles if permission in role.can]
    carriers = tuple(dict.fromkeys(role.name for role in carrying))
    if actor.standing != "member":
        return Verdict(permission, actor.standing, f"no member: {actor.standing}", carriers)
    mine = [(role, via) for role in carrying if (via := _via(role, actor))]
    for role, via in mine:
        if role.covers(site_id):
            return Verdict(permission, "role", f"role {role.name}, {via}", carriers)
    doubtful = [role for role in carrying if role.covers(site_id) and actor.unknown_groups.intersection(role.groups)]
    if doubtful:
        groups = sorted({group for role in doubtful for group in role.groups if group in actor.unknown_groups})
        return Verdict(permission, "groups unknown", f"members of {', '.join(groups)} unknown", carriers)
    if mine:
        names = ", ".join(dict.fromkeys(role.name for role, _ in mine))
        return Verdict(permission, "other sites", f"role {names} is for other sites", carriers)
    return Verdict(permission, "no role", f"no role that may {permission}", carriers)


def sites_where(actor: Actor, permission: Permission, roles: Sequence[Role]) -> frozenset[str] | None:
    """At which sites this person may do this; ``None``: at every one."""
    if actor.standing != "member":
        return frozenset()
    mine = [role.sites for role in roles if permission in role.can and _via(role, actor)]
    return None if None in mine else frozenset(site_id for sites in mine if sites for site_id in sites)


def allow(verdict: Verdict) -> Verdict:
    """Go on only if the verdict is that they may.

    Raises:
        NotAllowed: otherwise, with all that the refusal must say.
    """
    if not verdict.allowed:
        raise refusal(verdict)
    return verdict


def refusal(verdict: Verdict) -> NotAllowed:
    """What is said of a verdict that is none of a role's."""
    assert verdict.because != "role"  # noqa: S101 - which allows
    return NotAllowed(verdict.because, verdict.permission, verdict.carriers, verdict.rule)


def may_ask(actor: Actor, *, approvals: bool) -> bool:
    """Whether somebody who may not reserve can ask for it: every member may, where approvals are on."""
    return approvals and actor.standing == "member"


def judge_approval(actor: Actor, asked_by: str, roles: Sequence[Role], site_id: str) -> Verdict:
    """May this person approve what ``asked_by`` asked for? Their own wish only if they could fulfil it alone."""
    verdict = judge(actor, "approve", roles, site_id)
    if not verdict.allowed or actor.user_id != asked_by:
        return verdict
    alone = judge(actor, "reserve", roles, site_id)
    return verdict if alone.allowed else replace(alone, because="own request", rule=f"own request; {alone.rule}")


def groups_in(roles: Iterable[Role]) -> tuple[str, ...]:
    """Every user group that the settings name."""
    return tuple(dict.fromkeys(group for role in roles for group in role.groups))


def _via(role: Role, actor: Actor) -> str:
    if actor.user_id in role.users:
        return "named as a user"
    group = next((group for group in role.groups if group in actor.groups), None)
    return f"by user group {group}" if group else ""
