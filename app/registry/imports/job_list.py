"""The imports of one's own organizers, the newest first."""

from __future__ import annotations

from uuid import UUID

from app.db import Session
from app.registry.caller import Caller
from app.registry.imports.jobs import COLUMNS, Job
from app.sql import statement

_NEWEST = UUID(int=2**128 - 1)
"""Where a list begins that goes back from the newest job: no job has a greater id."""
# Each organizer's newest ones are found by the index: how many jobs others have does not matter.
_PAGE = statement(
    f"""
    SELECT job.* FROM unnest(CAST(:own AS text[])) AS own (code) CROSS JOIN LATERAL (
        SELECT {COLUMNS} FROM import_job
        WHERE organizer_code = own.code AND id < coalesce(CAST(:after AS uuid), '{_NEWEST}')
        ORDER BY id DESC LIMIT :most
    ) job
    ORDER BY job.id DESC LIMIT :most
    """,
    Job,
)


async def page(session: Session, caller: Caller, *, after: UUID | None, first: int) -> list[Job]:
    """Up to `first` + 1 jobs of the caller's organizer, and of members that it coordinates."""
    return await session.rows(_PAGE, own=sorted(caller.organizers), after=after, most=first + 1)
