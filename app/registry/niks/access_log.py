"""Who looked at which NIK. Written before the answer is given; the NIK stands in it only as its blind index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.models.enums import Purpose
from app.registry.caller import Caller

COMMAND_LINE = "pemudik"
"""What stands for the client when an operator looks, at the command line."""


@dataclass(frozen=True, slots=True)
class Look:
    caller: Caller
    nik_index: bytes
    purpose: Purpose
    direction: str | None = None
    service: str | None = None
    outcome: str | None = None


INSERT = "INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose, direction, service, outcome)"
_RECORD = text(
    f"""
    {INSERT} SELECT :at, * FROM unnest(
        CAST(:client_id AS text[]), CAST(:organizer AS text[]), CAST(:nik_index AS bytea[]), CAST(:purpose AS text[]),
        CAST(:direction AS text[]), CAST(:service AS text[]), CAST(:outcome AS text[]))
    """
)


async def record(session: AsyncSession, looks: Sequence[Look], now: datetime) -> None:
    await session.execute(
        _RECORD,
        {
            "at": now,
            "client_id": [look.caller.client_id or COMMAND_LINE for look in looks],
            "organizer": [look.caller.organizer for look in looks],
            "nik_index": [look.nik_index for look in looks],
            "purpose": [look.purpose for look in looks],
            "direction": [look.direction for look in looks],
            "service": [look.service for look in looks],
            "outcome": [look.outcome for look in looks],
        },
    )
