"""Messages to people: in the acknowledgement, through a response_url, or by name. Only `post` raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.proxy import proxy_for
from bot.render.blocks import Message

log = structlog.get_logger(__name__)


async def post(client: AsyncWebClient, channel_id: str, message: Message) -> str:
    """A new message; returns Slack's name of it. Raises what a call to Slack may."""
    posted = await client.chat_postMessage(
        channel=channel_id,
        text=message.text,
        blocks=[dict(block) for block in message.blocks],
        unfurl_links=False,
        unfurl_media=False,
    )
    return str(posted.get("ts") or "")


@dataclass(frozen=True, slots=True)
class Deliver:
    """What is needed to send a message after the acknowledgement, when a rate limit of Slack's can be waited for."""

    client: AsyncWebClient
    session: aiohttp.ClientSession

    async def respond(self, response_url: str, body: Mapping[str, Any]) -> bool:
        """Use a response_url (5 times within 30 minutes); whether Slack took the message."""
        webhook = AsyncWebhookClient(
            response_url,
            session=self.session,
            retry_handlers=[AsyncConnectionErrorRetryHandler(), AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
        )
        webhook.proxy = proxy_for(response_url)  # the constructor has taken the environment's, even for loopback
        try:
            answer = await webhook.send_dict(dict(body))
        except Exception as error:  # noqa: BLE001 - what was done is done, whether or not it can be said
            log.warning("response_url failed", error=type(error).__name__)
            return False
        if answer.status_code != 200:  # noqa: PLR2004 - slack_sdk reports a dead response_url, it does not raise
            # Only a word of Slack's own: what else the answer holds may be a customer's name.
            word = {"reason": answer.body} if re.fullmatch("[a-z_]{1,100}", answer.body) else {}
            log.warning("response_url refused", status=answer.status_code, **word)
        return bool(answer.status_code == 200)  # noqa: PLR2004

    async def replace(self, response_url: str, message: Message) -> bool:
        """Put a message in place of the one that the response_url belongs to; whether Slack took it."""
        body = {"text": message.text, "blocks": list(message.blocks), "replace_original": True}
        return await self.respond(response_url, body)

    async def whisper(self, channel_id: str, user_id: str, message: Message) -> bool:
        """An ephemeral message, where the bot is in the channel."""
        try:
            await self.client.chat_postEphemeral(
                channel=channel_id, user=user_id, text=message.text, blocks=[dict(block) for block in message.blocks]
            )
        except Exception as error:  # noqa: BLE001 - there is one more way
            log.info("whisper refused", error=type(error).__name__)
            return False
        return True

    async def post(self, channel_id: str, message: Message) -> str | None:
        """A message to a channel; returns its `ts`, by which it can be changed, or ``None`` where Slack refuses it."""
        try:
            return await post(self.client, channel_id, message) or None
        except Exception as error:  # noqa: BLE001 - there is one more way
            log.info("post refused", error=type(error).__name__)
            return None

    async def direct(self, user_id: str, message: Message) -> bool:
        """A direct message: the last resort, and the way to tell somebody later."""
        if await self.post(user_id, message) is None:
            log.warning("message not delivered")  # the last resort has no further one
            return False
        return True


def person_in(body: Mapping[str, Any]) -> str:
    """The id of who typed, pressed or opened; empty if nobody did.

    Bolt's `context.user_id` is the bot itself where `auth.test` names no `bot_id` (tests/slack/test_deliver.py).
    """
    person = body.get("user_id") or body.get("user") or body.get("event", {}).get("user")
    return str((person.get("id") if isinstance(person, dict) else person) or "")


class Reply:
    """The way back to the person who typed or pressed.

    Attributes:
        response_url: Where answers go; a submitted modal has none of its own, but may remember one.
        channel_id: The channel to whisper in if that fails; without one it is a direct message.
        if_it_fails: What to say instead of "something went wrong", once something may have taken effect.
    """

    def __init__(self, slack: AsyncArgs, deliver: Deliver) -> None:
        self._slack = slack
        self._deliver = deliver
        self._acknowledged = False
        self.response_url: str = slack.body.get("response_url") or ""
        self.channel_id: str = slack.context.channel_id or ""
        self.if_it_fails: Message | None = None

    async def later(self) -> None:
        """Acknowledge now; the answer follows."""
        if not self._acknowledged:
            self._acknowledged = True
            await self._slack.ack()

    async def errors(self, by_block: Mapping[str, str]) -> None:
        """Send a submitted modal back, with what is wrong beside each input."""
        self._acknowledged = True
        await self._slack.ack(response_action="errors", errors=dict(by_block))

    async def send(self, message: Message) -> None:
        """A message of its own: in the acknowledgement of a command if that is still owed."""
        body = {
            "text": message.text,
            "blocks": list(message.blocks),
            "response_type": "in_channel" if message.in_channel else "ephemeral",
            "unfurl_links": False,
        }
        if not self._acknowledged and "command" in self._slack.body:
            self._acknowledged = True
            await self._slack.ack(body)
            return
        await self.later()
        if self.response_url and await self._deliver.respond(self.response_url, {**body, "replace_original": False}):
            return
        await self._otherwise(message)

    async def share(self, message: Message) -> str | None:
        """To everybody in the channel; where the bot is in it, as a message whose `ts` is returned.

        Without a `ts` it is the answer to a command, which cannot be changed later.
        """
        await self.later()
        ts = await self._deliver.post(self.channel_id, message) if self.channel_id else None
        if ts is None:
            await self.send(message)
        return ts

    async def replace(self, message: Message) -> None:
        """In place of the message whose button was pressed."""
        await self.later()
        if not (self.response_url and await self._deliver.replace(self.response_url, message)):
            await self._otherwise(message)

    async def _otherwise(self, message: Message) -> None:
        user_id = person_in(self._slack.body)
        if not (self.channel_id and await self._deliver.whisper(self.channel_id, user_id, message)):
            await self._deliver.direct(user_id, message)
