"""News comes late, people do not: forfeiture and no-show wait for the lists of organizers that send lists.

They wait until `newsGraceHours` (policy, 12) after the midnight (WIB) behind the deadline: 12.00 WIB of the next day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.clock import sql_next_wib_day, start_of_wib_day, wib_day
from app.registry.outages import Outage, moved

MOST_HOURS = 72
"""A policy may ask for at most so many hours."""


def heard_by(deadline: datetime, hours: int, outages: Sequence[Outage] = ()) -> datetime:
    """When all has been heard of what happened until `deadline`: later, if the registry was away then. 0 hours: the
    organizer tells as it happens.
    """
    later = start_of_wib_day(wib_day(deadline) + timedelta(days=1)) + timedelta(hours=hours) if hours else deadline
    return moved(later, outages)


def sql_heard_by(deadline: str, hours: str) -> str:
    """SQL: the same of these expressions, as if the registry had never been away (see `outages.prolonged`)."""
    later = f"{sql_next_wib_day(deadline)} + make_interval(hours => {hours})"
    return f"CASE WHEN {hours} > 0 THEN {later} ELSE {deadline} END"
