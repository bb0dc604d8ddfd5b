"""A route that people hold: its cities stay, its departure is never moved into the past, and a new time is told to all
who hold it.

`departsAt` typed a year early once made 67 verified people no-shows within 24 seconds. A city that no table of cities
knows is a spelling, and may be put right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, RouteDeparted, refuses
from app.models.enums import ChangeKind
from app.models.statuses import HOLDS_NIK
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.outages import Outage
from app.registry.terms import news
from app.registry.values import cities
from app.sql import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Retimed:
    """The new and the old time of a route."""

    departs_at: datetime | None
    previous: datetime | None

    @property
    def is_later(self) -> bool:
        return self.previous is not None and (self.departs_at is None or self.departs_at > self.previous)


class _HolderOnRoute(NamedTuple):
    id: UUID
    season: int
    organizer: str
    route_id: UUID


# OFFSET 0 has PostgreSQL go by the routes. A plan of an empty table would else read all who hold a NIK.
_ON_ROUTES = f"""
    FROM unnest(CAST(:ids AS uuid[])) AS given (id)
    JOIN LATERAL (SELECT id FROM registrant WHERE route_id = given.id AND {HOLDS_NIK} {{most}} OFFSET 0) holder ON true
"""
_HELD = statement(f"SELECT given.id {_ON_ROUTES.format(most='LIMIT 1')}", UUID)
# Who holds a NIK no more by the time of the lock is left out. OFFSET 0 keeps that condition from choosing an index:
# PostgreSQL would else go by the one of all who hold a NIK.
_HOLDERS = statement(
    f"""
    SELECT id, season, organizer, route_id FROM (
        SELECT id, season, organizer_code AS organizer, route_id, status FROM registrant
        WHERE id = ANY(ARRAY(SELECT holder.id {_ON_ROUTES.format(most="")}))
        ORDER BY id OFFSET 0 FOR NO KEY UPDATE
    ) locked WHERE {HOLDS_NIK} ORDER BY id
    """,
    _HolderOnRoute,
)
# Whoever submits somebody locks the route first, so nobody comes onto one of these routes after the lock.
_LOCK_AT = statement(
    """
    SELECT id FROM route
    WHERE origin_code = ANY(CAST(:codes AS text[])) OR destination_code = ANY(CAST(:codes AS text[]))
    ORDER BY id FOR NO KEY UPDATE
    """,
    UUID,
)
_TERMINALS_OF = statement(
    """
    SELECT origin_code AS code FROM route WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT destination_code FROM route WHERE id = ANY(CAST(:ids AS uuid[]))
    """,
    str,
)


_PUT_RIGHT = statement("UPDATE route SET put_right_at = :now WHERE id = ANY(CAST(:ids AS uuid[]))")


@refuses(RouteDeparted)
def judge_departed(
    departs_at: datetime | None,
    now: datetime,
    field: str,
    *,
    registered_at: datetime | None = None,
    news_hours: int = 0,
    outages: Sequence[Outage] = (),
) -> RouteDeparted | None:
    """Nobody is registered on a route that has left, and nobody is moved to such a route.

    News comes late, people do not: a list may tell later of somebody who registered before the departure, for as long
    as no-shows wait for the list: longer, if an outage of the registry has kept the list out.
    """
    if departs_at is None or departs_at > now:
        return None
    in_time = registered_at is not None and registered_at < departs_at
    if in_time and now < news.heard_by(departs_at, news_hours, outages):
        return None
    return RouteDeparted(field, departs_at=departs_at)


def moves_into_the_past(before: datetime | None, after: datetime | None, now: datetime) -> bool:
    """Whether a departure at `before` would now be over. A time that is over may still be put right to a later one."""
    if after is None or after > now:
        return False
    return before is None or before > after


@refuses(InvalidValue)
def judge_time(before: datetime | None, after: datetime | None, now: datetime) -> InvalidValue | None:
    if not moves_into_the_past(before, after, now):
        return None
    return InvalidValue(
        "departsAt",
        "Waktu keberangkatan tidak dapat dipindahkan ke masa lalu; periksa tanggalnya.",
        "A departure cannot be moved into the past; check its date.",
    )


@refuses(InvalidValue)
def judge_city(before: str, after: str, field: str) -> InvalidValue | None:
    """Whether the city of a route that people hold may become `after`."""
    if cities.key(before) == cities.key(after) or not cities.is_known(before):
        return None
    return InvalidValue(
        field,
        f"Rute ini sudah punya pemegang kursi, jadi kotanya tetap {before}. Pindahkan pemegangnya ke rute lain dahulu.",
        f"People hold this route, so its city stays {before}. Move them to another route first.",
    )


async def among(session: Session, routes: Collection[UUID]) -> frozenset[UUID]:
    """Those of `routes` that somebody holds."""
    return frozenset(await session.rows(_HELD, ids=list(routes)))


async def terminals_among(session: Session, codes: Collection[str]) -> frozenset[str]:
    """Those of the terminals `codes` that are an end of a route that somebody holds. Their routes are locked."""
    routes = await session.rows(_LOCK_AT, codes=list(codes))
    return frozenset(await session.rows(_TERMINALS_OF, ids=list(await among(session, routes)))) & frozenset(codes)


async def tell(session: Session, caller: Caller, retimed: Mapping[UUID, Retimed], now: datetime) -> None:
    """Write down the new time of locked routes: for each holder, and once for the organizer of the holders.

    A route whose departure moved later is marked: the no-shows that the wrong time caused are taken back by the sweep.
    """
    later = [route for route, one in retimed.items() if one.is_later]
    await session.run(_PUT_RIGHT, ids=later, now=now)
    holders = await session.rows(_HOLDERS, ids=list(retimed))
    entries = [_told(one, retimed[one.route_id], caller) for one in holders]
    counts = Counter((one.route_id, one.organizer, one.season) for one in holders)
    for (route_id, organizer, season), count in counts.items():
        entries.append(_announced(route_id, organizer, season, count, retimed[route_id], caller))
    await change_log.append(session, entries, now)


def _told(holder: _HolderOnRoute, retimed: Retimed, caller: Caller) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.REGISTRANT_RESCHEDULED,
        season=holder.season,
        organizer=holder.organizer,
        registrant_id=holder.id,
        route_id=holder.route_id,
        client_id=caller.client_id,
        facts=_times(retimed),
    )


def _announced(
    route_id: UUID, organizer: str, season: int, count: int, retimed: Retimed, caller: Caller
) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.ROUTE_RESCHEDULED,
        season=season,
        organizer=organizer,
        route_id=route_id,
        client_id=caller.client_id,
        facts=_times(retimed) | {"registrants": count},
    )


def _times(retimed: Retimed) -> dict[str, object]:
    return {
        "departs_at": retimed.departs_at and retimed.departs_at.isoformat(),
        "previous": retimed.previous and retimed.previous.isoformat(),
    }
