"""Declaring routes, a batch at once. The same route again is the same route: its key is the index `uq_route_natural`.

Direction, service, season and organizer of a route that has registrants stay as they are. `holders` says what stays of
a route that people hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, QuotaBelowTaken, Refusal, RouteUnknown, SeasonClosed, refuses
from app.models.enums import ChangeKind, Direction, Mode, Service
from app.registry import change_log
from app.registry.caller import Caller, organizer_of
from app.registry.routes import holders, quota, quota_releases, route, terminals
from app.registry.routes.holders import Retimed
from app.registry.routes.quota import Seats
from app.registry.routes.quota_releases import Release
from app.registry.routes.route import Route
from app.registry.terms import season_bounds, seasons
from app.registry.terms.seasons import Season
from app.registry.values import spellings
from app.registry.values.texts import line
from app.sql import Arrays, statement

LONGEST_NAME = 200
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteInput:
    name: str
    direction: str
    service: str
    mode: str
    origin: str
    destination: str
    departs_at: datetime | None = None
    quota: int | None = None
    """How many seats there are to be by now, releases that are due included. None: as it is; not limited if new."""
    season: int | None = None
    """None: as it is; the current one if new."""
    organizer: str | None = None
    """None: as it is; the caller if new."""
    id: UUID | None = None
    """None: the route with the same natural key, or a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A route as it is stored, or as it is to be stored."""

    id: UUID
    season: int
    organizer: str
    name: str
    direction: str
    service: str
    mode: str
    origin: str
    destination: str
    departs_at: datetime | None
    provisional: bool = False
    """Made from a row that somebody sent in. Saving the route declares it."""

    @property
    def natural_key(self) -> tuple[object, ...]:
        return (*self.pinned, self.name, self.origin, self.destination, self.departs_at)

    @property
    def pinned(self) -> tuple[object, ...]:
        """What cannot change any more once somebody is registered."""
        return (self.season, self.organizer, self.direction, self.service)


@dataclass(slots=True, kw_only=True)
class RouteBatch:
    """The routes that a batch is about, as they are while its items are judged one after the other."""

    seasons: dict[int, Season]
    now: datetime
    cities: dict[str, str]
    """The city of each terminal, by the terminal's code."""
    before: dict[UUID, Declared]
    seats: dict[UUID, Seats]
    used: frozenset[UUID]
    """The routes that have registrants."""
    held: frozenset[UUID]
    """The routes that people hold."""
    after: dict[UUID, Declared]
    keys: dict[tuple[object, ...], UUID]
    """The routes of `after` by their natural keys."""
    totals: dict[UUID, int] = field(default_factory=dict)
    """The quotas that change."""


class _RouteToWrite(NamedTuple):
    id: UUID
    season: int
    organizer_code: str
    name: str
    name_key: str
    direction: str
    service: str
    mode: str
    origin_code: str
    destination_code: str
    departs_at: datetime | None


_ORGANIZERS = statement(
    """
    SELECT code FROM organizer
    WHERE code = ANY(CAST(:owned AS text[]))
      AND (code = ANY(CAST(:named AS text[]))
           OR code IN (SELECT organizer_code FROM route WHERE id = ANY(CAST(:ids AS uuid[]))))
    ORDER BY code FOR NO KEY UPDATE
    """,
    str,
)
_ROUTES = statement(
    """
    SELECT id, season, organizer_code AS organizer, name, direction, service, mode, origin_code AS origin,
           destination_code AS destination, departs_at, provisional
    FROM route
    WHERE merged_into IS NULL
      AND (id = ANY(CAST(:ids AS uuid[]))
           OR (organizer_code = ANY(CAST(:organizers AS text[])) AND name = ANY(CAST(:names AS text[]))))
    """,
    Declared,
)
_USED = statement(
    """
    SELECT given.id FROM unnest(CAST(:ids AS uuid[])) AS given (id)
    WHERE EXISTS (SELECT FROM registrant WHERE registrant.route_id = given.id)
    """,
    UUID,
)
_ROWS = Arrays("given", _RouteToWrite)
_COLUMNS = ", ".join(_RouteToWrite._fields)
_INSERT = statement(f"INSERT INTO route ({_COLUMNS}) SELECT {_COLUMNS} FROM {_ROWS}")
_CHANGES = ", ".join(f"{name} = given.{name}" for name in _RouteToWrite._fields if name != "id")
_UPDATE = statement(f"UPDATE route SET {_CHANGES}, provisional = FALSE FROM {_ROWS} WHERE route.id = given.id")


@refuses(SeasonClosed, QuotaBelowTaken, RouteUnknown, NotFound, NotYours, InvalidValue)
async def save(session: Session, caller: Caller, inputs: Sequence[RouteInput], now: datetime) -> list[Route | Refusal]:
    """Declare or change routes, with a verdict each, in order. Of items with equal keys the later one stands."""
    tidied = [_tidy(given) for given in inputs]
    batch = await _read(session, caller, [given for given in tidied if isinstance(given, RouteInput)], now)
    verdicts = [given if isinstance(given, Refusal) else _place(batch, caller, given) for given in tidied]
    await _write(session, caller, batch, now)
    ids = [verdict for verdict in verdicts if isinstance(verdict, UUID)]
    saved = dict(zip(ids, await route.by_ids(session, ids, now), strict=True))
    return [verdict if isinstance(verdict, Refusal) else saved[verdict] or RouteUnknown("id") for verdict in verdicts]


