"""Routes: what an organizer offers, found and declared. The natural key `uq_route_natural` makes a repeat harmless."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db import Session
from app.models.enums import Direction
from app.registry.routes.route import COLUMNS, FROM, QUOTA, Route, by_ids, from_row
from app.registry.routes.saving import RouteInput, save
from app.registry.terms import seasons
from app.registry.values import cities

__all__ = ["Route", "RouteFilter", "RouteInput", "by_ids", "page", "return_routes", "save"]


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
    provisional: bool | None = None
    """True: only those made from feeds, for review. False: only declared ones."""


_RETURNS = text(
    f"""
    SELECT {COLUMNS}, outbound.id AS outbound_id
    FROM route outbound JOIN terminal home ON home.code = outbound.destination_code,
         {FROM}
    WHERE outbound.id = ANY(CAST(:ids AS uuid[])) AND outbound.direction = '{Direction.MUDIK}'
      AND r.organizer_code = outbound.organizer_code AND r.season = outbound.season
      AND r.direction = '{Direction.BALIK}' AND r.service = outbound.service AND origin.city_key = home.city_key
      AND r.merged_into IS NULL
    ORDER BY r.departs_at, r.id
    """
)


async def page(session: Session, where: RouteFilter, *, after: UUID | None, first: int, now: datetime) -> list[Route]:
    """Routes by id from behind `after`: one more than `first`, if there is one, so that the caller sees a next page."""
    conditions, values = _conditions(where)
    if after is not None:
        conditions.append("r.id > :after")
    statement = text(f"SELECT {COLUMNS} FROM {FROM} WHERE {' AND '.join(conditions)} ORDER BY r.id LIMIT :most")
    given = {"now": now, "after": after, "most": first + 1, **values}
    return [from_row(row) for row in await session.execute(statement, given)]


async def return_routes(session: Session, route_ids: Sequence[UUID], now: datetime) -> list[list[Route]]:
    """For each route home the same organizer's routes back that start in its destination's city."""
    back: dict[UUID, list[Route]] = defaultdict(list)
    for row in await session.execute(_RETURNS, {"ids": list(route_ids), "now": now}):
        back[row.outbound_id].append(from_row(row))
    return [back[route_id] for route_id in route_ids]


def _conditions(where: RouteFilter) -> tuple[list[str], dict[str, object]]:
    conditions = ["r.merged_into IS NULL", f"r.season = {seasons.LATEST if where.season is None else ':season'}"]
    values: dict[str, object] = {"season": where.season}
    for column, value in (
        ("r.organizer_code", where.organizer),
        ("r.direction", where.direction),
        ("r.service", where.service),
        ("r.provisional", where.provisional),
        ("origin.city_key", where.origin_city and cities.key(where.origin_city)),
        ("destination.city_key", where.destination_city and cities.key(where.destination_city)),
    ):
        if value is not None:
            name = column.replace(".", "_")
            conditions.append(f"{column} = :{name}")
            values[name] = value
    if where.with_seats is not None:
        has_seats = f"COALESCE({QUOTA} > r.taken, TRUE)"
        conditions.append(has_seats if where.with_seats else f"NOT {has_seats}")
    return conditions, values
