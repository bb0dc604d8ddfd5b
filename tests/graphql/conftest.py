"""The door over HTTP, with real tokens, on a real database; the registry's clock stands at `world.NOW`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.db import Database
from app.graphql.doors.http import routes
from app.process import build_process
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from app.registry.clients.scopes import SCOPES
from app.request_log import RequestLog
from app.vault.vault import Vault
from tests import world as worlds
from tests.graphql.promises import not_promised
from tests.world import World

ISSUER = "https://registry.test"
EVERYDAY = ("nik:check", "registrants:write", "registrants:read", "routes:write")


@dataclass
class Api:
    """Calls `/graphql` as a client of some organizer."""

    http: httpx.AsyncClient
    database: Database
    tokens: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    async def token(self, organizer: str = "hubdat", scopes: tuple[str, ...] | None = None) -> str:
        wanted = scopes or (tuple(SCOPES) if organizer == "hubdat" else EVERYDAY)
        if (organizer, wanted) not in self.tokens:
            async with self.database.transaction() as session:
                issued = await clients.issue(
                    session, Caller(None, "hubdat"), organizer, wanted, None, worlds.NOW, own=None
                )
            assert isinstance(issued, Issued)
            assert issued.secret is not None
            answer = await self.http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(issued.client.id, issued.secret),
            )
            self.tokens[organizer, wanted] = answer.json()["access_token"]
        return self.tokens[organizer, wanted]

    async def post(
        self,
        query: object = None,
        variables: object = None,
        *,
        organizer: str = "hubdat",
        scopes: tuple[str, ...] | None = None,
        accept: str = "application/graphql-response+json",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        token = await self.token(organizer, scopes)
        sent = {"Authorization": f"Bearer {token}", "Accept": accept, **(headers or {})}
        if not {"content", "files"} & more.keys():
            more["json"] = {"query": query, "variables": variables, **more.pop("body", {})}
        answer = await self.http.post("/graphql", headers=sent, **more)
        assert not not_promised(query, answer), "the descriptions of these root fields do not name these codes"
        return answer

    async def data(self, query: str, variables: object = None, **how: Any) -> Any:
        """The data of an answer without errors."""
        answer = await self.post(query, variables, **how)
        content = answer.json()
        assert "errors" not in content, content["errors"]
        return content["data"]

    async def errors(self, query: str, variables: object = None, **how: Any) -> list[dict[str, Any]]:
        """In English, unless the test asks for another language."""
        how["headers"] = {"Accept-Language": "en", **(how.get("headers") or {})}
        content = (await self.post(query, variables, **how)).json()
        errors: list[dict[str, Any]] = content["errors"]
        return errors

    async def code(self, query: str, variables: object = None, **how: Any) -> str:
        """The code of the only error."""
        [error] = await self.errors(query, variables, **how)
        code: str = error["extensions"]["code"]
        return code


@pytest.fixture
async def world(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    return await worlds.build(database, vault)


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(body_limit=1_000_000, body_timeout=60, request_timeout=60)


@pytest.fixture
def build(world: World) -> Callable[[Settings], Starlette]:
    def build(settings: Settings) -> Starlette:
        keys = SigningKeys(lambda: world.vault.signing)
        process = build_process(world.database, world.vault, webhooks_to_private=settings.webhooks_to_private)
        return Starlette(
            routes=[
                *endpoints.routes(world.database, keys, ISSUER),
                *routes(process, build_callers(world.database, keys, ISSUER), settings),
            ]
        )

    return build


@pytest.fixture
def application(build: Callable[[Settings], Starlette], settings: Settings) -> Starlette:
    return build(settings)


@pytest.fixture
async def api(application: Starlette, database: Database) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(RequestLog(application))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Api(http, database)
