"""At the deadline: forfeiture against verification, and sweepers against each other. One wins each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from app.clock import end_of_wib_day, wib_day
from app.db import Database
from app.models.enums import RegistrantStatus
from app.registry import halts, sweep
from app.registry.registrants import forfeiture, lifecycle
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted
from app.registry.registrants.view import View
from app.registry.sweep import Swept
from app.vault.vault import Vault
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.crowd import at_once, one_waits
from tests.concurrency.processes import Crew
from tests.world import HUBDAT, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

ROUTE = "Jakarta - Solo"
IN_TIME = end_of_wib_day(wib_day(NOW) + timedelta(days=7))
"""The last instant to verify who registers now with hubdat."""
TOO_LATE = IN_TIME + timedelta(microseconds=1)


async def registered(world: World, count: int) -> list[View]:
    route = await world.route(ROUTE, quota=count)
    people = [someone(HUBDAT, route, number) for number in range(count)]
    records = [verdict.view for verdict in await world.submit(*people) if isinstance(verdict, Accepted)]
    assert [one.verify_by for one in records] == [IN_TIME] * count
    return records


async def verify(world: World, people: Sequence[View], now: datetime) -> list[Any]:
    return await world.move(
        *(lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.VERIFIED) for one in people), now=now
    )


async def standings(world: World) -> Counter[str]:
    return Counter(dict(await world.run("SELECT status, count(*) FROM registrant GROUP BY status")))


async def assert_settled(world: World, verified: int, forfeited: int) -> None:
    """Seats, blocks and the log agree with who was verified and who was forfeited."""
    assert await standings(world) == Counter(VERIFIED=verified, FORFEITED=forfeited)
    assert await world.taken(ROUTE) == verified
    blocked = "SELECT registrant_id, nik_index FROM nik_block WHERE lifted_at IS NULL ORDER BY registrant_id"
    lost = "SELECT id, nik_index FROM registrant WHERE status = 'FORFEITED' ORDER BY id"
    assert await world.run(blocked) == await world.run(lost)
    returned = await world.run("SELECT facts FROM change WHERE kind = 'QUOTA_RETURNED'")
    assert sum(facts["seats"] for [facts] in returned) == forfeited
    told = dict(await world.run("SELECT kind, count(*) FROM change WHERE kind LIKE 'NIK_%' GROUP BY kind"))
    assert told == ({"NIK_BLOCKED": forfeited} if forfeited else {})
    await assert_agrees(world)


async def test_verification_against_forfeiture(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verifications from before the deadline and a sweep from after it meet at the rows: one of them wins each."""
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 5)
    people = await registered(world, 120)
    in_time, too_late = people[:90], people[90:]
    alone, together = in_time[:60], [in_time[60:75], in_time[75:90]]
    calls = [
        *(verify(world, [one], IN_TIME) for one in alone),
        *(verify(world, batch, IN_TIME) for batch in together),
        *(verify(world, [one], TOO_LATE) for one in too_late),
    ]
    swept, answers = await asyncio.gather(world.sweep(TOO_LATE), at_once(calls))
    # A sweep ends with a batch of which everybody has been verified meanwhile. The next sweep takes the others.
    caught_up = await world.sweep(TOO_LATE)
    verdicts = list(chain(*answers))
    won = {one.id for one in verdicts if isinstance(one, View)}
    assert won <= {one.id for one in in_time}
    for one, verdict in zip(people, verdicts, strict=True):
        status = await world.status(one.id)
        if isinstance(verdict, View):
            assert (status, verdict.status) == ("VERIFIED", "VERIFIED")
        elif one in too_late:
            assert (status, verdict.code, verdict.verify_by) == ("FORFEITED", "VERIFICATION_EXPIRED", IN_TIME)
        else:
            assert (status, verdict.code, verdict.allowed) == ("FORFEITED", "TRANSITION_NOT_ALLOWED", ())
            assert verdict.status == "FORFEITED"
    assert swept.forfeited + caught_up.forfeited == 120 - len(won)
    await assert_settled(world, len(won), 120 - len(won))
    assert await world.sweep(TOO_LATE) == Swept()


