"""One person on one route: one row of the standard.

Uniqueness is the partial index `uq_registrant_holding_nik`: one holding registrant per season, NIK, direction and
service, over all organizers. The check before it is a courtesy, the index is the rule.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKeyConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.models.enums import Direction, IdentityDocument, RegistrantFlag, RegistrantStatus, Service
from app.models.statuses import AWAITS_DEPARTURE, AWAITS_VERIFICATION, FORFEITS_AT, HOLDS_NIK
from app.models.tables.columns import IMPERSONAL, PERSONAL, one_of

_FLAGS = ", ".join(f"'{flag}'" for flag in RegistrantFlag)


class Registrant(SQLModel, table=True):
    __tablename__ = "registrant"
    __table_args__ = (
        one_of("direction", Direction),
        one_of("service", Service),
        one_of("status", RegistrantStatus),
        one_of("identity_document", IdentityDocument),
        CheckConstraint("(status = 'DEPARTED') = (departed_at IS NOT NULL)", name="departed_at"),
        CheckConstraint("status <> 'VERIFIED' OR verified_at IS NOT NULL", name="verified_at"),
        CheckConstraint("status <> 'DEPARTED' OR healthy IS TRUE", name="healthy"),
        CheckConstraint(
            "service <> 'MOTORCYCLE' OR (plate IS NOT NULL AND registration_number IS NOT NULL)"
            " OR erased_at IS NOT NULL",
            name="motorcycle_papers",
        ),
        CheckConstraint(
            "(nik_index IS NULL) = (erased_at IS NOT NULL) AND (nik_index IS NULL) = (nik_sealed IS NULL)"
            " AND (nik_index IS NULL) = (name_sealed IS NULL)",
            name="erased",
        ),
        CheckConstraint(f"flags <@ ARRAY[{_FLAGS}]::text[]", name="flags"),
        # Checked at the commit. If the outbound lost its NIK to another batch, this is only a lost race and runs again.
        ForeignKeyConstraint(["outbound_id"], ["registrant.id"], deferrable=True, initially="DEFERRED"),
        Index(
            "uq_registrant_holding_nik",
            "season",
            "nik_index",
            "direction",
            "service",
            unique=True,
            postgresql_where=text(HOLDS_NIK),
        ),
        CheckConstraint("NOT lap_infant OR service = 'PASSENGER'", name="lap_infant"),
        Index("ix_registrant_nik_index", "nik_index"),
        Index("ix_registrant_booked_by_index", "booked_by_index", postgresql_where=text("booked_by_index IS NOT NULL")),
        Index("ix_registrant_organizer_code_id", "organizer_code", "id"),
        Index("ix_registrant_route_id_id", "route_id", "id"),
        Index("ix_registrant_outbound_id", "outbound_id", postgresql_where=text("outbound_id IS NOT NULL")),
        Index(
            "ix_registrant_organizer_code_reference",
            "organizer_code",
            "reference",
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index(
            "ix_registrant_due",
            "verify_by",
            postgresql_where=text(f"{AWAITS_VERIFICATION} AND verify_by IS NOT NULL"),
        ),
        Index(
            "ix_registrant_forfeits",
            text(f"({FORFEITS_AT})"),
            # Not the condition of `ix_registrant_due`: a plan for an empty table would take either for both deadlines.
            postgresql_where=text(f"{AWAITS_VERIFICATION} AND {FORFEITS_AT} IS NOT NULL"),
        ),
        Index("ix_registrant_aboard", "route_id", postgresql_where=text(AWAITS_DEPARTURE)),
    )

    id: UUID = Field(primary_key=True)
    season: int = Field(foreign_key="season.year")
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    route_id: UUID = Field(foreign_key="route.id")
    direction: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    nik_index: bytes | None = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    nik_sealed: bytes | None = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    name_sealed: bytes | None = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    reference: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    identity_document: str | None = Field(default=None, sa_type=Text)
    plate: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    registration_number: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    """The STNK number."""
    handed_over_at: datetime | None = None
    lap_infant: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Travels on a lap: without a seat."""
    booked_by_index: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """The blind index of the NIK of the applicant, who need not travel."""
    booked_by_nik_sealed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    booked_by_name_sealed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    registered_at: datetime
    arrived_at: datetime
    """When the registry first heard of it."""
    verify_by: datetime | None = None
    """The registrant must be verified by then. This only ever moves to a later instant."""
    first_verify_by: datetime | None = None
    """What `verify_by` was at first. None: it has not moved."""
    forfeits_at: datetime | None = None
    """When it is forfeited, if that is not at `verify_by`. `infinity`: never, it is only flagged."""
    verified_at: datetime | None = None
    posko: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    departed_at: datetime | None = None
    late: bool | None = None
    healthy: bool | None = None
    reopened_at: datetime | None = None
    """When its end was last taken back. The sweep leaves it alone for a day."""
    flags: list[str] = Field(
        default_factory=list,
        sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"), info=IMPERSONAL["info"]),
    )
    outbound_id: UUID | None = None
    erased_at: datetime | None = None


class EarlyEnd(SQLModel, table=True):
    """An end that came before its registration: remembered, so that the late registration takes no seat.

    `uq_early_end` keeps each of them once, however often it is sent.
    """

    __tablename__ = "early_end"
    __table_args__ = (
        one_of("direction", Direction),
        one_of("service", Service),
        one_of("status", RegistrantStatus),
        # By its first column, whatever is remembered of a NIK is found.
        Index(
            "uq_early_end",
            "nik_index",
            "organizer_code",
            "season",
            "direction",
            "service",
            "reference",
            "registered_at",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_early_end_season", "season"),
    )

    id: UUID = Field(primary_key=True)
    season: int = Field(foreign_key="season.year")
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    nik_index: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    direction: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    """CANCELLED, FORFEITED or NO_SHOW."""
    reference: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    """The booking code of the registration that ended."""
    registered_at: datetime
    """When that registration was made, as the end tells it."""
    told_at: datetime
