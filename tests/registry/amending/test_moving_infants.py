"""Moving lap infants: to where somebody of their booking has a seat, and nowhere else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.amending import rerouting
from app.registry.registrants.lookup import Ref
from app.registry.routes.lap_infants import MOST_OF_A_BOOKING
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


async def family(world: World) -> tuple[UUID, UUID, UUID, UUID]:
    """The route of a mother and her infant, another one, and both of them."""
    here, there = await world.route("Bus 1"), await world.route("Bus 2", quota=1)
    mother = await world.registered(someone(HUBDAT, here, 1, reference="BK-1"))
    infant = someone(HUBDAT, here, nik="3201011001259003", identity_document="KK", lap_infant=True, reference="BK-1")
    return here, there, mother.id, (await world.registered(infant)).id


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
