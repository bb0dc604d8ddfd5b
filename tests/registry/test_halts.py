"""A sweep that would end unusually many of an organizer's people halts for it, and waits for Hubdat's word."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from app import clock
from app.db import Database
from app.errors import InvalidValue, NotFound
from app.models.enums import RegistrantStatus
from app.registry import halts, sweep
from app.registry.halts import MOST_PEOPLE, Halt
from app.registry.sweep import Swept
from app.registry.undo import bulk
from app.registry.undo.bulk import Cause, Where
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)
DEADLINE = datetime(2026, 3, 9, 17, 0, tzinfo=UTC) - INSTANT
LATER = DEADLINE + timedelta(hours=1)
MANY = MOST_PEOPLE + 1
REASON = "Benar tidak datang ke posko"


async def crowd(world: World, people: int = MANY, *, first: int = 0, now: datetime = NOW) -> None:
    route = world.routes.get("Jakarta - Solo") or await world.route()
    await world.submit(*(someone(HUBDAT, route, first + number) for number in range(people)), now=now)


async def standing(world: World) -> list[Halt]:
    async with world.database.transaction() as session:
        return await halts.every(session)


async def word(world: World, until: datetime, *, now: datetime = LATER, ends: RegistrantStatus = S.FORFEITED) -> Any:
    return await world.database.attempt(
        lambda session: halts.allow(session, HUBDAT, "hubdat", ends, until, REASON, now)
    )


async def alarms(world: World) -> list[Any]:
    return [row.facts for row in await world.run("SELECT facts FROM change WHERE kind = 'SWEEP_HALTED' ORDER BY id")]


async def statuses(world: World) -> dict[str, int]:
    rows = await world.run("SELECT organizer_code || ' ' || status, count(*) FROM registrant GROUP BY 1 ORDER BY 1")
    return dict(tuple(row) for row in rows)


async def test_too_many_of_one_organizer_wait_and_the_others_do_not(world: World) -> None:
    await crowd(world)
    await world.policy("djka", verify_within_days=7)
    theirs = await world.route("KA", organizer="djka")
    await world.submit(*(someone(DJKA, theirs, 500 + number) for number in range(3)))
    swept = await world.sweep(LATER)
    assert (swept.forfeited, swept.no_shows) == (3, 0)
    assert swept.halted == (
        Halt(
            organizer="hubdat",
            ends="FORFEITED",
            people=MANY,
            holders=MANY,
            until=DEADLINE,
            since=LATER,
            allowed_until=None,
        ),
    )
    assert await statuses(world) == {"djka FORFEITED": 3, "hubdat REGISTERED": MANY}
    assert await world.count("nik_block") == 3
    assert await standing(world) == [
        Halt(
            organizer="hubdat",
            ends="FORFEITED",
            people=MANY,
            holders=MANY,
            until=DEADLINE,
            since=LATER,
            allowed_until=None,
        )
    ]
    assert await alarms(world) == [
        {"halted": "hubdat", "ends": "FORFEITED", "people": MANY, "holders": MANY, "until": DEADLINE.isoformat()}
    ]


async def test_the_server_logs_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await crowd(world)
    monkeypatch.setattr(clock, "now", lambda: LATER)
    monkeypatch.setattr(sweep, "SWEEP_EVERY_SECONDS", 0.01)
    stop, swept = asyncio.Event(), 0
    real = sweep.sweep

    async def counted(database: Database, now: datetime) -> Swept:
        nonlocal swept
        swept += 1
        if swept == 3:
            stop.set()
        return await real(database, now)

    monkeypatch.setattr(sweep, "sweep", counted)
    with structlog.testing.capture_logs() as logs:
        await sweep.run(world.database, stop)
    told = {"organizer": "hubdat", "ends": "FORFEITED", "people": MANY}
    assert logs == [{"event": "sweep.halted", "log_level": "error", **told}]


async def test_it_is_told_once_and_goes_on_halting(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    await crowd(world, 2, first=MANY, now=NOW + DAY)
    async with world.unchanged():
        assert await world.sweep(LATER + DAY) == Swept()
    [halt] = await standing(world)
    assert (halt.people, halt.until, halt.since) == (MANY + 2, DEADLINE + DAY, LATER)


@pytest.mark.parametrize(("people", "holders", "forfeited"), [(100, 100, 100), (101, 2020, 101), (101, 2019, 0)])
async def test_the_bounds_are_more_than_100_people_and_more_than_a_twentieth(
    world: World, people: int, holders: int, forfeited: int
) -> None:
    await crowd(world, people)
    await world.run("UPDATE route SET taken = :holders", holders=holders)
    assert (await world.sweep(LATER)).forfeited == forfeited
    assert len(await standing(world)) == (0 if forfeited else 1)


async def test_holders_of_a_closed_season_do_not_count(world: World) -> None:
    await crowd(world)
    await world.season(2025, NOW.date(), closed_at=NOW)
    past = await world.route("Dulu", season=2025)
    await world.run("UPDATE route SET taken = 100000 WHERE id = :id", id=past)
    assert (await world.sweep(LATER)).forfeited == 0


async def test_an_older_season_that_is_open_still_hides_nobody(world: World) -> None:
    await crowd(world)
    await world.season(2025, NOW.date())
    past = await world.route("Dulu", season=2025)
    await world.run("UPDATE route SET taken = 100000 WHERE id = :id", id=past)
    assert (await world.sweep(LATER)).forfeited == 0
    [halt] = await standing(world)
    assert (halt.people, halt.holders) == (MANY, MANY)


@pytest.mark.parametrize(("people", "past", "halted"), [(MANY, 1, [MANY + 1]), (60, 60, [120]), (60, 40, [])])
async def test_people_of_two_seasons_are_judged_by_season_and_together(
    world: World, people: int, past: int, halted: list[int]
) -> None:
    """Of the older season hundreds of thousands hold a seat, where those of this one alone are too many."""
    await crowd(world, people + past)
    await world.season(2025, NOW.date())
    older = await world.route("Dulu", season=2025)
    await world.run(
        "UPDATE registrant SET season = 2025, route_id = :older WHERE id IN (SELECT id FROM registrant LIMIT :past)",
        older=older,
        past=past,
    )
    await world.run("UPDATE route SET taken = :people", people=people)
    await world.run("UPDATE route SET taken = :holders WHERE season = 2025", holders=500_000 if past == 1 else past)
    await world.sweep(LATER)
    assert [halt.people for halt in await standing(world)] == halted


async def test_what_falls_due_while_others_end_is_judged_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody moves the deadlines of many to before the sweep's instant, between two of its transactions."""
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 2)
    await crowd(world, 3)
    await crowd(world, first=10, now=NOW + DAY)

    async def mistake() -> None:
        await world.run("UPDATE registrant SET verify_by = :at WHERE status = 'REGISTERED'", at=DEADLINE)

    with meanwhile("INSERT INTO sweep_halt", mistake, before=True):
        swept = await world.sweep(LATER)
    assert [halt.people for halt in swept.halted] == [MANY + 1]
    assert await statuses(world) == {"hubdat FORFEITED": 2, "hubdat REGISTERED": MANY + 1}


