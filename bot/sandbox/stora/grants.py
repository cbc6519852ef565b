"""Who may ask: the static access token, OAuth client credentials, and what a token's scopes allow."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.stora.refusals import Detail, Refusal
from bot.sandbox.stora.shapes import Resource

_READ = (
    "access_token", "application", "contact", "contract", "contract_template", "coupon", "credit_note", "deal",
    "deal_stage", "identity_verification", "invoice", "note", "order", "product", "product_category",
    "protection_level", "site", "staff", "subscription", "task", "tenancy", "timeline_source", "timeline_template",
    "unit", "unit_allocation", "unit_type", "webhook_endpoint",
)  # fmt: skip
_WRITE = (
    "contact", "deal", "note", "order", "protection_level", "task", "timeline_event", "unit", "webhook_endpoint",
)  # fmt: skip

ALL_SCOPES: tuple[str, ...] = (
    *(f"public.{resource}:read" for resource in _READ),
    *(f"public.{resource}:write" for resource in _WRITE),
)
"""Every scope in the guide "Authorization" and on the pages; `public.unit_allocation:read` is a guess."""

TOKEN_SECONDS = 7200
"""How long an OAuth token lives."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one valid token may do; ``expires_at`` is None for a static token."""

    creator_id: str
    scopes: frozenset[str]
    created_at: int
    expires_at: int | None

    def require(self, scope: str) -> None:
        """Raise ``Refusal`` (403) that names the missing scope."""
        if scope not in self.scopes:
            raise Refusal("forbidden", f"The access token lacks the scope {scope}.")


NOBODY = Grant("", frozenset(), 0, None)
"""What a request without a token may do at an open endpoint."""


@dataclass(frozen=True, slots=True)
class Client:
    """The OAuth application of the operator and the scopes it was given."""

    client_id: str
    client_secret: str
    scopes: frozenset[str]


class Tokens:
    """The tokens that are accepted now: one static, and those which the client has been issued."""

    def __init__(self, static: str, client: Client, created_at: float) -> None:
        """Accept ``static`` from ``created_at`` on, for ever, with all scopes of the client."""
        self._client = client
        self._created_at = int(created_at)
        self._static: str | None = static
        self._issued: dict[str, Grant] = {}

    def grant(self, authorization: str | None, now: float) -> Grant:
        """Return what the `Authorization` header allows; raises ``Refusal`` (401)."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer":
            raise Refusal("invalid_token", "The Authorization header must be `Bearer <token>`.")
        if token == self._static:
            return Grant("tok_5707a51a71c70ce2", self._client.scopes, self._created_at, None)
        issued = self._issued.get(token)
        if issued is None:
            raise Refusal("invalid_token", "The access token is unknown or was revoked.")
        if issued.expires_at is not None and issued.expires_at <= now:
            raise Refusal("invalid_token", "The access token has expired.")
        return issued

    def issue(self, token: str, asked: "Credentials", now: float) -> Resource:
        """Accept ``token`` for two hours and return the answer of `/oauth2/token`; raises ``Refusal`` (401, 422)."""
        if (asked.client_id, asked.client_secret) != (self._client.client_id, self._client.client_secret):
            raise Refusal("invalid_token", "The client id or the client secret is wrong.")
        if asked.grant_type != "client_credentials":
            raise _refused("grant_type", "Only client_credentials is supported.")
        scopes = frozenset(asked.scope.split())
        if not scopes:
            raise _refused("scope", "At least one scope is needed.")
        if unknown := scopes - self._client.scopes:
            raise _refused("scope", f"The application lacks the scopes {', '.join(sorted(unknown))}.")
        created_at = int(now)
        self._issued[token] = Grant("app_5707a0a11ca710a1", scopes, created_at, created_at + TOKEN_SECONDS)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "refresh_token": None,
            "scope": asked.scope,
            "created_at": created_at,
        }

    def revoke_all(self) -> None:
        """Accept none of the tokens any more, as after a click in the Backoffice; new ones can be issued."""
        self._static = None
        self._issued.clear()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The four required fields of `/oauth2/token`."""

    grant_type: str
    client_id: str
    client_secret: str
    scope: str


def token_info(grant: Grant, client_id: str, operator: str) -> Resource:
    """Return the answer of `/oauth2/token/info`, whose ``expires_in`` is an epoch in spite of its name.

    What a static token gets is not documented; here its ``expires_in`` and ``application`` are null.
    """
    return {
        "scope": sorted(grant.scopes),
        "expires_in": grant.expires_at,
        "created_at": grant.created_at,
        "application": None if grant.expires_at is None else {"uid": client_id},
        "operator": {"name": operator},
    }


def scopes_of(names: Iterable[str]) -> frozenset[str]:
    """Return the scopes; raises ``ValueError`` for one that Stora does not have."""
    scopes = frozenset(names)
    if unknown := scopes.difference(ALL_SCOPES):
        raise ValueError(f"Stora has no scope {', '.join(sorted(unknown))}")
    return scopes


def _refused(field: str, message: str) -> Refusal:
    return Refusal("invalid_content", message, Detail(message, f"/{field}"))
