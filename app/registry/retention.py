"""Retention: 180 days after a season's end its names and NIKs go; counts and unexpired blocks stay (UU 27/2022)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from app.clock import end_of_wib_day, sql_end_of_wib_day, wib_day
from app.db import Session
from app.models.enums import ChangeKind
from app.models.personal import wiped
from app.registry import case_people, change_log, reasons
from app.registry.caller import Caller
from app.registry.erasure import WIPED
from app.registry.imports import job_runs, jobs
from app.registry.rows import early_ends
from app.registry.terms import seasons
from app.registry.terms.policy import HUBDAT
from app.sql import Statement, statement

RETENTION = timedelta(days=180)
"""After the season's end."""
REGISTRY = Caller(None, HUBDAT)
"""Who purges: the registry itself."""


class _SeasonToPurge(NamedTuple):
    year: int
    ends_on: date


# An open season of which nothing personal is known has nothing to purge: it may just have been loaded.
_OVERDUE = f"""
    ends_on < :day AND purged_at IS NULL
    AND (closed_at IS NOT NULL OR EXISTS (SELECT FROM registrant WHERE registrant.season = season.year)
         OR EXISTS (SELECT FROM early_end WHERE early_end.season = season.year)
         OR EXISTS (SELECT FROM nik_access WHERE nik_index IS NOT NULL AND at < {sql_end_of_wib_day("ends_on")}))
"""
_NEXT_TO_PURGE = statement(
    f"SELECT year, ends_on FROM season WHERE {_OVERDUE} ORDER BY year LIMIT 1 FOR UPDATE", _SeasonToPurge
)
_LAST_OVER = statement(f"SELECT max(ends_on) FROM season WHERE purged_at IS NOT NULL OR {_OVERDUE}", date)
_COUNT_TO_PURGE = statement(f"SELECT count(*) FROM season WHERE {_OVERDUE}", int)
_PURGE = statement(
    f"""
    UPDATE registrant SET {WIPED} FROM (
        SELECT id AS purged FROM registrant WHERE season = :season AND erased_at IS NULL LIMIT :most
    ) batch WHERE registrant.id = batch.purged
    """
)
_FORGET_EXPIRED_BLOCKS = statement("DELETE FROM nik_block WHERE until_season <= :season")


# Months that are older as a whole are dropped beforehand (`app.changes.seals.duty`), if a server does so and nobody is
# in the way. Whatever stands is wiped here, in whichever partition.
def _wipe(table: str, named: str) -> Statement[None]:
    return statement(
        f"""
        UPDATE {table} a SET {wiped(table)} FROM (
            SELECT xact_id, id, at FROM {table}
            WHERE {named} IS NOT NULL AND at < :until ORDER BY at LIMIT :most
        ) named WHERE a.xact_id = named.xact_id AND a.id = named.id AND a.at = named.at AND a.at < :until
        """
    )


_WIPES = (_wipe("nik_access", "nik_index"), _wipe("people_read", "purpose"))
_PURGED = statement("UPDATE season SET purged_at = :now WHERE year = :season")


async def seasons_to_purge(session: Session, now: datetime) -> int:
    """How many seasons' retention is over."""
    return await session.one(_COUNT_TO_PURGE, day=wib_day(now - RETENTION))


async def last_over(session: Session, now: datetime) -> date | None:
    """The last day of the last season whose retention is over, whether it is purged by now or is still to be."""
    return await session.one(_LAST_OVER, day=wib_day(now - RETENTION))


async def purge_next(session: Session, now: datetime, *, most: int = 5_000) -> int:
    """Purge up to `most` registrants of a season whose retention is over. 0: nothing is left to do.

    The season is closed first, so that nobody whose NIK is gone can still be forfeited.
    """
    season = await session.first(_NEXT_TO_PURGE, day=wib_day(now - RETENTION))
    if season is None:
        return 0
    await seasons.close(session, REGISTRY, season.year, now)
    purged = await session.run(_PURGE, season=season.year, now=now, most=most)
    purged = purged or await _wipe_logs(session, season, most)
    if purged:
        return purged
    await job_runs.end_season(session, season.year, now)
    await jobs.wipe_season(session, season.year, now)
    await early_ends.forget_season(session, season.year)
    await case_people.erase_season(session, season.year)
    await session.run(_FORGET_EXPIRED_BLOCKS, season=season.year)
    await session.run(_PURGED, season=season.year, now=now)
    await change_log.append(session, [change_log.Entry(kind=ChangeKind.SEASON_PURGED, season=season.year)], now)
    return 1


async def _wipe_logs(session: Session, season: _SeasonToPurge, most: int) -> int:
    """Of up to `most` rows, wipe what is personal: reasons of the season's changes, who was named, and what for."""
    erased = await reasons.erase_some_of_season(session, season.year, most)
    if erased:
        return erased
    until = end_of_wib_day(season.ends_on)
    for wipe in _WIPES:
        erased = erased or await session.run(wipe, until=until, most=most)
    return erased
