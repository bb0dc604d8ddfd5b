"""What the feed tells of cases: who hears of a decision, and who is asked for a correction; nothing of a suspicion."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.changes.log import closing, feed
from app.changes.log.feed import START
from app.models.enums import CaseState, RegistrantStatus
from app.registry import case_decisions
from app.registry.registrants.motorcycles import Motorcycle
from tests.changes.conftest import settled
from tests.world import DJKA, DKI, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

OTHER = "Orang Lain Sekali"
WHY = "Keterangan keluarga"


async def holder(world: World) -> UUID:
    return (await world.registered(someone(DJKA, await world.route(organizer="djka"), 1))).id


async def refused(world: World) -> None:
    await world.submit(someone(DKI, await world.route("DKI", organizer="dishub-dki"), 1, name=OTHER))


async def suspected(world: World) -> UUID:
    """DKI has the person, too: with a motorcycle, under another name."""
    truck = await world.route("Truk", organizer="dishub-dki", service="MOTORCYCLE")
    return (await world.accepted(someone(DKI, truck, 1, name=OTHER, motorcycle=Motorcycle("B 1 XX", "1")))).view.id


async def decide(world: World, state: CaseState, mistyped_by: str | None = None) -> None:
    case = await world.one("SELECT id FROM duplicate_case")
    decided: Any = await world.database.attempt(
        lambda session: case_decisions.decide(session, HUBDAT, case, state, WHY, NOW, mistyped_by=mistyped_by)
    )
    assert decided.state == state


async def told(world: World, *organizers: str) -> list[tuple[str, UUID, str | None]]:
    """What the feed of `organizers` tells of cases."""
    await settled(world)
    async with world.database.transaction() as session:
        page = await feed.page(session, organizers or None, START, most=100)
    assert not page.more
    items = [(item.change.kind, item.registrant.id, item.change.reason) for item in page.items]
    return [item for item in items if item[0] in {"CASE_SETTLED", "CORRECTION_ASKED"}]


async def test_a_decision_is_told_to_the_holder(world: World) -> None:
    one = await holder(world)
    await refused(world)
    await decide(world, CaseState.CONFIRMED)
    assert await told(world, "djka") == [("CASE_SETTLED", one, WHY)]
    assert await told(world, "dishub-dki") == []
    async with world.database.transaction() as session:
        [history] = await feed.histories(session, [one])
    assert [change.kind for change in history] == ["REGISTRANT_MOVED", "CASE_SETTLED"]


async def test_a_holder_that_mistyped_is_asked_for_a_correction(world: World) -> None:
    one = await holder(world)
    await refused(world)
    await decide(world, CaseState.NOT_DUPLICATE, "djka")
    assert await told(world, "djka") == [("CASE_SETTLED", one, WHY), ("CORRECTION_ASKED", one, WHY)]
    assert await told(world, "dishub-dki") == []


async def test_a_claimant_that_mistyped_is_asked_if_it_has_a_registration(world: World) -> None:
    """Who was refused has none. The event and the list of cases tell it."""
    one, theirs = await holder(world), await suspected(world)
    await refused(world)
    await decide(world, CaseState.NOT_DUPLICATE, "dishub-dki")
    assert await told(world, "dishub-dki") == [("CORRECTION_ASKED", theirs, WHY)]
    assert await told(world, "djka") == [("CASE_SETTLED", one, WHY)]
    await world.moved(theirs, RegistrantStatus.CANCELLED, DKI)
    await decide(world, CaseState.CONFIRMED)
    await decide(world, CaseState.NOT_DUPLICATE, "dishub-dki")
    assert [kind for kind, *_ in await told(world, "dishub-dki")] == ["CORRECTION_ASKED"]


async def test_what_is_only_suspected_is_told_to_nobody(world: World) -> None:
    """But whoever is asked for a correction knows."""
    await holder(world)
    theirs = await suspected(world)
    await decide(world, CaseState.CONFIRMED)
    assert await told(world) == []
    await decide(world, CaseState.NOT_DUPLICATE, "dishub-dki")
    assert await told(world) == [("CORRECTION_ASKED", theirs, WHY)]


@pytest.mark.parametrize("is_refused", [True, False])
async def test_a_case_that_closes_by_itself_is_told_to_the_holder(world: World, is_refused: bool) -> None:
    one = await holder(world)
    await (refused(world) if is_refused else suspected(world))
    await world.moved(one, RegistrantStatus.CANCELLED, DJKA)
    await settled(world)
    await world.database.attempt(lambda session: closing.close(session, START, NOW))
    assert await world.one("SELECT state FROM duplicate_case") == "CLOSED"
    assert await told(world) == ([("CASE_SETTLED", one, None)] if is_refused else [])
