"""Outages of the registry: how the registry knows of them, and that nobody loses by them.

Each server process writes a heartbeat. Whoever writes the next one after a gap of more than `LONGEST_GAP` writes down
an outage: every deadline that fell into the gap moves by its length, and by a day at least (`prolonging`). Until that
is done, and while no server lives, nobody is forfeited and nobody is a no-show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import orjson
import structlog
from uuid_utils.compat import uuid7

from app import clock
from app.db import Database, Session
from app.errors import Unavailable
from app.models.enums import ProlongationCause
from app.sql import statement

BEATS_EVERY_SECONDS = 20.0
LONGEST_GAP = timedelta(minutes=5)
"""Some beats may fail, and a server may be restarted, before we speak of an outage."""
AT_LEAST = timedelta(hours=24)
"""A deadline that fell into an outage moves by this at least: whoever came to a closed door needs a day to come again.
"""

_GAP = f"make_interval(secs => {LONGEST_GAP.total_seconds():.0f})"
IS_UP = f"""
    (NOT EXISTS (SELECT FROM heartbeat WHERE at < CAST(:now AS timestamptz) - {_GAP})
     AND NOT EXISTS (SELECT FROM prolongation WHERE done_at IS NULL))
"""
"""SQL: nothing is missing that could still save somebody. A database that no server has served yet has no heartbeat."""
_LAST = statement("SELECT at FROM heartbeat FOR UPDATE", datetime)
_BEAT = statement(
    """
    INSERT INTO heartbeat (id, at) VALUES (1, :now)
    ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE heartbeat.at < excluded.at
    """
)
_WRITE_DOWN = statement(
    f"""
    INSERT INTO prolongation (id, cause, after, until, seconds, made_at)
    VALUES (:id, '{ProlongationCause.OUTAGE}', :since, :now, :seconds, :now)
    """
)

AS_JSON = f"""
    (SELECT json_agg(json_build_array(after, until, seconds)) FROM prolongation
     WHERE cause = '{ProlongationCause.OUTAGE}')::text
"""
"""SQL: all outages, for `read`. A season has few. Null: there was none."""

logger = structlog.get_logger(__name__)


class Outage(NamedTuple):
    after: datetime
    until: datetime
    by: timedelta
    """How much later every deadline is that fell into it."""


@lru_cache(maxsize=8)
def read(as_json: str | None) -> tuple[Outage, ...]:
    """Outages as `AS_JSON` tells them. Many rows of one batch tell the same."""
    return tuple(
        Outage(datetime.fromisoformat(after), datetime.fromisoformat(until), timedelta(seconds=seconds))
        for after, until, seconds in orjson.loads(as_json or "[]")
    )


def moved(deadline: datetime, outages: Sequence[Outage]) -> datetime:
    """The deadline, moved by the outage that it fell into, and by the next one if it fell into that (`prolonged`)."""
    for _ in range(2):
        deadline += max((one.by for one in outages if one.after < deadline <= one.until), default=timedelta())
    return deadline


def prolonged(deadline: str, name: str) -> str:
    """SQL, to be put behind FROM: the row `name`, whose `at` is the instant that the expression `deadline` tells, moved
    by the outage that it fell into, and by the next one if it fell into that.
    """
    return f"""
        CROSS JOIN LATERAL (SELECT {_moved(deadline)} AS at) {name}_once
        CROSS JOIN LATERAL (SELECT {_moved(f"{name}_once.at")} AS at) {name}
    """


def _moved(deadline: str) -> str:
    return f"""
        {deadline} + make_interval(secs => coalesce((
            SELECT max(seconds) FROM prolongation
            WHERE cause = '{ProlongationCause.OUTAGE}' AND {deadline} > after AND {deadline} <= until
        ), 0))
    """


async def beat(session: Session, now: datetime) -> timedelta | None:
    """Say that the registry is up. Answers the length of the outage that has ended now, if there was one."""
    last = await session.first(_LAST)
    await session.run(_BEAT, now=now)
    if last is None or now - last <= LONGEST_GAP:
        return None
    length = now - last
    seconds = int(max(length, AT_LEAST).total_seconds()) + 1
    await session.run(_WRITE_DOWN, id=uuid7(), since=last, now=now, seconds=seconds)
    return length


async def run(database: Database, stop: asyncio.Event) -> None:
    """Beat every `BEATS_EVERY_SECONDS` until `stop`. A database that is away is an outage when it comes back."""
    while not stop.is_set():
        try:
            outage = await database.attempt(lambda session: beat(session, clock.now()))
        except Unavailable:
            logger.warning("heartbeat.unavailable")
        else:
            if outage is not None:
                logger.warning("outage.over", seconds=round(outage.total_seconds()))
        try:
            await asyncio.wait_for(stop.wait(), BEATS_EVERY_SECONDS)
        except TimeoutError:
            continue
