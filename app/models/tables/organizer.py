"""An organizer (penyelenggara), its policy and its registration windows for a season."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import IntegrationScheme, WindowKind
from app.models.tables.columns import one_of

_SCHEMES = ", ".join(f"'{scheme}'" for scheme in IntegrationScheme)


class Organizer(SQLModel, table=True):
    __tablename__ = "organizer"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 40", name="code"),
        CheckConstraint("coordinator_code <> code", name="coordinator"),
        CheckConstraint(f"schemes <@ ARRAY[{_SCHEMES}]::text[]", name="schemes"),
    )

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text, unique=True)
    coordinator_code: str | None = Field(default=None, foreign_key="organizer.code", sa_type=Text, index=True)
    schemes: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))


class Policy(SQLModel, table=True):
    """What an organizer decides for itself in a season. Without a row: the defaults of `registry.terms.policy`.

    A column that came later has that default in the database, too: servers of the release before do not write it.
    """

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint("verify_within_days BETWEEN 1 AND 90", name="verify_within_days"),
        CheckConstraint("block_seasons BETWEEN 1 AND 10", name="block_seasons"),
        CheckConstraint("no_show_after_minutes BETWEEN 0 AND 1440", name="no_show_after_minutes"),
        CheckConstraint("news_grace_hours BETWEEN 0 AND 72", name="news_grace_hours"),
        CheckConstraint("late_arrival_days BETWEEN 0 AND 90", name="late_arrival_days"),
        CheckConstraint("hold_percent BETWEEN 0 AND 100", name="hold_percent"),
    )

    season: int = Field(primary_key=True, foreign_key="season.year")
    organizer_code: str = Field(primary_key=True, foreign_key="organizer.code", sa_type=Text)
    verify_within_days: int | None
    block_when_forfeited: bool
    block_seasons: int
    enforce_window: bool
    return_requires_outbound: bool
    return_same_day: bool
    no_show_after_minutes: int
    news_grace_hours: int | None = None
    late_arrival_days: int = Field(sa_column_kwargs={"server_default": text("2")})
    forfeit_at_period_end: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    refuse_early_verification: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    hold_percent: int = Field(sa_column_kwargs={"server_default": text("5")})


class RegistrationWindow(SQLModel, table=True):
    """A wave. An amendment is a new row that supersedes the old one, so the history stays."""

    __tablename__ = "registration_window"
    __table_args__ = (
        CheckConstraint("closes_at > opens_at", name="closes_after_it_opens"),
        one_of("kind", WindowKind),
        Index(
            "ix_registration_window_current",
            "season",
            "organizer_code",
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    season: int = Field(foreign_key="season.year")
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    kind: str = Field(sa_type=Text)
    opens_at: datetime
    closes_at: datetime | None = None
    until_quota_is_full: bool = False
    note: str | None = Field(default=None, sa_type=Text)
    saved_at: datetime
    replaces: UUID | None = Field(default=None, foreign_key="registration_window.id")
    superseded_at: datetime | None = None
