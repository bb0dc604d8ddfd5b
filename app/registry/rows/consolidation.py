"""The daily consolidation (S1): a summary of one organizer's day that both sides can work out and compare.

The checksum is the SHA-256 of the standing registrants' lines `nik|direction|service|code`, each with a line feed, in
the order of their bytes. A day is one of registration, in WIB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from app.clock import start_of_wib_day
from app.db import Session
from app.errors import NotFound, NotYours, refuses
from app.models.enums import RegistrantStatus
from app.models.statuses import HOLDS_SEAT, SEAT_HOLDERS
from app.registry.caller import Caller
from app.registry.registrants import opening
from app.registry.terms import seasons
from app.registry.values.standard import STATUS_CODES
from app.sql import statement
from app.vault.vault import Vault

REGISTRANTS_OF_A_PART = 2_000
BEFORE_THE_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    organizer: str
    season: int
    day: date
    counts: Mapping[str, int]
    """How many registrants there are, by status."""
    standing: int
    """How many lines the checksum is of."""
    checksum: str | None
    """In hexadecimal. None: the caller does not own these registrants."""


class _OfStatus(NamedTuple):
    status: str
    registrants: int


class _SeatHolder(NamedTuple):
    id: UUID
    nik_sealed: bytes
    direction: str
    service: str
    status: str


_OF_DAY = (
    "season = :season AND organizer_code = :organizer AND registered_at >= :since AND registered_at < :until"
    " AND erased_at IS NULL"
)
_COUNTS = statement(
    f"SELECT status, count(*) AS registrants FROM registrant WHERE {_OF_DAY} GROUP BY status", _OfStatus
)
_LINES = statement(
    f"""
    SELECT id, nik_sealed, direction, service, status FROM registrant
    WHERE {_OF_DAY} AND {HOLDS_SEAT} AND id > :after ORDER BY id LIMIT :most
    """,
    _SeatHolder,
)


@refuses(NotFound, NotYours)
async def summary(
    session: Session,
    vault: Vault,
    caller: Caller,
    organizer: str,
    day: date,
    *,
    season: int | None = None,
    everyone: bool = False,
) -> Summary | NotYours:
    """The summary of one organizer and day. With `everyone` (the dashboard), of any organizer, without the checksum.

    It must be the first use of its transaction: then all that is read is one state. Raises NotFound without that
    season, or without any.
    """
    if not (caller.owns(organizer) or everyone):
        return NotYours("organizer")
    await session.begin_snapshot()
    year = await seasons.shown(session, season)
    until = start_of_wib_day(day + timedelta(days=1))
    facts = {"season": year, "organizer": organizer, "since": start_of_wib_day(day), "until": until}
    counted = {one.status: one.registrants for one in await session.rows(_COUNTS, **facts)}
    counts = {status.value: counted.get(status, 0) for status in RegistrantStatus}
    lines = await _lines(session, vault, facts) if caller.owns(organizer) else None
    return Summary(
        organizer=organizer,
        season=year,
        day=day,
        counts=counts,
        standing=sum(counts[status] for status in SEAT_HOLDERS),
        checksum=None if lines is None else checksum(lines),
    )


def checksum(lines: list[str]) -> str:
    return sha256("".join(sorted(lines)).encode()).hexdigest()


async def _lines(session: Session, vault: Vault, facts: Mapping[str, object]) -> list[str]:
    """The lines in parts, so that a server answers other callers between two parts."""
    lines: list[str] = []
    after: UUID | None = BEFORE_THE_FIRST
    while after is not None:
        rows = await session.rows(_LINES, after=after, most=REGISTRANTS_OF_A_PART, **facts)
        lines += [_line(row, vault) for row in rows]
        after = rows[-1].id if len(rows) == REGISTRANTS_OF_A_PART else None
    return lines


def _line(row: _SeatHolder, vault: Vault) -> str:
    code = STATUS_CODES[RegistrantStatus(row.status)]
    return opening.line(row.nik_sealed, row.direction, row.service, str(code), vault=vault)
