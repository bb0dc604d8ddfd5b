"""Who named which NIK, and why. Written before the answer is given. The NIK stands in it only as its blind index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.db import Session
from app.models.enums import Purpose
from app.registry.caller import Caller
from app.sql import Arrays, statement

COMMAND_LINE = "pemudik"
"""What stands for the client when an operator looks, at the command line."""


INSERT = "INSERT INTO nik_access (at, client_id, organizer_code, nik_index, area, purpose, direction, service, outcome)"


class Look(NamedTuple):
    """A look at a NIK by a client. It is made by `look`."""

    client_id: str
    organizer: str
    nik_index: bytes
    area: bytes | None
    """Of `Vault.area`, by which the alarm finds who walks through NIKs. None: no answer could tell of the NIK."""
    purpose: str
    direction: str | None
    service: str | None
    outcome: str | None


_LOOKS = Arrays("look", Look)
_RECORD = statement(
    f"""
    {INSERT} SELECT :now, client_id, organizer, nik_index, area, purpose, direction, service, outcome FROM {_LOOKS}
    """
)


def look(
    caller: Caller,
    nik_index: bytes,
    purpose: Purpose,
    *,
    area: bytes | None = None,
    direction: str | None = None,
    service: str | None = None,
    outcome: str | None = None,
) -> Look:
    client = caller.client_id or COMMAND_LINE
    return Look(client, caller.organizer, nik_index, area, purpose, direction, service, outcome)


async def record(session: Session, looks: Sequence[Look], now: datetime) -> None:
    await session.run(_RECORD, now=now, **_LOOKS.of(looks))
