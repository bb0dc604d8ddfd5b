"""A crowd that calls at once, as many at a time as there are connections, so that nobody is turned away by the pool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from tests.patience import patience
from tests.world import World

Answer = TypeVar("Answer")

CONNECTIONS = 24


async def at_once(calls: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """The answers in the order of `calls`."""
    turns = asyncio.Semaphore(CONNECTIONS)

    async def call(one: Awaitable[Answer]) -> Answer:
        async with turns:
            return await one

    return list(await asyncio.gather(*(call(one) for one in calls)))


async def one_waits(world: World, *, many: int = 1) -> None:
    """Until another connection waits for a row, or as many as `many`."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with patience():
        while await world.one(waiting) < many:  # noqa: ASYNC110 - nothing tells of another connection's wait
            await asyncio.sleep(0.005)
