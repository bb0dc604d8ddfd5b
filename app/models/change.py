"""The append-only log: what, when, by which client, why. A trigger refuses UPDATE and DELETE.

Everything behind the registry reads it. Ids commit out of order, so a reader takes only what is settled
(`app/changes/log/feed.py`). It never holds a NIK or a name.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from app.models.enums import ChangeKind, RegistrantStatus, one_of
from app.models.personal import IMPERSONAL


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's `xid8`: a transaction's number, never reused."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


# So that `alembic check` recognises the column.
ischema_names["xid8"] = TransactionId


_KINDS = ", ".join(
    f"'{kind}'"
    for kind in (
        ChangeKind.POLICY_SAVED,
        ChangeKind.ORGANIZER_SAVED,
        ChangeKind.WINDOW_SAVED,
        ChangeKind.WINDOW_WITHDRAWN,
        ChangeKind.SEASON_SAVED,
        ChangeKind.CLIENT_ISSUED,
        ChangeKind.CLIENT_ROTATED,
        ChangeKind.CLIENT_REVOKED,
        ChangeKind.CLIENT_WEBHOOK_SECRET_ISSUED,
        ChangeKind.NIK_BLOCKED,
        ChangeKind.NIK_BLOCK_LIFTED,
        ChangeKind.NIK_ALLOWANCE_SET,
        ChangeKind.NIK_ALLOWANCE_USED,
        ChangeKind.NIK_ALARM_RAISED,
        ChangeKind.CASE_DECIDED,
        ChangeKind.QUOTA_RELEASED,
        ChangeKind.QUOTA_RELEASE_CANCELLED,
        ChangeKind.STAFF_ADDED,
        ChangeKind.STAFF_REMOVED,
    )
)
ADMINISTRATIVE = f"kind IN ({_KINDS}) AND registrant_id IS NULL"
"""The condition for changes that people decide who run the registry or a route. The index on these changes and the
statements that read them must have the same condition.
"""


class Change(SQLModel, table=True):
    __tablename__ = "change"
    __table_args__ = (
        one_of("kind", ChangeKind),
        one_of("from_status", RegistrantStatus),
        one_of("to_status", RegistrantStatus),
        Index("ix_change_xact_id_id", "xact_id", "id"),
        Index("ix_change_registrant_id", "registrant_id", postgresql_where=text("registrant_id IS NOT NULL")),
        Index("ix_change_administrative", "xact_id", "id", postgresql_where=text(ADMINISTRATIVE)),
        Index("ix_change_organizer_code_xact_id_id", "organizer_code", "xact_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    xact_id: int | None = Field(
        default=None,
        sa_column=Column(TransactionId, nullable=False, server_default=text("log_transaction(pg_current_xact_id())")),
    )
    at: datetime
    kind: str = Field(sa_type=Text)
    season: int | None = Field(default=None, sa_column_kwargs=IMPERSONAL)
    organizer_code: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    """Whom it concerns."""
    registrant_id: UUID | None = None
    route_id: UUID | None = None
    from_status: str | None = Field(default=None, sa_type=Text)
    to_status: str | None = Field(default=None, sa_type=Text)
    client_id: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    """By which client. None: the registry itself, or the command line."""
    reason: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    facts: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, info=IMPERSONAL["info"]))
