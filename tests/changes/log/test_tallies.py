"""Each change is counted once: whatever breaks, whoever counts, and from the beginning again."""

from __future__ import annotations

import asyncio
import re
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.changes.log import projection, tallies
from app.changes.log.feed import Position
from app.changes.log.projection import Projection, advance
from app.config import CHECKOUT
from app.db import Session
from app.errors import Unavailable
from app.models.enums import RegistrantStatus
from app.registry import erasure, outages, prolonging, retention
from app.registry.registrants.lookup import Ref
from app.registry.routes import merging
from app.registry.routes.route import Route
from app.registry.statistics import statistics
from app.registry.statistics.counting import total
from app.registry.statistics.questions import Part, Question, Selection
from tests import queries
from tests.changes.counting import behind, count_all, differences
from tests.patience import PATIENCE_SECONDS, patience
from tests.world import DJKA, HUBDAT, NOW, World, build, someone

pytestmark = pytest.mark.anyio

TABLES = ("tally", "tally_day", "tally_route", "tally_deadline", "tally_pair", "tally_duplicate")
COUNTED = (*TABLES, "projection")


@pytest.fixture
async def world(database: object, vault: object) -> World:
    world = await build(database, vault)  # type: ignore[arg-type]
    await world.policy("hubdat", verify_within_days=7)
    await world.route(quota=100)
    return world


async def people(world: World, *numbers: int) -> None:
    await world.submit(*(someone(HUBDAT, world.routes["Jakarta - Solo"], number) for number in numbers))


async def agrees(world: World) -> bool:
    async with world.database.transaction() as session:
        return await differences(session) == {}


async def read(world: World, part: Part, now: datetime = NOW) -> Any:
    async with world.database.transaction() as session:
        [found] = await statistics.read(session, [Question(Selection(), part)], now)
    return found


# --- once -------------------------------------------------------------------------------------------------------------


async def test_a_crash_between_counting_and_remembering_leaves_no_trace(world: World) -> None:
    async def crash(session: Session, position: Position, now: datetime) -> Position | None:
        assert await tallies.count(session, position, now) is not None
        raise RuntimeError

    await people(world, 1, 2, 3)
    await count_all(world.database)
    await people(world, 4, 5)
    await settle(world)
    async with world.unchanged(*COUNTED):
        with pytest.raises(RuntimeError):
            await advance(world.database, Projection("statistics", crash), NOW)
    assert await count_all(world.database) == 1
    assert await agrees(world)
    assert total(cell.counts for cell in await read(world, Part.CELLS)).registered == 5


async def test_a_connection_that_is_cut_off_leaves_no_trace(world: World) -> None:
    async def die(session: Session, position: Position, now: datetime) -> Position | None:
        assert await tallies.count(session, position, now) is not None
        await queries.run(session, "SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError

    await people(world, 1, 2, 3)
    await world.run("INSERT INTO projection (name) VALUES ('statistics')")
    await settle(world)
    async with world.unchanged(*COUNTED):
        with pytest.raises(Unavailable):
            await advance(world.database, Projection("statistics", die), NOW)
    assert await count_all(world.database) == 1
    assert await agrees(world)


async def settle(world: World) -> None:
    """Others use this server as well, and a change waits for their older transactions."""
    horizon = "log_transaction(pg_snapshot_xmin(pg_current_snapshot()))"
    while not await world.one(f"SELECT bool_and(xact_id < {horizon}) FROM change"):  # noqa: ASYNC110 - the database is looked at from outside
        await asyncio.sleep(0.005)


async def test_several_runners_count_each_change_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "CHANGES_OF_A_STEP", 2)
    stop = asyncio.Event()
    runners = [asyncio.create_task(projection.keep(world.database, tallies.STATISTICS, stop)) for _ in range(4)]
    for number in range(10):
        await people(world, 3 * number, 3 * number + 1, 3 * number + 2)
        await world.moved((await anybody(world)), RegistrantStatus.VERIFIED)
    async with patience():
        while await behind(world.database):  # noqa: ASYNC110 - the database is looked at from outside
            await asyncio.sleep(0.01)
    stop.set()
    world.database.followers.tell()
    await asyncio.gather(*runners)
    assert await agrees(world)
    counts = total(cell.counts for cell in await read(world, Part.CELLS))
    assert (counts.registered, counts.verified, counts.ever_verified) == (20, 10, 10)


async def anybody(world: World) -> Any:
    return await world.one("SELECT id FROM registrant WHERE status = 'REGISTERED' LIMIT 1")


async def test_what_is_written_is_counted_when_it_is_told_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "POLL_SECONDS", 2 * PATIENCE_SECONDS)
    stop = asyncio.Event()
    runner = asyncio.create_task(projection.keep(world.database, tallies.STATISTICS, stop))
    try:
        for number in range(5):
            await people(world, number)
            async with patience():
                while await behind(world.database):  # noqa: ASYNC110 - the database is looked at from outside
                    await asyncio.sleep(0.01)
            assert await agrees(world)
    finally:
        stop.set()
        world.database.followers.tell()
        await runner


