"""What the environment must provide."""

import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from typing_extensions import override

from bot.core.access import Role
from bot.core.changes import What
from bot.core.intents import LARGEST_MESSAGE
from bot.core.telling import ANNOUNCED


class BadSettings(Exception):
    """The settings cannot be used: one line for each that is wrong, without the value of any secret."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


PORTS = set(range(1, 65536))
FILE = "UNITBOT_CONFIG"
"""No setting itself: the environment or `.env` names by it a TOML file that holds some."""


def _from_json(value: object) -> object:
    """Environment variables hold JSON where TOML holds tables."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("is not JSON") from None
    return value


def _by_channel(value: object) -> object:
    """`reserved,released` for every channel, or a list for each: `*` stands for those that are not named."""
    if isinstance(value, str):
        listed = value.lstrip().startswith(("[", "{"))
        value = _from_json(value) if listed else [word.strip().lower() for word in value.split(",") if word.strip()]
    return {"*": ANNOUNCED, **value} if isinstance(value, dict) else {"*": value}


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError("must be an http(s) address without a query")
    try:
        httpx.URL(value)
        urlsplit(value).port  # noqa: B018 - which is read, and refused, only when it is asked for
    except (httpx.InvalidURL, ValueError):
        raise ValueError("must be an http(s) address without a query") from None
    return value.rstrip("/")


def _path_with_id(value: str) -> str:
    if value and not (value.startswith("/") and "{id}" in value):
        raise ValueError("must be empty, or start with / and contain {id}")
    return value


def _database(value: str) -> str:
    try:
        url = make_url(value)
        ports = _ports(url) if url.drivername == "postgresql+asyncpg" else set()
    except (ArgumentError, ValueError):
        raise ValueError("cannot be read") from None
    if not ports <= PORTS:
        raise ValueError("has a port that there cannot be")
    # Nothing may be lost, so the memory is a file: not `:memory:`, and without options that could make it one.
    sqlite = url.drivername == "sqlite+aiosqlite" and url.database not in {None, "", ":memory:"} and not url.query
    if not sqlite and url.drivername != "postgresql+asyncpg":
        raise ValueError("must start with sqlite+aiosqlite:// or postgresql+asyncpg://")
    return value


