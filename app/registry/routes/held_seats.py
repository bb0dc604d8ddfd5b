"""Seats that are held on a locked route: they count as taken for everybody but their hold, until the hold ends.

Whoever reads or writes a hold here has locked its route before, but for `forget`. No constraint keeps held seats from
others: the CHECK `taken <= quota` keeps every seat from being sold twice, and whoever takes seats is judged by
`quota.judge` under the route's lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.sql import Arrays, statement

KEPT = timedelta(days=7)
"""A hold is known for so long after its end, so that a late submission is told apart from a wrong id."""


@dataclass(slots=True, kw_only=True)
class SeatHold:
    id: UUID
    route_id: UUID
    organizer: str
    """Whose clients may use it."""
    seats: int
    """How many it holds still. An ended hold holds none."""
    ends_at: datetime


class _UsedSeats(NamedTuple):
    hold_id: UUID
    seats: int


_USED = Arrays("used", _UsedSeats)
COLUMNS = """
    id, route_id, organizer_code AS organizer, CASE WHEN ends_at > :now THEN seats ELSE 0 END AS seats, ends_at
"""
_NAMED = statement(f"SELECT {COLUMNS} FROM seat_hold WHERE id = ANY(CAST(:ids AS uuid[]))", SeatHold)
_USE = statement(f"UPDATE seat_hold SET seats = seat_hold.seats - used.seats FROM {_USED} WHERE id = used.hold_id")
# The ids are in the order of their making. What the holds before one have taken is no more there for that one.
_SHRINK = statement(
    """
    UPDATE seat_hold SET seats = fitting.seats FROM (
        SELECT h.id, CAST(greatest(least(h.seats, r.quota - r.taken - sum(h.seats) OVER first + h.seats), 0) AS int)
               AS seats
        FROM route r JOIN seat_hold h ON h.route_id = r.id AND h.ends_at > :now
        WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.quota IS NOT NULL
        WINDOW first AS (PARTITION BY r.id ORDER BY h.id)
    ) fitting WHERE seat_hold.id = fitting.id AND seat_hold.seats > fitting.seats
    """
)
_MOVE = statement("UPDATE seat_hold SET route_id = :into WHERE route_id = :route_id")
_FORGET = statement(
    """
    DELETE FROM seat_hold WHERE id IN (
        SELECT id FROM seat_hold WHERE ends_at <= :before ORDER BY ends_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    """
)


async def named(session: Session, ids: Collection[UUID], now: datetime) -> dict[UUID, SeatHold]:
    """What `ids` hold now, of those that are known."""
    return {one.id: one for one in await session.rows(_NAMED, ids=list(ids), now=now)} if ids else {}


async def use(session: Session, used: Mapping[UUID, int]) -> None:
    """Take so many seats off each hold: people have them now."""
    await session.run(_USE, **_USED.of([_UsedSeats(hold_id, seats) for hold_id, seats in used.items()]))


async def shrink(session: Session, routes: Collection[UUID], now: datetime) -> None:
    """What a lowered quota has left for holds goes to the oldest ones. The younger ones end."""
    await session.run(_SHRINK, ids=sorted(routes), now=now)


async def move(session: Session, route_id: UUID, into: UUID, now: datetime) -> None:
    """The holds of a route that is merged into another go with its people, as far as there are seats."""
    await session.run(_MOVE, route_id=route_id, into=into)
    await shrink(session, [into], now)


async def forget(session: Session, now: datetime, *, most: int) -> int:
    """Drop holds that ended long ago. Answers how many."""
    return await session.run(_FORGET, before=now - KEPT, most=most)
