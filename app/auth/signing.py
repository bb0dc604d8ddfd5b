"""Access tokens (RFC 9068): what they are signed with, and what has to hold before one is believed."""

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
LIFETIME = 15 * 60
LEEWAY = 10
"""Seconds by which the clocks of two of our machines may differ."""

_TYPES = frozenset({"at+jwt", "application/at+jwt"})


class TokenInvalid(Exception):  # noqa: N818 - what it was is nobody's business
    """Not a token of ours for this API, or one that has expired."""


@dataclass(frozen=True, slots=True, repr=False)
class _Loaded:
    jwks: Sequence[Mapping[str, Any]]
    signing: KeySet
    """The current key alone. As a set, since authlib writes a `kid` only for a set's key."""
    verifying: KeySet
    """Public, with the keys that signed before."""


class SigningKeys:
    """Private EC P-256 keys with a `kid`, the first one signs. `held` is asked each time: they rotate meanwhile."""

    def __init__(self, held: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        self._held = held
        self._loaded = _load(held())

    @property
    def signing(self) -> KeySet:
        return self._current().signing

    @property
    def verifying(self) -> KeySet:
        return self._current().verifying

    def published(self) -> dict[str, Any]:
        """The JWK Set of RFC 7517."""
        return {**self.verifying.as_dict(private=False)}

    def _current(self) -> _Loaded:
        jwks = self._held()
        if jwks is not self._loaded.jwks:
            self._loaded = _load(jwks)
        return self._loaded


def _load(jwks: Sequence[Mapping[str, Any]]) -> _Loaded:
    private = [ECKey.import_key({**jwk, "use": "sig", "alg": ALGORITHM}) for jwk in jwks]
    public = [ECKey.import_key(key.as_dict(private=False)) for key in private]
    return _Loaded(jwks, KeySet([private[0]]), KeySet([*public]))


def audience(issuer: str) -> str:
    """The API that tokens of `issuer` are for."""
    return f"{issuer}/graphql"


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Signs them. `scope` is judged by the client's `get_allowed_scope`."""

    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        super().__init__(issuer, alg=ALGORITHM, expires_generator=LIFETIME)
        self._keys = keys

    def get_jwks(self) -> KeySet:
        return self._keys.signing

    def get_audiences(self, *_: Any) -> str:
        return audience(self.issuer)

    def get_extra_claims(self, client: Any, *_: Any) -> dict[str, str]:
        return {"org": client.organizer}


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Believes them. authlib itself accepts a token without `typ`, without `kid`, and any algorithm of its list."""

    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        super().__init__(issuer, audience(issuer))
        self._keys = keys

    def get_jwks(self) -> KeySet:
        return self._keys.verifying

    def claims(self, token: str) -> dict[str, Any]:
        try:
            access_token = self.authenticate_token(token)
            access_token.validate(leeway=LEEWAY)
            _check_header(access_token.header)
        except (JoseError, OAuth2Error, ValueError, TypeError, RecursionError):
            raise TokenInvalid from None
        return dict(access_token)


def _check_header(header: Mapping[str, Any]) -> None:
    typ = header.get("typ")
    if header["alg"] != ALGORITHM or "kid" not in header or not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise InvalidTokenError
