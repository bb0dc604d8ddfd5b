"""A NIK that is corrected through the door is judged like a new one: cities, and names."""

from __future__ import annotations

from typing import Any

import pytest

from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.view import View
from tests.changes.conftest import settled
from tests.changes.counting import count_all
from tests.graphql.conftest import EVERYDAY, Api
from tests.world import DJKA, DKI, HUBDAT, World, nik_of, someone

pytestmark = pytest.mark.anyio

WRONG, RIGHT = 1, 2
PAPERS = Motorcycle("B 1", "1")
CORRECT = """mutation ($id: ID!, $nik: NIK!) {
    correctRegistrant(ref: { id: $id }, input: { nik: $nik, reason: "Salah ketik" }) {
        ... on Registrant { nik } ... on Problem { code field message } } }"""


async def corrected(api: Api, one: View, **how: Any) -> Any:
    """The NIK is that of `RIGHT`."""
    return (await api.data(CORRECT, {"id": str(one.id), "nik": nik_of(RIGHT)}, **how))["correctRegistrant"]


# --- cities -----------------------------------------------------------------------------------------------------------


async def test_the_motorcycle_of_the_right_nik_goes_to_another_city(api: Api, world: World) -> None:
    truck = await world.route("Truk", service="MOTORCYCLE", destination="giwangan")
    await world.registered(someone(HUBDAT, truck, RIGHT, motorcycle=PAPERS))
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    await api.token()
    async with world.unchanged():
        refused = await corrected(api, one, headers={"Accept-Language": "en"})
    assert refused == {
        "code": "DESTINATION_MISMATCH",
        "field": "nik",
        "message": (
            "A motorcycle and its rider must go to the same city, Kota Yogyakarta; choose a route to that city."
        ),
    }


async def test_the_way_home_of_the_right_nik_goes_to_another_city(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route("Yogya", destination="giwangan"), RIGHT))
    await world.policy("hubdat", return_requires_outbound=False)
    back = await world.registered(someone(HUBDAT, await world.way_back(), WRONG))
    await world.policy("hubdat", return_requires_outbound=True)
    await api.token()
    async with world.unchanged():
        refused = await corrected(api, back, headers={"Accept-Language": "en"})
    assert refused == {
        "code": "RETURN_CITY_MISMATCH",
        "field": "nik",
        "message": (
            "The trip back must leave from the destination of the trip home, Kota Yogyakarta;"
            " choose a route from there."
        ),
    }


# --- names ------------------------------------------------------------------------------------------------------------

SEEN = """{ cases { nodes { suspect claims { organizer { code } } holder { code } } }
    statistics { duplicates duplicatePairs { claimant { code } suspected } }
    attention { cases { openedAt } }
    changes(first: 100) { nodes { kind from to reason registrant { id } } } }"""
"""What an organizer sees that could tell it of a suspicion."""


@pytest.mark.parametrize(("name", "suspected"), [("Bambang Sutrisno", True), ("Warga Contoh", False)])
async def test_a_clearly_other_name_elsewhere_is_suspected_and_only_hubdat_sees_it(
    api: Api, world: World, name: str, suspected: bool
) -> None:
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(DJKA, deck, RIGHT, name=name, motorcycle=PAPERS))
    one = await world.registered(someone(DKI, await world.route(organizer="dishub-dki"), WRONG))
    assert await corrected(api, one, organizer="dishub-dki") == {"nik": nik_of(RIGHT)}
    await settled(world)
    await count_all(world.database)
    case = {"suspect": True, "claims": [{"organizer": {"code": "dishub-dki"}}], "holder": {"code": "djka"}}
    found = await api.data("{ cases { nodes { suspect claims { organizer { code } } holder { code } } } }")
    assert found["cases"]["nodes"] == [case] * suspected
    moved = {"kind": "REGISTRANT_MOVED", "from": None, "to": "REGISTERED", "reason": None}
    told = {"from": None, "to": None, "kind": "REGISTRANT_CORRECTED", "reason": "Salah ketik"}
    for organizer, kinds in (("dishub-dki", [moved, told]), ("djka", [moved])):
        seen = await api.data(SEEN, organizer=organizer, scopes=EVERYDAY)
        assert seen["cases"]["nodes"] == []
        assert seen["statistics"] == {"duplicates": 0, "duplicatePairs": []}
        assert seen["attention"] == {"cases": []}
        assert [node | {"registrant": None} for node in seen["changes"]["nodes"]] == [
            node | {"registrant": None} for node in kinds
        ]
