"""Seasons: programme years. The newest open season is the current one. A closed season is read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from app.db import Session
from app.errors import InvalidValue, NotFound, RefusalError, SeasonClosed, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.values import calendar
from app.registry.values.texts import reason_given
from app.sql import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    year: int
    ends_on: date
    closed_at: datetime | None = None
    purged_at: datetime | None = None
    publishes_figures: bool = False
    """Whether everybody may read its figures (`statistics.publishing`)."""


class _SeasonYear(NamedTuple):
    year: int | None


_COLUMNS = "year, ends_on, closed_at, purged_at, publishes_figures"
_ALL = statement(f"SELECT {_COLUMNS} FROM season ORDER BY year DESC", Season)
_FIND = statement(f"SELECT {_COLUMNS} FROM season WHERE year = :year", Season)
CURRENT = "(SELECT max(year) FROM season WHERE closed_at IS NULL)"
"""The newest open season, or null."""
LATEST = "(SELECT year FROM season ORDER BY closed_at IS NULL DESC, year DESC LIMIT 1)"
"""What is shown when no season is asked for: the current season, or the newest closed one when none is open."""
_CURRENT = statement(f"SELECT {CURRENT} AS year", _SeasonYear)
_LATEST = statement(f"SELECT {LATEST} AS year", _SeasonYear)
_SAVE = statement(
    """
    INSERT INTO season (year, ends_on) VALUES (:year, :ends_on)
    ON CONFLICT (year) DO UPDATE SET ends_on = excluded.ends_on WHERE season.ends_on <> excluded.ends_on
    """
)
_CLOSE = statement(
    f"UPDATE season SET closed_at = :now WHERE year = :year AND closed_at IS NULL RETURNING {_COLUMNS}", Season
)
_PUBLISH = statement("UPDATE season SET publishes_figures = :on WHERE year = :year AND publishes_figures <> :on")


@refuses(NotFound)
async def current(session: Session) -> int:
    """The newest open season. Raises `NotFound` when none is open."""
    found = await session.one(_CURRENT)
    if found.year is None:
        raise RefusalError(NotFound("season", what="openSeason"))
    return found.year


@refuses(NotFound)
async def latest(session: Session) -> int:
    """The season to show when none is asked for. Raises `NotFound` when there is none at all."""
    found = await session.one(_LATEST)
    if found.year is None:
        raise RefusalError(NotFound("season"))
    return found.year


@refuses(NotFound)
async def shown(session: Session, year: int | None) -> int:
    """The season that is asked for, else the latest. Raises `NotFound`: a mistyped year must not look empty."""
    if year is None:
        return await latest(session)
    if await find(session, year) is None:
        raise RefusalError(NotFound("season"))
    return year


async def all_of(session: Session) -> list[Season]:
    """Every season, the newest first."""
    return await session.rows(_ALL)


async def find(session: Session, year: int) -> Season | None:
    return await session.first(_FIND, year=year)


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
    if not calendar.is_season(year):
        return InvalidValue("season", f"Bukan tahun periode yang mungkin: {year}.", f"Not a season's year: {year}.")
    if ends_on.year != year:
        return InvalidValue("endsOn", "Periode harus berakhir pada tahunnya sendiri.", "A season ends in its own year.")
    before = await find(session, year)
    if before is not None and before.closed_at:
        return SeasonClosed("season", season=year)
    if await session.run(_SAVE, year=year, ends_on=ends_on):
        was = None if before is None else {"ends_on": before.ends_on.isoformat()}
        await _tell(session, caller, year, now, {"ends_on": ends_on.isoformat(), "was": was})
    return Season(year=year, ends_on=ends_on, publishes_figures=before is not None and before.publishes_figures)


@refuses(NotFound)
async def close(session: Session, caller: Caller, year: int, now: datetime) -> Season | NotFound:
    """Make a season read only. A second time changes nothing."""
    closed = await session.first(_CLOSE, year=year, now=now)
    if closed is None:
        return await find(session, year) or NotFound("season")
    await _tell(session, caller, year, now, {"closed": True, "was": {"closed": False}})
    return closed


@refuses(InvalidValue, NotFound)
async def publish_figures(
    session: Session, caller: Caller, year: int, reason: str, now: datetime, *, on: bool
) -> Season | InvalidValue | NotFound:
    """Hubdat shows a season's figures to everybody, or to nobody any more. Also those of a closed season."""
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    if await session.run(_PUBLISH, year=year, on=on):
        facts: dict[str, object] = {"publishes_figures": on, "was": {"publishes_figures": not on}}
        await _tell(session, caller, year, now, facts, given)
    return await find(session, year) or NotFound("season")


async def _tell(
    session: Session, caller: Caller, year: int, now: datetime, facts: dict[str, object], reason: str | None = None
) -> None:
    entry = change_log.Entry(
        kind=ChangeKind.SEASON_SAVED, season=year, client_id=caller.client_id, reason=reason, facts=facts
    )
    await change_log.append(session, [entry], now)
