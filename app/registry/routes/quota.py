"""Quota: never more holders than seats, under any concurrency (S2.5, S2's "kuota akan otomatis bertambah").

Seats are taken and returned on route rows locked in id order; the CHECK `taken <= quota` on `route` is the rule. The
column `route.quota` holds what has been released. A release that has come due and is not in the column yet counts all
the same: readers add it (`BY_NOW`, `DUE_SEATS`), and `lock` writes it into the column. Seats that are held count as
taken for everybody but their hold (`held_seats`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import QuotaFull, Raced, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.sql import Arrays, statement


@dataclass(slots=True, kw_only=True)
class Seats:
    """What a locked route has. `quota` None: not limited."""

    season: int
    organizer: str
    quota: int | None
    taken: int
    next_release: datetime | None = None
    """When more seats come. None: nothing is released later."""
    held: int = 0
    """How many seats are held now."""

    @property
    def full(self) -> bool:
        return self.quota is not None and self.taken >= self.quota


_IS_DUE = "released_at IS NULL AND due_at <= :now"
BY_NOW = f"""
    (r.quota + coalesce((SELECT sum(seats) FROM quota_release WHERE route_id = r.id AND {_IS_DUE}), 0))
"""
"""SQL: the quota by now of the one route `r`, looked up by the index on its id. Null: not limited."""
HELD = """
    (SELECT CAST(coalesce(sum(seats), 0) AS int) FROM seat_hold WHERE route_id = r.id AND ends_at > :now)
"""
"""SQL: how many seats are held now of the one route `r`."""
DUE_SEATS = f"""
    (SELECT route_id, CAST(sum(seats) AS int) AS seats FROM quota_release WHERE {_IS_DUE} GROUP BY route_id)
"""
"""SQL: the same for many routes: what `quota` lacks of each route that lacks something, read in one go."""


class _LockedRoute(NamedTuple):
    id: UUID
    season: int
    organizer: str
    quota: int | None
    taken: int
    merged_into: UUID | None
    next_release: datetime | None


class _QuotaByNow(NamedTuple):
    route_id: UUID
    quota: int | None
    """None: nothing was released."""
    held: int


class _SeatsOfRoute(NamedTuple):
    route_id: UUID
    seats: int


_SEATS = Arrays("more", _SeatsOfRoute)
# OFFSET 0 has PostgreSQL read the few releases of the route, and not all that are to come until one is of the route.
_LOCK = statement(
    """
    SELECT id, season, organizer_code AS organizer, quota, taken, merged_into, (
        SELECT min(due_at) FROM (SELECT * FROM quota_release WHERE route_id = route.id OFFSET 0) one
        WHERE released_at IS NULL AND due_at > :now
    ) AS next_release
    FROM route WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    """,
    _LockedRoute,
)
# A statement of its own behind the lock: it sees the holds of whoever had the lock before. Most routes have neither a
# release that is due nor a hold, so it answers no row for them.
_BY_NOW = statement(
    f"""
    WITH due AS (
        UPDATE quota_release SET released_at = :now
        WHERE route_id = ANY(CAST(:ids AS uuid[])) AND {_IS_DUE}
        RETURNING route_id, seats
    ), summed AS (SELECT route_id, sum(seats) AS seats FROM due GROUP BY route_id
    ), released AS (
        UPDATE route SET quota = coalesce(quota, 0) + summed.seats FROM summed WHERE route.id = summed.route_id
        RETURNING route.id AS route_id, route.quota
    )
    SELECT route_id, quota, 0 AS held FROM released
    UNION ALL
    SELECT route_id, CAST(NULL AS int), CAST(sum(seats) AS int) FROM seat_hold
    WHERE route_id = ANY(CAST(:ids AS uuid[])) AND ends_at > :now GROUP BY route_id
    """,
    _QuotaByNow,
)
TAKE = f"UPDATE route SET taken = taken + more.seats FROM {_SEATS} WHERE route.id = more.route_id"
"""SQL: the seats of `seats_to_take` are taken. Whoever writes registrants does so in the same statement."""
_TAKE = statement(TAKE)


async def lock(session: Session, routes: Collection[UUID], now: datetime) -> dict[UUID, Seats]:
    """Lock `routes` until the end of the transaction: nobody else takes seats there. Adds the releases that are due
    and counts what is held.

    Raises `Raced` when one of them was merged into another meanwhile.
    """
    ids = sorted(routes)
    locked = await session.rows(_LOCK, ids=ids, now=now)
    if any(route.merged_into is not None for route in locked):
        raise Raced
    seats = {
        one.id: Seats(
            season=one.season, organizer=one.organizer, quota=one.quota, taken=one.taken, next_release=one.next_release
        )
        for one in locked
    }
    for one in await session.rows(_BY_NOW, ids=ids, now=now):
        found = seats[one.route_id]
        found.held += one.held
        found.quota = found.quota if one.quota is None else one.quota
    return seats


@refuses(QuotaFull)
def judge(locked: Seats, field: str, wanted: int = 1, *, kept: int = 0) -> QuotaFull | None:
    """Whether so many more seats can be taken by somebody for whom `kept` of the held seats are held."""
    if locked.quota is None:
        return None
    left = max(locked.quota - locked.taken - locked.held + kept, 0)
    return None if wanted <= left else QuotaFull(field, wanted=wanted, left=left, opens_at=locked.next_release)


async def take(session: Session, wanted: Mapping[UUID, int], locked: Mapping[UUID, Seats]) -> list[change_log.Entry]:
    """Book the `wanted` seats on `locked` routes, whose `taken` already counts them. Answers what is to be logged."""
    await session.run(_TAKE, **seats_to_take(wanted))
    return filled(wanted, locked)


def seats_to_take(wanted: Mapping[UUID, int]) -> dict[str, list[object]]:
    """The arguments of `TAKE`."""
    return _SEATS.of([_SeatsOfRoute(route, seats) for route, seats in wanted.items()])


def filled(wanted: Collection[UUID], locked: Mapping[UUID, Seats]) -> list[change_log.Entry]:
    """What is to be logged of routes on which seats were taken."""
    return [
        change_log.Entry(
            kind=ChangeKind.QUOTA_FILLED, season=locked[route].season, organizer=locked[route].organizer, route_id=route
        )
        for route in wanted
        if locked[route].full
    ]


async def give_back(
    session: Session, returned: Mapping[UUID, int], locked: Mapping[UUID, Seats]
) -> list[change_log.Entry]:
    """Return seats of `locked` routes: they can be taken again at once (S2.5). Answers what is to be logged."""
    await session.run(_TAKE, **_SEATS.of([_SeatsOfRoute(route, -seats) for route, seats in returned.items()]))
    return [
        change_log.Entry(
            kind=ChangeKind.QUOTA_RETURNED,
            season=locked[route].season,
            organizer=locked[route].organizer,
            route_id=route,
            facts={"seats": seats},
        )
        for route, seats in returned.items()
    ]
