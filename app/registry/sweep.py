"""What the registry does by itself: forfeiture and no-shows of open seasons, taking no-shows back whose
departure time was wrong, purging, and forgetting what is too old.

A duty is done at most a minute late, and is caught up after downtime. Over any number of processes one runner does a
duty at a time: the process that gets the lock does it, the others leave the duty to that process. A second sweep
changes nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from app import clock
from app.db import Database, Session
from app.errors import Unavailable
from app.registry import prolonging, retention
from app.registry.clients import idempotency, webhook_secrets
from app.registry.niks import allowance
from app.registry.registrants import forfeiture, no_show
from app.registry.undo import departures
from app.registry.webhooks import deliveries
from app.sql import statement

MOST_SWEPT_TOGETHER = 500
"""Registrants of one transaction: short enough that a submission never waits long for a route."""
SWEEP_EVERY_SECONDS = 20.0

FORFEITURE, NO_SHOW, PURGE, DELIVERIES, REQUESTS, PUT_RIGHT, ALLOWANCES = range(7)
"""The duties. Each has one runner, which goes on until all of the duty is done. So whoever finds a runner at work may
leave the rest to that runner.
"""

# The first number may be any; it only has to be the same in every process.
ONE_RUNNER = statement("SELECT pg_try_advisory_xact_lock(7045442, :duty)", bool)

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    forfeited: int = 0
    no_shows: int = 0
    seasons_purged: int = 0
    prolonged: int = 0
    """Deadlines that moved to a later instant."""


async def sweep(database: Database, now: datetime) -> Swept:
    """Do all that is due. A duty that another runner does now is left to that runner."""
    await _all(database, DELIVERIES, lambda session: deliveries.forget(session, now, most=MOST_SWEPT_TOGETHER))
    await _all(database, REQUESTS, lambda session: idempotency.forget(session, now))
    await _all(database, REQUESTS, lambda session: webhook_secrets.forget(session, now))
    await _all(database, ALLOWANCES, lambda session: allowance.tell_use(session, now))
    await _all(database, PUT_RIGHT, lambda session: departures.take_back(session, now))
    # Before anybody is forfeited: a deadline may have moved.
    prolonged = await prolonging.prolong_due(database, now)
    forfeited = await _all(
        database, FORFEITURE, lambda session: forfeiture.forfeit_overdue(session, now, most=MOST_SWEPT_TOGETHER)
    )
    no_shows = await _all(
        database, NO_SHOW, lambda session: no_show.mark_left_behind(session, now, most=MOST_SWEPT_TOGETHER)
    )
    purged = await _purge(database, now)
    return Swept(forfeited=forfeited, no_shows=no_shows, seasons_purged=purged, prolonged=prolonged)


async def run(database: Database, stop: asyncio.Event) -> None:
    """Sweep every `SWEEP_EVERY_SECONDS` until `stop`. A database that is away is tried again the next time."""
    while not stop.is_set():
        try:
            swept = await sweep(database, clock.now())
        except Unavailable:
            logger.warning("sweep.unavailable")
        else:
            if swept != Swept():
                logger.info("sweep.done", forfeited=swept.forfeited, no_shows=swept.no_shows, prolonged=swept.prolonged)
        try:
            await asyncio.wait_for(stop.wait(), SWEEP_EVERY_SECONDS)
        except TimeoutError:
            continue


async def _purge(database: Database, now: datetime) -> int:
    """Answers how many seasons are purged now. Their registrants are wiped in many transactions."""
    before = await _to_purge(database, now)
    if before == 0:
        return 0
    await _all(database, PURGE, lambda session: retention.purge_next(session, now))
    return before - await _to_purge(database, now)


async def _to_purge(database: Database, now: datetime) -> int:
    async with database.transaction() as session:
        return await retention.seasons_to_purge(session, now)


async def _all(database: Database, duty: int, some: Callable[[Session], Awaitable[int]]) -> int:
    """Do `some` of the duty again and again, until nothing of it is left or another runner does it."""
    done = 0
    while batch := await database.attempt(lambda session: _alone(session, duty, some)):
        done += batch
    return done


async def _alone(session: Session, duty: int, some: Callable[[Session], Awaitable[int]]) -> int:
    return await some(session) if await session.one(ONE_RUNNER, duty=duty) else 0
