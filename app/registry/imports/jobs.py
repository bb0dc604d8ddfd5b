"""Imports as jobs: a file is taken in and sealed, any server works it off, and it is wiped 30 days after the job's end.

How a job is worked off stands in `job_runs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import (
    InvalidValue,
    Language,
    NotFound,
    NotYours,
    Refusal,
    RefusalError,
    SeasonClosed,
    refused_by,
    refuses,
)
from app.models.enums import ImportChanges, ImportMode
from app.registry.caller import Caller
from app.registry.imports import storage
from app.registry.terms import seasons
from app.registry.values.texts import not_in_the_future
from app.sql import Statement, statement
from app.vault.vault import Vault

PIECE_BYTES = 1024 * 1024
"""A file is sealed in pieces of this size."""
FILE_KEPT_FOR = timedelta(days=30)
"""After the job's end the file and all that names people is kept this long. The job itself names nobody and stays."""
NAMED_BYTES = 8
"""So many bytes of a NIK's blind index are kept, to find the files that name a person. No two NIKs of a file have the
same bytes.
"""
MOST_WIPED_TOGETHER = 100
"""Jobs that one statement wipes: a transaction stays short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done with a file."""

    caller: Caller
    mode: ImportMode = ImportMode.UPSERT
    changes: ImportChanges = ImportChanges.REPORT
    as_of: datetime | None = None
    """The instant of a list of mode APPLY. None: when the file came."""
    even_though: bool = False
    """In mode APPLY: also move if more than a fifth of the rows would move somebody."""
    dry_run: bool = False
    season: int | None = None
    """None: the current one."""
    day: date | None = None
    """The file is the list of this day's registrations (WIB). None: it is the whole list."""
    covers: tuple[str, ...] = ()
    """Organizers whose whole list this is, even if the file names none of their people."""
    extension: str = ""
    """All that is kept of the file's name."""
    size: int = 0
    """How long the file is, in bytes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a whole job failed."""

    code: str
    indonesian: str
    english: str

    def message(self, language: Language) -> str:
        return self.english if language == "en" else self.indonesian


@dataclass(frozen=True, slots=True)
class UnreadSheet:
    """A sheet of the file that has rows and no header of ours, or is hidden."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: UUID
    organizer: str
    client_id: str | None
    season: int
    day: date | None
    mode: str
    changes: str
    as_of: datetime | None
    even_though: bool
    dry_run: bool
    covers: list[str]
    extension: str
    state: str
    error_code: str | None
    error_indonesian: str | None
    error_english: str | None
    rows_read: int
    rows_done: int
    results_json: str
    codes_json: str
    unread_sheets_json: str
    unread_rows: int
    """Refused rows whose NIK cannot be read."""
    missing: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    wiped_at: datetime | None
    waits_until: datetime | None
    """When the job goes on. It waits because the organizer's allowance of NIKs for today is used up."""
    rehearsed_seats_json: str
    rehearsed_moves: int
    """Of a dry run: how many rows of the chunks that are done would move somebody."""
    attempts: int

    @property
    def finished(self) -> bool:
        return self.finished_at is not None

    @property
    def failure(self) -> Failure | None:
        if self.error_code is None:
            return None
        return Failure(self.error_code, self.error_indonesian or "", self.error_english or "")

    @property
    def results(self) -> Mapping[str, int]:
        """How many rows had which result."""
        counts: dict[str, int] = orjson.loads(self.results_json)
        return counts

    @property
    def unread_sheets(self) -> list[UnreadSheet]:
        return [UnreadSheet(**one) for one in orjson.loads(self.unread_sheets_json)]

    @property
    def rehearsed_seats(self) -> Mapping[UUID, int]:
        """Of a dry run: by route, how many seats the chunks that are done would take."""
        return {UUID(route): seats for route, seats in orjson.loads(self.rehearsed_seats_json).items()}

    @property
    def codes(self) -> Mapping[str, int]:
        """How many rows were refused with which code."""
        counts: dict[str, int] = orjson.loads(self.codes_json)
        return counts