async def test_a_sweep_that_waits_for_verifications_takes_the_others(world: World) -> None:
    people = await registered(world, 40)
    async with world.database.transaction() as session:
        moves = [lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.VERIFIED) for one in people[:5]]
        held = await lifecycle.move(session, world.vault, moves, IN_TIME)
        sweeping = asyncio.create_task(world.sweep(TOO_LATE))
        await one_waits(world)
        # Rows are locked in the order of their ids, so the sweep has not come to these yet.
        overtaking = await verify(world, people[30:], IN_TIME)
    assert await sweeping == Swept(forfeited=25)
    assert [one.status for one in (*held, *overtaking)] == ["VERIFIED"] * 15
    assert {await world.status(one.id) for one in people[5:30]} == {"FORFEITED"}
    await assert_settled(world, 15, 25)


async def test_a_verification_that_waits_for_the_sweep_has_lost(world: World) -> None:
    people = await registered(world, 3)
    async with world.database.transaction() as session:
        assert await forfeiture.forfeit_overdue(session, TOO_LATE, most=3) == 3
        verifying = asyncio.create_task(verify(world, people[:1], IN_TIME))
        await one_waits(world)
    [refused] = await verifying
    assert (refused.code, refused.status) == ("TRANSITION_NOT_ALLOWED", "FORFEITED")
    await assert_settled(world, 0, 3)


async def test_forfeiture_against_cancellation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seat returns once, whichever ends the registration."""
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 5)
    people = await registered(world, 60)
    cancels = [
        world.move(
            lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.CANCELLED, reason="Batal berangkat"),
            now=IN_TIME,
        )
        for one in reversed(people)
    ]
    _, answers = await asyncio.gather(world.sweep(TOO_LATE), at_once(cancels))
    cancelled = [verdict for [verdict] in answers if isinstance(verdict, View)]
    ended = await standings(world)
    assert ended == Counter(CANCELLED=len(cancelled), FORFEITED=60 - len(cancelled))
    assert await world.taken(ROUTE) == 0
    assert await world.count("nik_block") == ended["FORFEITED"]
    await assert_agrees(world)


async def test_a_forfeited_seat_and_nik_against_new_claims(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seat goes to somebody else at once; the forfeited person gets none, before, during or after."""
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 5)
    await registered(world, 30)
    again = [world.submit(someone(HUBDAT, world.routes[ROUTE], n), now=TOO_LATE) for n in range(30)]
    others = [world.submit(someone(HUBDAT, world.routes[ROUTE], 100 + n), now=TOO_LATE) for n in range(30)]
    _, answers = await asyncio.gather(world.sweep(TOO_LATE), at_once(chain(*zip(again, others, strict=True))))
    verdicts = [verdict for [verdict] in answers]
    for verdict in verdicts[::2]:
        # Where newcomers have filled the route again, nothing is asked of the NIK.
        assert verdict.replayed if isinstance(verdict, Accepted) else verdict.code in {"NIK_BLOCKED", "QUOTA_FULL"}
    newcomers = sum(isinstance(verdict, Accepted) for verdict in verdicts[1::2])
    assert await standings(world) == Counter(FORFEITED=30, REGISTERED=newcomers)
    assert await world.taken(ROUTE) == newcomers
    assert {one.code for one in verdicts[1::2] if not isinstance(one, Accepted)} <= {"QUOTA_FULL"}
    elsewhere = await world.route("Jakarta - Yogyakarta", quota=30)
    refused = await world.submit(*(someone(HUBDAT, elsewhere, n) for n in range(30)), now=TOO_LATE)
    assert [one.code for one in refused] == ["NIK_BLOCKED"] * 30
    await assert_agrees(world)


async def sweep_once(database: Database, vault: Vault, now: datetime) -> Swept:
    return await sweep.sweep(database, now)


