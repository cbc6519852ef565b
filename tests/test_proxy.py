"""The environment's proxies lead to the neighbours, never to this machine."""

import pytest

from bot.proxy import proxy_for

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://slack.com/api/", None),
        ({"HTTPS_PROXY": PROXY}, "https://slack.com/api/", PROXY),
        ({"https_proxy": PROXY}, "https://slack.com/api/", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://slack.com/api/", None),
        ({"HTTP_PROXY": PROXY}, "http://stora.example", PROXY),
        ({"ALL_PROXY": PROXY}, "https://slack.com/api/", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com,other"}, "https://slack.com/api/", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, "https://slack.com/api/", None),
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.1:8080/api/", None),
        ({"HTTP_PROXY": PROXY}, "http://127.1.2.3/", None),
        ({"HTTP_PROXY": PROXY}, "http://[::1]:8080/", None),
        ({"HTTP_PROXY": PROXY}, "http://localhost:8080/", None),
        ({"HTTP_PROXY": PROXY}, "http://10.0.0.1/", PROXY),
    ],
)
def test_the_way_to_an_address(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy
