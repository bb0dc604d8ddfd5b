"""What somebody says when something happened: not in the future."""

from datetime import UTC, datetime, timedelta

from app.errors import InvalidValue
from app.registry.values.texts import not_in_the_future

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=5)


def test_now_unless_told() -> None:
    assert not_in_the_future(None, NOW, "at") == NOW


def test_the_past_and_what_clocks_differ_by_are_kept() -> None:
    for instant in (NOW - timedelta(days=400), NOW, NOW + MINUTES):
        assert not_in_the_future(instant, NOW, "at") == instant


def test_the_future_is_refused() -> None:
    refused = not_in_the_future(NOW + MINUTES + timedelta(microseconds=1), NOW, "at")
    assert isinstance(refused, InvalidValue)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "at")
