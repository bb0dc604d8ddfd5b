"""Reopening lap infants: with somebody of their booking who has a seat on their route, and not alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.niks import allowance
from app.registry.registrants.lookup import Ref
from app.registry.routes.lap_infants import MOST_OF_A_BOOKING
from app.registry.undo import bulk, late_acts, reopening
from app.registry.undo.bulk import Where
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
REASON = "Gangguan sistem"
INFANT = "3201011001259003"
"""A NIK of somebody who was born on 10 January 2025."""
ALONE = "INVALID_VALUE ref"


async def told(world: World, *ids: UUID, now: Any = NOW, **how: Any) -> list[str]:
    refs = [Ref(id=one) for one in ids]
    return said(
        await world.database.attempt(
            lambda session: reopening.reopen(session, world.vault, HUBDAT, refs, REASON, now, **how)
        )
    )


def said(verdicts: Any) -> list[str]:
    return [f"{one.code} {one.field}" if hasattr(one, "code") else one.status for one in verdicts]


async def family(world: World, *, infant_first: bool = False) -> tuple[UUID, UUID, UUID]:
    """Route, mother and infant. `infant_first`: the mother is the later one, in place of the father."""
    route = await world.route(quota=1)
    first = await world.registered(someone(HUBDAT, route, 1, reference="BK-1"))
    infant = someone(HUBDAT, route, nik=INFANT, identity_document="KK", lap_infant=True, reference="BK-1")
    child = await world.registered(infant)
    if not infant_first:
        return route, first.id, child.id
    await world.moved(first.id, S.CANCELLED)
    await world.put(first.id, route_id=await world.route("Bus 9"), reference=None)
    return route, (await world.registered(someone(HUBDAT, route, 9, reference="BK-1"))).id, child.id


async def cancelled(world: World, *ids: UUID) -> None:
    for one in ids:
        await world.moved(one, S.CANCELLED)


@pytest.mark.parametrize("infant_first", [False, True])
async def test_a_family_returns_together(world: World, *, infant_first: bool) -> None:
    _, *both = await family(world, infant_first=infant_first)
    await cancelled(world, *both)
    async with world.unchanged():
        assert await told(world, *sorted(both), dry_run=True) == ["REGISTERED"] * 2
    assert await told(world, *sorted(both)) == ["REGISTERED"] * 2
    assert await world.taken() == 1


async def test_an_infant_stays_where_its_mother_finds_no_seat(world: World) -> None:
    """The bulk of the route: somebody else has the seat by now."""
    route, *both = await family(world, infant_first=True)
    await cancelled(world, *both)
    other = await world.registered(someone(HUBDAT, route, 2))

    async def page() -> list[str]:
        found: Any = await world.database.attempt(
            lambda session: bulk.reopen_all(session, world.vault, HUBDAT, Where(route_id=route), REASON, NOW)
        )
        return said(found.verdicts)

    async with world.unchanged():
        assert await page() == ["QUOTA_FULL ref", ALONE]
    await cancelled(world, other.id)
    # The mother, whoever had her seat, and behind them the infant, whose id is the smallest.
    assert await page() == ["REGISTERED", "QUOTA_FULL ref", "REGISTERED"]


async def test_an_infant_alone_is_told_what_to_do(world: World) -> None:
    _, mother, infant = await family(world)
    await cancelled(world, mother, infant)
    verdicts: Any = await world.database.attempt(
        lambda session: reopening.reopen(session, world.vault, HUBDAT, [Ref(id=infant)], REASON, NOW)
    )
    [refused] = verdicts
    assert refused.message("id") == (
        "Belum ada pemegang kursi pada rute bayi ini dengan kode booking yang sama; pendaftaran pendampingnya harus"
        " berlaku kembali lebih dahulu, atau bersama bayinya."
    )
    assert refused.message("en") == (
        "Nobody has a seat on the route of this infant under the same booking code; whoever holds the infant must stand"
        " again first, or together with the infant."
    )
    assert await told(world, mother) == ["REGISTERED"]
    assert await told(world, infant) == ["REGISTERED"]


async def test_another_of_the_booking_will_do_and_another_route_will_not(world: World) -> None:
    route, mother, infant = await family(world)
    await cancelled(world, mother, infant)
    elsewhere = await world.route("Bus 2")
    other = await world.registered(someone(HUBDAT, elsewhere, 2, reference="BK-1"))
    assert await told(world, infant) == [ALONE]
    await cancelled(world, other.id)
    await world.registered(someone(HUBDAT, route, 3, reference="BK-1"))
    assert await told(world, infant) == ["REGISTERED"]


async def test_without_a_booking_code_nobody_is_of_its_booking(world: World) -> None:
    _, _, infant = await family(world)
    await world.put(infant, reference=None)
    await cancelled(world, infant)
    assert await told(world, infant) == [ALONE]


async def test_a_code_that_hundreds_share_is_no_booking(world: World) -> None:
    _, mother, infant = await family(world)
    await cancelled(world, mother, infant)
    many = await world.route("Bus 2", quota=None)
    everybody = range(100, 100 + MOST_OF_A_BOOKING)
    await world.submit(*(someone(HUBDAT, many, number, reference="BK-1") for number in everybody))
    assert await told(world, infant) == ["REGISTERED"]


async def test_of_no_shows_it_holds_as_well(world: World) -> None:
    _, mother, infant = await family(world)
    for one in (mother, infant):
        await world.moved(one, S.VERIFIED)
    after = LEAVES + timedelta(hours=3)
    assert (await world.sweep(after)).no_shows == 2
    assert await told(world, infant, now=after) == [ALONE]
    assert await told(world, infant, mother, now=after) == ["VERIFIED"] * 2


async def test_a_posko_that_tells_late_brings_a_family_back_in_any_order(world: World) -> None:
    _, mother, infant = await family(world, infant_first=True)
    deadline = NOW + timedelta(days=8)
    assert (await world.sweep(deadline)).forfeited == 2
    verified_at = await world.one("SELECT verify_by FROM registrant WHERE id = :id", id=mother) - timedelta(minutes=5)

    async def verified(*ids: UUID) -> list[str]:
        refs, now = [Ref(id=one) for one in ids], verified_at + timedelta(hours=1)
        return said(
            await world.database.attempt(
                lambda session: late_acts.verify(
                    session, world.vault, HUBDAT, refs, now, posko="Posko Monas", at=verified_at
                )
            )
        )

    assert await verified(infant) == [ALONE]
    assert await verified(infant, mother) == ["VERIFIED"] * 2


async def test_who_cannot_return_with_the_infant_is_asked_nothing_of_its_nik(world: World) -> None:
    """One statement reads bookings, and only where infants are among them."""
    _, mother, infant = await family(world)
    await cancelled(world, mother, infant)
    with world.statements() as alone:
        assert await told(world, infant) == [ALONE]
    with world.statements() as without:
        assert await told(world, mother, dry_run=True) == ["REGISTERED"]
    assert [any("member.lap_infant" in one for one in each) for each in (alone, without)] == [
        True,
        False,
    ]
    assert not any("nik_block" in one for one in alone)


@pytest.mark.parametrize("infant_first", [False, True])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_where_a_page_ends_makes_no_difference(
    world: World, monkeypatch: pytest.MonkeyPatch, *, infant_first: bool, dry_run: bool
) -> None:
    monkeypatch.setattr(bulk, "MOST_TOGETHER", 1)
    route, *both = await family(world, infant_first=infant_first)
    await cancelled(world, *both)
    assert await paged(world, Where(route_id=route), dry_run=dry_run) == dict.fromkeys(both, "REGISTERED")
    assert [await world.status(one) for one in both] == ["CANCELLED" if dry_run else "REGISTERED"] * 2


@pytest.mark.parametrize("infant_first", [False, True])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_nor_if_whoever_holds_the_infant_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, *, infant_first: bool, dry_run: bool
) -> None:
    monkeypatch.setattr(bulk, "MOST_TOGETHER", 1)
    route, mother, infant = await family(world, infant_first=infant_first)
    await cancelled(world, mother, infant)
    other = await world.registered(someone(HUBDAT, route, 5))
    assert await paged(world, Where(route_id=route), dry_run=dry_run) == {mother: "QUOTA_FULL ref", infant: ALONE}
    assert [await world.status(one) for one in (mother, infant, other.id)] == ["CANCELLED", "CANCELLED", "REGISTERED"]


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_nor_if_a_stranger_takes_the_last_seat_before_whoever_holds_the_infant(
    world: World, monkeypatch: pytest.MonkeyPatch, *, size: int
) -> None:
    """In the order of their ids: the infant, the stranger, the mother."""
    monkeypatch.setattr(bulk, "MOST_TOGETHER", size)
    route, elsewhere = await world.route(quota=1), await world.route("Bus 9")
    held_by = await world.registered(someone(HUBDAT, elsewhere, 8, reference="BK-1"))
    child = someone(HUBDAT, elsewhere, nik=INFANT, identity_document="KK", lap_infant=True, reference="BK-1")
    people = (child, someone(HUBDAT, elsewhere, 2), someone(HUBDAT, elsewhere, 1, reference="BK-1"))
    infant, stranger, mother = [(await world.registered(one)).id for one in people]
    await cancelled(world, infant, stranger, mother, held_by.id)
    for one in (infant, stranger, mother):
        await world.put(one, route_id=route)
    assert await paged(world, Where(route_id=route), dry_run=False) == {
        infant: ALONE,
        stranger: "REGISTERED",
        mother: "QUOTA_FULL ref",
    }


@pytest.mark.parametrize("size", [1, 2, 500])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_nor_if_an_infant_has_a_seat_on_its_way_back(
    world: World, monkeypatch: pytest.MonkeyPatch, *, size: int, dry_run: bool
) -> None:
    """It is two by then. By the ids: both of its ways, and the mother. Its ways ended, and return, together."""
    monkeypatch.setattr(bulk, "MOST_TOGETHER", size)
    route, father, infant = await family(world)
    await cancelled(world, father)
    await world.put(father, reference=None)
    way_back = await world.registered(someone(HUBDAT, await world.way_back(), nik=INFANT, reference="BK-1"))
    mother = await world.registered(someone(HUBDAT, route, 6, reference="BK-1"))
    await cancelled(world, infant, mother.id)
    assert await world.status(way_back.id) == "CANCELLED"
    everybody = (infant, way_back.id, mother.id)
    found = await paged(world, Where(organizer="hubdat", reference="BK-1"), dry_run=dry_run)
    assert set(found.values()) == {"REGISTERED"}
    # In earnest, a leg that has returned with another one is on no later page.
    assert set(found) == set(everybody) or not dry_run
    assert [await world.status(one) for one in everybody] == ["CANCELLED" if dry_run else "REGISTERED"] * 3


@pytest.mark.parametrize("size", [1, 500])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_nor_if_only_the_ways_back_fit(
    world: World, monkeypatch: pytest.MonkeyPatch, *, size: int, dry_run: bool
) -> None:
    """The way home of the mother, where she holds the infant, returns with her way back."""
    monkeypatch.setattr(bulk, "MOST_TOGETHER", size)
    _, mother, infant = await family(world)
    back = await world.way_back()
    ways_back = [
        (await world.registered(someone(HUBDAT, back, reference="BK-1", **whose))).id
        for whose in ({"nik": INFANT}, {"number": 1})
    ]
    await cancelled(world, mother, infant)
    found = await paged(world, Where(route_id=back), dry_run=dry_run)
    assert found == dict.fromkeys(ways_back, "REGISTERED")
    everybody = (mother, infant, *ways_back)
    assert [await world.status(one) for one in everybody] == ["CANCELLED" if dry_run else "REGISTERED"] * 4


@pytest.mark.parametrize("size", [1, 2, 500])
@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("seat_on_the_way_home", [True, False])
async def test_nor_if_each_way_of_an_infant_is_held_by_somebody_else(
    world: World, monkeypatch: pytest.MonkeyPatch, *, size: int, dry_run: bool, seat_on_the_way_home: bool
) -> None:
    """By the ids: both ways of the infant, the mother, who travels home alone, and the father with both of his ways."""
    monkeypatch.setattr(bulk, "MOST_TOGETHER", size)
    home, father_home, back = await world.route(), await world.route("Bus 2"), await world.way_back()
    held_by = [await world.registered(someone(HUBDAT, await world.route("Bus 3"), 8, reference="BK-1"))]
    on_lap: dict[str, Any] = {"identity_document": "KK", "lap_infant": True}
    held_by += [await world.registered(someone(HUBDAT, home, 7, reference="BK-1"))]
    held_by += [await world.registered(someone(HUBDAT, back, 7, reference="BK-1"))]
    child = someone(HUBDAT, home, nik=INFANT, reference="BK-1", **({} if seat_on_the_way_home else on_lap))
    infants = [
        (await world.registered(one)).id
        for one in (child, someone(HUBDAT, back, nik=INFANT, reference="BK-1", **on_lap))
    ]
    adults = [
        (await world.registered(someone(HUBDAT, route, number, reference="BK-1"))).id
        for route, number in ((home, 1), (father_home, 2), (back, 2))
    ]
    await cancelled(world, infants[0], *adults[:2], *(one.id for one in held_by[:2]))
    for one in held_by:
        await world.put(one.id, reference=None)
    everybody = (*infants, *adults)
    assert {await world.status(one) for one in everybody} == {"CANCELLED"}
    found = await paged(world, Where(organizer="hubdat", reference="BK-1"), dry_run=dry_run)
    assert set(found.values()) == {"REGISTERED"}
    # In earnest, a leg that has returned with another one is on no later page.
    assert set(found) == set(everybody) or not dry_run
    assert {await world.status(one) for one in everybody} == {"CANCELLED" if dry_run else "REGISTERED"}


@pytest.mark.parametrize("size", [1, 500])
async def test_who_may_hold_an_infant_is_named_once(
    world: World, monkeypatch: pytest.MonkeyPatch, *, size: int
) -> None:
    """Its mother is judged on her own page, and on trial on that of the infant. Somebody else holds her NIK by now."""
    monkeypatch.setattr(bulk, "MOST_TOGETHER", size)
    route, mother, infant = await family(world)
    await cancelled(world, mother, infant)
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 1))
    used = await used_of_allowance(world)
    found = await paged(world, Where(route_id=route), dry_run=True)
    assert found == {mother: "NIK_ALREADY_REGISTERED ref", infant: ALONE}
    assert await world.run("SELECT outcome, client_id FROM nik_access WHERE purpose = 'REOPENING'") == [
        ("REGISTERED", "hubdat-test")
    ]
    assert await used_of_allowance(world) == used + 1


async def used_of_allowance(world: World) -> int:
    async with world.database.transaction() as session:
        return (await allowance.of_organizers(session, ["hubdat"], NOW))["hubdat"].used


async def paged(world: World, where: Where, *, dry_run: bool) -> dict[UUID, str]:
    """The verdicts on all who fit, each told once."""
    found: list[tuple[UUID, str]] = []
    after: UUID | None = None
    while True:
        page = await page_of(world, where, after, dry_run=dry_run)
        found += zip(page.ids, said(page.verdicts), strict=True)
        after = page.next
        if after is None:
            assert len(dict(found)) == len(found)
            return dict(found)


async def page_of(world: World, where: Where, after: UUID | None, *, dry_run: bool) -> bulk.ReopenedPage:
    page = await world.database.attempt(
        lambda session: bulk.reopen_all(session, world.vault, HUBDAT, where, REASON, NOW, after=after, dry_run=dry_run)
    )
    assert isinstance(page, bulk.ReopenedPage)
    return page
