"""One clock judges deadlines, the database's, on however many machines the servers are.

Each process reads the database's clock every few seconds, and `app.clock.now` counts on from there. So nobody is judged
by the clock of one machine, and nobody loses when that clock is wrong or is put right under way. A machine whose clock
is more than `MOST_APART` off does no duty all the same, and says so: tokens, certificates and logs depend on its clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from app import clock, metrics
from app.db import Database
from app.errors import Unavailable
from app.sql import statement

MOST_APART = timedelta(seconds=5)
READ_EVERY_SECONDS = 5.0
READ_AGAIN_AFTER_SECONDS = 1.0
"""So often the clock is asked for until it has been read for the first time."""
DRIFTED = timedelta(milliseconds=100)
"""`clock.now` is set at the first reading, and anew when it is off by more than this."""

_WAKE = statement("SELECT 1", int)
_READ = statement("SELECT clock_timestamp()", datetime)

Duty = Callable[[asyncio.Event], Awaitable[None]]
"""What a process does by itself, until the event is set."""

logger = structlog.get_logger(__name__)


class ClockReading(NamedTuple):
    """What the database's clock said, at some time between two instants of this machine's clock."""

    there: datetime
    asked_at: datetime
    answered_at: datetime

    @property
    def ahead(self) -> timedelta:
        """So much at least this machine is ahead of the database; negative: behind."""
        return max(self.asked_at - self.there, timedelta()) - max(self.there - self.answered_at, timedelta())

    @property
    def is_wrong(self) -> bool:
        return abs(self.ahead) > MOST_APART


async def read(database: Database) -> ClockReading:
    """Read the database's clock, and set `clock.now` to it. Raises `Unavailable`."""
    async with database.statements() as session:
        # The connection is made first: the time that takes must not count as a difference of the clocks.
        await session.one(_WAKE)
        asked_at = clock.of_this_machine()
        there = await session.one(_READ)
        reading = ClockReading(there, asked_at, clock.of_this_machine())
    took = max(reading.answered_at - reading.asked_at, timedelta())
    at = there + took / 2
    if not clock.is_the_databases() or abs(clock.of_the_database() - at) > took / 2 + DRIFTED:
        clock.set_to(at)
    return reading


class HostClock:
    """Whether this process may do its duties."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._right, self._wrong = asyncio.Event(), asyncio.Event()
        self.known = asyncio.Event()
        """Set once the database's clock has been read."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look every `READ_EVERY_SECONDS` until `stop`. While the database is away, all stays as it is."""
        while not stop.is_set():
            await self.look()
            pause = READ_EVERY_SECONDS if self.known.is_set() else READ_AGAIN_AFTER_SECONDS
            await any_of(stop, within_seconds=pause)

    async def look(self) -> None:
        try:
            reading = await read(self._database)
        except Unavailable:
            return
        metrics.CLOCK_APART.set(abs(reading.ahead.total_seconds()))
        self.known.set()
        if reading.is_wrong:
            if not self._wrong.is_set():
                logger.error("clock.wrong", seconds_ahead=round(reading.ahead.total_seconds()))
            self._wrong.set()
            self._right.clear()
        else:
            if self._wrong.is_set():
                logger.warning("clock.right")
            self._right.set()
            self._wrong.clear()

    def guarded(self, duty: Duty) -> Duty:
        """`duty`, as long as the clock of this machine is right."""

        async def while_right(stop: asyncio.Event) -> None:
            while not stop.is_set():
                await any_of(stop, self._right)
                if self._right.is_set():
                    await until(duty, stop, self._wrong)

        return while_right


async def until(duty: Duty, *events: asyncio.Event) -> None:
    """`duty` is told to end as soon as one of `events` is set."""
    end = asyncio.Event()

    async def watch() -> None:
        await any_of(*events)
        end.set()

    watching = asyncio.create_task(watch())
    try:
        await duty(end)
    finally:
        watching.cancel()


async def any_of(*events: asyncio.Event, within_seconds: float | None = None) -> None:
    """Wait until one of `events` is set, or for so long."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
