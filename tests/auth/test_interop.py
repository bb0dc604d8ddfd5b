"""The tokens work for who knows nothing of this project: authlib's own OAuth client over httpx."""

import json
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.auth.bearer import Bearer
from app.auth.signing import SigningKeys
from app.db import Database
from app.registry.clients.clients import Issued

with warnings.catch_warnings():
    # authlib would rather have httpx2.
    warnings.simplefilter("ignore")
    from authlib.integrations.httpx_client import AsyncOAuth2Client

pytestmark = pytest.mark.anyio

Issue = Callable[..., Awaitable[Issued]]


@pytest.fixture
def transport(application: Starlette, database: Database, keys: SigningKeys, issuer: str) -> httpx.ASGITransport:
    bearer = Bearer(database, keys, issuer)

    async def whoami(request: Request) -> JSONResponse:
        principal = await bearer.authenticate(request.headers.get("authorization"))
        return JSONResponse({"client": principal.caller.client_id, "scopes": sorted(principal.scopes)})

    application.routes.append(Route("/whoami", whoami))
    return httpx.ASGITransport(application)


async def discovered(transport: httpx.ASGITransport, issuer: str) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=transport) as http:
        document: dict[str, Any] = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
    return document


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_stock_client_with_a_secret(
    transport: httpx.ASGITransport, issuer: str, basic: tuple[str, str], method: str
) -> None:
    metadata = await discovered(transport, issuer)
    assert method in metadata["token_endpoint_auth_methods_supported"]
    async with AsyncOAuth2Client(
        *basic, token_endpoint_auth_method=method, scope="nik:check", transport=transport
    ) as client:
        token = await client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 900, "nik:check")
        answer = await client.get(f"{issuer}/whoami")
    assert answer.json() == {"client": basic[0], "scopes": ["nik:check"]}


@pytest.mark.parametrize("names_its_key", [True, False])
async def test_a_stock_client_with_a_private_key(
    transport: httpx.ASGITransport, issuer: str, issue: Issue, private_key: ECKey, names_its_key: bool
) -> None:
    """As authlib makes its assertions: they live an hour, and name no key."""
    metadata = await discovered(transport, issuer)
    known = [private_key, ECKey.generate_key("P-256", auto_kid=True)]
    issued = await issue(public_keys=json.dumps({"keys": [key.as_dict(private=False) for key in known]}))
    async with AsyncOAuth2Client(
        issued.client.id, private_key, token_endpoint_auth_method="private_key_jwt", transport=transport
    ) as client:
        headers = {"kid": private_key.kid} if names_its_key else None
        client.register_client_auth_method(PrivateKeyJWT(headers=headers, alg="ES256"))
        token = await client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
        answer = await client.get(f"{issuer}/whoami")
        assert answer.json() == {"client": issued.client.id, "scopes": ["nik:check", "registrants:write"]}
        # Another assertion has another `jti`.
        await client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")


async def test_httpx_alone(transport: httpx.ASGITransport, issuer: str, basic: tuple[str, str]) -> None:
    async with httpx.AsyncClient(transport=transport, base_url=issuer) as http:
        answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
        header = {"authorization": f"Bearer {json.loads(answer.text)['access_token']}"}
        assert (await http.get("/whoami", headers=header)).json()["client"] == basic[0]
