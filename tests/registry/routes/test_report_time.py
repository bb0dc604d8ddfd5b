"""Report time: an hour before the departure."""

from datetime import UTC, datetime, timedelta

from app.registry.routes import report_time

LEAVES = datetime(2026, 3, 16, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_hour_before_the_departure() -> None:
    assert report_time.report_by(LEAVES) == LEAVES - HOUR
    assert report_time.report_by(None) is None


def test_late_is_after_it() -> None:
    assert not report_time.is_late(LEAVES - HOUR, LEAVES)
    assert report_time.is_late(LEAVES - HOUR + timedelta(microseconds=1), LEAVES)
    assert report_time.is_late(LEAVES + HOUR, LEAVES)
    assert not report_time.is_late(LEAVES, None)
