"""Working off an import job, by one process at a time that holds a lease: a dead one loses it, and the next one goes
on behind the last chunk. A chunk's verdicts and the job's counts are written in the transaction of its rows, for the
holder of the lease alone, so each row is taken in exactly once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import CursorResult, text

from app.db import Session
from app.models.enums import ChangeKind, ImportState
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.imports.jobs import COLUMNS, Failure, Job, from_row

LEASE = timedelta(seconds=10)
MOST_ATTEMPTS = 3
"""Of one chunk: whatever ends the process that is at it would end the next one too."""


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What became of one row of the file, named by its number there."""

    row: int
    result: str
    code: str | None
    explanation: str | None
    """In Indonesian: it is read in the file."""


@dataclass(frozen=True, slots=True)
class Chunk:
    number: int
    verdicts: Sequence[RowVerdict]
    registrants: frozenset[UUID] = frozenset()
    """Whom its rows are about, as far as the registry knows them."""
    refused: frozenset[bytes] = frozenset()
    """Blind indexes of the NIKs of refused rows: whoever is named, if badly, is not missing."""
    organizers: frozenset[str] = frozenset()
    """That its rows name in `source`."""


class LeaseLost(Exception):  # noqa: N818 - an outcome
    """Another process is at the job, or it was ended."""


# Jobs of one organizer are worked off one after the other: its second list is about what the first one left.
_FREE = """
    SELECT id FROM import_job one
    WHERE (state = 'QUEUED' OR (state = 'RUNNING' AND lease_until < :now))
      AND (CAST(:id AS uuid) IS NULL OR id = :id)
      AND NOT EXISTS (SELECT FROM import_job other
                      WHERE other.organizer_code = one.organizer_code AND other.state = 'RUNNING'
                        AND other.lease_until >= :now)
    ORDER BY created_at, id LIMIT 1
"""
_WAITING = text(f"SELECT EXISTS ({_FREE})")
_CLAIM = text(
    f"""
    UPDATE import_job SET state = 'RUNNING', runner = :runner, lease_until = :until, attempts = attempts + 1,
                          started_at = coalesce(started_at, :now)
    WHERE id = ({_FREE} FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
    """
)
_HELD = "id = :id AND state = 'RUNNING' AND runner = :runner"
_RENEW = text(
    f"""
    UPDATE import_job SET lease_until = :until, rows_read = greatest(rows_read, :rows_read) WHERE {_HELD}
    RETURNING client_id IS NULL OR EXISTS (SELECT FROM client WHERE id = client_id AND revoked_at IS NULL) AS standing
    """
)
_SUM = """
    (SELECT coalesce(jsonb_object_agg(key, total), '{{}}') FROM (
        SELECT key, sum(value::int) AS total
        FROM (SELECT * FROM jsonb_each_text({counts}) UNION ALL
              SELECT * FROM jsonb_each_text(CAST(:{counts} AS jsonb))) AS counted (key, value)
        GROUP BY key
    ) AS totals)
"""
_ADVANCE = text(
    f"""
    UPDATE import_job SET rows_done = rows_done + :rows, rows_read = greatest(rows_read, rows_done + :rows),
                          attempts = 1, lease_until = :until,
                          results = {_SUM.format(counts="results")}, codes = {_SUM.format(counts="codes")}
    WHERE {_HELD}
    """
)
_PUT_CHUNK = text(
    """
    INSERT INTO import_chunk (job_id, number, verdicts, registrants, refused, organizers, done_at)
    VALUES (:id, :number, :verdicts, CAST(:registrants AS uuid[]), CAST(:refused AS bytea[]),
            CAST(:organizers AS text[]), :now)
    """
)
_DONE = text("SELECT number FROM import_chunk WHERE job_id = :id")
_VERDICTS = text("SELECT verdicts FROM import_chunk WHERE job_id = :id AND number = :number")
_BEGIN_AGAIN = text(
    f"""
    UPDATE import_job SET rows_done = 0, results = '{{}}', codes = '{{}}', lease_until = :until WHERE {_HELD}
    """
)
_FORGET_CHUNKS = text("DELETE FROM import_chunk WHERE job_id = :id")
_RELEASE = text(f"UPDATE import_job SET lease_until = :now, attempts = attempts - 1 WHERE {_HELD}")
_FINISH = text(
    f"""
    UPDATE import_job SET state = :state, error_code = :code, error_indonesian = :indonesian, error_english = :english,
                          missing = :missing, finished_at = :now, runner = NULL, lease_until = NULL
    WHERE {_HELD}
    RETURNING {COLUMNS}
    """
)
_MEMBERS = text("SELECT code FROM organizer WHERE coordinator_code = :organizer")


