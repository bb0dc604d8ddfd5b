"""Working off an import job: one process at a time holds the job by a lease, and renews the lease while it works.

A process that dies loses the lease, and the next one goes on behind the last chunk. A chunk's verdicts and the job's
counts are written in the transaction of the chunk's rows, and only by the holder of the lease. So each row is taken in
exactly once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson

from app.db import Session
from app.errors import EverybodysError, SeasonClosed
from app.models.enums import ChangeKind, ImportState
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.imports import jobs
from app.registry.imports.jobs import COLUMNS, Failure, Job, UnreadSheet
from app.registry.terms import organizers
from app.sql import statement
from app.vault.vault import Vault

LEASE = timedelta(seconds=10)
LONG_WAIT_MINUTES = 10
"""Who has waited so long is not overtaken any more."""
MOST_ATTEMPTS = 3
"""One chunk is tried so often: whatever ended the process that worked on the chunk would end the next process too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowVerdict:
    """What became of one row of the file, named by its sheet and its number there."""

    row: int
    result: str
    code: str | None
    explanation: str | None
    """In Indonesian: an organizer reads it in the result file."""
    sheet: int | None = None
    """The place of its sheet among those of the file. None: the first one with a header, as version 0.2 read files."""

    @staticmethod
    def stored(
        row: int, result: str, code: str | None, explanation: str | None, sheet: int | None = None
    ) -> RowVerdict:
        """From its parts, as `Chunk` stores them. Version 0.2 stored no sheet."""
        return RowVerdict(row=row, result=result, code=code, explanation=explanation, sheet=sheet)

    @property
    def parts(self) -> tuple[int, str, str | None, str | None, int | None]:
        return self.row, self.result, self.code, self.explanation, self.sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows that were judged together, and what is kept of them."""

    number: int
    verdicts: Sequence[RowVerdict]
    registrants: frozenset[UUID] = frozenset()
    """Whom its rows are about, as far as the registry knows them."""
    refused: frozenset[bytes] = frozenset()
    """Blind indexes of the NIKs of refused rows. Whoever a refused row names is not missing."""
    named: bytes = b""
    """`jobs.named` of all rows with a legible NIK, whatever became of them."""
    organizers: frozenset[str] = frozenset()
    """The organizers that its rows name in `source`."""
    differences: bytes | None = None
    """Sealed by `sealed_differences`: names are in it."""
    seats: Mapping[UUID, int] | None = None
    """Of a dry run: by route, how many seats this chunk and all before it would take."""
    moved: int = 0
    """Of a dry run: how many rows would put somebody on another route, or under a clearly different name."""
    unread: int = 0
    """Refused rows whose NIK cannot be read: nobody knows whom they name."""


class _ChunkVerdicts(NamedTuple):
    verdicts: bytes
    differences: bytes | None


class LeaseLost(EverybodysError):  # noqa: N818 - an outcome
    """Another process holds the job now, or the job has ended."""


# Jobs of one organizer are worked off one after the other: its second list is about what the first one left. Between
# organizers it is fair: whoever was served longest ago comes first, small files before large ones, dry runs last. What
# has waited for long comes before all of that.
_FREE = f"""
    SELECT id FROM import_job one
    WHERE state IN ('QUEUED', 'RUNNING') AND (state = 'QUEUED' OR lease_until < :now)
      AND (waits_until IS NULL OR waits_until <= :now)
      AND (CAST(:id AS uuid) IS NULL OR id = :id)
      AND NOT EXISTS (SELECT FROM import_job other
                      WHERE other.organizer_code = one.organizer_code AND other.id <> one.id
                        AND other.state IN ('QUEUED', 'RUNNING')
                        AND (other.waits_until IS NULL OR other.waits_until <= :now)
                        AND ((other.state = 'RUNNING' AND (other.lease_until >= :now OR other.id < one.id))
                             OR (other.state = 'QUEUED' AND other.id < one.id AND CAST(:id AS uuid) IS NULL)))
    ORDER BY created_at > CAST(:now AS timestamptz) - INTERVAL '{LONG_WAIT_MINUTES} minutes', dry_run,
        (SELECT last.finished_at FROM import_job last
         WHERE last.organizer_code = one.organizer_code AND last.finished_at IS NOT NULL
         ORDER BY last.id DESC LIMIT 1) NULLS FIRST,
        (SELECT count(*) FROM import_file piece WHERE piece.job_id = one.id), created_at, id
    LIMIT 1
