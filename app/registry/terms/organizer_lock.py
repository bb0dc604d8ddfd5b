"""Who changes what an organizer may have only so much of, or only once, waits for others who do."""

from __future__ import annotations

from app.db import Session
from app.sql import statement

# NO KEY, so that a row which refers to this one may be inserted meanwhile.
_LOCK = statement("SELECT code FROM organizer WHERE code = :organizer FOR NO KEY UPDATE", str)


async def lock(session: Session, organizer: str) -> bool:
    """Until the end of the transaction. False: no such organizer is known."""
    return await session.first(_LOCK, organizer=organizer) is not None