async def done(session: Session, job: Job) -> frozenset[int]:
    """The numbers of the chunks that are done."""
    return frozenset((await session.execute(_DONE, {"id": job.id})).scalars())


async def verdicts(session: Session, job: Job, number: int) -> list[RowVerdict]:
    """Of one chunk."""
    written = (await session.execute(_VERDICTS, {"id": job.id, "number": number})).scalar_one()
    return [RowVerdict(*one) for one in orjson.loads(written)]


async def waiting(session: Session, now: datetime) -> bool:
    """Whether there is a job that nobody is at."""
    found: bool = (await session.execute(_WAITING, {"now": now, "id": None})).scalar_one()
    return found


async def claim(session: Session, runner: UUID, now: datetime, job_id: UUID | None = None) -> Job | None:
    """The oldest job that nobody is at, or the one named; from now on `runner`'s. None: there is nothing to do."""
    facts = {"runner": runner, "now": now, "until": now + LEASE, "id": job_id}
    row = (await session.execute(_CLAIM, facts)).one_or_none()
    return None if row is None else from_row(row)


async def caller_of(session: Session, job: Job) -> Caller:
    """Who sent it, with the members of today."""
    members = (await session.execute(_MEMBERS, {"organizer": job.organizer})).scalars()
    return Caller(job.client_id, job.organizer, frozenset(members))


async def renew(session: Session, job: Job, runner: UUID, rows_read: int, now: datetime) -> bool:
    """Keep the lease. False: the client was revoked meanwhile. Raises `LeaseLost`."""
    facts = {"id": job.id, "runner": runner, "until": now + LEASE, "rows_read": rows_read}
    row = (await session.execute(_RENEW, facts)).one_or_none()
    if row is None:
        raise LeaseLost
    return bool(row.standing)


async def advance(session: Session, job: Job, runner: UUID, chunk: Chunk, now: datetime) -> None:
    """Write down a chunk in the transaction of its rows. Raises `LeaseLost`."""
    results = Counter(one.result for one in chunk.verdicts)
    codes = Counter(one.code for one in chunk.verdicts if one.code is not None)
    facts = {
        "id": job.id,
        "runner": runner,
        "rows": len(chunk.verdicts),
        "results": orjson.dumps(results).decode(),
        "codes": orjson.dumps(codes).decode(),
        "until": now + LEASE,
    }
    _one(await session.execute(_ADVANCE, facts))
    await session.execute(
        _PUT_CHUNK,
        {
            "id": job.id,
            "number": chunk.number,
            "verdicts": orjson.dumps([(one.row, one.result, one.code, one.explanation) for one in chunk.verdicts]),
            "registrants": list(chunk.registrants),
            "refused": list(chunk.refused),
            "organizers": list(chunk.organizers),
            "now": now,
        },
    )


async def begin_again(session: Session, job: Job, runner: UUID, now: datetime) -> None:
    """Forget what was judged so far. Raises `LeaseLost`."""
    _one(await session.execute(_BEGIN_AGAIN, {"id": job.id, "runner": runner, "until": now + LEASE}))
    await session.execute(_FORGET_CHUNKS, {"id": job.id})


async def release(session: Session, job: Job, runner: UUID, now: datetime) -> None:
    """Leave the rest to whoever comes next."""
    await session.execute(_RELEASE, {"id": job.id, "runner": runner, "now": now})


async def finish(
    session: Session, job: Job, runner: UUID, now: datetime, *, failure: Failure | None = None, missing: int | None
) -> Job:
    """End it, and tell in the change log. Raises `LeaseLost`."""
    facts = {
        "id": job.id,
        "runner": runner,
        "now": now,
        "missing": missing,
        "state": ImportState.DONE if failure is None else ImportState.FAILED,
        "code": failure and failure.code,
        "indonesian": failure and failure.indonesian,
        "english": failure and failure.english,
    }
    row = (await session.execute(_FINISH, facts)).one_or_none()
    if row is None:
        raise LeaseLost
    ended = from_row(row)
    await change_log.append(session, [_told(ended)], now)
    return ended


def _told(job: Job) -> change_log.Entry:
    facts = {
        "job": str(job.id),
        "state": job.state,
        "mode": job.mode,
        "dry_run": job.dry_run,
        "rows": job.rows_done,
        "results": dict(job.results),
        "codes": dict(job.codes),
        "missing": job.missing,
        "error": job.failure and job.failure.code,
    }
    return change_log.Entry(ChangeKind.IMPORT_FINISHED, job.season, job.organizer, client_id=job.client_id, facts=facts)


def _one(written: Any) -> None:
    assert isinstance(written, CursorResult)  # noqa: S101 - an UPDATE's result
    if written.rowcount != 1:
        raise LeaseLost
