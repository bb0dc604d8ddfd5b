"""Of several processes one does the duties, and another takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from app.db import Database
from app.operating import runner
from tests.patience import patience
from tests.world import World

pytestmark = pytest.mark.anyio

RUNNERS = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7045444 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Server:
    """A process that waits for the duties, or does them."""

    def __init__(self, database: Database) -> None:
        self.database, self.stop = database, asyncio.Event()
        self.works, self.rests = asyncio.Event(), asyncio.Event()
        self.connected = 0

    async def duty(self, stop: asyncio.Event) -> None:
        self.works.set()
        await stop.wait()
        self.works.clear()
        self.rests.set()

    async def came_back(self) -> None:
        self.connected += 1

    async def run(self) -> None:
        await runner.run(self.database, self.duty, self.stop, when_connected=self.came_back)


@asynccontextmanager
async def served(*servers: Server) -> AsyncIterator[None]:
    running = [asyncio.create_task(one.run()) for one in servers]
    try:
        async with patience():
            yield
    finally:
        for one in servers:
            one.stop.set()
        await asyncio.gather(*running)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LOOK_EVERY_SECONDS", 0.02)


async def test_one_works_and_the_next_one_when_it_ends(world: World) -> None:
    first, second = Server(world.database), Server(world.database)
    async with served(first):
        await first.works.wait()
        async with served(second):
            while second.connected == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert len(await world.run(RUNNERS)) == 1
            assert not second.works.is_set()
            first.stop.set()
            await second.works.wait()
            assert first.rests.is_set()
            assert len(await world.run(RUNNERS)) == 1
    assert await world.run(RUNNERS) == []


async def test_a_runner_whose_connection_breaks_rests_and_somebody_takes_the_place(world: World) -> None:
    first, second = Server(world.database), Server(world.database)
    async with served(first):
        await first.works.wait()
        async with served(second):
            while second.connected == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await world.run(f"SELECT pg_terminate_backend(pid) FROM ({RUNNERS}) runner")
            await first.rests.wait()
            while not (first.works.is_set() or second.works.is_set()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert first.works.is_set() != second.works.is_set()
            # Whoever comes back looks first whether anything is lost.
            while first.connected < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_runner_whose_database_is_given_up_asks_for_the_place_anew(world: World) -> None:
    """It may be cut off from a primary that is none any more: its connection would last for a quarter of an hour."""
    one = Server(world.database)
    async with served(one):
        await one.works.wait()
        world.database.abandon()
        await one.rests.wait()
        await one.works.wait()


async def test_while_the_database_is_away_it_is_asked_again() -> None:
    away = Server(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    with capture_logs() as told:
        async with served(away):
            while len(told) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert {one["event"] for one in told} == {"duties.unavailable"}
    assert not away.works.is_set()
    await away.database.dispose()
