"""Which route a row means: by the spellings of its name and of its ends, and by when it departs.

The name must be the route's. A declared route is found first by its terminals. Then it is found by its cities, if no
other route of that name fits as well. Then come the routes that an earlier row made (`provisional`). A merged route
stands for the route that it went into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.models.enums import Service
from app.registry.rows.row import Itinerary, RowTerminal
from app.registry.values import nik
from app.sql import Arrays, statement

CITY_DIFFERS = nik.Warning(
    "CITY_DIFFERS",
    "Terminal pada baris ini terletak di kota lain daripada yang tertulis; rutenya dikenali dari terminal itu. Periksa"
    " rutenya.",
    "A terminal of this row is in another city than the row says; the route was found by the terminal. Check it.",
)
TERMINAL_DIFFERS = nik.Warning(
    "TERMINAL_DIFFERS",
    "Rute ini dikenali dari nama dan kotanya; terminalnya lain daripada yang tertulis. Periksa rutenya.",
    "The route was found by its name and cities; its terminal is another one than the row says.",
)
ROUTE_PROVISIONAL = nik.Warning(
    "ROUTE_PROVISIONAL",
    "Rute ini tidak dikenal, jadi pendaftaran ini masuk ke rute sementara tanpa kuota. Periksa nama dan tempatnya.",
    "This route is not known, so the registration is on a provisional route without a quota. Check name and places.",
)


@dataclass(frozen=True, slots=True)
class RouteEnd:
    """A terminal as spellings are compared with it."""

    code: str
    key: str
    kind: str
    city_key: str

    def is_terminal_of(self, place: RowTerminal) -> bool:
        return self.key == place.key and place.kind in {None, self.kind}

    def fits(self, place: RowTerminal) -> bool:
        return self.is_terminal_of(place) or self.city_key == place.city_key


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedRoute:
    """A route that has the name, or the one that it was merged into."""

    id: UUID
    organizer: str
    service: str
    origin: RouteEnd
    destination: RouteEnd
    departs_at: datetime | None
    provisional: bool
    merged: bool

    def by_terminals(self, itinerary: Itinerary) -> bool:
        return self.origin.is_terminal_of(itinerary.origin) and self.destination.is_terminal_of(itinerary.destination)

    def by_cities(self, itinerary: Itinerary) -> bool:
        return self.origin.fits(itinerary.origin) and self.destination.fits(itinerary.destination)

    def departs_then(self, departs_at: datetime) -> bool:
        return self.departs_at is not None and wib_day(self.departs_at) == wib_day(departs_at)


class RouteName(NamedTuple):
    organizer: str
    direction: str
    name_key: str


Offers = Mapping[RouteName, Sequence[OfferedRoute]]
"""The routes there are, by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    route_id: UUID | None
    """None: there is no such route yet."""
    service: str
    alike: frozenset[UUID]
    """Every departure that the words fit. A person who is registered on any of these has not changed the route."""
    provisional: bool = False
    other_city: bool = False
    """A terminal is the route's, and its city is another one."""
    other_terminal: bool = False
    """A city is the route's, and its terminal is another one."""

    def warnings(self, *, new: bool) -> list[nik.Warning]:
        """What is worth a second look. `new`: the row registers somebody. Some warnings are
        told only then, so that a list that comes daily is told them once.
        """
        found = [CITY_DIFFERS] if self.other_city else []
        if new and self.provisional:
            found.append(ROUTE_PROVISIONAL)
        elif new and self.other_terminal:
            found.append(TERMINAL_DIFFERS)
        return found


class _AskedRouteName(NamedTuple):
    organizer: str
    name_key: str


class _FoundRoute(NamedTuple):
    id: UUID
    organizer: str
    direction: str
    service: str
    name_key: str
    departs_at: datetime | None
    provisional: bool
    merged: bool
    origin_code: str
    origin_key: str
    origin_kind: str
    origin_city_key: str
    destination_code: str
    destination_key: str
    destination_kind: str
    destination_city_key: str


_ASKED = Arrays("asked", _AskedRouteName)
_OFFERS = statement(
    f"""
    SELECT coalesce(r.merged_into, r.id) AS id, r.organizer_code AS organizer, r.direction, r.service, r.name_key,
           r.departs_at, r.provisional, r.merged_into IS NOT NULL AS merged,
           origin.code AS origin_code, origin.name_key AS origin_key, origin.kind AS origin_kind,
           origin.city_key AS origin_city_key, destination.code AS destination_code,
           destination.name_key AS destination_key, destination.kind AS destination_kind,
           destination.city_key AS destination_city_key
    FROM {_ASKED}
    -- OFFSET 0 has PostgreSQL look up one name after the other. A plan that was made for empty tables else reads every
    -- route of the season: 4,572 pages for 20 names among 12,000 routes, now 240.
    JOIN LATERAL (
        SELECT * FROM route WHERE season = :season AND organizer_code = asked.organizer AND name_key = asked.name_key
        OFFSET 0
    ) r ON true
    JOIN terminal origin ON origin.code = r.origin_code
    JOIN terminal destination ON destination.code = r.destination_code
    ORDER BY r.id
    """,
    _FoundRoute,
)


