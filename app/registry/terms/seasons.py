"""Seasons: programme years. The newest open one is the current one; a closed one is read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text

from app.db import Session
from app.errors import InvalidValue, NotFound, RefusalError, SeasonClosed, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller

FIRST, LAST = 2000, 2200


@dataclass(frozen=True, slots=True)
class Season:
    year: int
    ends_on: date
    closed_at: datetime | None = None
    purged_at: datetime | None = None


_ALL = text("SELECT year, ends_on, closed_at, purged_at FROM season ORDER BY year DESC")
_GET = text("SELECT year, ends_on, closed_at, purged_at FROM season WHERE year = :year")
CURRENT = "(SELECT max(year) FROM season WHERE closed_at IS NULL)"
"""The newest open season, or null."""
LATEST = "(SELECT year FROM season ORDER BY closed_at IS NULL DESC, year DESC LIMIT 1)"
"""What is shown when no season is asked for: the current one, and after its end the newest that was."""
_CURRENT = text(f"SELECT {CURRENT}")
_LATEST = text(f"SELECT {LATEST}")
_SAVE = text(
    """
    INSERT INTO season (year, ends_on) VALUES (:year, :ends_on)
    ON CONFLICT (year) DO UPDATE SET ends_on = excluded.ends_on WHERE season.ends_on <> excluded.ends_on
    RETURNING year
    """
)
_CLOSE = text(
    "UPDATE season SET closed_at = :now WHERE year = :year AND closed_at IS NULL"
    " RETURNING year, ends_on, closed_at, purged_at"
)


@refuses(NotFound)
async def current(session: Session) -> int:
    """The newest open season. Raises `NotFound` when none is open."""
    year: int | None = (await session.execute(_CURRENT)).scalar_one()
    if year is None:
        raise RefusalError(NotFound("season"))
    return year


@refuses(NotFound)
async def latest(session: Session) -> int:
    """The season to show when none is asked for. Raises `NotFound` when there is none at all."""
    year: int | None = (await session.execute(_LATEST)).scalar_one()
    if year is None:
        raise RefusalError(NotFound("season"))
    return year


async def all_of(session: Session) -> list[Season]:
    """Every season, the newest first."""
    return [Season(*row) for row in await session.execute(_ALL)]


async def find(session: Session, year: int) -> Season | None:
    row = (await session.execute(_GET, {"year": year})).one_or_none()
    return None if row is None else Season(*row)


@refuses(SeasonClosed, NotFound)
async def require_open(session: Session, year: int) -> Season | NotFound | SeasonClosed:
    season = await find(session, year)
    if season is None:
        return NotFound("season")
    return SeasonClosed("season", season=year) if season.closed_at else season


@refuses(SeasonClosed, InvalidValue)
async def save(
    session: Session, caller: Caller, year: int, ends_on: date, now: datetime
) -> Season | InvalidValue | SeasonClosed:
    """Open a season, or move its end."""
    if not FIRST <= year <= LAST:
        return InvalidValue("season", f"Bukan tahun musim: {year}.", f"Not a season's year: {year}.")
    if ends_on.year != year:
        return InvalidValue("endsOn", "Musim berakhir pada tahunnya.", "A season ends in its own year.")
    before = await find(session, year)
    if before is not None and before.closed_at:
        return SeasonClosed("season", season=year)
    if (await session.execute(_SAVE, {"year": year, "ends_on": ends_on})).one_or_none():
        await _tell(session, caller, year, now, {"ends_on": ends_on.isoformat()})
    return Season(year, ends_on)


@refuses(NotFound)
async def close(session: Session, caller: Caller, year: int, now: datetime) -> Season | NotFound:
    """Make a season read only; again changes nothing."""
    row = (await session.execute(_CLOSE, {"year": year, "now": now})).one_or_none()
    if row is None:
        return await find(session, year) or NotFound("season")
    await _tell(session, caller, year, now, {"closed": True})
    return Season(*row)


async def _tell(session: Session, caller: Caller, year: int, now: datetime, facts: dict[str, object]) -> None:
    entry = change_log.Entry(ChangeKind.SEASON_SAVED, season=year, client_id=caller.client_id, facts=facts)
    await change_log.append(session, [entry], now)
