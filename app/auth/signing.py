"""Access tokens (RFC 9068): the keys that sign them, and what has to hold before a token is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator, JWTBearerTokenValidator
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

ALGORITHM = "ES256"
LIFETIME_SECONDS = 15 * 60
LEEWAY_SECONDS = 10
"""The clocks of two of our machines may differ by this much."""

LAST_INSTANT = 2**33
"""In seconds since 1970. No token of ours expires later than this."""

_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_OF_OTHER_TYPES = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What the libraries raise when a claim or a header has another type than they expect."""


class TokenInvalid(Exception):  # noqa: N818 - an outcome
    """This is not a token of ours for this API, or it has expired. Nobody is told which."""


@dataclass(frozen=True, slots=True, repr=False)
class _KeySets:
    jwks: Sequence[Mapping[str, Any]]
    signing: KeySet
    """The current key alone. It stands in a set, since authlib writes a `kid` only for a set's key."""
    verifying: KeySet
    """The public keys: the current one, and those that signed before."""


class SigningKeys:
    """Private EC P-256 keys with a `kid`. The first one signs. `held` is asked each time, since keys rotate."""

    def __init__(self, held: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        self._held = held
        self._sets = _sets_of(held())

    @property
    def signing(self) -> KeySet:
        return self._current().signing

    @property
    def verifying(self) -> KeySet:
        return self._current().verifying

    def published(self) -> dict[str, Any]:
        """The JWK Set of RFC 7517."""
        return {**self.verifying.as_dict(private=False)}

    def _current(self) -> _KeySets:
        jwks = self._held()
        if jwks is not self._sets.jwks:
            self._sets = _sets_of(jwks)
        return self._sets


def _sets_of(jwks: Sequence[Mapping[str, Any]]) -> _KeySets:
    private = [ECKey.import_key({**jwk, "use": "sig", "alg": ALGORITHM}) for jwk in jwks]
    public = [ECKey.import_key(key.as_dict(private=False)) for key in private]
    return _KeySets(jwks, KeySet([private[0]]), KeySet([*public]))


def audience(issuer: str) -> str:
    """The API that tokens of `issuer` are for."""
    return f"{issuer}/graphql"


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Makes and signs access tokens. The client's `get_allowed_scope` judges the scope."""

    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        super().__init__(issuer, alg=ALGORITHM, expires_generator=LIFETIME_SECONDS)
        self._keys = keys

    def get_jwks(self) -> KeySet:
        return self._keys.signing

    def get_audiences(self, *_: Any) -> str:
        return audience(self.issuer)

    def get_extra_claims(self, client: Any, *_: Any) -> dict[str, str]:
        return {"org": client.organizer}


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Verifies access tokens. authlib alone would accept one without `typ`, without `kid`, or of another algorithm."""

    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        super().__init__(issuer, audience(issuer))
        self._keys = keys

    def get_jwks(self) -> KeySet:
        return self._keys.verifying

    def claims(self, token: str) -> dict[str, Any]:
        try:
            access_token = self.authenticate_token(token)
            access_token.validate(leeway=LEEWAY_SECONDS)
            _check_header(access_token.header)
            _check_claims(access_token)
        except (JoseError, OAuth2Error, *_OF_OTHER_TYPES):
            raise TokenInvalid from None
        return dict(access_token)


def _check_header(header: Mapping[str, Any]) -> None:
    typ = header.get("typ")
    if header["alg"] != ALGORITHM or "kid" not in header or not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise InvalidTokenError


def _check_claims(claims: Mapping[str, Any]) -> None:
    """Those that are read here. JWT lets every claim have any type of JSON, and a number of any size."""
    client, jti, scope, expires_at = claims["client_id"], claims["jti"], claims.get("scope", ""), claims["exp"]
    if not all(isinstance(one, str) and one.isprintable() for one in (client, jti)) or not isinstance(scope, str):
        raise InvalidTokenError
    if isinstance(expires_at, bool) or not isinstance(expires_at, int) or expires_at > LAST_INSTANT:
        raise InvalidTokenError
