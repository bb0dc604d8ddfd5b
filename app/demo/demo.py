"""The demo season: S1's table, moved so that every window is open today, with people who do not exist (`people`).

The season is lived through day by day by the real use cases (`life`), in one transaction: the whole demo is there, or
nothing of it. Making the demo again only opens the windows that have closed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from app.clock import start_of_wib_day, wib_day
from app.db import Database, Session
from app.demo import life
from app.demo.catalogue import MEMBERS, POLICIES, TABLE, TERMINALS, TRIPS, Trip
from app.demo.life import Life
from app.errors import InvalidValue, accepted
from app.registry.caller import Caller
from app.registry.routes import quota_releases, saving, terminals
from app.registry.routes.saving import RouteInput
from app.registry.terms import organizers, season_file, seasons, windows
from app.registry.terms.organizers import OrganizerInput
from app.registry.terms.policy import HUBDAT
from app.registry.terms.season_file import OrganizerRow
from app.sql import statement
from app.vault.vault import Vault

Progress = Callable[[int, int], None]

DAYS = 10
"""For how many days people have been registering."""
SEASON_GOES_ON_FOR = timedelta(days=45)
RELEASED_AT = timedelta(hours=8)
"""The time of day at which more seats of a daily quota are released."""
STAY = timedelta(days=8)
"""The time between the trip home and the trip back."""
ROWS = season_file.parse(TABLE)[0]
EVERYBODY = Caller(None, HUBDAT, frozenset({*(row.code for row in ROWS), *(member.code for member in MEMBERS)}))

# Two servers that start together make one demo, and the second one waits for the first. That may take longer on a slow
# machine than anybody waits for a lock otherwise.
_PATIENCE = statement(
    "SELECT set_config(name, '10min', true) FROM unnest(ARRAY['lock_timeout', 'statement_timeout']) AS name"
)
# The number may be any; it only has to be the same in every process.
_ONE_MAKER = statement("SELECT pg_advisory_xact_lock(7045443)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    season: int
    organizers: tuple[str, ...]
    routes: int = 0
    registrants: int = 0
    """How many were made now. 0: the demo was there already."""
    refused: int = 0
    """Submissions: duplicates, and those that came when a route was full."""


async def create(
    database: Database, vault: Vault, now: datetime, progress: Progress = lambda _done, _total: None
) -> Demo | InvalidValue:
    """Make the demo season of this year. Refused: `InvalidValue` when the year has a season that is not a demo."""
    return await database.attempt(partial(_create, vault=vault, now=now, progress=progress))


async def is_there(session: Session) -> bool:
    """Whether this database has, or had, a demo season: no other season has the two invented organizers."""
    return None not in await organizers.by_codes(session, [member.code for member in MEMBERS], season=0)


async def _create(session: Session, *, vault: Vault, now: datetime, progress: Progress) -> Demo | InvalidValue:
    await session.run(_PATIENCE)
    await session.run(_ONE_MAKER)
    today = wib_day(now)
    season = today.year
    if await seasons.find(session, season) is not None:
        return await _reopen(session, season, now)
    began = start_of_wib_day(today - timedelta(days=DAYS))
    await _catalogue(session, season, today, began)
    offered = await _offer(session, season, today, began)
    lived = Life(
        session=session,
        vault=vault,
        caller=EVERYBODY,
        now=now,
        offered=offered,
        opening_days=opening_days(),
    )
    registrants, refused = await life.live(lived, progress)
    routes = sum(map(len, offered.values()))
    return Demo(season=season, organizers=_codes(), routes=routes, registrants=registrants, refused=refused)


async def _reopen(session: Session, season: int, now: datetime) -> Demo | InvalidValue:
    in_force = await windows.of(session, season, _codes())
    if not in_force[MEMBERS[0].code]:
        return InvalidValue(
            "season",
            f"Periode {season} sudah ada dan bukan periode contoh; buat contoh pada basis data lain.",
            f"Season {season} is there and is not a demo; make the demo in another database.",
        )
    for row in all_rows():
        if windows.judge(in_force[row.code], now) is not None:
            await _open_windows(session, row, season, wib_day(now), now)
    return Demo(season=season, organizers=_codes())


async def _catalogue(session: Session, season: int, today: date, began: datetime) -> None:
    ends_on = min(today + SEASON_GOES_ON_FOR, date(season, 12, 31))
    accepted(await seasons.save(session, EVERYBODY, season, ends_on, began))
    there = {organizer.code: organizer.name for organizer in await organizers.all_of(session, season)}
    table = [OrganizerInput(code=row.code, name=row.name, schemes=row.schemes) for row in ROWS]
    for given in (*table, *MEMBERS):
        code = given.code
        kept = OrganizerInput(code=code, name=there[code]) if code in there else given
        accepted(await organizers.save(session, EVERYBODY, replace(kept, policy=POLICIES.get(code)), season, began))
    for row in all_rows():
        await _open_windows(session, row, season, today, began)
    known = await terminals.by_codes(session, [terminal.code for terminal in TERMINALS])
    missing = [terminal for terminal, found in zip(TERMINALS, known, strict=True) if found is None]
    for saved in await terminals.save(session, EVERYBODY, missing, began, admin=True):
        accepted(saved)


async def _offer(session: Session, season: int, today: date, began: datetime) -> dict[Trip, tuple[UUID, ...]]:
    """The ids of each trip's routes: home, and back if there is a way back."""
    places = {terminal.code: terminal for terminal in TERMINALS}
    inputs = [_route(trip, direction, name, season, today) for trip in TRIPS for direction, name in trip.names(places)]
    saved = iter([accepted(route).id for route in await saving.save(session, EVERYBODY, inputs, began)])
    offered = {trip: tuple(next(saved) for _ in trip.names(places)) for trip in TRIPS}
    for trip, (home, *_) in offered.items():
        for days in range(DAYS // 2 if trip.daily else 0):
            at = start_of_wib_day(today + timedelta(days=days)) + RELEASED_AT
            accepted(await quota_releases.release(session, EVERYBODY, home, trip.daily, at, began))
    return offered


def _route(trip: Trip, direction: str, name: str, season: int, today: date) -> RouteInput:
    leaves = start_of_wib_day(today + timedelta(days=trip.day)) + life.DEPARTS
    home = direction == "MUDIK"
    origin, destination = trip.ends if home else reversed(trip.ends)
    return RouteInput(
        name=name,
        direction=direction,
        service=trip.service,
        mode=trip.mode,
        origin=origin,
        destination=destination,
        departs_at=leaves if home else leaves + STAY,
        quota=trip.quota if home else trip.back,
        season=season,
        organizer=trip.organizer,
    )


async def _open_windows(session: Session, row: OrganizerRow, season: int, today: date, now: datetime) -> None:
    """Windows as long as in the table, opened `opening_days` ago. A window that is in force already is amended."""
    moved = _moved(row, today)
    in_force = (await windows.of(session, season, [row.code]))[row.code]
    standing = {window.kind: window.id for window in in_force}
    for given in season_file.windows_of(moved):
        amending = replace(given, amends=standing.get(given.kind))
        refusal = await windows.save(session, EVERYBODY, amending, season, now)
        assert refusal is None, refusal  # noqa: S101 - the table is ours


def _moved(row: OrganizerRow, today: date) -> OrganizerRow:
    assert row.registration is not None  # noqa: S101 - the table is ours
    opens, closes = row.registration
    shift = today - timedelta(days=_open_for(row)) - opens
    verification = None if row.verification is None else (row.verification[0] + shift, row.verification[1] + shift)
    registration = (opens + shift, None if closes is None else closes + shift)
    return replace(row, registration=registration, verification=verification)


def _open_for(row: OrganizerRow) -> int:
    """For how many days a window has been open today: half its length, so that it stays open as long again."""
    assert row.registration is not None  # noqa: S101 - the table is ours
    opens, closes = row.registration
    return DAYS if closes is None else min(DAYS, (closes - opens).days // 2)


def opening_days() -> dict[str, int]:
    """The day on which each organizer opens, counted from today: 0 or negative."""
    return {row.code: -_open_for(row) for row in all_rows()}


def all_rows() -> list[OrganizerRow]:
    """The members open when their coordinator does."""
    coordinator = next(row for row in ROWS if row.code == MEMBERS[0].coordinator)
    return [*ROWS, *(replace(coordinator, code=member.code, name=member.name or member.code) for member in MEMBERS)]


def _codes() -> tuple[str, ...]:
    return tuple(row.code for row in all_rows())
