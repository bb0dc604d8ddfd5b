"""Imports as jobs: a file is taken in, sealed, for any server to work off (`registry.job_runs`), and wiped 30 days
after its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Row, TextClause, text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, Language, NotFound, NotYours, Refusal, RefusalError, SeasonClosed, refuses
from app.models.enums import ImportMode, ImportState
from app.registry.caller import Caller
from app.registry.terms import seasons
from app.vault.vault import Vault

PIECE = 1024 * 1024
"""Bytes of the file that are sealed together."""
MOST_WAITING = 20
"""Unfinished jobs of one organizer."""
KEPT = timedelta(days=30)
"""After the job's end. The job itself, which names nobody, stays."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with a file."""

    caller: Caller
    mode: ImportMode = ImportMode.UPSERT
    dry_run: bool = False
    season: int | None = None
    """None: the current one."""
    day: date | None = None
    covers: tuple[str, ...] = ()
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    code: str
    indonesian: str
    english: str

    def message(self, language: Language) -> str:
        return self.english if language == "en" else self.indonesian


@dataclass(frozen=True, slots=True)
class Job:
    id: UUID
    organizer: str
    client_id: str | None
    season: int
    day: date | None
    mode: ImportMode
    dry_run: bool
    covers: tuple[str, ...]
    extension: str
    state: ImportState
    failure: Failure | None
    rows_read: int
    rows_done: int
    results: Mapping[str, int]
    codes: Mapping[str, int]
    missing: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    wiped_at: datetime | None
    attempts: int

    @property
    def finished(self) -> bool:
        return self.finished_at is not None


COLUMNS = """
    id, organizer_code AS organizer, client_id, season, day, mode, dry_run, covers, extension, state, error_code,
    error_indonesian, error_english, rows_read, rows_done, results, codes, missing, created_at, started_at,
    finished_at, wiped_at, attempts
"""
_WAITING = text("SELECT count(*) FROM import_job WHERE organizer_code = :organizer AND state IN ('QUEUED', 'RUNNING')")
_CREATE = text(
    f"""
    INSERT INTO import_job (id, organizer_code, client_id, season, day, mode, dry_run, covers, extension, state,
                            created_at)
    VALUES (:id, :organizer, :client_id, :season, :day, :mode, :dry_run, CAST(:covers AS text[]), :extension, 'QUEUED',
            :now)
    RETURNING {COLUMNS}
    """
)
_PUT_PIECE = text("INSERT INTO import_file (job_id, number, sealed) VALUES (:id, :number, :sealed)")
_PIECE = text("SELECT sealed FROM import_file WHERE job_id = :id AND number = :number")
_GET = text(f"SELECT {COLUMNS} FROM import_job WHERE id = :id AND organizer_code = ANY(CAST(:own AS text[]))")
_WIPE = """
    WITH job AS (
        SELECT id FROM import_job WHERE wiped_at IS NULL AND {which}
        ORDER BY finished_at LIMIT 100 FOR UPDATE SKIP LOCKED
    ), file AS (DELETE FROM import_file WHERE job_id IN (SELECT id FROM job)),
    chunk AS (DELETE FROM import_chunk WHERE job_id IN (SELECT id FROM job)),
    absent AS (DELETE FROM import_missing WHERE job_id IN (SELECT id FROM job))
    UPDATE import_job SET wiped_at = :now WHERE id IN (SELECT id FROM job)
"""
_WIPE_OLD = text(_WIPE.format(which="finished_at < :until"))
_WIPE_SEASON = text(_WIPE.format(which="finished_at IS NOT NULL AND season = :season"))
_WIPE_NAMING = text(
    _WIPE.format(
        which="""finished_at IS NOT NULL
          AND EXISTS (SELECT FROM import_chunk c WHERE c.job_id = import_job.id AND :registrant = ANY(c.registrants))"""
    )
)


# --- taking in --------------------------------------------------------------------------------------------------------


