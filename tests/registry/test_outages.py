"""An outage of the registry: how it is known, and that nobody loses by it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog

from app import clock
from app.db import Database
from app.models.enums import RegistrantStatus
from app.registry import outages, prolonging, sweep
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.sweep import Swept
from app.registry.undo import late_acts, reopening
from tests.concurrency.agreement import assert_agrees
from tests.patience import patience
from tests.registry.rows.records import pushed, record, state
from tests.registry.terms.test_deadlines import DAY, DEADLINE, HOUR, INSTANT, day
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
BEFORE = DEADLINE - 2 * HOUR
"""The last heartbeat."""
SECOND = timedelta(seconds=1)


async def beat(world: World, at: datetime) -> timedelta | None:
    return await world.database.attempt(lambda session: outages.beat(session, at))


async def away(world: World, since: datetime, until: datetime) -> None:
    await beat(world, since)
    assert await beat(world, until) == until - since


async def alive(world: World, at: datetime) -> None:
    """A server has beaten all the time until then."""
    await world.run("UPDATE heartbeat SET at = :at", at=at)


async def waiting(world: World, number: int = 1) -> UUID:
    route = world.routes.get("Jakarta - Solo") or await world.route()
    return (await world.registered(someone(HUBDAT, route, number))).id


# --- the heartbeat ----------------------------------------------------------------------------------------------------


async def test_a_gap_of_more_than_five_minutes_is_an_outage(world: World) -> None:
    gap = timedelta(minutes=5)
    assert await beat(world, NOW) is None
    assert await beat(world, NOW + gap) is None
    assert await world.count("prolongation") == 0
    assert await beat(world, NOW + 2 * gap + INSTANT) == gap + INSTANT
    assert await world.run("SELECT cause, after, until, seconds FROM prolongation") == [
        ("OUTAGE", NOW + gap, NOW + 2 * gap + INSTANT, 86_401)
    ]


async def test_a_heartbeat_that_comes_late_sets_nothing_back(world: World) -> None:
    await beat(world, NOW)
    assert await beat(world, NOW - DAY) is None
    assert await world.run("SELECT at FROM heartbeat") == [(NOW,)]


async def test_processes_that_come_back_together_write_it_down_once(world: World) -> None:
    await beat(world, NOW)
    found = await asyncio.gather(*(beat(world, NOW + HOUR) for _ in range(8)))
    assert sorted(found, key=str) == [HOUR, *[None] * 7]
    assert await world.count("prolongation") == 1


async def test_a_server_beats_until_it_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await beat(world, NOW - HOUR)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(outages, "BEATS_EVERY_SECONDS", 0.01)
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(outages.run(world.database, stop))
        async with patience():
            while await world.one("SELECT at FROM heartbeat") != NOW:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            stop.set()
            await running
    assert logs == [{"event": "outage.over", "seconds": 3600, "log_level": "warning"}]


async def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr(outages, "BEATS_EVERY_SECONDS", 0.01)
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(outages.run(database, stop))
        async with patience():
            while len(logs) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            stop.set()
            await running
    assert {one["event"] for one in logs} == {"heartbeat.unavailable"}
    await database.dispose()


# --- deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("back_after", "by"), [(4 * HOUR, DAY), (3 * DAY, 3 * DAY)], ids=["at least a day", "by its length"]
)
async def test_a_deadline_that_fell_into_it_moves(world: World, back_after: timedelta, by: timedelta) -> None:
    one = await waiting(world)
    back = BEFORE + back_after
    await away(world, BEFORE, back)
    assert await world.sweep(back) == Swept(prolonged=1)
    moved = DEADLINE + by + SECOND
    assert await world.run("SELECT verify_by, first_verify_by, forfeits_at FROM registrant") == [
        (moved, DEADLINE, None)
    ]
    assert (await world.changes("kind, registrant_id, from_status, to_status, reason, facts"))[-1] == (
        "DEADLINE_PROLONGED",
        one,
        "REGISTERED",
        "REGISTERED",
        "Gangguan pada registri.",
        {"verify_by_before": DEADLINE.isoformat(), "verify_by": moved.isoformat()},
    )
    async with world.unchanged():
        assert await world.sweep(back + HOUR / 60) == Swept()
    await world.moved(one, S.VERIFIED, now=moved)


async def test_only_what_fell_into_it_moves(world: World) -> None:
    route = await world.route()
    ends = {"before": BEFORE, "just in": BEFORE + INSTANT, "last": BEFORE + HOUR, "behind": BEFORE + HOUR + INSTANT}
    ids = {name: (await world.registered(someone(HUBDAT, route, number))).id for number, name in enumerate(ends)}
    for name, verify_by in ends.items():
        await world.put(ids[name], verify_by=verify_by)
    verified = await world.verified(someone(HUBDAT, route, 8))
    await world.put(verified.id, verify_by=BEFORE + INSTANT)
    free = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 9))
    await away(world, BEFORE, BEFORE + HOUR)
    assert (await world.sweep(BEFORE + HOUR)).prolonged == 2
    found = dict(tuple(row) for row in await world.run("SELECT id, verify_by FROM registrant"))
    by = DAY + SECOND
    assert [found[ids[name]] for name in ends] == [
        BEFORE,
        BEFORE + INSTANT + by,
        BEFORE + HOUR + by,
        BEFORE + HOUR + INSTANT,
    ]
    assert (found[verified.id], found[free.id]) == (BEFORE + INSTANT, None)


async def test_what_is_stored_moves_as_what_is_computed(world: World) -> None:
    """One rule in SQL and in Python, at each border of outages that overlap, that follow and that are apart."""
    for after, until in ((0, 10), (4, 12), (30, 33), (36, 60), (200, 201)):
        await world.run(
            """INSERT INTO prolongation (id, cause, after, until, seconds, made_at)
               VALUES (gen_random_uuid(), 'OUTAGE', :after, :until, :seconds, :until)""",
            after=BEFORE + after * HOUR,
            until=BEFORE + until * HOUR,
            seconds=int(max(until - after, 24) * HOUR.total_seconds()) + 1,
        )
    [[told]] = await world.run(f"SELECT {outages.AS_JSON}")
    borders = [BEFORE + hours * HOUR for hours in (0, 4, 6, 10, 12, 30, 33, 36, 60, 200, 201, 300)]
    instants = [border + by for border in borders for by in (-INSTANT, timedelta(), INSTANT)]
    stored = await world.run(
        f"""SELECT given.at, later.at FROM unnest(CAST(:instants AS timestamptz[])) AS given (at)
            {outages.prolonged("given.at", "later")} ORDER BY 1""",
        instants=instants,
    )
    assert [tuple(one) for one in stored] == [(at, outages.moved(at, outages.read(told))) for at in instants]
    assert sum(at != later for at, later in stored) > 12


async def test_both_legs_move_together(world: World) -> None:
    await world.accepted(someone(HUBDAT, await world.route(), return_route_id=await world.way_back()))
    await away(world, BEFORE, DEADLINE + HOUR)
    assert (await world.sweep(DEADLINE + HOUR)).prolonged == 2
    assert await world.run("SELECT DISTINCT verify_by FROM registrant") == [(DEADLINE + DAY + SECOND,)]
    await assert_agrees(world)


async def test_what_is_only_flagged_and_forfeited_later_moves_by_itself(world: World) -> None:
    """The period ends in the outage, H+N behind it: only the end of the period moves. And the other way round."""
    first, second = await waiting(world, 1), await waiting(world, 2)
    await world.put(first, forfeits_at=DEADLINE + 3 * DAY)
    await world.put(second, verify_by=DEADLINE - 3 * DAY, forfeits_at=DEADLINE)
    await away(world, BEFORE, DEADLINE + HOUR)
    assert (await world.sweep(DEADLINE + HOUR)).prolonged == 2
    by = DAY + SECOND
    assert await world.run("SELECT verify_by, forfeits_at FROM registrant ORDER BY id") == [
        (DEADLINE + by, DEADLINE + 3 * DAY),
        (DEADLINE - 3 * DAY, DEADLINE + by),
    ]


async def test_nobody_is_forfeited_before_the_deadline_that_has_moved(world: World) -> None:
    """The period ends in the outage, H+N a few hours behind it: now the end of the period is the later one."""
    one = await waiting(world)
    await world.put(one, forfeits_at=DEADLINE + 10 * HOUR)
    await away(world, BEFORE, DEADLINE + HOUR)
    moved = DEADLINE + DAY + SECOND
    assert await world.sweep(DEADLINE + HOUR) == Swept(prolonged=1)
    assert await world.run("SELECT verify_by, forfeits_at FROM registrant") == [(moved, moved)]
    await alive(world, moved)
    assert await world.sweep(moved) == Swept()
    await world.moved(one, S.VERIFIED, now=moved)


async def test_nobody_is_forfeited_while_the_registry_is_away(world: World) -> None:
    """Somebody runs `pemudik sweep` and no server lives; then one comes back, and the sweep is faster than it."""
    one = await waiting(world)
    two = (await world.verified(someone(HUBDAT, world.routes["Jakarta - Solo"], 2))).id
    await beat(world, BEFORE)
    async with world.unchanged():
        assert await world.sweep(LEAVES + 3 * HOUR) == Swept()
    assert await world.status(one) == "REGISTERED"
    assert await world.status(two) == "VERIFIED"


async def test_nobody_is_forfeited_before_all_deadlines_have_moved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await waiting(world)
    await away(world, BEFORE, DEADLINE + HOUR)

    async def nobody(database: Database, now: datetime) -> int:
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(prolonging, "prolong_due", nobody)
        assert await world.sweep(DEADLINE + HOUR) == Swept()
    assert await world.sweep(DEADLINE + HOUR) == Swept(prolonged=1)


async def test_it_is_done_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prolonging, "MOST_TOGETHER", 2)
    route = await world.route()
    await world.submit(*(someone(HUBDAT, route, number) for number in range(5)))
    await away(world, BEFORE, DEADLINE + HOUR)
    assert (await world.sweep(DEADLINE + HOUR)).prolonged == 5
    assert await world.run("SELECT DISTINCT verify_by FROM registrant") == [(DEADLINE + DAY + SECOND,)]


async def test_several_sweeps_at_once_move_each_deadline_once(world: World) -> None:
    route = await world.route()
    await world.submit(*(someone(HUBDAT, route, number) for number in range(20)))
    await away(world, BEFORE, DEADLINE + HOUR)
    swept = await asyncio.gather(*(world.sweep(DEADLINE + HOUR) for _ in range(4)))
    assert sum(one.prolonged for one in swept) == 20
    assert await world.run("SELECT DISTINCT verify_by FROM registrant") == [(DEADLINE + DAY + SECOND,)]
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'DEADLINE_PROLONGED'") == 20
    await assert_agrees(world)


async def test_one_outage_after_another(world: World) -> None:
    one = await waiting(world)
    await away(world, BEFORE, DEADLINE + HOUR)
    await world.sweep(DEADLINE + HOUR)
    moved = DEADLINE + DAY + SECOND
    await alive(world, moved - HOUR)
    await away(world, moved - HOUR, moved + HOUR)
    assert (await world.sweep(moved + HOUR)).prolonged == 1
    found = await world.run("SELECT verify_by, first_verify_by FROM registrant WHERE id = :id", id=one)
    assert found == [(moved + DAY + SECOND, DEADLINE)]


async def test_who_was_being_registered_then_is_looked_for_again(world: World) -> None:
    await world.route()
    await away(world, BEFORE, DEADLINE + HOUR)
    assert await world.sweep(DEADLINE + HOUR) == Swept()
    one = await waiting(world)
    assert (await world.sweep(DEADLINE + HOUR + timedelta(minutes=1))).prolonged == 1
    assert await world.one("SELECT verify_by FROM registrant WHERE id = :id", id=one) == DEADLINE + DAY + SECOND


async def test_a_closed_season_stays_as_it_was(world: World) -> None:
    await waiting(world)
    await world.close()
    await away(world, BEFORE, DEADLINE + HOUR)
    async with world.unchanged():
        assert await world.sweep(DEADLINE + HOUR) == Swept()


# --- no-shows, and the news of lists ----------------------------------------------------------------------------------


async def test_nobody_is_a_no_show_for_a_bus_that_left_meanwhile(world: World) -> None:
    one = (await world.verified(someone(HUBDAT, await world.route()))).id
    left = LEAVES + 2 * HOUR
    await away(world, left - HOUR, left + HOUR)
    until = left + DAY + SECOND
    assert await world.sweep(left + HOUR) == Swept()
    await alive(world, until)
    assert (await world.sweep(until)).no_shows == 0
    assert (await world.sweep(until + INSTANT)).no_shows == 1
    assert await world.status(one) == "NO_SHOW"


async def test_a_bus_and_a_second_outage(world: World) -> None:
    await world.verified(someone(HUBDAT, await world.route()))
    left = LEAVES + 2 * HOUR
    await away(world, left - HOUR, left + HOUR)
    once = left + DAY + SECOND
    await alive(world, once - HOUR)
    await away(world, once - HOUR, once + HOUR)
    twice = once + DAY + SECOND
    await alive(world, twice)
    assert (await world.sweep(twice)).no_shows == 0
    assert (await world.sweep(twice + INSTANT)).no_shows == 1


async def test_a_list_that_could_not_be_sent_has_a_day_more(world: World) -> None:
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    one = await waiting(world)
    noon = DEADLINE + INSTANT + 12 * HOUR
    await away(world, noon - HOUR, noon + HOUR)
    until = noon + DAY + SECOND
    assert (await world.sweep(noon + HOUR)) == Swept()
    await alive(world, until)
    assert (await world.sweep(until)).forfeited == 0
    assert (await world.sweep(until + INSTANT)).forfeited == 1
    assert await world.status(one) == "FORFEITED"


async def test_in_that_day_a_row_verifies(world: World) -> None:
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    await waiting(world)
    noon = DEADLINE + INSTANT + 12 * HOUR
    await away(world, noon - HOUR, noon + HOUR)
    [verdict] = await pushed(world, state(2), now=noon + DAY)
    assert verdict.refusal is None


# --- what else has an end -------------------------------------------------------------------------------------------


BY = DAY + SECOND
"""How much later, after an outage of a few hours."""


async def test_a_list_that_arrives_late_after_its_window_has_a_day_more(world: World) -> None:
    """`lateArrivalDays`: two days after the window's end nothing more is taken."""
    await world.policy("hubdat")
    await world.window("hubdat", day(5), day(8))
    await world.route(departs_at=NOW + 60 * DAY)
    await away(world, day(10) - HOUR, day(10) + HOUR)
    until = day(10) + BY
    late = [
        (await pushed(world, record(number, tanggal_pendaftaran="2026-03-06"), now=at))[0].code
        for number, at in ((1, until), (2, until + INSTANT))
    ]
    assert late == [None, "ARRIVED_LATE"]


