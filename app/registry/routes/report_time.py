"""Report time: an hour before departure (S2.8). Whoever departs later is accepted, and marked `late`, until the grace
after the departure is over.
"""

from datetime import datetime, timedelta

REPORT_BEFORE = timedelta(hours=1)


def report_by(departs_at: datetime | None) -> datetime | None:
    return None if departs_at is None else departs_at - REPORT_BEFORE


def is_late(departed_at: datetime, departs_at: datetime | None) -> bool:
    by = report_by(departs_at)
    return by is not None and departed_at > by


def has_left(departs_at: datetime | None, grace_minutes: int, now: datetime) -> bool:
    """Whether the grace is over: whoever is not aboard by now was left behind."""
    return departs_at is not None and departs_at + timedelta(minutes=grace_minutes) < now
