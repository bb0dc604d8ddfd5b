"""Quota releases: a route's quota is the sum of its releases that are due: the first one, later additions, daily ones.

A route without any release is not limited. Lowering takes effect at once and never below what is taken: judged under
the route's row lock, and a CHECK of the table. Holds keep no quota up: those that no longer fit end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app import language as words
from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, QuotaBelowTaken, Refusal, RouteUnknown, SeasonClosed, refuses
from app.language import number
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import held_seats, quota, route
from app.registry.routes.quota import Seats
from app.registry.routes.route import Route
from app.registry.terms import seasons
from app.registry.values.texts import CLOCKS_DIFFER_BY
from app.sql import Arrays, statement

MOST_SEATS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    route_id: UUID
    season: int
    organizer: str
    seats: int
    due_at: datetime
    before: int | None
    """The route's quota without this release."""
    total: int
    """The route's quota by now, with this release in it if it is due."""


class _ReleasePut(NamedTuple):
    id: UUID
    route_id: UUID
    seats: int
    due_at: datetime
    total: int


_PUT = Arrays("put", _ReleasePut)
_SET = statement(f"UPDATE route SET quota = put.total FROM {_PUT} WHERE route.id = put.route_id")
_INSERT = statement(
    f"""
    INSERT INTO quota_release (id, route_id, seats, due_at, released_at)
    SELECT id, route_id, seats, due_at, CASE WHEN due_at <= :now THEN CAST(:now AS timestamptz) END FROM {_PUT}
    WHERE seats <> 0
    """
)


@refuses(SeasonClosed, QuotaBelowTaken, RouteUnknown, NotYours, InvalidValue)
async def release(
    session: Session, caller: Caller, route_id: UUID, seats: int, at: datetime | None, now: datetime
) -> Route | Refusal:
    """Add `seats` to a route's quota at `at`, or at once. Negative seats lower the quota."""
    due_at = at or now
    wrong = _impossible(seats, due_at, now)
    if wrong is not None:
        return wrong
    held = await locked(session, caller, route_id, now)
    if isinstance(held, Refusal):
        return held
    total = judge(held, (held.quota or 0) + (seats if due_at <= now else 0), field="seats")
    if isinstance(total, Refusal):
        return total
    too_late = None if at is None else await judge_time(session, route_id, due_at, now, field="at")
    if too_late is not None:
        return too_late
    one = _release(route_id, held, seats, due_at, total)
    await put_in(session, caller, [one], now)
    (released,) = await route.by_ids(session, [route_id], now)
    return released or RouteUnknown("routeId")


@refuses(SeasonClosed, RouteUnknown, NotYours, NotFound)
async def locked(session: Session, caller: Caller, route_id: UUID, now: datetime) -> Seats | Refusal:
    """The seats of a route of the caller's own, in an open season."""
    # A merged route is no route any more, and nobody waits for its lock.
    if await route.by_ids(session, [route_id], now) == [None]:
        return RouteUnknown("routeId")
    held = (await quota.lock(session, [route_id], now))[route_id]
    if not caller.owns(held.organizer):
        return NotYours("routeId")
    season = await seasons.require_open(session, held.season)
    return season if isinstance(season, Refusal) else held


@refuses(QuotaBelowTaken, InvalidValue)
def judge(held: Seats, total: int, *, field: str) -> int | QuotaBelowTaken | InvalidValue:
    """Whether a locked route's quota may become `total`."""
    if total < held.taken:
        return QuotaBelowTaken(field, taken=held.taken)
    if total > MOST_SEATS:
        return InvalidValue(
            field,
            f"Kuota paling banyak {number(MOST_SEATS, 'id')}.",
            f"A quota is {number(MOST_SEATS, 'en')} at most.",
        )
    return total


@refuses(InvalidValue)
async def judge_time(
    session: Session, route_id: UUID, due_at: datetime, now: datetime, *, field: str
) -> InvalidValue | None:
    """Whether seats may be added to a locked route at that time."""
    [known] = await route.by_ids(session, [route_id], now)
    departs_at = None if known is None else known.departs_at
    if departs_at is None or due_at < departs_at:
        return None
    return InvalidValue(
        field,
        f"Rute ini berangkat {words.instant(departs_at, 'id')}; kuotanya ditambah sebelum itu.",
        f"This route leaves on {words.instant(departs_at, 'en')}; seats are added before that.",
    )


async def put_in(session: Session, caller: Caller, releases: Sequence[Release], now: datetime) -> None:
    """Write `releases`, at most one per route, of locked routes. A release of 0 seats only limits its route."""
    rows = [
        _ReleasePut(id=uuid7(), route_id=one.route_id, seats=one.seats, due_at=one.due_at, total=one.total)
        for one in releases
    ]
    put = _PUT.of(rows)
    await session.run(_SET, **put)
    await session.run(_INSERT, now=now, **put)
    tighter = [one.route_id for one in releases if one.before is None or one.total < one.before]
    if tighter:
        await held_seats.shrink(session, tighter, now)
    entries = [_entry(caller, one, row.id) for one, row in zip(releases, rows, strict=True)]
    await change_log.append(session, entries, now)


def quota_facts(before: int | None, total: int) -> dict[str, object]:
    """What the log says of a route's quota. Nothing, if what is released counts later."""
    return {} if total == before else {"quota": total, "was": {"quota": before}}


def _impossible(seats: int, due_at: datetime, now: datetime) -> InvalidValue | None:
    if not 0 < abs(seats) <= MOST_SEATS:
        return InvalidValue(
            "seats",
            f"Bukan nol, dan paling banyak {number(MOST_SEATS, 'id')} kursi.",
            f"Seats are not 0, and {number(MOST_SEATS, 'en')} at most.",
        )
    if due_at.tzinfo is None:
        return InvalidValue("at", "Tulis zona waktunya, misalnya +07:00.", "The time must name its zone.")
    if due_at < now - CLOCKS_DIFFER_BY:
        return InvalidValue(
            "at",
            "Waktu ini sudah lewat; kosongkan agar kuotanya ditambah sekarang.",
            "This time has passed; leave it out to add the seats now.",
        )
    if seats < 0 and due_at > now:
        return InvalidValue(
            "at",
            "Penurunan kuota berlaku seketika; kosongkan waktunya.",
            "Lowering a quota takes effect at once; leave the time out.",
        )
    return None


def _release(route_id: UUID, held: Seats, seats: int, due_at: datetime, total: int) -> Release:
    return Release(
        route_id=route_id,
        season=held.season,
        organizer=held.organizer,
        seats=seats,
        due_at=due_at,
        before=held.quota,
        total=total,
    )


def _entry(caller: Caller, one: Release, release_id: UUID) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.QUOTA_RELEASED,
        season=one.season,
        organizer=one.organizer,
        route_id=one.route_id,
        client_id=caller.client_id,
        facts={
            # A release of no seats has no row.
            "release": str(release_id) if one.seats else None,
            "seats": one.seats,
            "due_at": one.due_at.isoformat(),
            **quota_facts(one.before, one.total),
        },
    )
