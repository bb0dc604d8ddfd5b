"""Whose registrations are amended: registrants, locked with all that the person holds with the organizer.

Both ways of a trip and the motorcycle belong to one person. Whoever amends one of them judges the others, too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import DestinationMismatch, Raced, ReturnCityMismatch, refuses
from app.models.enums import Direction
from app.registry.registrants import uniqueness, view
from app.registry.registrants.uniqueness import NikHolder
from app.registry.registrants.view import Locked, Stored
from app.registry.routes.route import Route
from app.registry.terms import policy
from app.registry.values import cities
from app.sql import statement


@dataclass(slots=True, kw_only=True)
class Seated(Stored):
    """A locked registrant."""

    nik_index: bytes | None
    departs_at: datetime | None
    season_closed_at: datetime | None
    return_requires_outbound: bool

    @property
    def person(self) -> tuple[int, str, bytes | UUID]:
        """Which person the registrant is: season, organizer and NIK. An erased registrant has no NIK, so it counts as a
        person of its own.
        """
        return (self.season, self.organizer, self.nik_index or self.id)


_LOCK = statement(
    f"""
    SELECT {view.COLUMNS}, r.nik_index, (SELECT departs_at FROM route WHERE route.id = r.route_id) AS departs_at,
           season.closed_at AS season_closed_at,
           {policy.in_force("return_requires_outbound", "r.organizer_code")} AS return_requires_outbound
    FROM {view.FROM} JOIN season ON season.year = r.season {policy.join("r.season", "r.organizer_code")}
    WHERE {uniqueness.WITH_THE_SAME_PERSON} ORDER BY r.id FOR NO KEY UPDATE OF r
    """,
    Seated,
)


async def lock(session: Session, ids: Collection[UUID]) -> dict[UUID, Seated]:
    """The registrants `ids`, and all else that their people hold. Raises `Raced` when something came meanwhile."""
    found = {row.id: row for row in await session.rows(_LOCK, ids=list(ids))}
    if not set(await session.rows(uniqueness.HELD_BY_THE_SAME_PERSON, ids=list(ids))) <= found.keys():
        raise Raced
    return found


@refuses(ReturnCityMismatch, DestinationMismatch)
def judge_pair(
    row: Seated | Locked, route: Route, other: Seated | Locked | NikHolder, other_route: Route, field: str
) -> ReturnCityMismatch | DestinationMismatch | None:
    """Whether `row` on `route` and `other` of the same person on `other_route` fit into one trip."""
    if row.direction == other.direction:
        # The motorcycle of the rider, or the rider of the motorcycle.
        same = row.id == other.id or cities.key(route.destination.city) == cities.key(other_route.destination.city)
        return None if same else DestinationMismatch(field, city=other_route.destination.city)
    if row.service != other.service or not row.return_requires_outbound:
        return None
    home, back = (other_route, route) if row.direction == Direction.BALIK else (route, other_route)
    return None if leaves_from(back, home) else ReturnCityMismatch(field, city=home.destination.city)


def leaves_from(back: Route, home: Route) -> bool:
    return cities.key(back.origin.city) == cities.key(home.destination.city)