def _tidy(given: RouteInput) -> RouteInput | InvalidValue:
    """What can be judged without the database."""
    name = line("name", given.name, most=LONGEST_NAME)
    if isinstance(name, InvalidValue):
        return name
    for column, vocabulary in (("direction", Direction), ("service", Service), ("mode", Mode)):
        if getattr(given, column) not in tuple(vocabulary):
            return InvalidValue(column, "Nilai tidak dikenal.", "Not a known value.")
    if given.departs_at is not None and given.departs_at.tzinfo is None:
        return InvalidValue("departsAt", "Tulis zona waktunya, misalnya +07:00.", "The time must name its zone.")
    if given.quota is not None and given.quota < 0:
        return InvalidValue(
            "quota", "Kuota tidak boleh negatif; tulis 0 atau lebih.", "A quota cannot be negative; write 0 or more."
        )
    if given.origin == given.destination:
        return _leads_back()
    return replace(given, name=name)


def _leads_back() -> InvalidValue:
    return InvalidValue(
        "destination",
        "Tujuan sama dengan asal; pilih terminal lain.",
        "The destination is the origin; choose another terminal.",
    )


async def _read(session: Session, caller: Caller, inputs: Sequence[RouteInput], now: datetime) -> RouteBatch:
    ids = [given.id for given in inputs if given.id is not None]
    named = [given.organizer or caller.organizer for given in inputs]
    # Saves of one organizer go one after the other. So no other save can take a natural key before this save writes it.
    locked = await session.rows(_ORGANIZERS, owned=list(caller.organizers), named=named, ids=ids)
    names = [given.name for given in inputs]
    before = {one.id: one for one in await session.rows(_ROUTES, ids=ids, organizers=locked, names=names)}
    places = {place for given in inputs for place in (given.origin, given.destination)}
    places |= {place for one in before.values() for place in (one.origin, one.destination)}
    return RouteBatch(
        seasons={season.year: season for season in await seasons.all_of(session)},
        now=now,
        cities={one.code: one.city for one in await terminals.by_codes(session, list(places)) if one},
        before=before,
        seats=await quota.lock(session, [one.id for one in before.values() if caller.owns(one.organizer)], now),
        used=frozenset(await session.rows(_USED, ids=list(before))),
        held=await holders.among(session, before),
        after=dict(before),
        keys={declared.natural_key: declared.id for declared in before.values()},
    )


def _place(batch: RouteBatch, caller: Caller, given: RouteInput) -> UUID | Refusal:
    """Put one item into the batch: the id of its route, or why not."""
    named = None if given.id is None else batch.after.get(given.id)
    if named is None and given.id is not None:
        return RouteUnknown("id")
    wanted = _wanted(batch, caller, given, named)
    if isinstance(wanted, Refusal):
        return wanted
    standing = batch.before.get(wanted.id)
    refused = _judge_time(batch, standing, wanted) or _judge_change(batch, standing, wanted)
    if refused is not None:
        return refused
    total = _total(batch, wanted.id, given.quota)
    if isinstance(total, Refusal):
        return total
    batch.after[wanted.id] = wanted
    batch.keys[wanted.natural_key] = wanted.id
    if total is not None:
        batch.totals[wanted.id] = total
    return wanted.id


def _judge_time(batch: RouteBatch, standing: Declared | None, wanted: Declared) -> InvalidValue | None:
    if standing is not None and standing.departs_at == wanted.departs_at:
        return None
    new = season_bounds.judge_new(wanted.departs_at, batch.now) if standing is None else None
    return new or season_bounds.judge_departure(wanted.departs_at, batch.seasons[wanted.season].ends_on, "departsAt")


def _judge_change(batch: RouteBatch, standing: Declared | None, wanted: Declared) -> InvalidValue | None:
    """Whether a route may become what is wanted."""
    if standing is None:
        return None
    if wanted.id in batch.used and wanted.pinned != standing.pinned:
        return InvalidValue(
            "id",
            "Rute ini sudah punya pendaftar; buat rute baru.",
            "This route has registrants already; declare a new one.",
        )
    if wanted.id in batch.held:
        for end in ("origin", "destination"):
            before, after = batch.cities[getattr(standing, end)], batch.cities[getattr(wanted, end)]
            refused = holders.judge_city(before, after, end)
            if refused is not None:
                return refused
    return holders.judge_time(standing.departs_at, wanted.departs_at, batch.now)


