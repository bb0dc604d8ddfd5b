"""What is in force for organizers now: the current season, their policies and their windows, read in one statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from app.db import Session
from app.registry.terms import seasons
from app.registry.terms.policy import Policy, default_for
from app.registry.terms.windows import Window


@dataclass(frozen=True, slots=True)
class Terms:
    organizer: str
    name: str
    season: int | None
    """The newest open one, which alone takes registrations. None: no season is open."""
    policy: Policy
    windows: tuple[Window, ...]


_IN_FORCE = text(
    f"""
    WITH season AS (SELECT {seasons.CURRENT} AS year)
    SELECT o.code, o.name, season.year, row_to_json(p)::text AS policy,
           (SELECT json_agg(w ORDER BY w.opens_at) FROM registration_window w
            WHERE w.season = season.year AND w.organizer_code = o.code AND w.superseded_at IS NULL)::text AS windows
    FROM organizer o CROSS JOIN season
    LEFT JOIN policy p ON p.season = season.year AND p.organizer_code = o.code
    WHERE o.code = ANY(CAST(:codes AS text[]))
    """
)
_POLICY = [field.name for field in fields(Policy)]


async def in_force(session: Session, organizers: Collection[str]) -> dict[str, Terms]:
    rows = await session.execute(_IN_FORCE, {"codes": sorted(organizers)})
    return {
        row.code: Terms(row.code, row.name, row.year, _policy(row.code, row.policy), _windows(row.windows))
        for row in rows
    }


def _policy(organizer: str, decided: str | None) -> Policy:
    if decided is None:
        return default_for(organizer)
    values = orjson.loads(decided)
    return Policy(**{name: values[name] for name in _POLICY})


def _windows(found: str | None) -> tuple[Window, ...]:
    return tuple(_window(values) for values in orjson.loads(found or "[]"))


def _window(values: dict[str, Any]) -> Window:
    closes_at = values["closes_at"]
    return Window(
        UUID(values["id"]),
        datetime.fromisoformat(values["opens_at"]),
        None if closes_at is None else datetime.fromisoformat(closes_at),
        values["until_quota_is_full"],
        values["note"],
        values["kind"],
    )