@refuses(SeasonClosed, NotFound, NotYours, InvalidValue)
async def create(
    session: Session, vault: Vault, order: Order, content: Iterable[bytes], now: datetime
) -> Job | Refusal:
    """Take in a file, in pieces of at most `PIECE` bytes, to be worked off by any server."""
    refused = _impossible(order)
    if refused is not None:
        return refused
    season = await _season(session, order)
    if isinstance(season, Refusal):
        return season
    waiting = (await session.execute(_WAITING, {"organizer": order.caller.organizer})).scalar_one()
    if waiting >= MOST_WAITING:
        return InvalidValue(
            "file",
            f"Sudah ada {waiting} berkas Anda yang belum selesai diproses; coba lagi nanti.",
            f"{waiting} of your files are not finished yet; try again later.",
        )
    job = await _create(session, order, season, now)
    for number, piece in enumerate(content):
        await session.execute(_PUT_PIECE, {"id": job.id, "number": number, "sealed": vault.seal_bytes(piece)})
    return job


def _impossible(order: Order) -> InvalidValue | NotYours | None:
    if order.mode != ImportMode.SNAPSHOT and (order.day is not None or order.covers):
        name = "covers" if order.covers else "day"
        return InvalidValue(name, f"{name} hanya untuk mode SNAPSHOT.", f"{name} is for the mode SNAPSHOT alone.")
    if not all(order.caller.owns(code) for code in order.covers):
        return NotYours("covers")
    return None


async def _season(session: Session, order: Order) -> int | Refusal:
    """The current one: rows are judged against it."""
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
    facts = {
        "id": uuid7(),
        "organizer": order.caller.organizer,
        "client_id": order.caller.client_id,
        "season": season,
        "day": order.day,
        "mode": order.mode,
        "dry_run": order.dry_run,
        "covers": sorted(set(order.covers)),
        "extension": order.extension,
        "now": now,
    }
    return from_row((await session.execute(_CREATE, facts)).one())


# --- looking ----------------------------------------------------------------------------------------------------------


@refuses(NotFound)
async def get(session: Session, caller: Caller, job_id: UUID) -> Job | NotFound:
    """A job of one's own, or of a member."""
    row = (await session.execute(_GET, {"id": job_id, "own": sorted(caller.organizers)})).one_or_none()
    return NotFound("id") if row is None else from_row(row)


async def piece(session: Session, vault: Vault, job_id: UUID, number: int) -> bytes | None:
    """The file from byte `number * PIECE` on; None behind its end."""
    sealed = (await session.execute(_PIECE, {"id": job_id, "number": number})).scalar_one_or_none()
    return None if sealed is None else vault.open_bytes(sealed)


# --- wiping -----------------------------------------------------------------------------------------------------------


async def wipe_old(session: Session, now: datetime) -> int:
    """Remove files, verdicts and missing of up to 100 jobs that ended 30 days ago. Answers how many there were."""
    return await _wipe(session, _WIPE_OLD, {"until": now - KEPT, "now": now})


async def wipe_season(session: Session, season: int, now: datetime) -> None:
    """The same of every finished job of a season that is purged."""
    while await _wipe(session, _WIPE_SEASON, {"season": season, "now": now}):
        pass


async def wipe_naming(session: Session, registrant_id: UUID, now: datetime) -> None:
    """The same of every finished job that had a row of somebody who is erased."""
    while await _wipe(session, _WIPE_NAMING, {"registrant": registrant_id, "now": now}):
        pass


async def _wipe(session: Session, statement: TextClause, facts: dict[str, object]) -> int:
    wiped = await session.execute(statement, facts)
    assert isinstance(wiped, CursorResult)  # noqa: S101 - an UPDATE's result
    return wiped.rowcount


def from_row(row: Row[Any]) -> Job:
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    code, indonesian, english = (facts.pop(f"error_{name}") for name in ("code", "indonesian", "english"))
    facts["failure"] = None if code is None else Failure(code, indonesian, english)
    facts["mode"], facts["state"] = ImportMode(facts["mode"]), ImportState(facts["state"])
    facts["covers"] = tuple(facts["covers"])
    return Job(**facts)
