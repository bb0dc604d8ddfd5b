"""Processes that count are killed while people register and move: the figures end as those of GROUP BY."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import pytest

from app.changes.log import projection, tallies
from app.db import Database
from app.models.enums import RegistrantStatus
from app.registry.statistics import statistics
from app.registry.statistics.counting import total
from app.registry.statistics.questions import Part, Question, Selection
from tests.changes.counting import count_all, differences
from tests.concurrency.doomed import DOOMED
from tests.patience import patience
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

BATCHES, SIZE = 60, 10


def count_for_ever(url: str) -> None:
    async def keep() -> None:
        database = Database(url, pool_size=2)
        # Few at a time: there is always one in the middle of it.
        tallies.CHANGES_OF_A_STEP = 5
        await projection.keep(database, tallies.STATISTICS, asyncio.Event())

    asyncio.run(keep())


@contextmanager
def counting(url: str, processes: int) -> Iterator[list[BaseProcess]]:
    started: list[BaseProcess] = [
        DOOMED.Process(target=count_for_ever, args=(url,), daemon=True) for _ in range(processes)
    ]
    for process in started:
        process.start()
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.join()


async def test_killed_in_the_middle_each_change_is_counted_once(world: World, database_url: str) -> None:
    route = await world.route(quota=10_000)
    await world.run("INSERT INTO projection (name) VALUES ('statistics')")
    with counting(database_url, 2) as processes:
        await write(world, route, range(20))
        await progress(world)
        for process, batches in zip(processes, (range(20, 40), range(40, BATCHES)), strict=True):
            writing = asyncio.create_task(write(world, route, batches))
            await progress(world)
            process.kill()
            await writing
        # All that is left, after the last one was killed.
        await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}
    async with world.database.transaction() as session:
        [cells] = await statistics.read(session, [Question(Selection(), Part.CELLS)], NOW)
    counts = total(cell.counts for cell in cells)
    assert (counts.people, counts.verified) == (BATCHES * SIZE, BATCHES)


async def write(world: World, route: object, batches: range) -> None:
    for batch in batches:
        numbers = range(batch * SIZE, (batch + 1) * SIZE)
        first, *_ = await world.submit(*(someone(HUBDAT, route, number) for number in numbers))  # type: ignore[arg-type]
        await world.moved(first.view.id, RegistrantStatus.VERIFIED)


async def progress(world: World) -> None:
    """Until something more has been counted."""
    reached = "SELECT change_id FROM projection WHERE name = 'statistics'"
    before = await world.one(reached)
    async with patience():
        while await world.one(reached) == before:  # noqa: ASYNC110 - others write it
            await asyncio.sleep(0.01)
