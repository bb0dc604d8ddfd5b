"""When the registry last heard from an organizer: by a token, a file, or a change that one of its clients has made.

A coordinator's clients speak for its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.db import Session
from app.sql import statement


class _HeardOrganizer(NamedTuple):
    organizer: str
    at: datetime | None


# Of the changes the last 200 are read: an organizer may have millions. A program that made none of these 200 has asked
# for a token since; a person on the pages asks for none. `OFFSET 0` keeps the planner from joining before the LIMIT.
_OF = statement(
    """
    SELECT o.code AS organizer, greatest(
        (SELECT max(client.last_used_at) FROM client WHERE client.organizer_code IN (o.code, o.coordinator_code)),
        (SELECT job.created_at FROM import_job job WHERE job.organizer_code = o.code ORDER BY job.id DESC LIMIT 1),
        (
            SELECT max(last.at) FROM (
                SELECT c.at, c.client_id FROM change c WHERE c.organizer_code = o.code
                ORDER BY c.xact_id DESC, c.id DESC LIMIT 200 OFFSET 0
            ) last JOIN client ON client.id = last.client_id
            WHERE client.organizer_code IN (o.code, o.coordinator_code)
        )
    ) AS at
    FROM organizer o WHERE o.code = ANY(CAST(:codes AS text[]))
    """,
    _HeardOrganizer,
)


async def of(session: Session, codes: Sequence[str]) -> list[datetime | None]:
    """Of the organizers of `codes`, in that order. None: never."""
    found = {row.organizer: row.at for row in await session.rows(_OF, codes=list(codes))}
    return [found.get(code) for code in codes]
