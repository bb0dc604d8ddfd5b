"""Routes and terminals that nobody declared, made from a record of the feeds and marked for Hubdat's review.

They have no quota. Spellings of one meet in one: the keys are `uq_route_provisional` and `uq_terminal_provisional`, so
two batches that bring the same one at once make one. Whatever turns out not to be used is taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import Raced
from app.models.enums import ChangeKind, Mode, PlaceKind, Service
from app.registry import change_log
from app.registry.rows.row import Itinerary, Place


class Spot(NamedTuple):
    """A place as one organizer's feed means it: equal for all its spellings."""

    organizer: str
    key: str
    city_key: str
    kind: str | None
    """None: its name does not tell."""

    @property
    def code(self) -> str:
        """The same wherever it is made."""
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


@dataclass(slots=True)
class Made:
    """By this transaction. Nothing of it is in the log before it is known to be of use."""

    routes: dict[UUID, tuple[Way, str, str]] = field(default_factory=dict)
    """With their names and modes."""
    terminals: dict[str, tuple[Spot, Place]] = field(default_factory=dict)


# One that is declared comes before one that a feed made, of the registry before of an organizer, a terminal first.
_TERMINALS = text(
    """
    SELECT coalesce(t.merged_into, t.code) AS code, t.name_key, t.city_key, t.kind, t.organizer_code AS organizer,
           t.provisional
    FROM unnest(CAST(:name_keys AS text[]), CAST(:city_keys AS text[])) AS asked (name_key, city_key)
    JOIN terminal t ON t.name_key = asked.name_key AND t.city_key = asked.city_key
    ORDER BY t.provisional, t.organizer_code IS NOT NULL, t.kind <> 'TERMINAL', t.code
    """
)
_MAKE_TERMINALS = text(
    """
    INSERT INTO terminal (code, name, name_key, city, city_key, kind, organizer_code, provisional)
    SELECT code, name, name_key, city, city_key, kind, organizer, true
    FROM unnest(CAST(:code AS text[]), CAST(:name AS text[]), CAST(:name_key AS text[]), CAST(:city AS text[]),
                CAST(:city_key AS text[]), CAST(:kind AS text[]), CAST(:organizer AS text[]))
         AS given (code, name, name_key, city, city_key, kind, organizer)
    -- One order for every batch, so that two batches never wait for each other in a circle.
    ORDER BY code
    ON CONFLICT DO NOTHING
    RETURNING code
    """
)
_GIVEN = """
    unnest(CAST(:id AS uuid[]), CAST(:organizer AS text[]), CAST(:direction AS text[]), CAST(:service AS text[]),
           CAST(:name_key AS text[]), CAST(:origin AS text[]), CAST(:destination AS text[]),
           CAST(:departs_at AS timestamptz[]), CAST(:name AS text[]), CAST(:mode AS text[]))
    AS given (id, organizer, direction, service, name_key, origin, destination, departs_at, name, mode)
"""
_MAKE_ROUTES = text(
    f"""
    INSERT INTO route (id, season, organizer_code, name, name_key, direction, service, mode, origin_code,
                       destination_code, departs_at, provisional)
    SELECT id, :season, organizer, name, name_key, direction, service, mode, origin, destination, departs_at, true
    FROM {_GIVEN}
    ORDER BY organizer, direction, service, name_key, origin, destination, departs_at
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)
_ROUTES = text(
    f"""
    SELECT given.id AS given, coalesce(r.merged_into, r.id) AS id FROM {_GIVEN}
    JOIN route r ON r.provisional AND r.season = :season AND r.organizer_code = given.organizer
        AND r.direction = given.direction AND r.service = given.service AND r.name_key = given.name_key
        AND r.origin_code = given.origin AND r.destination_code = given.destination
        AND r.departs_at IS NOT DISTINCT FROM given.departs_at
    -- A terminal that was merged while the route waited for it is not the one any more.
    WHERE NOT EXISTS (SELECT FROM terminal WHERE code IN (given.origin, given.destination) AND merged_into IS NOT NULL)
    """
)
_DROP_ROUTES = text("DELETE FROM route WHERE id = ANY(CAST(:ids AS uuid[]))")
_DROP_TERMINALS = text(
    """
    DELETE FROM terminal t WHERE code = ANY(CAST(:codes AS text[]))
        AND NOT EXISTS (SELECT FROM route WHERE t.code IN (origin_code, destination_code))
    RETURNING code
    """
)


async def make(session: Session, season: int, wanted: Mapping[Itinerary, str], made: Made) -> dict[Itinerary, UUID]:
    """The route of each itinerary, for the service it is wanted for, as the first one spells it. Raises `Raced`.

    `made` grows by what is new.
    """
    spots: dict[Spot, Place] = {}
    for one in wanted:
        for place in (one.origin, one.destination):
            spots.setdefault(_spot(one.organizer, place), place)
    codes = await _terminals(session, spots, made)
    ways = {one: _way(one, service, codes) for one, service in wanted.items()}
    given: dict[Way, tuple[UUID, Itinerary]] = {}
    for one, way in ways.items():
        given.setdefault(way, (uuid7(), one))
    columns: dict[str, object] = {"season": season, **_columns(given)}
    new = set((await session.execute(_MAKE_ROUTES, columns)).scalars())
    found = {row.given: row.id for row in await session.execute(_ROUTES, columns)}
    if len(found) < len(given):
        raise Raced
    made.routes |= {
        route_id: (way, one.name, _mode(one, way)) for way, (route_id, one) in given.items() if route_id in new
    }
    return {one: found[given[way][0]] for one, way in ways.items()}


async def keep(session: Session, season: int, made: Made, used: Collection[UUID]) -> list[change_log.Entry]:
    """Take back what nobody was registered on after all. Answers what is to be logged of the rest."""
    unused = [route_id for route_id in made.routes if route_id not in used]
    if unused:
        await session.execute(_DROP_ROUTES, {"ids": unused})
        dropped = set((await session.execute(_DROP_TERMINALS, {"codes": list(made.terminals)})).scalars())
        made.terminals = {code: one for code, one in made.terminals.items() if code not in dropped}
        made.routes = {route_id: one for route_id, one in made.routes.items() if route_id in used}
    terminals = [_told_terminal(code, *one) for code, one in made.terminals.items()]
    return terminals + [_told_route(route_id, season, *one) for route_id, one in made.routes.items()]


async def _terminals(session: Session, spots: Mapping[Spot, Place], made: Made) -> dict[Spot, str]:
    asked = {(spot.key, spot.city_key) for spot in spots}
    keys = {"name_keys": [key for key, _ in asked], "city_keys": [city_key for _, city_key in asked]}
    codes = _recognised(spots, (await session.execute(_TERMINALS, keys)).all())
    missing = {spot.code: spot for spot in spots if spot not in codes}
    if missing:
        written = await session.execute(_MAKE_TERMINALS, _terminal_columns(missing, spots))
        new = set(written.scalars())
        made.terminals |= {code: (missing[code], spots[missing[code]]) for code in new}
        codes |= {spot: spot.code for spot in missing.values() if spot.code in new}
        if len(new) < len(missing):
            # Another batch has made them a moment ago.
            codes |= _recognised(spots, (await session.execute(_TERMINALS, keys)).all())
    # Two spots of one code differ only in whether they tell their kind.
    return codes | {spot: spot.code for spot in spots if spot not in codes}


def _recognised(spots: Collection[Spot], rows: Sequence[Row[Any]]) -> dict[Spot, str]:
    """What another organizer's feed made is none of this one's."""
    spelt: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        spelt[row.name_key, row.city_key].append(row)
    found: dict[Spot, str] = {}
    for spot in spots:
        for row in spelt[spot.key, spot.city_key]:
            own = not row.provisional or row.organizer == spot.organizer
            if own and spot.kind in {None, row.kind}:
                found.setdefault(spot, row.code)
    return found


def _spot(organizer: str, place: Place) -> Spot:
    return Spot(organizer, place.key, place.city_key, place.kind)


def _way(one: Itinerary, service: str, codes: Mapping[Spot, str]) -> Way:
    return Way(
        one.organizer,
        one.direction,
        service,
        one.name_key,
        codes[_spot(one.organizer, one.origin)],
        codes[_spot(one.organizer, one.destination)],
        one.departs_at,
    )


def _mode(one: Itinerary, way: Way) -> str:
    return one.mode or (Mode.TRUCK if way.service == Service.MOTORCYCLE else Mode.BUS)


def _columns(given: Mapping[Way, tuple[UUID, Itinerary]]) -> dict[str, object]:
    ways = {name: [getattr(way, name) for way in given] for name in Way._fields}
    return {
        **ways,
        "id": [route_id for route_id, _ in given.values()],
        "name": [one.name for _, one in given.values()],
        "mode": [_mode(one, way) for way, (_, one) in given.items()],
    }


def _terminal_columns(missing: Mapping[str, Spot], spots: Mapping[Spot, Place]) -> dict[str, object]:
    return {
        "code": list(missing),
        "name": [spots[spot].name for spot in missing.values()],
        "name_key": [spot.key for spot in missing.values()],
        "city": [spots[spot].city for spot in missing.values()],
        "city_key": [spot.city_key for spot in missing.values()],
        "kind": [spot.made_as for spot in missing.values()],
        "organizer": [spot.organizer for spot in missing.values()],
    }


def _told_terminal(code: str, spot: Spot, place: Place) -> change_log.Entry:
    return change_log.Entry(
        ChangeKind.TERMINAL_SAVED,
        organizer=spot.organizer,
        facts={"code": code, "name": place.name, "city": place.city, "kind": spot.made_as, "provisional": True},
    )


def _told_route(route_id: UUID, season: int, way: Way, name: str, mode: str) -> change_log.Entry:
    facts: dict[str, object] = {
        "name": name,
        "mode": mode,
        "origin": way.origin,
        "destination": way.destination,
        "departs_at": way.departs_at and way.departs_at.isoformat(),
        "provisional": True,
    }
    return change_log.Entry(
        ChangeKind.ROUTE_SAVED, season=season, organizer=way.organizer, route_id=route_id, facts=facts
    )
