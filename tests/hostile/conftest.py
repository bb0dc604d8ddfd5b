"""The whole application in this process, with people, a route and a token that may do everything."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from app.config import Settings
from app.db import Database
from app.main import assembled
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from app.registry.clients.scopes import SCOPES
from app.vault.vault import Vault
from tests import world as worlds
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


WITH_TEST = {"with_test": True, "uji_database_url": SecretStr("postgresql://nobody@127.0.0.1/none")}


@pytest.fixture
async def target(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    world = await worlds.build(database, vault)
    route = await world.route(quota=2_000)
    await world.submit(*(someone(HUBDAT, route, number) for number in range(1, PEOPLE + 1)))
    application = assembled(database, vault, Settings(port=8123).model_copy(update=WITH_TEST))
    return Target(application, world, await _token(application, world))


async def _token(application: ASGIApp, world: World) -> str:
    async with world.database.transaction() as session:
        issued = await clients.issue(
            session, Caller(None, "hubdat"), "hubdat", list(SCOPES), None, worlds.NOW, own=None
        )
    assert isinstance(issued, Issued)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8123") as http:
        form, client = {"grant_type": "client_credentials"}, (issued.client.id, issued.secret or "")
        return str((await http.post("/oauth/token", data=form, auth=client)).json()["access_token"])
