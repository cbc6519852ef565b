"""The messages of requests for approval: always as the database has it; and the end of those that grew too old."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.approvals import FINAL, NEVER_POSTED, News, Request
from bot.core.problems import DatabaseUnusable
from bot.core.reservations import Owed
from bot.jobs.outbox import NotYet
from bot.render.approvals import render_answer, render_request
from bot.slack.deliver import Deliver, post
from bot.store.approvals import Approvals

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between two looks for old requests."""
CARD_LIVES = timedelta(minutes=30)
"""How long the asker's card can be changed (Slack, response_url)."""
CARD_SHOWN = 3.0
"""Seconds that changing it may take: the direct message matters more."""


@dataclass(frozen=True, slots=True)
class Requests:
    """How the outbox sends `request` and `answer`, and the job that ends what nobody has answered."""

    client: AsyncWebClient
    deliver: Deliver
    approvals: Approvals
    something_owed: asyncio.Event
    now: Callable[[], datetime]
    every: float = EVERY
    card_shown: float = CARD_SHOWN

    async def draw(self, owed: Owed) -> str:
        """The request's own message: posted once, then drawn again whenever something has happened."""
        news = News.model_validate_json(owed.payload)
        request = await self._request(news)
        if news.about == "asked":
            # What is over before it could be posted needs nobody's attention.
            return await post(self.client, owed.channel_id, render_request(request)) if request.waits else ""
        if request.posted == "owed":
            raise NotYet("its message is not posted yet")
        drawn = None
        while request.ts and (message := render_request(request)) != drawn:
            await self.client.chat_update(
                channel=owed.channel_id,
                ts=request.ts,
                text=message.text,
                blocks=[dict(block) for block in message.blocks],
            )
            # Another process may have drawn something newer while this was on its way to Slack.
            drawn, request = message, await self._request(news)
        return request.ts

    async def answer(self, owed: Owed) -> str:
        """The asker's card, where Slack still lets us change it; and a direct message once it is over."""
        news = News.model_validate_json(owed.payload)
        request = await self._request(news)
        message = render_answer(request)
        if request.response_url and self.now() - request.asked_at < CARD_LIVES:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.card_shown):
                    await self.deliver.replace(request.response_url, message)
        return await post(self.client, owed.channel_id, message) if news.about in FINAL else ""

    async def never_posted(self, owed: Owed) -> None:
        """Slack will not take the request's message: the asker must not wait for an answer that nobody can give."""
        news = News.model_validate_json(owed.payload)
        if news.about == "asked":
            await self.approvals.expire(news.decision_id, self.now(), NEVER_POSTED)
            self.something_owed.set()

    async def run(self) -> None:
        """Until cancelled: end the requests that nobody has answered in time."""
        while True:
            try:
                for request in await self.approvals.old(self.now()):
                    await self.approvals.expire(request.decision.proposal.id, self.now(), "")
                    self.something_owed.set()
            except DatabaseUnusable as problem:
                log.warning("old requests not looked for", reason=problem.reason)
            await asyncio.sleep(self.every)

    async def _request(self, news: News) -> Request:
        request = await self.approvals.get(news.decision_id)
        assert request is not None  # noqa: S101 - news is owed for requests only, and nothing deletes one
        return request
