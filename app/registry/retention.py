"""Retention: 180 days after a season's end its names and NIKs go; counts and unexpired blocks stay (UU 27/2022)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, text

from app.clock import end_of_wib_day, wib_day
from app.db import Session
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.erasure import WIPED
from app.registry.imports import jobs
from app.registry.terms import seasons
from app.registry.terms.policy import HUBDAT

RETENTION = timedelta(days=180)
"""After the season's end."""
REGISTRY = Caller(None, HUBDAT)
"""What purges by itself."""

# An open season that nobody has registered in has nothing to purge: it may just have been loaded.
_OVERDUE = """
    ends_on < :day AND purged_at IS NULL
    AND (closed_at IS NOT NULL OR EXISTS (SELECT FROM registrant WHERE registrant.season = season.year))
"""
_TO_PURGE = text(f"SELECT year, ends_on FROM season WHERE {_OVERDUE} ORDER BY year LIMIT 1 FOR UPDATE")
_COUNT_TO_PURGE = text(f"SELECT count(*) FROM season WHERE {_OVERDUE}")
_PURGE = text(
    f"""
    UPDATE registrant SET {WIPED} FROM (
        SELECT id AS purged FROM registrant WHERE season = :season AND erased_at IS NULL LIMIT :most
    ) batch WHERE registrant.id = batch.purged
    """
)
_FORGET_EXPIRED_BLOCKS = text("DELETE FROM nik_block WHERE until_season <= :season")
_FORGET_ACCESSES = text("DELETE FROM nik_access WHERE at < :until")
_PURGED = text("UPDATE season SET purged_at = :now WHERE year = :season")


async def seasons_to_purge(session: Session, now: datetime) -> int:
    """How many seasons' retention is over."""
    count: int = (await session.execute(_COUNT_TO_PURGE, {"day": wib_day(now - RETENTION)})).scalar_one()
    return count


async def purge_next(session: Session, now: datetime, *, most: int = 5_000) -> int:
    """Purge up to `most` registrants of a season whose retention is over. 0: nothing is left to do.

    It is closed first, so that nobody whose NIK is gone can still be forfeited in it.
    """
    day = wib_day(now - RETENTION)
    season = (await session.execute(_TO_PURGE, {"day": day})).one_or_none()
    if season is None:
        return 0
    await seasons.close(session, REGISTRY, season.year, now)
    purged = await session.execute(_PURGE, {"season": season.year, "now": now, "most": most})
    assert isinstance(purged, CursorResult)  # noqa: S101 - an UPDATE's result
    if purged.rowcount:
        return purged.rowcount
    await jobs.wipe_season(session, season.year, now)
    await session.execute(_FORGET_EXPIRED_BLOCKS, {"season": season.year})
    await session.execute(_FORGET_ACCESSES, {"until": end_of_wib_day(season.ends_on)})
    await session.execute(_PURGED, {"season": season.year, "now": now})
    await change_log.append(session, [change_log.Entry(ChangeKind.SEASON_PURGED, season.year)], now)
    return 1
