"""What the registry does by itself: forfeiture and no-shows of open seasons, taking no-shows back whose
departure time was wrong, purging, and forgetting what is too old.

A duty is done at most a minute late, and is caught up after downtime. Over any number of processes one runner does a
duty at a time: the process that gets the lock does it, the others leave the duty to that process. A second sweep
changes nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple

import structlog

from app import clock
from app.db import Database, Session
from app.errors import Unavailable
from app.models.enums import RegistrantStatus
from app.registry import halts, prolonging, retention
from app.registry.clients import idempotency, webhook_secrets
from app.registry.halts import DUTIES, RUNNERS, Due, Halt
from app.registry.niks import allowance
from app.registry.registrants import forfeiture, no_show
from app.registry.routes import held_seats
from app.registry.undo import departures
from app.registry.webhooks import deliveries, ended, reminders
from app.sql import statement

MOST_SWEPT_TOGETHER = 500
"""Registrants of one transaction: short enough that a submission never waits long for a route."""
MOST_REMINDED_TOGETHER = 2_000
"""Nobody's row is locked."""
BATCHES_MOVED = 200
"""Of deliveries that have ended, in one sweep: some seconds of work, after which deadlines are looked at again."""
SWEEP_EVERY_SECONDS = 20.0

FORFEITURE, NO_SHOW = DUTIES.values()
PURGE, DELIVERIES, REQUESTS, PUT_RIGHT, ALLOWANCES, HOLDS, REMINDERS = range(2, 9)
"""The duties. Each has one runner, which goes on until all of the duty is done. So whoever finds a runner at work may
leave the rest to that runner.
"""

ONE_RUNNER = statement(f"SELECT pg_try_advisory_xact_lock({RUNNERS}, :duty)", bool)

logger = structlog.get_logger(__name__)


class OwnEnd(NamedTuple):
    """An end that the registry brings about by itself."""

    ends: RegistrantStatus
    due: Callable[[Session, datetime], Awaitable[list[Due]]]
    some: Callable[[Session, datetime], Awaitable[int]]
    """Ends some of those who are due. Answers how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    forfeited: int = 0
    no_shows: int = 0
    seasons_purged: int = 0
    prolonged: int = 0
    """Deadlines that moved to a later instant."""
    halted: tuple[Halt, ...] = field(default=(), compare=False)
    """The halts that this sweep has begun: organizers of whom too many people were due."""


class _EndedBatch(NamedTuple):
    """What became of a batch of those who are due."""

    ended: int
    halted: list[Halt]
    """New ones."""


async def sweep(database: Database, now: datetime) -> Swept:
    """Do all that is due. A duty that another runner does now is left to that runner."""
    await _all(database, DELIVERIES, lambda session: deliveries.forget(session, now, most=MOST_SWEPT_TOGETHER))
    await _all(database, REQUESTS, lambda session: idempotency.forget(session, now))
    await _all(database, REQUESTS, lambda session: webhook_secrets.forget(session, clock.unmoved(now)))
    await _all(database, HOLDS, lambda session: held_seats.forget(session, now, most=MOST_SWEPT_TOGETHER))
    await _all(database, ALLOWANCES, lambda session: allowance.tell_use(session, now))
    await _all(database, PUT_RIGHT, lambda session: departures.take_back(session, now))
    # Before anybody is forfeited: a deadline may have moved.
    prolonged = await prolonging.prolong_due(database, now)
    await _remind(database, now)
    forfeited, halted = await _end_all(database, _FORFEIT, now)
    no_shows, more = await _end_all(database, _LEAVE_BEHIND, now)
    purged = await _purge(database, now)
    await _all(database, DELIVERIES, partial(ended.move, now=now, most=MOST_SWEPT_TOGETHER), batches=BATCHES_MOVED)
    return Swept(
        forfeited=forfeited, no_shows=no_shows, seasons_purged=purged, prolonged=prolonged, halted=(*halted, *more)
    )


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
            for one in swept.halted:
                logger.error("sweep.halted", organizer=one.organizer, ends=one.ends, people=one.people)
        try:
            await asyncio.wait_for(stop.wait(), SWEEP_EVERY_SECONDS)
        except TimeoutError:
            continue


async def _remind(database: Database, now: datetime) -> None:
    await _all(database, REMINDERS, lambda session: reminders.forget(session, now, most=MOST_SWEPT_TOGETHER))
    for hours in reminders.EVENTS:
        await _all(database, REMINDERS, partial(reminders.remind, hours=hours, now=now, most=MOST_REMINDED_TOGETHER))


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


async def _forfeit(session: Session, now: datetime) -> int:
    return await forfeiture.forfeit_overdue(session, now, most=MOST_SWEPT_TOGETHER)


async def _leave_behind(session: Session, now: datetime) -> int:
    return await no_show.mark_left_behind(session, now, most=MOST_SWEPT_TOGETHER)


_FORFEIT = OwnEnd(RegistrantStatus.FORFEITED, forfeiture.due, _forfeit)
_LEAVE_BEHIND = OwnEnd(RegistrantStatus.NO_SHOW, no_show.due, _leave_behind)


async def _end_all(database: Database, end: OwnEnd, now: datetime) -> tuple[int, list[Halt]]:
    """End whoever is due, but for organizers of whom too many are due at once. Answers how many were, and new halts."""
    done, halted = 0, list[Halt]()
    while (batch := await database.attempt(lambda session: _end_some(session, end, now))) is not None:
        halted += batch.halted
        if batch.ended == 0:
            break
        done += batch.ended
    return done, halted


async def _end_some(session: Session, end: OwnEnd, now: datetime) -> _EndedBatch | None:
    """Each batch is judged: while those before it ended, somebody may have moved a deadline or a departure. None:
    another runner does this duty.
    """
    if not await session.one(ONE_RUNNER, duty=DUTIES[end.ends]):
        return None
    halted = await halts.judge(session, end.ends, await end.due(session, now), now)
    ended = await end.some(session, now)
    if ended == 0:
        await halts.use_up(session, end.ends, now)
    return _EndedBatch(ended, halted)


async def _all(
    database: Database, duty: int, some: Callable[[Session], Awaitable[int]], *, batches: int | None = None
) -> int:
    """Do `some` of the duty up to `batches` times, until nothing is left of it or another runner does it."""

    async def alone(session: Session) -> int:
        return await some(session) if await session.one(ONE_RUNNER, duty=duty) else 0

    done = 0
    for _ in count() if batches is None else range(batches):
        batch = await database.attempt(alone)
        if not batch:
            break
        done += batch
    return done
