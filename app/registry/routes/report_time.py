"""Report time: an hour before departure (S2.8). Whoever departs later is accepted, and marked `late`, until the grace
after the departure is over.
"""

from datetime import date, datetime, timedelta

from app.clock import wib_day
from app.errors import DepartureNotBegun, refuses

REPORT_BEFORE = timedelta(hours=1)
EARLIEST_DEPARTURE = timedelta(hours=24)
"""A departure is recorded at most so long before the route leaves."""


def report_by(departs_at: datetime | None) -> datetime | None:
    return None if departs_at is None else departs_at - REPORT_BEFORE


def handover_on(departs_at: datetime | None) -> date | None:
    """The day (WIB) on which a motorcycle is handed over: the day before it departs (S2.6). None: it has no time."""
    return None if departs_at is None else wib_day(departs_at) - timedelta(days=1)


def is_late(departed_at: datetime, departs_at: datetime | None) -> bool:
    by = report_by(departs_at)
    return by is not None and departed_at > by


def has_left(departs_at: datetime | None, grace_minutes: int, now: datetime) -> bool:
    """Whether the grace is over: whoever is not aboard by now was left behind."""
    return departs_at is not None and departs_at + timedelta(minutes=grace_minutes) < now


@refuses(DepartureNotBegun)
def judge_early(field: str, departs_at: datetime | None, at: datetime) -> DepartureNotBegun | None:
    """Whether it is too early to record a departure. A departure is final: a wrong click, or a wrong column of a file,
    would put people on a bus of another day.
    """
    if departs_at is None or at >= departs_at - EARLIEST_DEPARTURE:
        return None
    return DepartureNotBegun(field, opens_at=departs_at - EARLIEST_DEPARTURE)
