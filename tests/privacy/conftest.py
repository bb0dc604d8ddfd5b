"""The whole application, as `app.main` builds it, on a database where every organizer has its people.

One society serves a whole file, and each test finds it as it was settled: after a test, the tables are put back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx
import pytest
from graphql import build_client_schema, get_introspection_query
from pydantic import SecretStr
from starlette.applications import Starlette

from app.config import Settings
from app.db import Database
from app.main import create_app
from app.process import Process
from app.vault.vault import open_vault
from tests import world as worlds
from tests.changes.counting import count_all
from tests.databases import Cleaner
from tests.graphql.conftest import EVERYDAY, ISSUER, Api
from tests.graphql.live.serving import Live, listening
from tests.privacy.aims import ALL_ITS_OWN, CALLERS
from tests.privacy.people import Society, settle
from tests.privacy.walking import Walk


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("home")
    given = {"database_url": SecretStr(database_url), "home": home, "public_url": ISSUER, "duties": False}
    given |= {"with_test": True, "uji_database_url": SecretStr("postgresql://nobody@127.0.0.1/none")}
    settings = Settings().model_copy(update=given)
    open_vault(settings, create=True)
    return settings


@pytest.fixture(scope="module")
def frozen() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.clock.now", lambda: worlds.NOW)
        yield


@pytest.fixture(scope="module")
async def settled(database_url: str, settings: Settings, frozen: None, cleaner: Cleaner) -> AsyncIterator[Society]:
    database = Database(database_url)
    society = await settle(await worlds.build(database, open_vault(settings)))
    await count_all(database)
    yield society
    await cleaner.empty()
    await database.dispose()


@pytest.fixture(scope="module")
async def application(settings: Settings, settled: Society) -> AsyncIterator[Starlette]:
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture(scope="module")
async def http(application: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as http:
        yield http


@pytest.fixture(scope="module")
async def known(http: httpx.AsyncClient, settled: Society, cleaner: Cleaner) -> AsyncIterator[Api]:
    """Clients that were issued before any test looks at what changes."""
    api = Api(http, settled.world.database)
    for caller in CALLERS.values():
        for scopes in (ALL_ITS_OWN, EVERYDAY):
            await api.token(caller.organizer, scopes)
    await api.token()
    async with cleaner.kept():
        yield api


@pytest.fixture
async def api(known: Api, cleaner: Cleaner) -> AsyncIterator[Api]:
    """What a test changes, also tokens that it asks for, is gone after it."""
    yield replace(known, tokens=dict(known.tokens))
    await cleaner.put_back()


@pytest.fixture
async def live(api: Api, application: Starlette) -> AsyncIterator[Live]:
    async with listening(application) as server:
        yield Live(api, server, cast(Process, None))


@pytest.fixture
def society(settled: Society, api: Api) -> Society:
    return settled


@pytest.fixture(scope="module")
async def walk(known: Api) -> Walk:
    return Walk(build_client_schema(await known.data(get_introspection_query())))