COLUMNS = """
    id, organizer_code AS organizer, client_id, season, day, mode, changes, as_of, even_though, dry_run, covers,
    extension, state, error_code,
    error_indonesian, error_english, rows_read, rows_done, CAST(results AS text) AS results_json,
    CAST(codes AS text) AS codes_json, CAST(unread_sheets AS text) AS unread_sheets_json,
    unread_rows, missing, created_at, started_at, finished_at, wiped_at, waits_until,
    CAST(rehearsed_seats AS text) AS rehearsed_seats_json, rehearsed_moves, attempts
"""
"""The columns of `import_job` that `Job` reads."""
_CREATE = statement(
    f"""
    INSERT INTO import_job (id, organizer_code, client_id, season, day, mode, changes, as_of, even_though, dry_run,
                            covers, extension, bytes, state, created_at)
    VALUES (:id, :organizer, :client_id, :season, :day, :mode, :changes, :as_of, :even_though, :dry_run,
            CAST(:covers AS text[]), :extension, :bytes, 'QUEUED', :now)
    RETURNING {COLUMNS}
    """,
    Job,
)
_PUT_PIECE = statement("INSERT INTO import_file (job_id, number, sealed) VALUES (:id, :number, :sealed)")
_PIECE = statement("SELECT sealed FROM import_file WHERE job_id = :id AND number = :number", bytes)
_GET = statement(f"SELECT {COLUMNS} FROM import_job WHERE id = :id AND organizer_code = ANY(CAST(:own AS text[]))", Job)


def _wipe(which: str) -> Statement[None]:
    return statement(
        f"""
        WITH job AS (
            SELECT id FROM import_job WHERE wiped_at IS NULL AND {which}
            ORDER BY finished_at LIMIT {MOST_WIPED_TOGETHER} FOR UPDATE SKIP LOCKED
        ), file AS (DELETE FROM import_file WHERE job_id IN (SELECT id FROM job)),
        chunk AS (DELETE FROM import_chunk WHERE job_id IN (SELECT id FROM job)),
        absent AS (DELETE FROM import_missing WHERE job_id IN (SELECT id FROM job))
        UPDATE import_job SET wiped_at = :now, unread_sheets = '[]' WHERE id IN (SELECT id FROM job)
        """
    )


_WIPE_OLD = _wipe("finished_at < :until")
_WIPE_SEASON = _wipe("finished_at IS NOT NULL AND season = :season")
_WIPE_ONE = _wipe("id = :id")
# A file that was not read to its end may name anybody.
_WIPE_NAMING = _wipe(
    """
    finished_at IS NOT NULL AND (state = 'FAILED' OR EXISTS (
        SELECT FROM import_chunk c WHERE c.job_id = import_job.id
            AND (position(CAST(:nik_digest AS bytea) IN c.named) > 0 OR c.registrants && CAST(:registrants AS uuid[]))
    ))
    """
)
_NOTE_ERASED = statement(
    """
    INSERT INTO import_erased (job_id, digest)
    SELECT id, :nik_digest FROM import_job WHERE state IN ('QUEUED', 'RUNNING')
    ON CONFLICT DO NOTHING
    """
)
_NAMES_ERASED = statement(
    """
    SELECT EXISTS (
        SELECT FROM import_erased e JOIN import_job job ON job.id = e.job_id
        WHERE e.job_id = :id AND (job.state = 'FAILED' OR EXISTS (
            SELECT FROM import_chunk c WHERE c.job_id = e.job_id AND position(e.digest IN c.named) > 0
        ))
    )
    """,
    bool,
)
_FORGET_ERASED = statement("DELETE FROM import_erased WHERE job_id = :id")


# --- taking in --------------------------------------------------------------------------------------------------------


@refuses(SeasonClosed, NotFound, NotYours, InvalidValue, *refused_by(storage.judge))
async def create(
    session: Session,
    vault: Vault,
    order: Order,
    content: Iterable[bytes],
    now: datetime,
    *,
    most_kept: int = storage.MOST_KEPT_BYTES,
) -> Job | Refusal:
    """Take in a file, in pieces of at most `PIECE_BYTES`, for any server to work off."""
    refused = _impossible(order) or _not_to_be_applied(order, now)
    if refused is not None:
        return refused
    job = await admit(session, order, now, most_kept=most_kept)
    if isinstance(job, Refusal):
        return job
    for number, piece in enumerate(content):
        await session.run(_PUT_PIECE, id=job.id, number=number, sealed=vault.seal_bytes(piece))
    return job


@refuses(SeasonClosed, NotFound, *refused_by(storage.judge))
async def admit(session: Session, order: Order, now: datetime, *, most_kept: int) -> Job | Refusal:
    """A job that waits, still without its file."""
    season = await _season(session, order)
    if isinstance(season, Refusal):
        return season
    no_room = await storage.judge(session, order.caller.organizer, order.size, most_kept)
    if no_room is not None:
        return no_room
    return await _create(session, order, season, now)


