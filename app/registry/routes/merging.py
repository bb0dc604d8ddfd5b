"""Merging a provisional route, which a row made, into the route that it means; for Hubdat or for its owner.

Its registrants move to the target with their seats, or nothing changes. They keep their cities, and nobody who is yet
to depart is put on a route that has left (`holders`). The merged route stays as a spelling: later rows that mean it
land on its target.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import (
    InvalidValue,
    NotYours,
    QuotaFull,
    Refusal,
    RouteDeparted,
    RouteUnknown,
    SeasonClosed,
    refuses,
)
from app.models.enums import ChangeKind
from app.models.statuses import NIK_HOLDERS, YET_TO_DEPART
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import held_seats, holders, quota, route
from app.registry.routes.route import Route
from app.sql import statement


class _RouteToMerge(NamedTuple):
    """One of the two routes."""

    id: UUID
    season: int
    organizer: str
    coordinator: str | None
    direction: str
    service: str
    provisional: bool
    departs_at: datetime | None
    origin_city: str
    destination_city: str
    season_closed_at: datetime | None


class _RegistrantOfMerged(NamedTuple):
    """A registrant of the route that is merged."""

    id: UUID
    season: int
    organizer: str
    status: str
    lap_infant: bool
    verified: bool
    """Whether the registrant was verified at some time, whatever became of it."""


_ROUTES = statement(
    """
    SELECT r.id, r.season, r.organizer_code AS organizer, organizer.coordinator_code AS coordinator, r.direction,
           r.service, r.provisional, r.departs_at, origin.city AS origin_city, destination.city AS destination_city,
           season.closed_at AS season_closed_at
    FROM route r JOIN organizer ON organizer.code = r.organizer_code JOIN season ON season.year = r.season
        JOIN terminal origin ON origin.code = r.origin_code
        JOIN terminal destination ON destination.code = r.destination_code
    WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.merged_into IS NULL
    """,
    _RouteToMerge,
)
# One after the other in the order of their ids, as everybody locks registrants.
_REGISTRANTS = statement(
    """
    SELECT id, season, organizer_code AS organizer, status, lap_infant, verified_at IS NOT NULL AS verified
    FROM registrant WHERE route_id = :route_id ORDER BY id FOR NO KEY UPDATE
    """,
    _RegistrantOfMerged,
)
_MOVE = statement("UPDATE registrant SET route_id = :into WHERE route_id = :route_id")
# Routes that were merged into this one before are spellings of its target, too.
_MERGED = statement("UPDATE route SET taken = 0, merged_into = :into WHERE :route_id IN (id, merged_into)")


@refuses(SeasonClosed, QuotaFull, RouteUnknown, RouteDeparted, NotYours, InvalidValue)
async def merge(
    session: Session, caller: Caller, route_id: UUID, into: UUID, now: datetime, *, admin: bool
) -> Route | Refusal:
    """The target as it is now. Nobody is moved if its seats do not suffice. Run it through `Database.attempt`."""
    found = {row.id: row for row in await session.rows(_ROUTES, ids=[route_id, into])}
    refused = _judge(found.get(route_id), found.get(into), caller, admin=admin)
    if refused is not None:
        return refused
    seats = await quota.lock(session, [route_id, into], now)
    # Read again: a time may have changed before the lock.
    found = {row.id: row for row in await session.rows(_ROUTES, ids=[route_id, into])}
    registrants = await session.rows(_REGISTRANTS, route_id=route_id)
    refused = _judge_holders(found[route_id], found[into], registrants, now)
    if refused is not None:
        return refused
    # A no-show's seat has left, and stays taken.
    seated = sum(one.status in NIK_HOLDERS and not one.lap_infant for one in registrants)
    target = seats[into]
    refused = quota.judge(target, "into", seated)
    if refused is not None:
        return refused
    await session.run(_MOVE, route_id=route_id, into=into)
    await session.run(_MERGED, route_id=route_id, into=into)
    target.taken += seated
    filled = await quota.take(session, {into: seated}, seats) if seated else []
    await held_seats.move(session, route_id, into, now)
    await change_log.append(session, [*_told(registrants, route_id, into, caller, found[route_id]), *filled], now)
    [merged] = await route.by_ids(session, [into], now)
    return merged or RouteUnknown("into")


def _judge(one: _RouteToMerge | None, into: _RouteToMerge | None, caller: Caller, *, admin: bool) -> Refusal | None:
    if one is None or into is None:
        return RouteUnknown("provisional" if one is None else "into")
    if not (admin or caller.owns(one.organizer)):
        return NotYours("provisional")
    if into.organizer not in {one.organizer, one.coordinator}:
        return NotYours("into")
    if one.season_closed_at is not None:
        return SeasonClosed("provisional", season=one.season)
    if not one.provisional:
        return InvalidValue(
            "provisional",
            "Rute ini bukan rute sementara; hanya rute sementara yang digabung.",
            "This route is not a provisional one; only these are merged.",
        )
    if one.id == into.id:
        return InvalidValue(
            "into",
            "Rute ini tidak dapat digabung dengan dirinya; pilih rute lain.",
            "It is the same route; choose another one.",
        )
    if (one.season, one.direction, one.service) != (into.season, into.direction, into.service):
        return InvalidValue(
            "into",
            "Periode, arah, dan layanan kedua rute harus sama.",
            "Both routes must have one season, direction and service.",
        )
    return None


def _judge_holders(
    one: _RouteToMerge, into: _RouteToMerge, registrants: Sequence[_RegistrantOfMerged], now: datetime
) -> InvalidValue | RouteDeparted | None:
    """What people who hold the route may count on."""
    if any(registrant.status in NIK_HOLDERS for registrant in registrants):
        pairs = ((one.origin_city, into.origin_city), (one.destination_city, into.destination_city))
        for before, after in pairs:
            refused = holders.judge_city(before, after, "into")
            if refused is not None:
                return refused
    waiting = any(registrant.status in YET_TO_DEPART for registrant in registrants)
    if waiting and holders.moves_into_the_past(one.departs_at, into.departs_at, now):
        return holders.judge_departed(into.departs_at, now, "into")
    return None


def _told(
    registrants: Sequence[_RegistrantOfMerged], route_id: UUID, into: UUID, caller: Caller, one: _RouteToMerge
) -> list[change_log.Entry]:
    rerouted = [_rerouted(registrant, route_id, into, caller) for registrant in registrants]
    merged = change_log.Entry(
        kind=ChangeKind.ROUTE_MERGED,
        season=one.season,
        organizer=one.organizer,
        route_id=into,
        client_id=caller.client_id,
        facts={"from_route": str(route_id)},
    )
    return [*rerouted, merged]


def _rerouted(registrant: _RegistrantOfMerged, route_id: UUID, into: UUID, caller: Caller) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.REGISTRANT_REROUTED,
        season=registrant.season,
        organizer=registrant.organizer,
        registrant_id=registrant.id,
        route_id=into,
        from_status=registrant.status,
        to_status=registrant.status,
        client_id=caller.client_id,
        facts={"from_route": str(route_id), "verified": registrant.verified},
    )