def _ports(url: URL) -> set[int]:
    """The ports that asyncpg is going to be given, from the address or from its options."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    given = arguments.get("port", [])
    return set(given) if isinstance(given, list) else {given}


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/London") from None
    return value


def _free_parameter(value: str) -> str:
    taken = "page|limit|sort_by|sort_direction|unit_type_id|site_id|expand|status|created_after|created_before"
    if not re.fullmatch(rf"(?!({taken})$)[a-z_]+", value):
        raise ValueError("must be the name of a parameter that has no other meaning")
    return value


def _header(secret: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", secret.get_secret_value()):
        raise ValueError("must be printable ASCII")
    return secret


def _starts_with(prefix: str) -> Callable[[SecretStr], SecretStr]:
    def check(secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(prefix):
            raise ValueError(f"must start with {prefix}")
        return _header(secret)

    return check


MISSING = "is missing"

BaseUrl = Annotated[str, AfterValidator(_base_url)]
PathWithId = Annotated[str, AfterValidator(_path_with_id)]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]+$")]

EXPECTED = {
    "slack_bot_token": "the bot token, xoxb-…",
    "slack_signing_secret": "the app's signing secret, or SLACK_APP_TOKEN for Socket Mode",
    "slack_app_token": "an app-level token, xapp-…",
    "slack_api_url": "an http(s) address such as https://slack.com/api/",
    "stora_api_url": "an http(s) address such as https://public-api.stora.co",
    "stora_api_token": "an access token, or both STORA_CLIENT_ID and STORA_CLIENT_SECRET",
    "stora_api_version": "a version such as 2025-09",
    "stora_requests_per_second": "a whole number, 1 or more",
    "stora_requests_per_minute": "a whole number, 1 or more",
    "stora_timeout_seconds": "a number above 0, at most 60",
    "stora_search_parameter": "the name of a query parameter",
    "stora_write_notes": "true or false",
    "backoffice_unit_path": "empty, or a path such as /units/{id}",
    "backoffice_tenancy_path": "empty, or a path such as /tenancies/{id}",
    "roles": 'a JSON list such as [{"name": "front desk", "can": ["reserve"], "users": ["U012ABC"]}]',
    "notify_channel": "a channel id, C…",
    "notify_site_channels": 'a JSON object such as {"site_14b419f1096013f1": "C012ABC"}',
    "notify_on": "some of reserved,released,occupied,overlocked,available; or such lists by channel id, as JSON",
    "approvals_channel": "a channel id, C…",
    "digest_time": "a time of day such as 08:30, together with DIGEST_TIMEZONE",
    "digest_timezone": "a time zone such as Europe/London, together with DIGEST_TIME",
    "directory_refresh_seconds": "a whole number, 1 or more",
    "page_size": f"a whole number from 1 to {LARGEST_MESSAGE}",
    "database_url": "sqlite+aiosqlite:///unitbot.db or postgresql+asyncpg://…",
    "host": "an address to listen on, such as 0.0.0.0",
    "port": "a whole number from 0 to 65535",
    "log_level": "debug, info, warning or error",
    "log_format": "json or console",
}
"""What to say when a setting is wrong; a value is never repeated, for it may be a secret in the wrong place."""

NESTED = {"roles", "notify_site_channels", "notify_on"}
"""Settings inside which a place can be named."""

MAY_BE_EMPTY = {"backoffice_unit_path", "backoffice_tenancy_path"}
"""Empty turns these buttons off; any other empty variable counts as not set."""


class Settings(BaseSettings):
    """Every setting, read from the environment, `.env` and the TOML file that `UNITBOT_CONFIG` names, in that order."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    slack_bot_token: Annotated[SecretStr, AfterValidator(_starts_with("xoxb-"))]
    slack_app_token: Annotated[SecretStr, AfterValidator(_starts_with("xapp-"))] | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: BaseUrl = "https://slack.com/api/"

    stora_api_url: BaseUrl = "https://public-api.stora.co"
    stora_api_version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]+$")] = "2025-09"
    stora_client_id: str | None = None
    stora_client_secret: SecretStr | None = None
    stora_api_token: Annotated[SecretStr, AfterValidator(_header)] | None = None
    stora_requests_per_second: Annotated[int, Field(ge=1)] = 10
    stora_requests_per_minute: Annotated[int, Field(ge=1)] = 60
    stora_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    stora_search_parameter: Annotated[str, AfterValidator(_free_parameter)] = "search"
    stora_webhook_secret: SecretStr | None = None
    stora_write_notes: bool = False

    backoffice_unit_path: PathWithId = "/units/{id}"
    backoffice_tenancy_path: PathWithId = "/tenancies/{id}"

    roles: Annotated[tuple[Role, ...], NoDecode, BeforeValidator(_from_json)] = ()
    notify_channel: ChannelId | None = None
    notify_site_channels: Annotated[dict[str, ChannelId], NoDecode, BeforeValidator(_from_json)] = {}
    notify_on: Annotated[
        dict[Literal["*"] | ChannelId, frozenset[What]],
        NoDecode,
        BeforeValidator(_by_channel),
        Field(validate_default=True),
    ] = "reserved,released"  # type: ignore[assignment]  # validated as if it had been set
    approvals_channel: ChannelId | None = None
    digest_time: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    digest_timezone: Annotated[str, AfterValidator(_time_zone)] | None = None

    directory_refresh_seconds: Annotated[int, Field(ge=1)] = 900
    page_size: Annotated[int, Field(ge=1, le=LARGEST_MESSAGE)] = 10
    # May hold a password, which a repr must not show.
    database_url: Annotated[str, AfterValidator(_database), Field(repr=False)] = "sqlite+aiosqlite:///unitbot.db"
    host: Annotated[str, StringConstraints(min_length=1)] = "0.0.0.0"  # noqa: S104 - a container's port is its fence
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    @property
    def socket_mode(self) -> bool:
        """Whether Slack reaches us through Socket Mode rather than by HTTP requests."""
        return self.slack_app_token is not None

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("slack_signing_secret")
    @classmethod
    def _one_way_in(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("slack_app_token", ...) is None:
            raise ValueError(MISSING)
        return secret

    @field_validator("stora_api_token")
    @classmethod
    def _some_login(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token is None and None in (info.data.get("stora_client_id", ...), info.data.get("stora_client_secret", ...)):
            raise ValueError(MISSING)
        return token

    @field_validator("digest_timezone")
    @classmethod
    def _time_and_zone(cls, zone: str | None, info: ValidationInfo) -> str | None:
        time = info.data.get("digest_time", zone)  # one that is wrong has its own line
        if zone is None and time is not None:
            raise ValueError(MISSING)
        if zone is not None and time is None:
            raise PydanticCustomError("missing", MISSING, {"setting": "digest_time"})
        return zone

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over `.env`, and that over the TOML file; what is empty is not set, see ``_set``."""
        environment, dotenv = env_settings(), dotenv_settings()
        toml = _toml(cls, os.environ.get(FILE, "").strip() or dotenv.get(FILE.lower()))
        told = (environment, dotenv, toml)
        return (init_settings, *(InitSettingsSource(settings_cls, _set(values)) for values in told))


class FixedSettings(Settings):
    """The same settings from arguments alone: a demo or a test must not reach for anybody's real tokens."""

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what the caller passes."""
        return (init_settings,)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        BadSettings: one line for each wrong one.
    """
    try:
        return Settings()
    except ValidationError as errors:
        raise BadSettings(explain(errors)) from None
    except (SettingsError, UnicodeDecodeError):
        raise BadSettings([".env: cannot be read; expected lines NAME=value"]) from None


def explain(errors: ValidationError) -> list[str]:
    """One line for each wrong setting, named as the environment names it."""
    lines: dict[str, str] = {}
    for error in errors.errors(include_input=False, include_url=False):
        field, *inside = (str(part) for part in error["loc"])
        field = error.get("ctx", {}).get("setting", field)  # two that belong together: the one that is not there
        missing = (error["type"] == "missing" and not inside) or error["msg"].endswith(MISSING)
        what = MISSING if missing else "is wrong" + (f" at {'.'.join(inside)}" if field in NESTED and inside else "")
        lines.setdefault(field, f"{field.upper()}: {what}; expected {EXPECTED.get(field, 'text')}")
    return list(lines.values())


def _set(values: dict[str, Any]) -> dict[str, Any]:
    """What counts as set, in one source: `X: ${X}` in a compose file must not hide what another says of X."""
    stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in stripped.items() if value != "" or name in MAY_BE_EMPTY}


def _toml(settings_class: type[Settings], path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not TOML"
        raise BadSettings([f"{FILE}: cannot be read ({reason}); expected the path of a TOML file"]) from None
    named = {name.lower(): value for name, value in content.items()}
    unknown = sorted(set(named) - set(settings_class.model_fields))
    if unknown:
        # A misspelt setting in our own file would otherwise be a default that nobody chose.
        raise BadSettings([f"{name.upper()}: no such setting; it stands in the file of {FILE}" for name in unknown])
    return named
