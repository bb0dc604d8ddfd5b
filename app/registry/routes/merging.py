"""Merging a route that a feed made into the one that it means, for Hubdat or for its owner.

Registrants go along with their seats, or nothing changes. What was merged stays as a spelling: later records that mean
it land on its target.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db import Session
from app.errors import InvalidValue, NotYours, QuotaFull, Refusal, RouteUnknown, SeasonClosed, refuses
from app.models.enums import ChangeKind
from app.models.registrant import NIK_HOLDERS
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import quota, route
from app.registry.routes.route import Route

_ROUTES = text(
    """
    SELECT r.id, r.season, r.organizer_code AS organizer, organizer.coordinator_code AS coordinator, r.direction,
           r.service, r.provisional, season.closed_at AS season_closed_at
    FROM route r JOIN organizer ON organizer.code = r.organizer_code JOIN season ON season.year = r.season
    WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.merged_into IS NULL
    """
)
# One after the other in the order of their ids, as everybody locks them.
_REGISTRANTS = text(
    """
    SELECT id, season, organizer_code AS organizer, status FROM registrant WHERE route_id = :route_id
    ORDER BY id FOR NO KEY UPDATE
    """
)
_MOVE = text("UPDATE registrant SET route_id = :into WHERE route_id = :route_id")
# Those that were merged into this one before are spellings of its target, too.
_MERGED = text("UPDATE route SET taken = 0, merged_into = :into WHERE :route_id IN (id, merged_into)")


@refuses(SeasonClosed, QuotaFull, RouteUnknown, NotYours, InvalidValue)
async def merge(
    session: Session, caller: Caller, route_id: UUID, into: UUID, now: datetime, *, admin: bool
) -> Route | Refusal:
    """The target as it is now. Nobody is moved if its seats do not suffice. Run it through `Database.attempt`."""
    found = {row.id: row for row in await session.execute(_ROUTES, {"ids": [route_id, into]})}
    refused = _judge(found.get(route_id), found.get(into), caller, admin=admin)
    if refused is not None:
        return refused
    seats = await quota.lock(session, [route_id, into], now)
    registrants = (await session.execute(_REGISTRANTS, {"route_id": route_id})).all()
    # A no-show's seat has left, and stays taken.
    seated = sum(row.status in NIK_HOLDERS for row in registrants)
    target = seats[into]
    if target.quota is not None and target.taken + seated > target.quota:
        return QuotaFull("into")
    await session.execute(_MOVE, {"route_id": route_id, "into": into})
    await session.execute(_MERGED, {"route_id": route_id, "into": into})
    target.taken += seated
    filled = await quota.take(session, {into: seated}, seats) if seated else []
    await change_log.append(session, [*_told(registrants, route_id, into, caller, found[route_id]), *filled], now)
    [merged] = await route.by_ids(session, [into], now)
    return merged or RouteUnknown("into")


def _judge(one: Row[Any] | None, into: Row[Any] | None, caller: Caller, *, admin: bool) -> Refusal | None:
    if one is None or into is None:
        return RouteUnknown("provisional" if one is None else "into")
    if not (admin or caller.owns(one.organizer)):
        return NotYours("provisional")
    if into.organizer not in {one.organizer, one.coordinator}:
        return NotYours("into")
    if one.season_closed_at is not None:
        return SeasonClosed("provisional", season=one.season)
    if not one.provisional:
        return InvalidValue("provisional", "Rute ini bukan rute sementara.", "This route is not a provisional one.")
    if one.id == into.id:
        return InvalidValue("into", "Rute ini tidak dapat digabung dengan dirinya.", "It is the same route.")
    if (one.season, one.direction, one.service) != (into.season, into.direction, into.service):
        return InvalidValue(
            "into",
            "Musim, arah dan layanan kedua rute harus sama.",
            "Both routes must have one season, direction and service.",
        )
    return None


def _told(
    registrants: Sequence[Row[Any]], route_id: UUID, into: UUID, caller: Caller, one: Row[Any]
) -> list[change_log.Entry]:
    rerouted = [
        change_log.Entry(
            ChangeKind.REGISTRANT_REROUTED,
            row.season,
            row.organizer,
            row.id,
            into,
            row.status,
            row.status,
            caller.client_id,
            facts={"from_route": str(route_id)},
        )
        for row in registrants
    ]
    merged = change_log.Entry(
        ChangeKind.ROUTE_MERGED,
        one.season,
        one.organizer,
        route_id=into,
        client_id=caller.client_id,
        facts={"from_route": str(route_id)},
    )
    return [*rerouted, merged]
