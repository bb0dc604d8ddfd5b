"""Who asks: the token that the gateway passes on is the registry's own (RFC 9068), and its keys are public."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from urllib.request import urlopen

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

FETCHED_WITHIN_SECONDS = 10


@dataclass(frozen=True)
class Callers:
    """Knows the clients of one's own organizer."""

    registry: str
    """The address of the registry, without a final slash."""
    keys: KeySet
    clients: Collection[str]

    @classmethod
    def of(cls, registry: str, clients: Collection[str]) -> Callers:
        with urlopen(f"{registry}/oauth/jwks.json", timeout=FETCHED_WITHIN_SECONDS) as answer:  # noqa: S310 - ours
            return cls(registry, KeySet.import_key_set(json.load(answer)), clients)

    def are_ours(self, authorization: str | None) -> bool:
        """Whether the token is good, and is one of our own clients'."""
        try:
            token = jwt.decode((authorization or "").removeprefix("Bearer "), self.keys, algorithms=["ES256"])
            jwt.JWTClaimsRegistry(
                iss={"essential": True, "value": self.registry},
                aud={"essential": True, "value": f"{self.registry}/graphql"},
                exp={"essential": True},
            ).validate(token.claims)
        except (JoseError, ValueError):
            return False
        return token.claims.get("client_id") in self.clients
