"""Declaring routes, a batch at once: the same route again is the same route. The key is the index `uq_route_natural`.

Direction, service, season and organizer of a route that has registrants stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, RouteUnknown, SeasonClosed
from app.models.enums import ChangeKind, Direction, Mode, Service
from app.registry import change_log
from app.registry.caller import Caller, organizer_of
from app.registry.routes import quota, quota_releases, route, terminals
from app.registry.routes.quota import Seats
from app.registry.routes.quota_releases import Release
from app.registry.routes.route import Route
from app.registry.terms import seasons
from app.registry.terms.seasons import Season
from app.registry.values import spellings
from app.registry.values.texts import line


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


@dataclass(frozen=True, slots=True)
class Declared:
    """A route's row."""

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
    """Made from a feed; saving it declares it."""

    @property
    def natural_key(self) -> tuple[object, ...]:
        return (*self.pinned, self.name, self.origin, self.destination, self.departs_at)

    @property
    def pinned(self) -> tuple[object, ...]:
        """What cannot change any more once somebody is registered."""
        return (self.season, self.organizer, self.direction, self.service)


@dataclass(slots=True)
class Table:
    """The routes that a batch is about, as they are while its items are judged one after the other."""

    seasons: dict[int, Season]
    terminals: frozenset[str]
    before: dict[UUID, Declared]
    seats: dict[UUID, Seats]
    used: frozenset[UUID]
    """Those that have registrants."""
    after: dict[UUID, Declared]
    keys: dict[tuple[object, ...], UUID]
    totals: dict[UUID, int] = field(default_factory=dict)
    """The quotas that change."""


_ORGANIZERS = text(
    """
    SELECT code FROM organizer
    WHERE code = ANY(CAST(:owned AS text[]))
      AND (code = ANY(CAST(:named AS text[]))
           OR code IN (SELECT organizer_code FROM route WHERE id = ANY(CAST(:ids AS uuid[]))))
    ORDER BY code FOR NO KEY UPDATE
    """
)
_ROUTES = text(
    """
    SELECT id, season, organizer_code, name, direction, service, mode, origin_code, destination_code, departs_at,
           provisional
    FROM route
    WHERE merged_into IS NULL
      AND (id = ANY(CAST(:ids AS uuid[]))
           OR (organizer_code = ANY(CAST(:organizers AS text[])) AND name = ANY(CAST(:names AS text[]))))
    """
)
_USED = text(
    """
    SELECT given.id FROM unnest(CAST(:ids AS uuid[])) AS given (id)
    WHERE EXISTS (SELECT FROM registrant WHERE registrant.route_id = given.id)
    """
)
_COLUMNS = """
    unnest(CAST(:id AS uuid[]), CAST(:season AS int[]), CAST(:organizer AS text[]), CAST(:name AS text[]),
           CAST(:direction AS text[]), CAST(:service AS text[]), CAST(:mode AS text[]), CAST(:origin AS text[]),
           CAST(:destination AS text[]), CAST(:departs_at AS timestamptz[]), CAST(:name_key AS text[]))
    AS given (id, season, organizer, name, direction, service, mode, origin, destination, departs_at, name_key)
"""
_INSERT = text(
    f"""
    INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code, destination_code,
                       departs_at, name_key)
    SELECT given.* FROM {_COLUMNS}
    """
)
_UPDATE = text(
    f"""
    UPDATE route SET season = given.season, organizer_code = given.organizer, name = given.name,
                     direction = given.direction, service = given.service, mode = given.mode,
                     origin_code = given.origin, destination_code = given.destination, departs_at = given.departs_at,
                     name_key = given.name_key, provisional = FALSE
    FROM {_COLUMNS} WHERE route.id = given.id
    """
)


async def save(session: Session, caller: Caller, inputs: Sequence[RouteInput], now: datetime) -> list[Route | Refusal]:
    """Declare or change routes: a verdict each, in order; among equal keys the later one stands.

    Refused: `InvalidValue`, `RouteUnknown`, `NotYours`, `NotFound` (season), `SeasonClosed`, `QuotaBelowTaken`.
    """
    tidied = [_tidy(given) for given in inputs]
    table = await _read(session, caller, [given for given in tidied if isinstance(given, RouteInput)], now)
    verdicts = [given if isinstance(given, Refusal) else _place(table, caller, given) for given in tidied]
    await _write(session, caller, table, now)
    ids = [verdict for verdict in verdicts if isinstance(verdict, UUID)]
    saved = dict(zip(ids, await route.by_ids(session, ids, now), strict=True))
    return [verdict if isinstance(verdict, Refusal) else saved[verdict] or RouteUnknown("id") for verdict in verdicts]


def _tidy(given: RouteInput) -> RouteInput | InvalidValue:
    """What can be judged without the database."""
    name = line("name", given.name, most=200)
    if isinstance(name, InvalidValue):
        return name
    for column, vocabulary in (("direction", Direction), ("service", Service), ("mode", Mode)):
        if getattr(given, column) not in tuple(vocabulary):
            return InvalidValue(column, "Nilai tidak dikenal.", "Not a known value.")
    if given.departs_at is not None and given.departs_at.tzinfo is None:
        return InvalidValue("departsAt", "Waktu harus menyebut zonanya.", "The time must name its zone.")
    if given.quota is not None and given.quota < 0:
        return InvalidValue("quota", "Kuota tidak boleh negatif.", "A quota cannot be negative.")
    if given.origin == given.destination:
        return InvalidValue("destination", "Tujuan sama dengan asal.", "The destination is the origin.")
    return replace(given, name=name)


