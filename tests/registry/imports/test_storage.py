"""The files that are kept of an organizer have so much room together, and no more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.errors import ImportStorageFull, Refusal
from app.registry.caller import Caller
from app.registry.imports import jobs
from app.registry.imports.jobs import FILE_KEPT_FOR, Job, Order
from app.registry.imports.storage import MEGABYTE
from tests.world import DJKA, HUBDAT, NOW, World

pytestmark = pytest.mark.anyio

ROOM = 10 * MEGABYTE


async def create(world: World, size: int, caller: Caller = HUBDAT, **how: Any) -> Job | Refusal:
    order = Order(caller=caller, size=size, **how)
    async with world.database.transaction() as session:
        return await jobs.create(session, world.vault, order, [b"x"], NOW, most_kept=ROOM)


async def test_what_does_not_fit_is_refused_and_nothing_of_it_is_stored(world: World) -> None:
    assert isinstance(await create(world, 6 * MEGABYTE), Job)
    assert isinstance(await create(world, 4 * MEGABYTE, dry_run=True), Job)
    async with world.unchanged("import_job", "import_file"):
        assert await create(world, 1) == ImportStorageFull("file", kept=10, most=10)
    # Another organizer has room of its own.
    assert isinstance(await create(world, ROOM, DJKA), Job)


async def test_a_file_that_is_wiped_gives_its_room_back(world: World) -> None:
    assert isinstance(await create(world, ROOM), Job)
    await world.run("UPDATE import_job SET state = 'DONE', finished_at = :now", now=NOW)
    assert isinstance(await create(world, 1), ImportStorageFull)
    async with world.database.transaction() as session:
        assert await jobs.wipe_old(session, NOW + FILE_KEPT_FOR + timedelta(seconds=1)) == 1
    assert isinstance(await create(world, ROOM), Job)


async def test_two_files_at_the_same_time_do_not_both_take_the_last_room(world: World) -> None:
    told = await asyncio.gather(*(create(world, 4 * MEGABYTE) for _ in range(4)))
    assert sorted(type(one).__name__ for one in told) == ["ImportStorageFull"] * 2 + ["Job"] * 2
    assert await world.one("SELECT CAST(sum(bytes) AS bigint) FROM import_job") == 8 * MEGABYTE
