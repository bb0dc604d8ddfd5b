"""Blocks as Hubdat lists them: which stand, which were lifted, by whom and why. A block knows only a NIK's index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.sql import statement

_NEWEST = UUID(int=2**128 - 1)
"""Where a list begins that goes back from the newest block: no block has a greater id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedBlock:
    id: UUID
    reason: str
    from_season: int
    until_season: int
    since: datetime
    organizer: str
    client_id: str | None
    registrant_id: UUID | None
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


_PAGE = statement(
    f"""
    SELECT id, reason, from_season, until_season, since, organizer_code AS organizer, client_id, registrant_id,
           lifted_at, lifted_by, lift_reason
    FROM nik_block
    WHERE id < coalesce(CAST(:after AS uuid), '{_NEWEST}')
      AND (CAST(:organizer AS text) IS NULL OR organizer_code = :organizer)
      AND (CAST(:lifted AS boolean) IS NULL OR (lifted_at IS NOT NULL) = :lifted)
    ORDER BY id DESC LIMIT :most
    """,
    ListedBlock,
)


async def page(
    session: Session, *, organizer: str | None, lifted: bool | None, after: UUID | None, first: int
) -> list[ListedBlock]:
    """Up to `first` + 1 blocks, the newest first."""
    return await session.rows(_PAGE, organizer=organizer, lifted=lifted, after=after, most=first + 1)
