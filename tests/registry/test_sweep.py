"""What happens by itself: one runner, everything that is due, and nothing more the second time."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from app import clock
from app.db import Database
from app.registry import sweep
from app.registry.sweep import Swept
from tests.world import HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

LATER = LEAVES + timedelta(hours=3)


async def due(world: World) -> None:
    """Three to forfeit, two no-shows."""
    route = await world.route()
    await world.submit(*(someone(HUBDAT, route, number) for number in range(3)))
    for number in (3, 4):
        await world.verified(someone(HUBDAT, route, number))


async def test_all_that_is_due_is_done_and_nothing_the_second_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 2)
    await due(world)
    assert await world.sweep(LATER) == Swept(forfeited=3, no_shows=2, seasons_purged=0)
    async with world.unchanged():
        assert await world.sweep(LATER) == Swept()


async def test_nothing_is_due(world: World) -> None:
    async with world.unchanged():
        assert await world.sweep(NOW) == Swept()


async def test_a_runner_leaves_it_to_the_other(world: World) -> None:
    await due(world)
    async with world.database.transaction() as session:
        for duty in (sweep.FORFEITURE, sweep.NO_SHOW, sweep.PURGE):
            await session.one(sweep.ONE_RUNNER, duty=duty)
        async with world.unchanged():
            assert await world.sweep(LATER) == Swept()
    assert (await world.sweep(LATER)).forfeited == 3


async def test_runners_share_the_work(world: World) -> None:
    await due(world)
    swept = await asyncio.gather(*(world.sweep(LATER) for _ in range(4)))
    rest = await world.sweep(LATER)
    assert sum(one.forfeited for one in [*swept, rest]) == 3
    assert sum(one.no_shows for one in [*swept, rest]) == 2
    assert await world.count("nik_block") == 3


async def test_the_server_sweeps_until_it_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await due(world)
    monkeypatch.setattr(clock, "now", lambda: LATER)
    monkeypatch.setattr(sweep, "SWEEP_EVERY_SECONDS", 0.01)
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(sweep.run(world.database, stop))
        await asyncio.sleep(1)
        stop.set()
        await asyncio.wait_for(running, 10)
    done = [one for one in logs if one["event"] == "sweep.done"]
    assert sum(one["forfeited"] for one in done) == 3
    assert sum(one["no_shows"] for one in done) == 2
    assert {one["event"] for one in logs} == {"sweep.done"}


async def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr(sweep, "SWEEP_EVERY_SECONDS", 0.01)
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(sweep.run(away, stop))
        await asyncio.sleep(0.2)
        stop.set()
        await asyncio.wait_for(running, 10)
    assert len(logs) > 1
    assert {(one["event"], one["log_level"]) for one in logs} == {("sweep.unavailable", "warning")}
    await away.dispose()
