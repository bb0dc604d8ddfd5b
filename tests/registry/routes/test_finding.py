"""Routes: declared in batches with a verdict each; a repeat is harmless; what has registrants stays where it is."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from app.errors import InvalidValue, NotFound, NotYours, QuotaBelowTaken, RouteUnknown, SeasonClosed
from app.registry.caller import Caller
from app.registry.routes import finding, saving, terminals
from app.registry.routes import route as routes
from app.registry.routes.finding import RouteFilter
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.routes.terminals import TerminalInput
from app.registry.terms import seasons
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
SOLO = RouteInput(
    name="Jakarta – Solo",
    direction="MUDIK",
    service="PASSENGER",
    mode="BUS",
    origin="pulo-gebang",
    destination="tirtonadi",
    departs_at=NOW + 14 * DAY,
    quota=3,
)


async def saved(world: World, caller: Caller, *inputs: RouteInput, now: datetime = NOW) -> list[Any]:
    async with world.database.transaction() as session:
        return list(await saving.save(session, caller, inputs, now))


async def one(world: World, caller: Caller, given: RouteInput) -> Any:
    (verdict,) = await saved(world, caller, given)
    return verdict


async def page(world: World, where: RouteFilter, after: UUID | None = None, first: int = 50) -> list[str]:
    async with world.database.transaction() as session:
        return [route.name for route in await finding.page(session, where, after=after, first=first, now=NOW)]


async def changes(world: World) -> list[str]:
    return [kind for (kind,) in await world.run("SELECT kind FROM change ORDER BY id")]


async def test_a_route_is_declared(world: World) -> None:
    route = await one(world, HUBDAT, replace(SOLO, name="  Jakarta  – Solo "))
    assert isinstance(route, Route)
    assert (route.season, route.organizer, route.organizer_name) == (2026, "hubdat", "HUBDAT")
    assert (route.name, route.direction, route.service, route.mode) == ("Jakarta – Solo", "MUDIK", "PASSENGER", "BUS")
    assert (route.origin.code, route.destination.code) == ("pulo-gebang", "tirtonadi")
    assert (route.quota, route.taken, route.remaining) == (3, 0, 3)
    assert route.departs_at == NOW + 14 * DAY
    assert route.report_by == NOW + 14 * DAY - timedelta(hours=1)
    assert route.handover_on is None
    assert await world.run("SELECT kind, season, organizer_code, route_id, client_id FROM change ORDER BY id") == [
        ("ROUTE_SAVED", 2026, "hubdat", route.id, "hubdat-test"),
        ("QUOTA_RELEASED", 2026, "hubdat", route.id, "hubdat-test"),
    ]


async def test_without_a_departure_and_a_quota(world: World) -> None:
    route = await one(world, HUBDAT, replace(SOLO, departs_at=None, quota=None))
    assert (route.departs_at, route.report_by, route.handover_on) == (None, None, None)
    assert (route.quota, route.remaining) == (None, None)
    assert await one(world, HUBDAT, replace(SOLO, departs_at=None, quota=None)) == route
    assert await world.count("route") == 1
    assert await world.count("quota_release") == 0


@pytest.mark.parametrize(
    ("departs_at", "handover_on"),
    [
        (datetime(2026, 3, 16, 16, 59, tzinfo=UTC), date(2026, 3, 15)),
        (datetime(2026, 3, 16, 17, 0, tzinfo=UTC), date(2026, 3, 16)),
        (None, None),
    ],
)
async def test_motorcycles_are_handed_over_on_the_day_before(
    world: World, departs_at: datetime | None, handover_on: date | None
) -> None:
    given = replace(SOLO, service="MOTORCYCLE", mode="TRUCK", departs_at=departs_at)
    assert (await one(world, HUBDAT, given)).handover_on == handover_on


async def test_the_same_again_changes_nothing(world: World) -> None:
    first = await one(world, HUBDAT, SOLO)
    assert await one(world, HUBDAT, SOLO) == first
    assert await one(world, HUBDAT, replace(SOLO, id=first.id, quota=None)) == first
    assert await saved(world, HUBDAT, SOLO, SOLO) == [first, first]
    assert await world.count("route") == 1
    assert await changes(world) == ["ROUTE_SAVED", "QUOTA_RELEASED"]


async def test_the_same_key_is_the_same_route(world: World) -> None:
    first = await one(world, HUBDAT, SOLO)
    changed = await one(world, HUBDAT, replace(SOLO, mode="SHIP", quota=5))
    assert (changed.id, changed.mode, changed.quota) == (first.id, "SHIP", 5)
    assert await world.run("SELECT seats FROM quota_release ORDER BY id") == [(3,), (2,)]
    other = await one(world, HUBDAT, replace(SOLO, departs_at=NOW + 15 * DAY))
    assert other.id != first.id


async def test_by_id_the_route_itself_changes(world: World) -> None:
    first = await one(world, HUBDAT, SOLO)
    given = replace(
        SOLO, id=first.id, name="Jakarta – Jogja", mode="TRAIN", destination="giwangan", departs_at=None, quota=None
    )
    changed = await one(world, HUBDAT, given)
    assert (changed.id, changed.name, changed.mode, changed.destination.code, changed.departs_at, changed.quota) == (
        first.id,
        "Jakarta – Jogja",
        "TRAIN",
        "giwangan",
        None,
        3,
    )
    assert await changes(world) == ["ROUTE_SAVED", "QUOTA_RELEASED", "ROUTE_SAVED"]


@pytest.mark.parametrize("change", [{"direction": "BALIK"}, {"service": "MOTORCYCLE"}, {"organizer": "bumn-satu"}])
async def test_what_has_registrants_keeps_its_kind(world: World, change: dict[str, Any]) -> None:
    route = await one(world, JASA_RAHARJA, SOLO)
    given = replace(SOLO, id=route.id, **change)
    free = await one(world, JASA_RAHARJA, given)
    assert {name: getattr(free, name) for name in change} == change
    await one(world, JASA_RAHARJA, replace(SOLO, id=route.id, organizer="jasa-raharja"))
    await world.registered(someone(JASA_RAHARJA, route.id))
    refusal = await one(world, JASA_RAHARJA, given)
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == "id"
    renamed = await one(world, JASA_RAHARJA, replace(SOLO, id=route.id, name="Solo"))
    assert (renamed.name, renamed.taken, renamed.remaining) == ("Solo", 1, 2)


async def test_another_routes_key_is_not_to_be_had(world: World) -> None:
    solo, jogja = await saved(world, HUBDAT, SOLO, replace(SOLO, name="Jogja"))
    refusal = await one(world, HUBDAT, replace(SOLO, id=jogja.id))
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == "name"
    renamed, too_early = await saved(world, HUBDAT, replace(SOLO, id=solo.id, name="Solo"), replace(SOLO, id=jogja.id))
    assert renamed.name == "Solo"
    assert isinstance(too_early, InvalidValue)
    assert (await one(world, HUBDAT, replace(SOLO, id=jogja.id))).name == SOLO.name


async def test_a_quota_is_never_below_what_is_taken(world: World) -> None:
    route = await one(world, HUBDAT, SOLO)
    for number in (1, 2):
        await world.registered(someone(HUBDAT, route.id, number))
    refusal = await one(world, HUBDAT, replace(SOLO, quota=1))
    assert isinstance(refusal, QuotaBelowTaken)
    assert (refusal.field, refusal.taken) == ("quota", 2)
    lowered = await one(world, HUBDAT, replace(SOLO, quota=2))
    assert (lowered.quota, lowered.taken, lowered.remaining) == (2, 2, 0)
    assert await world.run("SELECT seats FROM quota_release ORDER BY id") == [(3,), (-1,)]


async def test_a_quota_of_nothing(world: World) -> None:
    route = await one(world, HUBDAT, replace(SOLO, quota=0))
    assert (route.quota, route.remaining) == (0, 0)
    assert await world.count("quota_release") == 0
    assert (await one(world, HUBDAT, replace(SOLO, quota=2))).quota == 2


async def test_within_a_batch_the_later_quota_stands(world: World) -> None:
    first, second = await saved(world, HUBDAT, SOLO, replace(SOLO, quota=9))
    assert first == second
    assert first.quota == 9
    assert await world.run("SELECT seats FROM quota_release") == [(9,)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"direction": "OUT"}, "direction"),
        ({"service": "CAR"}, "service"),
        ({"mode": "PLANE"}, "mode"),
        ({"departs_at": datetime(2026, 3, 16, 9, 0)}, "departsAt"),  # noqa: DTZ001 - that is what is refused
        ({"quota": -1}, "quota"),
        ({"quota": 1_000_001}, "quota"),
        ({"origin": "nowhere"}, "origin"),
        ({"destination": "nowhere"}, "destination"),
        ({"destination": "pulo-gebang"}, "destination"),
    ],
)
async def test_impossible_routes(world: World, change: dict[str, Any], field: str) -> None:
    before, refusal, after = await saved(
        world, HUBDAT, replace(SOLO, name="Before"), replace(SOLO, **change), replace(SOLO, name="After")
    )
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == field
    assert (before.name, after.name) == ("Before", "After")
    assert await world.run("SELECT name FROM route ORDER BY id") == [("Before",), ("After",)]


async def test_a_route_is_ones_own_or_a_members(world: World) -> None:
    refusal = await one(world, HUBDAT, replace(SOLO, organizer="djka"))
    assert isinstance(refusal, NotYours)
    assert refusal.field == "organizer"
    members = await one(world, JASA_RAHARJA, replace(SOLO, organizer="bumn-satu"))
    assert members.organizer == "bumn-satu"
    # Without an organizer the route stays its member's.
    assert (await one(world, JASA_RAHARJA, replace(SOLO, id=members.id, quota=4))).organizer == "bumn-satu"
    assert (await one(world, BUMN, SOLO)).id == members.id
    refusal = await one(world, DJKA, replace(SOLO, id=members.id, name="Mine now"))
    assert isinstance(refusal, NotYours)
    assert refusal.field == "id"
    assert await world.run("SELECT name FROM route") == [(SOLO.name,)]


async def test_an_unknown_id(world: World) -> None:
    refusal = await one(world, HUBDAT, replace(SOLO, id=uuid7()))
    assert isinstance(refusal, RouteUnknown)
    assert refusal.field == "id"
    assert await world.count("route") == 0


async def test_seasons_must_be_open(world: World) -> None:
    route = await one(world, HUBDAT, SOLO)
    async with world.database.transaction() as session:
        await seasons.save(session, HUBDAT, 2027, date(2027, 4, 30), NOW)
        await seasons.close(session, HUBDAT, 2026, NOW)
    assert (await one(world, HUBDAT, SOLO)).season == 2027
    for given, kind, field in (
        (replace(SOLO, season=2026), SeasonClosed, "season"),
        (replace(SOLO, season=2030), NotFound, "season"),
        (replace(SOLO, id=route.id, season=2027), SeasonClosed, "id"),
    ):
        refusal = await one(world, HUBDAT, given)
        assert type(refusal) is kind
        assert refusal.field == field
    async with world.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2027, NOW)
    refusal = await one(world, HUBDAT, SOLO)
    assert isinstance(refusal, NotFound)
    assert refusal.field == "season"
    assert await world.count("route") == 2


async def test_nothing_to_save(world: World) -> None:
    assert await saved(world, HUBDAT) == []
    assert await world.count("change") == 0


async def test_two_declare_one_route_at_once(world: World) -> None:
    verdicts = await asyncio.gather(*(one(world, HUBDAT, SOLO) for _ in range(6)))
    assert len({route.id for route in verdicts}) == 1
    assert await world.count("route") == 1
    assert await changes(world) == ["ROUTE_SAVED", "QUOTA_RELEASED"]


async def test_statements_do_not_grow_with_the_batch(world: World) -> None:
    counts = []
    for size in (1, 200):
        inputs = [replace(SOLO, name=f"{size} {number}") for number in range(size)]
        with world.statements() as issued:
            assert len(await saved(world, HUBDAT, *inputs)) == size
        counts.append(len(issued))
    assert counts[0] == counts[1]


async def test_reading_adds_what_has_come_due(world: World) -> None:
    route_id = await world.route("Solo", quota=0)
    for days in (1, 2):
        await world.run(
            "INSERT INTO quota_release (id, route_id, seats, due_at) VALUES (:id, :route_id, 20, :due_at)",
            id=uuid7(),
            route_id=route_id,
            due_at=NOW + days * DAY,
        )
    async with world.database.transaction() as session:
        for at, quota in ((NOW, 0), (NOW + DAY, 20), (NOW + 2 * DAY, 40)):
            found, missing = await routes.by_ids(session, [route_id, uuid7()], at)
            assert missing is None
            assert found is not None
            assert (found.quota, found.remaining) == (quota, quota)


async def test_pages(world: World) -> None:
    names = ["a", "b", "c"]
    ids = [await world.route(name) for name in names]
    everything = RouteFilter()
    assert await page(world, everything, first=1) == ["a", "b"]
    assert await page(world, everything, after=ids[0], first=2) == ["b", "c"]
    assert await page(world, everything, after=ids[2]) == []


async def test_filters(world: World) -> None:
    async with world.database.transaction() as session:
        cilacap = TerminalInput(code="cilacap", name="Terminal Cilacap", city="Kab. Cilacap")
        await terminals.save(session, HUBDAT, [cilacap], NOW, admin=False)
        await seasons.save(session, HUBDAT, 2025, date(2025, 4, 30), NOW)
    home, full, back, motorcycle, last_year = await saved(
        world,
        HUBDAT,
        SOLO,
        replace(SOLO, name="full", destination="cilacap", quota=0),
        replace(SOLO, name="back", direction="BALIK", origin="cilacap", destination="pulo-gebang", quota=None),
        replace(SOLO, name="motorcycle", service="MOTORCYCLE", mode="TRUCK"),
        replace(SOLO, name="last year", season=2025, departs_at=None),
    )
    train = await one(world, DJKA, replace(SOLO, name="train", mode="TRAIN"))
    for where, expected in (
        (RouteFilter(), [home, full, back, motorcycle, train]),
        (RouteFilter(season=2025), [last_year]),
        (RouteFilter(organizer="djka"), [train]),
        (RouteFilter(direction="BALIK"), [back]),
        (RouteFilter(service="MOTORCYCLE"), [motorcycle]),
        (RouteFilter(origin_city="CILACAP"), [back]),
        (RouteFilter(destination_city="Kabupaten Cilacap"), [full]),
        (RouteFilter(with_seats=True), [home, back, motorcycle, train]),
        (RouteFilter(with_seats=False), [full]),
        (RouteFilter(direction="MUDIK", origin_city="Nowhere"), []),
    ):
        assert await page(world, where) == [route.name for route in expected], where


async def test_the_ways_back(world: World) -> None:
    async with world.database.transaction() as session:
        balapan = TerminalInput(code="solo-balapan", name="Stasiun Solo Balapan", city="Solo", kind="STATION")
        tirtonadi = TerminalInput(code="tirtonadi", name="Terminal Tirtonadi", city="SURAKARTA")
        terboyo = TerminalInput(code="terboyo", name="Terminal Terboyo", city="Semarang")
        await terminals.save(session, HUBDAT, [balapan, tirtonadi, terboyo], NOW, admin=True)
    back = replace(SOLO, direction="BALIK", origin="solo-balapan", destination="pulo-gebang")
    home, later, sooner, *_ = await saved(
        world,
        HUBDAT,
        SOLO,
        replace(back, name="later", departs_at=NOW + 25 * DAY),
        replace(back, name="sooner", origin="tirtonadi", departs_at=NOW + 24 * DAY),
        replace(back, name="from elsewhere", origin="giwangan"),
        replace(back, name="from a terminal whose code is between those of the city", origin="terboyo"),
        replace(back, name="of motorcycles", service="MOTORCYCLE"),
    )
    await one(world, DJKA, back)
    async with world.database.transaction() as session:
        found = await finding.return_routes(session, [sooner.id, home.id, uuid7(), home.id], NOW)
    assert found == [[], [sooner, later], [], [sooner, later]]
