"""The public keys of a client that signs assertions instead of sending a secret: a JWK Set of public signature keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from app.errors import InvalidValue, refuses

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "EC": ("ES256",),
    "OKP": ("Ed25519", "EdDSA"),
    "RSA": ("RS256", "PS256"),
}
"""What an assertion may be signed with, by the type of its key."""

_MOST_CHARACTERS_OF_KEYS = 16 * 1024
MOST_KEYS = 5
"""One client has at most so many."""
_RSA_BITS = range(2048, 4096 + 1)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEPT = frozenset({"kty", "crv", "x", "y", "n", "e", "kid", "alg"})


@refuses(InvalidValue)
def parse(text: str) -> dict[str, Any] | InvalidValue:
    """The JWK Set as it is stored: only public members, every key with a `kid`."""
    try:
        keys = [_public_key(member) for member in _members(text)]
    except _UnfitKey as unfit:
        return InvalidValue("publicKeys", *unfit.args)
    kids = {key.kid for key in keys}
    if len(kids) < len(keys):
        return InvalidValue(
            "publicKeys", "Setiap kunci memerlukan kid yang berbeda.", "Each key needs a kid of its own."
        )
    return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]}


class _UnfitKey(Exception):  # noqa: N818 - becomes a refusal in `parse`
    """What is wrong with a key, in Indonesian and in English."""


def _members(text: str) -> list[dict[str, Any]]:
    try:
        jwks = orjson.loads(text[: _MOST_CHARACTERS_OF_KEYS + 1])
    except ValueError:
        jwks = None
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise _UnfitKey('Harus berupa JWK Set: {"keys": [...]}.', 'This must be a JWK Set: {"keys": [...]}.')
    if not 1 <= len(keys) <= MOST_KEYS:
        raise _UnfitKey(f"Harus 1 sampai {MOST_KEYS} kunci.", f"There must be 1 to {MOST_KEYS} keys.")
    return keys


def _public_key(member: dict[str, Any]) -> Key:
    if _PRIVATE & member.keys():
        raise _UnfitKey("Kirim kunci publik saja, jangan kunci privat.", "Send public keys only, never private ones.")
    if member.get("use", "sig") != "sig" or not _fits_kid(member.get("kid", "-")):
        raise _UnfitKey(
            "use harus sig, dan kid paling panjang 100 karakter.", "use must be sig, and kid at most 100 characters."
        )
    try:
        key = import_key({name: value for name, value in member.items() if name in _KEPT})
        fits = _is_accepted(key)
    except (JoseError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise _UnfitKey(
            "Kunci harus EC P-256, Ed25519, atau RSA 2048 sampai 4096 bit.",
            "A key must be EC P-256, Ed25519, or RSA of 2048 to 4096 bits.",
        )
    key.ensure_kid()
    return key


def _fits_kid(kid: object) -> bool:
    return isinstance(kid, str) and 0 < len(kid) <= 100 and kid.isprintable()


def _is_accepted(key: Key) -> bool:
    if key.alg is not None and key.alg not in ALGORITHMS.get(key.key_type, ()):
        return False
    if isinstance(key, ECKey):
        return key.curve_name == "P-256"
    if isinstance(key, OKPKey):
        return key.get("crv") == "Ed25519"
    return isinstance(key, RSAKey) and isinstance(key.public_key, RSAPublicKey) and key.public_key.key_size in _RSA_BITS
