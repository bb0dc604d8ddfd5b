"""H+7: whoever is not verified by the end of the day `registeredAt + N` (WIB) is forfeited. The seat returns at once,
and the NIK is blocked (S2.4–5). N is the organizer's policy; without N nobody is forfeited.

`verifyBy` is settled when a registration arrives. A later change of the policy does not change it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from app.clock import end_of_wib_day, wib_day
from app.db import Session
from app.models.enums import RegistrantStatus
from app.models.registrant import AWAITS_VERIFICATION
from app.registry.registrants import lifecycle
from app.registry.registrants.transitions import Step
from app.registry.terms.policy import Policy
from app.registry.values import nik
from app.sql import statement

TIME_OF_LATE_ARRIVAL = timedelta(hours=24)
"""To verify a registration that first arrives after its own deadline."""
DEADLINE_EXTENDED = nik.Warning(
    "DEADLINE_EXTENDED",
    "Data tiba setelah batas verifikasinya; verifikasi dapat dilakukan dalam 24 jam sejak diterima.",
    "The record arrived after its own verification deadline; it can be verified within 24 hours of its arrival.",
)

_OVERDUE = statement(
    f"""
    SELECT r.id FROM registrant r JOIN season ON season.year = r.season
    WHERE r.{AWAITS_VERIFICATION} AND r.verify_by < :now AND season.closed_at IS NULL
      -- A trip has one deadline. A return of before this was so may have an earlier one than its outbound.
      AND NOT EXISTS (
          SELECT FROM registrant home WHERE home.id = r.outbound_id AND home.{AWAITS_VERIFICATION}
              AND (home.verify_by IS NULL OR home.verify_by >= :now)
      )
    ORDER BY r.verify_by LIMIT :most
    """,
    UUID,
)


def deadline(
    registered_at: datetime, arrived_at: datetime, policy: Policy
) -> tuple[datetime | None, nik.Warning | None]:
    """The last instant to verify, or None: there is no deadline. A warning tells of a deadline that was extended."""
    if policy.verify_within_days is None:
        return None, None
    verify_by = end_of_wib_day(wib_day(registered_at) + timedelta(days=policy.verify_within_days))
    if verify_by < arrived_at:
        return arrived_at + TIME_OF_LATE_ARRIVAL, DEADLINE_EXTENDED
    return verify_by, None


async def forfeit_overdue(session: Session, now: datetime, *, most: int) -> int:
    """Forfeit up to `most` registrants whose deadline has passed, in open seasons. Answers how many were looked at."""
    overdue = await session.rows(_OVERDUE, now=now, most=most)
    if overdue:
        await lifecycle.step(session, [Step(id=one, to=RegistrantStatus.FORFEITED) for one in overdue], now)
    return len(overdue)
