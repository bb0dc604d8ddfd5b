"""Absentees of a whole list (a snapshot): registrants that the registry holds and the organizer's list does not name.

No absentee is cancelled without being asked for. When cancelling is asked for, only those are cancelled who are still
as they were found: the same status, and no entry of their history since. Whoever arrived after the file had been sent
is no absentee. The public contract and the database call an absentee *missing*.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.clock import start_of_wib_day
from app.db import Attempt, Session
from app.errors import InvalidValue, NotFound, Raced, Refusal, refuses
from app.models.enums import ImportMode, ImportState, RegistrantStatus
from app.models.statuses import HOLDS_NIK, IS_YET_TO_DEPART
from app.registry.caller import Caller
from app.registry.change_log import IS_OF_A_REGISTRANT
from app.registry.imports import jobs
from app.registry.imports.jobs import Job
from app.registry.registrants import lifecycle, transitions
from app.registry.registrants.transitions import Step
from app.sql import statement

MOST_CANCELLED_TOGETHER = 500
"""Registrants of one transaction: short enough that a submission never waits long for a route."""
REASON = "Tidak ada dalam daftar konsolidasi penyelenggara"
BEFORE_ALL = UUID(int=0)
"""Smaller than every id: the place where reading in pages begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absentee:
    registrant_id: UUID
    organizer: str
    reference: str | None
    status: str
    """When the list was compared with the registry."""
    cancelled_at: datetime | None


