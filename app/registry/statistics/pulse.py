"""The pulse: what all server processes answered, minute by minute, for the last hour.

Each process counts in memory (`metrics.minute`), and writes one row when a minute is over. So the figures are true over
all processes. A process that is killed loses the minute that it was in; while the database is away, rows wait.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from uuid_utils.compat import uuid7

from app import clock
from app.db import Database, Session
from app.errors import Unavailable
from app.metrics import minute
from app.metrics.minute import STEPS_MS, Counted
from app.sql import statement

MINUTE = timedelta(minutes=1)
STRETCH = 5 * MINUTE
WRITTEN_WITHIN = timedelta(seconds=5)
"""So long after the end of a minute every process has written what it counted."""
KEPT = timedelta(hours=1)
MOST_WAITING = 60
"""Rows that a process keeps while the database is away."""
MOST_REFUSALS = 100
"""Reasons by organizer that are answered, the most frequent ones first."""

_WRITE = statement(
    """
    INSERT INTO pulse (minute, id, answers, errors, steps, refusals)
    VALUES (:minute, :id, :answers, :errors, CAST(:steps AS int[]), CAST(CAST(:refusals AS text) AS jsonb))
    ON CONFLICT (minute, id) DO NOTHING
    """
)
_FORGET = statement("DELETE FROM pulse WHERE minute < :before")


class _PulseRow(NamedTuple):
    minute: datetime
    answers: int
    errors: int
    steps: list[int]
    refusals: str


_READ = statement(
    """
    SELECT minute, answers, errors, steps, CAST(refusals AS text) AS refusals FROM pulse
    WHERE minute >= :since AND minute < :until
    """,
    _PulseRow,
)

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Five whole minutes."""

    since: datetime
    until: datetime
    answers: int
    errors: int
    p95_ms: float | None
    """95 % of the answers began within this time, rounded up to a step of `STEPS_MS`. None: there was no answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    organizer: str
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class Pulse:
    now: Stretch
    before: Stretch
    refusals: Sequence[Refused]


# --- what is read -----------------------------------------------------------------------------------------------------


async def read(session: Session, now: datetime) -> Pulse:
    """The last five minutes that all processes have written, and the five minutes before them."""
    until = _minute_of(now - WRITTEN_WITHIN)
    middle = until - STRETCH
    rows = await session.rows(_READ, since=middle - STRETCH, until=until)
    early, late = [one for one in rows if one.minute < middle], [one for one in rows if one.minute >= middle]
    return Pulse(_stretch(late, middle), _stretch(early, middle - STRETCH), _refused(late, early))


def _minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _stretch(rows: Sequence[_PulseRow], since: datetime) -> Stretch:
    answers, errors = sum(one.answers for one in rows), sum(one.errors for one in rows)
    steps = [sum(counts) for counts in zip(*(one.steps for one in rows), strict=True)]
    return Stretch(since=since, until=since + STRETCH, answers=answers, errors=errors, p95_ms=_p95_ms(steps))


def _p95_ms(steps: Sequence[int]) -> float | None:
    wanted, seen = sum(steps) * 0.95, 0
    if not wanted:
        return None
    for longest, count in zip(STEPS_MS, steps, strict=False):
        seen += count
        if seen >= wanted:
            return longest
    return STEPS_MS[-1]


def _refused(late: Iterable[_PulseRow], early: Iterable[_PulseRow]) -> list[Refused]:
    now, before = _counts(late), _counts(early)
    found = [Refused(reason, whose, now[whose, reason], before[whose, reason]) for whose, reason in now | before]
    return sorted(found, key=lambda one: (-one.now, -one.before, one.reason, one.organizer))[:MOST_REFUSALS]


def _counts(rows: Iterable[_PulseRow]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for organizer, reason, times in orjson.loads(row.refusals):
            counts[organizer, reason] += times
    return counts


# --- what is written --------------------------------------------------------------------------------------------------


class PulsePart(NamedTuple):
    """What one process counted in a minute, or in what was left of the minute when it began or stopped."""

    id: UUID
    at: datetime
    counted: Counted


async def run(database: Database, stop: asyncio.Event) -> None:
    """Write each minute when it is over, and the last one at `stop`."""
    minute.take()
    waiting: list[PulsePart] = []
    while not stop.is_set():
        began = clock.now()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _left_seconds(began))
        part = PulsePart(uuid7(), began, minute.take())
        waiting = await _left_unwritten(database, [*waiting, part] if part.counted.answers else waiting)


def _left_seconds(now: datetime) -> float:
    return (_minute_of(now) + MINUTE - now).total_seconds()


async def _left_unwritten(database: Database, parts: list[PulsePart]) -> list[PulsePart]:
    """What has to be written later."""
    if parts:
        try:
            await database.attempt(lambda session: write(session, parts, clock.now()))
        except Unavailable:
            logger.warning("pulse.unavailable")
            return parts[-MOST_WAITING:]
    return []


async def write(session: Session, parts: Sequence[PulsePart], now: datetime) -> None:
    """A part that is written again changes nothing."""
    for part in parts:
        refusals = [[*whose, times] for whose, times in sorted(part.counted.refusals.items())]
        await session.run(
            _WRITE,
            minute=_minute_of(part.at),
            id=part.id,
            answers=part.counted.answers,
            errors=part.counted.errors,
            steps=part.counted.steps,
            refusals=orjson.dumps(refusals).decode(),
        )
    await session.run(_FORGET, before=now - KEPT)
