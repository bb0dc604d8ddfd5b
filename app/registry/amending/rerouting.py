"""Moving people to another route of the same organizer, direction and service.

The seat there is taken and the seat here is given back in one transaction, under the locks of both routes: the CHECK
`taken <= quota` holds the rule. The ways of a trip, and a motorcycle and its rider, are judged again by the cities that
they will have. Moves of one person are judged together first, so that a whole trip can go to another city. Lap infants
are moved last, each to a route where somebody of its booking has a seat. A list says where its people are already: its
infants are moved, and whoever is left alone is told of.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import (
    DestinationMismatch,
    InvalidValue,
    NikInvalid,
    NotFound,
    NotYours,
    QuotaFull,
    Raced,
    Refusal,
    ReturnCityMismatch,
    RouteDeparted,
    RouteUnknown,
    SeasonClosed,
    refused_by,
    refuses,
)
from app.models.enums import ChangeKind
from app.models.statuses import SEAT_HOLDERS, YET_TO_DEPART
from app.registry import change_log
from app.registry.amending import people
from app.registry.amending.people import Seated
from app.registry.caller import Caller
from app.registry.registrants import lookup, opening, view
from app.registry.registrants.view import View
from app.registry.routes import holders, lap_infants, laps, quota
from app.registry.routes import route as routes
from app.registry.routes.lap_infants import BookingKey
from app.registry.routes.laps import Lap, Laps
from app.registry.routes.quota import Seats
from app.registry.routes.route import Route
from app.server.slices import each, sliced
from app.sql import Arrays, statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Reroute:
    """A registrant, and the route that it is to be moved to."""

    id: UUID
    route_id: UUID
    caller: Caller


@dataclass(slots=True, kw_only=True)
class ReroutingGround:
    """What moves are judged against. It changes with each move that is taken."""

    vault: Vault
    now: datetime
    seats: Mapping[UUID, Seats]
    routes: Mapping[UUID, Route]
    people: Mapping[UUID, Seated]
    """All that the people hold with their organizers: both ways, and the motorcycles."""
    moved: dict[UUID, UUID] = field(default_factory=dict)
    """By registrant: the route that it came from."""
    callers: dict[UUID, Caller] = field(default_factory=dict)
    laps: Laps | None = None
    """Where lap infants may be moved to. None: anywhere."""
    by_person: dict[object, list[Seated]] = field(default_factory=lambda: defaultdict(list))
    """The same people: each is asked for, and all of them looked through would be a million looks."""

    def __post_init__(self) -> None:
        for row in self.people.values():
            self.by_person[row.person].append(row)

    def of_person(self, one: Seated) -> list[Seated]:
        return self.by_person[one.person]


class _ReroutedRegistrant(NamedTuple):
    id: UUID
    route_id: UUID
    outbound_id: UUID | None


_ROUTES_OF = statement("SELECT route_id FROM registrant WHERE id = ANY(CAST(:ids AS uuid[]))", UUID)
_MOVED = Arrays("moved", _ReroutedRegistrant)
_UPDATE = statement(
    f"""
    UPDATE registrant r SET route_id = moved.route_id, outbound_id = moved.outbound_id
    FROM {_MOVED} WHERE r.id = moved.id
    """
)


@refuses(
    SeasonClosed,
    QuotaFull,
    RouteUnknown,
    RouteDeparted,
    ReturnCityMismatch,
    DestinationMismatch,
    NotFound,
    NotYours,
    InvalidValue,
)
async def take(session: Session, moves: Sequence[Reroute], ground: ReroutingGround) -> list[Seated | Refusal]:
    """Move people who are locked. Raises `Raced`."""
    verdicts: dict[int, Seated | Refusal] = {}
    async for places in sliced(_by_person(moves, ground)):
        verdicts |= _take(places, moves, ground)
    await _write(session, ground)
    return [verdicts[place] for place in range(len(moves))]


@refuses(*refused_by(take))
async def reroute(session: Session, vault: Vault, moves: Sequence[Reroute], now: datetime) -> list[Seated | Refusal]:
    """Move people, each judged against what the ones before it left. Raises `Raced`."""
    ground = await lock(session, vault, moves, now)
    infants = _infants(moves, ground)
    verdicts = await _take_some(session, moves, [place for place in range(len(moves)) if place not in infants], ground)
    if infants:
        rows = (ground.people[moves[place].id] for place in infants)
        bookings = {BookingKey(row.season, row.organizer, row.reference) for row in rows if row.reference is not None}
        ground.laps = await laps.read(session, bookings, ())
        verdicts |= await _take_some(session, moves, sorted(infants), ground)
    return [verdicts[place] for place in range(len(moves))]


async def _take_some(
    session: Session, moves: Sequence[Reroute], places: Sequence[int], ground: ReroutingGround
) -> dict[int, Seated | Refusal]:
    return dict(zip(places, await take(session, [moves[place] for place in places], ground), strict=True))


def _infants(moves: Sequence[Reroute], ground: ReroutingGround) -> set[int]:
    """The places of the moves of people who travel on a lap. Between the ways of a trip an infant may turn two."""
    return {
        place
        for place, one in enumerate(moves)
        if (row := ground.people.get(one.id)) is not None and any(other.lap_infant for other in ground.of_person(row))
    }


@refuses(NikInvalid, *refused_by(reroute))
async def move(
    session: Session, vault: Vault, caller: Caller, wanted: Sequence[tuple[lookup.Ref, UUID]], now: datetime
) -> list[View | Refusal]:
    """Move registrants of one's own. Run it through `Database.attempt`."""
    found = await lookup.resolve(session, vault, caller, [ref for ref, _ in wanted], now, everyone=False)
    moves = [
        Reroute(id=one, route_id=route_id, caller=caller)
        for one, (_, route_id) in zip(found, wanted, strict=True)
        if isinstance(one, UUID)
    ]
    taken = iter(await reroute(session, vault, moves, now) if moves else [])
    verdicts = [next(taken) if isinstance(one, UUID) else one for one in found]
    return await each(lambda one: one if isinstance(one, Refusal) else view.from_row(one, vault, caller), verdicts)


