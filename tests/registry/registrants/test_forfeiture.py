"""H+7: the deadline at the end of a day in Jakarta, the seat that returns, the NIK that is blocked."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from app.models.enums import RegistrantStatus
from app.registry import sweep
from app.registry.registrants import forfeiture
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.registrants.view import View
from app.registry.terms.policy import Policy
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)
SEVEN = Policy(verify_within_days=7)
DEADLINE = datetime(2026, 3, 9, 17, 0, tzinfo=UTC) - INSTANT
"""Of whoever registered on 2 March in Jakarta, with seven days."""
FORFEITED = "Gugur: tidak diverifikasi sampai batas waktu."


async def overdue(world: World, number: int = 1) -> View:
    route = world.routes.get("Jakarta - Solo") or await world.route(quota=9)
    return await world.registered(someone(HUBDAT, route, number))


async def test_whoever_is_not_verified_is_forfeited_and_blocked(world: World) -> None:
    one = await overdue(world)
    verified = await world.verified(someone(HUBDAT, one.route_id, 2))
    async with world.unchanged():
        assert (await world.sweep(DEADLINE)).forfeited == 0
    later = DEADLINE + INSTANT
    assert (await world.sweep(later)).forfeited == 1
    assert await world.status(one.id) == "FORFEITED"
    assert await world.status(verified.id) == "VERIFIED"
    assert await world.taken() == 1
    assert await world.run(
        """SELECT nik_index, reason, from_season, until_season, since, organizer_code, client_id, registrant_id,
                  lifted_at FROM nik_block"""
    ) == [(world.vault.blind_index(nik_of(1)), FORFEITED, 2026, 2026, later, "hubdat", None, one.id, None)]
    assert (await world.changes("kind, organizer_code, registrant_id, from_status, to_status, client_id, facts"))[
        3:
    ] == [
        ("REGISTRANT_MOVED", "hubdat", one.id, "REGISTERED", "FORFEITED", None, None),
        ("QUOTA_RETURNED", "hubdat", None, None, None, None, {"seats": 1}),
        ("NIK_BLOCKED", "hubdat", one.id, None, None, None, {"untilSeason": 2026}),
    ]
    async with world.unchanged():
        assert (await world.sweep(later)).forfeited == 0


async def test_a_forfeited_nik_is_refused_everywhere(world: World) -> None:
    await overdue(world)
    await world.sweep(DEADLINE + INSTANT)
    theirs = await world.route("KA", organizer="djka")
    refused = await world.submit(someone(DJKA, theirs), someone(HUBDAT, world.routes["Jakarta - Solo"]))
    assert [(one.code, one.until_season) for one in refused] == [("NIK_BLOCKED", 2026)] * 2


async def test_it_catches_up_after_downtime_in_batches(world: World) -> None:
    route = await world.route()
    await world.submit(*(someone(HUBDAT, route, number) for number in range(7)))
    async with world.database.transaction() as session:
        assert await forfeiture.forfeit_overdue(session, DEADLINE + 20 * DAY, most=5) == 5
    assert await world.taken() == 2
    async with world.database.transaction() as session:
        assert await forfeiture.forfeit_overdue(session, DEADLINE + 20 * DAY, most=5) == 2
    assert await world.taken() == 0
    assert await world.count("nik_block") == 7


async def test_a_closed_season_forfeits_nobody(world: World) -> None:
    await overdue(world)
    await world.close()
    async with world.unchanged():
        assert (await world.sweep(DEADLINE + DAY)).forfeited == 0


async def test_others_forfeit_nobody_until_they_say_so(world: World) -> None:
    route = await world.route("KA", organizer="djka")
    first = await world.registered(someone(DJKA, route, 1))
    await world.policy("djka", verify_within_days=2)
    second = await world.registered(someone(DJKA, route, 2))
    assert (first.verify_by, second.verify_by) == (None, DEADLINE - 5 * DAY)
    assert (await world.sweep(NOW + 40 * DAY)).forfeited == 1
    assert await world.status(first.id) == "REGISTERED"
    assert await world.status(second.id) == "FORFEITED"


async def test_a_later_policy_does_not_reach_back(world: World) -> None:
    one = await overdue(world)
    await world.policy("hubdat", verify_within_days=1)
    assert (await world.sweep(NOW + 3 * DAY)).forfeited == 0
    await world.policy("hubdat", verify_within_days=None)
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 1
    assert await world.status(one.id) == "FORFEITED"


async def test_a_policy_may_forfeit_without_a_block(world: World) -> None:
    await world.policy("hubdat", verify_within_days=7, block_when_forfeited=False)
    one = await overdue(world)
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 1
    assert await world.status(one.id) == "FORFEITED"
    assert await world.count("nik_block") == 0


async def test_a_policy_may_block_for_several_seasons(world: World) -> None:
    await world.policy("hubdat", verify_within_days=7, block_seasons=3)
    await overdue(world)
    await world.sweep(DEADLINE + INSTANT)
    assert await world.run("SELECT from_season, until_season FROM nik_block") == [(2026, 2028)]
    await world.season(2027, date(2027, 4, 30))
    assert await world.run("SELECT status FROM registrant") == [("FORFEITED",)]
    route = await world.route("Tahun depan", season=2027)
    await world.run("UPDATE registration_window SET season = 2027")
    [refused] = await world.submit(someone(HUBDAT, route))
    assert (refused.code, refused.until_season) == ("NIK_BLOCKED", 2028)


async def test_a_block_of_one_season_ends_with_it(world: World) -> None:
    await overdue(world)
    await world.sweep(DEADLINE + INSTANT)
    await world.season(2027, date(2027, 4, 30))
    await world.run("UPDATE registration_window SET season = 2027")
    route = await world.route("Tahun depan", season=2027)
    assert (await world.registered(someone(HUBDAT, route))).season == 2027


async def test_a_late_arrival_can_be_verified_for_a_day(world: World) -> None:
    route = await world.route()
    arrived_at = DEADLINE + 5 * DAY
    accepted = await world.accepted(someone(HUBDAT, route, registered_at=NOW), arrived_at)
    assert [one.code for one in accepted.warnings] == ["DEADLINE_EXTENDED"]
    assert accepted.view.verify_by == arrived_at + DAY
    assert (await world.sweep(arrived_at + DAY)).forfeited == 0
    assert (await world.sweep(arrived_at + DAY + INSTANT)).forfeited == 1


async def test_a_late_pair_is_warned_once(world: World) -> None:
    pair = someone(HUBDAT, await world.route(), return_route_id=await world.way_back(), registered_at=NOW)
    accepted = await world.accepted(pair, DEADLINE + DAY)
    assert [one.code for one in accepted.warnings] == ["DEADLINE_EXTENDED"]


async def test_a_pair_is_forfeited_together_and_blocked_once(world: World) -> None:
    pair = await world.accepted(
        someone(HUBDAT, await world.route(quota=1), return_route_id=await world.way_back(quota=1))
    )
    assert pair.return_view is not None
    await world.sweep(DEADLINE + INSTANT)
    assert await world.status(pair.view.id) == "FORFEITED"
    assert await world.status(pair.return_view.id) == "FORFEITED"
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (0, 0)
    assert await world.run("SELECT registrant_id FROM nik_block") == [(pair.view.id,)]


async def test_rider_and_motorcycle_are_blocked_once(world: World) -> None:
    rider = await overdue(world)
    deck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 2
    assert await world.run("SELECT status FROM registrant") == [("FORFEITED",)] * 2
    assert await world.run("SELECT registrant_id FROM nik_block") == [(rider.id,)]


async def test_whose_legs_are_forfeited_in_two_batches_is_blocked_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 1)
    pair = await world.accepted(someone(HUBDAT, await world.route(), return_route_id=await world.way_back()))
    deck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    assert pair.return_view is not None
    # The return comes first.
    await world.put(pair.return_view.id, verify_by=DEADLINE - INSTANT)
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 3
    assert await world.run("SELECT registrant_id FROM nik_block") == [(pair.return_view.id,)]
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'NIK_BLOCKED'") == 1


async def test_at_the_deadline_forfeiture_or_verification_wins_never_both(world: World) -> None:
    """A verification that was in time and a sweep meet at the same rows."""
    route = await world.route()
    booked = await world.submit(*(someone(HUBDAT, route, number) for number in range(40)))
    moves = (world.move(Move(caller=HUBDAT, ref=Ref(id=one.view.id), to=S.VERIFIED), now=DEADLINE) for one in booked)
    await asyncio.gather(world.sweep(DEADLINE + INSTANT), *moves)
    counts = dict(tuple(row) for row in await world.run("SELECT status, count(*) FROM registrant GROUP BY status"))
    assert sum(counts.values()) == 40
    assert set(counts) <= {"VERIFIED", "FORFEITED"}
    assert await world.taken() == counts.get("VERIFIED", 0)
    assert await world.count("nik_block") == counts.get("FORFEITED", 0)


async def test_whose_deadline_moves_while_the_sweep_waits_for_the_lock_is_not_forfeited(world: World) -> None:
    route = await world.route()
    one, other = [await world.registered(someone(HUBDAT, route, number)) for number in (1, 2)]
    assert one.verify_by is not None
    now = one.verify_by + timedelta(seconds=1)
    with meanwhile(
        "AS refuse_early_verification", lambda: world.put(one.id, verify_by=now + timedelta(days=1)), before=True
    ) as looks:
        assert (await world.sweep(now)).forfeited == 1
    assert len(looks) == 1
    assert [await world.status(each.id) for each in (one, other)] == ["REGISTERED", "FORFEITED"]
    assert await world.run("SELECT registrant_id FROM nik_block") == [(other.id,)]
