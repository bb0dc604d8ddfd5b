"""The time. Instants are UTC; every day count is in WIB (UTC+7, the zone of Asia/Jakarta, which has no summer time).

This is the only file that knows a time zone. Rules take `now` as a parameter and never ask for the time.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone

WIB = timezone(timedelta(hours=7), "WIB")


def now() -> datetime:
    return datetime.now(UTC)


def wib_day(instant: datetime) -> date:
    """The calendar day in Jakarta on which `instant` falls."""
    return instant.astimezone(WIB).date()


def sql_wib_day(column: str) -> str:
    """SQL for the calendar day in Jakarta on which the instant in `column` falls."""
    return f"CAST(timezone(INTERVAL '7 hours', {column}) AS date)"


def sql_next_wib_day(column: str) -> str:
    """SQL for the first instant of the day in Jakarta behind the one on which the instant in `column` falls."""
    return f"timezone(INTERVAL '7 hours', CAST({sql_wib_day(column)} + 1 AS timestamp))"


def start_of_wib_day(day: date) -> datetime:
    return datetime.combine(day, time.min, WIB).astimezone(UTC)


def end_of_wib_day(day: date) -> datetime:
    """The last microsecond of `day` in Jakarta."""
    return start_of_wib_day(day + timedelta(days=1)) - timedelta(microseconds=1)
