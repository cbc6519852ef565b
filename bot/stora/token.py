"""What Stora says of our own token: whose it is, what it may do, and until when (reference, OAuth 2, token info)."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.problems import StoraDown
from bot.stora.exchange import Patience
from bot.stora.signed_in import SignedIn
from bot.stora.wire import Answer, object_in, problem_in

LONGEST_LIFETIME = 10**9
"""Seconds: what is more is no lifetime but a moment, an epoch second. The reference shows both."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token, as far as Stora describes it."""

    operator: str
    scopes: frozenset[str] | None
    """``None`` where Stora does not say."""
    expires_at: datetime | None
    """``None`` where it has no end, or Stora does not say."""


async def ask_of_token(signed_in: SignedIn, patience: Patience) -> Answer:
    """The cheapest question there is, which needs no scope; every status is an answer.

    Raises:
        StoraBusy, StoraDown, StoraLogin: there is none.
    """
    try:
        async with asyncio.timeout(patience.altogether):
            return await signed_in(lambda http: http.build_request("GET", "/oauth2/token/info"), patience)
    except TimeoutError:
        raise StoraDown("no answer in the time that there is") from None


def read_token(answer: Answer, now: datetime) -> TokenInfo:
    """Read the answer to ``ask_of_token``; of what describes a token at all, whatever cannot be read is not known.

    Raises:
        Problem: the answer describes no token.
    """
    problem = problem_in(answer)
    if problem is not None:
        raise problem
    body = object_in(answer) or {}
    if not body.keys() & {"operator", "scope", "expires_in"}:
        raise StoraDown("no token in the answer", foreign=True)
    operator, scope, expires_in = body.get("operator"), body.get("scope"), body.get("expires_in")
    name = operator.get("name") if isinstance(operator, dict) else None
    scopes = scope.split() if isinstance(scope, str) else scope
    return TokenInfo(
        operator=name if isinstance(name, str) else "",
        scopes=frozenset(map(str, scopes)) if isinstance(scopes, list) else None,
        expires_at=_moment(expires_in, now),
    )


def _moment(expires_in: object, now: datetime) -> datetime | None:
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
        return None
    epoch = expires_in if expires_in > LONGEST_LIFETIME else now.timestamp() + expires_in
    try:
        return datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None