def _impossible(order: Order) -> InvalidValue | NotYours | None:
    if order.mode != ImportMode.SNAPSHOT and (order.day is not None or order.covers):
        name = "covers" if order.covers else "day"
        return InvalidValue(
            name, "Hari dan penyelenggara hanya untuk daftar lengkap.", f"{name} is for the mode SNAPSHOT alone."
        )
    if not all(order.caller.owns(code) for code in order.covers):
        return NotYours("covers")
    return None


def _not_to_be_applied(order: Order, now: datetime) -> InvalidValue | None:
    if order.changes != ImportChanges.APPLY:
        named = next(
            (name for name, given in (("asOf", order.as_of), ("evenThough", order.even_though)) if given), None
        )
        return (
            None
            if named is None
            else InvalidValue(
                named,
                "Waktu daftar dan penegasan hanya untuk berkas yang mengubah data.",
                f"{named} is for changes: APPLY alone.",
            )
        )
    if order.as_of is not None and order.as_of.tzinfo is None:
        return InvalidValue("asOf", "Tulis zona waktunya, misalnya +07:00.", "The time must name its zone, as +07:00.")
    instant = not_in_the_future(order.as_of, now, "asOf")
    return instant if isinstance(instant, InvalidValue) else None


async def _season(session: Session, order: Order) -> int | Refusal:
    """Only the current season is taken: the rows of the file are judged against it."""
    try:
        current = await seasons.current(session)
    except RefusalError as none_open:
        return none_open.refusal
    if order.season in {None, current}:
        return current
    named = await seasons.require_open(session, order.season or 0)
    if isinstance(named, Refusal):
        return named
    return SeasonClosed("season", season=named.year)


async def _create(session: Session, order: Order, season: int, now: datetime) -> Job:
    return await session.one(
        _CREATE,
        id=uuid7(),
        organizer=order.caller.organizer,
        client_id=order.caller.client_id,
        season=season,
        day=order.day,
        mode=order.mode,
        changes=order.changes,
        as_of=order.as_of,
        even_though=order.even_though,
        dry_run=order.dry_run,
        covers=sorted(set(order.covers)),
        extension=order.extension,
        bytes=order.size,
        now=now,
    )


# --- looking ----------------------------------------------------------------------------------------------------------


@refuses(NotFound)
async def get(session: Session, caller: Caller, job_id: UUID) -> Job | NotFound:
    """A job of the caller's organizer, or of a member that it coordinates."""
    return await session.first(_GET, id=job_id, own=sorted(caller.organizers)) or NotFound("id", what="import")


async def piece(session: Session, vault: Vault, job_id: UUID, number: int) -> bytes | None:
    """The piece of the file that begins at byte `number * PIECE_BYTES`. None: the file ends before."""
    sealed = await session.first(_PIECE, id=job_id, number=number)
    return None if sealed is None else vault.open_bytes(sealed)


# --- wiping -----------------------------------------------------------------------------------------------------------


async def wipe_old(session: Session, now: datetime) -> int:
    """Remove the file, the verdicts and the list of the missing of jobs that ended 30 days ago.

    One call wipes at most `MOST_WIPED_TOGETHER` jobs. Answers how many were wiped.
    """
    return await session.run(_WIPE_OLD, until=now - FILE_KEPT_FOR, now=now)


async def wipe_season(session: Session, season: int, now: datetime) -> None:
    """Wipe every finished job of a season that is purged."""
    while await session.run(_WIPE_SEASON, season=season, now=now):
        pass


async def wipe_naming(session: Session, nik_index: bytes, registrants: Sequence[UUID], now: datetime) -> int:
    """Wipe every finished job that had a row of a person who is erased. Answers how many.

    Nobody knows yet whom the unfinished ones name: these are judged when they end (`wipe_if_due`).
    """
    digest, total = named([nik_index]), 0
    while wiped := await session.run(_WIPE_NAMING, nik_digest=digest, registrants=list(registrants), now=now):
        total += wiped
    await session.run(_NOTE_ERASED, nik_digest=digest)
    return total


async def wipe_if_due(session: Session, job: Job, now: datetime) -> bool:
    """Wipe a job that has just ended, if it was refused as a file or names somebody who was erased meanwhile."""
    refused = job.failure is not None and not job.rows_done
    due = refused or await session.one(_NAMES_ERASED, id=job.id)
    if due:
        await session.run(_WIPE_ONE, id=job.id, now=now)
    await session.run(_FORGET_ERASED, id=job.id)
    return due


def named(nik_indexes: Iterable[bytes]) -> bytes:
    """What a chunk keeps of the NIKs of its rows, to be found when one of these people is erased."""
    return b"".join(index[:NAMED_BYTES] for index in nik_indexes)
