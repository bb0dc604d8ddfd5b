"""Moving lap infants: to where somebody of their booking has a seat, and nowhere else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.amending import rerouting
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Submission
from app.registry.routes.lap_infants import MOST_OF_A_BOOKING
from tests.registry.meanwhile import meanwhile
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
ALONE = "INVALID_VALUE routeId"


async def moved(world: World, *wanted: tuple[UUID, UUID]) -> list[str]:
    refs = [(Ref(id=one), route_id) for one, route_id in wanted]
    verdicts: list[Any] = await world.database.attempt(
        lambda session: rerouting.move(session, world.vault, HUBDAT, refs, NOW)
    )
    return [f"{one.code} {one.field}" if isinstance(one, Refusal) else "moved" for one in verdicts]


def adult(route: UUID, number: int = 1, **changes: Any) -> Submission:
    return someone(HUBDAT, route, number, **{"reference": "BK-1"} | changes)


def infant(route: UUID, number: int = 1, **changes: Any) -> Submission:
    values = {"nik": f"320101100125{9000 + number}", "lap_infant": True, "identity_document": "KIA"}
    return adult(route, number, **values | changes)


async def family(world: World) -> tuple[UUID, UUID, UUID, UUID]:
    """The route of a mother and her infant, another one, and both of them."""
    here, there = await world.route("Bus 1"), await world.route("Bus 2", quota=1)
    mother, child = [await world.registered(one) for one in (adult(here), infant(here))]
    return here, there, mother.id, child.id


async def on(world: World, *ids: UUID) -> list[UUID]:
    return [(await world.one("SELECT route_id FROM registrant WHERE id = :id", id=one)) for one in ids]


async def test_an_infant_alone_stays(world: World) -> None:
    here, there, mother, infant = await family(world)
    async with world.unchanged():
        assert await moved(world, (infant, there)) == [ALONE]
    assert await moved(world, (mother, there)) == ["moved"]
    # Now the infant follows, and stays where its mother is.
    assert await moved(world, (infant, there)) == ["moved"]
    async with world.unchanged():
        assert await moved(world, (infant, here)) == [ALONE]
        assert await moved(world, (infant, there)) == ["moved"]


@pytest.mark.parametrize("infant_first", [False, True])
async def test_a_family_moves_together_in_any_order(world: World, *, infant_first: bool) -> None:
    _, there, *both = await family(world)
    wanted = [(one, there) for one in (reversed(both) if infant_first else both)]
    assert await moved(world, *wanted) == ["moved", "moved"]
    assert await on(world, *both) == [there, there]
    assert [await world.taken("Bus 1"), await world.taken("Bus 2")] == [0, 1]


@pytest.mark.parametrize("infant_first", [False, True])
async def test_an_infant_stays_with_whoever_finds_no_seat(world: World, *, infant_first: bool) -> None:
    here, there, *both = await family(world)
    await world.registered(someone(HUBDAT, there, 5))
    order = (1, 0) if infant_first else (0, 1)
    async with world.unchanged():
        verdicts = await moved(world, *[(both[place], there) for place in order])
    assert [verdicts[place] for place in order] == ["QUOTA_FULL routeId", ALONE]
    assert await on(world, *both) == [here, here]


async def test_an_infant_does_not_take_the_place_of_its_family(world: World) -> None:
    """Each goes where the other was. The seats are there, and no lap is."""
    here, there, mother, infant = await family(world)
    assert await moved(world, (mother, there)) == ["moved"]
    assert await moved(world, (infant, there), (mother, here)) == [ALONE, "moved"]
    assert await on(world, mother, infant) == [here, here]


async def test_whoever_shares_a_code_with_hundreds_is_not_known(world: World) -> None:
    _, there, _, infant = await family(world)
    large = await world.route("Besar", quota=MOST_OF_A_BOOKING)
    await world.submit(*[someone(HUBDAT, large, 9 + number, reference="BK-1") for number in range(MOST_OF_A_BOOKING)])
    assert await moved(world, (infant, there)) == ["moved"]


async def test_a_seat_that_was_given_up_is_no_lap(world: World) -> None:
    _, there, _, infant = await family(world)
    father = await world.registered(someone(HUBDAT, there, 2, reference="BK-1"))
    await world.moved(father.id, S.CANCELLED)
    async with world.unchanged():
        assert await moved(world, (infant, there)) == [ALONE]


async def test_each_way_of_a_trip_has_its_lap(world: World) -> None:
    """The mother takes another bus home and the same bus back: the infant's two ways are judged one by one."""
    here, back = await world.route("Bus 1"), await world.way_back()
    await world.accepted(adult(here, return_route_id=back))
    child = await world.accepted(infant(here, return_route_id=back))
    assert child.return_view is not None
    there, other_back = await world.route("Bus 2"), await world.way_back("Bus 2 balik")
    father = await world.registered(adult(there, 2))
    both = [(child.view.id, there), (child.return_view.id, other_back)]
    assert await moved(world, *both) == ["moved", ALONE]
    assert (await moved(world, *both)) == ["moved", ALONE]
    await world.registered(someone(HUBDAT, other_back, 2, reference="BK-1"))
    assert await moved(world, *both) == ["moved", "moved"]
    assert (await world.find(father.id)).route_id == there  # type: ignore[union-attr]


async def test_an_infant_without_a_booking_code_has_nobody(world: World) -> None:
    """Before infants needed somebody of their booking, one could be registered so."""
    _, there, _, child = await family(world)
    await world.put(child, reference=None)
    await world.registered(adult(there, 2))
    assert await moved(world, (child, there)) == [ALONE]


async def test_whoever_leaves_before_the_lock_holds_nobody(world: World) -> None:
    _, there, _, child = await family(world)
    father = await world.registered(adult(there, 2))

    async def cancelled() -> None:
        await world.moved(father.id, S.CANCELLED)

    with meanwhile("SELECT route_id FROM registrant WHERE id = ANY", cancelled):
        assert await moved(world, (child, there)) == [ALONE]


async def test_a_hundred_infants_take_as_many_statements_as_one(world: World) -> None:
    here, there = await world.route("Bus 1", quota=1000), await world.route("Bus 2", quota=1000)
    taken = []
    for families in (range(1), range(1, 101)):
        people = [
            one
            for number in families
            for one in (
                adult(here, number + 500, reference=f"F-{number}"),
                infant(here, number, reference=f"F-{number}"),
            )
        ]
        wanted = [(one.view.id, there) for one in await world.submit(*people)]
        with world.statements() as issued:
            assert set(await moved(world, *wanted)) == {"moved"}
        taken.append(len(issued))
    assert taken[0] == taken[1]
