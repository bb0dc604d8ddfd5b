"""One house serves all files of this folder. After each test, what was written meanwhile is looked through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.embedded import postgres
from app.vault.vault import open_vault
from tests import world as worlds
from tests.databases import migrate
from tests.patience import PATIENCE_SECONDS
from tests.privacy.silence.collecting import collecting
from tests.privacy.silence.house import METRICS_TOKEN, Caller, House
from tests.servers import place_in

FORMATS = ("json", "console")
BODY_LIMIT = 100_000
SCOPES = ("nik:check", "registrants:write", "registrants:read", "routes:write")
ROUTES: dict[str, dict[str, Any]] = {
    "home": {},
    "full": {"quota": 0},
    "truck": {"service": "MOTORCYCLE"},
    "foreign": {"organizer": "dishub-dki"},
}


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("silence")
    open_vault(Settings().model_copy(update={"home": home}), create=True)
    with (
        collecting() as collected,
        place_in(home) as place,
        postgres.running(home / "postgres", durable=False) as url,
    ):
        asyncio.run(migrate(url))
        house = House(place, url, collected)
        asyncio.run(build(house))
        for form in FORMATS:
            house.servers[form] = place.serve(
                PEMUDIK_LOG_FORMAT=form,
                PEMUDIK_LOG_LEVEL="debug",
                PEMUDIK_BODY_LIMIT=str(BODY_LIMIT),
                PEMUDIK_BODY_TIMEOUT="0.5",
                PEMUDIK_REQUEST_TIMEOUT="2",
                PEMUDIK_METRICS_TOKEN=METRICS_TOKEN,
                PEMUDIK_OTLP_ENDPOINT=collected.url,
                OTEL_BSP_SCHEDULE_DELAY="200",
                PEMUDIK_DUTIES="false",
            )
        yield house
        assert house.everybody.told_by(house.metrics()) == []
        for server in house.servers.values():
            assert server.end() == 0
        assert house.told() == []
        assert collected.spans > 0


async def build(house: House) -> None:
    await house.loud()
    async with house.database() as database:
        world = await worlds.build(database, open_vault(Settings().model_copy(update={"home": house.place.home})))
        await world.run("UPDATE season SET ends_on = current_date + 60")
        for name, values in ROUTES.items():
            await world.route(name, **{"organizer": "djka", "departs_at": None} | values)
        house.routes = {name: str(route) for name, route in world.routes.items()}


@pytest.fixture(scope="module", params=FORMATS)
async def caller(request: pytest.FixtureRequest, house: House) -> AsyncIterator[Caller]:
    """An organizer's client of a server that logs in this form."""
    async with httpx.AsyncClient(base_url=house.servers[request.param].url, timeout=PATIENCE_SECONDS) as http:
        caller = await Caller.of(house, request.param, http, "djka", SCOPES)
        await caller.settle()
        yield caller


@pytest.fixture(autouse=True)
def silence(house: House) -> Iterator[None]:
    yield
    assert house.told() == []
    assert house.everybody.told_by(house.metrics()) == []
