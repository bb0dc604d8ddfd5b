"""What is in force for organizers now: the current season, their policies and their windows, read in one statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from app.db import Session
from app.registry import outages
from app.registry.outages import Outage
from app.registry.terms import policy, seasons
from app.registry.terms.policy import Policy
from app.registry.terms.windows import Window
from app.sql import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    organizer: str
    name: str
    season: int | None
    """The newest open one, which alone takes registrations. None: no season is open."""
    policy: Policy
    news_hours: int
    """How long its lists may come late (`news`). 0: it tells as things happen."""
    windows: tuple[Window, ...]
    outages: tuple[Outage, ...]
    """Of the registry."""


class _TermsRow(NamedTuple):
    organizer: str
    name: str
    season: int | None
    policy: str
    news_hours: int
    windows: str | None
    outages: str | None


def windows_in_force(season: str, organizer: str) -> str:
    """SQL: the windows in force of these expressions as JSON, for `windows_from_json`. Null: there is none."""
    return f"""
        (SELECT json_agg(w ORDER BY w.opens_at) FROM registration_window w
         WHERE w.season = {season} AND w.organizer_code = {organizer} AND w.superseded_at IS NULL)::text
    """


_IN_FORCE = statement(
    f"""
    WITH season AS (SELECT {seasons.CURRENT} AS year)
    SELECT o.code AS organizer, o.name, season.year AS season, {policy.all_in_force("o.code")} AS policy,
           {policy.news_hours("o")} AS news_hours,
           {windows_in_force("season.year", "o.code")} AS windows,
           {outages.AS_JSON} AS outages
    FROM organizer o CROSS JOIN season {policy.join("season.year", "o.code")}
    WHERE o.code = ANY(CAST(:codes AS text[]))
    """,
    _TermsRow,
)


async def in_force(session: Session, organizers: Collection[str]) -> dict[str, Terms]:
    rows = await session.rows(_IN_FORCE, codes=sorted(organizers))
    return {row.organizer: _terms(row) for row in rows}


def _terms(row: _TermsRow) -> Terms:
    return Terms(
        organizer=row.organizer,
        name=row.name,
        season=row.season,
        policy=policy.from_json(row.policy),
        news_hours=row.news_hours,
        windows=windows_from_json(row.windows),
        outages=outages.read(row.outages),
    )


def windows_from_json(windows: str | None) -> tuple[Window, ...]:
    return tuple(_window(values) for values in orjson.loads(windows or "[]"))


def _window(values: dict[str, Any]) -> Window:
    closes_at = values["closes_at"]
    return Window(
        id=UUID(values["id"]),
        opens_at=datetime.fromisoformat(values["opens_at"]),
        closes_at=None if closes_at is None else datetime.fromisoformat(closes_at),
        until_quota_is_full=values["until_quota_is_full"],
        note=values["note"],
        kind=values["kind"],
    )
