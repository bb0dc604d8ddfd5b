"""Routes and terminals that nobody declared, made from a row and marked for Hubdat's review.

They have no quota. All spellings of a route become one route, and so do those of a terminal: the keys are
`uq_route_provisional` and `uq_terminal_provisional`. So two batches that bring the same route at once make one. What
turns out not to be used is taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import Raced
from app.models.enums import ChangeKind, Mode, PlaceKind, Service
from app.registry import change_log
from app.registry.rows.row import Itinerary, RowTerminal
from app.sql import Arrays, statement


class Spot(NamedTuple):
    """A place as the rows of one organizer mean it: equal for all its spellings."""

    organizer: str
    key: str
    city_key: str
    kind: str | None
    """None: the name of the place does not tell."""

    @property
    def code(self) -> str:
        """The same in whichever batch the terminal is made."""
        digest = blake2b(f"{self.organizer}\n{self.key}\n{self.city_key}\n{self.made_as}".encode(), digest_size=5)
        letters = "".join(sign for sign in self.key if sign.isascii())[:40]
        return f"{letters or 'tempat'}-{digest.hexdigest()}"

    @property
    def made_as(self) -> str:
        return self.kind or PlaceKind.TERMINAL


class Way(NamedTuple):
    """What a provisional route is unique by, within a season."""

    organizer: str
    direction: str
    service: str
    name_key: str
    origin: str
    destination: str
    departs_at: datetime | None


class MadeRoute(NamedTuple):
    id: UUID
    way: Way
    name: str
    mode: str


class MadeTerminal(NamedTuple):
    spot: Spot
    place: RowTerminal


@dataclass(slots=True)
class Made:
    """What this transaction has made. Nothing of it is in the change log before it is known to be of use."""

    routes: dict[UUID, MadeRoute] = field(default_factory=dict)
    terminals: dict[str, MadeTerminal] = field(default_factory=dict)
    """By their codes."""


class _TerminalKey(NamedTuple):
    name_key: str
    city_key: str


class _TerminalOfKey(NamedTuple):
    """A terminal that has one of the keys."""

    code: str
    name_key: str
    city_key: str
    kind: str
    organizer: str | None
    provisional: bool


class _NewTerminal(NamedTuple):
    code: str
    name: str
    name_key: str
    city: str
    city_key: str
    kind: str
    organizer_code: str


class _NewRoute(NamedTuple):
    id: UUID
    organizer_code: str
    name: str
    name_key: str
    direction: str
    service: str
    mode: str
    origin_code: str
    destination_code: str
    departs_at: datetime | None


class _RouteOfKey(NamedTuple):
    """The route `id` has the key of the route that was to be `new_id`."""

    new_id: UUID
    id: UUID


_KEYS = Arrays("asked", _TerminalKey)
# A declared terminal comes before one that a row made, the registry's before an organizer's, a terminal before a
# station or another kind of place.
_TERMINALS = statement(
    f"""
    SELECT coalesce(t.merged_into, t.code) AS code, t.name_key, t.city_key, t.kind, t.organizer_code AS organizer,
           t.provisional
    FROM {_KEYS} JOIN terminal t ON t.name_key = asked.name_key AND t.city_key = asked.city_key
    ORDER BY t.provisional, t.organizer_code IS NOT NULL, t.kind <> '{PlaceKind.TERMINAL}', t.code
    """,
    _TerminalOfKey,
)
_NEW_TERMINALS = Arrays("new", _NewTerminal)
_TERMINAL_COLUMNS = ", ".join(_NewTerminal._fields)
_MAKE_TERMINALS = statement(
    f"""
    INSERT INTO terminal ({_TERMINAL_COLUMNS}, provisional) SELECT {_TERMINAL_COLUMNS}, true FROM {_NEW_TERMINALS}
    -- One order for every batch, so that two batches never wait for each other in a circle.
    ORDER BY code
    ON CONFLICT DO NOTHING
    RETURNING code
    """,
    str,
)
_NEW_ROUTES = Arrays("new", _NewRoute)
_ROUTE_COLUMNS = ", ".join(_NewRoute._fields)
_MAKE_ROUTES = statement(
    f"""
    INSERT INTO route ({_ROUTE_COLUMNS}, season, provisional) SELECT {_ROUTE_COLUMNS}, :season, true FROM {_NEW_ROUTES}
    ORDER BY organizer_code, direction, service, name_key, origin_code, destination_code, departs_at
    ON CONFLICT DO NOTHING
    RETURNING id
    """,
    UUID,
)
_ROUTES = statement(
    f"""
    SELECT new.id AS new_id, coalesce(r.merged_into, r.id) AS id FROM {_NEW_ROUTES}
    -- OFFSET 0 has PostgreSQL look up one route after the other. A plan that was made for empty tables else reads every
    -- provisional route of the season: 2,299 pages for 20 of 6,000 routes, now 156.
    JOIN LATERAL (
        SELECT * FROM route WHERE provisional AND season = :season AND organizer_code = new.organizer_code
            AND direction = new.direction AND service = new.service AND name_key = new.name_key
            AND origin_code = new.origin_code AND destination_code = new.destination_code
            AND departs_at IS NOT DISTINCT FROM new.departs_at
        OFFSET 0
    ) r ON true
    -- A terminal that was merged while the route waited for its lock stands for another terminal now.
    WHERE NOT EXISTS (SELECT FROM terminal
                      WHERE code IN (new.origin_code, new.destination_code) AND merged_into IS NOT NULL)
    """,
    _RouteOfKey,
)
_DROP_ROUTES = statement("DELETE FROM route WHERE id = ANY(CAST(:unused_routes AS uuid[]))")
_DROP_TERMINALS = statement("DELETE FROM terminal WHERE code = ANY(CAST(:unused_terminals AS text[]))")


async def make(session: Session, season: int, wanted: Mapping[Itinerary, str], made: Made) -> dict[Itinerary, UUID]:
    """The route of each itinerary, for the service it is wanted for, as the first itinerary spells it. Raises `Raced`.

    `made` grows by what is new.
    """
    spots: dict[Spot, RowTerminal] = {}
    for one in wanted:
        for place in (one.origin, one.destination):
            spots.setdefault(_spot(one.organizer, place), place)
    codes = await _terminals(session, spots, made)
    ways = {one: _way(one, service, codes) for one, service in wanted.items()}
    routes: dict[Way, MadeRoute] = {}
    for one, way in ways.items():
        routes.setdefault(way, MadeRoute(id=uuid7(), way=way, name=one.name, mode=_mode(one, way)))
    new = _NEW_ROUTES.of([_new_route(route) for route in routes.values()])
    written = set(await session.rows(_MAKE_ROUTES, season=season, **new))
    standing = {one.new_id: one.id for one in await session.rows(_ROUTES, season=season, **new)}
    if len(standing) < len(routes):
        raise Raced
    made.routes |= {route.id: route for route in routes.values() if route.id in written}
    return {one: standing[routes[way].id] for one, way in ways.items()}


async def keep(session: Session, season: int, made: Made, used: Collection[UUID]) -> list[change_log.Entry]:
    """Take back the routes that nobody was registered on after all, and their terminals. Answers what is to be logged
    of the rest.
    """
    routes = {route_id: one for route_id, one in made.routes.items() if route_id in used}
    # Nobody else can have used a terminal of this transaction yet.
    codes = {code for one in routes.values() for code in (one.way.origin, one.way.destination)}
    if len(routes) < len(made.routes):
        await session.run(_DROP_ROUTES, unused_routes=list(made.routes.keys() - routes.keys()))
        await session.run(_DROP_TERMINALS, unused_terminals=list(made.terminals.keys() - codes))
    terminals = [_told_terminal(code, one) for code, one in made.terminals.items() if code in codes]
    return terminals + [_told_route(one, season) for one in routes.values()]


async def _terminals(session: Session, spots: Mapping[Spot, RowTerminal], made: Made) -> dict[Spot, str]:
    """The code of each spot."""
    asked = _KEYS.of(list({_TerminalKey(name_key=spot.key, city_key=spot.city_key) for spot in spots}))
    codes = _recognised(spots, await session.rows(_TERMINALS, **asked))
    missing = {spot.code: MadeTerminal(spot, place) for spot, place in spots.items() if spot not in codes}
    if missing:
        new = _NEW_TERMINALS.of([_new_terminal(code, one) for code, one in missing.items()])
        written = await session.rows(_MAKE_TERMINALS, **new)
        made.terminals |= {code: missing[code] for code in written}
        codes |= {missing[code].spot: code for code in written}
        if len(written) < len(missing):
            # Another batch has made the others a moment ago.
            codes |= _recognised(spots, await session.rows(_TERMINALS, **asked))
    # Two spots of one code differ only in this: one tells that it is a terminal, and the other tells no kind.
    return codes | {spot: spot.code for spot in spots if spot not in codes}


def _recognised(spots: Collection[Spot], terminals: Sequence[_TerminalOfKey]) -> dict[Spot, str]:
    """A provisional terminal that another organizer's rows have made is not used."""
    spelt: dict[_TerminalKey, list[_TerminalOfKey]] = defaultdict(list)
    for terminal in terminals:
        spelt[_TerminalKey(name_key=terminal.name_key, city_key=terminal.city_key)].append(terminal)
    found: dict[Spot, str] = {}
    for spot in spots:
        for terminal in spelt[_TerminalKey(name_key=spot.key, city_key=spot.city_key)]:
            own = not terminal.provisional or terminal.organizer == spot.organizer
            if own and spot.kind in {None, terminal.kind}:
                found.setdefault(spot, terminal.code)
    return found