def _wanted(batch: RouteBatch, caller: Caller, given: RouteInput, named: Declared | None) -> Declared | Refusal:
    """The row that an item asks for. `named` is the route whose id it tells."""
    if named is not None and not caller.owns(named.organizer):
        return NotYours("id")
    organizer = organizer_of(caller, given.organizer or (None if named is None else named.organizer))
    if isinstance(organizer, Refusal):
        return NotYours("organizer")
    season = _season(batch, given, named)
    if isinstance(season, Refusal):
        return season
    for column in ("origin", "destination"):
        if getattr(given, column) not in batch.cities:
            return terminals.unknown(column)
    return _only_one(batch, _declared(given, organizer, season, named), named)


def _declared(given: RouteInput, organizer: str, season: int, named: Declared | None) -> Declared:
    return Declared(
        id=uuid7() if named is None else named.id,
        season=season,
        organizer=organizer,
        name=given.name,
        direction=given.direction,
        service=given.service,
        mode=given.mode,
        origin=given.origin,
        destination=given.destination,
        departs_at=given.departs_at,
    )


def _only_one(batch: RouteBatch, wanted: Declared, named: Declared | None) -> Declared | InvalidValue:
    """`wanted`; under the id of the route that has its natural key already, if there is such a route."""
    twin = batch.keys.get(wanted.natural_key)
    if twin is None or twin == wanted.id:
        return wanted
    # A key that an item of this batch freed can be taken by the next batch only: a statement changes its rows in no
    # particular order, so the new owner might be written before the old one.
    if named is not None or batch.after[twin].natural_key != wanted.natural_key:
        return InvalidValue(
            "name", "Rute yang sama sudah ada; pakai rute itu.", "There is the same route already; use that one."
        )
    return replace(wanted, id=twin)


def _season(batch: RouteBatch, given: RouteInput, named: Declared | None) -> int | NotFound | SeasonClosed:
    open_ones = [year for year, season in batch.seasons.items() if season.closed_at is None]
    if named is not None and named.season not in open_ones:
        return SeasonClosed("id", season=named.season)
    if given.season is None:
        newest = max(open_ones, default=None) if named is None else named.season
        return newest or NotFound("season", what="openSeason")
    if given.season in open_ones:
        return given.season
    return SeasonClosed("season", season=given.season) if given.season in batch.seasons else NotFound("season")


def _total(batch: RouteBatch, route_id: UUID, wanted: int | None) -> int | Refusal | None:
    if wanted is None:
        return None
    held = batch.seats.get(route_id) or Seats(season=0, organizer="", quota=None, taken=0)
    return quota_releases.judge(held, wanted, field="quota")


async def _write(session: Session, caller: Caller, batch: RouteBatch, now: datetime) -> None:
    new = [declared for route_id, declared in batch.after.items() if route_id not in batch.before]
    changed = [batch.after[route_id] for route_id, before in batch.before.items() if batch.after[route_id] != before]
    await session.run(_INSERT, **_ROWS.of([_written(declared) for declared in new]))
    await session.run(_UPDATE, **_ROWS.of([_written(declared) for declared in changed]))
    await change_log.append(session, [_entry(caller, declared) for declared in (*new, *changed)], now)
    retimed = _retimed(batch)
    if retimed:
        await holders.tell(session, caller, retimed, now)
    releases = list(_releases(batch, now))
    if releases:
        await quota_releases.put_in(session, caller, releases, now)


def _retimed(batch: RouteBatch) -> dict[UUID, Retimed]:
    """The routes that people hold and that depart at another time now."""
    both = {route_id: (batch.before[route_id], batch.after[route_id]) for route_id in batch.held}
    return {
        route_id: Retimed(departs_at=after.departs_at, previous=before.departs_at)
        for route_id, (before, after) in both.items()
        if after.departs_at != before.departs_at
    }


def _releases(batch: RouteBatch, now: datetime) -> Iterable[Release]:
    for route_id, total in batch.totals.items():
        declared, held = batch.after[route_id], batch.seats.get(route_id)
        released = None if held is None else held.quota
        if total != released:
            yield Release(
                route_id=route_id,
                season=declared.season,
                organizer=declared.organizer,
                seats=total - (released or 0),
                due_at=now,
                before=released,
                total=total,
            )


def _written(declared: Declared) -> _RouteToWrite:
    return _RouteToWrite(
        id=declared.id,
        season=declared.season,
        organizer_code=declared.organizer,
        name=declared.name,
        name_key=spellings.of_route(declared.name),
        direction=declared.direction,
        service=declared.service,
        mode=declared.mode,
        origin_code=declared.origin,
        destination_code=declared.destination,
        departs_at=declared.departs_at,
    )


def _entry(caller: Caller, declared: Declared) -> change_log.Entry:
    departs_at = declared.departs_at and declared.departs_at.isoformat()
    return change_log.Entry(
        kind=ChangeKind.ROUTE_SAVED,
        season=declared.season,
        organizer=declared.organizer,
        route_id=declared.id,
        client_id=caller.client_id,
        facts={
            "name": declared.name,
            "mode": declared.mode,
            "origin": declared.origin,
            "destination": declared.destination,
            "departs_at": departs_at,
        },
    )
