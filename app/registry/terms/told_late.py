"""Acts that are told late: at a gate without a network, a phone keeps what a posko did, and tells it hours later.

An act that is told within six hours counts from its own time: within more, if the registry was away at their end. An
act that is told later counts from when it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.registry.outages import Outage, moved

TOLD_WITHIN = timedelta(hours=6)


def counts_from(at: datetime, now: datetime, outages: Sequence[Outage] = ()) -> datetime:
    """The instant by which an act of `at` is judged. A clock that runs ahead harms nobody."""
    return at if at <= now <= moved(at + TOLD_WITHIN, outages) else now
