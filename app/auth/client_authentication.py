"""A client proves who it is in one way (RFC 6749 §2.3): by its secret in header or body, or by a signed assertion.

Every failure gets the same answer, and an unknown client costs the same work as a known one: neither the answer nor its
time tells which clients there are.
"""

from __future__ import annotations

import base64
import hmac
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import orjson
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet

from app import clock
from app.auth.scopes import granted
from app.registry.clients import client_keys, clients
from app.registry.clients.client_keys import MOST_KEYS

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
ASSERTION_METHOD = "private_key_jwt"
METHODS = (*SECRET_METHODS, ASSERTION_METHOD)
ASSERTION_ALGORITHMS = [name for names in client_keys.ALGORITHMS.values() for name in names]
ASSERTION_LIFETIME_SECONDS = 60 * 60
"""An assertion expires at most this long from now, which is the default of authlib and others. Its `jti` is kept until
then, so that the assertion works only once.
"""
ASSERTION_LEEWAY_SECONDS = 30
"""A client's clock may differ from ours by this much."""

MOST_CHARACTERS_OF_A_NAME = 64
"""Characters of what may be the id of a client."""

# An unknown client's assertion is verified with this key. No assertion fits: the private half of the key is gone.
_NOBODYS_KEY = ECKey.import_key(ECKey.generate_key("P-256").as_dict(private=False))


class ClientRefused(InvalidClientError):  # type: ignore[misc]  # noqa: N818 - an answer
    """401 with a challenge, whichever way the client tried. authlib's challenge lacks the realm that Basic needs."""

    description = (
        "Client authentication failed: check client_id and its secret or assertion. A revoked client needs a new one."
    )
    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        json_headers = super(InvalidClientError, self).get_headers()
        return [*json_headers, ("WWW-Authenticate", 'Basic realm="pemudik", charset="UTF-8"')]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient(ClientMixin):  # type: ignore[misc]
    id: str
    organizer: str
    scopes: Sequence[str]
    public_keys: Mapping[str, Any] | None = field(repr=False)
    secret_digests: Sequence[bytes] = field(repr=False)

    def get_client_id(self) -> str:
        return self.id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return granted(scope, self.scopes)

    def check_client_secret(self, secret: str) -> bool:
        presented = clients.digest(secret)
        matches = [hmac.compare_digest(presented, digest) for digest in self.secret_digests]
        return any(matches)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == ASSERTION_METHOD) == (self.public_keys is not None)

    def check_grant_type(self, _grant_type: str) -> bool:
        return True


NOBODY = OAuthClient(id="", organizer="", scopes=(), public_keys=None, secret_digests=(bytes(32), bytes(32)))
"""Stands in for a client that is unknown or revoked. No secret and no assertion fits."""

FindClient = Callable[[str], OAuthClient | None]


def by_basic(find: FindClient, request: Any) -> OAuthClient | None:
    authorization = request.headers.get("authorization")
    if authorization is None:
        return None
    client_id, secret = _basic_credentials(authorization)
    if request.form.get("client_id", client_id) != client_id:
        raise InvalidRequestError("client_id differs from the one in the Authorization header: send one of them.")
    return _by_secret(find, client_id, secret)


def by_post(find: FindClient, request: Any) -> OAuthClient | None:
    if "client_secret" not in request.form:
        return None
    return _by_secret(find, request.form.get("client_id", ""), request.form["client_secret"])


def named(request: Any) -> str:
    """Which client a request says that it is from, proven or not."""
    authorization = request.headers.get("authorization")
    try:
        if authorization is not None:
            return _basic_credentials(authorization)[0][:MOST_CHARACTERS_OF_A_NAME]
        if "client_assertion" in request.form and "client_id" not in request.form:
            claims = orjson.loads(jws.extract_compact(request.form["client_assertion"].encode()).payload)
            return claims["sub"][:MOST_CHARACTERS_OF_A_NAME] if isinstance(claims["sub"], str) else ""
    except (ClientRefused, JoseError, ValueError, TypeError, LookupError):
        return ""
    return str(request.form.get("client_id", ""))[:MOST_CHARACTERS_OF_A_NAME]


