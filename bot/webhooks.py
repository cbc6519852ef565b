"""`unitbot webhooks create`: register where Stora sends its events, and show the secret, this once."""

import re
import uuid

from bot.core.problems import OutcomeUnknown, Problem
from bot.settings import Settings
from bot.start.stora import stora_client, stora_exchange, stora_login, stora_writes
from bot.stora.client import read_to_the_end
from bot.stora.endpoints import EVENT_TYPES, PATH, READ, WRITE
from bot.stora.exchange import PERSON
from bot.stora.words import in_words


class NotRegistered(Exception):
    """The endpoint was not registered; the text says why, for whoever asked for it."""


def endpoint_url(given: str) -> str | None:
    """The address of our endpoint on a host; ``None`` for what Stora could not reach (it must be HTTPS)."""
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[\w./-]*)?", given):
        return None
    url = given.rstrip("/")
    return url if url.endswith(PATH) else url + PATH


async def register(settings: Settings, url: str, event_types: tuple[str, ...] = EVENT_TYPES) -> str:
    """Register the endpoint ``url``; returns its secret.

    Raises:
        NotRegistered: with the reason, in Stora's own words where it refused.
    """
    async with stora_exchange(settings) as exchange:
        login = stora_login(settings, exchange, also=(READ, WRITE))
        client, writes = stora_client(settings, exchange, login), stora_writes(settings, exchange, login)
        try:
            known, _ = await read_to_the_end(lambda page: client.list_webhook_endpoints(PERSON, page=page))
            if any(endpoint.url == url and endpoint.enabled for endpoint in known):
                raise NotRegistered(
                    f"{url} is registered and enabled already; Stora shows its secret no more. "
                    "If it is lost, disable that endpoint in the Backoffice (Settings → Webhooks) and run this again."
                )
            endpoint = await writes.create_webhook_endpoint(url, event_types, "Unitbot", str(uuid.uuid4()))
        except OutcomeUnknown as lost:
            raise NotRegistered(
                f"{in_words(lost)}: the endpoint may have been registered without its secret being seen. "
                "Look in the Backoffice (Settings → Webhooks), and disable it there before you run this again."
            ) from None
        except Problem as problem:
            raise NotRegistered(
                f"{in_words(problem)}. The token or OAuth client needs {READ} and {WRITE}, and only for this."
            ) from None
    if not endpoint.secret:
        raise NotRegistered(f"Stora registered {url} without telling the secret; look in the Backoffice for it.")
    return endpoint.secret