async def test_a_step_costs_the_same_statements_whatever_it_counts(world: World) -> None:
    await people(world, 0)
    await count_all(world.database)
    issued = []
    for numbers in (range(1, 2), range(2, 60)):
        await people(world, *numbers)
        await settle(world)
        with world.statements() as statements:
            assert await advance(world.database, tallies.STATISTICS, NOW)
        issued.append(len(statements))
    assert issued == [4, 4]


async def test_nothing_new_is_no_step(world: World) -> None:
    await people(world, 1)
    await count_all(world.database)
    async with world.unchanged(*COUNTED):
        assert not await advance(world.database, tallies.STATISTICS, NOW)


# --- what is counted --------------------------------------------------------------------------------------------------


async def test_people_of_a_provisional_route_are_counted_where_it_is_merged_into(world: World) -> None:
    """As they are: one who waits, one who is verified, one who was cancelled after that, and one who did not come."""
    old, new = world.routes["Jakarta - Solo"], await world.route("Rute resmi", quota=50)
    await world.run("UPDATE route SET provisional = true, quota = 30 WHERE id = :old", old=old)
    waiting = await world.registered(someone(HUBDAT, old, 1))
    await world.verified(someone(HUBDAT, old, 2))
    for number, status in ((3, RegistrantStatus.CANCELLED), (4, RegistrantStatus.NO_SHOW)):
        await world.moved((await world.verified(someone(HUBDAT, old, number))).id, status)
    await count_all(world.database)
    merged = await world.database.attempt(lambda session: merging.merge(session, HUBDAT, old, new, NOW, admin=True))
    assert isinstance(merged, Route)
    # Verified after it was moved: counted as it was at each change.
    await world.moved(waiting.id, RegistrantStatus.VERIFIED)
    await count_all(world.database)
    assert await agrees(world)
    kept = await world.run(
        "SELECT route_id, registered, verified, cancelled, no_show, ever_verified FROM tally_route"
        " ORDER BY route_id = :new",
        new=new,
    )
    assert [tuple(row) for row in kept] == [(old, 0, 0, 0, 0, 0), (new, 0, 2, 1, 1, 4)]
    counts = total(cell.counts for cell in await read(world, Part.CELLS))
    assert (counts.taken, counts.seated, counts.quota) == (3, 3, 50)


async def test_erased_and_purged_people_stay_counted(world: World) -> None:
    await people(world, 1, 2, 3)
    [gone] = await world.run("SELECT id FROM registrant LIMIT 1")
    async with world.database.transaction() as session:
        await erasure.erase(session, world.vault, HUBDAT, Ref(id=gone.id), "Permintaan peserta", NOW)
    await count_all(world.database)
    assert await agrees(world)
    before = await world.rows(*TABLES)
    later = NOW + timedelta(days=400)
    async with world.database.transaction() as session:
        assert await retention.purge_next(session, later) == 2
    await count_all(world.database)
    assert await world.rows(*TABLES) == before
    assert await agrees(world)
    await rebuild(world)
    assert await world.rows(*TABLES) == before


async def test_a_day_is_one_in_jakarta(world: World) -> None:
    """23:59:59 and 00:00 WIB of 2 March are 16:59:59 and 17:00 UTC."""
    midnight = datetime.fromisoformat("2026-03-01T17:00:00Z")
    route = world.routes["Jakarta - Solo"]
    await world.submit(
        someone(HUBDAT, route, 1, registered_at=midnight - timedelta(seconds=1)),
        someone(HUBDAT, route, 2, registered_at=midnight),
    )
    await count_all(world.database)
    days = await read(world, Part.DAYS)
    assert [(day, counts.registered) for day, counts in days] == [(date(2026, 3, 1), 1), (date(2026, 3, 2), 1)]


async def test_a_suspicion_is_no_refusal(world: World) -> None:
    """The same NIK under clearly different names, for a seat and for a motorcycle: nothing is refused."""
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 1))
    back = await world.way_back("KA balik", organizer="djka")
    await world.policy("djka", return_requires_outbound=False)
    await world.registered(someone(DJKA, back, 1, name="Orang Lain Sekali"))
    await count_all(world.database)
    assert await read(world, Part.OVERLAPS) == (0, [("hubdat", "djka", 0, 1)])
    assert await agrees(world)


