"""One departure offered by one organizer, the dated releases that its quota is the sum of, and seats that are held.

`route.quota` holds what has been released; a release that has come due and is not yet in it is added under the route's
row lock by `registry.routes.quota`. The CHECK `taken <= quota` is the rule that no seat is sold twice.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import Direction, Mode, Service
from app.models.tables.columns import one_of


class Route(SQLModel, table=True):
    __tablename__ = "route"
    __table_args__ = (
        one_of("direction", Direction),
        one_of("service", Service),
        one_of("mode", Mode),
        CheckConstraint("taken >= 0", name="taken"),
        CheckConstraint("taken <= quota", name="never_oversold"),
        Index(
            "uq_route_natural",
            "season",
            "organizer_code",
            "direction",
            "service",
            "name",
            "origin_code",
            "destination_code",
            "departs_at",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("merged_into IS NULL"),
        ),
        # Two batches that bring one unknown route in two spellings make one.
        Index(
            "uq_route_provisional",
            "season",
            "organizer_code",
            "direction",
            "service",
            "name_key",
            "origin_code",
            "destination_code",
            "departs_at",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("provisional"),
        ),
        Index("ix_route_name_key", "season", "organizer_code", "name_key"),
        Index("ix_route_season_departs_at_id", "season", "departs_at", "id"),
        # A season's routes page by page. A plan that is made for an empty table takes the newest index that fits. So
        # this index has only the routes that are not merged: it fits no statement that looks for a route by its name.
        Index("ix_route_season_id", "season", "id", postgresql_where=text("merged_into IS NULL")),
        Index("ix_route_put_right", "put_right_at", "id", postgresql_where=text("put_right_at IS NOT NULL")),
        CheckConstraint("merged_into IS NULL OR (provisional AND taken = 0)", name="merged"),
    )

    id: UUID = Field(primary_key=True)
    season: int = Field(foreign_key="season.year")
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    """The name as `registry.values.spellings` compares it. Empty: no spelling finds it."""
    direction: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    origin_code: str = Field(foreign_key="terminal.code", sa_type=Text)
    destination_code: str = Field(foreign_key="terminal.code", sa_type=Text)
    departs_at: datetime | None = None
    quota: int | None = None
    """None: not limited."""
    taken: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    provisional: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Made from a row that named no route we knew: for review."""
    merged_into: UUID | None = Field(default=None, foreign_key="route.id")
    """The route that it was a spelling of: nobody is registered on this one any more."""
    put_right_at: datetime | None = None
    """When its departure was moved later, while the no-shows that the wrong time caused are not taken back yet."""


class QuotaRelease(SQLModel, table=True):
    __tablename__ = "quota_release"
    __table_args__ = (
        CheckConstraint("seats <> 0", name="seats"),
        Index("ix_quota_release_pending", "due_at", "route_id", postgresql_where=text("released_at IS NULL")),
        Index("ix_quota_release_route_id", "route_id"),
        Index("ix_quota_release_daily_id", "daily_id", postgresql_where=text("daily_id IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    route_id: UUID = Field(foreign_key="route.id")
    seats: int
    due_at: datetime
    released_at: datetime | None = None
    """When it was added to the route's quota."""
    daily_id: UUID | None = None
    """Of a daily release: all its days have one."""


class SeatHold(SQLModel, table=True):
    """Seats that nobody else gets while a person fills the form. It holds no NIK."""

    __tablename__ = "seat_hold"
    __table_args__ = (
        CheckConstraint("seats BETWEEN 0 AND 10", name="seats"),
        Index("ix_seat_hold_route_id_ends_at", "route_id", "ends_at"),
        Index("ix_seat_hold_ends_at", "ends_at"),
    )

    id: UUID = Field(primary_key=True)
    route_id: UUID = Field(foreign_key="route.id")
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    client_id: str | None = Field(default=None, sa_type=Text)
    seats: int
    """How many it holds still."""
    ends_at: datetime
    """From then on it holds nothing."""
