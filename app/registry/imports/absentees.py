"""Missing: what the registry holds and an organizer's whole list (a snapshot) does not name.

Nothing missing is cancelled by itself. Asked to, only who is still as it was found: same status, no entry of its
history since. Whoever arrived after the file had been sent is not missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, text

from app.clock import start_of_wib_day
from app.db import Database, Session
from app.errors import InvalidValue, NotFound, Raced, Refusal, refuses
from app.models.enums import ImportMode, ImportState, RegistrantStatus
from app.models.registrant import HOLDS_NIK, IS_YET_TO_DEPART
from app.registry.caller import Caller
from app.registry.change_log import OF_A_REGISTRANT
from app.registry.imports import jobs
from app.registry.imports.jobs import Job
from app.registry.registrants import lifecycle, transitions
from app.registry.registrants.transitions import Step

AT_ONCE = 500
REASON = "Tidak ada dalam daftar konsolidasi penyelenggara"
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Missing:
    registrant_id: UUID
    organizer: str
    reference: str | None
    status: str
    """When it was found missing."""
    cancelled_at: datetime | None


_KINDS = ", ".join(f"'{kind}'" for kind in sorted(OF_A_REGISTRANT))
_LAST_CHANGE = f"(SELECT coalesce(max(id), 0) FROM change WHERE registrant_id = r.id AND kind IN ({_KINDS}))"
_COVERED = text(
    """
    SELECT DISTINCT code FROM import_chunk, unnest(organizers) AS code WHERE job_id = :id
    UNION SELECT unnest(CAST(:covers AS text[]))
    """
)
_FIND = text(
    f"""
    WITH named AS (SELECT unnest(registrants) AS id FROM import_chunk WHERE job_id = :id),
    refused AS (SELECT unnest(refused) AS nik_index FROM import_chunk WHERE job_id = :id)
    INSERT INTO import_missing (job_id, registrant_id, status, last_change)
    SELECT :id, r.id, r.status, {_LAST_CHANGE} FROM registrant r
    WHERE r.organizer_code = ANY(CAST(:organizers AS text[])) AND r.season = :season AND {HOLDS_NIK}
      AND r.erased_at IS NULL AND r.arrived_at < :sent_at
      AND (CAST(:since AS timestamptz) IS NULL OR (r.registered_at >= :since AND r.registered_at < :until))
      AND NOT EXISTS (SELECT FROM named WHERE named.id = r.id)
      AND NOT EXISTS (SELECT FROM refused WHERE refused.nik_index = r.nik_index)
    """
)
_PAGE = text(
    """
    SELECT m.registrant_id, r.organizer_code, r.reference, m.status, m.cancelled_at
    FROM import_missing m JOIN registrant r ON r.id = m.registrant_id
    WHERE m.job_id = :id AND m.registrant_id > :after ORDER BY m.registrant_id LIMIT :most
    """
)
_AS_FOUND = text(
    f"""
    SELECT m.registrant_id FROM import_missing m JOIN registrant r ON r.id = m.registrant_id
    WHERE m.job_id = :id AND m.registrant_id > :after AND m.cancelled_at IS NULL
      AND r.status = m.status AND r.{IS_YET_TO_DEPART} AND m.last_change = {_LAST_CHANGE}
    ORDER BY m.registrant_id LIMIT :most
    """
)
_MOVED_MEANWHILE = text(
    """
    SELECT EXISTS (
        SELECT FROM change c JOIN import_missing m ON m.job_id = :id AND m.registrant_id = c.registrant_id
        WHERE c.registrant_id = ANY(CAST(:ids AS uuid[])) AND c.xact_id = log_transaction(pg_current_xact_id())
          AND c.from_status <> m.status
    )
    """
)
_CANCELLED = text(
    """
    UPDATE import_missing SET cancelled_at = :now
    WHERE job_id = :id AND registrant_id = ANY(CAST(:ids AS uuid[])) AND cancelled_at IS NULL
    """
)
_COUNT_CANCELLED = text("SELECT count(*) FROM import_missing WHERE job_id = :id AND cancelled_at IS NOT NULL")


async def find(session: Session, caller: Caller, job: Job) -> int:
    """Write down who is missing from a snapshot whose chunks are all done. Answers how many they are.

    It is judged for the organizers that the file names in `source`, and those that its sender said it covers.
    """
    covered = (await session.execute(_COVERED, {"id": job.id, "covers": list(job.covers)})).scalars()
    since = None if job.day is None else start_of_wib_day(job.day)
    found = await session.execute(
        _FIND,
        {
            "id": job.id,
            "organizers": sorted(code for code in covered if caller.owns(code)),
            "season": job.season,
            "sent_at": job.created_at,
            "since": since,
            "until": None if job.day is None else start_of_wib_day(job.day + timedelta(days=1)),
        },
    )
    assert isinstance(found, CursorResult)  # noqa: S101 - an INSERT's result
    return found.rowcount


async def page(session: Session, job_id: UUID, *, after: UUID | None, most: int) -> list[Missing]:
    """Of a job that the caller has read as its own."""
    rows = await session.execute(_PAGE, {"id": job_id, "after": after or FIRST, "most": most})
    return [Missing(*row) for row in rows]


async def cancelled(session: Session, job_id: UUID) -> int:
    count: int = (await session.execute(_COUNT_CANCELLED, {"id": job_id})).scalar_one()
    return count


@refuses(NotFound, InvalidValue)
async def cancel(database: Database, caller: Caller, job_id: UUID, now: datetime) -> Job | Refusal:
    """Cancel whom a finished snapshot found missing and who is still as it was found; again changes nothing."""
    async with database.transaction() as session:
        job = await jobs.get(session, caller, job_id)
    if isinstance(job, NotFound):
        return job
    refused = _not_to_be_cancelled(job)
    if refused is not None:
        return refused
    after: UUID | None = FIRST
    while after is not None:
        after = await _cancel_next(database, caller, job, after, now)
    return job


def _not_to_be_cancelled(job: Job) -> InvalidValue | None:
    if job.mode != ImportMode.SNAPSHOT or job.dry_run or job.state != ImportState.DONE:
        return InvalidValue(
            "id",
            "Hanya untuk impor SNAPSHOT yang selesai dan bukan uji coba (dryRun).",
            "Only for a SNAPSHOT import that is DONE and was no dry run.",
        )
    if job.wiped_at is not None:
        return InvalidValue(
            "id", "Hasil impor ini sudah dihapus; kirim daftar yang baru.", "What came of it is wiped; send a new list."
        )
    return None


async def _cancel_next(database: Database, caller: Caller, job: Job, after: UUID, now: datetime) -> UUID | None:
    return await database.attempt(lambda session: _cancel_some(session, caller, job.id, after, now))


async def _cancel_some(session: Session, caller: Caller, job_id: UUID, after: UUID, now: datetime) -> UUID | None:
    """The last one that was looked at; None: there is no other."""
    facts = {"id": job_id, "after": after, "most": AT_ONCE}
    ids: list[UUID] = list((await session.execute(_AS_FOUND, facts)).scalars())
    if not ids:
        return None
    steps = [Step(id=one, to=RegistrantStatus.CANCELLED, caller=caller, reason=REASON) for one in ids]
    taken = await lifecycle.step(session, steps, now)
    # Between the look and the lock somebody may have verified one of them: see it in the next attempt.
    if (await session.execute(_MOVED_MEANWHILE, {"id": job_id, "ids": ids})).scalar_one():
        raise Raced
    await session.execute(_CANCELLED, {"id": job_id, "ids": _cancelled(ids, taken), "now": now})
    return ids[-1]


def _cancelled(ids: Sequence[UUID], taken: Sequence[transitions.State | Refusal]) -> list[UUID]:
    return [one for one, state in zip(ids, taken, strict=True) if isinstance(state, transitions.State)]
