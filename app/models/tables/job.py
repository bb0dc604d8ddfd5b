"""A file that an organizer sent, as a job: what is to be done with it, how far it is, and what came of it.

The file holds NIKs and names: its bytes are sealed by the vault. A chunk of rows is there once, by its primary key:
its rows, its verdicts and the job's counts are one transaction. Everything but the job itself is wiped after a time.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.enums import ImportChanges, ImportMode, ImportState, RegistrantStatus
from app.models.tables.columns import IMPERSONAL, PERSONAL, one_of


def _counts() -> Any:
    return Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class ImportJob(SQLModel, table=True):
    __tablename__ = "import_job"
    __table_args__ = (
        one_of("mode", ImportMode),
        one_of("changes", ImportChanges),
        one_of("state", ImportState),
        CheckConstraint("(state IN ('DONE', 'FAILED')) = (finished_at IS NOT NULL)", name="finished_at"),
        CheckConstraint("(state = 'FAILED') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint("(state = 'RUNNING') = (runner IS NOT NULL)", name="runner"),
        CheckConstraint("(runner IS NULL) = (lease_until IS NULL)", name="lease"),
        Index("ix_import_job_to_do", "organizer_code", "id", postgresql_where=text("state IN ('QUEUED', 'RUNNING')")),
        Index("ix_import_job_to_wipe", "finished_at", postgresql_where=text("wiped_at IS NULL")),
        Index("ix_import_job_organizer_code_id", "organizer_code", "id"),
        Index("ix_import_job_kept", "organizer_code", "bytes", postgresql_where=text("wiped_at IS NULL AND bytes > 0")),
    )

    id: UUID = Field(primary_key=True)
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    """Who sent it. Rows may be of members that it coordinates."""
    client_id: str | None = Field(default=None, foreign_key="client.id", sa_type=Text)
    season: int = Field(foreign_key="season.year")
    day: date | None = None
    """The day (WIB), when the file is a snapshot of one day."""
    mode: str = Field(sa_type=Text)
    changes: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'REPORT'")})
    as_of: datetime | None = None
    """The instant of the list: of APPLY."""
    even_though: bool = Field(sa_column_kwargs={"server_default": text("false")})
    """More than a fifth may be moved."""
    dry_run: bool
    covers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    """Organizers whose whole list this snapshot is, even if it names none of their people."""
    extension: str = Field(sa_type=Text)
    """All that is kept of the file's name."""
    bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """How long the file was when it came."""
    state: str = Field(sa_type=Text)
    error_code: str | None = Field(default=None, sa_type=Text)
    error_indonesian: str | None = Field(default=None, sa_type=Text)
    error_english: str | None = Field(default=None, sa_type=Text)
    rows_read: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    rows_done: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    results: dict[str, int] = _counts()
    codes: dict[str, int] = _counts()
    unread_sheets: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    """Name and rows of sheets that nobody was read from. A name may be that of a person: it is wiped with the file."""
    unread_rows: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    missing: int | None = None
    """How many were in the registry and not in the file, when the job is a finished snapshot."""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    wiped_at: datetime | None = None
    """When file, verdicts and missing were removed."""
    runner: UUID | None = None
    """The process that is at it."""
    lease_until: datetime | None = None
    """When others may take it over, unless it is renewed."""
    waits_until: datetime | None = None
    """The organizer's allowance of NIKs is used up: the job goes on then."""
    rehearsed_seats: dict[str, int] = _counts()
    """Of a dry run: by route, how many seats the chunks that are done would take."""
    rehearsed_moves: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """Of a dry run: how many rows of the chunks that are done would move somebody."""
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    """How many processes have started this job since its last finished chunk."""


class ImportFile(SQLModel, table=True):
    """A piece of the file."""

    __tablename__ = "import_file"

    job_id: UUID = Field(primary_key=True, foreign_key="import_job.id")
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    sealed: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)


class ImportChunk(SQLModel, table=True):
    """Rows that were judged together. A verdict holds neither NIK nor name."""

    __tablename__ = "import_chunk"

    job_id: UUID = Field(primary_key=True, foreign_key="import_job.id")
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    verdicts: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """JSON: of each row its number in the file, result, code and explanation."""
    registrants: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False, info=IMPERSONAL["info"]))
    """Whom the rows are about, as far as the registry knows them."""
    refused: list[bytes] = Field(sa_column=Column(ARRAY(LargeBinary), nullable=False, info=PERSONAL["info"]))
    """Blind indexes of the NIKs of refused rows."""
    named: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """The first bytes of the blind index of each NIK in the rows: by these an erasure finds the files of a person."""
    organizers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, info=IMPERSONAL["info"]))
    """The organizers that the rows name in `source`."""
    differences: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """Sealed JSON: where rows and stored values differ. Names are in it."""
    done_at: datetime


class ImportErased(SQLModel, table=True):
    """Somebody who was erased while the job was unfinished: if the file names the person, it is wiped at its end."""

    __tablename__ = "import_erased"

    job_id: UUID = Field(primary_key=True, foreign_key="import_job.id")
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """As `ImportChunk.named` has it."""


class ImportMissing(SQLModel, table=True):
    """A registrant that the registry holds and a snapshot did not name."""

    __tablename__ = "import_missing"
    __table_args__ = (one_of("status", RegistrantStatus),)

    job_id: UUID = Field(primary_key=True, foreign_key="import_job.id")
    registrant_id: UUID = Field(primary_key=True, foreign_key="registrant.id")
    status: str = Field(sa_type=Text)
    """As it was then."""
    last_change: int = Field(sa_column=Column(BigInteger, nullable=False, info=IMPERSONAL["info"]))
    """The newest entry of its history then: with another, it is not as it was."""
    cancelled_at: datetime | None = None
