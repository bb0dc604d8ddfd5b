"""Retention: 180 days after a season's end its names and NIKs go; counts and unexpired blocks stay (UU 27/2022)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from app.clock import end_of_wib_day, wib_day
from app.db import Session
from app.models.enums import ChangeKind
from app.registry import case_people, change_log
from app.registry.caller import Caller
from app.registry.erasure import WIPED
from app.registry.imports import jobs
from app.registry.niks import reads
from app.registry.rows import early_ends
from app.registry.terms import seasons
from app.registry.terms.policy import HUBDAT
from app.sql import statement

RETENTION = timedelta(days=180)
"""After the season's end."""
REGISTRY = Caller(None, HUBDAT)
"""Who purges: the registry itself."""


class _Due(NamedTuple):
    year: int
    ends_on: date


# An open season without a registrant has nothing to purge: it may just have been loaded.
_OVERDUE = """
    ends_on < :day AND purged_at IS NULL
    AND (closed_at IS NOT NULL OR EXISTS (SELECT FROM registrant WHERE registrant.season = season.year)
         OR EXISTS (SELECT FROM early_end WHERE early_end.season = season.year))
"""
_NEXT_TO_PURGE = statement(f"SELECT year, ends_on FROM season WHERE {_OVERDUE} ORDER BY year LIMIT 1 FOR UPDATE", _Due)
_COUNT_TO_PURGE = statement(f"SELECT count(*) FROM season WHERE {_OVERDUE}", int)
_PURGE = statement(
    f"""
    UPDATE registrant SET {WIPED} FROM (
        SELECT id AS purged FROM registrant WHERE season = :season AND erased_at IS NULL LIMIT :most
    ) batch WHERE registrant.id = batch.purged
    """
)
_FORGET_EXPIRED_BLOCKS = statement("DELETE FROM nik_block WHERE until_season <= :season")
_FORGET_ACCESSES = statement("DELETE FROM nik_access WHERE at < :until")
_PURGED = statement("UPDATE season SET purged_at = :now WHERE year = :season")


async def seasons_to_purge(session: Session, now: datetime) -> int:
    """How many seasons' retention is over."""
    return await session.one(_COUNT_TO_PURGE, day=wib_day(now - RETENTION))


async def purge_next(session: Session, now: datetime, *, most: int = 5_000) -> int:
    """Purge up to `most` registrants of a season whose retention is over. 0: nothing is left to do.

    The season is closed first, so that nobody whose NIK is gone can still be forfeited.
    """
    season = await session.first(_NEXT_TO_PURGE, day=wib_day(now - RETENTION))
    if season is None:
        return 0
    await seasons.close(session, REGISTRY, season.year, now)
    purged = await session.run(_PURGE, season=season.year, now=now, most=most)
    if purged:
        return purged
    await jobs.wipe_season(session, season.year, now)
    await early_ends.forget_season(session, season.year)
    await case_people.erase_season(session, season.year)
    await session.run(_FORGET_EXPIRED_BLOCKS, season=season.year)
    await session.run(_FORGET_ACCESSES, until=end_of_wib_day(season.ends_on))
    await reads.forget(session, end_of_wib_day(season.ends_on))
    await session.run(_PURGED, season=season.year, now=now)
    await change_log.append(session, [change_log.Entry(kind=ChangeKind.SEASON_PURGED, season=season.year)], now)
    return 1
