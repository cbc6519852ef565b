"""The two OAuth endpoints: get a token with client credentials, and ask what a token is."""

from collections.abc import Callable

from bot.sandbox.stora.calls import Body, Call, Reply, read_body
from bot.sandbox.stora.grants import Credentials, Tokens, token_info
from bot.sandbox.stora.lists import check_names
from bot.sandbox.stora.routes import Route


class TokenBody(Body):
    """The four fields of `POST /oauth2/token`, all of them required."""

    grant_type: str
    client_id: str
    client_secret: str
    scope: str


def oauth_routes(tokens: Tokens, client_id: str, new_token: Callable[[], str]) -> list[Route]:
    """Return the endpoints; ``new_token`` makes the text of each token that is issued."""

    def token(call: Call) -> Reply:
        check_names(call.query, set())
        body = read_body(TokenBody, call.raw)
        asked = Credentials(body.grant_type, body.client_id, body.client_secret, body.scope)
        return Reply(tokens.issue(new_token(), asked, call.now))

    def info(call: Call) -> Reply:
        check_names(call.query, set())
        return Reply(token_info(call.grant, client_id, call.world.operator))

    return [
        Route("POST", "/oauth2/token", token, None, bare=True, open=True),
        Route("GET", "/oauth2/token/info", info, None, bare=True),
    ]