async def lock(
    session: Session, vault: Vault, moves: Sequence[Reroute], now: datetime, *, also: Collection[UUID] = ()
) -> ReroutingGround:
    """Lock the routes where people are and those they are to go to, then the people with all that they hold.

    `also` are registrants who are not moved, and need to be locked. Raises `Raced` when somebody was moved, or came,
    before the locks.
    """
    ids, wanted = {*(one.id for one in moves), *also}, {one.route_id for one in moves}
    standing = {one.id for one in await routes.by_ids(session, list(wanted), now) if one is not None}
    seats = await quota.lock(session, standing | set(await session.rows(_ROUTES_OF, ids=list(ids))), now)
    found_people = await people.lock(session, ids)
    if any(found_people[one].route_id not in seats for one in ids if one in found_people):
        raise Raced
    needed = {row.route_id for row in found_people.values()} | standing
    found = {one.id: one for one in await routes.by_ids(session, list(needed), now) if one is not None}
    return ReroutingGround(vault=vault, now=now, seats=seats, routes=found, people=found_people)


# --- judging ----------------------------------------------------------------------------------------------------------


def _by_person(moves: Sequence[Reroute], ground: ReroutingGround) -> list[list[int]]:
    """The places of the moves of each person."""
    places: dict[object, list[int]] = defaultdict(list)
    for place, one in enumerate(moves):
        person = ground.people.get(one.id)
        places[place if person is None else person.person].append(place)
    return list(places.values())


def _take(places: Sequence[int], moves: Sequence[Reroute], ground: ReroutingGround) -> dict[int, Seated | Refusal]:
    """All of one person's moves, if they fit together. Else each alone."""
    together = [moves[place] for place in places]
    apart = len({one.id for one in together}) < len(together) or _judge(together, ground) is not None
    verdicts: dict[int, Seated | Refusal] = {}
    for group in [[place] for place in places] if apart else [list(places)]:
        asked = [moves[place] for place in group]
        refused = _judge(asked, ground) if apart else None
        if refused is None:
            _apply(asked, ground)
        verdicts |= {place: refused or ground.people[moves[place].id] for place in group}
    return verdicts


def _judge(moves: Sequence[Reroute], ground: ReroutingGround) -> Refusal | None:
    for one in moves:
        refused = _judge_alone(one, ground)
        if refused is not None:
            return refused
    where = {one.id: ground.routes[one.route_id] for one in moves}
    for one in moves:
        refused = _judge_cities(ground.people[one.id], where, ground) or _judge_seat(one, ground)
        if refused is not None:
            return refused
    return None


