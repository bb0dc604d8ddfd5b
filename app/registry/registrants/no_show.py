"""No-show: a VERIFIED registrant who is not aboard when the route has left becomes NO_SHOW, in open seasons (S2.8).

A route has left at `departsAt` and the policy's grace (2 h) after it. Whoever sends lists has time to tell of it
(`news`), an outage of the registry prolongs that (`outages`), and where too many would be missing at once the sweep
waits for Hubdat's word (`halts`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.models.statuses import AWAITS_DEPARTURE
from app.registry import halts, outages
from app.registry.halts import Due
from app.registry.registrants import lifecycle, transitions
from app.registry.registrants.transitions import Step
from app.registry.terms import news, policy
from app.sql import statement

_GRACE_MINUTES = policy.in_force("no_show_after_minutes", "r.organizer_code")
_HEARD_BY = news.sql_heard_by("has_left.at", policy.news_hours("o"))
_ALLOWED_UNTIL = halts.sql_allowed_until(RegistrantStatus.NO_SHOW)
_LEFT_ALONE = f"make_interval(secs => {transitions.LEFT_ALONE.total_seconds():.0f})"
_LEFT_BEHIND = f"""
    FROM season
    -- OFFSET 0 has PostgreSQL begin with the routes that have left, and look up who is missing on each. It would else
    -- read all routes, or everybody who waits to depart. ORDER BY has it take the index of departures.
    JOIN LATERAL (
        SELECT * FROM route WHERE season = season.year AND departs_at < :now ORDER BY departs_at OFFSET 0
    ) route ON true
    JOIN LATERAL (SELECT * FROM registrant WHERE route_id = route.id AND {AWAITS_DEPARTURE} OFFSET 0) r ON true
    JOIN organizer o ON o.code = r.organizer_code {policy.join("r.season", "r.organizer_code")}
    CROSS JOIN LATERAL (SELECT route.departs_at + make_interval(mins => {_GRACE_MINUTES}) AS at) has_left
    CROSS JOIN LATERAL (SELECT {_HEARD_BY} AS at) heard {outages.prolonged("heard.at", "prolonged")}
    CROSS JOIN LATERAL (SELECT r.reopened_at + {_LEFT_ALONE} AS at) alone {outages.prolonged("alone.at", "left_alone")}
    WHERE season.closed_at IS NULL AND (r.reopened_at IS NULL OR left_alone.at < :now)
      AND has_left.at < :now AND prolonged.at < :now AND {outages.IS_UP}
"""
_SOME = statement(
    f"SELECT r.id {_LEFT_BEHIND} AND prolonged.at <= coalesce({_ALLOWED_UNTIL}, :now) ORDER BY r.id LIMIT :most", UUID
)
_DUE = statement(
    f"""
    SELECT r.organizer_code AS organizer, r.season, count(*) AS people, max(prolonged.at) AS until
    {_LEFT_BEHIND} AND prolonged.at > coalesce({_ALLOWED_UNTIL}, '-infinity') GROUP BY r.organizer_code, r.season
    """,
    Due,
)


async def due(session: Session, now: datetime) -> list[Due]:
    """How many of each organizer's, in each season, would be marked now."""
    return await session.rows(_DUE, now=now)


async def mark_left_behind(session: Session, now: datetime, *, most: int) -> int:
    """Mark up to `most` registrants as NO_SHOW. Answers how many were.

    Those of an organizer whose sweep halts are left out.
    """
    left_behind = await session.rows(_SOME, now=now, most=most)
    if not left_behind:
        return 0
    steps = [Step(id=one, to=RegistrantStatus.NO_SHOW) for one in left_behind]
    return sum(not isinstance(one, Refusal) for one in await lifecycle.step(session, steps, now))
