"""Acts that are told late: at a gate without a network, a phone keeps what a posko did, and tells it hours later.

An act that is told within six hours counts from its own time. An act that is told later counts from when it is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

TOLD_WITHIN = timedelta(hours=6)


def counts_from(at: datetime, now: datetime) -> datetime:
    """The instant by which an act of `at` is judged. A clock that runs ahead harms nobody."""
    return at if now - TOLD_WITHIN <= at <= now else now