def _spot(organizer: str, place: RowTerminal) -> Spot:
    return Spot(organizer=organizer, key=place.key, city_key=place.city_key, kind=place.kind)


def _way(one: Itinerary, service: str, codes: Mapping[Spot, str]) -> Way:
    return Way(
        organizer=one.organizer,
        direction=one.direction,
        service=service,
        name_key=one.name_key,
        origin=codes[_spot(one.organizer, one.origin)],
        destination=codes[_spot(one.organizer, one.destination)],
        departs_at=one.departs_at,
    )


def _mode(one: Itinerary, way: Way) -> str:
    return one.mode or (Mode.TRUCK if way.service == Service.MOTORCYCLE else Mode.BUS)


def _new_route(route: MadeRoute) -> _NewRoute:
    way = route.way
    return _NewRoute(
        id=route.id,
        organizer_code=way.organizer,
        name=route.name,
        name_key=way.name_key,
        direction=way.direction,
        service=way.service,
        mode=route.mode,
        origin_code=way.origin,
        destination_code=way.destination,
        departs_at=way.departs_at,
    )


def _new_terminal(code: str, one: MadeTerminal) -> _NewTerminal:
    return _NewTerminal(
        code=code,
        name=one.place.name,
        name_key=one.spot.key,
        city=one.place.city,
        city_key=one.spot.city_key,
        kind=one.spot.made_as,
        organizer_code=one.spot.organizer,
    )


def _told_terminal(code: str, one: MadeTerminal) -> change_log.Entry:
    spot, place = one.spot, one.place
    return change_log.Entry(
        kind=ChangeKind.TERMINAL_SAVED,
        organizer=spot.organizer,
        facts={"code": code, "name": place.name, "city": place.city, "kind": spot.made_as, "provisional": True},
    )


def _told_route(route: MadeRoute, season: int) -> change_log.Entry:
    way = route.way
    facts: dict[str, object] = {
        "name": route.name,
        "mode": route.mode,
        "origin": way.origin,
        "destination": way.destination,
        "departs_at": way.departs_at and way.departs_at.isoformat(),
        "provisional": True,
    }
    return change_log.Entry(
        kind=ChangeKind.ROUTE_SAVED, season=season, organizer=way.organizer, route_id=route.id, facts=facts
    )
