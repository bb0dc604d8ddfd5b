"""Signing instead of sending a secret (`private_key_jwt`, RFC 7523) with ES256. Needs the extra `private-key`."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
LIFETIME_SECONDS = 60
"""The registry takes an assertion once, so each request has a new one."""
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Signer:
    """`private_key` is an EC key on P-256 as PEM: `openssl ecparam -name prime256v1 -genkey -noout`."""

    def __init__(self, client_id: str, private_key: str | bytes, audience: str) -> None:
        self._client_id, self._audience = client_id, audience
        self._key = ECKey.import_key(private_key)

    def form(self) -> dict[str, str]:
        """What is sent to the token endpoint in the place of a secret."""
        now = int(time.time())
        who = {"iss": self._client_id, "sub": self._client_id, "aud": self._audience}
        claims: dict[str, Any] = {**who, "jti": str(uuid4()), "iat": now, "exp": now + LIFETIME_SECONDS}
        header = {"alg": ALGORITHM, "kid": self._key.thumbprint()}
        return {"client_assertion_type": TYPE, "client_assertion": jwt.encode(header, claims, self._key)}

    def __repr__(self) -> str:
        return f"Signer({self._client_id!r})"


def public_keys(private_key: str | bytes) -> str:
    """The JWK Set to give to whoever issues the client. It holds no secret."""
    key = ECKey.import_key(private_key)
    public = {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}
    return json.dumps({"keys": [public]})