async def test_whoever_waits_for_the_runners_sees_what_they_have_halted(world: World) -> None:
    await crowd(world)
    waiting = asyncio.Event()

    async def seen() -> list[Halt]:
        async with world.database.transaction() as session:
            waiting.set()
            await halts.wait_for_runners(session)
            return await halts.every(session)

    async def begin() -> None:
        tasks.append(asyncio.create_task(seen()))
        await waiting.wait()

    tasks: list[asyncio.Task[list[Halt]]] = []
    with meanwhile("INSERT INTO sweep_halt", begin):
        await world.sweep(LATER)
    [told] = await asyncio.gather(*tasks)
    assert [halt.people for halt in told] == [MANY]


async def test_hubdats_word_is_for_what_was_due_and_is_used_up(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    assert await word(world, DEADLINE) == Halt(
        organizer="hubdat",
        ends="FORFEITED",
        people=MANY,
        holders=MANY,
        until=DEADLINE,
        since=LATER,
        allowed_until=DEADLINE,
    )
    assert await world.sweep(LATER) == Swept(forfeited=MANY)
    assert await world.count("nik_block") == MANY
    [allowed] = await world.run(
        "SELECT organizer_code, client_id, reason, facts FROM change WHERE kind = 'SWEEP_ALLOWED'"
    )
    facts = {"ends": "FORFEITED", "people": MANY, "until": DEADLINE.isoformat()}
    assert tuple(allowed) == ("hubdat", "hubdat-test", REASON, facts)
    async with world.unchanged():
        assert await world.sweep(LATER) == Swept()
    assert await world.count("sweep_halt") == 0

    await crowd(world, first=MANY, now=NOW + 4 * DAY)
    async with world.unchanged("registrant", "nik_block", "route"):
        assert await world.sweep(LATER + 4 * DAY) == Swept()
    assert len(await alarms(world)) == 2


async def test_the_word_opens_no_door_for_who_falls_due_later(world: World) -> None:
    await crowd(world)
    await crowd(world, first=MANY, now=NOW + DAY)
    await world.sweep(LATER + DAY)
    await word(world, DEADLINE, now=LATER + DAY)
    assert await world.sweep(LATER + DAY) == Swept(forfeited=MANY)
    # Of those who are left, too many are due still.
    async with world.unchanged("registrant", "nik_block", "route"):
        assert await world.sweep(LATER + DAY) == Swept()
    [halt] = await standing(world)
    assert (halt.people, halt.holders, halt.until, halt.allowed_until) == (MANY, MANY, DEADLINE + DAY, None)
    assert len(await alarms(world)) == 2


async def test_few_who_are_left_behind_the_word_end_with_the_next_sweep(world: World) -> None:
    await crowd(world)
    await crowd(world, 3, first=MANY, now=NOW + DAY)
    await world.sweep(LATER + DAY)
    await word(world, DEADLINE, now=LATER + DAY)
    assert [(await world.sweep(LATER + DAY)).forfeited for _ in range(3)] == [MANY, 3, 0]


@pytest.mark.parametrize(
    ("ends", "until", "field"),
    [
        (S.FORFEITED, LATER + INSTANT, "until"),
        (S.FORFEITED, LATER.replace(tzinfo=None), "until"),
        (S.CANCELLED, LATER, "ends"),
    ],
)
async def test_a_word_for_what_is_to_come_is_refused(
    world: World, ends: RegistrantStatus, until: datetime, field: str
) -> None:
    await crowd(world)
    await world.sweep(LATER)
    async with world.unchanged("sweep_halt", "change"):
        refused = await word(world, until, ends=ends)
    assert isinstance(refused, InvalidValue)
    assert refused.field == field


async def test_a_word_needs_a_reason_and_a_halt(world: World) -> None:
    await crowd(world)
    async with world.unchanged("sweep_halt", "change"):
        assert await word(world, NOW, now=NOW) == NotFound("organizer")
    await world.sweep(LATER)
    async with world.unchanged("sweep_halt", "change"):
        assert await word(world, NOW, ends=S.NO_SHOW) == NotFound("organizer")
        nothing = await world.database.attempt(
            lambda session: halts.allow(session, HUBDAT, "hubdat", S.FORFEITED, NOW, " ", LATER)
        )
    assert isinstance(nothing, InvalidValue)
    assert nothing.field == "reason"


async def test_a_clock_that_is_put_right_ends_the_halt_and_nobody(world: World) -> None:
    await crowd(world)
    wrong = NOW + 8 * DAY
    async with world.unchanged("registrant", "nik_block", "route"):
        await world.sweep(wrong)
        assert len(await standing(world)) == 1
        await world.sweep(NOW + timedelta(minutes=1))
        assert await world.count("sweep_halt") == 0
        await world.sweep(wrong)
    assert len(await alarms(world)) == 2


async def test_a_runner_that_is_a_little_behind_lets_nobody_go_on(world: World) -> None:
    await crowd(world)
    await world.sweep(DEADLINE + INSTANT)
    async with world.unchanged("registrant", "sweep_halt"):
        await world.sweep(DEADLINE)
    await world.sweep(DEADLINE + 2 * INSTANT)
    assert len(await alarms(world)) == 1


async def test_it_goes_on_by_itself_when_fewer_are_due(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    [one] = await world.run("SELECT id FROM registrant ORDER BY id LIMIT 1")
    await world.moved(one.id, S.CANCELLED, now=LATER)
    assert await world.sweep(LATER) == Swept(forfeited=100)
    assert await world.count("sweep_halt") == 0


async def test_a_closed_season_ends_the_halt(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    await world.close()
    async with world.unchanged():
        await world.sweep(LATER)
    assert await world.count("sweep_halt") == 0


async def test_an_outage_neither_ends_the_halt_nor_the_people(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    await world.run("INSERT INTO heartbeat (id, at) VALUES (1, :at)", at=LATER - timedelta(minutes=6))
    async with world.unchanged("registrant", "change", "sweep_halt"):
        await world.sweep(LATER)


async def test_an_outage_uses_up_no_word(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    await word(world, DEADLINE)
    await world.run("INSERT INTO heartbeat (id, at) VALUES (1, :at)", at=LATER - timedelta(minutes=6))
    async with world.unchanged("registrant", "change", "sweep_halt"):
        await world.sweep(LATER)
    await world.run("UPDATE heartbeat SET at = :at", at=LATER)
    assert await world.sweep(LATER) == Swept(forfeited=MANY)


async def test_many_no_shows_wait_as_well(world: World) -> None:
    await crowd(world)
    ids = [row.id for row in await world.run("SELECT id FROM registrant")]
    await world.run("UPDATE registrant SET status = 'VERIFIED', verified_at = :now", now=NOW)
    has_left = LEAVES + timedelta(hours=2)
    assert await world.sweep(has_left + INSTANT) == Swept()
    assert await standing(world) == [
        Halt(
            organizer="hubdat",
            ends="NO_SHOW",
            people=MANY,
            holders=MANY,
            until=has_left,
            since=has_left + INSTANT,
            allowed_until=None,
        )
    ]
    assert await word(world, has_left, now=has_left + INSTANT, ends=S.FORFEITED) == NotFound("organizer")
    await word(world, has_left, now=has_left + INSTANT, ends=S.NO_SHOW)
    assert await world.sweep(has_left + INSTANT) == Swept(no_shows=len(ids))


async def test_a_word_among_runners_ends_everybody_once(world: World) -> None:
    await crowd(world)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(world.sweep(LATER))
    assert len(await alarms(world)) == 1
    swept = await asyncio.gather(*(world.sweep(LATER) for _ in range(2)), word(world, DEADLINE), world.sweep(LATER))
    forfeited = sum(one.forfeited for one in swept if isinstance(one, Swept))
    assert forfeited + (await world.sweep(LATER)).forfeited == MANY
    await world.sweep(LATER)
    assert await world.count("sweep_halt") == 0
    assert len(await alarms(world)) == 1


async def test_ends_that_were_taken_back_and_fall_due_again_wait_again(world: World) -> None:
    await crowd(world)
    await world.sweep(LATER)
    await word(world, DEADLINE)
    await world.sweep(LATER)
    cause = Cause(status=S.FORFEITED, since=LATER, until=LATER + INSTANT, by_itself=True)
    page = await world.database.attempt(
        lambda session: bulk.reopen_all(session, world.vault, HUBDAT, Where(cause=cause), REASON, LATER)
    )
    assert isinstance(page, bulk.ReopenedPage)
    assert len(page.ids) == MANY
    again = LATER + 2 * DAY
    async with world.unchanged("registrant", "nik_block", "route"):
        assert await world.sweep(again) == Swept()
    [halt] = await standing(world)
    assert (halt.people, halt.since) == (MANY, again)
    assert len(await alarms(world)) == 2


async def test_the_end_of_a_period_that_forfeits_many_at_once_waits(world: World) -> None:
    ends_at = NOW + 3 * DAY
    await world.policy("hubdat", verify_within_days=7, forfeit_at_period_end=True)
    await world.wave("hubdat", NOW - DAY, ends_at, kind="VERIFICATION")
    await crowd(world)
    async with world.unchanged("registrant", "nik_block", "route"):
        assert await world.sweep(ends_at + INSTANT) == Swept()
    [halt] = await standing(world)
    assert (halt.people, halt.until) == (MANY, ends_at - INSTANT)
