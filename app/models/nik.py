"""Looking at a NIK, and blocking it.

An access is written before the check is answered. The NIK stands in it only as its blind index. A block has a reason,
an issuer and a range of seasons. Hubdat can lift it with a reason.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import Direction, NikOutcome, Purpose, Service, one_of
from app.models.personal import IMPERSONAL, PERSONAL


class NikAccess(SQLModel, table=True):
    __tablename__ = "nik_access"
    __table_args__ = (
        one_of("purpose", Purpose),
        one_of("outcome", NikOutcome),
        one_of("direction", Direction),
        one_of("service", Service),
        Index("ix_nik_access_nik_index_at", "nik_index", "at"),
        Index("ix_nik_access_client_id_at", "client_id", "at"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime
    client_id: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    organizer_code: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    nik_index: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    purpose: str = Field(sa_type=Text)
    direction: str | None = Field(default=None, sa_type=Text)
    service: str | None = Field(default=None, sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)


class NikBlock(SQLModel, table=True):
    __tablename__ = "nik_block"
    __table_args__ = (
        CheckConstraint("until_season >= from_season", name="seasons"),
        Index("ix_nik_block_standing", "nik_index", postgresql_where=text("lifted_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    nik_index: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    reason: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    from_season: int = Field(sa_column_kwargs=IMPERSONAL)
    until_season: int = Field(sa_column_kwargs=IMPERSONAL)
    since: datetime
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    """Who issued it: the organizer whose registration was forfeited, or hubdat."""
    client_id: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    registrant_id: UUID | None = Field(default=None, foreign_key="registrant.id")
    lifted_at: datetime | None = None
    lifted_by: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    lift_reason: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
