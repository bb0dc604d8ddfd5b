"""Who looked at which NIK: written before the check is answered. The NIK stands here only as its blind index."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from app.models.enums import Direction, NikOutcome, Purpose, Service, one_of


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
    client_id: str = Field(sa_type=Text)
    organizer_code: str = Field(sa_type=Text)
    nik_index: bytes = Field(sa_type=LargeBinary)
    purpose: str = Field(sa_type=Text)
    direction: str | None = Field(default=None, sa_type=Text)
    service: str | None = Field(default=None, sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)
