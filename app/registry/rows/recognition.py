"""Which route a record of the feeds means: by the spellings of its name and of its ends, and by when it departs.

The name must be the route's. A declared route is found first by its terminals, then by its cities if no other of that
name fits as well; then what an earlier record made (`provisional`). What was merged stands for the route it went into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.clock import wib_day
from app.db import Session
from app.models.enums import Service
from app.registry.rows.row import Itinerary, Place


@dataclass(frozen=True, slots=True)
class End:
    """A terminal as spellings are compared with it."""

    code: str
    key: str
    kind: str
    city_key: str

    def is_terminal_of(self, place: Place) -> bool:
        return self.key == place.key and place.kind in {None, self.kind}

    def fits(self, place: Place) -> bool:
        return self.is_terminal_of(place) or self.city_key == place.city_key


@dataclass(frozen=True, slots=True)
class Offer:
    """A route that has the name, or the one that it was merged into."""

    id: UUID
    organizer: str
    service: str
    origin: End
    destination: End
    departs_at: datetime | None
    provisional: bool
    merged: bool

    def by_terminals(self, itinerary: Itinerary) -> bool:
        return self.origin.is_terminal_of(itinerary.origin) and self.destination.is_terminal_of(itinerary.destination)

    def by_cities(self, itinerary: Itinerary) -> bool:
        return self.origin.fits(itinerary.origin) and self.destination.fits(itinerary.destination)

    def departs_then(self, departs_at: datetime) -> bool:
        return self.departs_at is not None and wib_day(self.departs_at) == wib_day(departs_at)


Named = tuple[str, str, str]
"""Organizer, direction and the key of a name."""


@dataclass(frozen=True, slots=True)
class Recognised:
    route_id: UUID | None
    """None: there is no such route yet."""
    service: str
    alike: frozenset[UUID]
    """Every departure that the words fit: whoever is registered on one of them is not on another route."""


_OFFERS = text(
    """
    SELECT coalesce(r.merged_into, r.id) AS id, r.organizer_code AS organizer, r.direction, r.service, r.name_key,
           r.departs_at, r.provisional, r.merged_into IS NOT NULL AS merged,
           origin.code AS origin_code, origin.name_key AS origin_key, origin.kind AS origin_kind,
           origin.city_key AS origin_city_key, destination.code AS destination_code,
           destination.name_key AS destination_key, destination.kind AS destination_kind,
           destination.city_key AS destination_city_key
    FROM unnest(CAST(:organizers AS text[]), CAST(:name_keys AS text[])) AS asked (organizer, name_key)
    JOIN route r ON r.season = :season AND r.organizer_code = asked.organizer AND r.name_key = asked.name_key
    JOIN terminal origin ON origin.code = r.origin_code
    JOIN terminal destination ON destination.code = r.destination_code
    ORDER BY r.id
    """
)


async def offers(session: Session, season: int, itineraries: Collection[Itinerary]) -> dict[Named, list[Offer]]:
    """Every route with the name of one of `itineraries`, in one statement."""
    asked = {(organizer, one.name_key) for one in itineraries for organizer in (one.organizer, one.coordinator)}
    facts = {"season": season, "organizers": [one[0] for one in asked], "name_keys": [one[1] for one in asked]}
    found: dict[Named, list[Offer]] = defaultdict(list)
    for row in await session.execute(_OFFERS, facts):
        found[row.organizer, row.direction, row.name_key].append(_offer(row))
    return found


def recognise(itinerary: Itinerary, found: dict[Named, list[Offer]], now: datetime) -> Recognised:
    """Of a motorcycle's papers and the routes there are follows the service."""
    named = [
        offer
        for organizer in dict.fromkeys((itinerary.organizer, itinerary.coordinator))
        for offer in found.get((organizer, itinerary.direction, itinerary.name_key), ())
        if offer.by_cities(itinerary)
    ]
    services = [Service.MOTORCYCLE] if itinerary.with_motorcycle else [Service.PASSENGER, Service.MOTORCYCLE]
    for service in services:
        served = [offer for offer in named if offer.service == service]
        if served:
            chosen = _choose(itinerary, served, now)
            return Recognised(None if chosen is None else chosen.id, service, frozenset(_alike(itinerary, served)))
    return Recognised(None, services[0], frozenset())


def _choose(itinerary: Itinerary, served: Sequence[Offer], now: datetime) -> Offer | None:
    by_terminals = [offer for offer in served if offer.by_terminals(itinerary)]
    declared = [offer for offer in served if not offer.provisional]
    for fitting in (
        [offer for offer in by_terminals if not offer.provisional],
        [offer for offer in by_terminals if offer.merged],
        declared if len({(offer.origin, offer.destination) for offer in declared}) == 1 else [],
        by_terminals,
    ):
        # Its own routes before its coordinator's.
        for organizer in (itinerary.organizer, itinerary.coordinator):
            chosen = _departing([offer for offer in fitting if offer.organizer == organizer], itinerary.departs_at, now)
            if chosen is not None:
                return chosen
    return None


def _departing(fitting: Sequence[Offer], departs_at: datetime | None, now: datetime) -> Offer | None:
    """The departure that is named, else the one without a time; none named: the next one, else the last."""
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


def _alike(itinerary: Itinerary, served: Sequence[Offer]) -> list[UUID]:
    departs_at = itinerary.departs_at
    return [
        offer.id for offer in served if departs_at is None or offer.departs_at is None or offer.departs_then(departs_at)
    ]


def _offer(row: Row[Any]) -> Offer:
    origin = End(row.origin_code, row.origin_key, row.origin_kind, row.origin_city_key)
    destination = End(row.destination_code, row.destination_key, row.destination_kind, row.destination_city_key)
    return Offer(row.id, row.organizer, row.service, origin, destination, row.departs_at, row.provisional, row.merged)
