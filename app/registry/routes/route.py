"""A route as anyone may see it: its quota by now, when to report, when to hand a motorcycle over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.db import Session
from app.models.enums import Service
from app.registry.routes import quota, report_time, terminals
from app.registry.routes.terminals import Terminal
from app.sql import statement


@dataclass(frozen=True, slots=True, kw_only=True)
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
    held: int = 0
    """Seats that are held now: see `seat_holds`."""
    provisional: bool = False
    """Made from a row that somebody sent in, for review."""

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else max(self.quota - self.taken - self.held, 0)

    @property
    def report_by(self) -> datetime | None:
        return report_time.report_by(self.departs_at)

    @property
    def handover_on(self) -> date | None:
        """A motorcycle travels ahead: it is handed over on the day (WIB) before the departure."""
        return report_time.handover_on(self.departs_at) if self.service == Service.MOTORCYCLE else None


@dataclass(slots=True, kw_only=True)
class RouteRow:
    """The columns of `COLUMNS`."""

    id: UUID
    season: int
    organizer: str
    organizer_name: str
    name: str
    direction: str
    service: str
    mode: str
    departs_at: datetime | None
    quota: int | None
    taken: int
    held: int
    provisional: bool
    origin_code: str
    origin_name: str
    origin_city: str
    origin_kind: str
    origin_region_code: str | None
    origin_organizer: str | None
    origin_provisional: bool
    destination_code: str
    destination_name: str
    destination_city: str
    destination_kind: str
    destination_region_code: str | None
    destination_organizer: str | None
    destination_provisional: bool


COLUMNS = f"""
    r.id, r.season, r.organizer_code AS organizer, organizer.name AS organizer_name, r.name, r.direction, r.service,
    r.mode, r.departs_at, {quota.BY_NOW} AS quota, r.taken, {quota.HELD} AS held, r.provisional,
    {terminals.columns("origin", "origin_")}, {terminals.columns("destination", "destination_")}
"""
JOINS = """
    JOIN organizer ON organizer.code = r.organizer_code
    JOIN LATERAL (SELECT * FROM terminal WHERE code = r.origin_code OFFSET 0) origin ON true
    JOIN LATERAL (SELECT * FROM terminal WHERE code = r.destination_code OFFSET 0) destination ON true
"""
"""What `COLUMNS` needs beside the route `r`. OFFSET 0 has PostgreSQL look up one terminal after the other. It expects a
page of routes to be a tenth of them all, and else reads every terminal: 5,032 pages for 50 of 12,000 routes, now 394.
"""
_BY_IDS = statement(
    f"""
    SELECT {COLUMNS} FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    -- OFFSET 0 has PostgreSQL look up one route after the other. A plan that was made for empty tables else reads every
    -- route: 4,761 pages for 20 of 12,000 routes, now 280. `merged_into` stands outside. Else PostgreSQL goes by an
    -- index that has only the routes that are not merged, and that index does not know the id.
    JOIN LATERAL (SELECT * FROM route WHERE id = asked.id OFFSET 0) r ON r.merged_into IS NULL {JOINS}
    """,
    RouteRow,
)


async def by_ids(session: Session, ids: Sequence[UUID], now: datetime) -> list[Route | None]:
    """The routes of `ids`, in that order."""
    found = {row.id: from_row(row) for row in await session.rows(_BY_IDS, ids=list(ids), now=now)}
    return [found.get(route_id) for route_id in ids]


def from_row(row: RouteRow) -> Route:
    return Route(
        id=row.id,
        season=row.season,
        organizer=row.organizer,
        organizer_name=row.organizer_name,
        name=row.name,
        direction=row.direction,
        service=row.service,
        mode=row.mode,
        origin=_terminal(row, "origin_"),
        destination=_terminal(row, "destination_"),
        departs_at=row.departs_at,
        quota=row.quota,
        taken=row.taken,
        held=row.held,
        provisional=row.provisional,
    )


def _terminal(row: RouteRow, end: str) -> Terminal:
    return Terminal(**{name: getattr(row, end + name) for name in Terminal.__slots__})
