"""The whole application, as `app.main` builds it, on a database where every organizer has its people.

One society serves a whole file: what the tests try is refused, or harms nobody else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.config import Settings
from app.db import Database
from app.main import create_app
from app.vault.vault import open_vault
from tests import world as worlds
from tests.changes.counting import count_all
from tests.databases import empty
from tests.graphql.conftest import ISSUER, Api
from tests.privacy.people import Society, settle


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("home")
    given = {"database_url": SecretStr(database_url), "home": home, "public_url": ISSUER, "duties": False}
    settings = Settings().model_copy(update=given)
    open_vault(settings, create=True)
    return settings


@pytest.fixture(scope="module")
def frozen() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.clock.now", lambda: worlds.NOW)
        yield


@pytest.fixture(scope="module")
async def society(database_url: str, settings: Settings, frozen: None) -> AsyncIterator[Society]:
    database = Database(database_url)
    society = await settle(await worlds.build(database, open_vault(settings)))
    await count_all(database)
    yield society
    await empty(database)
    await database.dispose()


@pytest.fixture(scope="module")
async def application(settings: Settings, society: Society) -> AsyncIterator[Starlette]:
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture(scope="module")
async def api(application: Starlette, society: Society) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Api(http, society.world.database)
