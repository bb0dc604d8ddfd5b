"""Motorcycles: a motorcycle travels beside its rider's seat and needs its papers (plate and STNK number). It is handed
over on the day before it departs (`handoverOn`), and goes to the same city as its rider (S2.2, S2.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import (
    DestinationMismatch,
    InvalidValue,
    MotorcycleRequired,
    NikInvalid,
    NotFound,
    Refusal,
    SeasonClosed,
    refuses,
)
from app.models.enums import ChangeKind, RegistrantFlag, Service
from app.models.statuses import YET_TO_DEPART
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.registrants import lookup, view
from app.registry.registrants.uniqueness import NikHolder
from app.registry.registrants.view import Stored, View
from app.registry.routes import report_time
from app.registry.routes.route import Route
from app.registry.values import cities, nik
from app.registry.values.texts import not_in_the_future
from app.sql import statement
from app.vault.vault import Vault

MOST_CHARACTERS = 30
"""A plate, and an STNK number, has at most so many characters."""


@dataclass(frozen=True, slots=True)
class Motorcycle:
    plate: str
    registration_number: str
    """The STNK number."""


@dataclass(slots=True, kw_only=True)
class _LockedMotorcycle(Stored):
    season_closed_at: datetime | None
    departs_at: datetime | None


_LOCK = statement(
    f"""
    SELECT {view.COLUMNS}, season.closed_at AS season_closed_at,
           (SELECT departs_at FROM route WHERE route.id = r.route_id) AS departs_at
    FROM {view.FROM} JOIN season ON season.year = r.season
    WHERE r.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id FOR NO KEY UPDATE OF r
    """,
    _LockedMotorcycle,
)
_HAND_OVER = statement(
    f"""
    UPDATE registrant SET handed_over_at = :at,
        flags = CASE WHEN id = ANY(CAST(:on_another_day AS uuid[]))
                     THEN array_append(flags, '{RegistrantFlag.HANDED_OVER_ON_ANOTHER_DAY}') ELSE flags END
    WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)


@refuses(MotorcycleRequired, InvalidValue)
def judge(service: str, motorcycle: Motorcycle | None) -> Motorcycle | MotorcycleRequired | InvalidValue | None:
    """The papers with blanks trimmed, or the refusal. None: no motorcycle, and none needed."""
    if service != Service.MOTORCYCLE:
        return None if motorcycle is None else _only_on_motorcycle_routes()
    if motorcycle is None:
        return MotorcycleRequired("motorcycle")
    plate = " ".join(motorcycle.plate.upper().split())
    number = " ".join(motorcycle.registration_number.upper().split())
    if not all(1 <= len(one) <= MOST_CHARACTERS and one.isprintable() for one in (plate, number)):
        return MotorcycleRequired("motorcycle")
    if nik.is_written_in(plate) or nik.is_written_in(number):
        return InvalidValue("motorcycle", "Bukan nomor kendaraan: memuat NIK.", "Not its papers: a NIK is in there.")
    return Motorcycle(plate, number)


@refuses(DestinationMismatch)
def same_city(route: Route, companion: NikHolder | None, organizer: str, field: str) -> DestinationMismatch | None:
    """`companion` is the rider of this motorcycle, or the motorcycle of this rider. It counts within one organizer."""
    if companion is None or companion.organizer != organizer:
        return None
    if cities.key(route.destination.city) == cities.key(companion.destination_city):
        return None
    return DestinationMismatch(field, city=companion.destination_city)


def companion_of(service: str) -> str:
    return Service.PASSENGER if service == Service.MOTORCYCLE else Service.MOTORCYCLE


@refuses(NikInvalid, SeasonClosed, NotFound, InvalidValue)
async def hand_over(
    session: Session, vault: Vault, caller: Caller, refs: Sequence[lookup.Ref], at: datetime | None, now: datetime
) -> list[View | Refusal]:
    """Record that motorcycles were handed over. What was recorded once keeps its first time."""
    when = not_in_the_future(at, now, "at")
    if isinstance(when, InvalidValue):
        return [when] * len(refs)
    found = await lookup.resolve(session, vault, caller, refs, now, everyone=False)
    ids = {one for one in found if isinstance(one, UUID)}
    locked = await session.rows(_LOCK, ids=sorted(ids))
    verdicts: dict[UUID, View | Refusal] = {
        row.id: _refuses_hand_over(row) or view.from_row(row, vault, caller) for row in locked
    }
    fresh = [one for one in verdicts.values() if isinstance(one, View) and one.handed_over_at is None]
    days = {row.id: report_time.handover_on(row.departs_at) for row in locked}
    on_another_day = {one for one, day in days.items() if day is not None and day != wib_day(when)}
    if fresh:
        fresh_ids = [one.id for one in fresh]
        await session.run(_HAND_OVER, ids=fresh_ids, on_another_day=list(on_another_day), at=when)
        await change_log.append(session, [_told(one, caller) for one in fresh], now)
    for one in fresh:
        one.handed_over_at = when
        one.flags += [RegistrantFlag.HANDED_OVER_ON_ANOTHER_DAY] if one.id in on_another_day else []
    return [verdicts[one] if isinstance(one, UUID) else one for one in found]


def _refuses_hand_over(row: _LockedMotorcycle) -> InvalidValue | SeasonClosed | None:
    if row.season_closed_at is not None:
        return SeasonClosed("ref", season=row.season)
    if row.service != Service.MOTORCYCLE:
        return InvalidValue(
            "ref",
            "Pendaftaran ini bukan sepeda motor; pilih pendaftaran sepeda motornya.",
            "This registration is not a motorcycle's; name the one of the motorcycle.",
        )
    if row.status not in YET_TO_DEPART:
        return InvalidValue("ref", "Pendaftaran ini sudah berakhir.", "This registration has ended.")
    return None


def _only_on_motorcycle_routes() -> InvalidValue:
    return InvalidValue(
        "motorcycle",
        "Rute ini untuk penumpang; daftarkan sepeda motor pada rute sepeda motor.",
        "This route is for passengers; register the motorcycle on a motorcycle route.",
    )


def _told(one: View, caller: Caller) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.MOTORCYCLE_HANDED_OVER,
        season=one.season,
        organizer=one.organizer,
        registrant_id=one.id,
        route_id=one.route_id,
        client_id=caller.client_id,
    )