async def _read(session: Session, caller: Caller, inputs: Sequence[RouteInput], now: datetime) -> Table:
    ids = [given.id for given in inputs if given.id is not None]
    named = [given.organizer or caller.organizer for given in inputs]
    # Saves of one organizer go one after the other, so no other one can take a natural key before this one writes it.
    locked = await session.execute(_ORGANIZERS, {"owned": list(caller.organizers), "named": named, "ids": ids})
    names = [given.name for given in inputs]
    found = await session.execute(_ROUTES, {"ids": ids, "organizers": list(locked.scalars()), "names": names})
    before = {row.id: Declared(*row) for row in found}
    places = {place for given in inputs for place in (given.origin, given.destination)}
    return Table(
        seasons={season.year: season for season in await seasons.all_of(session)},
        terminals=frozenset(one.code for one in await terminals.by_codes(session, list(places)) if one),
        before=before,
        seats=await quota.lock(session, [one.id for one in before.values() if caller.owns(one.organizer)], now),
        used=frozenset((await session.execute(_USED, {"ids": list(before)})).scalars()),
        after=dict(before),
        keys={declared.natural_key: declared.id for declared in before.values()},
    )


def _place(table: Table, caller: Caller, given: RouteInput) -> UUID | Refusal:
    """Put one item into the table: the id of its route, or why not."""
    named = None if given.id is None else table.after.get(given.id)
    if named is None and given.id is not None:
        return RouteUnknown("id")
    wanted = _wanted(table, caller, given, named)
    if isinstance(wanted, Refusal):
        return wanted
    standing = table.before.get(wanted.id)
    if standing is not None and wanted.id in table.used and wanted.pinned != standing.pinned:
        return InvalidValue("id", "Rute ini sudah punya pendaftar.", "This route has registrants already.")
    total = _total(table, wanted.id, given.quota)
    if isinstance(total, Refusal):
        return total
    table.after[wanted.id] = wanted
    table.keys[wanted.natural_key] = wanted.id
    if total is not None:
        table.totals[wanted.id] = total
    return wanted.id


def _wanted(table: Table, caller: Caller, given: RouteInput, named: Declared | None) -> Declared | Refusal:
    """The row that an item asks for."""
    if named is not None and not caller.owns(named.organizer):
        return NotYours("id")
    organizer = organizer_of(caller, given.organizer or (None if named is None else named.organizer))
    if isinstance(organizer, Refusal):
        return NotYours("organizer")
    season = _season(table, given, named)
    if isinstance(season, Refusal):
        return season
    for column in ("origin", "destination"):
        if getattr(given, column) not in table.terminals:
            return InvalidValue(column, "Terminal tidak dikenal.", "There is no such terminal.")
    wanted = Declared(
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
    return _only_one(table, wanted, named)


def _only_one(table: Table, wanted: Declared, named: Declared | None) -> Declared | InvalidValue:
    """`wanted`, as the route that has its natural key already, if there is one."""
    twin = table.keys.get(wanted.natural_key)
    if twin is None or twin == wanted.id:
        return wanted
    # A key that this batch freed can be given away by the next: a statement changes its rows in no particular order.
    if named is not None or table.after[twin].natural_key != wanted.natural_key:
        return InvalidValue("name", "Rute yang sama sudah ada.", "There is the same route already.")
    return replace(wanted, id=twin)


def _season(table: Table, given: RouteInput, named: Declared | None) -> int | NotFound | SeasonClosed:
    open_ones = [year for year, season in table.seasons.items() if season.closed_at is None]
    if named is not None and named.season not in open_ones:
        return SeasonClosed("id", season=named.season)
    if given.season is None:
        return named.season if named is not None else max(open_ones, default=None) or NotFound("season")
    if given.season in open_ones:
        return given.season
    return SeasonClosed("season", season=given.season) if given.season in table.seasons else NotFound("season")


def _total(table: Table, route_id: UUID, wanted: int | None) -> int | Refusal | None:
    if wanted is None:
        return None
    held = table.seats.get(route_id) or Seats(season=0, organizer="", quota=None, taken=0)
    return quota_releases.judge(held, wanted, field="quota")


async def _write(session: Session, caller: Caller, table: Table, now: datetime) -> None:
    new = [declared for route_id, declared in table.after.items() if route_id not in table.before]
    changed = [declared for route_id, declared in table.before.items() if table.after[route_id] != declared]
    changed = [table.after[declared.id] for declared in changed]
    await session.execute(_INSERT, _columns(new))
    await session.execute(_UPDATE, _columns(changed))
    await change_log.append(session, [_entry(caller, declared) for declared in (*new, *changed)], now)
    releases = list(_releases(table, now))
    if releases:
        await quota_releases.put_in(session, caller, releases, now)


def _releases(table: Table, now: datetime) -> Iterable[Release]:
    for route_id, total in table.totals.items():
        declared, held = table.after[route_id], table.seats.get(route_id)
        released = None if held is None else held.quota
        if total != released:
            yield Release(
                route_id=route_id,
                season=declared.season,
                organizer=declared.organizer,
                seats=total - (released or 0),
                due_at=now,
                total=total,
            )


def _columns(routes: Sequence[Declared]) -> dict[str, object]:
    columns = {one.name: [getattr(declared, one.name) for declared in routes] for one in fields(Declared)}
    del columns["provisional"]
    return {**columns, "name_key": [spellings.of_route(declared.name) for declared in routes]}


def _entry(caller: Caller, declared: Declared) -> change_log.Entry:
    departs_at = declared.departs_at and declared.departs_at.isoformat()
    return change_log.Entry(
        ChangeKind.ROUTE_SAVED,
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
