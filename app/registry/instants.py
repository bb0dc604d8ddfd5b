"""An instant that somebody tells us: with a zone, and not in the future beyond what clocks differ by."""

from datetime import datetime, timedelta

from app.errors import InvalidValue

CLOCKS_DIFFER_BY = timedelta(minutes=5)


def not_in_the_future(instant: datetime | None, now: datetime, field: str) -> datetime | InvalidValue:
    """`instant`, or `now` when none was told."""
    if instant is None:
        return now
    if instant > now + CLOCKS_DIFFER_BY:
        return InvalidValue(field, "Waktu ini masih akan datang.", "This time is in the future.")
    return instant
