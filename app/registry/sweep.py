"""What happens by itself in open seasons: forfeiture and no-shows, at most a minute late, caught up after downtime.

One runner at a time over any number of processes: whoever gets the lock sweeps, the others leave it to that one. Run
twice, it changes nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import text

from app import clock
from app.db import Database, Session
from app.errors import Unavailable
from app.registry import retention
from app.registry.clients import idempotency, webhook_secrets
from app.registry.registrants import forfeiture, no_show
from app.registry.webhooks import deliveries

AT_ONCE = 500
"""Registrants of one transaction: short enough that a submission never waits long for a route."""
EVERY = 20.0
"""Seconds."""

FORFEITURE, NO_SHOW, PURGE, DELIVERIES, REQUESTS = range(5)
"""The duties. One runner each: it goes on until all is done, so whoever finds it at work may leave the rest to it."""

# The first is any number; it only has to be the same in every process.
_ONE_RUNNER = text("SELECT pg_try_advisory_xact_lock(7045442, :duty)")

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    forfeited: int = 0
    no_shows: int = 0
    seasons_purged: int = 0


async def sweep(database: Database, now: datetime) -> Swept:
    """Do all that is due. What another runner is at is left to that one."""
    await _all(database, DELIVERIES, lambda session: deliveries.forget(session, now, most=AT_ONCE))
    await _all(database, REQUESTS, lambda session: idempotency.forget(session, now))
    await _all(database, REQUESTS, lambda session: webhook_secrets.forget(session, now))
    return Swept(
        await _all(database, FORFEITURE, lambda session: forfeiture.forfeit_overdue(session, now, most=AT_ONCE)),
        await _all(database, NO_SHOW, lambda session: no_show.mark_left_behind(session, now, most=AT_ONCE)),
        await _purge(database, now),
    )


async def run(database: Database, stop: asyncio.Event) -> None:
    """Sweep every 20 seconds until `stop`; a database that is away is tried again the next time."""
    while not stop.is_set():
        try:
            swept = await sweep(database, clock.now())
        except Unavailable:
            logger.warning("sweep.unavailable")
        else:
            if swept != Swept():
                logger.info("sweep.done", forfeited=swept.forfeited, no_shows=swept.no_shows)
        try:
            await asyncio.wait_for(stop.wait(), EVERY)
        except TimeoutError:
            continue


async def _purge(database: Database, now: datetime) -> int:
    """Answers the seasons that are done with; their registrants are wiped in many steps."""
    before = await _to_purge(database, now)
    if before == 0:
        return 0
    await _all(database, PURGE, lambda session: retention.purge_next(session, now))
    return before - await _to_purge(database, now)


async def _to_purge(database: Database, now: datetime) -> int:
    async with database.transaction() as session:
        return await retention.seasons_to_purge(session, now)


async def _all(database: Database, duty: int, some: Callable[[Session], Awaitable[int]]) -> int:
    done = 0
    while batch := await database.attempt(lambda session: _alone(session, duty, some)):
        done += batch
    return done


async def _alone(session: Session, duty: int, some: Callable[[Session], Awaitable[int]]) -> int:
    if not (await session.execute(_ONE_RUNNER, {"duty": duty})).scalar_one():
        return 0
    return await some(session)
