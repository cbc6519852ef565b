"""The settings: what is read from where, and what is said of wrong ones."""

from pathlib import Path

import pytest

from bot.core.access import Role
from bot.settings import EXPECTED, BadSettings, FixedSettings, Settings, load_settings

GOOD = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "signed-with-this", "STORA_API_TOKEN": "stora"}


@pytest.fixture(name="good")
def good_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaints() -> dict[str, str]:
    with pytest.raises(BadSettings) as raised:
        load_settings()
    return dict(line.split(": ", 1) for line in raised.value.lines)


@pytest.mark.usefixtures("good")
def test_the_least_that_must_be_set_is_enough() -> None:
    settings = load_settings()
    assert not settings.socket_mode
    assert settings.page_size == 10
    assert settings.stora_requests_per_minute == 60


def test_an_app_token_selects_socket_mode_and_needs_no_signing_secret(good: pytest.MonkeyPatch) -> None:
    good.delenv("SLACK_SIGNING_SECRET")
    good.setenv("SLACK_APP_TOKEN", "xapp-1")
    assert load_settings().socket_mode


def test_client_credentials_do_instead_of_a_token(good: pytest.MonkeyPatch) -> None:
    good.delenv("STORA_API_TOKEN")
    good.setenv("STORA_CLIENT_ID", "id")
    assert list(complaints()) == ["STORA_API_TOKEN"]
    good.setenv("STORA_CLIENT_SECRET", "secret")
    assert load_settings().stora_client_id == "id"


