"""The door on a port of its own, in the test's loop, with subscriptions that the test drives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.graphql.doors import connections
from app.graphql.doors.http import routes
from app.process import build_process
from app.request_log import RequestLog
from tests.graphql.conftest import ISSUER, Api
from tests.graphql.live import serving
from tests.graphql.live.serving import Drive, Live, listening
from tests.metrics.test_page import samples
from tests.world import World


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> Drive:
    drive = Drive()
    monkeypatch.setattr(serving, "DRIVE", drive)
    return drive


@pytest.fixture
async def live(world: World, settings: Settings, drive: Drive, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    monkeypatch.setattr(connections, "CHECK_EVERY_SECONDS", 0.05)
    keys = SigningKeys(lambda: world.vault.signing)
    process = build_process(world.database, world.vault)
    callers = build_callers(world.database, keys, ISSUER)
    gate = routes(process, callers, settings, schema=serving.SCHEMA)
    application = RequestLog(
        Starlette(
            routes=[
                *endpoints.routes(world.database, keys, ISSUER),
                *gate,
            ]
        )
    )
    transport = httpx.ASGITransport(application)
    async with (
        httpx.AsyncClient(transport=transport, base_url=ISSUER) as http,
        listening(application, ws_max_size=settings.body_limit) as server,
    ):
        yield Live(Api(http, world.database), server, process)
    # Whatever was open has ended, and gave back what it took.
    assert drive.open == 0
    assert set(samples(name="pemudik_open").values()) <= {0}
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    assert [name for name in names if name.startswith(("Socket.", "Stream.", "ConnectionWatch."))] == []
