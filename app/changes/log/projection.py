"""A projection takes in every change of the log once, in its order, whatever process is at it and whenever one dies.

What it derives and how far it has come (table `projection`) are written in one transaction, under that row's lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import text

from app import clock
from app.changes.log.feed import AFTER, IN_ORDER, IS_HELD_BACK, SETTLED, Position
from app.changes.log.wake import HELD_BACK, POLL, Wake
from app.db import Database, Session
from app.errors import Unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Projection:
    name: str
    step: Callable[[Session, Position, datetime], Awaitable[Position | None]]
    """Take in some of what is settled behind the position; answers how far it came, None when there was nothing."""


_BEGIN = text("INSERT INTO projection (name) VALUES (:name) ON CONFLICT DO NOTHING")
# Asked for in the order of the log: the planner expects much and would read it whole to find nothing.
_NEWS = text(
    f"""
    SELECT (SELECT true FROM change c WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT 1) IS NOT NULL AS settled,
           {IS_HELD_BACK} AS held_back
    """
)
_POSITION = "SELECT CAST(CAST(xact_id AS text) AS bigint) AS xact_id, change_id FROM projection WHERE name = :name"
_READ = text(_POSITION)
_LOCK = text(f"{_POSITION} FOR UPDATE SKIP LOCKED")
_ADVANCE = text(
    "UPDATE projection SET xact_id = CAST(CAST(:xact_id AS text) AS xid8), change_id = :change_id, advanced_at = :now"
    " WHERE name = :name"
)


async def advance(database: Database, projection: Projection, now: datetime) -> bool:
    """Take in some changes. False: there is nothing to do, or another process does it."""
    return await database.attempt(lambda session: _advance(session, projection, now))


async def keep(database: Database, wake: Wake, projection: Projection, stop: asyncio.Event) -> None:
    """Follow the log until `stop`; a database that is away is tried again."""
    while not stop.is_set():
        signal = wake.signal()
        try:
            within = await _catch_up(database, projection, stop)
        except Unavailable:
            log.warning("projection.unavailable", projection=projection.name)
            within = POLL
        await wake.wait(signal, within)


async def _catch_up(database: Database, projection: Projection, stop: asyncio.Event) -> float:
    """Answers how long to wait for the next look."""
    while not stop.is_set():
        settled, held_back = await _news(database, projection.name)
        if not settled:
            return HELD_BACK if held_back else POLL
        if not await advance(database, projection, clock.now()):
            return POLL
    return 0.0


async def _news(database: Database, name: str) -> tuple[bool, bool]:
    """Looked for without a lock: that would take a transaction number each time, and hold back others."""
    async with database.transaction() as session:
        row = (await session.execute(_READ, {"name": name})).one_or_none()
        if row is None:
            await session.execute(_BEGIN, {"name": name})
        position = Position(0, 0) if row is None else Position(*row)
        news = (await session.execute(_NEWS, position.values())).one()
        return news.settled, news.held_back


async def _advance(session: Session, projection: Projection, now: datetime) -> bool:
    row = (await session.execute(_LOCK, {"name": projection.name})).one_or_none()
    if row is None:
        return False
    reached = await projection.step(session, Position(*row), now)
    if reached is None:
        return False
    await session.execute(_ADVANCE, {"name": projection.name, "now": now, **reached.values()})
    return True