async def test_a_list_of_who_travelled_has_a_day_more(world: World) -> None:
    """A route has left. Whoever registered before is told until 12.00 WIB of the next day."""
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    await world.route(departs_at=NOW + HOUR)
    noon = day(3) + 12 * HOUR
    await away(world, noon - HOUR, noon + HOUR)
    until = noon + BY
    told = [(await pushed(world, record(n), now=at))[0].code for n, at in ((1, until - INSTANT), (2, until))]
    assert told == [None, "ROUTE_DEPARTED"]


async def test_a_list_that_was_kept_out_is_not_late(world: World) -> None:
    """Where a late verification is only flagged: a list without times is believed for a day more."""
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    noon = DEADLINE + INSTANT + 12 * HOUR
    ids = [await waiting(world, number) for number in (1, 2)]
    for one in ids:
        await world.put(one, forfeits_at=DEADLINE + 20 * DAY)
    await away(world, noon - HOUR, noon + HOUR)
    until = noon + BY
    for number, at in ((1, until), (2, until + INSTANT)):
        [verdict] = await pushed(world, state(2, number), now=at)
        assert verdict.refusal is None
    flags = [await world.one("SELECT flags FROM registrant WHERE id = :id", id=one) for one in ids]
    assert flags == [[], ["VERIFIED_LATE"]]


