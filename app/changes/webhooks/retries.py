"""When a delivery is tried again: the schedule of Standard Webhooks, and what its receiver asks for by Retry-After."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from app.models.enums import WebhookEvent

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""What lies before each attempt."""
JITTER = 0.2
"""Up to so much longer, so that not all that failed together comes again together."""
LONGEST_PAUSE = timedelta(hours=24)
FAILING_FOR = timedelta(days=5)
"""Without one success: then the webhook is disabled."""

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def is_last(event: str, tries: int) -> bool:
    """Whoever tests sees the outcome of one attempt."""
    return event == WebhookEvent.WEBHOOK_TEST or tries >= len(SCHEDULE)


def next_at(tries: int, asked: datetime | None, now: datetime, chance: Callable[[], float]) -> datetime:
    """When, after `tries` attempts. `asked`: not before that. `chance` is evenly between 0 and 1."""
    scheduled = now + SCHEDULE[tries] * (1 + JITTER * chance())
    return scheduled if asked is None else max(scheduled, asked)


def asked_by(retry_after: str | None, now: datetime) -> datetime | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3), a day at most. None for what is neither, or is past."""
    if retry_after is None:
        return None
    given = retry_after.strip()
    if _SECONDS.fullmatch(given):
        return min(now + timedelta(seconds=int(given)), now + LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return min(until, now + LONGEST_PAUSE) if until > now else None
