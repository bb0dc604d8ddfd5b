"""Statistics, kept as counts: what `GROUP BY` over the registrants would answer, however many of them there are.

Written by the projector `changes.tallies` alone. No foreign keys: every row is made from rows that are never deleted.
What was answered lately is a count too, of each server process (`registry.statistics.pulse`).
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Column, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

_ROOM = {"postgresql_with": {"fillfactor": 70}}
"""Counts are updated all day. A part of each page stays free, so that PostgreSQL puts the new version of a row into the
same page.
"""


class People(SQLModel):
    """How many registrants stand at each status."""

    registered: int
    verified: int
    departed: int
    forfeited: int
    cancelled: int
    no_show: int
    ever_verified: int
    """Of all of them, those that were verified, whatever became of them."""
    lap_infants: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """Who hold their NIKs and travel on a lap. They are in no other figure."""
    arrived_late: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """Of all of them, those that arrived long after their window had closed."""


class Tally(People, table=True):
    """By organizer, direction and service."""

    __tablename__ = "tally"
    __table_args__ = (_ROOM,)

    season: int = Field(primary_key=True)
    organizer_code: str = Field(primary_key=True, sa_type=Text)
    direction: str = Field(primary_key=True, sa_type=Text)
    service: str = Field(primary_key=True, sa_type=Text)


class TallyDay(People, table=True):
    """The same by the day (WIB) of registration as well, for each organizer and for everybody together."""

    __tablename__ = "tally_day"
    __table_args__ = (_ROOM,)

    season: int = Field(primary_key=True)
    organizer_code: str = Field(primary_key=True, sa_type=Text)
    direction: str = Field(primary_key=True, sa_type=Text)
    service: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)


class TallyRoute(People, table=True):
    """By route, organizer (a member may travel on its coordinator's route) and the day (WIB) of registration."""

    __tablename__ = "tally_route"
    __table_args__ = (_ROOM,)

    route_id: UUID = Field(primary_key=True)
    organizer_code: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)


class TallyDeadline(SQLModel, table=True):
    """Who waits for verification, by the hour in which the deadline falls (`infinity`: none). For each organizer,
    and for everybody together. No row counts nobody.
    """

    __tablename__ = "tally_deadline"
    __table_args__ = (_ROOM,)

    season: int = Field(primary_key=True)
    organizer_code: str = Field(primary_key=True, sa_type=Text)
    direction: str = Field(primary_key=True, sa_type=Text)
    service: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    verify_by: datetime = Field(primary_key=True)
    waiting: int


class TallyPair(SQLModel, table=True):
    """NIKs that one organizer holds and another brought as well."""

    __tablename__ = "tally_pair"
    __table_args__ = (_ROOM,)

    season: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    claimant: str = Field(primary_key=True, sa_type=Text)
    refused: int
    suspected: int
    """Not refused: the names differ so clearly that one NIK may be a typing error."""


class TallyDuplicate(SQLModel, table=True):
    """The same by direction, service and the day (WIB) on which it was brought: many rows, read for a part of them."""

    __tablename__ = "tally_duplicate"
    __table_args__ = (_ROOM,)

    season: int = Field(primary_key=True)
    holder: str = Field(primary_key=True, sa_type=Text)
    claimant: str = Field(primary_key=True, sa_type=Text)
    direction: str = Field(primary_key=True, sa_type=Text)
    service: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    refused: int
    suspected: int


class Pulse(SQLModel, table=True):
    """What one process answered in one minute. Rows of the last hour."""

    __tablename__ = "pulse"

    minute: datetime = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    answers: int
    errors: int
    steps: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    """How many answers took how long: the steps of `metrics.minute`."""
    refusals: list[tuple[str, str, int]] = Field(sa_column=Column(JSONB, nullable=False))
    """Organizer, reason, how often."""