_LAST_CHANGE = f"(SELECT coalesce(max(id), 0) FROM change WHERE registrant_id = r.id AND {IS_OF_A_REGISTRANT})"
_COVERED = statement(
    """
    SELECT DISTINCT code FROM import_chunk, unnest(organizers) AS code WHERE job_id = :id
    UNION SELECT unnest(CAST(:covers AS text[]))
    """,
    str,
)
_FIND = statement(
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
_PAGE = statement(
    """
    SELECT m.registrant_id, r.organizer_code AS organizer, r.reference, m.status, m.cancelled_at
    FROM import_missing m JOIN registrant r ON r.id = m.registrant_id
    WHERE m.job_id = :id AND m.registrant_id > :after ORDER BY m.registrant_id LIMIT :most
    """,
    Absentee,
)
_STILL_AS_FOUND = statement(
    f"""
    SELECT m.registrant_id FROM import_missing m JOIN registrant r ON r.id = m.registrant_id
    WHERE m.job_id = :id AND m.registrant_id > :after AND m.cancelled_at IS NULL
      AND r.status = m.status AND r.{IS_YET_TO_DEPART} AND m.last_change = {_LAST_CHANGE}
    ORDER BY m.registrant_id LIMIT :most
    """,
    UUID,
)
_MOVED_MEANWHILE = statement(
    """
    SELECT EXISTS (
        SELECT FROM change c JOIN import_missing m ON m.job_id = :id AND m.registrant_id = c.registrant_id
        WHERE c.registrant_id = ANY(CAST(:ids AS uuid[])) AND c.xact_id = log_transaction(pg_current_xact_id())
          AND c.from_status <> m.status
    )
    """,
    bool,
)
_MARK_CANCELLED = statement(
    """
    UPDATE import_missing SET cancelled_at = :now
    WHERE job_id = :id AND registrant_id = ANY(CAST(:ids AS uuid[])) AND cancelled_at IS NULL
    """
)
_COUNT_CANCELLED = statement("SELECT count(*) FROM import_missing WHERE job_id = :id AND cancelled_at IS NOT NULL", int)


async def find(session: Session, caller: Caller, job: Job) -> int:
    """Write down the absentees of a snapshot whose chunks are all done. Answers how many they are.

    The list is compared for the organizers that it names in `source`, and for those that its sender said it covers.
    """
    covered = await session.rows(_COVERED, id=job.id, covers=job.covers)
    return await session.run(
        _FIND,
        id=job.id,
        organizers=sorted(code for code in covered if caller.owns(code)),
        season=job.season,
        sent_at=job.created_at,
        since=None if job.day is None else start_of_wib_day(job.day),
        until=None if job.day is None else start_of_wib_day(job.day + timedelta(days=1)),
    )


async def page(session: Session, job_id: UUID, *, after: UUID | None, most: int) -> list[Absentee]:
    """Up to `most` absentees behind the registrant `after`. The caller has read the job as its own before."""
    return await session.rows(_PAGE, id=job_id, after=after or BEFORE_ALL, most=most)


async def cancelled(session: Session, job_id: UUID) -> int:
    """How many absentees of the job were cancelled."""
    return await session.one(_COUNT_CANCELLED, id=job_id)


@refuses(NotFound, InvalidValue)
async def cancel(
    attempt: Attempt, caller: Caller, job_id: UUID, now: datetime, *, even_though: bool = False
) -> Job | Refusal:
    """Cancel the absentees of a finished snapshot who are still as they were found. Again changes nothing.

    Whoever stands in a part of the file that could not be read looks absent: then the caller has to insist.
    """
    job = await attempt(lambda session: jobs.get(session, caller, job_id))
    if isinstance(job, NotFound):
        return job
    refused = _not_to_be_cancelled(job) or (None if even_though else _unread(job))
    if refused is not None:
        return refused
    after: UUID | None = BEFORE_ALL
    while after is not None:
        after = await _cancel_next(attempt, caller, job.id, after, now)
    return job


def _not_to_be_cancelled(job: Job) -> InvalidValue | None:
    if job.mode != ImportMode.SNAPSHOT or job.dry_run or job.state != ImportState.DONE:
        return InvalidValue(
            "id",
            "Hanya untuk impor daftar lengkap yang sudah selesai dan bukan uji coba.",
            "Only for a SNAPSHOT import that is DONE and was no dry run.",
        )
    if job.wiped_at is not None:
        return InvalidValue(
            "id", "Hasil impor ini sudah dihapus; kirim daftar yang baru.", "What came of it is wiped; send a new list."
        )
    return None


def _unread(job: Job) -> InvalidValue | None:
    sheets = job.unread_sheets
    rows = job.unread_rows + sum(sheet.rows for sheet in sheets)
    if not rows:
        return None
    return InvalidValue(
        "evenThough",
        f"{rows} baris berkas ini tidak terbaca ({len(sheets)} lembar lain, {job.unread_rows} baris tanpa NIK yang"
        " terbaca): orang di dalamnya dapat keliru dianggap tidak ada. Periksa hasil impor. Untuk tetap membatalkan,"
        " kirim lagi dengan penegasan.",
        f"{rows} rows of this file could not be read ({len(sheets)} other sheets, {job.unread_rows} rows without a"
        " legible NIK): whoever stands there may look missing. See the result of the import. To cancel all the same,"
        " send evenThough: true.",
    )


async def _cancel_next(attempt: Attempt, caller: Caller, job_id: UUID, after: UUID, now: datetime) -> UUID | None:
    return await attempt(lambda session: _cancel_some(session, caller, job_id, after, now))


async def _cancel_some(session: Session, caller: Caller, job_id: UUID, after: UUID, now: datetime) -> UUID | None:
    """The last registrant that was looked at. None: nobody is left."""
    ids = await session.rows(_STILL_AS_FOUND, id=job_id, after=after, most=MOST_CANCELLED_TOGETHER)
    if not ids:
        return None
    steps = [Step(id=one, to=RegistrantStatus.CANCELLED, caller=caller, reason=REASON) for one in ids]
    states = await lifecycle.step(session, steps, now)
    # Between the look and the lock somebody may have verified one of them: the next attempt sees that.
    if await session.one(_MOVED_MEANWHILE, id=job_id, ids=ids):
        raise Raced
    taken = [one for one, state in zip(ids, states, strict=True) if isinstance(state, transitions.State)]
    await session.run(_MARK_CANCELLED, id=job_id, ids=taken, now=now)
    return ids[-1]
