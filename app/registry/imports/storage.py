"""How many files of one organizer may wait, and how many bytes are kept of them: nobody fills the disk of all.

A file is kept for 30 days after its job's end, as `jobs` has it. Two files of one organizer that come at the same time
are judged one after the other: the organizer's row is locked.
"""

from __future__ import annotations

from app.db import Session
from app.errors import ImportStorageFull, InvalidValue, refuses
from app.registry.terms import organizer_lock
from app.sql import statement

MEGABYTE = 1024 * 1024
MOST_UNFINISHED = 20
"""Jobs of one organizer that may wait or run at the same time."""
MOST_KEPT_BYTES = 1024 * MEGABYTE
"""Of one organizer, unless the setting says otherwise. A daily list of 20,000 rows is a megabyte."""

_KEPT = statement(
    """
    SELECT CAST(coalesce(sum(bytes), 0) AS bigint) FROM import_job
    WHERE organizer_code = :organizer AND wiped_at IS NULL AND bytes > 0
    """,
    int,
)
_UNFINISHED = statement(
    "SELECT count(*) FROM import_job WHERE organizer_code = :organizer AND state IN ('QUEUED', 'RUNNING')", int
)


@refuses(ImportStorageFull, InvalidValue)
async def judge(session: Session, organizer: str, size: int, most: int) -> ImportStorageFull | InvalidValue | None:
    """Whether there is room for one more file of so many bytes."""
    await organizer_lock.lock(session, organizer)
    kept = await session.one(_KEPT, organizer=organizer)
    if kept + size > most:
        return ImportStorageFull("file", kept=kept // MEGABYTE, most=most // MEGABYTE)
    unfinished = await session.one(_UNFINISHED, organizer=organizer)
    if unfinished < MOST_UNFINISHED:
        return None
    return InvalidValue(
        "file",
        f"Sudah ada {unfinished} berkas Anda yang belum selesai diproses; coba lagi nanti.",
        f"{unfinished} of your files are not finished yet; try again later.",
    )
