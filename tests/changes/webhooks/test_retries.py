"""When a delivery is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.changes.webhooks import retries
from tests.world import NOW

DAY = timedelta(hours=24)


def test_the_schedule_is_the_one_that_is_promised() -> None:
    spans = [span.total_seconds() for span in retries.SCHEDULE]
    assert spans == [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]


def test_each_attempt_comes_in_its_time_or_a_little_later() -> None:
    for tries in range(1, 10):
        span = retries.SCHEDULE[tries]
        assert retries.next_at(tries, None, NOW, lambda: 0.0) == NOW + span
        assert retries.next_at(tries, None, NOW, lambda: 0.5) == NOW + span * 1.1
        assert retries.next_at(tries, None, NOW, lambda: 1.0) == NOW + span * 1.2


def test_ten_attempts_and_one_of_a_test() -> None:
    assert [retries.is_last("quota.filled", tries) for tries in range(1, 11)] == [False] * 9 + [True]
    assert retries.is_last("webhook.test", 1)


def test_what_the_receiver_asks_for_is_not_undercut() -> None:
    assert retries.next_at(1, NOW + timedelta(hours=1), NOW, lambda: 0.0) == NOW + timedelta(hours=1)
    assert retries.next_at(4, NOW + timedelta(hours=1), NOW, lambda: 0.0) == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("header", "until"),
    [
        (None, None),
        ("0", NOW),
        ("7", NOW + timedelta(seconds=7)),
        (" 120 ", NOW + timedelta(minutes=2)),
        ("86401", NOW + DAY),
        ("999999999", NOW + DAY),
        ("9999999999", None),
        ("-1", None),
        ("1.5", None),
        ("٧", None),
        ("soon", None),
        ("", None),
        ("Mon, 02 Mar 2026 02:10:00 GMT", NOW + timedelta(minutes=10)),
        ("Monday, 02-Mar-26 02:10:00 GMT", NOW + timedelta(minutes=10)),
        ("Mon Mar  2 02:10:00 2026", NOW + timedelta(minutes=10)),
        ("Mon, 02 Mar 2026 09:10:00 +0700", NOW + timedelta(minutes=10)),
        ("Mon, 02 Mar 2026 01:59:59 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", NOW + DAY),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Mon, 02 Mar 2026 02:10:00 +9999", None),
    ],
)
def test_retry_after(header: str | None, until: datetime | None) -> None:
    assert retries.asked_by(header, NOW) == until
