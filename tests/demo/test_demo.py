"""The demo season: open today for everybody, full of people who do not exist, there once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from app import db
from app.db import Database
from app.demo import demo, people
from app.demo.catalogue import MEMBERS, TRIPS
from app.errors import InvalidValue
from app.models.enums import RegistrantStatus
from app.registry.routes import finding
from app.registry.routes import route as routes
from app.registry.routes.finding import RouteFilter
from app.registry.terms import seasons, windows
from app.registry.values import nik
from app.registry.values.nik import Nik
from app.vault.vault import Vault
from tests import queries
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

NINE = {row.code for row in demo.ROWS}
EVERYBODY = NINE | {member.code for member in MEMBERS}


async def rows(database: Database, sql: str) -> list[Any]:
    async with database.transaction() as session:
        return list(await queries.run(session, sql))


async def closed_ones(database: Database, now: datetime) -> set[str]:
    async with database.transaction() as session:
        found = await windows.of(session, now.year, sorted(EVERYBODY))
    return {code for code, waves in found.items() if windows.judge(waves, now) is not None}


async def test_the_demo_season(
    database: Database, database_url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[int, int]] = []
    monkeypatch.setitem(db.SESSION, "lock_timeout", "50ms")
    other = Database(database_url)

    async def create(database: Database) -> demo.Demo:
        made = await demo.create(database, vault, NOW, lambda done, total: steps.append((done, total)))
        assert isinstance(made, demo.Demo)
        return made

    # Two servers that start together make one, however long it takes.
    idle, made = sorted(await asyncio.gather(create(database), create(other)), key=lambda one: one.registrants)
    await other.dispose()
    assert (idle.routes, idle.registrants, idle.refused) == (0, 0, 0)
    assert (made.season, set(made.organizers)) == (2026, EVERYBODY)
    assert (made.routes, made.registrants, made.refused) == (42, 3223, 56)
    assert len(NINE) == 9

    assert steps[-1][0] == steps[-1][1] == sum(trip.booked for trip in TRIPS) + 48
    assert steps == sorted(steps)

    counted = await rows(database, "SELECT organizer_code, status, count(*) FROM registrant GROUP BY 1, 2")
    assert sum(count for *_, count in counted) == made.registrants
    assert {organizer for organizer, *_ in counted} == EVERYBODY
    assert {status for _, status, _ in counted} == set(RegistrantStatus)
    assert await closed_ones(database, NOW) == set()

    registered = await rows(database, "SELECT min(registered_at), max(registered_at) FROM registrant")
    assert registered[0][0] >= NOW - timedelta(days=11)
    assert registered[0][1] <= NOW
    overdue = "SELECT count(*) FROM registrant WHERE status = 'REGISTERED' AND verify_by < '2026-03-02 02:00Z'"
    assert await rows(database, overdue) == [(0,)]
    assert await rows(database, "SELECT suspect, count(*) FROM duplicate_case GROUP BY 1 ORDER BY 1") == [
        (False, 40),
        (True, 8),
    ]
    waiting = await rows(database, "SELECT count(*) FROM quota_release WHERE released_at IS NULL")
    assert waiting == [(4,)]
    filled = "SELECT r.name FROM change c JOIN route r ON r.id = c.route_id WHERE c.kind = 'QUOTA_FILLED'"
    assert await rows(database, filled) == [("Pulo Gebang – Giri Adipura",)]
    # Making it takes seconds, so everything that only looks at it is part of one test.
    await its_routes(database)
    await made_again_it_only_opens_what_has_closed(database, vault)


async def its_routes(database: Database) -> None:
    async with database.transaction() as session:
        page = await finding.page(session, RouteFilter(), after=None, first=100, now=NOW)
        back = await finding.return_routes(session, [route.id for route in page], NOW)
        due = await finding.page(
            session, RouteFilter(organizer="dishub-dki", destination_city="Semarang"), after=None, first=9, now=NOW
        )
        later = await routes.by_ids(session, [route.id for route in due], NOW + timedelta(days=5))
    assert Counter(route.mode for route in page) == {"BUS": 36, "TRAIN": 3, "TRUCK": 2, "SHIP": 1}
    assert Counter(route.direction for route in page) == {"MUDIK": 36, "BALIK": 6}
    assert [route.name for route in page if route.quota is None] == ["Pulo Gebang – Tirtonadi"]
    assert [(route.name, route.taken) for route in page if route.remaining == 0] == [("Pulo Gebang – Giri Adipura", 90)]
    assert [(route.name, route.taken) for route in page if route.remaining == 2] == [("Poris Plawad – Purboyo", 43)]
    assert [route.quota for route in due] == [60]
    assert [route.quota for route in later if route] == [140]
    assert sum(len(found) for found in back) == 6
    assert all(route.departs_at is not None for route in page)


async def made_again_it_only_opens_what_has_closed(database: Database, vault: Vault) -> None:
    before = await rows(database, "SELECT count(*) FROM change")
    nothing = demo.Demo(season=2026, organizers=tuple(row.code for row in demo.all_rows()))
    assert await demo.create(database, vault, NOW) == nothing
    assert await rows(database, "SELECT count(*) FROM change") == before
    later = NOW + timedelta(days=4)
    assert await closed_ones(database, later) == {"dishub-tangsel", "djka"}
    assert await demo.create(database, vault, later) == nothing
    assert await closed_ones(database, later) == set()
    amended = "SELECT kind, organizer_code, client_id FROM change WHERE id > :id"
    assert sorted(await rows(database, amended.replace(":id", str(before[0][0])))) == [
        ("WINDOW_SAVED", "dishub-tangsel", None),
        ("WINDOW_SAVED", "dishub-tangsel", None),
        ("WINDOW_SAVED", "djka", None),
    ]


async def test_a_real_season_is_left_alone(world: World, vault: Vault) -> None:
    refusal = await demo.create(world.database, vault, NOW)
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == "season"
    assert await world.count("change") == 0
    assert await world.count("registrant") == 0


async def test_what_is_there_stays_as_it_is(world: World, vault: Vault) -> None:
    """Organizers and terminals are for every season."""
    before = await world.run("SELECT * FROM organizer WHERE code <> 'bumn-satu' ORDER BY code")
    terminals = await world.run("SELECT * FROM terminal ORDER BY code")
    next_year = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)
    assert isinstance(await demo.create(world.database, vault, next_year), demo.Demo)
    codes = ", ".join(f"'{row.code}'" for row in before)
    assert await world.run(f"SELECT * FROM organizer WHERE code IN ({codes}) ORDER BY code") == before
    codes = ", ".join(f"'{row.code}'" for row in terminals)
    assert await world.run(f"SELECT * FROM terminal WHERE code IN ({codes}) ORDER BY code") == terminals


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 3, 1, 17, 0, tzinfo=UTC),
        datetime(2026, 12, 31, 16, 59, tzinfo=UTC),
    ],
)
async def test_at_any_time_of_the_day_and_the_year(database: Database, vault: Vault, now: datetime) -> None:
    made = await demo.create(database, vault, now)
    assert isinstance(made, demo.Demo)
    assert made.refused == 56
    async with database.transaction() as session:
        assert await seasons.current(session) == made.season
    assert await rows(database, f"SELECT count(*) FROM registrant WHERE registered_at > '{now.isoformat()}'") == [(0,)]
    assert await closed_ones(database, now) == set()


def test_everybody_is_invented() -> None:
    invented = people.invent(Random(1))  # noqa: S311
    drawn = [next(invented) for _ in range(4000)]
    assert len({person.nik for person in drawn}) == 4000
    for person in drawn:
        parsed = nik.parse(person.nik)
        assert isinstance(parsed, Nik)
        assert parsed.warnings == ()
        assert 9500 <= int(person.nik[12:]) <= 9999
        assert person.name.split()[-1] in people.FAMILY
    assert "nik" not in repr(drawn[0])


def test_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "DISTRICTS", ("317103",))
    monkeypatch.setattr(people, "LAST_BIRTH", people.FIRST_BIRTH + timedelta(days=1))
    monkeypatch.setattr(people, "LAST_SERIAL", people.FIRST_SERIAL + 1)
    invented = people.invent(Random(1))  # noqa: S311
    assert sorted(next(invented).nik for _ in range(4)) == [
        "3171030101569500",
        "3171030101569501",
        "3171034101569500",
        "3171034101569501",
    ]
