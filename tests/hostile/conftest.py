"""The whole application in this process, with people, a route and a token that may do everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from app.config import Settings
from app.db import Database
from app.main import assembled, with_test_mode
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from app.registry.clients.scopes import SCOPES
from app.testmode.beside import Beside
from app.vault.vault import Vault
from tests import world as worlds
from tests.databases import list_of_test_registries
from tests.hostile import testing
from tests.hostile.sending import Sent
from tests.intake.lists import worked_off
from tests.world import HUBDAT, World, someone

PEOPLE = 100
LEAVINGS = ("keyed_request", "import_missing", "import_erased", "import_chunk", "import_file", "import_job")
"""Tables in which a request may leave something that decides what the next one is told."""


@dataclass
class Target:
    application: ASGIApp
    world: World
    token: str = field(repr=False)
    test_token: str = field(default="", repr=False)

    async def token_for(self, sent: Sent) -> str:
        """Of the registry that it is sent to. The first one for the test registry makes that."""
        if not sent.path.startswith(f"{testing.PREFIX}/") or sent.path.endswith(KLIEN):
            return self.token
        if not self.test_token:
            self.test_token = await _test_token(self.application, self.token)
        return self.test_token

    async def worked_off(self) -> str:
        """What became of the file, if a file was taken."""
        if not await self.world.one("SELECT EXISTS (SELECT FROM import_job)"):
            return ""
        job = await worked_off(self.world)
        return f" {job.failure.code if job.failure else job.state}"

    async def put_back(self) -> None:
        """As if nothing had been sent: the budget of NIK checks is full, and nobody's file waits."""
        await self.world.run("UPDATE check_budget SET refilled_at = refilled_at - interval '1 day'")
        for table in LEAVINGS:
            await self.world.run(f"DELETE FROM {table}")


KLIEN = "/klien"
PROVIDER = {"oidc_issuer": "http://127.0.0.1:1", "oidc_client_id": "x", "oidc_client_secret": SecretStr("x")}


@pytest.fixture(scope="session")
def list_url(database_url: str) -> Iterator[str]:
    with list_of_test_registries(database_url, has_template=True) as url:
        yield url


def with_all(list_url: str) -> Settings:
    """Every address is there."""
    more = {"with_test": True, "uji_database_url": SecretStr(list_url)}
    return Settings(port=8123).model_copy(update=more | PROVIDER)


@pytest.fixture
async def target(
    database: Database, vault: Vault, list_url: str, monkeypatch: pytest.MonkeyPatch, logging_as_before: None
) -> AsyncIterator[Target]:
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    world = await worlds.build(database, vault)
    route = await world.route(quota=2_000)
    await world.submit(*(someone(HUBDAT, route, number) for number in range(1, PEOPLE + 1)))
    settings = with_all(list_url)
    live = assembled(database, vault, settings)
    application = with_test_mode(live, settings)
    assert isinstance(application, Beside)
    yield Target(application, world, await token_of(live, world))
    await application.registries.end()


async def _test_token(application: ASGIApp, token: str) -> str:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8123") as http:
        headers = {"Authorization": f"Bearer {token}"}
        told = (await http.post(f"{testing.PREFIX}{KLIEN}", headers=headers)).json()
        form, client = {"grant_type": "client_credentials"}, (told["clientId"], told["clientSecret"])
        answer = await http.post(f"{testing.PREFIX}/oauth/token", data=form, auth=client)
        return str(answer.json()["access_token"])


async def token_of(application: ASGIApp, world: World) -> str:
    async with world.database.transaction() as session:
        issued = await clients.issue(
            session, Caller(None, "hubdat"), "hubdat", list(SCOPES), None, worlds.NOW, own=None
        )
    assert isinstance(issued, Issued)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8123") as http:
        form, client = {"grant_type": "client_credentials"}, (issued.client.id, issued.secret or "")
        return str((await http.post("/oauth/token", data=form, auth=client)).json()["access_token"])
