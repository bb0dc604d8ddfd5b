"""Quota: never more holders than seats, under any concurrency (S2.5, S2's "kuota akan otomatis bertambah").

Seats are claimed and returned on route rows locked in id order; the CHECK `taken <= quota` on `route` is the rule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.errors import Raced
from app.models.enums import ChangeKind
from app.registry import change_log


@dataclass(slots=True)
class Seats:
    """What a locked route has. `quota` None: not limited."""

    season: int
    organizer: str
    quota: int | None
    taken: int

    @property
    def full(self) -> bool:
        return self.quota is not None and self.taken >= self.quota


_LOCK = text(
    "SELECT id, season, organizer_code, quota, taken, merged_into FROM route WHERE id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY id FOR NO KEY UPDATE"
)
_RELEASE_DUE = text(
    """
    WITH due AS (
        UPDATE quota_release SET released_at = :now
        WHERE route_id = ANY(CAST(:ids AS uuid[])) AND released_at IS NULL AND due_at <= :now
        RETURNING route_id, seats
    ), summed AS (SELECT route_id, sum(seats) AS seats FROM due GROUP BY route_id)
    UPDATE route SET quota = coalesce(quota, 0) + summed.seats FROM summed WHERE route.id = summed.route_id
    RETURNING route.id, route.quota
    """
)
_TAKE = text(
    """
    UPDATE route SET taken = taken + claim.seats
    FROM unnest(CAST(:ids AS uuid[]), CAST(:seats AS int[])) AS claim (route_id, seats)
    WHERE route.id = claim.route_id
    """
)


async def lock(session: AsyncSession, routes: Collection[UUID], now: datetime) -> dict[UUID, Seats]:
    """Lock `routes` against every other claim until the end of the transaction, and add the releases that are due.

    Raises `Raced` when one of them was merged into another meanwhile.
    """
    ids = sorted(routes)
    rows = (await session.execute(_LOCK, {"ids": ids})).all()
    if any(row.merged_into is not None for row in rows):
        raise Raced
    seats = {row.id: Seats(row.season, row.organizer_code, row.quota, row.taken) for row in rows}
    for row in await session.execute(_RELEASE_DUE, {"ids": ids, "now": now}):
        seats[row.id].quota = row.quota
    return seats


async def take(
    session: AsyncSession, claims: Mapping[UUID, int], locked: Mapping[UUID, Seats]
) -> list[change_log.Entry]:
    """Book `claims` on `locked` routes, whose `taken` already counts them. Answers what is to be logged."""
    await session.execute(_TAKE, {"ids": list(claims), "seats": list(claims.values())})
    return [
        change_log.Entry(ChangeKind.QUOTA_FILLED, locked[route].season, locked[route].organizer, route_id=route)
        for route in claims
        if locked[route].full
    ]


async def give_back(
    session: AsyncSession, returned: Mapping[UUID, int], locked: Mapping[UUID, Seats]
) -> list[change_log.Entry]:
    """Return seats of `locked` routes: they can be claimed again at once (S2.5). Answers what is to be logged."""
    await session.execute(_TAKE, {"ids": list(returned), "seats": [-seats for seats in returned.values()]})
    return [
        change_log.Entry(
            ChangeKind.QUOTA_RETURNED,
            locked[route].season,
            locked[route].organizer,
            route_id=route,
            facts={"seats": seats},
        )
        for route, seats in returned.items()
    ]
