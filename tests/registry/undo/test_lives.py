"""Random lives with steps back: seats are holders, trips are whole, and the figures are what a plain count says."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.undo import reopening
from tests.changes.counting import count_all, differences
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
STEPS = ("submit", "verify", "cancel", "depart", "reopen", "reopen", "sweep", "wait", "count")
SEATS_ARE_HOLDERS = """
    SELECT count(*) FROM route WHERE taken <> (
        SELECT count(*) FROM registrant WHERE route_id = route.id AND NOT lap_infant
            AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW'))
"""
RETURNS_WITHOUT_OUTBOUND = """
    SELECT count(*) FROM registrant r JOIN registrant home ON home.id = r.outbound_id
    WHERE r.status IN ('REGISTERED', 'VERIFIED') AND home.status IN ('CANCELLED', 'FORFEITED')
"""


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_taken_back(world: World, seed: int) -> None:
    dice, now = random.Random(seed), NOW  # noqa: S311 - no secret
    home, back = await world.route(quota=4), await world.way_back(quota=3)
    for _ in range(120):
        step = dice.choice(STEPS)
        if step == "wait":
            now += timedelta(hours=dice.choice((1, 20, 30, 100)))
        elif step == "sweep":
            await world.sweep(now)
        elif step == "count":
            await count_all(world.database)
        elif step == "submit":
            way_back = dice.choice((None, back))
            person = someone(HUBDAT, home, dice.randrange(6), return_route_id=way_back, registered_at=now)
            await world.submit(person, now=now)
        else:
            await act(world, step, dice, now)
        assert await world.one(SEATS_ARE_HOLDERS) == 0
        assert await world.one(RETURNS_WITHOUT_OUTBOUND) == 0
    await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}
    # It was a life with steps back.
    assert [one for one in await world.changes() if one[1] in {"CANCELLED", "FORFEITED", "NO_SHOW"}]


async def act(world: World, step: str, dice: random.Random, now: datetime) -> None:
    ids: list[UUID] = [row.id for row in await world.run("SELECT id FROM registrant ORDER BY id")]
    if not ids:
        return
    one = Ref(id=dice.choice(ids))
    if step == "reopen":
        await world.database.attempt(
            lambda session: reopening.reopen(session, world.vault, HUBDAT, [one], "Keliru", now)
        )
        return
    to = {"verify": S.VERIFIED, "cancel": S.CANCELLED, "depart": S.DEPARTED}[step]
    await world.move(Move(caller=HUBDAT, ref=one, to=to, reason="Permintaan", healthy=True), now=now)