def test_everything_that_is_missing_is_named_at_once() -> None:
    missing = complaints()
    assert list(missing) == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "STORA_API_TOKEN"]
    assert all("is missing; expected" in complaint for complaint in missing.values())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-user-token", "xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-user-token", "xapp-"),
        ("SLACK_API_URL", "slack.com/api", "http"),
        ("STORA_API_URL", "https://user:pass@stora.example", "http"),
        ("STORA_API_URL", "http://[", "http"),
        ("STORA_API_URL", "https://host:abc", "http"),
        ("STORA_API_URL", "http://127.0.0.1:99999", "http"),
        ("SLACK_API_URL", "http://[", "http"),
        ("STORA_API_VERSION", "../admin", "2025-09"),
        ("STORA_REQUESTS_PER_SECOND", "0", "1 or more"),
        ("STORA_REQUESTS_PER_MINUTE", "many", "1 or more"),
        ("STORA_TIMEOUT_SECONDS", "0", "above 0"),
        ("STORA_SEARCH_PARAMETER", "a&b", "parameter"),
        ("STORA_SEARCH_PARAMETER", "status", "parameter"),
        ("STORA_API_TOKEN", "a token", "access token"),
        ("STORA_API_TOKEN", "tökn", "access token"),
        ("SLACK_BOT_TOKEN", "xoxb-ü", "xoxb-"),
        ("STORA_WRITE_NOTES", "perhaps", "true or false"),
        ("BACKOFFICE_UNIT_PATH", "units/{id}", "/units/{id}"),
        ("BACKOFFICE_TENANCY_PATH", "/tenancies", "{id}"),
        ("ROLES", "front desk", "JSON list"),
        ("ROLES", '[{"name": "a", "can": ["fly"]}]', "0.can.0"),
        ("ROLES", '[{"name": "a", "can": ["reserve"], "site": ["x"]}]', "0.site"),
        ("ROLES", '[{"name": "a", "can": ["reserve"], "users": ["@fiona"]}]', "0.users.0"),
        ("ROLES", '[{"name": "a", "can": ["reserve"], "groups": ["front-desk"]}]', "0.groups.0"),
        ("NOTIFY_CHANNEL", "#reservations", "C…"),
        ("NOTIFY_SITE_CHANNELS", '{"site_1": "#camden"}', "site_1"),
        ("NOTIFY_ON", "reserved,sold", "overlocked"),
        ("NOTIFY_ON", '{"C012": ["sold"]}', "C012.0"),
        ("NOTIFY_ON", '{"#camden": ["reserved"]}', "#camden"),
        ("NOTIFY_ON", '["reserved"', "overlocked"),
        ("APPROVALS_CHANNEL", "approvals", "C…"),
        ("DIGEST_TIMEZONE", "../../etc/passwd", "Europe/London"),
        ("DIGEST_TIMEZONE", "Mars/Olympus", "Europe/London"),
        ("DIRECTORY_REFRESH_SECONDS", "-1", "1 or more"),
        ("PAGE_SIZE", "16", "1 to 15"),
        ("DATABASE_URL", "mysql://root:hunter2@db/unitbot", "postgresql"),
        ("DATABASE_URL", "hunter2", "postgresql"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "postgresql"),
        ("DATABASE_URL", "sqlite+aiosqlite:///x.db?mode=memory", "postgresql"),
        ("DATABASE_URL", "postgresql+asyncpg://h:notaport/x", "postgresql"),
        ("DATABASE_URL", "postgresql+asyncpg://u:hunter2@h:99999/x", "postgresql"),
        ("DATABASE_URL", "postgresql+asyncpg://u:hunter2@h/x?port=abc", "postgresql"),
        ("DATABASE_URL", "postgresql+asyncpg://u:hunter2@/x?host=a:70000&host=b:1", "postgresql"),
        ("PORT", "65536", "65535"),
        ("LOG_LEVEL", "verbose", "debug"),
        ("LOG_FORMAT", "xml", "json"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_expected_and_never_repeated(
    good: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    good.setenv(name, value)
    wrong = complaints()
    assert list(wrong) == [name]
    assert said in wrong[name]
    for secret in ("user-token", "user:pass", "hunter2", "passwd"):
        assert secret not in wrong[name]


@pytest.mark.parametrize(
    ("alone", "value", "missing"),
    [("DIGEST_TIME", "08:30", "DIGEST_TIMEZONE"), ("DIGEST_TIMEZONE", "Europe/London", "DIGEST_TIME")],
)
def test_a_digest_needs_a_time_and_a_zone(good: pytest.MonkeyPatch, alone: str, value: str, missing: str) -> None:
    good.setenv(alone, value)
    wrong = complaints()
    assert list(wrong) == [missing]
    assert wrong[missing].startswith("is missing; expected")
    assert f"together with {alone}" in wrong[missing]


def test_a_wrong_time_is_all_that_is_said_of_a_wrong_time(good: pytest.MonkeyPatch) -> None:
    good.setenv("DIGEST_TIME", "8.30")
    good.setenv("DIGEST_TIMEZONE", "Europe/London")
    assert list(complaints()) == ["DIGEST_TIME"]
    good.setenv("DIGEST_TIME", "08:30")
    assert load_settings().digest_time == "08:30"


def test_an_empty_variable_counts_as_not_set_but_an_empty_path_turns_its_links_off(good: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_APP_TOKEN", "PAGE_SIZE", "ROLES", "BACKOFFICE_UNIT_PATH"):
        good.setenv(name, "")
    for name in ("NOTIFY_CHANNEL", "UNITBOT_CONFIG", "BACKOFFICE_TENANCY_PATH"):
        good.setenv(name, " ")
    settings = load_settings()
    assert settings.slack_app_token is None
    assert (settings.page_size, settings.roles, settings.notify_channel) == (10, (), None)
    assert settings.backoffice_unit_path == settings.backoffice_tenancy_path == ""


def test_an_empty_value_does_not_hide_another_but_an_empty_path_is_a_value(
    good: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PAGE_SIZE=3\nPORT=\nBACKOFFICE_UNIT_PATH=/u/{id}\nBACKOFFICE_TENANCY_PATH=\n")
    (tmp_path / "unitbot.toml").write_text('port = 1\nlog_level = ""\nbackoffice_tenancy_path = "/t/{id}"')
    good.setenv("UNITBOT_CONFIG", str(tmp_path / "unitbot.toml"))
    for name in ("PAGE_SIZE", "PORT", "BACKOFFICE_UNIT_PATH"):
        good.setenv(name, "")
    settings = load_settings()
    assert (settings.page_size, settings.port, settings.log_level) == (3, 1, "info")
    assert (settings.backoffice_unit_path, settings.backoffice_tenancy_path) == ("", "")


@pytest.mark.parametrize(
    ("value", "hears"),
    [
        ("", {"*": {"reserved", "released"}}),
        ("reserved, Overlocked", {"*": {"reserved", "overlocked"}}),
        ('["occupied"]', {"*": {"occupied"}}),
        ("[]", {"*": set()}),
        ('{"C012": ["available"]}', {"*": {"reserved", "released"}, "C012": {"available"}}),
        ('{"*": [], "C012": ["released"]}', {"*": set(), "C012": {"released"}}),
    ],
)
def test_what_is_announced_is_set_for_all_channels_or_for_each(
    good: pytest.MonkeyPatch, value: str, hears: dict[str, set[str]]
) -> None:
    good.setenv("NOTIFY_ON", value)
    assert load_settings().notify_on == hears


def test_roles_are_read_from_json(good: pytest.MonkeyPatch) -> None:
    good.setenv("ROLES", '[{"name": "desk", "can": ["reserve"], "users": ["U1", "W2"], "groups": ["S3"]}]')
    assert load_settings().roles == (Role(name="desk", can=("reserve",), users=("U1", "W2"), groups=("S3",)),)


def test_the_environment_wins_over_dotenv_and_that_over_toml(good: pytest.MonkeyPatch, tmp_path: Path) -> None:
    toml = """
        PAGE_SIZE = 3
        port = 1
        host = "127.0.0.1"
        [[roles]]
        name = "desk"
        can = ["reserve", "release"]
        sites = ["site_1"]
        [notify_site_channels]
        site_1 = "C1"
    """
    (tmp_path / "unitbot.toml").write_text(toml)
    (tmp_path / ".env").write_text("PAGE_SIZE=4\nPORT=2\nUNRELATED=yes\n")
    good.setenv("UNITBOT_CONFIG", str(tmp_path / "unitbot.toml"))
    good.setenv("PAGE_SIZE", "5")
    settings = load_settings()
    assert (settings.page_size, settings.port, settings.host) == (5, 2, "127.0.0.1")
    assert settings.roles[0].sites == ("site_1",)
    assert settings.notify_site_channels == {"site_1": "C1"}


def test_dotenv_may_name_the_file_of_settings_unless_the_environment_does(
    good: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "one.toml").write_text("page_size = 1")
    (tmp_path / "two.toml").write_text("page_size = 2")
    (tmp_path / ".env").write_text("UNITBOT_CONFIG=one.toml\n")
    good.setenv("UNITBOT_CONFIG", "")
    assert load_settings().page_size == 1
    good.setenv("UNITBOT_CONFIG", "two.toml")
    assert load_settings().page_size == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), ("= nonsense", "not TOML"), ("\xff", "not TOML")],
    ids=["no file", "no TOML", "no UTF-8"],
)
def test_a_file_of_settings_that_cannot_be_read_is_named(
    good: pytest.MonkeyPatch, tmp_path: Path, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "unitbot.toml").write_text(content, encoding="latin-1")
    good.setenv("UNITBOT_CONFIG", str(tmp_path / "unitbot.toml"))
    assert said in complaints()["UNITBOT_CONFIG"]


def test_a_misspelt_setting_in_the_file_is_no_silent_default(good: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "unitbot.toml").write_text("page_sise = 3")
    good.setenv("UNITBOT_CONFIG", str(tmp_path / "unitbot.toml"))
    assert "no such setting" in complaints()["PAGE_SISE"]


@pytest.mark.usefixtures("good")
def test_a_dotenv_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PAGE_SIZE=\xff\n")
    assert ".env" in complaints()


def test_no_secret_stands_in_the_settings_repr(good: pytest.MonkeyPatch) -> None:
    good.setenv("DATABASE_URL", "postgresql+asyncpg://unitbot:hunter2@db/unitbot")
    good.setenv("STORA_WEBHOOK_SECRET", "webhook-secret")
    shown = repr(load_settings())
    for secret in ("xoxb-1", "signed-with", "'stora'", "hunter2", "webhook-secret"):
        assert secret not in shown


def test_slack_s_address_is_the_same_with_or_without_its_last_slash(good: pytest.MonkeyPatch) -> None:
    assert Settings.model_fields["slack_api_url"].default == "https://slack.com/api/"
    usual = load_settings().slack_api_url
    for given in ("https://slack.com/api", "https://slack.com/api/"):
        good.setenv("SLACK_API_URL", given)
        assert load_settings().slack_api_url == usual


def test_fixed_settings_read_nothing_but_their_arguments(good: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAGE_SIZE=4\n")
    good.setenv("PAGE_SIZE", "5")
    fixed = FixedSettings(slack_bot_token="xoxb-2", slack_app_token="xapp-2", stora_api_token="t")
    assert fixed.page_size == 10
    assert fixed.slack_bot_token.get_secret_value() == "xoxb-2"


def test_every_setting_that_can_be_wrong_says_what_is_expected() -> None:
    anything_goes = {"stora_client_id", "stora_client_secret", "stora_webhook_secret"}
    assert set(EXPECTED) == set(Settings.model_fields) - anything_goes
