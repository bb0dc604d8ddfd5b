"""Naming a NIK, how many of them an organizer may learn of, reading lists of people, and blocking a NIK.

An access is written before anything is told of the NIK. The NIK stands in it only as its blind index. A read is a row
for each page, slice of an export, result file, or minute of a subscription. It is written before the answer leaves,
names registrants by their ids and tells nobody who they are. Both are logs: partitioned by the month of `at`, only
appended to, sealed, and kept until the season is purged. A block has a reason, an issuer and a range of seasons. Hubdat
can lift it with a reason.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.enums import Direction, NikOutcome, Purpose, Service
from app.models.tables.change import RANDOM, TransactionId
from app.models.tables.columns import IMPERSONAL, PERSONAL, one_of

ZERO = {"server_default": text("0")}


class NikAccess(SQLModel, table=True):
    __tablename__ = "nik_access"
    __table_args__ = (
        one_of("purpose", Purpose),
        one_of("outcome", NikOutcome),
        one_of("direction", Direction),
        one_of("service", Service),
        Index("ix_nik_access_nik_index_at", "nik_index", "at"),
        Index("ix_nik_access_client_id_at", "client_id", "at"),
        Index("ix_nik_access_named", "at", postgresql_where=text("nik_index IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    xact_id: int | None = Field(
        default=None,
        sa_column=Column(TransactionId, primary_key=True, server_default=text("log_transaction(pg_current_xact_id())")),
    )
    """The log's order is that of the change log: (xact_id, id)."""
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(primary_key=True)
    client_id: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    organizer_code: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    nik_index: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """None: the purge of a season wiped it."""
    area: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """A keyed digest of the first 12 digits: region and birth date. None: no answer could tell of the NIK."""
    purpose: str = Field(sa_type=Text)
    direction: str | None = Field(default=None, sa_type=Text)
    service: str | None = Field(default=None, sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)
    salt: bytes | None = Field(
        default=None, sa_column=Column(LargeBinary, server_default=text(RANDOM), info=PERSONAL["info"])
    )
    commitment: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """Both as in the change log (`models.change`)."""


class NikAllowance(SQLModel, table=True):
    """How many NIKs that are not its own an organizer may learn of in a day. A trigger makes it with the organizer."""

    __tablename__ = "nik_allowance"

    organizer_code: str = Field(primary_key=True, foreign_key="organizer.code", sa_type=Text)
    day: date
    """The day (WIB) that the figures are of."""
    named: int = Field(default=0, sa_column_kwargs=ZERO)
    """NIKs of that day that are not its own, without those that it registered and still holds."""
    withheld: int = Field(default=0, sa_column_kwargs=ZERO)
    """Refusals of that day that told nothing, since the allowance was used up."""
    holders: int = Field(default=0, sa_column_kwargs=ZERO)
    """Who held a NIK with it, and with its members, when the registry last counted."""
    set_per_day: int | None = None
    """What Hubdat has set. None: the allowance follows from `holders`."""
    cut: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """An alarm of that day ended the allowance."""
    told_percent: int = Field(default=0, sa_column_kwargs=ZERO)
    """The highest mark of use that was told on that day."""
    alarmed_at: datetime | None = None


class NikBlock(SQLModel, table=True):
    __tablename__ = "nik_block"
    __table_args__ = (
        CheckConstraint("until_season >= from_season", name="seasons"),
        Index("ix_nik_block_standing", "nik_index", postgresql_where=text("lifted_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    nik_index: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    reason: str = Field(sa_type=Text, sa_column_kwargs=PERSONAL)
    from_season: int = Field(sa_column_kwargs=IMPERSONAL)
    until_season: int = Field(sa_column_kwargs=IMPERSONAL)
    since: datetime
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    """Who issued it: the organizer whose registration was forfeited, or hubdat."""
    client_id: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    registrant_id: UUID | None = Field(default=None, foreign_key="registrant.id")
    lifted_at: datetime | None = None
    lifted_by: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    lift_reason: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)


class PeopleRead(SQLModel, table=True):
    __tablename__ = "people_read"
    __table_args__ = (
        CheckConstraint("count >= 0", name="count"),
        Index("ix_people_read_client_id_at", "client_id", "at"),
        Index(
            "ix_people_read_people",
            "people",
            postgresql_using="gin",
            postgresql_where=text("people IS NOT NULL"),
        ),
        Index("ix_people_read_bounded", "first_id", postgresql_where=text("people IS NULL OR until IS NULL")),
        Index("ix_people_read_at", "at"),
        Index("ix_people_read_ends", "ends", postgresql_where=text("ends IS NOT NULL")),
        Index("ix_people_read_purposed", "at", postgresql_where=text("purpose IS NOT NULL")),
        Index(
            "ix_people_read_unfound",
            "unfound",
            postgresql_using="gin",
            postgresql_where=text("unfound IS NOT NULL"),
        ),
        Index("ix_people_read_xact_id_id", "xact_id", "id"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    xact_id: int | None = Field(
        default=None,
        sa_column=Column(TransactionId, nullable=False, server_default=text("log_transaction(pg_current_xact_id())")),
    )
    at: datetime = Field(primary_key=True)
    until: datetime | None = None
    """Until when these people were shown. None: a minute of a subscription began, and another row `ends` it. Without
    that row it goes on, or its server ended in the middle."""
    ends: int | None = Field(default=None, sa_type=BigInteger, sa_column_kwargs=IMPERSONAL)
    """The row that this one stands for, since it tells of the whole minute."""
    client_id: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    organizer_code: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    """Whose client it is."""
    what: str = Field(sa_type=Text, sa_column_kwargs=IMPERSONAL)
    """The root fields of GraphQL, or the path."""
    asked: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, info=IMPERSONAL["info"]))
    """The filter: nothing in it tells who somebody is."""
    purpose: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    """What for, in the words of whoever looked somebody up: so it may name somebody."""
    unfound: list[bytes] | None = Field(
        default=None, sa_column=Column(ARRAY(LargeBinary), nullable=True, info=PERSONAL["info"])
    )
    """The blind indexes of the NIKs that were looked up for the purpose and found nobody."""
    count: int = Field(sa_column=Column(Integer, nullable=False, info=IMPERSONAL["info"]))
    first_id: UUID | None = None
    """None: nobody was found."""
    last_id: UUID | None = None
    organizers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, info=IMPERSONAL["info"]))
    """Whose people they are."""
    people: list[UUID] | None = Field(
        default=None, sa_column=Column(ARRAY(Uuid), nullable=True, info=IMPERSONAL["info"])
    )
    """None: whoever is of `organizers`, lies between first and last and fits `asked` may be among them; nobody else."""
    salt: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    commitment: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """Both as in the change log (`models.change`), and only where there is a purpose."""
