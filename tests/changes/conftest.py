"""The world, and what follows its change log in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest

from app.changes.log import feed
from app.changes.log.feed import START
from app.changes.log.tail import Tail
from app.changes.log.wake import Wake
from app.db import Database
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.change_log import Entry
from tests.changes.sending import Post
from tests.patience import patience
from tests.world import NOW, World


@pytest.fixture
def post(world: World) -> Post:
    return Post(world)


@dataclass
class Process:
    """What one process has to follow the log with."""

    tail: Tail
    stop: asyncio.Event
    running: list[asyncio.Task[None]]


@asynccontextmanager
async def process(database: Database, *, listening: bool = True) -> AsyncIterator[Process]:
    wake, stop = Wake(database), asyncio.Event()
    tail = Tail(database)
    duties = [tail.run, wake.run] if listening else [tail.run]
    running = [asyncio.create_task(duty(stop)) for duty in duties]
    try:
        yield Process(tail, stop, running)
    finally:
        stop.set()
        database.followers.tell()
        await asyncio.gather(*running)


async def tell(world: World, registrant: UUID, *reasons: str, organizer: str = "hubdat", at: datetime = NOW) -> None:
    """Changes of a registrant, in one commit."""
    entries = [
        Entry(
            kind=ChangeKind.REGISTRANT_CORRECTED,
            season=2026,
            organizer=organizer,
            registrant_id=registrant,
            reason=reason,
        )
        for reason in reasons
    ]
    async with world.database.transaction() as session:
        await change_log.append(session, entries, at)


async def settled(world: World) -> None:
    """What runs in other databases of this cluster holds the log back as well."""
    async with patience():
        while True:
            async with world.database.transaction() as session:
                if not (await feed.page(session, [], START, most=1)).held_back:
                    return
            await asyncio.sleep(0.01)
