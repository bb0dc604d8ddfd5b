"""What a posko did in time and told hours later: verified although forfeited, departed although a no-show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.bookings import acting
from app.registry.bookings.acting import Which
from app.registry.caller import Caller
from app.registry.niks import blocks
from app.registry.registrants import uniqueness
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.view import View
from app.registry.undo import late_acts
from tests.changes.counting import count_all, differences
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)
DEADLINE = datetime.fromisoformat("2026-03-09T23:59:59.999999+07:00")
"""H+7 of who registers at `NOW`."""
TOLD = DEADLINE + 5 * HOUR
GRACE_ENDS = LEAVES + 2 * HOUR


async def verdicts(
    world: World, *ids: UUID, at: datetime | None, now: datetime = TOLD, caller: Caller = HUBDAT, **more: Any
) -> list[View | Refusal]:
    refs = [Ref(id=one) for one in ids]
    return await world.database.attempt(
        lambda session: late_acts.verify(session, world.vault, caller, refs, now, at=at, **more)
    )


async def verified(world: World, one: UUID, at: datetime, now: datetime = TOLD) -> View:
    [verdict] = await verdicts(world, one, at=at, now=now, posko="Posko Monas")
    assert isinstance(verdict, View), verdict
    return verdict


async def refused(world: World, one: UUID, at: datetime, now: datetime = TOLD, **more: Any) -> Any:
    async with world.unchanged():
        [verdict] = await verdicts(world, one, at=at, now=now, **more)
    assert isinstance(verdict, Refusal), verdict
    return verdict


async def waiting(world: World, number: int = 1, **changes: Any) -> View:
    route = world.routes.get("Jakarta - Solo") or await world.route(quota=2)
    return await world.registered(someone(HUBDAT, route, number, **changes))


async def steps(world: World, one: UUID) -> Sequence[Any]:
    return [
        tuple(row)
        for row in await world.run(
            """SELECT from_status, to_status, client_id, reason FROM change
               WHERE registrant_id = :id AND kind = 'REGISTRANT_MOVED' ORDER BY id""",
            id=one,
        )
    ]


# --- verifying --------------------------------------------------------------------------------------------------------


async def test_an_act_of_its_time_is_as_without_a_time(world: World) -> None:
    one = await waiting(world)
    at = NOW + HOUR
    view = await verified(world, one.id, at, at + 5 * HOUR)
    assert (view.status, view.verified_at, view.flags) == ("VERIFIED", at, [])
    assert await world.one("SELECT posko FROM registrant") == "Posko Monas"
    async with world.unchanged():
        assert await verified(world, one.id, at + HOUR) == view


async def test_in_time_is_in_time_also_behind_the_deadline(world: World) -> None:
    one = await waiting(world)
    view = await verified(world, one.id, DEADLINE)
    assert (view.status, view.verified_at, view.verify_by) == ("VERIFIED", DEADLINE, DEADLINE)
    assert view.flags == ["TOLD_LATE"]
    assert view == await world.find(one.id)
    assert await world.sweep(TOLD) is not None
    assert await world.status(one.id) == "VERIFIED"


async def test_whoever_was_forfeited_meanwhile_is_brought_back(world: World) -> None:
    one = await waiting(world)
    assert (await world.sweep(TOLD)).forfeited == 1
    assert (await world.taken(), await world.count("nik_block")) == (0, 1)
    view = await verified(world, one.id, DEADLINE)
    assert (view.status, view.verified_at, view.verify_by) == ("VERIFIED", DEADLINE, DEADLINE)
    assert view.flags == ["TOLD_LATE"]
    assert view == await world.find(one.id)
    assert await steps(world, one.id) == [
        (None, "REGISTERED", "hubdat-test", None),
        ("REGISTERED", "FORFEITED", None, None),
        ("FORFEITED", "REGISTERED", "hubdat-test", late_acts.REASON),
        ("REGISTERED", "VERIFIED", "hubdat-test", None),
    ]
    assert await world.taken() == 1
    assert await world.one("SELECT count(*) FROM nik_block WHERE lifted_at IS NULL") == 0
    await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}


async def test_what_is_not_told_of_a_nik_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a refusal takes tells nothing: neither who came too late, nor who finds the route full by now."""
    one, two = await waiting(world, 1), await waiting(world, 2)
    await world.sweep(TOLD)
    await world.run("UPDATE route SET quota = 0")
    monkeypatch.setattr(uniqueness, "standing", None)
    monkeypatch.setattr(blocks, "standing", None)
    assert (await refused(world, one.id, DEADLINE + INSTANT)).code == "VERIFICATION_EXPIRED"
    async with world.unchanged():
        assert [one.code for one in await verdicts(world, one.id, two.id, at=DEADLINE) if isinstance(one, Refusal)] == [
            "QUOTA_FULL",
            "QUOTA_FULL",
        ]


