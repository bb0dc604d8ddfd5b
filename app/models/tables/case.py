"""A refused or suspected duplicate: who holds the NIK, who else claims it, and what Hubdat decided."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import CaseState, Direction, Service
from app.models.tables.columns import IMPERSONAL, PERSONAL, one_of


class DuplicateCase(SQLModel, table=True):
    __tablename__ = "duplicate_case"
    __table_args__ = (
        one_of("direction", Direction),
        one_of("service", Service),
        one_of("state", CaseState),
        Index("ix_duplicate_case_open", "id", postgresql_where=text("state = 'OPEN'")),
    )

    id: UUID = Field(primary_key=True)
    season: int = Field(foreign_key="season.year")
    direction: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text)
    holder_id: UUID = Field(foreign_key="registrant.id", unique=True)
    """The registrant that has the NIK: every refused claim against it joins this one case."""
    state: str = Field(default=CaseState.OPEN, sa_type=Text)
    suspect: bool = False
    """The names differ clearly: perhaps a typing error in one of the NIKs."""
    mistyped_by: str | None = Field(default=None, foreign_key="organizer.code", sa_type=Text)
    """When NOT_DUPLICATE was decided: the organizer that wrote the NIK wrongly. It is asked for a correction."""
    opened_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    reason: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    """In the words of whoever decided."""


class CaseClaim(SQLModel, table=True):
    """Another organizer that brought the same NIK, and how often."""

    __tablename__ = "case_claim"
    __table_args__ = (Index("ix_case_claim_nik_index", "nik_index", postgresql_where=text("nik_index IS NOT NULL")),)

    id: UUID = Field(default=None, sa_column_kwargs={"server_default": text("gen_random_uuid()")}, unique=True)
    """A rotation of keys goes from row to row by this id."""
    case_id: UUID = Field(primary_key=True, foreign_key="duplicate_case.id")
    organizer_code: str = Field(primary_key=True, foreign_key="organizer.code", sa_type=Text)
    nik_index: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    name_sealed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """The name under which the NIK was brought last: for whoever decides."""
    attempts: int = Field(sa_column_kwargs=IMPERSONAL)
    """Refused ones, and accepted ones whose names looked like a mistake."""
    first_at: datetime
    last_at: datetime
    refused: int = Field(default=0, sa_column_kwargs={"server_default": text("0"), **IMPERSONAL})
    """How many of the attempts were refused. The organizers are told of these and of no others."""
    first_refused_at: datetime | None = None
    last_refused_at: datetime | None = None
