"""The time. Instants are UTC; every day count is in WIB (UTC+7, the zone of Asia/Jakarta, which has no summer time).

This is the only file that knows a time zone. Rules take `now` as a parameter and never ask for the time.
"""

import time as ticking
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import partial

WIB = timezone(timedelta(hours=7), "WIB")

_elapsed = (
    partial(ticking.clock_gettime, ticking.CLOCK_BOOTTIME)
    if hasattr(ticking, "CLOCK_BOOTTIME")
    else ticking.monotonic  # pragma: no cover - not on Linux
)
"""Seconds. Nobody can set this clock. The time that a machine sleeps counts."""


class Clock:
    """The clock of a registry. It counts on from an instant of its database's clock, since that was read."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.read: float = 0
        self.ahead = timedelta()
        """Of the database. An organizer moves the clock of its own test registry, and nobody any other."""

    def unmoved(self) -> datetime:
        return of_this_machine() if self.at is None else self.at + timedelta(seconds=_elapsed() - self.read)


clock: ContextVar[Clock] = ContextVar("clock", default=Clock())  # noqa: B039 - of the live registry, which is one
"""The clock by which this context goes: a request, a duty, and all that they start."""


def now() -> datetime:
    """By the database's clock as soon as `host_clock` has read it, and by this machine's before."""
    here = clock.get()
    return here.unmoved() + here.ahead


def of_the_database() -> datetime:
    """The same, whatever the clock was moved by."""
    return clock.get().unmoved()


def unmoved(at: datetime) -> datetime:
    """The true time when the clock of this context says `at`. Signatures go by the true time: nobody else's clock was
    moved.
    """
    return at - clock.get().ahead


def is_the_databases() -> bool:
    return clock.get().at is not None


def set_to(at: datetime) -> None:
    """It is `at` in the database now. `now` counts on from there, whatever becomes of this machine's clock."""
    here = clock.get()
    here.at, here.read = at, _elapsed()


def of_this_machine() -> datetime:
    return datetime.now(UTC)


def wib_day(instant: datetime) -> date:
    """The calendar day in Jakarta on which `instant` falls."""
    return instant.astimezone(WIB).date()


def sql_wib_day(column: str) -> str:
    """SQL for the calendar day in Jakarta on which the instant in `column` falls."""
    return f"CAST(timezone(INTERVAL '7 hours', {column}) AS date)"


def sql_next_wib_day(column: str) -> str:
    """SQL for the first instant of the day in Jakarta behind the one on which the instant in `column` falls."""
    return sql_end_of_wib_day(sql_wib_day(column))


def sql_end_of_wib_day(day: str) -> str:
    """SQL for the first instant behind the day in Jakarta that the column or expression `day` holds."""
    return f"timezone(INTERVAL '7 hours', CAST({day} + 1 AS timestamp))"


def start_of_wib_day(day: date) -> datetime:
    return datetime.combine(day, time.min, WIB).astimezone(UTC)


def end_of_wib_day(day: date) -> datetime:
    """The last microsecond of `day` in Jakarta."""
    return start_of_wib_day(day + timedelta(days=1)) - timedelta(microseconds=1)
