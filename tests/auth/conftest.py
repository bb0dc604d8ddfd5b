"""A registry that speaks OAuth, two organizers, and what it takes to ask it for tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from app import clock
from app.auth.endpoints import routes
from app.auth.signing import SigningKeys
from app.db import Database
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from app.vault.keys import new_signing_key
from tests import queries

ISSUER = "https://registry.test"
Issue = Callable[..., Awaitable[Issued]]
Snapshot = Callable[[], Awaitable[dict[str, list[Any]]]]


@pytest.fixture
def issuer() -> str:
    return ISSUER


@pytest.fixture
def jwks() -> list[dict[str, Any]]:
    return [new_signing_key()]


@pytest.fixture
def held(jwks: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The last ones are in force."""
    return [jwks]


@pytest.fixture
def keys(held: list[list[dict[str, Any]]]) -> SigningKeys:
    return SigningKeys(lambda: held[-1])


@pytest.fixture
def application(database: Database, keys: SigningKeys) -> Starlette:
    return Starlette(routes=[*routes(database, keys, ISSUER)])


@pytest.fixture
async def http(application: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client


@pytest.fixture
async def issue(database: Database) -> Issue:
    """Issues a client, by default one of djka with two scopes and a secret."""
    async with database.transaction() as session:
        await queries.run(
            session,
            "INSERT INTO organizer (code, name, schemes) VALUES ('hubdat', 'Hubdat', '{}'), ('djka', 'DJKA', '{}')",
        )

    async def issue(**changes: Any) -> Issued:
        wanted = {"organizer": "djka", "scopes": ["nik:check", "registrants:write"], "public_keys": None, **changes}
        async with database.transaction() as session:
            issued = await clients.issue(session, Caller(None, "hubdat"), now=clock.now(), **wanted, own=None)
        assert isinstance(issued, Issued)
        return issued

    return issue


@pytest.fixture
async def basic(issue: Issue) -> tuple[str, str]:
    """A client's id and secret."""
    issued = await issue()
    assert issued.secret is not None
    return issued.client.id, issued.secret


@pytest.fixture(scope="session")
def private_key() -> ECKey:
    return ECKey.generate_key("P-256", auto_kid=True)


@pytest.fixture
async def signer(issue: Issue, private_key: ECKey) -> str:
    """The id of a client that signs with `private_key`."""
    issued = await issue(public_keys=json.dumps({"keys": [private_key.as_dict(private=False)]}))
    return issued.client.id


@pytest.fixture
def everything(database: Database) -> Snapshot:
    """What stands in every table that a token request could touch."""

    async def snapshot() -> dict[str, list[Any]]:
        tables = ("client", "client_secret", "check_budget", "used_assertion", "change")
        async with database.transaction() as session:
            return {
                table: [tuple(row) for row in await queries.run(session, f"SELECT * FROM {table} ORDER BY 1, 2")]
                for table in tables
            }

    return snapshot


@pytest.fixture(scope="session")
def decoded() -> Callable[[str], tuple[dict[str, Any], dict[str, Any]]]:
    """Header and claims of a JWT, unverified."""

    def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
        return header, claims

    return decoded
