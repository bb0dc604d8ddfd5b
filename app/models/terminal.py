"""Any departure or arrival place: terminal, station, port or meeting point."""

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel

from app.models.enums import PlaceKind, one_of


class Terminal(SQLModel, table=True):
    __tablename__ = "terminal"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 60", name="code"),
        one_of("kind", PlaceKind),
    )

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    city: str = Field(sa_type=Text)
    city_key: str = Field(sa_type=Text, index=True)
    """The city as `registry.cities` compares it."""
    kind: str = Field(sa_type=Text)
    region_code: str | None = Field(default=None, sa_type=Text)
    organizer_code: str | None = Field(default=None, foreign_key="organizer.code", sa_type=Text)
    """Who declared it, and may change it. None: the registry itself."""