async def test_both_ways_return_together(world: World) -> None:
    back = await world.way_back(quota=1)
    one = await waiting(world, return_route_id=back)
    assert (await world.sweep(TOLD)).forfeited == 2
    await verified(world, one.id, DEADLINE)
    assert await world.run("SELECT DISTINCT status, flags, verified_at FROM registrant") == [
        ("VERIFIED", ["TOLD_LATE"], DEADLINE)
    ]
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (1, 1)


@pytest.mark.parametrize("swept", [False, True])
async def test_it_may_be_told_for_six_hours(world: World, swept: bool) -> None:
    """Later it is judged as if it was made when it is told."""
    one, two = await waiting(world, 1), await waiting(world, 2)
    late = DEADLINE + 6 * HOUR
    if swept:
        await world.sweep(TOLD)
    refusal = await refused(world, one.id, DEADLINE, late + INSTANT)
    assert (refusal.code, refusal.field, refusal.verify_by) == ("VERIFICATION_EXPIRED", "ref", DEADLINE)
    assert (await refused(world, two.id, DEADLINE + INSTANT)).code == "VERIFICATION_EXPIRED"
    assert (await verified(world, one.id, DEADLINE, late)).status == "VERIFIED"


async def test_an_old_act_is_taken_where_no_deadline_is_in_its_way(world: World) -> None:
    one = await waiting(world)
    view = await verified(world, one.id, NOW, NOW + 48 * HOUR)
    assert (view.status, view.verified_at, view.flags) == ("VERIFIED", NOW, [])


async def test_where_the_end_of_the_period_only_flags(world: World) -> None:
    await world.policy("hubdat")
    await world.wave("hubdat", NOW, NOW + 48 * HOUR, kind="VERIFICATION")
    ends = NOW + 48 * HOUR - INSTANT
    one, two = await waiting(world, 1), await waiting(world, 2)
    told = ends + 7 * HOUR
    assert (await verified(world, one.id, ends, ends + 6 * HOUR)).flags == ["TOLD_LATE"]
    assert (await verified(world, two.id, ends, told)).flags == ["VERIFIED_LATE"]


async def test_the_time_lies_between_registration_and_now(world: World) -> None:
    one = await waiting(world)
    for at in (NOW - INSTANT, TOLD + timedelta(minutes=5) + INSTANT):
        refusal = await refused(world, one.id, at)
        assert (refusal.code, refusal.field) == ("INVALID_VALUE", "at"), at
    await world.sweep(TOLD)
    assert (await refused(world, one.id, NOW - INSTANT)).field == "at"
    assert (await refused(world, one.id, DEADLINE, posko=nik_of(1))).field == "posko"


async def test_the_seat_must_be_free_still(world: World) -> None:
    full = await world.route(quota=1)
    one = await world.registered(someone(HUBDAT, full))
    await world.sweep(TOLD)
    await world.registered(someone(HUBDAT, full, 2), TOLD)
    assert (await refused(world, one.id, DEADLINE)).code == "QUOTA_FULL"


async def test_of_two_who_want_the_last_seat_at_once_one_is_brought_back(world: World) -> None:
    one, two = await waiting(world, 1), await waiting(world, 2)
    await world.sweep(TOLD)
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 3), TOLD)
    told = await asyncio.gather(*(verdicts(world, each.id, at=DEADLINE) for each in (one, two)))
    codes = sorted(verdict.code if isinstance(verdict, Refusal) else verdict.status for [verdict] in told)
    assert codes == ["QUOTA_FULL", "VERIFIED"]
    assert await world.taken() == 2


async def test_nobody_else_may_hold_the_nik(world: World) -> None:
    await world.policy("hubdat", verify_within_days=7, block_when_forfeited=False)
    one = await waiting(world)
    await world.sweep(TOLD)
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka")), TOLD)
    refusal = await refused(world, one.id, DEADLINE)
    assert (refusal.code, refusal.standing.organizer) == ("NIK_ALREADY_REGISTERED", "djka")
    assert await world.run("SELECT purpose, outcome, client_id FROM nik_access WHERE purpose = 'REOPENING'") == [
        ("REOPENING", "REGISTERED", "hubdat-test")
    ]