def _judge_alone(one: Reroute, ground: ReroutingGround) -> Refusal | None:
    row, route = ground.people.get(one.id), ground.routes.get(one.route_id)
    if row is None:
        return NotFound("ref")
    if route is None:
        return RouteUnknown("routeId")
    if row.season_closed_at is not None:
        return SeasonClosed("ref", season=row.season)
    if route.organizer not in {row.organizer, one.caller.organizer}:
        return NotYours("routeId")
    if (route.season, route.direction, route.service) != (row.season, row.direction, row.service):
        return InvalidValue(
            "routeId",
            "Rute itu harus dari periode, arah dan layanan yang sama.",
            "That route must have the same season, direction and service.",
        )
    if row.route_id == route.id:
        return None
    if row.status not in YET_TO_DEPART:
        return InvalidValue(
            "ref",
            "Pendaftaran ini sudah berangkat atau berakhir, jadi rutenya tetap.",
            "This registration has departed or ended, so its route stays.",
        )
    return holders.judge_departed(route.departs_at, ground.now, "routeId") or _judge_lap(row, route, ground)


def _judge_lap(row: Seated, route: Route, ground: ReroutingGround) -> InvalidValue | None:
    """An infant that is two by the new departure needs a seat, and until then somebody who has a seat there."""
    if not row.lap_infant or row.nik_sealed is None:
        return None
    refused = lap_infants.judge_age(opening.born_on(row.nik_sealed, ground.vault), route.departs_at)
    if refused is not None:
        return replace(refused, field="routeId")
    if ground.laps is None:
        return None
    return ground.laps.judge(Lap(row.organizer, row.reference, route.id), laps.ALONE_WHEN_MOVED)


def _judge_seat(one: Reroute, ground: ReroutingGround) -> QuotaFull | None:
    row = ground.people[one.id]
    stays = row.route_id == one.route_id or not row.seats
    return None if stays else quota.judge(ground.seats[one.route_id], "routeId")


def _judge_cities(row: Seated, where: Mapping[UUID, Route], ground: ReroutingGround) -> Refusal | None:
    """Whether the trip of `row` stays whole when its registrants have the routes of `where`."""
    route = where[row.id]
    if route.id == row.route_id:
        return None
    for other in ground.of_person(row):
        if other.status not in SEAT_HOLDERS:
            continue
        its = where.get(other.id) or ground.routes[other.route_id]
        refused = people.judge_pair(row, route, other, its, "routeId")
        if refused is not None:
            return refused
    return None


# --- writing ----------------------------------------------------------------------------------------------------------


def _apply(moves: Iterable[Reroute], ground: ReroutingGround) -> None:
    for one in moves:
        row = ground.people[one.id]
        if row.route_id != one.route_id:
            ground.seats[row.route_id].taken -= row.seats
            ground.seats[one.route_id].taken += row.seats
            ground.moved.setdefault(row.id, row.route_id)
            ground.callers[row.id] = one.caller
            row.route_id = one.route_id
    for one in moves:
        _part(ground.of_person(ground.people[one.id]), ground)


def _part(held: Sequence[Seated], ground: ReroutingGround) -> None:
    """Where the policy lets a return go from another city, it is no longer the return of that outbound."""
    by_id = {row.id: row for row in held}
    for row in held:
        home = None if row.outbound_id is None else by_id.get(row.outbound_id)
        if home is not None and not people.leaves_from(ground.routes[row.route_id], ground.routes[home.route_id]):
            row.outbound_id = None


async def _write(session: Session, ground: ReroutingGround) -> None:
    moved = {one: old for one, old in ground.moved.items() if ground.people[one].route_id != old}
    if not moved:
        return
    persons = {row.person for row in (ground.people[one] for one in moved)}
    rows = [
        _ReroutedRegistrant(row.id, row.route_id, row.outbound_id)
        for row in ground.people.values()
        if row.person in persons
    ]
    await session.run(_UPDATE, **_MOVED.of(rows))
    seated = [one for one in moved if ground.people[one].seats]
    seats = Counter(ground.people[one].route_id for one in seated)
    seats.subtract(moved[one] for one in seated)
    # Seats are given back first. Otherwise a route could look full halfway, although it is not full at the end.
    entries = [_told(ground.people[one], old, ground.callers[one]) for one, old in moved.items()]
    freed = {route: -seats_ for route, seats_ in seats.items() if seats_ < 0}
    taken = {route: seats_ for route, seats_ in seats.items() if seats_ > 0}
    entries += await quota.give_back(session, freed, ground.seats) if freed else []
    entries += await quota.take(session, taken, ground.seats) if taken else []
    await change_log.append(session, entries, ground.now)
    ground.moved.clear()


def _told(row: Seated, old: UUID, caller: Caller) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.REGISTRANT_REROUTED,
        season=row.season,
        organizer=row.organizer,
        registrant_id=row.id,
        route_id=row.route_id,
        from_status=row.status,
        to_status=row.status,
        client_id=caller.client_id,
        facts={"from_route": str(old)},
    )
