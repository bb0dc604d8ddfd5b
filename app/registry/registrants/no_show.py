"""No-show: a VERIFIED registrant who is not aboard when the route has left, `departsAt` + the policy's grace (2 h),
becomes NO_SHOW, in open seasons (S2.8).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from app.db import Session
from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle
from app.registry.registrants.transitions import Step
from app.registry.terms import policy

_GRACE_MINUTES = policy.in_force("no_show_after_minutes", "r.organizer_code")
_LEFT_BEHIND = text(
    f"""
    SELECT r.id FROM route
    JOIN season ON season.year = route.season AND season.closed_at IS NULL
    JOIN registrant r ON r.route_id = route.id AND r.status = 'VERIFIED'
    {policy.join("r.season", "r.organizer_code")}
    WHERE route.departs_at < :now AND route.departs_at + make_interval(mins => {_GRACE_MINUTES}) < :now
    ORDER BY r.id LIMIT :most
    """
)


async def mark_left_behind(session: Session, now: datetime, *, most: int) -> int:
    """Mark up to `most` registrants as NO_SHOW. Answers how many were looked at."""
    left_behind = list((await session.execute(_LEFT_BEHIND, {"now": now, "most": most})).scalars())
    if left_behind:
        await lifecycle.step(session, [Step(one, RegistrantStatus.NO_SHOW) for one in left_behind], now)
    return len(left_behind)
