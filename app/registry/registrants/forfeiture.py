"""H+7: whoever is not verified by the end of day `registeredAt + N` (WIB) is forfeited, the seat returns at once, and
the NIK is blocked (S2.4–5). N is the organizer's policy; without one nobody is forfeited.

`verifyBy` is settled when a registration arrives: a later change of policy does not reach back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from app.clock import end_of_wib_day, wib_day
from app.db import Session
from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle
from app.registry.registrants.transitions import Step
from app.registry.terms.policy import Policy
from app.registry.values import nik

ARRIVED_LATE = timedelta(hours=24)
"""What a record gets that first arrives after its own deadline."""

DEADLINE_EXTENDED = nik.Warning(
    "DEADLINE_EXTENDED",
    "Data tiba setelah batas verifikasinya; verifikasi dapat dilakukan dalam 24 jam sejak diterima.",
    "The record arrived after its own verification deadline; it can be verified within 24 hours of its arrival.",
)

_OVERDUE = text(
    """
    SELECT r.id FROM registrant r JOIN season ON season.year = r.season
    WHERE r.status = 'REGISTERED' AND r.verify_by < :now AND season.closed_at IS NULL
    ORDER BY r.verify_by LIMIT :most
    """
)


def deadline(
    registered_at: datetime, arrived_at: datetime, policy: Policy
) -> tuple[datetime | None, nik.Warning | None]:
    """The last instant to verify, None when there is none; with a warning when it had to be extended."""
    if policy.verify_within_days is None:
        return None, None
    verify_by = end_of_wib_day(wib_day(registered_at) + timedelta(days=policy.verify_within_days))
    if verify_by < arrived_at:
        return arrived_at + ARRIVED_LATE, DEADLINE_EXTENDED
    return verify_by, None


async def forfeit_overdue(session: Session, now: datetime, *, most: int) -> int:
    """Forfeit up to `most` registrants whose deadline has passed, in open seasons. Answers how many were looked at."""
    overdue = list((await session.execute(_OVERDUE, {"now": now, "most": most})).scalars())
    if overdue:
        await lifecycle.step(session, [Step(one, RegistrantStatus.FORFEITED) for one in overdue], now)
    return len(overdue)