async def test_sweepers_in_several_processes_do_it_once(world: World, crew: Crew) -> None:
    await registered(world, 1200)
    # So many at once wait for Hubdat's word.
    assert await crew.run(world.database, sweep_once, [(TOO_LATE,)] * 3) == [Swept()] * 3
    await world.database.attempt(
        lambda session: halts.allow(
            session, HUBDAT, "hubdat", RegistrantStatus.FORFEITED, IN_TIME, "Tidak datang", TOO_LATE
        )
    )
    swept = await crew.run(world.database, sweep_once, [(TOO_LATE,)] * 3)
    assert sum(one.forfeited for one in swept) == 1200
    await assert_settled(world, 0, 1200)
    assert await world.one("SELECT count(*) FROM change WHERE to_status = 'FORFEITED'") == 1200
    async with world.unchanged():
        assert await crew.run(world.database, sweep_once, [(TOO_LATE,)] * 3) == [Swept()] * 3


@pytest.mark.parametrize(
    ("duty", "left"),
    [
        (sweep.FORFEITURE, Swept(no_shows=2)),
        # A runner that is done with one duty and at the next must not end the other runner's.
        (sweep.NO_SHOW, Swept(forfeited=8)),
        (sweep.PURGE, Swept(forfeited=8, no_shows=2)),
    ],
)
async def test_a_duty_is_left_to_the_runner_that_is_at_it(world: World, duty: int, left: Swept) -> None:
    people = await registered(world, 10)
    await verify(world, people[:2], NOW)
    after = LEAVES + timedelta(days=1)
    async with world.database.transaction() as other_runner:
        assert await other_runner.one(sweep.ONE_RUNNER, duty=duty) is True
        assert await world.sweep(after) == left
    assert await world.sweep(after) == Swept(forfeited=8 - left.forfeited, no_shows=2 - left.no_shows)


async def test_verifications_in_other_processes_against_sweepers(world: World, crew: Crew) -> None:
    people = await registered(world, 600)
    ids = [one.id for one in people]
    answers = await crew.run(
        world.database, verify_or_sweep, [(None, TOO_LATE), (ids[::2], IN_TIME), (ids[1::2][::-1], IN_TIME)]
    )
    verified = answers[1] + answers[2]
    assert (await standings(world))["VERIFIED"] == verified
    await assert_settled(world, verified, 600 - verified)


async def verify_or_sweep(database: Database, vault: Vault, ids: list[Any] | None, now: datetime) -> int:
    """How many this process verified; without `ids` it sweeps."""
    if ids is None:
        await sweep.sweep(database, now)
        return 0

    async def some(share: list[Any]) -> int:
        moves = [lifecycle.Move(caller=HUBDAT, ref=Ref(id=one), to=RegistrantStatus.VERIFIED) for one in share]
        verdicts = await database.attempt(lambda session: lifecycle.move(session, vault, moves, now))
        return sum(isinstance(one, View) for one in verdicts)

    return sum(await asyncio.gather(*(some(ids[start : start + 10]) for start in range(0, len(ids), 10))))


async def test_catching_up_after_days_without_a_sweep(world: World) -> None:
    """Everything that came due meanwhile, of every kind, in one go; and a second time changes nothing more."""
    people = await registered(world, 6)
    await world.run("UPDATE route SET quota = NULL")
    early = [
        await world.registered(someone(HUBDAT, world.routes[ROUTE], 50 + days), NOW - timedelta(days=days))
        for days in range(3)
    ]
    await verify(world, people[:2], NOW)
    returned_late = LEAVES + timedelta(days=3)
    swept = await world.sweep(returned_late)
    assert swept == Swept(forfeited=7, no_shows=2)
    assert await standings(world) == Counter(FORFEITED=7, NO_SHOW=2)
    assert [await world.status(one.id) for one in early] == ["FORFEITED"] * 3
    # Those who were left behind took their seats with them.
    assert await world.taken(ROUTE) == 2
    async with world.unchanged():
        assert await world.sweep(returned_late) == Swept()
    later = await world.route("Jakarta - Solo nanti", departs_at=None)
    [refused] = await world.submit(someone(HUBDAT, later, nik=nik_of(50)), now=returned_late)
    assert refused.code == "NIK_BLOCKED"
    await assert_agrees(world)
