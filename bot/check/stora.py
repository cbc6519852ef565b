"""Stora: the login, each scope, the sites that the settings name, webhooks, the budget and the clock."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.check.findings import NETWORK, Finding, clock, fail, ok, warn
from bot.core.problems import Problem, StoraBusy, StoraDown
from bot.settings import Settings
from bot.stora.client import StoraClient, read_to_the_end
from bot.stora.endpoints import EVENT_TYPES, PATH, READ, Endpoint
from bot.stora.exchange import PERSON
from bot.stora.login import NOTES, SCOPES
from bot.stora.signed_in import SignedIn
from bot.stora.token import TokenInfo, ask_of_token, read_token
from bot.stora.wire import Answer, problem_in
from bot.stora.words import in_words

REASONS: Mapping[str, str] = {
    "public.contact:read": "names of customers",
    "public.note:write": "notes on units, as STORA_WRITE_NOTES asks",
    "public.order:read": "orders that webhooks tell of",
    "public.site:read": "names of sites",
    "public.subscription:read": "subscriptions that webhooks tell of",
    "public.tenancy:read": "whom a unit can be reserved for",
    "public.unit:read": "finding units",
    "public.unit:write": "reserving and releasing units",
    "public.unit_allocation:read": "who has a unit",
    "public.unit_type:read": "types, sizes and prices",
}
SOON = timedelta(days=14)
ADDRESS = "STORA_API_URL answers with something that is not Stora's API: is the address right, or a proxy in between?"
CREATE = f"`unitbot webhooks create --url https://…{PATH}` registers the endpoint and prints the secret"
ENABLE = "enable it in the Backoffice (Settings → Webhooks), or register another"


async def check_stora(
    settings: Settings, client: StoraClient, sees_endpoints: StoraClient, now: Callable[[], datetime]
) -> list[Finding]:
    """Everything about Stora; without a login that works, little can be tried.

    ``sees_endpoints`` may list webhook endpoints as well, where the client credentials allow that.
    """
    login, another = _login(settings)
    sent = now()
    try:
        answer = await ask_of_token(SignedIn(client.exchange, client.login), PERSON)
    except Problem as problem:
        what = "STORA_API_URL" if isinstance(problem, StoraDown | StoraBusy) else login
        return [fail(what, in_words(problem), _mend(problem, another))]
    received = now()
    if answer.status == 401:  # noqa: PLR2004 - Unauthorized
        return [fail(login, in_words(problem_in(answer)), another)]
    findings = [clock("Stora", answer.headers.get("Date"), sent, received)]
    try:
        info = read_token(answer, received)
    except Problem as problem:
        findings.append(warn(login, f"Stora does not describe it: {in_words(problem)}", _mend(problem, "")))
    else:
        findings.append(ok(login, f"operator {info.operator or 'without a name'}"))
        findings += _end(info, another, settings, received)
        findings += _scopes(info, settings)
    findings.append(_budget(answer, settings))
    findings += await _sites(settings, client)
    findings.append(await _webhooks(settings, sees_endpoints))
    return findings


def _login(settings: Settings) -> tuple[str, str]:
    """What the credentials are called, and how to come by others."""
    if settings.stora_api_token:
        return "STORA_API_TOKEN", "generate an access token in the Backoffice (Settings → Public API)"
    needed = ", ".join(_needed(settings))
    mend = f"compare both with the OAuth client in the Backoffice (Settings → Public API), which needs {needed}"
    return "STORA_CLIENT_ID and STORA_CLIENT_SECRET", mend


def _grant(settings: Settings) -> str:
    holder = "token" if settings.stora_api_token else "OAuth client"
    return f"add it to the {holder} in the Backoffice (Settings → Public API)"


def _mend(problem: Problem, otherwise: str) -> str:
    """What helps; where Stora itself gave no answer, that is nothing about the credentials."""
    match problem:
        case StoraDown(foreign=True):
            return ADDRESS
        case StoraDown() | StoraBusy():
            return NETWORK
        case _:
            return otherwise


def _needed(settings: Settings) -> tuple[str, ...]:
    return (*SCOPES, *((NOTES,) if settings.stora_write_notes else ()))


def _end(info: TokenInfo, another: str, settings: Settings, now: datetime) -> list[Finding]:
    what = "end of STORA_API_TOKEN"
    if settings.stora_api_token is None or info.expires_at is None:
        return []  # client credentials get new ones by themselves
    day = f"{info.expires_at:%Y-%m-%d}"
    if info.expires_at - now < SOON:
        return [warn(what, f"ends on {day}", f"{another} before then")]
    return [ok(what, f"ends on {day}")]


def _scopes(info: TokenInfo, settings: Settings) -> list[Finding]:
    if info.scopes is None:
        return [warn("Stora scopes", "Stora does not say which there are")]
    return [_scope(scope, info.scopes, _grant(settings)) for scope in _needed(settings)]


def _scope(scope: str, granted: frozenset[str], grant: str) -> Finding:
    what, reason = f"Stora scope {scope}", REASONS.get(scope, "the bot asks for it")
    return ok(what, reason) if scope in granted else fail(what, f"is missing; it is for {reason}", grant)


def _budget(answer: Answer, settings: Settings) -> Finding:
    what, limit = "Stora's limit", answer.headers.get("RateLimit-Limit", "")
    chosen = (settings.stora_requests_per_second, settings.stora_requests_per_minute)
    ours = f"{chosen[0]} a second and {chosen[1]} a minute"
    if not (limit.isascii() and limit.isdecimal()):
        return ok(what, f"Stora does not say; the settings hold to {ours}")
    if int(limit) in chosen:
        return ok(what, f"{limit}, as the settings: {ours}")
    mend = "set STORA_REQUESTS_PER_MINUTE, or _PER_SECOND, to what your plan allows"
    return warn(what, f"Stora says {limit}, the settings hold to {ours}", mend)


async def _sites(settings: Settings, client: StoraClient) -> list[Finding]:
    try:
        sites, _ = await read_to_the_end(lambda page: client.list_sites(PERSON, page=page))
    except Problem as problem:
        return [fail("Stora's sites", in_words(problem), _mend(problem, _grant(settings)))]
    names = {site.id: site.name for site in sites}
    findings = [ok("Stora's sites", f"{len(names)} are there")]
    in_roles = [("ROLES", site_id) for role in settings.roles for site_id in role.sites or ()]
    in_channels = [("NOTIFY_SITE_CHANNELS", site_id) for site_id in settings.notify_site_channels]
    for setting, site_id in dict.fromkeys([*in_roles, *in_channels]):
        what = f"site {site_id} of {setting}"
        if site_id in names:
            findings.append(ok(what, f"is {names[site_id]}"))
        else:
            findings.append(fail(what, "does not exist", "`/unitbot sites` lists every site with its id"))
    return findings


async def _webhooks(settings: Settings, client: StoraClient) -> Finding:
    what = "Stora's webhooks"
    if settings.stora_webhook_secret is None:
        seconds = settings.directory_refresh_seconds
        return warn(what, f"off: what changes elsewhere shows after up to {seconds} s", f"{CREATE} to set")
    try:
        endpoints, _ = await read_to_the_end(lambda page: client.list_webhook_endpoints(PERSON, page=page))
    except Problem as problem:
        return warn(what, f"cannot be looked at: {in_words(problem)}", _mend(problem, f"{READ}: {_grant(settings)}"))
    return _registered(what, [endpoint for endpoint in endpoints if endpoint.url.rstrip("/").endswith(PATH)])


def _registered(what: str, ours: list[Endpoint]) -> Finding:
    enabled = [endpoint for endpoint in ours if endpoint.enabled]
    if not ours:
        return fail(what, f"no endpoint is registered that ends in {PATH}", CREATE)
    if not enabled:
        return fail(what, f"{', '.join(each.url for each in ours)} is disabled", ENABLE)
    told = {event_type for endpoint in enabled for event_type in endpoint.event_types or ()}
    missing = [event_type for event_type in EVENT_TYPES if event_type not in told]
    where = ", ".join(endpoint.url for endpoint in enabled)
    if missing:
        return warn(what, f"{where} is not told of {', '.join(missing)}", "add these event types in the Backoffice")
    return ok(what, f"{where} is registered and enabled")
