"""What the doors remember of requests, for a day: whose answer to give again, and which signed messages have come; and
the secrets that clients sign them with, sealed.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.models.tables.columns import IMPERSONAL, PERSONAL


class KeyedRequest(SQLModel, table=True):
    """A request with an `Idempotency-Key`, and what it was answered."""

    __tablename__ = "keyed_request"

    client_id: str = Field(primary_key=True, foreign_key="client.id", sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    body_index: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    """A keyed digest of the body: another body under the same key is another request."""
    answer: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''"), **IMPERSONAL})
    """In the clear, as servers before 0.3 wrote answers. Empty: the answer is in `answer_sealed`."""
    answer_sealed: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=PERSONAL)
    """The answer in JSON. An answer of GraphQL may hold names and NIKs. None beside an empty `answer`: erased."""
    at: datetime = Field(index=True)


class SignedMessage(SQLModel, table=True):
    """One `webhook-id` is good once."""

    __tablename__ = "signed_message"

    client_id: str = Field(primary_key=True, foreign_key="client.id", sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(index=True)


class ClientWebhookSecret(SQLModel, table=True):
    """What a client signs its webhooks with: at most two live, so that it can change over."""

    __tablename__ = "client_webhook_secret"

    id: UUID = Field(primary_key=True)
    client_id: str = Field(foreign_key="client.id", sa_type=Text, index=True)
    secret_sealed: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=IMPERSONAL)
    issued_at: datetime
