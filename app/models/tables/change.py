"""The append-only log, and the seals over the logs. A change says what, when, by which client, why.

A trigger refuses DELETE, and UPDATE but for erasing a reason. The log is partitioned by the month of `at`, and sealed
(`app/changes/seals`). Everything behind the registry reads it. Ids commit out of order, so a reader takes only what is
settled (`app/changes/log/feed.py`). It never holds a NIK or a name. A reason is free text, and is erased with its
person.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from app.models.administrative import ADMINISTRATIVE
from app.models.enums import ChangeKind, Log, RegistrantStatus
from app.models.tables.columns import IMPERSONAL, PERSONAL, one_of


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's `xid8`: a transaction's number, never reused."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


# So that `alembic check` recognises the column.
ischema_names["xid8"] = TransactionId


RANDOM = "uuid_send(gen_random_uuid())"
"""122 random bits, in 16 bytes."""


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
        Index("ix_change_reasoned", "season", postgresql_where=text("reason IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    xact_id: int | None = Field(
        default=None,
        sa_column=Column(TransactionId, nullable=False, server_default=text("log_transaction(pg_current_xact_id())")),
    )
    at: datetime = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    season: int | None = Field(default=None, sa_column_kwargs=IMPERSONAL)
    organizer_code: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    """Whom it concerns."""
    registrant_id: UUID | None = None
    route_id: UUID | None = None
    from_status: str | None = Field(default=None, sa_type=Text)
    to_status: str | None = Field(default=None, sa_type=Text)
    client_id: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=IMPERSONAL)
    """The client that made the change. None: the registry itself, or the command line."""
    reason: str | None = Field(default=None, sa_type=Text, sa_column_kwargs=PERSONAL)
    """In the words of a person, so it may name somebody."""
    facts: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, info=IMPERSONAL["info"]))
    mark: bytes | None = Field(
        default=None, sa_column=Column(LargeBinary, server_default=text(RANDOM), info=IMPERSONAL["info"])
    )
    """Random, and never erased: another row at this position would have another mark. None: older than marks."""
    salt: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """Random. Erased together with what is personal; then nobody can try out what the commitment stands for."""
    commitment: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """A digest of the salt and what was personal, which the trigger leaves in the place of both."""


class LogSeal(SQLModel, table=True):
    """An entry of a log's chain: a seal over settled rows, or the record of a month that was purged."""

    __tablename__ = "log_seal"
    __table_args__ = (one_of("log", Log),)

    log: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """From 1, without a gap."""
    at: datetime
    xact_id: int = Field(sa_column=Column(TransactionId, nullable=False))
    row_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    """With `xact_id`, the last row that is sealed."""
    listed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """Position, month and digest of each row, compressed. None: the record of a purge."""
    signed: str = Field(sa_type=Text)
    """A JWS (RFC 7515) of all the rest, and of the entry before."""


class LogKey(SQLModel, table=True):
    """The public key of a signing key that has signed a seal: kept when the key rotates."""

    __tablename__ = "log_key"

    kid: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)
    """A JWK."""
    since: datetime
