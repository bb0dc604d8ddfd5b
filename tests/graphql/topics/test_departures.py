"""A wrong departure is put right through the door, and the no-shows that the wrong time alone caused go back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.graphql.conftest import Api
from tests.world import DJKA, LEAVES, World, someone

pytestmark = pytest.mark.anyio

WRONG = LEAVES - timedelta(days=10)
AFTER = WRONG + timedelta(hours=3)
SAVE = """mutation ($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) {
    ... on Route { departsAt } ... on Problem { code message } } }"""
STATUS = "query ($id: ID!) { registrant(ref: { id: $id }) { status history { from to reason } } }"
DEPART = """mutation ($id: ID!, $at: DateTime) { departRegistrant(ref: { id: $id }, healthy: true, at: $at) {
    ... on Registrant { status } ... on Problem { code } } }"""


async def test_no_shows_of_a_wrong_departure_go_back_by_themselves(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = await world.route(organizer="djka", departs_at=WRONG)
    one = await world.verified(someone(DJKA, route))

    async def seen() -> Any:
        return (await api.data(STATUS, {"id": str(one.id)}, organizer="djka"))["registrant"]

    await world.sweep(AFTER)
    assert (await seen())["status"] == "NO_SHOW"
    monkeypatch.setattr("app.clock.now", lambda: AFTER)
    given = {"id": str(route), "name": "Jakarta - Solo", "direction": "MUDIK", "origin": "pulo-gebang"}
    later = given | {"destination": "tirtonadi", "departsAt": LEAVES.isoformat()}
    saved = await api.data(SAVE, {"inputs": [later]}, organizer="djka")
    assert saved == {"saveRoutes": [{"departsAt": "2026-03-16T02:00:00Z"}]}
    assert (await seen())["status"] == "NO_SHOW"
    await world.sweep(AFTER)
    found = await seen()
    assert found["status"] == "VERIFIED"
    reason = "Waktu keberangkatan rute diperbaiki."
    assert found["history"][-1] == {"from": "NO_SHOW", "to": "VERIFIED", "reason": reason}
    # Aboard at the right time.
    monkeypatch.setattr("app.clock.now", lambda: LEAVES)
    departed = await api.data(DEPART, {"id": str(one.id), "at": LEAVES.isoformat()}, organizer="djka")
    assert departed == {"departRegistrant": {"status": "DEPARTED"}}
