"""Forfeiture: whoever is not verified in time is forfeited. The seat returns at once, and the NIK is blocked (S2.4–5).

When that is stands in `app.registry.terms.deadlines`. The sweep waits for the lists of organizers that send lists
(`news`), an outage of the registry prolongs what fell into it (`outages`), and where too many would be forfeited at
once the sweep waits for Hubdat's word (`halts`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.models.statuses import AWAITS_VERIFICATION
from app.registry import halts, outages
from app.registry.halts import Due
from app.registry.registrants import lifecycle
from app.registry.registrants.transitions import Step
from app.registry.terms import news, policy
from app.sql import statement

_FORFEITS_AT = "coalesce(r.forfeits_at, r.verify_by)"
_HEARD_BY = news.sql_heard_by(_FORFEITS_AT, policy.news_hours("o"))
_ALLOWED_UNTIL = halts.sql_allowed_until(RegistrantStatus.FORFEITED)
_OVERDUE = f"""
    FROM registrant r JOIN season ON season.year = r.season JOIN organizer o ON o.code = r.organizer_code
    {policy.join("r.season", "r.organizer_code")}
    -- A trip has one deadline. Returns booked before that rule may have an earlier deadline than their outbound.
    LEFT JOIN LATERAL (
        SELECT status, coalesce(verify_by, 'infinity') AS verify_by, forfeits_at FROM registrant
        WHERE id = r.outbound_id OFFSET 0
    ) home ON home.{AWAITS_VERIFICATION}
    CROSS JOIN LATERAL (SELECT {_HEARD_BY} AS at) heard {outages.prolonged("heard.at", "prolonged")}
    WHERE r.{AWAITS_VERIFICATION} AND {_FORFEITS_AT} < :now AND season.closed_at IS NULL
      AND prolonged.at < :now AND {outages.IS_UP}
      AND coalesce(home.forfeits_at, home.verify_by, '-infinity') < :now
"""
_SOME = statement(
    f"SELECT r.id {_OVERDUE} AND prolonged.at <= coalesce({_ALLOWED_UNTIL}, :now) ORDER BY {_FORFEITS_AT} LIMIT :most",
    UUID,
)
_DUE = statement(
    f"""
    SELECT r.organizer_code AS organizer, r.season, count(*) AS people, max(prolonged.at) AS until
    {_OVERDUE} AND prolonged.at > coalesce({_ALLOWED_UNTIL}, '-infinity') GROUP BY r.organizer_code, r.season
    """,
    Due,
)


async def due(session: Session, now: datetime) -> list[Due]:
    """How many of each organizer's, in each season, would be forfeited now."""
    return await session.rows(_DUE, now=now)


async def forfeit_overdue(session: Session, now: datetime, *, most: int) -> int:
    """Forfeit up to `most` registrants whose deadline has passed, in open seasons. Answers how many were.

    Those of an organizer whose sweep halts are left out.
    """
    overdue = await session.rows(_SOME, now=now, most=most)
    if not overdue:
        return 0
    steps = [Step(id=one, to=RegistrantStatus.FORFEITED) for one in overdue]
    return sum(not isinstance(one, Refusal) for one in await lifecycle.step(session, steps, now))
