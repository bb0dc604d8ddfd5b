"""An OAuth client of an organizer, its secrets (only their SHA-256), its budget of NIK checks, its used assertions; and
the people who act as a client of their own: who may sign in to the pages, links that sign in once, and sessions.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.enums import StaffRole
from app.models.tables.columns import IMPERSONAL, PERSONAL, one_of


class Client(SQLModel, table=True):
    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("check_capacity > 0", name="check_capacity"),
        CheckConstraint("check_refill > 0", name="check_refill"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text, index=True)
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    public_keys: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    """A JWK Set, for a client that signs assertions (private_key_jwt) instead of sending a secret."""
    check_capacity: int
    check_refill: int
    """NIK checks per second."""
    issued_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """When it last got an access token, to the minute."""


class ClientSecret(SQLModel, table=True):
    __tablename__ = "client_secret"

    id: UUID = Field(primary_key=True)
    client_id: str = Field(foreign_key="client.id", sa_type=Text, index=True)
    digest: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    issued_at: datetime


class CheckBudget(SQLModel, table=True):
    """A token bucket, hot and small: apart from the client, so that its updates stay in their page."""

    __tablename__ = "check_budget"
    __table_args__ = (CheckConstraint("tokens >= 0", name="tokens"), {"postgresql_with": {"fillfactor": 20}})

    client_id: str = Field(primary_key=True, foreign_key="client.id", sa_type=Text)
    tokens: float = Field(sa_column_kwargs={"server_default": text("0")})
    refilled_at: datetime


class UsedAssertion(SQLModel, table=True):
    """One `jti` is good once (RFC 7523 §3)."""

    __tablename__ = "used_assertion"

    client_id: str = Field(primary_key=True, foreign_key="client.id", sa_type=Text)
    jti: str = Field(primary_key=True, sa_type=Text)
    expires_at: datetime = Field(index=True)


class RevokedToken(SQLModel, table=True):
    """An access token that its client revoked, until it would have expired."""

    __tablename__ = "revoked_token"

    client_id: str = Field(primary_key=True, foreign_key="client.id", sa_type=Text)
    jti: str = Field(primary_key=True, sa_type=Text)
    expires_at: datetime = Field(index=True)


class Staff(SQLModel, table=True):
    """A person, who acts as a client of the same id: with its scopes, its budget, and its name in the change log."""

    __tablename__ = "staff"
    __table_args__ = (
        one_of("role", StaffRole),
        Index("uq_staff_email", "email", unique=True, postgresql_where=text("removed_at IS NULL")),
    )

    id: str = Field(primary_key=True, foreign_key="client.id", sa_type=Text)
    email: str = Field(sa_type=Text, sa_column_kwargs=PERSONAL)
    role: str = Field(sa_type=Text)
    added_at: datetime
    removed_at: datetime | None = None
    last_signed_in_at: datetime | None = None


class SignInLink(SQLModel, table=True):
    """Good once. Only the SHA-256 of its token is kept."""

    __tablename__ = "sign_in_link"

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    staff_id: str = Field(foreign_key="staff.id", sa_type=Text, index=True)
    ends_at: datetime = Field(index=True)


class StaffSession(SQLModel, table=True):
    """Somebody who is signed in. Only the SHA-256 of the cookie's token is kept."""

    __tablename__ = "staff_session"

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    staff_id: str = Field(foreign_key="staff.id", sa_type=Text, index=True)
    began_at: datetime
    ends_at: datetime = Field(index=True)