async def test_deadlines_that_move_are_counted_where_they_come_to(world: World) -> None:
    """Counted before or after somebody moves on, and again from the beginning."""
    await people(world, *range(6))
    ids = [row.id for row in await world.run("SELECT id FROM registrant ORDER BY id")]
    deadline = await world.one("SELECT DISTINCT verify_by FROM registrant")
    await count_all(world.database)
    for back in (deadline + timedelta(hours=1), deadline + timedelta(hours=40)):
        await world.run("DELETE FROM heartbeat")
        for at in (back - timedelta(hours=30), back):
            await world.database.attempt(partial(outages.beat, now=at))
        await prolonging.prolong_due(world.database, back)
        await world.moved(ids.pop(), RegistrantStatus.VERIFIED, now=back)
        await world.moved(ids.pop(), RegistrantStatus.CANCELLED, now=back)
        assert not await agrees(world)
        await count_all(world.database)
        assert await agrees(world)
    await rebuild(world)
    assert await agrees(world)
    [[waiting]] = await world.run("SELECT waiting FROM tally_deadline WHERE organizer_code = '*'")
    assert waiting == 2


async def test_what_arrives_late_is_counted_for_good(world: World) -> None:
    await world.policy("hubdat", enforce_window=False)
    await world.window("hubdat", NOW - timedelta(days=9), NOW - timedelta(days=5))
    late = [someone(HUBDAT, world.routes["Jakarta - Solo"], n, registered_at=NOW - timedelta(days=6)) for n in (1, 2)]
    first, second = [one.view.id for one in await world.submit(*late)]
    await people(world, 3)
    await world.moved(first, RegistrantStatus.CANCELLED)
    await world.moved(second, RegistrantStatus.VERIFIED)
    await count_all(world.database)
    assert await agrees(world)
    figures = total(cell.counts for cell in await read(world, Part.CELLS))
    assert (figures.arrived_late, figures.people) == (2, 3)


def test_what_people_are_counted_under_is_written_once() -> None:
    """A change of these has to be counted as well, and is where the log tells of it."""
    kept = r"\b(season|organizer_code|direction|service|registered_at|verify_by)\s*=[^=]"
    written = re.compile(r"UPDATE\s+registrant\b(?:(?!\bWHERE\b|\bFROM\b).)*" + kept, re.DOTALL)
    files = {file.name: file.read_text() for file in (CHECKOUT / "app").rglob("*.py")}
    # A reopening moves the deadline, and its change names the old and the new one (`undo.steps_back`).
    assert {name for name, source in files.items() if written.search(source)} == {"lifecycle.py", "prolonging.py"}
    # It would see one.
    assert written.search("UPDATE registrant r SET late = s.late, verify_by = s.verify_by FROM s")


# --- anew -------------------------------------------------------------------------------------------------------------


async def rebuild(world: World) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    await tallies.rebuild(world.database, lambda: NOW, lambda done, whole: told.append((done, whole)))
    return told


async def test_counting_anew_gives_the_same_and_heals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await people(world, *range(9))
    await world.moved((await anybody(world)), RegistrantStatus.CANCELLED)
    await count_all(world.database)
    before = await world.rows(*TABLES)
    await world.run("UPDATE tally_day SET registered = registered + 5")
    await world.run("DELETE FROM tally_route")
    monkeypatch.setattr(tallies, "CHANGES_OF_A_STEP", 3)
    told = await rebuild(world)
    assert await world.rows(*TABLES) == before
    newest = await world.one("SELECT max(id) FROM change")
    # Eleven changes, with the seat that came back, three at a time.
    assert len(set(told)) == 1 + 4
    assert (told[0], told[-1]) == ((0, newest), (newest, newest))


async def test_counting_anew_while_a_server_counts_and_others_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "CHANGES_OF_A_STEP", 4)
    await people(world, *range(20))
    stop = asyncio.Event()
    server = asyncio.create_task(projection.keep(world.database, tallies.STATISTICS, stop))
    await asyncio.gather(rebuild(world), *(people(world, number) for number in range(20, 40)))
    await count_all(world.database)
    stop.set()
    world.database.followers.tell()
    await server
    assert await agrees(world)
    assert total(cell.counts for cell in await read(world, Part.CELLS)).registered == 40


async def test_counting_an_empty_log_anew(world: World) -> None:
    assert await rebuild(world) == [(0, 0)]
    assert await world.rows(*TABLES) == {table: [] for table in TABLES}


async def test_half_counted_figures_say_of_when_they_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    route, later = world.routes["Jakarta - Solo"], NOW + timedelta(hours=1)
    for number, minutes in enumerate((0, 1, 2)):
        await world.registered(someone(HUBDAT, route, number), now=NOW + timedelta(minutes=minutes))
    await world.run("INSERT INTO projection (name) VALUES ('statistics')")
    await settle(world)
    monkeypatch.setattr(tallies, "CHANGES_OF_A_STEP", 2)
    seen = []
    for _ in range(3):
        counts = total(cell.counts for cell in await read(world, Part.CELLS, later))
        seen.append(((await read(world, Part.HEAD, later)).as_of, counts.registered))
        await advance(world.database, tallies.STATISTICS, later)
    assert seen == [(NOW, 0), (NOW + timedelta(minutes=2), 2), (later, 3)]
