"""A stock OAuth client from npm, from discovery to what an API checks in a token (RFC 9068)."""

from __future__ import annotations

import json
import time

import pytest
from joserfc.jwk import ECKey

from tests.contract.conftest import Node, Registry

ISSUE = """mutation ($keys: String) { issueClient(organizer: "djka", scopes: ["nik:check", "registrants:read"],
    publicKeys: $keys) { client { id } secret } }"""
SCOPE = "nik:check registrants:read"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_oauth4webapi_gets_a_token_and_believes_it(node: Node, registry: Registry, method: str) -> None:
    key = ECKey.generate_key("P-256", {"kid": "djka-1"})
    keys = json.dumps({"keys": [key.as_dict(private=False)]}) if method == "private_key_jwt" else None
    issued = registry.data("hubdat", ISSUE, keys=keys)["issueClient"]
    told = node.answer(
        "client.mjs",
        registry.server.url,
        METHOD=method,
        CLIENT_ID=issued["client"]["id"],
        SECRET=issued["secret"] or "",
        PRIVATE_KEY=json.dumps(key.as_dict(private=True)),
    )
    assert method in told["supported"]
    assert told["token"]["access_token"].count(".") == 2
    del told["token"]["access_token"]
    # oauth4webapi writes the type in small letters.
    assert told["token"] == {"token_type": "bearer", "expires_in": 900, "scope": SCOPE}
    claims = told["claims"]
    assert (claims["iss"], claims["aud"]) == (registry.server.url, registry.api)
    assert (claims["client_id"], claims["scope"]) == (issued["client"]["id"], SCOPE)
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 60
