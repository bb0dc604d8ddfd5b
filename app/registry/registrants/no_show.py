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
from app.registry.terms.policy import Policy

_LEFT_BEHIND = text(
    """
    SELECT r.id FROM route
    JOIN season ON season.year = route.season AND season.closed_at IS NULL
    JOIN registrant r ON r.route_id = route.id AND r.status = 'VERIFIED'
    LEFT JOIN policy ON policy.season = r.season AND policy.organizer_code = r.organizer_code
    WHERE route.departs_at < :now
      AND route.departs_at + make_interval(mins => coalesce(policy.no_show_after_minutes, :default)) < :now
    ORDER BY r.id LIMIT :most
    """
)


async def mark_left_behind(session: Session, now: datetime, *, most: int) -> int:
    """Mark up to `most` registrants as NO_SHOW. Answers how many were looked at."""
    facts = {"now": now, "most": most, "default": Policy().no_show_after_minutes}
    left_behind = list((await session.execute(_LEFT_BEHIND, facts)).scalars())
    if left_behind:
        await lifecycle.step(session, [Step(one, RegistrantStatus.NO_SHOW) for one in left_behind], now)
    return len(left_behind)
