"""Held seats, through the door: held, used by a submission and by a booking, given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.graphql.conftest import Api
from tests.world import HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

SHOWN = (
    "... on SeatHold { id seats endsAt route { id held remaining } } ... on Problem { code field message retryAfter }"
)
HOLD = f"""mutation ($route: ID!, $seats: Int! = 1, $minutes: Int! = 15) {{
    holdSeats(routeId: $route, seats: $seats, minutes: $minutes) {{ {SHOWN} }} }}"""
GIVE_BACK = f"mutation ($hold: ID!) {{ giveBackSeats(hold: $hold) {{ {SHOWN} }} }}"
SUBMIT = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
    ... on Submission { registrant { route { held taken remaining } } return { route { held taken remaining } }
        warnings { code message } }
    ... on Problem { code field message } } }"""
BOOK = """mutation ($input: SubmitBooking!) { submitBooking(input: $input) {
    ... on SubmittedBooking { submissions { registrant { route { held taken remaining } } warnings { code } } }
    ... on RefusedBooking { problems { code field } } ... on Problem { code field } } }"""
POLICY = """mutation ($percent: Int) { saveOrganizer(input: {code: "hubdat", name: "Hubdat",
    policy: {holdPercent: $percent}}) {
        ... on Organizer { code policy { holdPercent } } ... on Problem { code field } } }"""
ROUTES = "query ($left: Boolean) { routes(where: {withSeats: $left}) { nodes { name } } }"


async def held(api: Api, route_id: UUID, seats: int = 1, **how: Any) -> Any:
    return (await api.data(HOLD, {"route": str(route_id), "seats": seats}, **how))["holdSeats"]


def person(number: int, route_id: UUID, **changes: Any) -> dict[str, Any]:
    return {"nik": nik_of(number), "name": "Warga", "routeId": str(route_id), "identityDocument": "KTP"} | changes


async def test_seats_are_held_used_and_given_back(api: Api, world: World) -> None:
    route_id = await world.route(quota=40)
    hold = await held(api, route_id, 2)
    ends_at = (NOW + timedelta(minutes=15)).isoformat().replace("+00:00", "Z")
    assert hold == {
        "id": hold["id"],
        "seats": 2,
        "endsAt": ends_at,
        "route": {"id": str(route_id), "held": 2, "remaining": 38},
    }
    answer = await api.data(SUBMIT, {"input": person(1, route_id, hold=hold["id"])})
    assert answer["submitRegistrant"] == {
        "registrant": {"route": {"held": 1, "taken": 1, "remaining": 38}},
        "return": None,
        "warnings": [],
    }
    for _ in range(2):
        given_back = (await api.data(GIVE_BACK, {"hold": hold["id"]}))["giveBackSeats"]
        assert (given_back["seats"], given_back["route"]["remaining"]) == (0, 39)


async def test_a_hold_that_has_ended_warns(api: Api, world: World) -> None:
    route_id = await world.route(quota=40)
    hold = await held(api, route_id)
    await world.run("UPDATE seat_hold SET ends_at = :now", now=NOW)
    answer = await api.data(SUBMIT, {"input": person(1, route_id, hold=hold["id"])})
    assert answer["submitRegistrant"]["warnings"] == [
        {
            "code": "HOLD_ENDED",
            "message": "Penahanan kursi sudah berakhir atau sudah terpakai semua; orang ini mendapat kursi yang masih"
            " kosong.",
        }
    ]


async def test_what_is_no_hold_is_refused(api: Api, world: World) -> None:
    route_id = await world.route(quota=40)
    async with world.unchanged("registrant", "route", "seat_hold"):
        refused = (await api.data(SUBMIT, {"input": person(1, route_id, hold="bukan id")}))["submitRegistrant"]
        lost = (await api.data(GIVE_BACK, {"hold": "bukan id"}))["giveBackSeats"]
        few = await held(api, route_id, 0)
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "hold")
    assert refused["message"].startswith("Penahanan kursi ini tidak ditemukan")
    assert (lost["code"], lost["field"], lost["message"]) == (
        "NOT_FOUND",
        "hold",
        "Penahanan kursi tidak ditemukan; periksa kembali.",
    )
    assert (few["code"], few["field"]) == ("INVALID_VALUE", "seats")


async def test_hubdat_decides_how_many_are_held(api: Api, world: World) -> None:
    route_id = await world.route(quota=40)
    await held(api, route_id)
    refused = await held(api, route_id, 2)
    assert (refused["code"], refused["field"], refused["retryAfter"]) == ("HOLDS_FULL", "seats", 901)
    admin = {"scopes": ("hubdat:admin",)}
    saved = (await api.data(POLICY, {"percent": 50}, **admin))["saveOrganizer"]
    assert saved == {"code": "hubdat", "policy": {"holdPercent": 50}}
    assert (await held(api, route_id, 10))["seats"] == 10
    wrong = (await api.data(POLICY, {"percent": 101}, **admin))["saveOrganizer"]
    assert wrong == {"code": "INVALID_VALUE", "field": "holdPercent"}


async def test_a_family_with_its_way_back(api: Api, world: World) -> None:
    await world.policy("hubdat", hold_percent=100)
    there, back = await world.route(quota=2), await world.way_back(quota=2)
    hold, return_hold = [await held(api, one, 2) for one in (there, back)]
    people = [person(number, there, returnRouteId=str(back)) for number in (1, 2)]
    booking = {"reference": "BK-1", "hold": hold["id"], "returnHold": return_hold["id"], "registrants": people}
    answer = (await api.data(BOOK, {"input": booking}))["submitBooking"]
    full = {"registrant": {"route": {"held": 0, "taken": 2, "remaining": 0}}, "warnings": []}
    assert answer == {"submissions": [full, full]}


async def test_one_person_with_both_holds(api: Api, world: World) -> None:
    await world.policy("hubdat", hold_percent=100)
    there, back = await world.route(quota=1), await world.way_back(quota=1)
    hold, return_hold = [await held(api, one) for one in (there, back)]
    asked = person(1, there, returnRouteId=str(back), hold=hold["id"], returnHold=return_hold["id"])
    full = {"route": {"held": 0, "taken": 1, "remaining": 0}}
    answer = (await api.data(SUBMIT, {"input": asked}))["submitRegistrant"]
    assert answer == {"registrant": full, "return": full, "warnings": []}


async def test_a_route_whose_last_seats_are_held_has_none_left(api: Api, world: World) -> None:
    await world.policy("hubdat", hold_percent=100)
    route_id = await world.route("Solo", quota=2)
    await world.route("Yogya", quota=2)
    await world.registered(someone(HUBDAT, route_id))
    await held(api, route_id)
    assert (await api.data(ROUTES, {"left": True}))["routes"]["nodes"] == [{"name": "Yogya"}]
    assert (await api.data(ROUTES, {"left": False}))["routes"]["nodes"] == [{"name": "Solo"}]


async def test_the_same_request_again_is_the_same_hold(api: Api, world: World) -> None:
    route_id = await world.route(quota=100)
    one, again = [await held(api, route_id, 2, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert one == again
    assert await world.count("seat_hold") == 1
