"""What a call through Slack's own client may raise, and what Slack said in it."""

import aiohttp
from slack_sdk.errors import SlackClientError

TROUBLE = (SlackClientError, aiohttp.ClientError, OSError, AttributeError, ValueError)
"""All of it: slack_sdk takes each answer for JSON, and stumbles over a proxy's plain text and over broken encodings."""

OUTAGES = {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
"""Slack's words for its own trouble; any other word is about what was asked, and for good."""

LONGEST_WAIT = 1800.0
"""Seconds. Slack asks for a minute or so; a longer wait is asked again about."""


def what_slack_said(trouble: Exception) -> str:
    """Slack's own word, such as `ratelimited`; without one the status, or the kind of the trouble. Holds no message."""
    response = getattr(trouble, "response", None)  # slack_sdk's, or aiohttp's where there was no JSON
    said = getattr(response, "data", None)
    word = said.get("error") if isinstance(said, dict) else None
    if isinstance(word, str) and word:
        return word
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return f"HTTP {status}" if status else type(trouble).__name__


def seconds_to_wait(trouble: Exception) -> float | None:
    """What `Retry-After` asks for; ``None`` without one that makes sense."""
    headers = getattr(getattr(trouble, "response", None), "headers", {})
    try:
        seconds = float(headers["Retry-After"])
    except (KeyError, TypeError, ValueError):
        return None
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None
