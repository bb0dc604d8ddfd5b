"""Blocks as Hubdat lists them: which stand, which were lifted, by whom and why. A block knows only a NIK's index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.sql import Statement, statement

_NEWEST, _OLDEST = UUID(int=2**128 - 1), UUID(int=0)
"""Where a list begins that goes back from the newest block, or on from the oldest: no block has such an id."""


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
    issued_by_person: str | None
    """The e-mail of who issued it on the pages. None: a program, or the registry itself."""
    lifted_by_person: str | None


def _listed(behind: str, order: str) -> Statement[ListedBlock]:
    return statement(
        f"""
        SELECT id, reason, from_season, until_season, since, organizer_code AS organizer, client_id, registrant_id,
               lifted_at, lifted_by, lift_reason,
               (SELECT email FROM staff WHERE staff.id = client_id) AS issued_by_person,
               (SELECT email FROM staff WHERE staff.id = lifted_by) AS lifted_by_person
        FROM nik_block
        WHERE id {behind}
          AND (CAST(:organizer AS text) IS NULL OR organizer_code = :organizer)
          AND (CAST(:lifted AS boolean) IS NULL OR (lifted_at IS NOT NULL) = :lifted)
        ORDER BY id {order} LIMIT :most
        """,
        ListedBlock,
    )


_PAGE = _listed(f"< coalesce(CAST(:after AS uuid), '{_NEWEST}')", "DESC")
_PAGE_OF_THE_OLDEST = _listed(f"> coalesce(CAST(:after AS uuid), '{_OLDEST}')", "ASC")


async def page(
    session: Session,
    *,
    organizer: str | None,
    lifted: bool | None,
    oldest_first: bool = False,
    after: UUID | None,
    first: int,
) -> list[ListedBlock]:
    """Up to `first` + 1 blocks, the newest first unless it is said otherwise."""
    listed = _PAGE_OF_THE_OLDEST if oldest_first else _PAGE
    return await session.rows(listed, organizer=organizer, lifted=lifted, after=after, most=first + 1)
