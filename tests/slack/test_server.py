"""Slack's requests by HTTP, where the bot has not started yet; the rest is walked in tests/walks/test_http.py."""

from urllib.parse import urlencode

import httpx
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.loopback import serve
from bot.slack.server import LONGEST_START, SlackEvents, application

SECRET = "0123456789abcdef"


async def test_a_request_waits_a_little_for_a_bot_that_starts_and_is_then_told_so() -> None:
    events = SlackEvents(SecretStr(SECRET))
    body = urlencode({"command": "/units"})
    async with (
        serve(application({}, {"/slack/events": events.answer})) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=3 * LONGEST_START) as http,
    ):
        unsigned = await http.post("/slack/events", content=body)
        assert (unsigned.status_code, unsigned.elapsed.total_seconds() < LONGEST_START) == (401, True)
        signed = await http.post("/slack/events", content=body, headers=_signed(body))
        assert (signed.status_code, signed.elapsed.total_seconds() >= LONGEST_START) == (503, True)


async def test_without_a_signing_secret_nothing_is_signed() -> None:
    async with (
        serve(application({}, {"/slack/events": SlackEvents(None).answer})) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        assert (await http.post("/slack/events", content="", headers=_signed(""))).status_code == 401


def _signed(body: str) -> dict[str, str]:
    verifier = SignatureVerifier(SECRET)
    now = str(int(verifier.clock.now()))
    signature = verifier.generate_signature(timestamp=now, body=body)
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": str(signature)}
