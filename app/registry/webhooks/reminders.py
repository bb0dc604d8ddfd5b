"""Reminders: a deadline comes within 48 hours, then within 24, and the person still waits to be verified.

Written to the log only where a webhook has chosen them. Once for each registrant, deadline and number of hours: that is
the key of `reminder`, so two runners and a restart remind of nothing twice. Whoever is registered with less time left,
or is given another deadline with less time left, is reminded at the next number of hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.models.enums import ChangeKind, WebhookEvent
from app.models.statuses import AWAITS_VERIFICATION
from app.registry import change_log
from app.sql import Arrays, statement

EVENTS: Mapping[int, WebhookEvent] = {48: WebhookEvent.DEADLINE_IN_48_HOURS, 24: WebhookEvent.DEADLINE_IN_24_HOURS}
"""By how many hours before the deadline. The most come first."""
LEAST: Mapping[int, int] = dict(pairwise([*EVENTS, 0]))
"""With so many hours left or fewer, the reminder comes too late: the next one is due, or the deadline is over."""
LOOKED_AGAIN_FOR = timedelta(minutes=10)
"""A transaction may commit a deadline some time after it was settled. So each round looks back this far for deadlines
that it could not see yet.
"""
KEPT = timedelta(days=7)


class _RegistrantToRemind(NamedTuple):
    registrant_id: UUID
    season: int
    organizer: str
    route_id: UUID
    verify_by: datetime


class _Reminder(NamedTuple):
    registrant_id: UUID
    verify_by: datetime


WAITING = f"""
    registrant r JOIN season ON season.year = r.season AND season.closed_at IS NULL AND r.{AWAITS_VERIFICATION}
"""
"""SQL: who still waits to be verified, and can be."""
_REMINDERS = Arrays("reminder", _Reminder)
_LISTENING = statement(
    """
    SELECT o.code FROM organizer o WHERE EXISTS (
        SELECT FROM webhook w WHERE w.organizer_code IN (o.code, o.coordinator_code) AND :event = ANY(w.events)
            AND w.disabled_at IS NULL AND w.deleted_at IS NULL
    ) ORDER BY o.code
    """,
    str,
)
_LOOKED_UNTIL = statement("SELECT until FROM reminder_round WHERE hours = :hours", datetime)
_LOOKED = statement(
    """
    INSERT INTO reminder_round (hours, until) VALUES (:hours, :until)
    ON CONFLICT (hours) DO UPDATE SET until = greatest(reminder_round.until, excluded.until)
    """
)
# A trip has one deadline, and is verified at once: its way back needs no reminder of its own.
_DUE = statement(
    f"""
    SELECT r.id AS registrant_id, r.season, r.organizer_code AS organizer, r.route_id, r.verify_by
    FROM {WAITING} WHERE r.verify_by > :since AND r.verify_by <= :until AND r.outbound_id IS NULL
        AND r.organizer_code = ANY(CAST(:organizers AS text[]))
        AND NOT EXISTS (
            SELECT FROM reminder WHERE registrant_id = r.id AND hours = :hours AND reminder.verify_by = r.verify_by
        )
    ORDER BY r.verify_by LIMIT :most
    """,
    _RegistrantToRemind,
)
_REMIND = statement(
    f"""
    INSERT INTO reminder (registrant_id, hours, verify_by) SELECT registrant_id, :hours, verify_by FROM {_REMINDERS}
    ORDER BY registrant_id ON CONFLICT DO NOTHING RETURNING registrant_id
    """,
    UUID,
)
_FORGET = statement(
    """
    DELETE FROM reminder WHERE (registrant_id, hours, verify_by) IN (
        SELECT registrant_id, hours, verify_by FROM reminder WHERE verify_by <= :before ORDER BY verify_by LIMIT :most
    )
    """
)


async def remind(session: Session, hours: int, now: datetime, *, most: int) -> int:
    """Remind of up to `most` deadlines that have come within `hours`. Answers how many."""
    until = now + timedelta(hours=hours)
    looked_until = await session.first(_LOOKED_UNTIL, hours=hours)
    organizers = await session.rows(_LISTENING, event=EVENTS[hours])
    due: list[_RegistrantToRemind] = []
    if looked_until is not None and organizers:
        since = max(looked_until - LOOKED_AGAIN_FOR, now + timedelta(hours=LEAST[hours]))
        due = await session.rows(_DUE, hours=hours, organizers=organizers, since=since, until=until, most=most)
    if len(due) < most:
        await session.run(_LOOKED, hours=hours, until=until)
    return await _tell(session, hours, due, now) if due else 0


async def forget(session: Session, now: datetime, *, most: int) -> int:
    """Drop reminders of deadlines that are long over. Answers how many."""
    return await session.run(_FORGET, before=now - KEPT, most=most)


async def _tell(session: Session, hours: int, due: list[_RegistrantToRemind], now: datetime) -> int:
    """Another runner may have been faster with some."""
    given = _REMINDERS.of([_Reminder(one.registrant_id, one.verify_by) for one in due])
    first = set(await session.rows(_REMIND, hours=hours, **given))
    entries = [
        change_log.Entry(
            kind=ChangeKind.DEADLINE_NEARS,
            season=one.season,
            organizer=one.organizer,
            registrant_id=one.registrant_id,
            route_id=one.route_id,
            facts={"hours": hours, "verify_by": one.verify_by.isoformat()},
        )
        for one in due
        if one.registrant_id in first
    ]
    if entries:
        await change_log.append(session, entries, now)
    return len(entries)
