"""A projection takes in every change of the log once, in the order of the log.

Any number of processes may keep the same projection, and any of them may die at any moment. What a projection derives,
and the position that it has reached (table `projection`), are written in one transaction under the lock of that row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from app import clock
from app.changes.log.feed import AFTER, IN_ORDER, IS_HELD_BACK, SETTLED, START, XACT_ID, Position
from app.changes.log.wake import HELD_BACK_SECONDS, POLL_SECONDS
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


_BEGIN = statement("INSERT INTO projection (name) VALUES (:name) ON CONFLICT DO NOTHING")
# In the order of the log: otherwise the planner expects many rows, and reads the whole log to find none.
_NEWS = statement(
    f"""
    SELECT (SELECT true FROM change c WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT 1) IS NOT NULL AS settled,
           {IS_HELD_BACK} AS held_back
    """,
    News,
)
_POSITION = (
    "SELECT CAST(CAST(xact_id AS text) AS bigint) AS xact_id, change_id AS id FROM projection WHERE name = :name"
)
_READ = statement(_POSITION, Position)
_LOCK = statement(f"{_POSITION} FOR UPDATE SKIP LOCKED", Position)
_ADVANCE = statement(
    f"UPDATE projection SET xact_id = {XACT_ID}, change_id = :change_id, advanced_at = :now WHERE name = :name"
)


async def advance(database: Database, projection: Projection, now: datetime) -> bool:
    """Take in some changes. False: there are none, or another process takes them in just now."""
    return await database.attempt(lambda session: _advance(session, projection, now))


async def position(session: Session, name: str) -> Position | None:
    """How far the projection `name` has come. None: it has never begun."""
    return await session.first(_READ, name=name)


async def news(session: Session, after: Position) -> News:
    return await session.one(_NEWS, **after.values())


async def keep(database: Database, projection: Projection, stop: asyncio.Event) -> None:
    """Take in what is there, then wait for news, until `stop`. A database that is away is tried again."""
    while not stop.is_set():
        # The signal comes first: a commit after this line wakes us, even if `_catch_up` has already looked.
        signal = database.followers.signal()
        try:
            seconds = await _catch_up(database, projection, stop)
        except Unavailable:
            logger.warning("projection.unavailable", projection=projection.name)
            seconds = POLL_SECONDS
        await database.followers.wait(signal, seconds)


async def _catch_up(database: Database, projection: Projection, stop: asyncio.Event) -> float:
    """Take in everything that is settled. Answers after how many seconds to look again."""
    while not stop.is_set():
        found = await _look(database, projection.name)
        if not found.settled:
            return HELD_BACK_SECONDS if found.held_back else POLL_SECONDS
        if not await advance(database, projection, clock.now()):
            return POLL_SECONDS
    return 0.0


async def _look(database: Database, name: str) -> News:
    """Look without a lock: a lock would take a transaction number at every look, and hold back others' changes."""
    async with database.transaction() as session:
        reached = await position(session, name)
        if reached is None:
            await session.run(_BEGIN, name=name)
        return await news(session, reached or START)


async def _advance(session: Session, projection: Projection, now: datetime) -> bool:
    locked = await session.first(_LOCK, name=projection.name)
    if locked is None:
        return False
    reached = await projection.step(session, locked, now)
    if reached is None:
        return False
    await session.run(_ADVANCE, name=projection.name, now=now, **reached.values())
    return True
