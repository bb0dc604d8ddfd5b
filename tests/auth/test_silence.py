"""No secret, token or assertion reaches a log, at any level, whatever happens to it."""

import base64
import json
import logging
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.auth.bearer import Bearer, Unauthorized
from app.auth.signing import SigningKeys
from app.db import Database
from app.registry.clients.clients import Issued

pytestmark = pytest.mark.anyio

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def test_nothing_secret_is_logged(
    http: httpx.AsyncClient,
    database: Database,
    keys: SigningKeys,
    issuer: str,
    basic: tuple[str, str],
    signer: str,
    private_key: ECKey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("authlib.oauth2", "authlib.oauth2.rfc6749.grants.client_credentials"):
        caplog.set_level(logging.DEBUG, logger=name)
    claims = {"iss": signer, "sub": signer, "aud": issuer, "exp": int(time.time()) + 60, "jti": "first-and-only"}
    assertion = jwt.encode({"alg": "ES256", "kid": private_key.kid}, claims, private_key)
    grant = {"grant_type": "client_credentials"}
    signed = {**grant, "client_assertion_type": TYPE, "client_assertion": assertion}

    answers = [
        await http.post("/oauth/token", data=grant, auth=basic),
        await http.post("/oauth/token", data=signed),
        await http.post("/oauth/token", data=signed),
        await http.post("/oauth/token", data={**grant, "client_id": basic[0], "client_secret": basic[1] + "wrong"}),
        await http.post("/oauth/token", data={**grant, "scope": "hubdat:admin"}, auth=basic),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 401, 400]
    tokens = [answer.json()["access_token"] for answer in answers[:2]]
    bearer = Bearer(database, keys, issuer)
    await bearer.authenticate(f"Bearer {tokens[0]}")
    with pytest.raises(Unauthorized):
        await bearer.authenticate(f"Bearer {tokens[1]}x")

    assert "authlib" in {record.name.partition(".")[0] for record in caplog.records}
    written = "\n".join(
        logging.Formatter("%(name)s %(message)s").format(record) + str(vars(record)) for record in caplog.records
    )
    private = keys.signing.keys[0].as_dict(private=True)["d"]
    basic_value = base64.b64encode(":".join(basic).encode()).decode()
    for secret in (basic[1], basic_value, assertion, *tokens, *(part for token in tokens for part in token.split("."))):
        assert secret not in written
    assert json.dumps(private) not in written


async def test_what_is_issued_shows_no_secret(issue: Callable[..., Awaitable[Issued]]) -> None:
    issued = await issue()
    assert str(issued.secret) not in f"{issued} {issued!r}"
