"""authlib's authorization server on our tables. It is synchronous: it runs inside `db.run_sync`.

A used assertion is unique by the primary key of `used_assertion`: of two replays at the same time one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidClientError, OAuth2Error, OAuth2Request, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.datastructures import Headers
from starlette.responses import Response

from app import clock
from app.auth import client_authentication, revocation
from app.auth.client_authentication import ASSERTION_METHOD, METHODS, Assertion, ClientRefused, OAuthClient
from app.auth.signing import LEEWAY_SECONDS, AccessTokens, AccessTokenValidator, SigningKeys, TokenInvalid
from app.db import Session, run_sync, wait_for
from app.registry.clients import clients
from app.registry.clients.scopes import SCOPES
from app.sql import statement

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
REVOCATION_PATH = "/oauth/revoke"

NO_STORE = {"Cache-Control": "no-store"}
WORDS = {
    "invalid_scope": "Ask for scopes that this client holds, separated by blanks, or leave scope out to get all.",
    "unsupported_grant_type": "The only grant_type is client_credentials.",
}
"""Descriptions in the place of authlib's, which do not say what to do. They stay in English (RFC 6749 §5.2)."""

_CLIENT_ID = re.compile(r"[a-z0-9-]{1,64}")

# The session of the transaction that the request runs in: authlib's hooks have no parameter for it.
_session: ContextVar[Session] = ContextVar("session")


class _ClientRow(NamedTuple):
    id: str
    organizer: str
    scopes: list[str]
    public_keys_json: str | None
    secret_digests: list[bytes]


_FIND_CLIENT = statement(
    """
    SELECT id, organizer_code AS organizer, scopes, CAST(public_keys AS text) AS public_keys_json,
           ARRAY(SELECT digest FROM client_secret WHERE client_id = client.id) AS secret_digests
    FROM client WHERE id = :id AND revoked_at IS NULL
    """,
    _ClientRow,
)
_USE_ASSERTION = statement(
    """
    INSERT INTO used_assertion (client_id, jti, expires_at) VALUES (:client_id, :jti, :expires_at)
    ON CONFLICT DO NOTHING
    """
)
_PRUNE_ASSERTIONS = statement(
    """
    DELETE FROM used_assertion WHERE (client_id, jti) IN (
        SELECT client_id, jti FROM used_assertion WHERE expires_at < :now
        ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED
    )
    """
)


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A request for a token, each of whose parameters is there once."""

    def __init__(self, headers: Headers, parameters: Mapping[str, str]) -> None:
        # authlib wants to see https here, but TLS ends at the proxy.
        super().__init__("POST", f"https://localhost{TOKEN_PATH}", headers=headers)
        self.payload = BasicOAuth2Payload(parameters)

    @property
    def form(self) -> Mapping[str, str]:
        parameters: Mapping[str, str] = self.payload.data
        return parameters


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def create_token_response(self) -> tuple[int, dict[str, Any], Sequence[tuple[str, str]]]:
        """As authlib does it, which would log the token as well; and a token is signed, not stored."""
        token = self.generate_token(scope=self.request.payload.scope, include_refresh_token=False)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.register_grant(ClientCredentials)
        self.register_token_generator("default", AccessTokens(keys, issuer))
        self.register_client_auth_method("client_secret_basic", client_authentication.by_basic)
        self.register_client_auth_method("client_secret_post", client_authentication.by_post)
        self.register_client_auth_method(ASSERTION_METHOD, Assertion(audiences(issuer), use_once))
        self._tokens = AccessTokenValidator(keys, issuer)

    async def answer(self, session: Session, request: TokenRequest) -> Response:
        with _running_in(session):
            response: Response = await run_sync(self.create_token_response, request)
        if response.status_code == 200:
            await clients.note_use(session, request.client.id, clock.now())
        return response

    async def revoke(self, session: Session, request: TokenRequest) -> Response:
        """Raises `Unavailable`."""
        with _running_in(session):
            response: Response = await run_sync(self._revoked, request)
        return response

    def _revoked(self, request: TokenRequest) -> Response:
        """What is no token of ours any more is revoked already (RFC 7009 §2.2)."""
        try:
            client = self.authenticate_client(request, METHODS, "revocation")
        except OAuth2Error as error:
            return self.refuse(error)
        try:
            claims = self._tokens.claims(request.form["token"])
        except TokenInvalid:
            return Response(headers=NO_STORE)
        if claims["client_id"] != client.id:
            return self.refuse(
                UnauthorizedClientError("The token is another client's: revoke it by the client that got it.")
            )
        until = datetime.fromtimestamp(claims["exp"] + LEEWAY_SECONDS, UTC)
        wait_for(revocation.revoke(_session.get(), client.id, claims["jti"], until, clock.of_the_database()))
        return Response(headers=NO_STORE)

    def refuse(self, error: OAuth2Error) -> Response:
        return self.handle_response(*error())

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        return request

    def authenticate_client(
        self, request: TokenRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> OAuthClient:
        client_authentication.check_one_method(request)
        try:
            client: OAuthClient = super().authenticate_client(request, methods, endpoint)
        except ClientRefused:
            raise
        except InvalidClientError:
            raise ClientRefused from None
        return client

    def query_client(self, client_id: str) -> OAuthClient | None:
        if not _CLIENT_ID.fullmatch(client_id):
            return None
        reading = _session.get().first(_FIND_CLIENT, id=client_id)
        found = wait_for(reading)
        if found is None:
            return None
        return OAuthClient(
            id=found.id,
            organizer=found.organizer,
            scopes=found.scopes,
            public_keys=None if found.public_keys_json is None else orjson.loads(found.public_keys_json),
            secret_digests=found.secret_digests,
        )

    def send_signal(self, *_: Any, **__: Any) -> None:
        """authlib would tell listeners. Nobody listens."""

    def handle_response(self, status: int, body: Mapping[str, Any], headers: Sequence[tuple[str, str]]) -> Response:
        if body.get("error") in WORDS:
            body = {**body, "error_description": WORDS[body["error"]]}
        return Response(orjson.dumps(body), status, dict(headers))


def audiences(issuer: str) -> list[str]:
    """Whom an assertion may be for: us, or one of the endpoints that it is sent to."""
    return [issuer, issuer + TOKEN_PATH, issuer + REVOCATION_PATH]


def use_once(client_id: str, jti: str, expires_at: float) -> bool:
    session, until = _session.get(), datetime.fromtimestamp(expires_at, UTC)
    is_new = wait_for(session.run(_USE_ASSERTION, client_id=client_id, jti=jti, expires_at=until)) == 1
    if is_new:
        wait_for(session.run(_PRUNE_ASSERTIONS, now=clock.of_the_database()))
    return is_new


@contextmanager
def _running_in(session: Session) -> Iterator[None]:
    token = _session.set(session)
    try:
        yield
    finally:
        _session.reset(token)
