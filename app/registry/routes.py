"""Routes: one departure offered by one organizer. What a route's quota is now, when to report, when to hand over.

`route.quota` holds what has been released; a release that has come due and is not yet in it is added when reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.clock import wib_day
from app.models.enums import Direction, Service
from app.registry import cities
from app.registry.terminals import Terminal

REPORT_BEFORE = timedelta(hours=1)


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

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else max(self.quota - self.taken, 0)

    @property
    def report_by(self) -> datetime | None:
        return None if self.departs_at is None else self.departs_at - REPORT_BEFORE

    @property
    def handover_on(self) -> date | None:
        """A motorcycle travels ahead: it is handed over on the day (WIB) before the departure."""
        if self.departs_at is None or self.service != Service.MOTORCYCLE:
            return None
        return wib_day(self.departs_at) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RouteFilter:
    organizer: str | None = None
    direction: str | None = None
    service: str | None = None
    origin_city: str | None = None
    destination_city: str | None = None
    with_seats: bool | None = None
    """True: only routes with seats left. False: only full ones."""
    season: int | None = None
    """None: the current one."""


_QUOTA = """
    (r.quota + COALESCE((SELECT sum(q.seats) FROM quota_release q
                         WHERE q.route_id = r.id AND q.released_at IS NULL AND q.due_at <= :now), 0))
"""
_COLUMNS = f"""
    r.id, r.season, r.organizer_code, organizer.name AS organizer_name, r.name, r.direction, r.service, r.mode,
    origin.code AS origin_code, origin.name AS origin_name, origin.city AS origin_city, origin.kind AS origin_kind,
    origin.region_code AS origin_region_code, origin.organizer_code AS origin_organizer,
    destination.code AS destination_code, destination.name AS destination_name,
    destination.city AS destination_city, destination.kind AS destination_kind,
    destination.region_code AS destination_region_code, destination.organizer_code AS destination_organizer,
    r.departs_at, {_QUOTA} AS quota_now, r.taken
"""
_FROM = """
    route r JOIN organizer ON organizer.code = r.organizer_code
            JOIN terminal origin ON origin.code = r.origin_code
            JOIN terminal destination ON destination.code = r.destination_code
"""
_BY_IDS = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE r.id = ANY(CAST(:ids AS uuid[]))")
_RETURNS = text(
    f"""
    SELECT {_COLUMNS}, outbound.id AS outbound_id
    FROM route outbound JOIN terminal home ON home.code = outbound.destination_code,
         {_FROM}
    WHERE outbound.id = ANY(CAST(:ids AS uuid[])) AND outbound.direction = '{Direction.MUDIK}'
      AND r.organizer_code = outbound.organizer_code AND r.season = outbound.season
      AND r.direction = '{Direction.BALIK}' AND r.service = outbound.service AND origin.city_key = home.city_key
    ORDER BY r.departs_at, r.id
    """
)
_CURRENT_SEASON = "(SELECT max(year) FROM season WHERE closed_at IS NULL)"


async def by_ids(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> list[Route | None]:
    """The routes of `ids`, in that order."""
    found = {row.id: _route(row) for row in await session.execute(_BY_IDS, {"ids": list(ids), "now": now})}
    return [found.get(route_id) for route_id in ids]


async def page(
    session: AsyncSession, where: RouteFilter, *, after: UUID | None, first: int, now: datetime
) -> list[Route]:
    """Routes by id from behind `after`: one more than `first`, if there is one, so that the caller sees a next page."""
    conditions, values = _conditions(where)
    if after is not None:
        conditions.append("r.id > :after")
    statement = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE {' AND '.join(conditions)} ORDER BY r.id LIMIT :most")
    given = {"now": now, "after": after, "most": first + 1, **values}
    return [_route(row) for row in await session.execute(statement, given)]


async def return_routes(session: AsyncSession, route_ids: Sequence[UUID], now: datetime) -> list[list[Route]]:
    """For each route home the same organizer's routes back that start in its destination's city."""
    back: dict[UUID, list[Route]] = defaultdict(list)
    for row in await session.execute(_RETURNS, {"ids": list(route_ids), "now": now}):
        back[row.outbound_id].append(_route(row))
    return [back[route_id] for route_id in route_ids]


def _conditions(where: RouteFilter) -> tuple[list[str], dict[str, object]]:
    conditions = ["r.season = :season" if where.season else f"r.season = {_CURRENT_SEASON}"]
    values: dict[str, object] = {"season": where.season}
    for column, value in (
        ("r.organizer_code", where.organizer),
        ("r.direction", where.direction),
        ("r.service", where.service),
        ("origin.city_key", where.origin_city and cities.key(where.origin_city)),
        ("destination.city_key", where.destination_city and cities.key(where.destination_city)),
    ):
        if value is not None:
            name = column.replace(".", "_")
            conditions.append(f"{column} = :{name}")
            values[name] = value
    if where.with_seats is not None:
        has_seats = f"COALESCE({_QUOTA} > r.taken, TRUE)"
        conditions.append(has_seats if where.with_seats else f"NOT {has_seats}")
    return conditions, values


def _route(row: Row[Any]) -> Route:
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
    )


def _terminal(row: Row[Any], end: str) -> Terminal:
    columns = ("code", "name", "city", "kind", "region_code", "organizer")
    return Terminal(*(getattr(row, f"{end}_{column}") for column in columns))
