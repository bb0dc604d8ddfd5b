"""A daily release: so many seats at the same time (WIB) of each day ("kuota dibuka setiap hari pukul 08.00").

Each day becomes a release of its own, so that whoever counts seats need not know of days. Their `daily_id` holds them
together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.clock import start_of_wib_day
from app.db import Session
from app.errors import InvalidValue, NotYours, QuotaBelowTaken, Refusal, RouteUnknown, SeasonClosed, refuses
from app.language import number
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import held_seats, quota_releases, route
from app.registry.routes.quota import Seats
from app.registry.routes.quota_releases import MOST_SEATS
from app.registry.routes.route import Route
from app.sql import Arrays, statement

MOST_DAYS = 120

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Daily:
    seats: int
    """How many seats each day brings."""
    at: str
    """A time of the day in WIB, such as `08:00`."""
    first: date
    last: date


class _DailyReleaseRow(NamedTuple):
    id: UUID
    due_at: datetime


_DAYS = Arrays("day", _DailyReleaseRow)
_LIMIT = statement("UPDATE route SET quota = :quota WHERE id = :route_id")
_INSERT = statement(
    f"""
    INSERT INTO quota_release (id, route_id, seats, due_at, daily_id)
    SELECT id, :route_id, :seats, due_at, :daily_id FROM {_DAYS}
    """
)


@refuses(SeasonClosed, QuotaBelowTaken, RouteUnknown, NotYours, InvalidValue)
async def release(session: Session, caller: Caller, route_id: UUID, daily: Daily, now: datetime) -> Route | Refusal:
    """Add seats to a route's quota on each day. A route that was not limited is limited from now on."""
    instants = _instants(daily, now)
    if isinstance(instants, InvalidValue):
        return instants
    held = await quota_releases.locked(session, caller, route_id, now)
    if isinstance(held, Refusal):
        return held
    by_now = quota_releases.judge(held, held.quota or 0, field="seats")
    if isinstance(by_now, Refusal):
        return by_now
    too_late = await quota_releases.judge_time(session, route_id, instants[-1], now, field="to")
    if too_late is not None:
        return too_late
    await _put_in(session, caller, route_id, held, daily, instants, now)
    (released,) = await route.by_ids(session, [route_id], now)
    return released or RouteUnknown("routeId")


def _instants(daily: Daily, now: datetime) -> list[datetime] | InvalidValue:
    time_of_day = _TIME.fullmatch(daily.at)
    if time_of_day is None:
        return InvalidValue("at", "Tulis jam dan menit WIB, misalnya 08:00.", "Write hour and minute in WIB, as 08:00.")
    days = (daily.last - daily.first).days + 1
    if not 1 <= days <= MOST_DAYS:
        return InvalidValue(
            "to",
            f"Hari terakhir tidak mendahului hari pertama, dan paling banyak {MOST_DAYS} hari.",
            f"The last day is not before the first one, and there are {MOST_DAYS} days at most.",
        )
    if not 0 < daily.seats * days <= MOST_SEATS or daily.seats < 0:
        return InvalidValue(
            "seats",
            f"Lebih dari nol, dan untuk semua hari bersama paling banyak {number(MOST_SEATS, 'id')} kursi.",
            f"Seats are more than 0, and {number(MOST_SEATS, 'en')} at most for all days together.",
        )
    after_midnight = timedelta(hours=int(time_of_day[1]), minutes=int(time_of_day[2]))
    instants = [start_of_wib_day(daily.first + timedelta(days=day)) + after_midnight for day in range(days)]
    if instants[0] <= now:
        return InvalidValue(
            "from",
            "Waktu tambahan pertama sudah lewat; mulai pada hari berikutnya.",
            "The time of the first release has passed; begin on the next day.",
        )
    return instants


async def _put_in(
    session: Session,
    caller: Caller,
    route_id: UUID,
    held: Seats,
    daily: Daily,
    instants: list[datetime],
    now: datetime,
) -> None:
    daily_id = uuid7()
    days = _DAYS.of([_DailyReleaseRow(uuid7(), instant) for instant in instants])
    if held.quota is None:
        await session.run(_LIMIT, route_id=route_id, quota=0)
        await held_seats.shrink(session, [route_id], now)
    await session.run(_INSERT, route_id=route_id, seats=daily.seats, daily_id=daily_id, **days)
    entry = change_log.Entry(
        kind=ChangeKind.QUOTA_RELEASED,
        season=held.season,
        organizer=held.organizer,
        route_id=route_id,
        client_id=caller.client_id,
        facts={
            "daily": str(daily_id),
            "seats": daily.seats,
            "at": daily.at,
            "from": daily.first.isoformat(),
            "to": daily.last.isoformat(),
            **quota_releases.quota_facts(held.quota, held.quota or 0),
        },
    )
    await change_log.append(session, [entry], now)
