"""Finding routes: page by page, by what a caller asks for; and for a route home the routes back that fit it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from app.db import Session
from app.models.enums import Direction
from app.registry.routes import quota
from app.registry.routes.route import COLUMNS, JOINS, Route, RouteRow, from_row
from app.registry.terms import seasons
from app.registry.values import cities
from app.sql import Statement, statement


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """True: only routes that a row made, for review. False: only declared routes."""


@dataclass(slots=True, kw_only=True)
class _ReturnRow(RouteRow):
    outbound_id: UUID


_RETURNS = statement(
    f"""
    SELECT {COLUMNS}, outbound.id AS outbound_id
    FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    -- OFFSET 0 has PostgreSQL look up one route home after the other, and for each route home its routes back. A plan
    -- that was made for empty tables else begins with every route back: 9,150 pages for 20 of 12,000 routes, now 262.
    JOIN LATERAL (
        SELECT route.*, home.city_key FROM route JOIN terminal home ON home.code = route.destination_code
        WHERE route.id = asked.id AND route.direction = '{Direction.MUDIK}' OFFSET 0
    ) outbound ON true
    JOIN LATERAL (
        SELECT array_agg(code) AS codes, min(code) AS first, max(code) AS last FROM terminal
        WHERE city_key = outbound.city_key OFFSET 0
    ) start ON true
    -- In the order of `uq_route_natural`, so no other index will do. PostgreSQL 15 compares `origin_code` within that
    -- index for BETWEEN, and for ANY not before it has read the route: 4,288 pages for 20 of 12,000 routes, now 293.
    JOIN LATERAL (
        SELECT * FROM route WHERE season = outbound.season AND organizer_code = outbound.organizer_code
            AND direction = '{Direction.BALIK}' AND service = outbound.service AND merged_into IS NULL
            AND origin_code = ANY(start.codes) AND origin_code BETWEEN start.first AND start.last
        ORDER BY name OFFSET 0
    ) r ON true {JOINS}
    ORDER BY r.departs_at, r.id
    """,
    _ReturnRow,
)
_HAS_SEATS = f"coalesce({quota.BY_NOW} > r.taken + {quota.HELD}, TRUE)"
_CONDITIONS = {
    "organizer": "r.organizer_code = :organizer",
    "direction": "r.direction = :direction",
    "service": "r.service = :service",
    "provisional": "r.provisional = :provisional",
    "origin_city": "r.origin_code = ANY(ARRAY(SELECT code FROM terminal WHERE city_key = :origin_city))",
    "destination_city": "r.destination_code = ANY(ARRAY(SELECT code FROM terminal WHERE city_key = :destination_city))",
    "with_seats": f"{_HAS_SEATS} = :with_seats",
    "after": "r.id > :after",
}


@cache
def _page(asked: frozenset[str]) -> Statement[RouteRow]:
    """The page for a filter that asks for these `_CONDITIONS`."""
    season = f"r.season = coalesce(CAST(:season AS int), {seasons.LATEST})"
    conditions = ["r.merged_into IS NULL", season, *(_CONDITIONS[name] for name in sorted(asked))]
    # The page is cut before its terminals and its quota are looked up. A plan that was made for empty tables else looks
    # these up for every route of the season: 100,751 pages for 50 of 12,000 routes, now 503.
    return statement(
        f"""
        SELECT {COLUMNS}
        FROM (SELECT * FROM route r WHERE {" AND ".join(conditions)} ORDER BY r.id LIMIT :most) r {JOINS}
        ORDER BY r.id
        """,
        RouteRow,
    )


_EVERY_CONDITION = tuple(_page(frozenset({name})) for name in _CONDITIONS)


async def page(session: Session, where: RouteFilter, *, after: UUID | None, first: int, now: datetime) -> list[Route]:
    """Routes in the order of their ids, behind `after`. There is one more than `first` if there is a next page."""
    values = {**_values(where), "after": after}
    asked = {name: value for name, value in values.items() if value is not None}
    page_of = _page(frozenset(asked))
    found = await session.rows(page_of, now=now, season=where.season, most=first + 1, **asked)
    return [from_row(row) for row in found]


async def return_routes(session: Session, route_ids: Sequence[UUID], now: datetime) -> list[list[Route]]:
    """For each route home the same organizer's routes back that start in its destination's city."""
    back: dict[UUID, list[Route]] = defaultdict(list)
    for row in await session.rows(_RETURNS, ids=list(set(route_ids)), now=now):
        back[row.outbound_id].append(from_row(row))
    return [back[route_id] for route_id in route_ids]


def _values(where: RouteFilter) -> dict[str, object]:
    """By the names of `_CONDITIONS`. None: that condition is not asked for."""
    return {
        "organizer": where.organizer,
        "direction": where.direction,
        "service": where.service,
        "provisional": where.provisional,
        "origin_city": where.origin_city and cities.key(where.origin_city),
        "destination_city": where.destination_city and cities.key(where.destination_city),
        "with_seats": where.with_seats,
    }
