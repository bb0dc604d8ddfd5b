"""A programme year. A closed one is read only; a purged one has lost its names and NIKs.

While the registry runs it writes a heartbeat. What prolongs the deadlines of many is written down, and worked off.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import ProlongationCause, one_of


class Season(SQLModel, table=True):
    __tablename__ = "season"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ends_on: date
    closed_at: datetime | None = None
    purged_at: datetime | None = None


class Heartbeat(SQLModel, table=True):
    """When a server last reached this database. One row."""

    __tablename__ = "heartbeat"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime
    looked_at: datetime | None = None
    """When one of the servers last looked into the access log for somebody who walks through NIKs."""


class Prolongation(SQLModel, table=True):
    """Deadlines that lie behind `after` and not behind `until` move to a later instant."""

    __tablename__ = "prolongation"
    __table_args__ = (
        one_of("cause", ProlongationCause),
        CheckConstraint("(cause = 'OUTAGE') = (seconds IS NOT NULL)", name="outage"),
        CheckConstraint(
            "(cause = 'PERIOD') = (season IS NOT NULL AND organizer_code IS NOT NULL AND ends_at IS NOT NULL)",
            name="period",
        ),
        Index("ix_prolongation_made_at", "made_at"),
        Index("ix_prolongation_pending", "made_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_prolongation_outage", "until", postgresql_where=text("cause = 'OUTAGE'")),
    )

    id: UUID = Field(primary_key=True)
    cause: str = Field(sa_type=Text)
    season: int | None = Field(default=None, foreign_key="season.year")
    """None: every open season."""
    organizer_code: str | None = Field(default=None, foreign_key="organizer.code", sa_type=Text)
    """None: everybody."""
    after: datetime
    until: datetime
    seconds: int | None = None
    """Of an outage: by how much."""
    ends_at: datetime | None = None
    """Of a period: its new last instant."""
    made_at: datetime
    done_at: datetime | None = None
    """When everybody was seen to for the first time. Until then nobody is forfeited and nobody is a no-show."""