def check_one_method(request: Any) -> None:
    """Refuses a request that proves in more than one way who its client is (RFC 6749 §2.3)."""
    headers = request.headers.getlist("authorization")
    asserted = "client_assertion" in request.form or "client_assertion_type" in request.form
    if len(headers) + ("client_secret" in request.form) + asserted > 1:
        raise InvalidRequestError(
            "More than one way of client authentication: use Authorization, client_secret or client_assertion."
        )


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """private_key_jwt (RFC 7523 §3). `use_once` says whether a `jti` is new, and remembers the `jti`."""

    CLIENT_AUTH_METHOD = ASSERTION_METHOD

    def __init__(self, audiences: Sequence[str], use_once: Callable[[str, str, float], bool]) -> None:
        super().__init__(leeway=ASSERTION_LEEWAY_SECONDS)
        self._audiences = list(audiences)
        self._use_once = use_once

    def __call__(self, find: FindClient, request: Any) -> OAuthClient | None:
        def find_named(client_id: str) -> OAuthClient:
            if request.form.get("client_id", client_id) != client_id:
                raise InvalidRequestError(
                    "client_id differs from the subject of the assertion: leave client_id out, or correct it."
                )
            return find(client_id) or NOBODY

        try:
            client: OAuthClient | None = super().__call__(find_named, request)
        except RecursionError:
            raise ClientRefused from None
        return client

    def get_audiences(self) -> list[str]:
        return self._audiences

    def resolve_client_public_key(self, client: OAuthClient) -> Key | KeySet:
        if client.public_keys is None:
            return KeySet([_NOBODYS_KEY])
        return KeySet.import_key_set(dict(client.public_keys))  # type: ignore[arg-type]

    def process_assertion_claims(self, assertion: str, key: Key | KeySet) -> dict[str, Any]:
        """Only a client that holds the key learns more than that authentication failed."""
        try:
            claims = _verified(assertion, key)
        except (JoseError, ValueError, TypeError):
            raise ClientRefused from None
        try:
            self.verify_claims(claims)
        except InvalidClientError as error:
            raise ClientRefused(f"The assertion is not acceptable: {error.description}") from None
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        expires_at = claims.get("exp")
        if isinstance(expires_at, int | float) and expires_at > _latest_expiry():
            raise InvalidClientError(description=f"it lives longer than {ASSERTION_LIFETIME_SECONDS} seconds")
        super().verify_claims(claims)

    def validate_jti(self, claims: dict[str, Any], jti: object) -> bool:
        if not isinstance(jti, str) or not 1 <= len(jti) <= 200 or not jti.isprintable():
            raise InvalidClientError(description="its jti is not 1 to 200 printable characters")
        return self._use_once(claims["sub"], jti, claims["exp"] + ASSERTION_LEEWAY_SECONDS)


def _latest_expiry() -> float:
    return clock.of_the_database().timestamp() + ASSERTION_LIFETIME_SECONDS + ASSERTION_LEEWAY_SECONDS


def _verified(assertion: str, key: Key | KeySet) -> dict[str, Any]:
    """The claims, by the key that the assertion names. If it names none, each key is tried."""
    if isinstance(key, Key) or "kid" in jws.extract_compact(assertion.encode()).protected:
        return _verified_by(assertion, key)
    # As many for every client: the time does not tell how many keys there are.
    keys = [*key.keys, *[_NOBODYS_KEY] * (MOST_KEYS - len(key.keys))]
    tried = [_claims_or_none(assertion, one) for one in keys]
    found = next((claims for claims in tried if claims is not None), None)
    if found is None:
        raise ClientRefused
    return found


def _claims_or_none(assertion: str, key: Key) -> dict[str, Any] | None:
    try:
        return _verified_by(assertion, key)
    except (JoseError, ValueError, TypeError):
        return None


def _verified_by(assertion: str, key: Key | KeySet) -> dict[str, Any]:
    with warnings.catch_warnings():
        # joserfc warns of `EdDSA`, the name that RFC 9864 replaced by `Ed25519`. Most clients still send it.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(assertion, key, algorithms=ASSERTION_ALGORITHMS).claims


def _by_secret(find: FindClient, client_id: str, secret: str) -> OAuthClient:
    client = find(client_id) or NOBODY
    if not client.check_client_secret(secret):
        raise ClientRefused
    return client


def _basic_credentials(authorization: str) -> tuple[str, str]:
    """Client id and secret. Both are form-encoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        credentials = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise ClientRefused from None
    if scheme.lower() != "basic" or not colon:
        raise ClientRefused
    return credentials
