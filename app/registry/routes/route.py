"""A route as anyone may see it: its quota by now, when to report, when to hand a motorcycle over.

`route.quota` holds what has been released; a release that has come due and is not yet in it is added when reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.clock import wib_day
from app.db import Session
from app.models.enums import Service
from app.registry.routes import report_time
from app.registry.routes.terminals import Terminal


@dataclass(frozen=True, slots=True)
class Route:
    id: UUID
    season: int
    organizer: str
    organizer_name: str
    name: str
    direction: str
    service: str
    mode: str
    origin: Terminal
    destination: Terminal
    departs_at: datetime | None
    quota: int | None
    """What is released by now. None: not limited."""
    taken: int
    provisional: bool = False
    """Made from a record of a feed, for review."""

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else max(self.quota - self.taken, 0)

    @property
    def report_by(self) -> datetime | None:
        return report_time.report_by(self.departs_at)

    @property
    def handover_on(self) -> date | None:
        """A motorcycle travels ahead: it is handed over on the day (WIB) before the departure."""
        if self.departs_at is None or self.service != Service.MOTORCYCLE:
            return None
        return wib_day(self.departs_at) - timedelta(days=1)


QUOTA = """
    (r.quota + COALESCE((SELECT sum(q.seats) FROM quota_release q
                         WHERE q.route_id = r.id AND q.released_at IS NULL AND q.due_at <= :now), 0))
"""
COLUMNS = f"""
    r.id, r.season, r.organizer_code, organizer.name AS organizer_name, r.name, r.direction, r.service, r.mode,
    origin.code AS origin_code, origin.name AS origin_name, origin.city AS origin_city, origin.kind AS origin_kind,
    origin.region_code AS origin_region_code, origin.organizer_code AS origin_organizer,
    origin.provisional AS origin_provisional,
    destination.code AS destination_code, destination.name AS destination_name,
    destination.city AS destination_city, destination.kind AS destination_kind,
    destination.region_code AS destination_region_code, destination.organizer_code AS destination_organizer,
    destination.provisional AS destination_provisional, r.departs_at, {QUOTA} AS quota_now, r.taken, r.provisional
"""
FROM = """
    route r JOIN organizer ON organizer.code = r.organizer_code
            JOIN terminal origin ON origin.code = r.origin_code
            JOIN terminal destination ON destination.code = r.destination_code
"""
_BY_IDS = text(f"SELECT {COLUMNS} FROM {FROM} WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.merged_into IS NULL")


async def by_ids(session: Session, ids: Sequence[UUID], now: datetime) -> list[Route | None]:
    """The routes of `ids`, in that order."""
    found = {row.id: from_row(row) for row in await session.execute(_BY_IDS, {"ids": list(ids), "now": now})}
    return [found.get(route_id) for route_id in ids]


def from_row(row: Row[Any]) -> Route:
    """`row` has the columns of `COLUMNS`."""
    return Route(
        id=row.id,
        season=row.season,
        organizer=row.organizer_code,
        organizer_name=row.organizer_name,
        name=row.name,
        direction=row.direction,
        service=row.service,
        mode=row.mode,
        origin=_terminal(row, "origin"),
        destination=_terminal(row, "destination"),
        departs_at=row.departs_at,
        quota=row.quota_now,
        taken=row.taken,
        provisional=row.provisional,
    )


def _terminal(row: Row[Any], end: str) -> Terminal:
    columns = ("code", "name", "city", "kind", "region_code", "organizer", "provisional")
    return Terminal(*(getattr(row, f"{end}_{column}") for column in columns))