async def offers(session: Session, season: int, itineraries: Collection[Itinerary]) -> Offers:
    """Every route with the name of one of `itineraries`, in one statement."""
    asked = {
        _AskedRouteName(organizer=organizer, name_key=one.name_key)
        for one in itineraries
        for organizer in (one.organizer, one.coordinator)
    }
    found: dict[RouteName, list[OfferedRoute]] = defaultdict(list)
    for row in await session.rows(_OFFERS, season=season, **_ASKED.of(list(asked))):
        name = RouteName(organizer=row.organizer, direction=row.direction, name_key=row.name_key)
        found[name].append(_offer(row))
    return found


def recognise(itinerary: Itinerary, found: Offers, now: datetime) -> Recognised:
    """The standard does not tell the service. It follows from a motorcycle's papers, and from the routes there are."""
    organizers = dict.fromkeys((itinerary.organizer, itinerary.coordinator))
    names = [RouteName(organizer=one, direction=itinerary.direction, name_key=itinerary.name_key) for one in organizers]
    named = [offer for name in names for offer in found.get(name, ()) if offer.by_cities(itinerary)]
    services = [Service.MOTORCYCLE] if itinerary.with_motorcycle else [Service.PASSENGER, Service.MOTORCYCLE]
    for service in services:
        served = [offer for offer in named if offer.service == service]
        if served:
            chosen = _choose(itinerary, served, now)
            return _recognised(itinerary, chosen, service, frozenset(_alike(itinerary, served)))
    return Recognised(route_id=None, service=services[0], alike=frozenset())


def _recognised(itinerary: Itinerary, chosen: OfferedRoute | None, service: str, alike: frozenset[UUID]) -> Recognised:
    if chosen is None:
        return Recognised(route_id=None, service=service, alike=alike)
    ends = ((chosen.origin, itinerary.origin), (chosen.destination, itinerary.destination))
    return Recognised(
        route_id=chosen.id,
        service=service,
        alike=alike,
        provisional=chosen.provisional and not chosen.merged,
        other_city=any(end.city_key != place.city_key for end, place in ends),
        other_terminal=any(not end.is_terminal_of(place) for end, place in ends),
    )


def _choose(itinerary: Itinerary, served: Sequence[OfferedRoute], now: datetime) -> OfferedRoute | None:
    by_terminals = [offer for offer in served if offer.by_terminals(itinerary)]
    declared = [offer for offer in served if not offer.provisional]
    for fitting in (
        [offer for offer in by_terminals if not offer.provisional],
        [offer for offer in by_terminals if offer.merged],
        declared if len({(offer.origin, offer.destination) for offer in declared}) == 1 else [],
        by_terminals,
    ):
        # The organizer's own routes come before its coordinator's.
        for organizer in (itinerary.organizer, itinerary.coordinator):
            chosen = _departing([offer for offer in fitting if offer.organizer == organizer], itinerary.departs_at, now)
            if chosen is not None:
                return chosen
    return None


def _departing(fitting: Sequence[OfferedRoute], departs_at: datetime | None, now: datetime) -> OfferedRoute | None:
    """The departure that the row names, else the route without a time. If the row names none: the next departure, else
    the last.
    """
    undated = next((offer for offer in fitting if offer.departs_at is None), None)
    dated = sorted((offer.departs_at, place) for place, offer in enumerate(fitting) if offer.departs_at is not None)
    if departs_at is None:
        ahead = [place for at, place in dated if at >= now] or [place for _, place in dated[-1:]]
        return fitting[ahead[0]] if ahead else undated
    exact = [offer for offer in fitting if offer.departs_at == departs_at]
    that_day = [offer for offer in fitting if offer.departs_then(departs_at)]
    if exact or len(that_day) == 1:
        return (exact or that_day)[0]
    return undated


def _alike(itinerary: Itinerary, served: Sequence[OfferedRoute]) -> list[UUID]:
    departs_at = itinerary.departs_at
    return [
        offer.id for offer in served if departs_at is None or offer.departs_at is None or offer.departs_then(departs_at)
    ]


def _offer(row: _FoundRoute) -> OfferedRoute:
    return OfferedRoute(
        id=row.id,
        organizer=row.organizer,
        service=row.service,
        origin=_end(row, "origin_"),
        destination=_end(row, "destination_"),
        departs_at=row.departs_at,
        provisional=row.provisional,
        merged=row.merged,
    )


def _end(row: _FoundRoute, end: str) -> RouteEnd:
    return RouteEnd(**{name: getattr(row, end + name) for name in RouteEnd.__slots__})
