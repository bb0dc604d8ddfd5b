"""A programme year. A closed one is read only; a purged one has lost its names and NIKs.

While the registry runs it writes a heartbeat. What prolongs the deadlines of many is written down, and worked off. So
is a sweep that would end too many people at once.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import ProlongationCause
from app.models.tables.columns import one_of


class Season(SQLModel, table=True):
    __tablename__ = "season"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ends_on: date
    closed_at: datetime | None = None
    purged_at: datetime | None = None
    publishes_figures: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether everybody may read its figures (`models.tables.figures`). Hubdat decides."""


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


class SweepHalt(SQLModel, table=True):
    """The sweep would end too many people of an organizer at once, and waits for Hubdat's word."""

    __tablename__ = "sweep_halt"
    __table_args__ = (CheckConstraint("ends IN ('FORFEITED', 'NO_SHOW')", name="ends"),)

    organizer_code: str = Field(primary_key=True, foreign_key="organizer.code", sa_type=Text)
    ends: str = Field(primary_key=True, sa_type=Text)
    """What the people would become."""
    people: int
    """How many people were due when the sweep last judged this halt."""
    holders: int
    due_until: datetime
    """When the last of them fell due."""
    halted_at: datetime | None = None
    """None: it is to be judged anew, since Hubdat's word is used up. Until then nobody is ended."""
    judged_at: datetime
    allowed_until: datetime = Field(sa_column_kwargs={"server_default": text("'-infinity'")})
    """Hubdat's word: whoever was due until then may be ended. `-infinity`: there is none."""
