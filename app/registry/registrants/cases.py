"""Cases: each refused duplicate opens or joins the case of the registrant that has the NIK (unique `holder_id`).

OPEN, then CONFIRMED or NOT_DUPLICATE: who decided, when, why. A clearly different name marks it `suspect`, since people
were blocked for a clerk's typing error; a case blocks nobody by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, refuses
from app.models.enums import CaseState, ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.registrants.uniqueness import Held
from app.registry.values.texts import reason_given


@dataclass(frozen=True, slots=True)
class Dispute:
    """A NIK that `held` has and `organizer` brought as well."""

    held: Held
    season: int
    organizer: str
    client_id: str | None
    suspect: bool
    refused: bool
    """False: nothing was refused, the names only look like a typing error."""


@dataclass(frozen=True, slots=True)
class Claim:
    organizer: str
    attempts: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    id: UUID
    season: int
    direction: str
    service: str
    state: str
    suspect: bool
    holder: str
    """The organizer whose registrant has the NIK."""
    claims: tuple[Claim, ...]
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


_OPEN = text(
    """
    INSERT INTO duplicate_case (id, season, direction, service, holder_id, state, suspect, opened_at)
    SELECT id, season, direction, service, holder_id, 'OPEN', suspect, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:season AS int[]), CAST(:direction AS text[]), CAST(:service AS text[]),
                CAST(:holder_id AS uuid[]), CAST(:suspect AS boolean[]))
         AS c (id, season, direction, service, holder_id, suspect)
    ORDER BY holder_id
    ON CONFLICT (holder_id) DO UPDATE SET suspect = duplicate_case.suspect OR excluded.suspect
    RETURNING holder_id, id
    """
)
_CLAIM = text(
    """
    INSERT INTO case_claim (case_id, organizer_code, attempts, first_at, last_at)
    SELECT case_id, organizer, attempts, :now, :now
    FROM unnest(CAST(:case_id AS uuid[]), CAST(:organizer AS text[]), CAST(:attempts AS int[]))
         AS c (case_id, organizer, attempts)
    ORDER BY case_id, organizer
    ON CONFLICT (case_id, organizer_code)
        DO UPDATE SET attempts = case_claim.attempts + excluded.attempts, last_at = excluded.last_at
    """
)
_COLUMNS = """
    c.id, c.season, c.direction, c.service, c.state, c.suspect, holder.organizer_code AS holder, c.opened_at,
    c.decided_at, c.decided_by, c.reason,
    (SELECT json_agg(json_build_array(organizer_code, attempts, first_at, last_at) ORDER BY first_at, organizer_code)
     FROM case_claim WHERE case_id = c.id)::text AS claims
"""
_FROM = "duplicate_case c JOIN registrant holder ON holder.id = c.holder_id"
_PAGE = text(
    f"""
    SELECT {_COLUMNS} FROM {_FROM}
    WHERE (CAST(:state AS text) IS NULL OR c.state = :state) AND (CAST(:after AS uuid) IS NULL OR c.id < :after)
    ORDER BY c.id DESC LIMIT :most
    """
)
_LOCK = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE c.id = :id FOR UPDATE OF c")
_DECIDE = text(
    "UPDATE duplicate_case SET state = :state, decided_at = :decided_at, decided_by = :by, reason = :reason"
    " WHERE id = :id"
)


async def open_or_join(session: Session, disputes: Sequence[Dispute], now: datetime) -> list[change_log.Entry]:
    """Open a case per holder or join it. Answers what is to be logged, for the holder's organizer."""
    by_holder = {one.held.id: one for one in disputes}
    suspects = {one.held.id for one in disputes if one.suspect}
    rows = await session.execute(
        _OPEN,
        {
            "now": now,
            "ids": [uuid7() for _ in by_holder],
            "season": [one.season for one in by_holder.values()],
            "direction": [one.held.direction for one in by_holder.values()],
            "service": [one.held.service for one in by_holder.values()],
            "holder_id": list(by_holder),
            "suspect": [holder in suspects for holder in by_holder],
        },
    )
    case_of = {row.holder_id: row.id for row in rows}
    attempts: dict[tuple[UUID, str], int] = {}
    for one in disputes:
        key = (case_of[one.held.id], one.organizer)
        attempts[key] = attempts.get(key, 0) + 1
    claims = {
        "now": now,
        "case_id": [case_id for case_id, _ in attempts],
        "organizer": [organizer for _, organizer in attempts],
        "attempts": list(attempts.values()),
    }
    await session.execute(_CLAIM, claims)
    return [_told(one, case_of[one.held.id]) for one in disputes]


async def page(session: Session, state: str | None, *, after: UUID | None, first: int) -> list[Case]:
    """Up to `first` + 1 cases, the newest first."""
    rows = await session.execute(_PAGE, {"state": state, "after": after, "most": first + 1})
    return [_case(row) for row in rows]


@refuses(NotFound, InvalidValue)
async def decide(
    session: Session, caller: Caller, case_id: UUID, state: str, reason: str, now: datetime
) -> Case | NotFound | InvalidValue:
    """Decide a case, or reopen it."""
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    row = (await session.execute(_LOCK, {"id": case_id})).one_or_none()
    if row is None:
        return NotFound("id")
    if (row.state, row.reason) == (state, given):
        return _case(row)
    decided_at = None if state == CaseState.OPEN else now
    await session.execute(
        _DECIDE, {"id": case_id, "state": state, "decided_at": decided_at, "by": caller.client_id, "reason": given}
    )
    entry = change_log.Entry(
        ChangeKind.CASE_DECIDED,
        row.season,
        row.holder,
        client_id=caller.client_id,
        reason=given,
        facts={"case": str(case_id), "state": state},
    )
    await change_log.append(session, [entry], now)
    return _case((await session.execute(_LOCK, {"id": case_id})).one())


def _told(one: Dispute, case_id: UUID) -> change_log.Entry:
    return change_log.Entry(
        ChangeKind.DUPLICATE_REFUSED if one.refused else ChangeKind.DUPLICATE_SUSPECTED,
        one.season,
        one.held.organizer,
        one.held.id,
        client_id=one.client_id,
        facts={"case": str(case_id), "claimant": one.organizer, "suspect": one.suspect},
    )


def _case(row: Row[Any]) -> Case:
    claims = tuple(
        Claim(organizer, attempts, datetime.fromisoformat(first), datetime.fromisoformat(last))
        for organizer, attempts, first, last in orjson.loads(row.claims)
    )
    return Case(
        row.id,
        row.season,
        row.direction,
        row.service,
        row.state,
        row.suspect,
        row.holder,
        claims,
        row.opened_at,
        row.decided_at,
        row.decided_by,
        row.reason,
    )
