"""A programme year. A closed one is read only; a purged one has lost its names and NIKs."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class Season(SQLModel, table=True):
    __tablename__ = "season"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ends_on: date
    closed_at: datetime | None = None
    purged_at: datetime | None = None
