"""Holding seats while a person fills the form: at most ten, for at most 15 minutes, and no NIK.

A hold ends by itself. Together the holds of a route have at most 5 % of its seats, or what the organizer's policy says
(`hold_percent`), so that no form keeps others out. What a hold is worth is judged in `quota.judge`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import (
    HoldsFull,
    InvalidValue,
    NotFound,
    NotYours,
    QuotaFull,
    Refusal,
    RegistrationClosed,
    RouteDeparted,
    RouteUnknown,
    SeasonClosed,
    refuses,
)
from app.registry.caller import Caller
from app.registry.routes import held_seats, holders, quota, quota_releases, route
from app.registry.routes.held_seats import SeatHold
from app.registry.routes.quota import Seats
from app.registry.terms import terms, windows
from app.registry.terms.terms import Terms
from app.sql import statement

MOST_SEATS = 10
MOST_MINUTES = 15

_INSERT = statement(
    """
    INSERT INTO seat_hold (id, route_id, organizer_code, client_id, seats, ends_at)
    VALUES (:id, :route_id, :organizer, :client_id, :seats, :ends_at)
    """
)
_FIND = statement(
    f"SELECT {held_seats.COLUMNS} FROM seat_hold WHERE id = :id AND organizer_code = :organizer", SeatHold
)
_END = statement(
    f"""
    UPDATE seat_hold SET seats = 0, ends_at = least(ends_at, CAST(:now AS timestamptz)) WHERE id = :id
    RETURNING {held_seats.COLUMNS}
    """,
    SeatHold,
)
_NEXT_END = statement(
    "SELECT min(ends_at) FROM seat_hold WHERE route_id = :route_id AND ends_at > :now AND seats > 0", datetime
)


@refuses(SeasonClosed, RegistrationClosed, QuotaFull, HoldsFull, RouteUnknown, RouteDeparted, NotYours, InvalidValue)
async def hold(
    session: Session, caller: Caller, route_id: UUID, seats: int, minutes: int, now: datetime
) -> SeatHold | Refusal:
    """Hold `seats` of a route of the caller's own for `minutes`. Run it through `Database.attempt`."""
    wrong = _impossible(seats, minutes)
    if wrong is not None:
        return wrong
    locked = await quota_releases.locked(session, caller, route_id, now)
    if isinstance(locked, Refusal):
        return locked
    in_force = (await terms.in_force(session, {locked.organizer}))[locked.organizer]
    refused = (
        await _refused_by_time(session, route_id, locked, in_force, now)
        or quota.judge(locked, "seats", seats)
        or await _refused_by_holds(session, route_id, seats, locked, in_force, now)
    )
    if refused is not None:
        return refused
    made = SeatHold(
        id=uuid7(), route_id=route_id, organizer=caller.organizer, seats=seats, ends_at=now + timedelta(minutes=minutes)
    )
    await session.run(
        _INSERT,
        id=made.id,
        route_id=route_id,
        organizer=made.organizer,
        client_id=caller.client_id,
        seats=seats,
        ends_at=made.ends_at,
    )
    return made


@refuses(NotFound)
async def give_back(session: Session, caller: Caller, hold_id: UUID, now: datetime) -> SeatHold | Refusal:
    """End a hold of the caller's own. Again changes nothing. Run it through `Database.attempt`."""
    found = await session.first(_FIND, id=hold_id, organizer=caller.organizer, now=now)
    if found is None:
        return NotFound("hold", what="hold")
    await quota.lock(session, [found.route_id], now)
    # The sweep may have forgotten an old one meanwhile: it waits for no route.
    return await session.first(_END, id=hold_id, now=now) or NotFound("hold", what="hold")


def _impossible(seats: int, minutes: int) -> InvalidValue | None:
    if not 1 <= seats <= MOST_SEATS:
        return InvalidValue(
            "seats", f"Tahan 1 sampai {MOST_SEATS} kursi sekaligus.", f"Hold 1 to {MOST_SEATS} seats at a time."
        )
    if not 1 <= minutes <= MOST_MINUTES:
        return InvalidValue(
            "minutes",
            f"Kursi ditahan 1 sampai {MOST_MINUTES} menit.",
            f"Seats are held for 1 to {MOST_MINUTES} minutes.",
        )
    return None


async def _refused_by_time(
    session: Session, route_id: UUID, locked: Seats, in_force: Terms, now: datetime
) -> SeasonClosed | RouteDeparted | RegistrationClosed | None:
    """A hold is for somebody who could be registered now."""
    if locked.season != in_force.season:
        return SeasonClosed("routeId", season=locked.season)
    [known] = await route.by_ids(session, [route_id], now)
    left = None if known is None else holders.judge_departed(known.departs_at, now, "routeId")
    outside = windows.judge(in_force.windows, now) if in_force.policy.enforce_window else None
    return left or outside


async def _refused_by_holds(
    session: Session, route_id: UUID, seats: int, locked: Seats, in_force: Terms, now: datetime
) -> HoldsFull | None:
    if locked.quota is None:
        return None
    most = locked.quota * in_force.policy.hold_percent // 100
    if locked.held + seats <= most:
        return None
    refused = HoldsFull("seats", most=most, held=locked.held)
    # So many seats are never held, however long one waits.
    if seats > most:
        return refused
    next_end = await session.one(_NEXT_END, route_id=route_id, now=now)
    return replace(refused, opens_at=next_end)
