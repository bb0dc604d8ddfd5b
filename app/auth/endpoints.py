"""The OAuth endpoints over HTTP: tokens (RFC 6749 §3.2), their revocation (RFC 7009), our public keys (RFC 7517), our
metadata (RFC 8414).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth import client_authentication, edge
from app.auth.client_authentication import ASSERTION_ALGORITHMS, METHODS
from app.auth.edge import BodyTooLarge, BodyTooLate
from app.auth.server import REVOCATION_PATH, TOKEN_PATH, Server, TokenRequest
from app.auth.signing import SigningKeys
from app.auth.slowing import Failures
from app.db import Database, Session
from app.errors import Unavailable
from app.registry.clients.scopes import SCOPES

JWKS_PATH = "/oauth/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"

Answer = Callable[[Session, TokenRequest], Awaitable[Response]]
MISSING = {
    "grant_type": "grant_type is missing: send grant_type=client_credentials.",
    "token": "token is missing: send the access token that is to be revoked.",
}
"""What is said when the parameter that an endpoint requires is not there."""
LATER = "The registry cannot answer now: try again after the seconds in Retry-After."
_MOST_BODY_BYTES = 16 * 1024
BODY_WITHIN_SECONDS = 10.0
"""A request's body must have arrived by then."""
_MOST_PARAMETERS = 20


def routes(database: Database, keys: SigningKeys, issuer: str, failures: Failures | None = None) -> list[Route]:
    """`issuer` is the URL by which clients call us, without a final slash. Tokens and metadata are built on it."""
    server, guessed = Server(keys, issuer), failures or Failures()

    async def token(request: Request) -> Response:
        return await answered(request, "grant_type", server.answer)

    async def revocation(request: Request) -> Response:
        return await answered(request, "token", server.revoke)

    answered = partial(_answered, database, server, guessed)
    return [
        Route(TOKEN_PATH, token, methods=["POST"]),
        Route(REVOCATION_PATH, revocation, methods=["POST"]),
        _document(JWKS_PATH, keys.published),
        _document(METADATA_PATH, lambda: metadata(issuer)),
    ]


async def _answered(
    database: Database, server: Server, guessed: Failures, request: Request, required: str, answer: Answer
) -> Response:
    try:
        token_request = TokenRequest(request.headers, await _parameters(request, required))
    except OAuth2Error as error:
        request.state.outcome = error.error
        return server.refuse(error)
    try:
        async with database.transaction() as session:
            response = await answer(session, token_request)
    except Unavailable as unavailable:
        request.state.outcome = "temporarily_unavailable"
        return _later(server, unavailable)
    request.state.outcome = orjson.loads(response.body or b"{}").get("error", "ok")
    if request.state.outcome == "invalid_client":
        # The transaction has ended: whoever waits holds no connection of the database.
        await guessed.note(request, client_authentication.named(token_request))
    if token_request.client is not None and response.status_code == 200:
        request.state.client_id = token_request.client.id
    return response


def _later(server: Server, unavailable: Unavailable) -> Response:
    headers = [("Cache-Control", "no-store"), ("Retry-After", str(unavailable.retry_after))]
    return server.handle_response(503, {"error": "temporarily_unavailable", "error_description": LATER}, headers)


def metadata(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": list(SCOPES),
        # There is no authorization endpoint, but the member is required.
        "response_types_supported": [],
        "grant_types_supported": [ClientCredentialsGrant.GRANT_TYPE],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
    }


def _document(path: str, content: Callable[[], Mapping[str, Any]]) -> Route:
    async def document(_request: Request) -> Response:
        return Response(
            orjson.dumps(content()), media_type="application/json", headers={"Cache-Control": "public, max-age=300"}
        )

    return Route(path, document, methods=["GET"])


async def _parameters(request: Request, required: str) -> dict[str, str]:
    """The parameters of the body. A parameter without a value counts as left out (RFC 6749 §3.2)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body must be application/x-www-form-urlencoded, as Content-Type says.")
    body = await _body(request)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise InvalidRequestError(
            f"The body must be a form in UTF-8 with {_MOST_PARAMETERS} parameters at most."
        ) from None
    if any(times > 1 for times in Counter(name for name, _ in pairs).values()):
        raise InvalidRequestError("A parameter is there more than once: send each once.")
    parameters = {name: value for name, value in pairs if value}
    if required not in parameters:
        raise InvalidRequestError(MISSING[required])
    return parameters


async def _body(request: Request) -> bytes:
    content_length = request.headers.get("content-length", "")
    try:
        return await edge.whole_body(
            request.receive, content_length, limit=_MOST_BODY_BYTES, within_seconds=BODY_WITHIN_SECONDS
        )
    except BodyTooLarge:
        raise InvalidRequestError(f"The body must have {_MOST_BODY_BYTES} bytes at most.") from None
    except BodyTooLate:
        raise InvalidRequestError("The body did not arrive in time: send it again.", status_code=408) from None
