"""What Hubdat decides of a case, and cases that close by themselves, since their holder has gone.

CONFIRMED ends a case. NOT_DUPLICATE names the organizer that mistyped the NIK, and asks that organizer for a
correction. Both are in the feed of the holder's organizer, if somebody was refused: what is only suspected is told to
nobody. A correction that is asked for is in the feed of whoever has a registration with the NIK that it mistyped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, refuses
from app.models.enums import CaseState, ChangeKind
from app.models.statuses import HOLDS_NIK
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.registrants import cases
from app.registry.registrants.cases import Case
from app.registry.values.texts import reason_given
from app.sql import statement

DECISIONS = (CaseState.CONFIRMED, CaseState.NOT_DUPLICATE)


class _ClosedCase(NamedTuple):
    id: UUID
    season: int
    holder: str
    holder_id: UUID
    was_refused: bool


_DECIDE = statement(
    """
    UPDATE duplicate_case SET state = :state, decided_at = :decided_at, decided_by = :decided_by, reason = :reason,
        mistyped_by = :mistyped_by
    WHERE id = :id
    """
)
_CLOSE = statement(
    f"""
    UPDATE duplicate_case SET state = '{CaseState.CLOSED}', decided_at = :now FROM (
        SELECT c.id AS gone, holder.organizer_code AS holder
        FROM duplicate_case c JOIN registrant holder ON holder.id = c.holder_id
        WHERE c.holder_id = ANY(CAST(:holders AS uuid[])) AND c.state = '{CaseState.OPEN}' AND {cases.HOLDER_HAS_GONE}
        ORDER BY c.holder_id FOR UPDATE OF c
    ) one WHERE id = one.gone
    RETURNING id, season, one.holder, duplicate_case.holder_id,
        EXISTS (SELECT FROM case_claim WHERE case_id = duplicate_case.id AND refused > 0) AS was_refused
    """,
    _ClosedCase,
)
# A claimant who was refused has no registration. Whoever was accepted, for another service or direction, has.
_MISTYPED = statement(
    f"""
    SELECT r.id FROM case_claim k JOIN duplicate_case c ON c.id = k.case_id
    JOIN LATERAL (SELECT * FROM registrant WHERE nik_index = k.nik_index AND {HOLDS_NIK} OFFSET 0) r
        ON r.season = c.season AND r.organizer_code = k.organizer_code
    WHERE k.case_id = :id AND k.organizer_code = :by ORDER BY r.id
    """,
    UUID,
)


@refuses(NotFound, InvalidValue)
async def decide(
    session: Session,
    caller: Caller,
    case_id: UUID,
    state: str,
    reason: str,
    now: datetime,
    *,
    mistyped_by: str | None = None,
) -> Case | NotFound | InvalidValue:
    """Decide a case, or decide it otherwise. NOT_DUPLICATE names who mistyped the NIK, and asks for a correction."""
    if state not in DECISIONS:
        return InvalidValue(
            "state",
            "Putusan kasus: terbukti ganda, atau bukan ganda.",
            "A case is decided as CONFIRMED or NOT_DUPLICATE.",
        )
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    case = await cases.lock(session, case_id)
    if case is None:
        return NotFound("id", what="case")
    refused = _judge_mistyped(case, state, mistyped_by)
    if refused is not None:
        return refused
    if (case.state, case.reason, case.mistyped_by) == (state, given, mistyped_by):
        return case
    how = {"state": state, "decided_at": now, "decided_by": caller.client_id, "reason": given}
    await session.run(_DECIDE, id=case_id, mistyped_by=mistyped_by, **how)
    facts: dict[str, object] = {"case": str(case_id), "state": state, "was": {"state": case.state}}
    if mistyped_by is not None:
        facts["mistyped_by"] = mistyped_by
    entry = change_log.Entry(
        kind=ChangeKind.CASE_DECIDED,
        season=case.season,
        organizer=case.holder,
        client_id=caller.client_id,
        reason=given,
        facts=facts,
    )
    settled = [_settled(case, state, caller, given)] if case.was_refused else []
    asked = await _asked(session, caller, case, mistyped_by, given)
    await change_log.append(session, [entry, *settled, *asked], now)
    return await cases.lock(session, case_id) or case


async def close_gone(session: Session, holders: Sequence[UUID], now: datetime) -> int:
    """Close the open cases of those `holders` who have gone: nothing is left to decide. Answers how many."""
    closed = await session.rows(_CLOSE, now=now, holders=list(holders))
    entries = [
        change_log.Entry(
            kind=ChangeKind.CASE_DECIDED,
            season=one.season,
            organizer=one.holder,
            facts={"case": str(one.id), "state": CaseState.CLOSED, "was": {"state": CaseState.OPEN}},
        )
        for one in closed
    ]
    entries += [_settled(one, CaseState.CLOSED) for one in closed if one.was_refused]
    if entries:
        await change_log.append(session, entries, now)
    return len(closed)


def _settled(
    case: Case | _ClosedCase, state: str, caller: Caller | None = None, reason: str | None = None
) -> change_log.Entry:
    """What the feed of the holder's organizer tells of a case in which somebody was refused."""
    return change_log.Entry(
        kind=ChangeKind.CASE_SETTLED,
        season=case.season,
        organizer=case.holder,
        registrant_id=case.holder_id,
        client_id=None if caller is None else caller.client_id,
        reason=reason,
        facts={"case": str(case.id), "state": state},
    )


async def _asked(
    session: Session, caller: Caller, case: Case, mistyped_by: str | None, reason: str
) -> list[change_log.Entry]:
    """What the feed of whoever is asked for a correction tells: of each registration with the NIK that it mistyped."""
    if mistyped_by is None:
        return []
    asked = (
        [case.holder_id] if mistyped_by == case.holder else await session.rows(_MISTYPED, id=case.id, by=mistyped_by)
    )
    return [
        change_log.Entry(
            kind=ChangeKind.CORRECTION_ASKED,
            season=case.season,
            organizer=mistyped_by,
            registrant_id=one,
            client_id=caller.client_id,
            reason=reason,
            facts={"case": str(case.id)},
        )
        for one in asked
    ]


def _judge_mistyped(case: Case, state: str, mistyped_by: str | None) -> InvalidValue | None:
    sides = {case.holder, *(one.organizer for one in case.claimants)}
    if state == CaseState.NOT_DUPLICATE and mistyped_by not in sides:
        listed = ", ".join(sorted(sides))
        return InvalidValue(
            "mistypedBy",
            f"Sebutkan penyelenggara yang salah menulis NIK: {listed}.",
            f"Name the organizer that mistyped the NIK: {listed}.",
        )
    if state != CaseState.NOT_DUPLICATE and mistyped_by is not None:
        return InvalidValue(
            "mistypedBy",
            "Penyelenggara yang salah menulis NIK hanya disebut dalam putusan bukan ganda.",
            "mistypedBy is for the decision NOT_DUPLICATE alone.",
        )
    return None
