"""A projection takes in every change of the log once, in the order of the log.

Any number of processes may keep the same projection, and any of them may die at any moment. What a projection derives,
and the position that it has reached (table `projection`), are written in one transaction under the lock of that row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from app import clock, metrics
from app.changes.log.feed import AFTER, IN_ORDER, IS_HELD_BACK, MARK, SETTLED, STANDS, START, XACT_ID, Position
from app.changes.log.wake import DUTIES_GATHER_SECONDS, HELD_BACK_SECONDS, POLL_SECONDS
from app.db import Database, Session
from app.errors import Unavailable
from app.sql import statement

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Projection:
    name: str
    step: Callable[[Session, Position, datetime], Awaitable[Position | None]]
    """Takes in some of the settled changes behind the position. Answers how far it came, or None: there were none."""


class News(NamedTuple):
    """What there is behind a position."""

    settled: bool
    """Something is there to be taken in."""
    held_back: bool
    """Something is committed, but an older transaction still runs."""


class Reached(NamedTuple):
    """How far a projection has come."""

    xact_id: int
    id: int
    mark: bytes | None
    """Of the row there. None: the projection has taken in nothing yet."""
    at: datetime | None
    stands: bool
    """Whether the row up to which this process knows the log is still there."""

    @property
    def position(self) -> Position:
        return Position(self.xact_id, self.id, self.mark, self.at)


@dataclass(slots=True)
class KnownPosition:
    """Up to where a process knows the log."""

    position: Position = START


_BEGIN = statement("INSERT INTO projection (name) VALUES (:name) ON CONFLICT DO NOTHING")
# In the order of the log: otherwise the planner expects many rows, and reads the whole log to find none.
_NEWS = statement(
    f"""
    SELECT (SELECT true FROM change c WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT 1) IS NOT NULL AS settled,
           {IS_HELD_BACK} AS held_back
    """,
    News,
)
_READ = statement(
    f"""
    SELECT CAST(CAST(p.xact_id AS text) AS bigint) AS xact_id, p.change_id AS id, c.mark, c.at, {STANDS} AS stands
    FROM projection p LEFT JOIN LATERAL (
        SELECT {MARK} AS mark, c.at FROM change c WHERE c.xact_id = p.xact_id AND c.id = p.change_id LIMIT 1
    ) c ON true WHERE p.name = :name
    """,
    Reached,
)
_LOCK = statement(
    """
    SELECT CAST(CAST(xact_id AS text) AS bigint) AS xact_id, change_id AS id, CAST(NULL AS bytea) AS mark,
           CAST(NULL AS timestamptz) AS at
    FROM projection WHERE name = :name FOR UPDATE SKIP LOCKED
    """,
    Position,
)
_ADVANCE = statement(
    f"UPDATE projection SET xact_id = {XACT_ID}, change_id = :change_id, advanced_at = :now WHERE name = :name"
)


async def advance(database: Database, projection: Projection, now: datetime) -> bool:
    """Take in some changes. False: there are none, or another process takes them in just now."""
    return await database.attempt(lambda session: _advance(session, projection, now))


async def position(session: Session, name: str) -> Position | None:
    """How far the projection `name` has come. None: it has never begun."""
    reached = await _reached(session, name, START)
    return None if reached is None else reached.position


async def _reached(session: Session, name: str, known: Position) -> Reached | None:
    return await session.first(_READ, name=name, mark=known.mark, **known.values())


async def news(session: Session, after: Position) -> News:
    return await session.one(_NEWS, **after.values())


async def keep(
    database: Database, projection: Projection, stop: asyncio.Event, known: KnownPosition | None = None
) -> None:
    """Take in what is there, then wait for news, until `stop`. A database that is away is tried again.

    `known` is what the process has taken in by now, and outlives its being the runner of the duties.
    """
    known = known or KnownPosition()
    while not stop.is_set():
        # The signal comes first: a commit after this line wakes us, even if `_catch_up` has already looked.
        signal = database.followers.signal()
        try:
            seconds = await _catch_up(database, projection, known, stop)
        except Unavailable:
            logger.warning("projection.unavailable", projection=projection.name)
            seconds = POLL_SECONDS
        # What is committed meanwhile is taken in together.
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), DUTIES_GATHER_SECONDS)
        await database.followers.wait(signal, seconds)


async def _catch_up(database: Database, projection: Projection, known: KnownPosition, stop: asyncio.Event) -> float:
    """Take in everything that is settled. Answers after how many seconds to look again."""
    while not stop.is_set():
        found = await _look(database, projection.name, known)
        if not found.settled:
            return HELD_BACK_SECONDS if found.held_back else POLL_SECONDS
        if not await advance(database, projection, clock.now()):
            return POLL_SECONDS
    return 0.0


async def notice_loss(database: Database, kept: Mapping[str, KnownPosition]) -> None:
    """Whether what this process has taken in is still there, also where another process keeps the projections now.

    Raises `Unavailable`.
    """
    for name, known in kept.items():
        if known.position != START:
            await _look(database, name, known)


async def _look(database: Database, name: str, known: KnownPosition) -> News:
    """Look without a lock: a lock would take a transaction number at every look, and hold back others' changes."""
    async with database.statements() as session:
        reached = await _reached(session, name, known.position)
        if reached is None:
            await session.run(_BEGIN, name=name)
        elif not reached.stands:
            _tell_of_loss(name, known.position)
        known.position = reached.position if reached is not None and reached.mark is not None else START
        return await news(session, reached.position if reached is not None else START)


def _tell_of_loss(name: str, known: Position) -> None:
    """A failover or a restore has lost what this process took in. The projection itself came back with its log.

    Those who were told by webhook of what is lost were told of something that is not so any more.
    """
    metrics.LOST.labels(name).inc()
    logger.error("projection.lost", projection=name, change=known.id, at=known.at)


async def _advance(session: Session, projection: Projection, now: datetime) -> bool:
    locked = await session.first(_LOCK, name=projection.name)
    if locked is None:
        return False
    reached = await projection.step(session, locked, now)
    if reached is None:
        return False
    await session.run(_ADVANCE, name=projection.name, now=now, **reached.values())
    return True
