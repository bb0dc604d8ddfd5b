"""An organizer's webhook, what is to be sent to it, and how each attempt went; a payload is never kept.

What ended more than an hour ago is moved out of `webhook_delivery`, so that table stays small. There, unique
(webhook_id, change_id): one delivery of a change. `uq_webhook_delivery_on_its_way`: of a subject one at a time, so that
its events arrive in order; the others wait with no `due_at`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.enums import DeliveryError, DeliveryState, DisabledBecause, WebhookEvent
from app.models.tables.columns import IMPERSONAL, one_of

_EVENTS = ", ".join(f"'{event}'" for event in WebhookEvent)


class Webhook(SQLModel, table=True):
    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint(f"events <@ ARRAY[{_EVENTS}]::text[] AND cardinality(events) > 0", name="events"),
        CheckConstraint("length(url) <= 2000", name="url"),
        one_of("disabled_because", DisabledBecause),
        CheckConstraint("(disabled_at IS NULL) = (disabled_because IS NULL)", name="disabled"),
        CheckConstraint("(secret_sealed IS NULL) = (deleted_at IS NOT NULL)", name="secret"),
        CheckConstraint("(old_secret_sealed IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
        Index(
            "uq_webhook_organizer_code_url",
            "organizer_code",
            "url",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organizer_code: str = Field(foreign_key="organizer.code", sa_type=Text)
    url: str = Field(sa_type=Text)
    events: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime
    enabled_at: datetime
    """Changes before this instant are not sent."""
    disabled_at: datetime | None = None
    disabled_because: str | None = Field(default=None, sa_type=Text)
    deleted_at: datetime | None = None
    """Its deliveries are deleted later, some at a time."""
    failing_since: datetime | None = None
    """The first failure after the last success."""
    paused_until: datetime | None = None
    """Nothing is sent until then: the receiver asked for that by Retry-After."""
    secret_sealed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    old_secret_sealed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """The secret before. Until `old_secret_until` both secrets sign, so that a receiver can change over."""
    old_secret_until: datetime | None = None


class WebhookDelivery(SQLModel, table=True):
    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("event", WebhookEvent),
        one_of("state", DeliveryState),
        CheckConstraint("(finished_at IS NULL) = (state = 'PENDING')", name="finished"),
        CheckConstraint("due_at IS NULL OR state = 'PENDING'", name="due"),
        CheckConstraint("leased_until IS NULL OR due_at IS NOT NULL", name="leased"),
        Index("uq_webhook_delivery_webhook_id_change_id", "webhook_id", "change_id", unique=True),
        Index(
            "uq_webhook_delivery_on_its_way",
            "webhook_id",
            "subject",
            unique=True,
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_webhook_delivery_due", "webhook_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_webhook_delivery_leased", "webhook_id", postgresql_where=text("leased_until IS NOT NULL")),
        Index(
            "ix_webhook_delivery_pending",
            "webhook_id",
            "subject",
            "place",
            postgresql_where=text("state = 'PENDING'"),
        ),
        Index("ix_webhook_delivery_webhook_id_id", "webhook_id", "id"),
        Index("ix_webhook_delivery_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    """The `webhook-id` of every attempt."""
    place: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    """In the order of the log."""
    webhook_id: UUID = Field(foreign_key="webhook.id")
    change_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    """None: a test. No foreign key: a month of the log may be dropped."""
    event: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    """Whose events keep their order: a registrant, a route, a case, …"""
    state: str = Field(default=DeliveryState.PENDING, sa_type=Text)
    tries: int = 0
    """Attempts of the present run of the schedule; a redelivery begins a new one."""
    made_at: datetime
    due_at: datetime | None = None
    leased_until: datetime | None = None
    """A process is sending it; if it dies, another one may after that."""
    finished_at: datetime | None = None


class WebhookAttempt(SQLModel, table=True):
    __tablename__ = "webhook_attempt"
    __table_args__ = (
        one_of("error", DeliveryError),
        CheckConstraint("num_nonnulls(status, error) = 1", name="outcome"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    delivery_id: UUID = Field(foreign_key="webhook_delivery.id", ondelete="CASCADE", index=True)
    at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = Field(default=None, sa_type=Text)


class EndedDelivery(SQLModel, table=True):
    """A delivery that has ended, in the month in which it did. No foreign key: a month is dropped as a whole."""

    __tablename__ = "webhook_delivery_ended"
    __table_args__ = (
        CheckConstraint("state <> 'PENDING'", name="state"),
        Index("ix_webhook_delivery_ended_change_id", "change_id", "webhook_id"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    webhook_id: UUID = Field(primary_key=True)
    state: str = Field(primary_key=True, sa_type=Text)
    id: UUID = Field(primary_key=True)
    at: datetime = Field(primary_key=True)
    """When it ended."""
    place: int = Field(sa_type=BigInteger)
    change_id: int | None = Field(default=None, sa_type=BigInteger)
    event: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    made_at: datetime
    attempts: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False, info=IMPERSONAL["info"]))


class Reminder(SQLModel, table=True):
    """What webhooks were reminded of: a deadline of a registrant, so many hours before it."""

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_verify_by", "verify_by"),)

    registrant_id: UUID = Field(primary_key=True, foreign_key="registrant.id")
    hours: int = Field(primary_key=True, sa_column_kwargs=IMPERSONAL)
    verify_by: datetime = Field(primary_key=True)


class ReminderRound(SQLModel, table=True):
    """Up to which deadline the registry has looked for whom to remind."""

    __tablename__ = "reminder_round"

    hours: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    until: datetime
