"""A download that its client breaks off keeps no turn and no connection, and what was sent is written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.intake.doors import doors
from app.process import build_process
from app.server.turns import MOST_COST_AT_A_TIME
from tests.graphql.conftest import ISSUER, Api
from tests.intake.lists import as_csv, row, sent, worked_off
from tests.world import HUBDAT, World, nik_of, someone

pytestmark = pytest.mark.anyio

PEOPLE = 450
"""Three turns, and two slices of an export."""
TIMES = 60
"""More turns than run at once, and more connections than the pool has."""


@pytest.fixture
def application(world: World) -> Starlette:
    keys = SigningKeys(lambda: world.vault.signing)
    process, callers = build_process(world.database, world.vault), build_callers(world.database, keys, ISSUER)
    settings = Settings()
    return Starlette(
        routes=[*endpoints.routes(world.database, keys, ISSUER), *doors.routes(process, callers, settings)]
    )


@pytest.fixture
async def api(world: World, application: Starlette) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as http:
        yield Api(http, world.database)


async def broken_off(application: Starlette, path: str, token: str) -> int:
    """The client goes away when a first part has come. How many parts were sent."""
    came, parts = asyncio.Event(), list[bytes]()

    async def receive() -> Message:
        await came.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
        elif message.get("body"):
            parts.append(message["body"])
            came.set()
            # The server hears of the end before it sends the next part.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    await application(scope, receive, send)
    return len(parts)


async def assert_nothing_is_kept(api: Api, application: Starlette, world: World, path: str) -> list[str]:
    token = await api.token()
    for _ in range(TIMES):
        assert await broken_off(application, path, token) == 1
    assert await world.one("SELECT count(*) FROM people_read") >= TIMES
    answer = await api.http.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return answer.text.splitlines()


async def test_an_export(api: Api, application: Starlette, world: World) -> None:
    assert TIMES * 2_500 > MOST_COST_AT_A_TIME
    route = await world.route(quota=PEOPLE)
    await world.submit(*(someone(HUBDAT, route, number) for number in range(PEOPLE)))
    lines = await assert_nothing_is_kept(api, application, world, "/export.jsonl")
    assert len(lines) == PEOPLE


async def test_the_result_of_an_import(api: Api, application: Starlette, world: World) -> None:
    route = await world.route(quota=PEOPLE)
    await world.submit(*(someone(HUBDAT, route, number) for number in range(PEOPLE)))
    await sent(world, HUBDAT, as_csv([row(number) for number in range(PEOPLE)]))
    job = await worked_off(world)
    lines = await assert_nothing_is_kept(api, application, world, f"/import/{job.id}/result.csv")
    assert sum(nik_of(number) in "".join(lines) for number in range(PEOPLE)) == PEOPLE
