"""The lifecycle: every pair of statuses, what each step writes, what it refuses and leaves as it was."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.errors import MotorcycleNotHandedOver, NotFound, NotHealthy, SeasonClosed, VerificationExpired
from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.transitions import Step
from app.registry.registrants.view import View
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, REPORTED, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
REASON = "Permintaan peserta"
ALLOWED = {
    (S.REGISTERED, S.VERIFIED),
    (S.REGISTERED, S.CANCELLED),
    (S.REGISTERED, S.FORFEITED),
    (S.VERIFIED, S.DEPARTED),
    (S.VERIFIED, S.CANCELLED),
    (S.VERIFIED, S.NO_SHOW),
}
CHOICES = {S.REGISTERED: ("VERIFIED", "CANCELLED"), S.VERIFIED: ("DEPARTED", "CANCELLED")}
FACTS: dict[RegistrantStatus, dict[str, Any]] = {
    S.VERIFIED: {"verified_at": NOW},
    S.DEPARTED: {"verified_at": NOW, "departed_at": NOW, "healthy": True},
    S.NO_SHOW: {"verified_at": NOW},
}


async def standing_at(world: World, status: RegistrantStatus) -> UUID:
    one = await world.registered(someone(HUBDAT, await world.route(quota=1)))
    if status != S.REGISTERED:
        await world.put(one.id, status=status, **FACTS.get(status, {}))
    return one.id


@pytest.mark.parametrize(("was", "to"), list(product(S, S)))
async def test_every_pair_of_statuses(world: World, was: RegistrantStatus, to: RegistrantStatus) -> None:
    one = await standing_at(world, was)
    move = Move(caller=HUBDAT, ref=Ref(id=one), to=to, reason=REASON, healthy=True)
    if (was, to) in ALLOWED:
        [moved] = await world.move(move, now=REPORTED if to == S.DEPARTED else NOW)
        assert moved.status == to
        assert moved == await world.find(one)
        assert (one, was, to, "hubdat-test", REASON) in await world.changes(
            "registrant_id, from_status, to_status, client_id, reason"
        )
        assert await world.taken() == (0 if to in {S.CANCELLED, S.FORFEITED} else 1)
        assert await world.count("nik_block") == (1 if to == S.FORFEITED else 0)
        return
    async with world.unchanged():
        [verdict] = await world.move(move)
    if was == to:
        assert verdict == await world.find(one)
    else:
        assert (verdict.code, verdict.field) == ("TRANSITION_NOT_ALLOWED", "ref")
        assert (verdict.status, verdict.to, verdict.allowed) == (was, to, CHOICES.get(was, ()))


async def test_nothing_to_move(world: World) -> None:
    assert await world.move() == []


async def test_verification_is_written_down(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    later = NOW + timedelta(days=2)
    moved = await world.moved(one, S.VERIFIED, now=later, posko="Posko Pulo Gebang", reason=None)
    assert (moved.status, moved.verified_at) == ("VERIFIED", later)
    assert await world.one("SELECT posko FROM registrant") == "Posko Pulo Gebang"
    assert await world.changes() == [
        ("REGISTRANT_MOVED", None, "REGISTERED", "hubdat-test", None),
        ("QUOTA_FILLED", None, None, None, None),
        ("REGISTRANT_MOVED", "REGISTERED", "VERIFIED", "hubdat-test", None),
    ]
    async with world.unchanged():
        again = await world.moved(one, S.VERIFIED, now=later + timedelta(days=1), posko="Posko lain")
    assert again == moved


async def test_a_posko_is_no_nik(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    async with world.unchanged():
        [refused] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED, posko=nik_of(1)))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "posko")


async def test_departure_keeps_the_verification(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    await world.moved(one, S.VERIFIED, posko="Posko Pulo Gebang")
    departed = await world.moved(one, S.DEPARTED)
    assert (departed.verified_at, departed.departed_at) == (NOW, REPORTED)
    assert (departed.healthy, departed.late) == (True, False)
    assert await world.one("SELECT posko FROM registrant") == "Posko Pulo Gebang"


@pytest.mark.parametrize("healthy", [False, None])
async def test_departing_needs_health(world: World, healthy: bool | None) -> None:
    one = await standing_at(world, S.VERIFIED)
    async with world.unchanged():
        [refused] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one), to=S.DEPARTED, healthy=healthy))
    assert (refused.code, refused.field) == ("NOT_HEALTHY", "healthy")


async def test_a_departure_is_not_in_the_future(world: World) -> None:
    one = await standing_at(world, S.VERIFIED)
    async with world.unchanged():
        [refused] = await world.move(
            Move(caller=HUBDAT, ref=Ref(id=one), to=S.DEPARTED, healthy=True, at=NOW + timedelta(hours=1))
        )
    assert (refused.code, refused.field) == ("INVALID_VALUE", "at")


@pytest.mark.parametrize(
    ("before", "late"), [(timedelta(hours=1), False), (timedelta(minutes=59), True), (timedelta(hours=-3), True)]
)
async def test_whoever_departs_after_the_report_time_is_late(world: World, before: timedelta, late: bool) -> None:
    one = await standing_at(world, S.VERIFIED)
    departed = await world.moved(one, S.DEPARTED, at=LEAVES - before, now=LEAVES + timedelta(hours=4))
    assert (departed.departed_at, departed.late) == (LEAVES - before, late)


async def test_nobody_is_late_for_a_route_without_a_time(world: World) -> None:
    one = await standing_at(world, S.VERIFIED)
    await world.run("UPDATE route SET departs_at = NULL")
    assert (await world.moved(one, S.DEPARTED)).late is False


@pytest.mark.parametrize(
    ("to", "reason"),
    [(S.CANCELLED, None), (S.CANCELLED, " "), (S.CANCELLED, nik_of(1)), (S.VERIFIED, " "), (S.VERIFIED, nik_of(1))],
)
async def test_a_cancellation_has_a_reason_and_no_reason_has_a_nik(
    world: World, to: RegistrantStatus, reason: str | None
) -> None:
    one = await standing_at(world, S.REGISTERED)
    async with world.unchanged():
        [refused] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one), to=to, reason=reason))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "reason")


async def test_a_cancellation_frees_seat_and_nik(world: World) -> None:
    one = await standing_at(world, S.VERIFIED)
    cancelled = await world.moved(one, S.CANCELLED, reason="  salah   pilih rute ")
    assert (cancelled.status, cancelled.verified_at) == ("CANCELLED", NOW)
    assert (await world.changes())[-2:] == [
        ("REGISTRANT_MOVED", "VERIFIED", "CANCELLED", "hubdat-test", "salah pilih rute"),
        ("QUOTA_RETURNED", None, None, None, None),
    ]
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))


async def test_verification_after_the_deadline_has_expired(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    deadline = datetime(2026, 3, 9, 16, 59, 59, 999999, tzinfo=UTC)
    async with world.unchanged():
        [refused] = await world.move(
            Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED), now=deadline + timedelta(microseconds=1)
        )
    assert (refused.code, refused.field, refused.verify_by) == ("VERIFICATION_EXPIRED", "ref", deadline)
    await world.moved(one, S.VERIFIED, now=deadline)


async def test_verification_has_expired_also_after_the_sweep(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    later = NOW + timedelta(days=8)
    await world.sweep(later)
    async with world.unchanged():
        [refused] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED), now=later)
    assert refused.code == "VERIFICATION_EXPIRED"


async def test_what_expired_may_still_be_cancelled_until_the_sweep_has_come_by(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    later = NOW + timedelta(days=8)
    await world.moved(one, S.CANCELLED, now=later)
    assert (await world.sweep(later)).forfeited == 0
    assert await world.count("nik_block") == 0


async def test_a_verified_registrant_departs_after_its_deadline(world: World) -> None:
    one = await standing_at(world, S.VERIFIED)
    assert (await world.moved(one, S.DEPARTED, now=REPORTED)).status == "DEPARTED"


async def test_a_closed_season_is_read_only(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    await world.close()
    async with world.unchanged():
        refused = await world.move(
            *(
                Move(caller=HUBDAT, ref=Ref(id=one), to=to, reason=REASON)
                for to in (S.VERIFIED, S.CANCELLED, S.REGISTERED)
            )
        )
    assert [getattr(verdict, "code", verdict) for verdict in refused] == [
        "SEASON_CLOSED",
        "SEASON_CLOSED",
        await world.find(one),
    ]


async def test_a_season_that_closes_meanwhile_is_read_only(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    await world.close()
    async with world.unchanged(), world.database.transaction() as session:
        [verdict] = await lifecycle.advance(session, [Step(id=one, to=S.VERIFIED, caller=HUBDAT)], NOW)
    assert verdict == SeasonClosed("ref", season=2026)


@pytest.mark.parametrize(
    ("use_case", "facts", "wrong"),
    [
        (lifecycle.verify, {"posko": "Posko 1"}, {"posko": nik_of(1)}),
        (lifecycle.depart, {"healthy": True}, {"healthy": True, "at": NOW + timedelta(hours=1)}),
        (lifecycle.cancel, {"reason": REASON}, {"reason": " "}),
    ],
)
async def test_what_each_of_them_refuses(
    world: World, use_case: Callable[..., Any], facts: dict[str, Any], wrong: dict[str, Any]
) -> None:
    async def codes(*refs: Ref, **facts: Any) -> list[str]:
        async with world.unchanged():
            verdicts = await world.database.attempt(
                lambda session: use_case(session, world.vault, HUBDAT, refs, NOW, **facts)
            )
        return [verdict.code for verdict in verdicts]

    one = await standing_at(world, S.VERIFIED)
    assert await codes(Ref(nik="1"), Ref(id=uuid4()), **facts) == ["NIK_INVALID", "NOT_FOUND"]
    assert await codes(Ref(id=one), **wrong) == ["INVALID_VALUE"]
    await world.put(one, status=S.NO_SHOW)
    assert await codes(Ref(id=one), **facts) == ["TRANSITION_NOT_ALLOWED"]
    await world.close()
    assert await codes(Ref(id=one), **facts) == ["SEASON_CLOSED"]


async def test_only_verifying_comes_too_late(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    later = NOW + timedelta(days=9)
    refs = [Ref(id=one)]
    async with world.database.transaction() as session:
        [refused] = await lifecycle.verify(session, world.vault, HUBDAT, refs, later)
    assert isinstance(refused, VerificationExpired)
    async with world.database.transaction() as session:
        [cancelled] = await lifecycle.cancel(session, world.vault, HUBDAT, refs, later, reason=REASON)
    assert isinstance(cancelled, View)


async def test_only_departing_asks_for_health_and_for_the_motorcycle(world: World) -> None:
    route = await world.route(service="MOTORCYCLE")
    papers = Motorcycle("B 1234 XY", "77")
    refs = [Ref(id=(await world.verified(someone(HUBDAT, route, motorcycle=papers))).id)]
    async with world.database.transaction() as session:
        verdicts = [
            *(await lifecycle.depart(session, world.vault, HUBDAT, refs, NOW, healthy=False)),
            *(await lifecycle.depart(session, world.vault, HUBDAT, refs, NOW, healthy=True)),
        ]
    assert verdicts == [NotHealthy("healthy"), MotorcycleNotHandedOver("ref")]


async def test_another_organizers_registrant_is_not_found(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    refs = [Ref(id=one), Ref(nik=nik_of(1)), Ref(id=uuid4())]
    async with world.unchanged():
        refused = await world.move(*(Move(caller=DJKA, ref=ref, to=S.VERIFIED) for ref in refs))
    assert [(verdict.code, verdict.field) for verdict in refused] == [("NOT_FOUND", "ref")] * 3


async def test_a_coordinator_moves_its_members_registrant(world: World) -> None:
    route = await world.route("Bus BUMN", organizer="bumn-satu")
    one = await world.registered(someone(JASA_RAHARJA, route, member="bumn-satu"))
    moved = await world.moved(one.id, S.VERIFIED, JASA_RAHARJA)
    assert (moved.organizer, moved.own, moved.nik) == ("bumn-satu", True, nik_of(1))


async def test_a_batch_is_judged_step_by_step(world: World) -> None:
    route = await world.route(quota=2, departs_at=NOW + timedelta(hours=2))
    first = await world.registered(someone(HUBDAT, route, 1, reference="BK-1"))
    second = await world.registered(someone(HUBDAT, route, 2))
    verdicts = await world.move(
        Move(caller=HUBDAT, ref=Ref(id=first.id), to=S.DEPARTED, healthy=True),
        Move(caller=HUBDAT, ref=Ref(id=first.id), to=S.VERIFIED),
        Move(caller=HUBDAT, ref=Ref(reference="BK-1"), to=S.DEPARTED, healthy=True),
        Move(caller=HUBDAT, ref=Ref(nik=nik_of(2)), to=S.CANCELLED, reason=REASON),
        Move(caller=HUBDAT, ref=Ref(id=second.id), to=S.VERIFIED),
        Move(caller=HUBDAT, ref=Ref(nik="x"), to=S.VERIFIED),
    )
    assert [one.status if isinstance(one, View) else one.code for one in verdicts] == [
        "TRANSITION_NOT_ALLOWED",
        "DEPARTED",
        "DEPARTED",
        "CANCELLED",
        "TRANSITION_NOT_ALLOWED",
        "NIK_INVALID",
    ]
    assert await world.taken() == 1
    assert (await world.changes("registrant_id, from_status, to_status"))[3:6] == [
        (first.id, "REGISTERED", "VERIFIED"),
        (first.id, "VERIFIED", "DEPARTED"),
        (second.id, "REGISTERED", "CANCELLED"),
    ]


async def test_a_step_for_nobody_is_not_found(world: World) -> None:
    async with world.database.transaction() as session:
        [verdict] = await lifecycle.step(session, [Step(id=uuid4(), to=S.VERIFIED)], NOW)
    assert isinstance(verdict, NotFound)


async def test_what_the_registry_does_itself_has_no_client(world: World) -> None:
    one = await standing_at(world, S.REGISTERED)
    async with world.database.transaction() as session:
        await lifecycle.step(session, [Step(id=one, to=S.CANCELLED)], NOW)
    assert (await world.changes())[2] == ("REGISTRANT_MOVED", "REGISTERED", "CANCELLED", None, None)


@pytest.mark.parametrize(
    "after",
    ["SELECT route_id FROM registrant", "FROM route WHERE id = ANY"],
    ids=["before the routes are locked", "after"],
)
async def test_a_return_that_is_booked_meanwhile_is_a_lost_race(world: World, after: str) -> None:
    """On a route that is not locked: all is done a second time."""
    home = await world.registered(someone(HUBDAT, await world.route()))
    balik = await world.way_back()
    with meanwhile(after, lambda: world.registered(someone(HUBDAT, balik))) as statements:
        await world.moved(home.id, S.CANCELLED)
    assert len(statements) == 2
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("CANCELLED",)]
    assert await world.taken("Solo - Jakarta") == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "VERIFIED"},
        {"status": "DEPARTED", "departed_at": NOW},
        {"status": "DEPARTED", "healthy": True},
        {"departed_at": NOW},
        {"status": "GONE"},
    ],
)
async def test_the_database_keeps_statuses_and_their_facts_together(world: World, columns: dict[str, Any]) -> None:
    one = await standing_at(world, S.REGISTERED)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await world.put(one, **columns)


@pytest.mark.parametrize("to", [S.VERIFIED, S.CANCELLED])
async def test_a_thousand_moves_take_as_many_statements_as_one(world: World, to: RegistrantStatus) -> None:
    mudik, balik = await world.route(), await world.way_back()
    booked = await world.submit(*(someone(HUBDAT, mudik, number, return_route_id=balik) for number in range(1001)))
    counts = []
    for some in (booked[:1], booked[1:]):
        with world.statements() as issued:
            moved = await world.move(
                *(Move(caller=HUBDAT, ref=Ref(id=one.view.id), to=to, reason=REASON) for one in some)
            )
        assert {one.status for one in moved} == {to}
        counts.append(len(issued))
    assert counts[0] == counts[1] == {S.VERIFIED: 5, S.CANCELLED: 10}[to]
    assert await world.taken("Solo - Jakarta") == (1001 if to == S.VERIFIED else 0)