async def test_a_phone_that_could_not_tell_has_a_day_more(world: World) -> None:
    """An act that is told within six hours counts from its own time."""
    at, ids = DEADLINE - HOUR, [await waiting(world, number) for number in (1, 2)]
    for one in ids:
        await world.put(one, forfeits_at=DEADLINE + 20 * DAY)
    await away(world, at + 5 * HOUR, at + 7 * HOUR)
    until = at + 6 * HOUR + BY
    for one, now in zip(ids, (until, until + INSTANT), strict=True):
        assert (await verified_at(world, one, at, now)).status == "VERIFIED"
    flags = [await world.one("SELECT flags FROM registrant WHERE id = :id", id=one) for one in ids]
    assert flags == [["TOLD_LATE"], ["VERIFIED_LATE"]]


async def verified_at(world: World, one: UUID, at: datetime, now: datetime) -> Any:
    refs = [Ref(id=one)]
    [seen] = await world.database.attempt(
        lambda session: late_acts.verify(session, world.vault, HUBDAT, refs, now, at=at)
    )
    return seen


async def test_who_was_reopened_is_left_alone_for_a_day_more(world: World) -> None:
    one = (await world.verified(someone(HUBDAT, await world.route()))).id
    await world.sweep(LEAVES + 3 * HOUR)
    assert await world.status(one) == "NO_SHOW"
    reopened = LEAVES + 4 * HOUR
    await world.database.attempt(
        lambda session: reopening.reopen(session, world.vault, HUBDAT, [Ref(id=one)], "Keliru", reopened)
    )
    await away(world, reopened + 23 * HOUR, reopened + 25 * HOUR)
    until = reopened + DAY + BY
    await alive(world, until)
    assert (await world.sweep(until)).no_shows == 0
    assert (await world.sweep(until + INSTANT)).no_shows == 1


async def test_the_sweep_says_what_it_moved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await waiting(world)
    await away(world, BEFORE, DEADLINE + HOUR)
    monkeypatch.setattr(clock, "now", lambda: DEADLINE + HOUR)
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(sweep.run(world.database, stop))
        async with patience():
            while not logs:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            stop.set()
            await running
    assert [one["prolonged"] for one in logs] == [1]


async def test_verifying_against_prolonging(world: World) -> None:
    """Both want the same rows."""
    route = await world.route()
    booked = await world.submit(*(someone(HUBDAT, route, number) for number in range(20)))
    await away(world, BEFORE, DEADLINE + HOUR)
    moves = [world.move(Move(caller=HUBDAT, ref=Ref(id=one.view.id), to=S.VERIFIED), now=DEADLINE) for one in booked]
    await asyncio.gather(world.sweep(DEADLINE + HOUR), *moves)
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("VERIFIED",)]
    await assert_agrees(world)