"""
_IS_WAITING = statement(f"SELECT EXISTS ({_FREE})", bool)
_CLAIM = statement(
    f"""
    UPDATE import_job SET state = 'RUNNING', runner = :runner, lease_until = :until, attempts = attempts + 1,
                          started_at = coalesce(started_at, :now)
    WHERE id = ({_FREE} FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
    """,
    Job,
)
_HELD = "id = :id AND state = 'RUNNING' AND runner = :runner"
_RENEW = statement(
    f"""
    UPDATE import_job SET lease_until = :until, rows_read = greatest(rows_read, :rows_read) WHERE {_HELD}
    RETURNING client_id IS NULL OR EXISTS (SELECT FROM client WHERE id = client_id AND revoked_at IS NULL)
    """,
    bool,
)
# Counts by name as a JSON object: those of the column, and those of the argument of the same name, added up.
_SUM = """
    (SELECT coalesce(jsonb_object_agg(key, total), '{{}}') FROM (
        SELECT key, sum(value::int) AS total
        FROM (SELECT * FROM jsonb_each_text({counts}) UNION ALL
              SELECT * FROM jsonb_each_text(CAST(:{counts} AS jsonb))) AS counted (key, value)
        GROUP BY key
    ) AS totals)
"""
_ADVANCE = statement(
    f"""
    UPDATE import_job SET rows_done = rows_done + :rows, rows_read = greatest(rows_read, rows_done + :rows),
                          attempts = 1, lease_until = :until,
                          results = {_SUM.format(counts="results")}, codes = {_SUM.format(counts="codes")},
                          unread_rows = unread_rows + :unread, waits_until = NULL,
                          rehearsed_seats = coalesce(CAST(:seats AS jsonb), rehearsed_seats),
                          rehearsed_moves = rehearsed_moves + :moved
    WHERE {_HELD}
    """
)
_PUT_CHUNK = statement(
    """
    INSERT INTO import_chunk (job_id, number, verdicts, registrants, refused, named, organizers, differences, done_at)
    VALUES (:id, :number, :verdicts, CAST(:registrants AS uuid[]), CAST(:refused AS bytea[]), :named,
            CAST(:organizers AS text[]), :differences, :now)
    """
)
_DONE = statement("SELECT number FROM import_chunk WHERE job_id = :id", int)
_VERDICTS = statement(
    "SELECT verdicts, differences FROM import_chunk WHERE job_id = :id AND number = :number", _ChunkVerdicts
)
_PUT_OFF = statement(
    f"""
    UPDATE import_job SET state = 'QUEUED', waits_until = :until, runner = NULL, lease_until = NULL,
                          attempts = attempts - 1
    WHERE {_HELD}
    RETURNING {COLUMNS}
    """,
    Job,
)
_NOTE_UNREAD = statement(f"UPDATE import_job SET unread_sheets = CAST(:sheets AS jsonb) WHERE {_HELD}")
_RELEASE = statement(f"UPDATE import_job SET lease_until = :now, attempts = attempts - 1 WHERE {_HELD}")
_FINISH = statement(
    f"""
    UPDATE import_job SET state = :state, error_code = :code, error_indonesian = :indonesian, error_english = :english,
                          missing = :missing, finished_at = :now, runner = NULL, lease_until = NULL
    WHERE {_HELD}
    RETURNING {COLUMNS}
    """,
    Job,
)
# Who holds one of them finds the lease lost.
_END_OF_SEASON = statement(
    f"""
    UPDATE import_job SET state = 'FAILED', error_code = :code, error_indonesian = :indonesian,
                          error_english = :english, finished_at = :now, runner = NULL, lease_until = NULL,
                          waits_until = NULL
    WHERE season = :season AND state IN ('QUEUED', 'RUNNING')
    RETURNING {COLUMNS}
    """,
    Job,
)
_FORGET_ERASED = statement("DELETE FROM import_erased WHERE job_id = ANY(CAST(:ids AS uuid[]))")


async def done(session: Session, job: Job) -> frozenset[int]:
    """The numbers of the chunks that are done."""
    return frozenset(await session.rows(_DONE, id=job.id))


async def verdicts(session: Session, vault: Vault, job: Job, number: int) -> list[RowVerdict]:
    """The verdicts of one chunk, with what differs in their explanations."""
    written = await session.one(_VERDICTS, id=job.id, number=number)
    return explained(written.verdicts, differences(vault, written.differences))


def differences(vault: Vault, sealed: bytes | None) -> dict[int, str]:
    """What differs, in words, by the places of the rows in their chunk."""
    return {} if sealed is None else dict(orjson.loads(vault.open_bytes(sealed)))


def explained(verdicts: bytes, told: Mapping[int, str]) -> list[RowVerdict]:
    """The verdicts as they are stored, with what differs in their explanations."""
    found = [RowVerdict.stored(*parts) for parts in orjson.loads(verdicts)]
    for place, text in told.items():
        before = found[place]
        found[place] = replace(before, explanation=" ".join(part for part in (before.explanation, text) if part))
    return found


def sealed_differences(vault: Vault, told: Sequence[tuple[int, str]]) -> bytes | None:
    """`told` says of verdicts, by their places in the chunk, what differs. None: nothing differs."""
    return vault.seal(orjson.dumps(told).decode()) if told else None


async def waiting(session: Session, now: datetime) -> bool:
    """Whether there is a job that no process holds."""
    return await session.one(_IS_WAITING, now=now, id=None)


async def claim(session: Session, runner: UUID, now: datetime, job_id: UUID | None = None) -> Job | None:
    """Give `runner` the job whose turn it is, or the job `job_id`. None: there is nothing to do."""
    return await session.first(_CLAIM, runner=runner, now=now, until=now + LEASE, id=job_id)


async def caller_of(session: Session, job: Job) -> Caller:
    """Who sent the job, with the members of today."""
    return Caller(job.client_id, job.organizer, await organizers.members_of(session, job.organizer))


async def renew(session: Session, job: Job, runner: UUID, rows_read: int, now: datetime) -> bool:
    """Keep the lease. False: the client was revoked meanwhile. Raises `LeaseLost`."""
    is_good = await session.first(_RENEW, id=job.id, runner=runner, until=now + LEASE, rows_read=rows_read)
    if is_good is None:
        raise LeaseLost
    return is_good


async def advance(session: Session, job: Job, runner: UUID, chunk: Chunk, now: datetime) -> None:
    """Write down a chunk in the transaction of its rows. Raises `LeaseLost`."""
    results = Counter(one.result for one in chunk.verdicts)
    codes = Counter(one.code for one in chunk.verdicts if one.code is not None)
    advanced = await session.run(
        _ADVANCE,
        id=job.id,
        runner=runner,
        rows=len(chunk.verdicts),
        results=orjson.dumps(results).decode(),
        codes=orjson.dumps(codes).decode(),
        unread=chunk.unread,
        moved=chunk.moved,
        seats=None if chunk.seats is None else _seats(chunk.seats),
        until=now + LEASE,
    )
    _still_held(advanced)
    await session.run(
        _PUT_CHUNK,
        id=job.id,
        number=chunk.number,
        verdicts=orjson.dumps([one.parts for one in chunk.verdicts]),
        registrants=list(chunk.registrants),
        refused=list(chunk.refused),
        named=chunk.named,
        organizers=list(chunk.organizers),
        differences=chunk.differences,
        now=now,
    )


async def note_unread(session: Session, job: Job, runner: UUID, sheets: Sequence[UnreadSheet]) -> None:
    """Write down which sheets of the file are read by nobody. Raises `LeaseLost`."""
    told = orjson.dumps([{"name": sheet.name, "rows": sheet.rows} for sheet in sheets]).decode()
    _still_held(await session.run(_NOTE_UNREAD, id=job.id, runner=runner, sheets=told))


async def put_off(session: Session, job: Job, runner: UUID, until: datetime) -> Job:
    """Leave the rest of the job until then. Raises `LeaseLost`."""
    waiting = await session.first(_PUT_OFF, id=job.id, runner=runner, until=until)
    if waiting is None:
        raise LeaseLost
    return waiting


async def release(session: Session, job: Job, runner: UUID, now: datetime) -> None:
    """Leave the rest of the job to the process that claims it next."""
    await session.run(_RELEASE, id=job.id, runner=runner, now=now)


async def finish(
    session: Session, job: Job, runner: UUID, now: datetime, *, failure: Failure | None = None, missing: int | None
) -> Job:
    """End the job, and tell of its end in the change log. A file that was refused as a file is dropped at once.

    Raises `LeaseLost`.
    """
    ended = await session.first(
        _FINISH,
        id=job.id,
        runner=runner,
        now=now,
        missing=missing,
        state=ImportState.DONE if failure is None else ImportState.FAILED,
        code=failure and failure.code,
        indonesian=failure and failure.indonesian,
        english=failure and failure.english,
    )
    if ended is None:
        raise LeaseLost
    await change_log.append(session, [_told(ended)], now)
    is_wiped = await jobs.wipe_if_due(session, ended, now)
    return replace(ended, wiped_at=now) if is_wiped else ended


async def end_season(session: Session, season: int, now: datetime) -> None:
    """End the jobs of a season that is purged, which no server has worked off: their files name people, too."""
    why = SeasonClosed(season=season)
    ended = await session.rows(
        _END_OF_SEASON,
        season=season,
        now=now,
        code=why.code,
        indonesian=why.message("id"),
        english=why.message("en"),
    )
    await change_log.append(session, [_told(one) for one in ended], now)
    await session.run(_FORGET_ERASED, ids=[one.id for one in ended])


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
        "error": job.error_code,
    }
    return change_log.Entry(
        kind=ChangeKind.IMPORT_FINISHED,
        season=job.season,
        organizer=job.organizer,
        client_id=job.client_id,
        facts=facts,
    )


def _seats(seats: Mapping[UUID, int]) -> str:
    return orjson.dumps({str(route): count for route, count in seats.items()}).decode()


def _still_held(written: int) -> None:
    if written != 1:
        raise LeaseLost
