"""Deadlines that move to a later instant, for many at once: by an outage of the registry, or by a period's later end.

An outage moves every deadline that fell into it, by its length and a day at least. A verification period that gets a
later end takes along whoever was to be verified by its old end, as far as H+N allows; nobody's deadline moves to an
earlier instant. Once is enough: what was moved lies behind what is looked for. All of it is done in pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from app.db import Database, Session
from app.models.enums import ChangeKind, ProlongationCause, RegistrantStatus
from app.models.statuses import AWAITS_VERIFICATION, FORFEITS_AT
from app.registry import change_log
from app.registry.terms import deadlines, policy
from app.registry.terms.policy import Policy
from app.sql import Arrays, statement

MOST_TOGETHER = 500
"""Registrants of one transaction."""
LOOKED_AGAIN_FOR = timedelta(minutes=10)
"""A registration that was judged just before may be written just after: so long we look for such as well."""
REASONS = {
    ProlongationCause.OUTAGE: "Gangguan pada registri.",
    ProlongationCause.PERIOD: "Masa verifikasi diperpanjang.",
}
BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prolongation:
    id: UUID
    cause: str
    season: int | None
    organizer: str | None
    after: datetime
    until: datetime
    seconds: int | None
    ends_at: datetime | None


class _WaitingRegistrant(NamedTuple):
    """Somebody who waits for verification."""

    id: UUID
    season: int
    organizer: str
    route_id: UUID
    status: str
    registered_at: datetime
    """When the trip was registered: that is, its outbound."""
    verify_by: datetime
    forfeits_at: datetime | None
    """None: never."""
    own_forfeits_at: bool
    """Whether it is forfeited at another instant than `verify_by`."""


class _ProlongedRegistrant(NamedTuple):
    id: UUID
    verify_by: datetime
    forfeits_at: datetime | None


_DUE = statement(
    """
    SELECT id, cause, season, organizer_code AS organizer, after, until, seconds, ends_at FROM prolongation
    WHERE done_at IS NULL OR made_at > :since ORDER BY made_at, id
    """,
    Prolongation,
)
# OFFSET 0 has PostgreSQL go by the deadlines. It would else read all registrants in the order of their ids.
_FALLEN = statement(
    f"""
    SELECT id FROM (
        SELECT id, season, organizer_code FROM registrant
        WHERE {AWAITS_VERIFICATION} AND verify_by > :fell_after AND verify_by <= :fell_until
        UNION SELECT id, season, organizer_code FROM registrant
        WHERE {AWAITS_VERIFICATION} AND {FORFEITS_AT} > :fell_after AND {FORFEITS_AT} <= :fell_until
        OFFSET 0
    ) r JOIN season ON season.year = r.season AND season.closed_at IS NULL
    WHERE r.id > :page AND r.season = coalesce(CAST(:season AS int), r.season)
      AND r.organizer_code = coalesce(CAST(:organizer AS text), r.organizer_code)
    ORDER BY r.id LIMIT :most
    """,
    UUID,
)
_LOCK = statement(
    """
    SELECT r.id, r.season, r.organizer_code AS organizer, r.route_id, r.status, r.verify_by,
           NULLIF(coalesce(r.forfeits_at, r.verify_by), 'infinity') AS forfeits_at,
           r.forfeits_at IS NOT NULL AS own_forfeits_at,
           coalesce((SELECT registered_at FROM registrant home WHERE home.id = r.outbound_id), r.registered_at)
               AS registered_at
    -- Who waits no more is left out here below. As a condition, it would lead to another index than that of the ids.
    FROM registrant r WHERE r.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id FOR NO KEY UPDATE OF r
    """,
    _WaitingRegistrant,
)
_MOVED = Arrays("moved", _ProlongedRegistrant)
_MOVE = statement(
    f"""
    UPDATE registrant r SET first_verify_by = coalesce(r.first_verify_by, r.verify_by), verify_by = moved.verify_by,
        -- Nobody is forfeited before `verify_by`, which may have become later than an instant that lies outside.
        forfeits_at = CASE WHEN r.forfeits_at IS NOT NULL
            THEN greatest(coalesce(moved.forfeits_at, r.forfeits_at), moved.verify_by) END
    FROM {_MOVED} WHERE r.id = moved.id
    """
)
_DONE = statement("UPDATE prolongation SET done_at = :now WHERE id = :id AND done_at IS NULL")


async def prolong_due(database: Database, now: datetime) -> int:
    """Move every deadline that is to move. Answers how many moved. Several runners at once do each of them once."""
    async with database.statements() as session:
        due = await session.rows(_DUE, since=now - LOOKED_AGAIN_FOR)
    return sum([await prolong(database, one, now) for one in due])


async def prolong(database: Database, one: Prolongation, now: datetime) -> int:
    """Move all deadlines that `one` is about. Answers how many moved."""
    moved, page = 0, BEFORE_ALL
    while True:
        ids, some = await database.attempt(partial(_some, one=one, page=page, now=now))
        moved += some
        if len(ids) < MOST_TOGETHER:
            break
        page = ids[-1]
    await database.attempt(lambda session: session.run(_DONE, id=one.id, now=now))
    return moved


async def _some(session: Session, *, one: Prolongation, page: UUID, now: datetime) -> tuple[list[UUID], int]:
    """One page behind `page`: who was looked at, and how many deadlines moved."""
    ids = await session.rows(
        _FALLEN,
        fell_after=one.after,
        fell_until=one.until,
        page=page,
        season=one.season,
        organizer=one.organizer,
        most=MOST_TOGETHER,
    )
    if not ids:
        return ids, 0
    locked = await session.rows(_LOCK, ids=ids)
    waiting = [person for person in locked if person.status == RegistrantStatus.REGISTERED]
    decided = await _policy(session, one)
    moved = [(person, later) for person in waiting if (later := _later(one, person, decided)) is not None]
    await session.run(_MOVE, **_MOVED.of([later for _, later in moved]))
    await change_log.append(session, [_told(one, person, later) for person, later in moved], now)
    return ids, len(moved)


async def _policy(session: Session, one: Prolongation) -> Policy:
    if one.season is None or one.organizer is None:
        return policy.DEFAULT
    return (await policy.of(session, one.season, [one.organizer]))[one.organizer]


def _later(one: Prolongation, person: _WaitingRegistrant, decided: Policy) -> _ProlongedRegistrant | None:
    """The new deadlines. None: they stay."""
    if one.cause == ProlongationCause.PERIOD:
        return _by_period(one, person, decided)
    by = timedelta(seconds=one.seconds or 0)

    def moved(deadline: datetime) -> datetime:
        return deadline + by if one.after < deadline <= one.until else deadline

    forfeits_at = moved(person.forfeits_at) if person.own_forfeits_at and person.forfeits_at is not None else None
    later = _ProlongedRegistrant(person.id, moved(person.verify_by), forfeits_at)
    return (
        later
        if (later.verify_by, forfeits_at or person.forfeits_at) != (person.verify_by, person.forfeits_at)
        else None
    )


def _by_period(one: Prolongation, person: _WaitingRegistrant, decided: Policy) -> _ProlongedRegistrant | None:
    assert one.ends_at is not None  # noqa: S101 - a CHECK
    days_end = deadlines.end_of_days(person.registered_at, decided)
    # An earlier H+N did not set this deadline, so it does not bound the new one.
    verify_by = one.ends_at if days_end is None or days_end < one.until else min(days_end, one.ends_at)
    if person.verify_by != one.until or verify_by <= person.verify_by:
        return None
    return _ProlongedRegistrant(person.id, verify_by, None)


def _told(one: Prolongation, person: _WaitingRegistrant, later: _ProlongedRegistrant) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.DEADLINE_PROLONGED,
        season=person.season,
        organizer=person.organizer,
        registrant_id=person.id,
        route_id=person.route_id,
        from_status=RegistrantStatus.REGISTERED,
        to_status=RegistrantStatus.REGISTERED,
        reason=REASONS[ProlongationCause(one.cause)],
        facts={"verify_by_before": person.verify_by.isoformat(), "verify_by": later.verify_by.isoformat()},
    )
