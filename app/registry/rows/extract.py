"""An organizer's own registrants as rows of the standard: page by page, each organizer's in the order of their arrival.

What stood when the first page was read is there exactly once. Whoever was erased is left out; whoever registered anew
after an end is there as that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.clock import start_of_wib_day
from app.db import Session
from app.models.enums import Direction, Mode, RegistrantStatus
from app.models.registrant import HOLDS_NIK
from app.registry.caller import Caller
from app.registry.registrants import record
from app.registry.values import standard
from app.vault.vault import Vault

COLUMNS = (*standard.COLUMNS, *standard.EXTENSIONS)
OF_THE_STANDARD = (RegistrantStatus.REGISTERED, RegistrantStatus.VERIFIED, RegistrantStatus.DEPARTED)
"""Codes 4 to 6 are our extension: emitted only when asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    season: int
    direction: Direction | None = None
    day: date | None = None
    """Of registration, in WIB."""
    every_status: bool = False


_CONDITIONS = {
    "direction": "r.direction = :direction",
    "since": "r.registered_at >= :since",
    "until": "r.registered_at < :until",
    "statuses": "r.status = ANY(CAST(:statuses AS text[]))",
    "after": "r.id > :after",
}
# The natural key's holder, else its newest: the one that a record of the key means when it is sent in.
_STANDS = f"""
    NOT EXISTS (SELECT FROM registrant n
                WHERE n.nik_index = r.nik_index AND n.season = r.season AND n.organizer_code = r.organizer_code
                    AND n.direction = r.direction AND n.service = r.service
                    AND (n.{HOLDS_NIK}, n.id) > (r.{HOLDS_NIK}, r.id))
"""
_PAGE = f"""
    SELECT {record.COLUMNS}, route.name AS route_name, route.mode, route.departs_at,
           origin.name AS origin, origin.city AS origin_city, destination.name AS destination,
           destination.city AS destination_city
    FROM {record.FROM} JOIN route ON route.id = r.route_id
        JOIN terminal origin ON origin.code = route.origin_code
        JOIN terminal destination ON destination.code = route.destination_code
    WHERE r.organizer_code = :organizer AND r.season = :season AND r.nik_sealed IS NOT NULL
"""


async def page(
    session: Session, organizer: str, wanted: Wanted, *, after: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Up to `most` rows behind `after`, sealed as they are: `cells` opens them."""
    since = until = None
    if wanted.day is not None:
        since, until = start_of_wib_day(wanted.day), start_of_wib_day(wanted.day + timedelta(days=1))
    statuses = None if wanted.every_status else list(OF_THE_STANDARD)
    values = {"direction": wanted.direction, "since": since, "until": until, "statuses": statuses, "after": after}
    given = {name: value for name, value in values.items() if value is not None}
    conditions = [_CONDITIONS[name] for name in given] + ([_STANDS] if wanted.every_status else [])
    rows = await session.execute(
        text(f"{' AND '.join([_PAGE, *conditions])} ORDER BY r.id LIMIT :most"),
        {**given, "organizer": organizer, "season": wanted.season, "most": most},
    )
    return rows.all()


def cells(row: Any, vault: Vault, caller: Caller) -> list[str | int | None]:
    """In the order of `COLUMNS`."""
    one = record.from_row(row, vault, caller)
    status = RegistrantStatus(one.status)
    return [
        one.nik,
        one.name,
        row.route_name,
        row.origin,
        row.destination,
        row.origin_city,
        row.destination_city,
        standard.DIRECTION_TITLES[Direction(one.direction)],
        standard.written(one.registered_at),
        standard.title(status),
        standard.STATUS_CODES[status],
        one.organizer,
        one.reference,
        one.plate,
        one.registration_number,
        one.identity_document,
        None if row.departs_at is None else standard.written(row.departs_at),
        standard.MODE_TITLES[Mode(row.mode)],
    ]
