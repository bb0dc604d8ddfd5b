"""Figures for everybody: what was told of each day, and the files that were made of that. Written at 00:30 WIB by
`registry.statistics.publishing` alone.
"""

from datetime import date

from sqlalchemy import CheckConstraint, Text, text
from sqlmodel import Field, SQLModel

from app.models.tables.columns import IMPERSONAL


class Publication(SQLModel, table=True):
    """How far a season's figures have come."""

    __tablename__ = "publication"

    season: int = Field(primary_key=True, foreign_key="season.year", sa_column_kwargs={"autoincrement": False})
    until: date
    """The last day of registration (WIB) that is in them."""
    final: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """The season has ended, and late changes are in: the files stay as they are."""


class PublicCount(SQLModel, table=True):
    """What one organizer, in one direction, for one service, from one city to one city, registered on one day (WIB)."""

    __tablename__ = "public_count"
    __table_args__ = (CheckConstraint("counted = 0 OR counted >= 5", name="no_small_group"),)

    season: int = Field(primary_key=True, foreign_key="season.year")
    organizer_code: str = Field(primary_key=True, sa_type=Text)
    direction: str = Field(primary_key=True, sa_type=Text)
    service: str = Field(primary_key=True, sa_type=Text)
    origin: str = Field(primary_key=True, sa_type=Text)
    destination: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    seen: int
    """People, as the tallies had them when the day was taken in."""
    counted: int
    """People that the files tell of: nobody, or at least five. Fewer are counted with a later day."""


class PublicStage(SQLModel, table=True):
    """How many people of a season have come to a stage, as the files tell it."""

    __tablename__ = "public_stage"
    __table_args__ = (CheckConstraint("counted = 0 OR counted >= 5", name="no_small_group"),)

    season: int = Field(primary_key=True, foreign_key="season.year")
    direction: str = Field(primary_key=True, sa_type=Text)
    service: str = Field(primary_key=True, sa_type=Text)
    stage: str = Field(primary_key=True, sa_type=Text)
    counted: int


class PublicFile(SQLModel, table=True):
    """A file as every server answers it, byte for byte."""

    __tablename__ = "public_file"

    season: int = Field(primary_key=True, foreign_key="season.year")
    name: str = Field(primary_key=True, sa_type=Text)
    content: bytes = Field(sa_column_kwargs=IMPERSONAL)
    digest: str = Field(sa_type=Text)
    """SHA-256 of the content."""
