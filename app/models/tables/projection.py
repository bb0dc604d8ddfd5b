"""How far a follower of the change log has come: written in the transaction of what it derived, so exactly once."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Text, text
from sqlmodel import Field, SQLModel

from app.models.tables.change import TransactionId


class Projection(SQLModel, table=True):
    __tablename__ = "projection"

    name: str = Field(primary_key=True, sa_type=Text)
    xact_id: int = Field(sa_column=Column(TransactionId, nullable=False, server_default=text("'0'")))
    change_id: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """Together with `xact_id`, the position of the last change that was taken in."""
    advanced_at: datetime | None = None
