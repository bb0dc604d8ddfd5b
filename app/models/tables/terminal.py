"""Any departure or arrival place: terminal, station, port or meeting point."""

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import PlaceKind
from app.models.tables.columns import one_of


class Terminal(SQLModel, table=True):
    __tablename__ = "terminal"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 60", name="code"),
        one_of("kind", PlaceKind),
        Index(
            "uq_terminal_provisional",
            "organizer_code",
            "name_key",
            "city_key",
            "kind",
            unique=True,
            postgresql_where=text("provisional"),
        ),
        Index("ix_terminal_name_key_city_key", "name_key", "city_key"),
        CheckConstraint("merged_into IS NULL OR provisional", name="merged"),
    )

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    """The name as `registry.values.spellings` compares it. Empty: no spelling finds it."""
    city: str = Field(sa_type=Text)
    city_key: str = Field(sa_type=Text, index=True)
    """The city as `registry.values.cities` compares it."""
    kind: str = Field(sa_type=Text)
    region_code: str | None = Field(default=None, sa_type=Text)
    organizer_code: str | None = Field(default=None, foreign_key="organizer.code", sa_type=Text)
    """Who declared it, and may change it. None: the registry itself."""
    provisional: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Made from a row that named no place we knew: for review."""
    merged_into: str | None = Field(default=None, foreign_key="terminal.code", sa_type=Text)
    """The terminal that it was a spelling of: no route uses this one any more."""
