"""Submission end to end against a real database: what is accepted, what is refused, what is left unchanged."""

from datetime import timedelta

import pytest

from app.registry.submission import Accepted
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio


async def test_a_person_is_registered(world: World) -> None:
    route = await world.route("Jakarta - Solo", quota=2)
    [verdict] = await world.submit(someone(HUBDAT, route, reference="BK-1"))
    assert isinstance(verdict, Accepted)
    assert not verdict.replayed
    assert verdict.return_record is None
    assert verdict.record.nik == nik_of(1)
    assert verdict.record.status == "REGISTERED"
    assert verdict.record == await world.find(verdict.record.id)
    assert await world.taken("Jakarta - Solo") == 1


async def test_a_nik_belongs_to_the_first_to_arrive(world: World) -> None:
    ours = await world.route("Jakarta - Solo")
    theirs = await world.route("Jakarta - Solo KA", organizer="djka")
    await world.registered(someone(HUBDAT, ours, registered_at=NOW - timedelta(days=1)))
    [refused] = await world.submit(someone(DJKA, theirs))
    assert refused.code == "NIK_ALREADY_REGISTERED"
    assert refused.standing.organizer == "hubdat"
    assert refused.standing.own is False
    assert await world.taken("Jakarta - Solo KA") == 0
    assert await world.count("registrant") == 1
    assert await world.run("SELECT state, suspect FROM duplicate_case") == [("OPEN", False)]
    assert await world.run("SELECT organizer_code, attempts FROM case_claim") == [("djka", 1)]
