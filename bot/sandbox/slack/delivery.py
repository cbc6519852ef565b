"""Deliveries to the app: signed HTTP requests, or envelopes over Socket Mode; and the wait for the acknowledgement."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.slack.nouns import Json
from bot.sandbox.slack.reaction import Envelope, Parcel, Reaction
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.state import State

_OK = 200
_PATIENCE = 1.2


@dataclass(slots=True)
class Courier:
    """Takes parcels to the app.

    ``request_url`` selects HTTP; None selects Socket Mode. ``ack_seconds`` is how long Slack waits.
    ``signing_clock`` dates the signatures: an app verifies them by the real time, whatever ``state.now`` says.
    """

    state: State
    sockets: Sockets
    request_url: str | None = None
    ack_seconds: float = 3.0
    signing_clock: Callable[[], float] = time.time

    def parcel(self, kind: Envelope, payload: Json, *, accepts: bool = False) -> Parcel:
        """A payload, ready to be sent; ``accepts`` when its acknowledgement may carry an answer."""
        if kind == "events_api":
            body, content = json.dumps(payload), "application/json"
        else:
            form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content = urlencode(form), "application/x-www-form-urlencoded"
        envelope: Json = {
            "envelope_id": self.state.tickets.id("envelope"),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": 0, "retry_reason": ""}
        return Parcel(kind, payload, body.encode(), self.headers(body.encode(), content), envelope)

    def headers(self, body: bytes, content: str) -> dict[str, str]:
        """The headers of a genuine request with this body."""
        timestamp = str(int(self.signing_clock()))
        signature = SignatureVerifier(self.state.signing_secret).generate_signature(timestamp=timestamp, body=body)
        return {
            "Content-Type": content,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": str(signature),
        }

    async def deliver(self, parcel: Parcel) -> Reaction:
        """Send a parcel and wait for the acknowledgement, at most for so long as Slack does."""
        reaction = Reaction(self.state.journal, parcel, since=len(self.state.journal.changes))
        begun = self.state.now()
        try:
            if self.request_url is None:
                await self._over_socket(parcel, reaction)
            else:
                await self._over_http(parcel.body, parcel.headers, reaction)
        except TimeoutError:
            reaction.timed_out = True
        reaction.seconds = self.state.now() - begun
        if reaction.seconds > self.ack_seconds:
            reaction.timed_out = True
        if reaction.timed_out:
            reaction.error = "operation_timeout"
        elif reaction.status != _OK:
            reaction.error = "dispatch_failed"
        return reaction

    async def post_raw(self, body: bytes, headers: Mapping[str, str]) -> Reaction:
        """POST whatever this is to the app, e.g. something forged; HTTP only."""
        reaction = Reaction(self.state.journal, since=len(self.state.journal.changes))
        await self._over_http(body, headers, reaction)
        return reaction

    async def _over_http(self, body: bytes, headers: Mapping[str, str], reaction: Reaction) -> None:
        if self.request_url is None:
            raise RuntimeError("there is no request_url: the app is reached over Socket Mode")
        patience = aiohttp.ClientTimeout(total=self.ack_seconds * _PATIENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.post(self.request_url, data=body, headers=headers) as response,
            ):
                text = await response.text()
                reaction.status, reaction.body = response.status, _decoded(text, response.content_type)
        except aiohttp.ClientConnectionError as error:
            # Anything but a refused connection may have reached the app, which then died or hung up.
            reaction.undelivered = isinstance(error, aiohttp.ClientConnectorError)

    async def _over_socket(self, parcel: Parcel, reaction: Reaction) -> None:
        said = await self.sockets.deliver(parcel.envelope, self.ack_seconds * _PATIENCE)
        if said is None:
            reaction.undelivered = True
            return
        reaction.status, reaction.body = _OK, said.get("payload")
        if reaction.body is not None and not parcel.envelope["accepts_response_payload"]:
            self.state.journal.violated(parcel.kind, ["an acknowledgement with a payload, where Slack takes none"])


def _decoded(text: str, content: str) -> Any:
    if not text:
        return None
    return json.loads(text) if content == "application/json" else text


def again(parcel: Parcel, retry_num: int | None, retry_reason: str) -> Parcel:
    """The same parcel once more; with ``retry_num`` it says that it is a retry, as Slack's events do."""
    if retry_num is None:
        return parcel
    marks = {"X-Slack-Retry-Num": str(retry_num), "X-Slack-Retry-Reason": retry_reason}
    envelope = parcel.envelope | {"retry_attempt": retry_num, "retry_reason": retry_reason}
    return Parcel(parcel.kind, parcel.payload, parcel.body, {**parcel.headers, **marks}, envelope)
