"""One process of all that serve a database does the registry's duties: the runner. The others wait for its place.

The runner holds a lock of PostgreSQL by a connection of its own. However the process ends, its connection ends, and
PostgreSQL gives the lock to the next one that asks. PostgreSQL also asks each second whether the other machine is still
there. So another process takes over within five seconds. For a moment both may be at work: each duty bears that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from app.db import BROKEN, Database
from app.errors import Unavailable
from app.registry.host_clock import Duty, any_of, until

LOOK_EVERY_SECONDS = 1.0
ANSWER_WITHIN_SECONDS = 5.0
NOTICE_A_DEAD_MACHINE = {"tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3"}
"""Seconds, seconds, and how often. Without these PostgreSQL waits two hours for a machine that has lost its power."""

_TAKE = "SELECT pg_try_advisory_lock(7045444)"

logger = structlog.get_logger(__name__)


async def _nothing() -> None: ...


async def run(
    database: Database, duty: Duty, stop: asyncio.Event, *, when_connected: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """Do `duty` until `stop`, as long as no other process does it.

    After a break of the connection another process may have the place. `when_connected` is done before that is known.
    """
    while not stop.is_set():
        try:
            async with _connected(database) as (connection, broken):
                await when_connected()
                await _in_its_place(connection, broken, duty, stop)
        except (Unavailable, *BROKEN):
            logger.warning("duties.unavailable")
            await any_of(stop, within_seconds=LOOK_EVERY_SECONDS)


@asynccontextmanager
async def _connected(database: Database) -> AsyncIterator[tuple[asyncpg.Connection[asyncpg.Record], asyncio.Event]]:
    connection, broken = await database.connect(NOTICE_A_DEAD_MACHINE), asyncio.Event()
    connection.add_termination_listener(lambda _: broken.set())
    try:
        yield connection, broken
    finally:
        with suppress(*BROKEN):
            await connection.close(timeout=ANSWER_WITHIN_SECONDS)


async def _in_its_place(
    connection: asyncpg.Connection[asyncpg.Record], broken: asyncio.Event, duty: Duty, stop: asyncio.Event
) -> None:
    while not (stop.is_set() or broken.is_set()):
        if await connection.fetchval(_TAKE, timeout=ANSWER_WITHIN_SECONDS):
            logger.info("duties.taken")
            await until(duty, stop, broken)
            return
        await any_of(stop, broken, within_seconds=LOOK_EVERY_SECONDS)
