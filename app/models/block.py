"""A blocked NIK: for a range of seasons, with a reason and an issuer; Hubdat can lift it with a reason."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel


class NikBlock(SQLModel, table=True):
    __tablename__ = "nik_block"
    __table_args__ = (
        CheckConstraint("until_season >= from_season", name="seasons"),
        Index("ix_nik_block_standing", "nik_index", postgresql_where=text("lifted_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    nik_index: bytes = Field(sa_type=LargeBinary)
    reason: str = Field(sa_type=Text)
    from_season: int
    until_season: int
    since: datetime
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    """Who issued it: the organizer whose registration was forfeited, or hubdat."""
    client_id: str | None = Field(default=None, sa_type=Text)
    registrant_id: UUID | None = Field(default=None, foreign_key="registrant.id")
    lifted_at: datetime | None = None
    lifted_by: str | None = Field(default=None, sa_type=Text)
    lift_reason: str | None = Field(default=None, sa_type=Text)
