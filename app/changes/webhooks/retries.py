"""When a delivery is tried again: by the schedule of Standard Webhooks, and as its receiver asks with Retry-After."""

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
"""The wait before each attempt."""
JITTER = 0.2
"""A wait is longer by up to this share of it, so that deliveries which failed together do not return together."""
LONGEST_PAUSE = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=5)
"""Without one success: then a webhook is disabled."""

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def is_last(event: str, tries: int) -> bool:
    """A test is tried once: whoever tests wants to see the outcome of one attempt."""
    return event == WebhookEvent.WEBHOOK_TEST or tries >= len(SCHEDULE)


def next_at(tries: int, asked: datetime | None, now: datetime, chance: Callable[[], float]) -> datetime:
    """The instant of the next attempt, after `tries` attempts and not before `asked`.

    `chance` answers a number between 0 and 1, each as likely as the others.
    """
    scheduled = now + SCHEDULE[tries] * (1 + JITTER * chance())
    return scheduled if asked is None else max(scheduled, asked)


def asked_by(retry_after: str | None, now: datetime) -> datetime | None:
    """The instant that Retry-After names in seconds or as a date (RFC 9110 §10.2.3), a day from now at most.

    None: the header is neither, or its date is past.
    """
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
