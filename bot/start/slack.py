"""Slack, as the settings describe the way there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.proxy import proxy_for
from bot.settings import Settings
from bot.slack.trouble import OUTAGES, TROUBLE, what_slack_said
from bot.start.refused import CannotStart

log = structlog.get_logger(__name__)

SLACK_TIMEOUT = 5.0
"""Seconds for one call to Slack."""
START_ATTEMPTS = 5


def slack_session() -> aiohttp.ClientSession:
    """The connections to Slack."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLACK_TIMEOUT), trust_env=False)


def slack_client(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """A client on the one shared session: without it every call opens a connection of its own."""
    base_url = settings.slack_api_url + "/"
    client = AsyncWebClient(
        settings.slack_bot_token.get_secret_value(),
        base_url=base_url,
        session=session,
        retry_handlers=[AsyncConnectionErrorRetryHandler()],
    )
    client.proxy = proxy_for(base_url)  # the constructor has taken the environment's, even for loopback
    return client


async def tried(setting: str, expected: str, call: Callable[[], Awaitable[AsyncSlackResponse]]) -> AsyncSlackResponse:
    """Call Slack with a token for the first time: a refusal ends the start, an outage is waited for a while."""
    for attempt in range(START_ATTEMPTS):
        try:
            return await call()
        except TROUBLE as trouble:
            reason = what_slack_said(trouble)
            # A word of Slack's own is about the token, unless it is about Slack's own trouble.
            if isinstance(trouble, SlackApiError) and reason.islower() and reason not in OUTAGES:
                raise CannotStart(f"{setting}: Slack does not accept it ({reason}); expected {expected}") from None
            log.warning("Slack does not answer", reason=reason)
        await asyncio.sleep(2**attempt / 4)
    raise CannotStart("SLACK_API_URL: Slack does not answer; is the network, or the proxy, in order?")


def _no_word_of_a_second_token(record: logging.LogRecord) -> bool:
    return "`token` will be unused" not in record.getMessage()


def bolt(settings: Settings, session: aiohttp.ClientSession, who: AsyncSlackResponse) -> AsyncApp:
    """Bolt's app, which knows who we are; ``who`` is what `auth.test` has answered."""
    known = AuthorizeResult.from_auth_test_response(
        auth_test_response=who, bot_token=settings.slack_bot_token.get_secret_value()
    )

    async def authorize() -> AuthorizeResult:
        """The same for every request: without this, Bolt asks Slack inside the three seconds."""
        return known

    # Without it, Bolt's own loggers take the root's level, and say more than anybody wants to know.
    quiet = logging.getLogger("slack_bolt")
    # Bolt reads SLACK_BOT_TOKEN by itself, only to warn that it is not going to use it.
    quiet.addFilter(_no_word_of_a_second_token)
    return AsyncApp(
        name="unitbot",
        logger=quiet,
        client=AsyncWebClient(session=session),
        # Given so, Bolt keeps to our token even where SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are in the environment.
        authorize=authorize,
        signing_secret="",
        request_verification_enabled=False,  # ours, in bot/slack/server.py, comes before Bolt; Socket Mode has none
    )