async def test_each_has_a_verdict_and_only_ones_own_is_found(world: World) -> None:
    full = await world.route(quota=1)
    one = await world.registered(someone(HUBDAT, full))
    other = await world.registered(someone(HUBDAT, await world.route("Jakarta - Yogya", destination="giwangan"), 2))
    ended = await world.registered(someone(HUBDAT, await world.route("Lain"), 3))
    await world.moved(ended.id, S.CANCELLED)
    await world.sweep(TOLD)
    await world.registered(someone(HUBDAT, full, 4), TOLD)
    foreign = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 5))
    found = await verdicts(world, one.id, other.id, ended.id, foreign.id, at=DEADLINE)
    told = [verdict.code if isinstance(verdict, Refusal) else verdict.status for verdict in found]
    assert told == ["QUOTA_FULL", "VERIFIED", "TRANSITION_NOT_ALLOWED", "NOT_FOUND"]


async def test_the_sweep_that_comes_between_takes_nobodys_verification(world: World) -> None:
    one = await waiting(world)
    with meanwhile("AND status = 'FORFEITED'", lambda: world.sweep(TOLD)) as seen:
        assert (await verified(world, one.id, DEADLINE)).status == "VERIFIED"
    assert len(seen) == 2


async def test_a_family_is_brought_back_as_one(world: World) -> None:
    one, two = await waiting(world, 1, reference="BK-1"), await waiting(world, 2, reference="BK-1")
    await world.sweep(TOLD)
    which = Which(reference="BK-1")
    people = await world.database.attempt(
        lambda session: acting.verify(session, world.vault, HUBDAT, which, TOLD, at=DEADLINE)
    )
    assert not isinstance(people, Refusal)
    assert [(person.registrants[0].id, person.registrants[0].status, person.refusal) for person in people] == [
        (one.id, "VERIFIED", None),
        (two.id, "VERIFIED", None),
    ]


# --- departing --------------------------------------------------------------------------------------------------------


async def no_show(world: World) -> View:
    one = await waiting(world)
    await world.moved(one.id, S.VERIFIED)
    assert (await world.sweep(GRACE_ENDS + INSTANT)).no_shows == 1
    return one


@pytest.mark.parametrize(("at", "late"), [(LEAVES - HOUR, False), (LEAVES, True), (GRACE_ENDS, True)])
async def test_whoever_was_aboard_in_time_is_no_no_show(world: World, at: datetime, late: bool) -> None:
    one = await no_show(world)
    view = await world.moved(one.id, S.DEPARTED, at=at, now=at + 6 * HOUR)
    assert (view.status, view.departed_at, view.late, view.flags) == ("DEPARTED", at, late, ["TOLD_LATE"])
    assert view == await world.find(one.id)
    assert await world.taken() == 1
    await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}


@pytest.mark.parametrize(
    ("at", "now"),
    [
        (GRACE_ENDS + INSTANT, GRACE_ENDS + HOUR),
        (LEAVES, LEAVES + 6 * HOUR + INSTANT),
        (None, GRACE_ENDS + HOUR),
    ],
)
async def test_a_departure_behind_the_grace_or_told_too_late_is_none(
    world: World, at: datetime | None, now: datetime
) -> None:
    one = await no_show(world)
    async with world.unchanged():
        [verdict] = await world.move(
            Move(caller=HUBDAT, ref=Ref(id=one.id), to=S.DEPARTED, healthy=True, at=at), now=now
        )
    assert (verdict.code, verdict.status) == ("TRANSITION_NOT_ALLOWED", "NO_SHOW")


async def test_before_the_sweep_has_come_by_it_is_marked_alike(world: World) -> None:
    one = await waiting(world)
    await world.moved(one.id, S.VERIFIED)
    view = await world.moved(one.id, S.DEPARTED, at=LEAVES, now=GRACE_ENDS + HOUR)
    assert (view.status, view.flags) == ("DEPARTED", ["TOLD_LATE"])


async def test_verified_and_aboard_without_a_network(world: World) -> None:
    """Both acts come hours later, when the sweep has forfeited: each counts from its own time."""
    leaves = DEADLINE + HOUR
    one = await world.registered(someone(HUBDAT, await world.route("Malam", departs_at=leaves)))
    await world.sweep(TOLD)
    await verified(world, one.id, DEADLINE - HOUR)
    view = await world.moved(one.id, S.DEPARTED, at=DEADLINE, now=TOLD)
    assert (view.status, view.verified_at, view.departed_at) == ("DEPARTED", DEADLINE - HOUR, DEADLINE)
    assert view.flags == ["TOLD_LATE"]
